//! The promise of the monitors, kept where it is hardest to keep: a risk that equals the threshold, a baseline drawn at random, a look after
//! every value. The number of streams that ever alarm is held against the binomial bound of what is promised; a test repeated at every look,
//! which promises nothing, exceeds it.

#![cfg(test)]

#[path = "../examples/false_alarms/random.rs"]
mod random;

use metrics::{
    risk_monitor::{MixtureMonitor, MixtureSettings, RiskMonitor},
    sequential::bin_monitor::{BinMonitor, BinSettings},
};
use random::Random;

const N_STREAMS: u64 = 150;
const N_VALUES: u64 = 600;
const RATE: f64 = 0.2;
const TEST_LEVEL: f64 = 0.2;

/// How many of all streams a monitor alarms in, after any value.
fn n_alarmed<V>(monitor: impl Fn(&mut Random) -> V, update: impl Fn(&mut V, &mut Random) -> bool) -> u64 {
    let is_alarmed = |seed: &u64| {
        let mut random = Random::new(*seed);
        let mut monitor = monitor(&mut random);
        (0..N_VALUES).any(|_| update(&mut monitor, &mut random))
    };
    (1..=N_STREAMS).filter(is_alarmed).count() as u64
}

/// The least number of successes in all streams that is reached with a probability below a thousandth.
fn least_unlikely(probability: f64) -> u64 {
    let mut left = 1.0;
    let mut term = libm::pow(1.0 - probability, N_STREAMS as f64);
    for n in 0..=N_STREAMS {
        if left < 1e-3 {
            return n;
        }
        left -= term;
        term *= (N_STREAMS - n) as f64 / (n + 1) as f64 * probability / (1.0 - probability);
    }
    N_STREAMS + 1
}

fn loss(random: &mut Random) -> f64 {
    f64::from(u8::from(random.bit(RATE)))
}

#[test]
fn monitors_of_risk_alarm_as_rarely_as_promised() {
    let bound = least_unlikely(TEST_LEVEL / 2.0);
    let settings = MixtureSettings { test_level: TEST_LEVEL, ..Default::default() };
    let mixture = |_: &mut Random| MixtureMonitor::new(RATE, settings).unwrap();
    let n_mixture = n_alarmed(mixture, |monitor, random| monitor.update(loss(random)).unwrap());
    assert!(n_mixture < bound && n_mixture > 0, "{n_mixture} {bound}");
    let risk = |_: &mut Random| RiskMonitor::new(RATE, TEST_LEVEL).unwrap();
    let n_risk = n_alarmed(risk, |monitor, random| monitor.update(loss(random)).unwrap());
    assert!(n_risk < bound, "{n_risk} {bound}");
}

#[test]
fn the_monitor_of_bins_alarms_as_rarely_as_promised() {
    let bound = least_unlikely(TEST_LEVEL);
    let bin = |random: &mut Random| {
        let value = random.normal();
        [-1.0, -0.2, 0.4, 1.5].partition_point(|&edge| edge <= value)
    };
    let counted = |n: usize, random: &mut Random| {
        let mut counts = vec![0; 5];
        (0..n).for_each(|_| counts[bin(random)] += 1);
        counts
    };
    let settings = BinSettings { test_level: TEST_LEVEL, ..Default::default() };
    let monitor = |random: &mut Random| BinMonitor::new(counted(200, random), settings).unwrap();
    let n_bins = n_alarmed(monitor, |monitor, random| monitor.update(&counted(1, random)).unwrap());
    assert!(n_bins < bound, "{n_bins} {bound}");
}

#[test]
fn a_test_repeated_at_every_look_exceeds_what_it_promises_once() {
    let repeated = |(n, sum): &mut (f64, f64), random: &mut Random| {
        *n += 1.0;
        *sum += loss(random);
        *n >= 30.0 && *sum - *n * RATE > 1.282 * (*n * RATE * (1.0 - RATE)).sqrt()
    };
    let n_repeated = n_alarmed(|_| (0.0, 0.0), repeated);
    assert!(n_repeated > least_unlikely(TEST_LEVEL / 2.0), "{n_repeated}");
}
