//! Where and when a run took place. What cannot be found out is left empty; nothing here fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What a result is worthless without.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Machine {
    /// In UTC.
    pub(crate) time: String,
    pub(crate) commit: String,
    pub(crate) command: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) system: String,
    pub(crate) rustc: String,
    pub(crate) load_at_start: String,
}

impl Machine {
    pub(crate) fn here(root: &Path) -> Self {
        Self {
            time: output(root, "date", &["-u", "+%Y-%m-%d %H:%M"]),
            commit: commit(root),
            command: command_line(),
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: memory(),
            system: output(root, "uname", &["-sr"]),
            rustc: output(root, "rustc", &["--version"]),
            load_at_start: load(),
        }
    }
}

/// The machine's load over the last one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn memory() -> String {
    let kibibytes = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<f64>();
    kibibytes.map(|kibibytes| format!("{:.0} GiB", kibibytes / f64::from(1 << 20))).unwrap_or_default()
}

fn commit(root: &Path) -> String {
    let commit = output(root, "git", &["rev-parse", "--short", "HEAD"]);
    let changed =
        output(root, "git", &["status", "--porcelain", "--", "crates", "functions", "models", "wit"]);
    if changed.is_empty() { commit } else { format!("{commit} with uncommitted changes") }
}

/// As it is typed in the folder `bench`.
fn command_line() -> String {
    let args: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo run --release -- {}", args.join(" ")).trim_end_matches(" -- ").to_owned()
}

/// What follows the first `name` and a colon.
fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

fn output(root: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(root).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
