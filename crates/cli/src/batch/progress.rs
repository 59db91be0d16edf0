//! What is seen of a job while it runs: a bar in a terminal, plain lines elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use batch::{Event, Job};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a plain line says how far the job is.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The bar, or what stands for it.
pub(crate) struct Progress {
    bar: ProgressBar,
    last_line: Mutex<Option<Instant>>,
}

impl Progress {
    pub(crate) fn new(job: &Job) -> Self {
        let bar = ProgressBar::with_draw_target(Some(job.chunks.len() as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} chunks  {msg}  {elapsed}") {
            bar.set_style(style);
        }
        Self { bar, last_line: Mutex::new(None) }
    }

    pub(crate) fn show(&self, event: &Event) {
        match event {
            Event::Started(progress) | Event::ChunkFinished { progress, .. } => self.show_progress(progress),
            Event::ChunkRetried { chunk, attempt, reason, delay } => {
                let seconds = delay.as_secs_f64();
                self.say(&format!(
                    "chunk {chunk}: attempt {attempt} failed, again in {seconds:.1} s: {reason}"
                ));
            }
            Event::ChunkFailed { chunk, attempts, reason } => {
                self.say(&format!("chunk {chunk}: failed after {attempts} attempts: {reason}"));
            }
            Event::Stopping(why) => self.say(&format!("stopping: {why:?}").to_lowercase()),
            Event::ChunkStarted { .. } | Event::Publishing | Event::Published => {}
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn show_progress(&self, progress: &batch::Progress) {
        let remaining =
            progress.remaining.map(|left| format!(", {} s left", left.as_secs())).unwrap_or_default();
        let message = format!(
            "{} ({:.0} rows/s), {} bad{remaining}",
            rows(progress.rows),
            progress.rows_per_second,
            progress.errors
        );
        self.bar.set_message(message.clone());
        self.bar.set_position(progress.n_done as u64);
        if self.bar.is_hidden() && self.is_time_for_a_line() {
            eprintln!("{} of {} chunks, {message}", progress.n_done, progress.n_chunks);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "lines are some time apart")]
    fn is_time_for_a_line(&self) -> bool {
        let Ok(mut last) = self.last_line.lock() else { return false };
        let is_time = last.is_none_or(|last| last.elapsed() >= LINE_EVERY);
        if is_time {
            *last = Some(Instant::now());
        }
        is_time
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

/// So many rows, in groups of three digits.
pub(crate) fn rows(n_rows: u64) -> String {
    let digits = n_rows.to_string();
    let mut grouped = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    format!("{grouped} rows")
}

/// So many bytes, in the unit that people would choose.
pub(crate) fn human(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(rows),
            ["0 rows", "999 rows", "1 000 rows", "1 234 567 rows"]
        );
    }
}
