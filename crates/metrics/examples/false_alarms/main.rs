//! How often monitors alarm though nothing has changed, and how soon if something has: 200 streams of 10 000 values, looked at after every
//! value. Not a test: it takes minutes. Its numbers are the same on every machine.
//!
//!     cargo run --release -p metrics --example false_alarms

#![expect(clippy::print_stdout, reason = "it shows a table")]

mod errors;
mod features;
mod random;

use std::collections::BTreeMap;

use random::Random;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const N_STREAMS: u64 = 200;
const N_VALUES: u64 = 10_000;
const CHANGE: u64 = 5_000;

/// A monitor and when it first alarmed.
struct Contender<V> {
    name: &'static str,
    update: Box<dyn FnMut(V) -> bool>,
    alarmed_at: Option<u64>,
}

impl<V> Contender<V> {
    fn new(name: &'static str, update: impl FnMut(V) -> bool + 'static) -> Self {
        Self { name, update: Box::new(update), alarmed_at: None }
    }

    fn update(&mut self, n: u64, value: V) {
        if self.alarmed_at.is_none() && (self.update)(value) {
            self.alarmed_at = Some(n);
        }
    }
}

/// When each monitor first alarmed, by name, in each stream.
type Alarms = BTreeMap<&'static str, Vec<Option<u64>>>;

/// Runs all monitors over all streams, whose values `draw` makes of their number.
fn run<V: Copy>(
    contenders: impl Fn(&mut Random) -> Result<Vec<Contender<V>>>,
    draw: impl Fn(&mut Random, u64) -> V,
) -> Result<Alarms> {
    let mut alarms = Alarms::new();
    for seed in 1..=N_STREAMS {
        let mut random = Random::new(seed);
        let mut running = contenders(&mut random)?;
        for n in 1..=N_VALUES {
            let value = draw(&mut random, n);
            running.iter_mut().for_each(|contender| contender.update(n, value));
        }
        running
            .iter()
            .for_each(|contender| alarms.entry(contender.name).or_default().push(contender.alarmed_at));
    }
    Ok(alarms)
}

fn print_false_alarms(title: &str, alarms: &Alarms) {
    println!("\n{title}, nothing changes\n{:<34}{:>16}{:>22}", "", "ever alarmed", "mean run, cut at end");
    for (name, alarms) in alarms {
        let n_alarmed = alarms.iter().flatten().count();
        let run: u64 = alarms.iter().map(|alarm| alarm.unwrap_or(N_VALUES)).sum();
        println!("{name:<34}{:>14.1} %{:>22}", percent(n_alarmed, alarms.len()), run / N_STREAMS);
    }
}

fn print_delays(title: &str, alarms: &Alarms) {
    println!(
        "\n{title} after {CHANGE}\n{:<34}{:>16}{:>16}{:>16}",
        "", "alarmed before", "alarmed after", "median delay"
    );
    for (name, alarms) in alarms {
        let n_before = alarms.iter().flatten().filter(|alarm| **alarm <= CHANGE).count();
        let mut delays: Vec<u64> =
            alarms.iter().flatten().filter_map(|alarm| alarm.checked_sub(CHANGE + 1)).collect();
        delays.sort_unstable();
        let median =
            delays.get(delays.len() / 2).map_or_else(|| "-".to_owned(), |delay| (delay + 1).to_string());
        let (before, after) = (percent(n_before, alarms.len()), percent(delays.len(), alarms.len()));
        println!("{name:<34}{before:>14.1} %{after:>14.1} %{median:>16}");
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole as f64
}

fn main() -> Result<()> {
    let at_rate = |rate: f64| {
        move |random: &mut Random, n: u64| random.bit(if n <= CHANGE { errors::RATE } else { rate })
    };
    print_false_alarms("Error rate 0.1", &run(errors::contenders, at_rate(errors::RATE))?);
    for rate in [0.15, 0.2, 0.3] {
        print_delays(&format!("Error rate 0.1, {rate}"), &run(errors::contenders, at_rate(rate))?);
    }
    let shifted = |shift: f64| {
        move |random: &mut Random, n: u64| random.normal() + if n <= CHANGE { 0.0 } else { shift }
    };
    print_false_alarms("Standard normal feature", &run(features::contenders, shifted(0.0))?);
    for shift in [0.25, 0.5, 1.0] {
        print_delays(
            &format!("Standard normal feature, shifted by {shift}"),
            &run(features::contenders, shifted(shift))?,
        );
    }
    Ok(())
}
