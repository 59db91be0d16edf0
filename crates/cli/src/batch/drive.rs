//! Drives a job in the foreground: signals stop it, the terminal shows it, the end is summed up.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Result;
use batch::{Attempts, Endpoint, Hooks, Job, JobFolder, Options, State, Stop, Summary, Work};

use super::progress::{Progress, human, rows};
use crate::failure::Outcome;

/// Attempts by this process, with rows predicted in it, or by an endpoint if there is one.
pub(crate) fn attempts(work: Work, endpoint: Option<Endpoint>) -> Attempts {
    let work = Arc::new(match endpoint {
        Some(endpoint) => work.at(endpoint),
        None => work,
    });
    Arc::new(move |_chunk, attempt| {
        let work = Arc::clone(&work);
        Box::pin(async move { work.attempt(attempt).await.map(Into::into) })
    })
}

/// Runs what is left of the job, and says how it ended.
pub(crate) async fn drive(
    folder: &JobFolder,
    job: &Arc<Job>,
    attempts: Attempts,
    options: Options,
) -> Result<Outcome> {
    let progress = Arc::new(Progress::new(job));
    let stop = Stop::default();
    let signals = tokio::spawn(stop_on_signal(stop.clone()));
    let shown = Arc::clone(&progress);
    let hooks = Hooks { clock: Arc::new(now), on_event: Arc::new(move |event| shown.show(&event)), stop };
    let call = move |chunk, attempt| attempts(chunk, attempt);
    let ended = batch::run(folder, job, options, hooks, call).await;
    signals.abort();
    progress.end();
    let summary = ended?;
    summarize(folder, &summary);
    Ok(match summary.state {
        State::Cancelled => Outcome::Cancelled,
        State::Expired => Outcome::Expired,
        _ => Outcome::Done,
    })
}

#[expect(clippy::disallowed_methods, reason = "a command knows the time")]
fn now() -> SystemTime {
    SystemTime::now()
}

async fn stop_on_signal(stop: Stop) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.stop();
    }
}

fn summarize(folder: &JobFolder, summary: &Summary) {
    let progress = &summary.progress;
    let seconds = summary.elapsed.as_secs_f64();
    let what = match summary.state {
        State::Succeeded => "done",
        State::Cancelled => "cancelled",
        State::Expired => "out of time",
        _ => "this part is done",
    };
    println!(
        "{what}: {} predicted, {} bad, {} of {} chunks, {seconds:.1} s, {:.0} rows/s",
        rows(progress.rows),
        progress.errors,
        progress.n_done,
        progress.n_chunks,
        progress.rows_per_second,
    );
    let uri = folder.root().uri();
    match summary.state {
        State::Succeeded if progress.errors > 0 => {
            println!("output: {uri}/data/ ({}), bad rows: {uri}/errors/", human(progress.bytes));
        }
        State::Succeeded => println!("output: {uri}/data/ ({})", human(progress.bytes)),
        _ => println!("go on with: plinth batch resume {uri}"),
    }
}
