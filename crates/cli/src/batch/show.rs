//! `plinth batch status` and `cancel`.

use std::time::SystemTime;

use anyhow::Result;
use batch::JobFolder;

use super::progress::rows;
use super::run;

/// What `plinth batch status` takes.
#[derive(clap::Args)]
pub(crate) struct StatusArgs {
    /// The job's output
    output: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `plinth batch cancel` takes.
#[derive(clap::Args)]
pub(crate) struct CancelArgs {
    /// The job's output
    output: String,
}

#[expect(clippy::disallowed_methods, reason = "whether a driver lives is a question of time")]
pub(crate) fn status(args: &StatusArgs) -> Result<()> {
    let folder = JobFolder::new(run::stores().locate(&args.output)?);
    let status = run::runtime(1)?.block_on(folder.status())?.seen_at(SystemTime::now());
    if args.json {
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(());
    }
    println!("{:?}: {} of {} chunks", status.state, status.chunks_done, status.chunks);
    println!("{} predicted, {} bad, {:.0} rows/s", rows(status.rows), status.errors, status.rows_per_second);
    if let Some(seconds) = status.eta_seconds {
        println!("about {seconds:.0} s left");
    }
    if let Some(error) = &status.error {
        println!("error: {error}");
    }
    Ok(())
}

pub(crate) fn cancel(args: &CancelArgs) -> Result<()> {
    let folder = JobFolder::new(run::stores().locate_output(&args.output)?);
    run::runtime(1)?.block_on(async {
        folder.read().await?;
        folder.cancel().await
    })?;
    println!("cancelled; go on with: plinth batch resume {}", args.output);
    Ok(())
}
