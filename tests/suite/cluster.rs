//! `plinth batch run --cluster` on a cluster of this machine, a scheduler and two executors, whose parts die one after the other. What comes out
//! is what one process writes, to the byte.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use crate::jobs::{check_labels, check_run, dataset, entries, plinth, run_arguments};

const CHUNK_ROWS: &str = "60";

/// A server that ends with the test.
struct Server {
    child: Child,
    /// What it says first.
    line: String,
    /// Kept open, so that it can say more.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = plinth(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{arguments:?} ended");
        Self { child, line: line.trim_end().to_owned(), _stdout: stdout }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A scheduler and two executors.
struct Cluster {
    url: String,
    scheduler: Option<Server>,
    executors: Vec<Server>,
}

impl Cluster {
    fn start() -> Self {
        let scheduler = scheduler("0");
        let url = scheduler.line.strip_prefix("scheduler: ").unwrap().to_owned();
        let executors = vec![executor(&url), executor(&url)];
        Self { url, scheduler: Some(scheduler), executors }
    }

    fn kill_executor(&mut self) {
        self.executors.remove(0).kill();
    }

    fn kill_scheduler(&mut self) {
        self.scheduler.take().unwrap().kill();
    }

    /// Starts again what is not there.
    fn mend(&mut self) {
        let port = self.url.rsplit(':').next().unwrap();
        self.scheduler.get_or_insert_with(|| scheduler(port));
        while self.executors.len() < 2 {
            self.executors.push(executor(&self.url));
        }
    }
}

fn scheduler(port: &str) -> Server {
    Server::start(&["cluster", "scheduler", "--port", port, "--executor-timeout", "3"])
}

fn executor(scheduler: &str) -> Server {
    let ports = ["--port", "0", "--grpc-port", "0"];
    let arguments =
        ["cluster", "executor", "--scheduler", scheduler, "--concurrency", "1", "--heartbeat", "1"];
    Server::start(&[&arguments[..], &ports[..]].concat())
}

/// The files of a folder with their content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|file| (file.file_name().unwrap().into(), std::fs::read(&file).unwrap())).collect()
}

/// When something dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Nothing is committed, and work has begun.
    PartBegun,
    /// A part is written that has no commit.
    PartWritten,
    /// So many chunks are committed.
    Committed(usize),
    /// All are, and nothing is published.
    AllCommitted,
}

impl Moment {
    fn has_come(self, out: &Path, n_chunks: usize) -> bool {
        let job = out.join("_plinth");
        let n_commits = entries(&job.join("commits"));
        match self {
            Self::PartBegun => entries(&job.join("attempts")) > 0 || n_commits > 0,
            Self::PartWritten => has_uncommitted_part(&job) || n_commits > n_chunks / 2,
            Self::Committed(n) => n_commits >= n,
            Self::AllCommitted => n_commits >= n_chunks,
        }
    }
}

fn has_uncommitted_part(job: &Path) -> bool {
    let Ok(chunks) = std::fs::read_dir(job.join("attempts")) else { return false };
    chunks.flatten().any(|chunk| {
        let name = chunk.file_name().to_string_lossy().into_owned();
        entries(&chunk.path()) > 0 && !job.join(format!("commits/{name}.json")).exists()
    })
}

/// Waits for the moment, or for the driver's end; tells whether the moment came first.
fn wait_for(moment: Moment, out: &Path, n_chunks: usize, driver: &mut Child) -> bool {
    loop {
        if driver.try_wait().unwrap().is_some() {
            return false;
        }
        if moment.has_come(out, n_chunks) {
            return true;
        }
        std::thread::yield_now();
    }
}

#[derive(Clone, Copy, Debug)]
enum Victim {
    Driver,
    Executor,
    Scheduler,
}

#[test]
fn a_cluster_gives_what_one_process_gives_whatever_dies() {
    let (folder, labels) = dataset();
    let (rows, alone) = (folder.path().join("rows.jsonl"), folder.path().join("alone"));
    let rows = rows.to_str().unwrap();
    check_run(&run_arguments(rows, alone.to_str().unwrap(), &["--chunk-rows", CHUNK_ROWS]), 0);
    let (expect, n_chunks) = (files(&alone.join("data")), entries(&alone.join("data")));
    let mut cluster = Cluster::start();
    let mut n_killed = 0;
    let moments =
        [Moment::PartBegun, Moment::PartWritten, Moment::Committed(n_chunks / 2), Moment::AllCommitted];
    for (round, moment) in moments.into_iter().enumerate() {
        for victim in [Victim::Driver, Victim::Executor, Victim::Scheduler] {
            let out = folder.path().join(format!("{victim:?}-{round}"));
            let url = cluster.url.clone();
            let arguments =
                run_arguments(rows, out.to_str().unwrap(), &["--chunk-rows", CHUNK_ROWS, "--cluster", &url]);
            let mut driver = plinth(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            n_killed += usize::from(wait_for(moment, &out, n_chunks, &mut driver));
            match victim {
                Victim::Driver => driver.kill().unwrap(),
                Victim::Executor => cluster.kill_executor(),
                Victim::Scheduler => cluster.kill_scheduler(),
            }
            cluster.mend();
            let code = driver.wait().unwrap().code();
            assert!(matches!(victim, Victim::Driver) || code == Some(0), "{victim:?} {moment:?}: {code:?}");
            check_run(&arguments, 0);
            check_labels(&out, &labels);
            assert!(files(&out.join("data")) == expect, "{victim:?} {moment:?}: other bytes");
        }
    }
    assert!(n_killed >= 9, "only {n_killed} of 12 died before the job had ended");
}

#[test]
fn a_cluster_that_is_not_there_is_a_failure_that_can_be_resumed() {
    let (folder, labels) = dataset();
    let (rows, out) = (folder.path().join("rows.jsonl"), folder.path().join("out"));
    let (rows, out_text) = (rows.to_str().unwrap(), out.to_str().unwrap());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("df://{free}");
    let arguments = run_arguments(rows, out_text, &["--max-attempts", "1", "--cluster", &url]);
    let said = check_run(&arguments, 1);
    assert!(String::from_utf8_lossy(&said.stderr).contains("failed elsewhere"), "{said:?}");
    check_run(&["batch", "resume", out_text], 0);
    check_labels(&out, &labels);
    check_run(&run_arguments(rows, out_text, &["--cluster", "somewhere"]), 2);
}
