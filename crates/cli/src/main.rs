//! The `plinth` program: the command of the library `cli`, without a cluster.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(None)
}
