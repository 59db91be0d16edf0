//! Where and when a run took place. What cannot be found out is left empty; nothing here fails.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

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
    /// The part of all cores.
    pub(crate) used_by_others: f64,
}

impl Machine {
    pub(crate) fn here(root: &Path) -> Self {
        Self {
            time: output(root, "date", &["-u", "+%Y-%m-%d %H:%M"]),
            commit: commit(root),
            command: command_line(),
            processor: field("/proc/cpuinfo", "model name"),
            cores: thread::available_parallelism().map_or(0, usize::from),
            memory: memory(),
            system: output(root, "uname", &["-sr"]),
            rustc: output(root, "rustc", &["--version"]),
            used_by_others: used_by_others(),
        }
    }
}

/// How long the cores are watched.
const WATCH: Duration = Duration::from_secs(2);

/// The part of all cores that others use while this program waits; 0 where that cannot be told.
pub(crate) fn used_by_others() -> f64 {
    let Some((busy_before, all_before)) = ticks() else { return 0.0 };
    thread::sleep(WATCH);
    let Some((busy_after, all_after)) = ticks() else { return 0.0 };
    (busy_after - busy_before) / (all_after - all_before).max(1.0)
}

/// How much of all cores others use from here on: what is busy, less what this program and its child use.
pub(crate) struct Watch {
    child: u32,
    ticks: Option<(f64, f64)>,
    own: f64,
}

impl Watch {
    /// Begins to watch; `child` is the process that answers for the peer.
    pub(crate) fn begin(child: u32) -> Self {
        Self { child, ticks: ticks(), own: own_ticks(child) }
    }

    /// The part of all cores that others have used; 0 where that cannot be told.
    pub(crate) fn used_by_others(&self) -> f64 {
        let (Some((busy_before, all_before)), Some((busy, all))) = (self.ticks, ticks()) else { return 0.0 };
        let own = own_ticks(self.child) - self.own;
        ((busy - busy_before - own) / (all - all_before).max(1.0)).max(0.0)
    }
}

fn own_ticks(child: u32) -> f64 {
    process_ticks("self").unwrap_or_default() + process_ticks(&child.to_string()).unwrap_or_default()
}

/// User and system time of a process and of the children that it has waited for: the 12th to 15th word after its name.
fn process_ticks(process: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, words) = text.rsplit_once(')')?;
    Some(words.split_whitespace().skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok()).sum())
}

/// The busy and all ticks of the cores since the system started.
fn ticks() -> Option<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks = text.lines().next()?.split_whitespace().skip(1).filter_map(|ticks| ticks.parse().ok());
    let ticks: Vec<f64> = ticks.collect();
    let all: f64 = ticks.iter().take(8).sum();
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    Some((all - idle, all))
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
