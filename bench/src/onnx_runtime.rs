//! ONNX Runtime in a child process, started in the same run and spoken to in lines of JSON. It also computes the answers
//! that every other subject is held against.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tensor::{Datatype, Tensor};

use crate::inputs;
use crate::models;
use crate::runner::Runner;

/// The child; it ends when dropped.
pub(crate) struct Peer {
    child: Child,
    requests: ChildStdin,
    responses: Lines<BufReader<ChildStdout>>,
}

/// What calling an empty model costs from Python.
#[derive(Deserialize)]
pub(crate) struct Floor {
    pub(crate) version: String,
    pub(crate) times: Vec<f64>,
}

#[derive(Deserialize)]
struct Opened {
    seconds: f64,
}

#[derive(Deserialize)]
struct Fed {
    outputs: Vec<OutputFile>,
}

#[derive(Deserialize)]
struct OutputFile {
    name: String,
    datatype: String,
    shape: Vec<u64>,
    file: PathBuf,
}

#[derive(Deserialize)]
struct Timed {
    times: Vec<f64>,
}

impl Peer {
    pub(crate) fn start(python: &Path, script: &Path) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start ONNX Runtime's process")?;
        let requests = child.stdin.take().context("the child has no stdin")?;
        let responses = BufReader::new(child.stdout.take().context("the child has no stdout")?).lines();
        Ok(Self { child, requests, responses })
    }

    /// The child's process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn floor(&mut self) -> Result<Floor> {
        self.ask(&json!({ "op": "floor" }))
    }

    /// Makes a session and tells the seconds that took.
    pub(crate) fn open(&mut self, onnx: &Path) -> Result<f64> {
        let opened: Opened = self.ask(&json!({ "op": "open", "model": onnx }))?;
        Ok(opened.seconds)
    }

    /// The session's answer to `inputs`, which it then repeats for [`Calls`].
    pub(crate) fn feed(&mut self, inputs: &[Tensor], folder: &Path) -> Result<Vec<Tensor>> {
        let files = inputs::write(inputs, folder)?;
        let fed: Fed = self.ask(&json!({ "op": "feed", "inputs": files, "folder": folder }))?;
        fed.outputs.into_iter().map(read_output).collect()
    }

    fn run(&mut self, n_calls: usize) -> Result<Vec<f64>> {
        let timed: Timed = self.ask(&json!({ "op": "run", "n": n_calls }))?;
        Ok(timed.times)
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Value) -> Result<T> {
        writeln!(self.requests, "{request}").context("ONNX Runtime's process has ended")?;
        let line = self.responses.next().context("ONNX Runtime's process has ended")??;
        let mut response: Value =
            serde_json::from_str(&line).context("ONNX Runtime's process talks nonsense")?;
        if let Some(error) = response.get("error") {
            bail!("ONNX Runtime: {}", error.as_str().unwrap_or_default());
        }
        let answer = response.get_mut("ok").map(Value::take).context("neither `ok` nor `error`")?;
        serde_json::from_value(answer).context("ONNX Runtime's process answers otherwise than expected")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Calls of the session with what it was fed.
pub(crate) struct Calls<'a> {
    pub(crate) peer: &'a mut Peer,
}

impl Runner for Calls<'_> {
    fn slice(&mut self, n_calls: usize) -> Result<Vec<f64>> {
        self.peer.run(n_calls)
    }
}

fn read_output(output: OutputFile) -> Result<Tensor> {
    let datatype = match output.datatype.as_str() {
        "float32" => Datatype::Fp32,
        "int64" => Datatype::Int64,
        other => bail!("output `{}` is {other}, which this benchmark does not read", output.name),
    };
    Ok(Tensor::new(output.name, datatype, output.shape, models::read(&output.file)?)?)
}
