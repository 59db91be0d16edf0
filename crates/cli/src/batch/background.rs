//! Leaves a planned job to a process of its own.

use std::env;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::failure::Outcome;

/// Starts the same command without `--detach`, away from this terminal: it finds the job planned, and runs it.
pub(crate) fn go_on(output: &str) -> Result<Outcome> {
    let program = env::current_exe().context("cannot find this program")?;
    let log = log_file(output);
    let file = File::create(&log).with_context(|| format!("cannot write `{}`", log.display()))?;
    let child = Command::new(program)
        .args(env::args_os().skip(1).filter(|argument| argument != "--detach"))
        // They have been looked at; the last word counts.
        .args(["--on-duplicate-key", "allow"])
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .process_group(0)
        .spawn()
        .context("cannot start a process in the background")?;
    println!("process {} goes on; its log is `{}`", child.id(), log.display());
    println!("see: plinth batch status {output}");
    Ok(Outcome::Done)
}

/// A file for what the process says, in the folder for temporary files.
fn log_file(output: &str) -> PathBuf {
    let digest = engine::digest(output.as_bytes());
    env::temp_dir().join(format!("plinth-batch-{}.log", digest.get(..12).unwrap_or_default()))
}
