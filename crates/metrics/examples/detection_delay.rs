//! When Plinth's monitors first alarm in the streams of `bench/monitoring/streams.py`, looked at every 50 rows. Not a test, and not the other
//! tools: `bench/monitoring/run.py` starts all of them and makes the table.
//!
//!     cargo run --release -p metrics --example detection_delay -- FOLDER FIRST_SEED LAST_SEED
//!
//! Each alarm may be false in one of twenty streams; columns share that chance evenly.

#![expect(clippy::print_stdout, reason = "it says when alarms were raised")]
#![expect(clippy::disallowed_methods, reason = "it reads the streams")]

use std::{error::Error, path::Path};

use metrics::{
    risk_monitor::{LossCounts, MixtureMonitor, MixtureSettings, Tolerance, error_rate_threshold},
    sequential::bin_monitor::{BinMonitor, BinSettings},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const KINDS: [&str; 5] = ["none", "covariate-0.25", "covariate-0.75", "label", "concept"];
/// Eight features and the probability of class 1.
const N_INPUTS: usize = 9;
const N_BINS: usize = 10;
const N_ROWS_A_LOOK: usize = 50;
const TEST_LEVEL: f64 = 0.05;

/// A labelled row.
struct Row {
    inputs: [f64; N_INPUTS],
    is_error: bool,
}

fn read(folder: &Path, part: &str) -> Result<Vec<Row>> {
    let bytes = std::fs::read(folder.join(part).with_added_extension("f64"))?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    let numbers: Vec<f64> = numbers.iter().map(|&number| f64::from_le_bytes(number)).collect();
    let (rows, more) = numbers.as_chunks::<{ N_INPUTS + 1 }>();
    if !rest.is_empty() || !more.is_empty() || rows.is_empty() {
        return Err(format!("{part} is not whole rows").into());
    }
    rows.iter().map(row).collect()
}

fn row(numbers: &[f64; N_INPUTS + 1]) -> Result<Row> {
    let [inputs @ .., label] = *numbers;
    let probability = inputs.last().ok_or("no probability")?;
    Ok(Row { inputs, is_error: (*probability >= 0.5) != (label >= 0.5) })
}

/// The deciles of each input in the baseline.
struct Bins {
    edges: Vec<Vec<f64>>,
}

impl Bins {
    fn of(baseline: &[Row]) -> Self {
        let deciles = |input: usize| {
            let mut values: Vec<f64> =
                baseline.iter().filter_map(|row| row.inputs.get(input).copied()).collect();
            values.sort_by(f64::total_cmp);
            (1..N_BINS).filter_map(|bin| values.get(bin * values.len() / N_BINS).copied()).collect()
        };
        Self { edges: (0..N_INPUTS).map(deciles).collect() }
    }

    /// How many rows fall into each bin of each input.
    fn counts(&self, rows: &[Row]) -> Vec<Vec<u64>> {
        let mut counts = vec![vec![0; N_BINS]; N_INPUTS];
        for row in rows {
            for ((counts, edges), value) in counts.iter_mut().zip(&self.edges).zip(row.inputs) {
                let bin = edges.partition_point(|&edge| edge <= value);
                counts.get_mut(bin).into_iter().for_each(|count| *count += 1);
            }
        }
        counts
    }
}

/// What a look is told of the rows since the last one.
struct Batch {
    n: u64,
    n_errors: u64,
    inputs: Vec<Vec<u64>>,
}

impl Batch {
    fn new(rows: &[Row], bins: &Bins) -> Self {
        let n_errors = rows.iter().filter(|row| row.is_error).count() as u64;
        Self { n: rows.len() as u64, n_errors, inputs: bins.counts(rows) }
    }
}

/// Monitors that are one alarm together.
#[derive(Clone)]
struct Watch {
    name: &'static str,
    errors: Option<MixtureMonitor>,
    inputs: Vec<BinMonitor>,
    alarmed_at: Option<usize>,
}

impl Watch {
    const fn new(name: &'static str) -> Self {
        Self { name, errors: None, inputs: Vec::new(), alarmed_at: None }
    }

    /// Watches the error rate too.
    fn of_errors(mut self, baseline: &Batch, test_level: f64) -> Result<Self> {
        let Batch { n, n_errors, .. } = *baseline;
        let threshold = error_rate_threshold(n_errors, n, Tolerance::Absolute(0.0), test_level)?;
        let settings = MixtureSettings { test_level, ..Default::default() };
        self.errors = Some(MixtureMonitor::new(threshold, settings)?);
        Ok(self)
    }

    /// Watches the bins of every input too.
    fn of_inputs(mut self, baseline: &Batch, test_level: f64) -> Result<Self> {
        let settings = BinSettings { test_level: test_level / N_INPUTS as f64, ..Default::default() };
        let monitors = baseline.inputs.iter().map(|counts| BinMonitor::new(counts.clone(), settings));
        self.inputs = monitors.collect::<std::result::Result<_, _>>()?;
        Ok(self)
    }

    fn look(&mut self, batch: &Batch, n: usize) -> Result<()> {
        if self.alarmed_at.is_some() {
            return Ok(());
        }
        let losses = LossCounts::of_errors(batch.n_errors, batch.n)?;
        let mut is_alarm = self.errors.as_mut().is_some_and(|errors| errors.update_batch(&losses));
        for (monitor, counts) in self.inputs.iter_mut().zip(&batch.inputs) {
            is_alarm |= monitor.update(counts)?;
        }
        self.alarmed_at = is_alarm.then_some(n);
        Ok(())
    }
}

fn watches(baseline: &Batch) -> Result<Vec<Watch>> {
    let half = TEST_LEVEL / 2.0;
    Ok(vec![
        Watch::new("Plinth: errors").of_errors(baseline, TEST_LEVEL)?,
        Watch::new("Plinth: any column").of_inputs(baseline, TEST_LEVEL)?,
        Watch::new("Plinth: errors or any column").of_errors(baseline, half)?.of_inputs(baseline, half)?,
    ])
}

/// Lets all look at rows that follow `n_before` others.
fn watch(watches: &mut [Watch], rows: &[Row], n_before: usize, bins: &Bins) -> Result<()> {
    let mut n = n_before;
    for rows in rows.chunks(N_ROWS_A_LOOK) {
        n += rows.len();
        let batch = Batch::new(rows, bins);
        watches.iter_mut().try_for_each(|watch| watch.look(&batch, n))?;
    }
    Ok(())
}

fn report(folder: &Path, seed: u64) -> Result<()> {
    let folder = folder.join(seed.to_string());
    let baseline = read(&folder, "baseline")?;
    let bins = Bins::of(&baseline);
    let mut before_change = watches(&Batch::new(&baseline, &bins))?;
    let before = read(&folder, "before")?;
    watch(&mut before_change, &before, 0, &bins)?;
    for kind in KINDS {
        let mut watches = before_change.clone();
        watch(&mut watches, &read(&folder, kind)?, before.len(), &bins)?;
        for Watch { name, alarmed_at, .. } in watches {
            println!("{name}\t{kind}\t{seed}\t{}", alarmed_at.map(|n| n.to_string()).unwrap_or_default());
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, first, last] = arguments.as_slice() else {
        return Err("usage: detection_delay FOLDER FIRST_SEED LAST_SEED".into());
    };
    (first.parse()?..=last.parse()?).try_for_each(|seed| report(Path::new(folder), seed))
}
