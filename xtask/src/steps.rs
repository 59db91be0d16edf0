//! Runs named steps one after another and says how long each took.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// A named piece of a command.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Workspace) -> Result<()>,
}

/// Runs the steps of each list in order, up to the first that fails, and prints a table of what ran.
///
/// # Errors
/// That of the failing step, with the step's name.
pub(crate) fn run(workspace: &Workspace, lists: &[&[Step]]) -> Result<()> {
    let mut finished = Vec::new();
    let mut outcome = Ok(());
    for step in lists.iter().copied().flatten() {
        println!("==> {}", step.name);
        let started = Instant::now();
        outcome = (step.run)(workspace).with_context(|| format!("step `{}`", step.name));
        let mark = if outcome.is_ok() { "ok" } else { "FAILED" };
        finished.push((step.name, started.elapsed(), mark));
        println!("<== {}: {mark} in {}", step.name, seconds(started.elapsed()));
        if outcome.is_err() {
            break;
        }
    }
    print_table(&finished);
    outcome
}

fn print_table(finished: &[(&str, Duration, &str)]) {
    println!("\n{:<24} {:>9}", "step", "duration");
    for (name, duration, mark) in finished {
        println!("{name:<24} {:>9}  {mark}", seconds(*duration));
    }
    let total = finished.iter().map(|(_, duration, _)| *duration).sum();
    println!("{:<24} {:>9}\n", "total", seconds(total));
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
