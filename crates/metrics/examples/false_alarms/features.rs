//! Monitors of a feature's distribution against a baseline of 10 000 values: the bin monitor looked at after every value, rules of thumb
//! after every window of 1000.

use std::rc::Rc;

use metrics::sequential::bin_monitor::{BinMonitor, BinSettings};

use crate::{Contender, Result, random::Random};

const N_BASELINE: usize = 10_000;
const N_BINS: usize = 10;
const WINDOW: usize = 1000;

/// The monitors, which know a baseline drawn for the stream.
pub(crate) fn contenders(random: &mut Random) -> Result<Vec<Contender<f64>>> {
    let mut baseline: Vec<f64> = (0..N_BASELINE).map(|_| random.normal()).collect();
    baseline.sort_by(f64::total_cmp);
    let baseline = Rc::new(baseline);
    let bins = Bins::of_deciles(&baseline);
    let (for_monitor, for_psi, for_tolerant) = (bins.clone(), bins.clone(), bins.clone());
    let mut monitor = BinMonitor::new(bins.counts(&baseline), BinSettings::default())?;
    let tolerance = 0.005;
    let mut tolerant =
        BinMonitor::new(bins.counts(&baseline), BinSettings { tolerance, ..Default::default() })?;
    Ok(vec![
        Contender::new("BinMonitor", move |value| {
            monitor.update(&for_monitor.counts(&[value])).unwrap_or(true)
        }),
        Contender::new("BinMonitor, tolerance 0.005", move |value| {
            tolerant.update(&for_tolerant.counts(&[value])).unwrap_or(true)
        }),
        windowed("PSI >= 0.1, windows of 1000", move |values| psi(&for_psi.counts(values)) >= 0.1),
        windowed("KS p < 0.05, windows of 1000", move |values| ks_p_value(&baseline, values) < 0.05),
    ])
}

/// A rule that judges windows that do not overlap.
fn windowed(name: &'static str, judge: impl Fn(&[f64]) -> bool + 'static) -> Contender<f64> {
    let mut window = Vec::with_capacity(WINDOW);
    Contender::new(name, move |value| {
        window.push(value);
        let is_alarm = window.len() == WINDOW && judge(&window);
        if window.len() == WINDOW {
            window.clear();
        }
        is_alarm
    })
}

#[derive(Clone)]
struct Bins {
    edges: Vec<f64>,
}

impl Bins {
    fn of_deciles(sorted: &[f64]) -> Self {
        Self {
            edges: sorted
                .chunks(N_BASELINE / N_BINS)
                .skip(1)
                .filter_map(|chunk| chunk.first().copied())
                .collect(),
        }
    }

    fn counts(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; N_BINS];
        for &value in values {
            let bin = self.edges.partition_point(|&edge| edge <= value);
            counts.get_mut(bin).into_iter().for_each(|count| *count += 1);
        }
        counts
    }
}

/// The population stability index of a window against deciles, empty bins taken to hold a share of 0.0001.
fn psi(counts: &[u64]) -> f64 {
    let expected = 1.0 / N_BINS as f64;
    let shares = counts.iter().map(|&count| (count as f64 / WINDOW as f64).max(1e-4));
    shares.map(|share| (share - expected) * libm::log(share / expected)).sum()
}

/// The asymptotic p-value of the two-sample test of Kolmogorov and Smirnov.
fn ks_p_value(sorted: &[f64], window: &[f64]) -> f64 {
    let mut values = window.to_vec();
    values.sort_by(f64::total_cmp);
    let (n, m) = (sorted.len() as f64, values.len() as f64);
    let distance = values.iter().enumerate().fold(0.0_f64, |distance, (index, value)| {
        let share = sorted.partition_point(|other| other <= value) as f64 / n;
        let (below, at) = (index as f64 / m, (index + 1) as f64 / m);
        distance.max((share - below).abs()).max((share - at).abs())
    });
    let scaled = distance * (n * m / (n + m)).sqrt();
    let term =
        |k: i32| libm::pow(-1.0, f64::from(k - 1)) * libm::exp(-2.0 * libm::pow(f64::from(k) * scaled, 2.0));
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}
