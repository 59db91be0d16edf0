//! `cargo xtask <command>`: everything that a developer or a continuous integration run does with this repository.
//!
//! A command is a list of named steps; a step runs one or two processes. Nothing here knows what the crates do.

#![expect(clippy::disallowed_methods, reason = "a command does I/O by design")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod browser;
mod build;
mod ci;
mod conformance;
mod coverage;
mod engines;
mod model;
mod node_tests;
mod postgresql;
mod process;
mod python;
mod setup;
mod steps;
mod test;
mod up;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  setup      add the Wasm targets to the toolchain
  build      build the model runtime, the functions and the `plinth` command; pack the demo models;
             build the browser package and the console page
  up [ARGS]  build, then serve spin.toml; ARGS go to `plinth up`
  test       build, then run every test
  conformance [--write]
             build, then run clients that we did not write; compare docs/conformance.md, or write it
  node-tests build, then run every node test of ONNX; write docs/operators.md
  coverage   build, then ask what scikit-learn and boosted trees export; write docs/coverage.md
  ci         what continuous integration runs: format, build, lints, docs, tests, conformance";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Vec<String>) -> Result<()> {
    let Some((command, rest)) = args.split_first() else { bail!("no command\n\n{USAGE}") };
    if matches!(command.as_str(), "-h" | "--help" | "help") {
        println!("{USAGE}");
        return Ok(());
    }
    let is_write = command == "conformance" && rest == ["--write"];
    if command != "up" && !is_write && !rest.is_empty() {
        bail!("`{command}` does not take the arguments `{}`\n\n{USAGE}", rest.join(" "));
    }
    let workspace = Workspace::open()?;
    match command.as_str() {
        "setup" => steps::run(&workspace, &[setup::STEPS]),
        "build" => steps::run(&workspace, &[setup::STEPS, build::STEPS]),
        "up" => {
            steps::run(&workspace, &[setup::STEPS, build::STEPS])?;
            up::serve(&workspace, rest)
        }
        "test" => {
            steps::run(&workspace, &[setup::STEPS, build::STEPS, test::STEPS, browser::TESTS, engines::STEPS])
        }
        "conformance" => {
            let cases = if is_write { conformance::WRITE } else { conformance::CHECK };
            steps::run(&workspace, &[setup::STEPS, build::STEPS, cases])
        }
        "node-tests" => steps::run(&workspace, &[setup::STEPS, build::STEPS, node_tests::WRITE]),
        "coverage" => steps::run(&workspace, &[setup::STEPS, build::STEPS, coverage::WRITE]),
        "ci" => {
            let before = [setup::STEPS, ci::FORMAT, build::STEPS, ci::LINTS];
            let tests = [test::STEPS, browser::TESTS, engines::STEPS, conformance::CHECK];
            steps::run(&workspace, &[before.as_slice(), &tests].concat())
        }
        unknown => bail!("unknown command `{unknown}`\n\n{USAGE}"),
    }
}
