//! Estimates without labels against NannyML's, chunk by chunk and given the probabilities that it calibrated (1e-9, absolute), and the
//! test of concept drift against SciPy (1e-9, relative).

#![cfg(test)]

use std::collections::BTreeMap;

use metrics::Estimate;
use metrics::cbpe::{
    CbpeSums, CountMetric, GapSums, MACRO_ROC_AUC_WIDENING, MulticlassCbpeSums, MulticlassReference,
    MulticlassSamplingError, REFERENCE_SIGMAS, ReferenceCounts, Row, SamplingError, ScoredRow, Spread,
    average_precision, macro_average_precision, macro_roc_auc, normalised, reference_roc_auc_spread, roc_auc,
};
use metrics::isotonic::{IsotonicRegression, Observation};
use serde::Deserialize;

const N_SCORE_BINS: usize = 1000;

#[derive(Deserialize)]
struct Golden {
    binary: Vec<Binary>,
    multiclass: Multiclass,
    curves: Vec<Curve>,
    spreads: Vec<SpreadCase>,
    gaps: Vec<GapCase>,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
    needs_calibration: bool,
    reference: Reference,
    score: Vec<f64>,
    answer: Vec<u8>,
    probability: Vec<f64>,
    average_precision_spread: (f64, f64),
    chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Reference {
    score: Vec<f64>,
    answer: Vec<u8>,
    label: Vec<u8>,
}

#[derive(Deserialize)]
struct Multiclass {
    reference_answer: Vec<usize>,
    reference_label: Vec<usize>,
    reference_scores: Vec<Vec<f64>>,
    score: Vec<Vec<f64>>,
    answer: Vec<usize>,
    probability: Vec<Vec<f64>>,
    one_vs_rest: Vec<Vec<f64>>,
    chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Chunk {
    start: usize,
    end: usize,
    metrics: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    value: f64,
    sampling_error: f64,
    lower_confidence_boundary: f64,
    upper_confidence_boundary: f64,
}

#[derive(Deserialize)]
struct Curve {
    score: Vec<f64>,
    probability: Vec<f64>,
    roc_auc: f64,
    average_precision: f64,
}

#[derive(Deserialize)]
struct SpreadCase {
    score: Vec<f64>,
    label: Vec<bool>,
    std: f64,
    fraction: f64,
}

#[derive(Deserialize)]
struct GapCase {
    probability: Vec<f64>,
    happened: Vec<bool>,
    z_score: f64,
    p_value: f64,
    exact_variance: f64,
    exact_mid_p_value: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/cbpe.json")).unwrap()
}

fn key(metric: CountMetric) -> String {
    serde_json::to_value(metric).unwrap().as_str().unwrap().to_owned()
}

fn assert_near(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9, "{name}: expected {expected}, found {found}");
}

fn assert_estimate(name: &str, found: Estimate, expected: &Expected) {
    let interval = found.interval.unwrap();
    assert_near(name, found.value, expected.value);
    assert_near(name, interval.lower, expected.lower_confidence_boundary);
    assert_near(name, interval.upper, expected.upper_confidence_boundary);
}

impl Binary {
    fn sums(&self, rows: std::ops::Range<usize>) -> CbpeSums {
        let mut sums = CbpeSums::new(N_SCORE_BINS);
        rows.for_each(|row| {
            sums.add(Row {
                score: self.score[row],
                probability: self.probability[row],
                is_predicted_positive: self.answer[row] == 1,
            });
        });
        sums
    }

    fn scored(&self, chunk: &Chunk) -> Vec<ScoredRow> {
        let rows = chunk.start..chunk.end;
        rows.map(|row| ScoredRow { score: self.score[row], probability: self.probability[row] }).collect()
    }

    fn reference(&self) -> ReferenceCounts {
        let mut counts = ReferenceCounts::default();
        let rows = self.reference.answer.iter().zip(&self.reference.label);
        rows.for_each(|(&answer, &label)| counts.add(answer == 1, label == 1));
        counts
    }
}

impl Multiclass {
    fn sums(&self, rows: std::ops::Range<usize>) -> MulticlassCbpeSums {
        let mut sums = MulticlassCbpeSums::new(3, N_SCORE_BINS);
        rows.for_each(|row| sums.add(self.answer[row], &self.probability[row], &self.score[row]));
        sums
    }

    fn scored(&self, chunk: &Chunk) -> Vec<Vec<ScoredRow>> {
        let scored = |row: usize, class: usize| ScoredRow {
            score: self.score[row][class],
            probability: self.probability[row][class],
        };
        (0..3).map(|class| (chunk.start..chunk.end).map(|row| scored(row, class)).collect()).collect()
    }

    fn roc_auc_spreads(&self) -> Vec<Spread> {
        let class_spread = |class: usize| {
            let rows = self.reference_scores.iter().zip(&self.reference_label);
            let rows: Vec<_> = rows.map(|(scores, &label)| (scores[class], label == class)).collect();
            reference_roc_auc_spread(&rows).unwrap()
        };
        (0..3).map(class_spread).collect()
    }
}

#[test]
fn count_metrics_of_chunks_are_nannymls_with_its_bands() {
    let cases = golden().binary;
    assert_eq!(cases.iter().map(|case| case.chunks.len()).sum::<usize>(), 7);
    for case in cases {
        let reference = case.reference();
        for chunk in &case.chunks {
            let sums = case.sums(chunk.start..chunk.end);
            for metric in CountMetric::ALL {
                let found = sums.estimate(metric, SamplingError::ReferenceSigma(&reference)).unwrap();
                assert_estimate(&format!("{} {metric:?}", case.name), found, &chunk.metrics[&key(metric)]);
            }
        }
    }
}

#[test]
fn count_metrics_of_merged_chunks_are_those_of_all_rows() {
    for case in golden().binary {
        let mut merged = CbpeSums::new(N_SCORE_BINS);
        case.chunks.iter().rev().for_each(|chunk| merged.merge(&case.sums(chunk.start..chunk.end)).unwrap());
        assert_eq!(merged, case.sums(0..case.score.len()));
    }
}

#[test]
fn curves_of_chunks_are_nannymls() {
    for case in golden().binary {
        let rows = case.reference.score.iter().zip(&case.reference.label);
        let spread =
            reference_roc_auc_spread(&rows.map(|(&score, &label)| (score, label == 1)).collect::<Vec<_>>());
        let (std, resampled) = case.average_precision_spread;
        let resampled = Spread { std, fraction: 1.0 / resampled };
        for chunk in &case.chunks {
            let (rows, n) = (case.scored(chunk), (chunk.end - chunk.start) as u64);
            let (area, precision) = (&chunk.metrics["roc_auc"], &chunk.metrics["average_precision"]);
            assert_near(&case.name, roc_auc(&rows).unwrap(), area.value);
            assert_near(&case.name, average_precision(&rows).unwrap(), precision.value);
            assert_near(&case.name, spread.unwrap().sampling_error(n).unwrap(), area.sampling_error);
            assert_near(&case.name, resampled.sampling_error(n).unwrap(), precision.sampling_error);
        }
    }
}

#[test]
fn small_curves_are_nannymls() {
    let cases = golden().curves;
    assert_eq!(cases.len(), 4);
    for case in cases {
        let rows = case.score.iter().zip(&case.probability);
        let rows: Vec<_> = rows.map(|(&score, &probability)| ScoredRow { score, probability }).collect();
        assert_near("area", roc_auc(&rows).unwrap(), case.roc_auc);
        assert_near("precision", average_precision(&rows).unwrap(), case.average_precision);
    }
}

#[test]
fn spreads_of_the_area_are_nannymls_even_with_a_positive_ranked_lowest() {
    let cases = golden().spreads;
    assert_eq!(cases.len(), 3);
    for case in cases {
        let rows: Vec<_> = case.score.iter().copied().zip(case.label).collect();
        let spread = reference_roc_auc_spread(&rows).unwrap();
        assert_near("std", spread.std, case.std);
        assert_near("fraction", spread.fraction, case.fraction);
    }
}

#[test]
fn the_area_of_a_histogram_holds_the_area_of_the_rows() {
    for case in golden().binary {
        for chunk in &case.chunks {
            let estimate = case.sums(chunk.start..chunk.end).roc_auc().unwrap();
            let (area, interval) = (chunk.metrics["roc_auc"].value, estimate.interval.unwrap());
            assert!(interval.lower <= area && area <= interval.upper, "{area} not in {interval:?}");
            assert!((estimate.value - area).abs() < 1e-3, "expected {area}, found {}", estimate.value);
        }
    }
}

#[test]
fn the_calibration_itself_is_nannymls() {
    for case in golden().binary {
        assert!(case.needs_calibration);
        let rows = case.reference.score.iter().zip(&case.reference.label);
        let line =
            IsotonicRegression::fit(rows.map(|(&x, &label)| Observation::new(x, f64::from(label)))).unwrap();
        let compared = case.score.iter().zip(&case.probability);
        compared.for_each(|(&score, &probability)| assert_near(&case.name, line.predict(score), probability));
    }
}

#[test]
fn metrics_of_several_classes_are_nannymls_with_its_bands() {
    let case = golden().multiclass;
    let mut reference = MulticlassReference::new(3);
    let rows = case.reference_answer.iter().zip(&case.reference_label);
    rows.for_each(|(&answer, &label)| reference.add(answer, label));
    assert_eq!(case.chunks.len(), 3);
    for chunk in &case.chunks {
        let sums = case.sums(chunk.start..chunk.end);
        for metric in CountMetric::ALL {
            let found = sums.estimate(metric, MulticlassSamplingError::ReferenceSigma(&reference)).unwrap();
            assert_estimate(&format!("{metric:?}"), found, &chunk.metrics[&key(metric)]);
        }
    }
}

#[test]
fn curves_of_several_classes_are_nannymls() {
    let case = golden().multiclass;
    let spreads = case.roc_auc_spreads();
    for chunk in &case.chunks {
        let (rows, area) = (case.scored(chunk), &chunk.metrics["roc_auc"]);
        assert_near("area", macro_roc_auc(&rows).unwrap(), area.value);
        assert_near(
            "precision",
            macro_average_precision(&rows).unwrap(),
            chunk.metrics["average_precision"].value,
        );
        let error = Spread::macro_sampling_error(&spreads, (chunk.end - chunk.start) as u64).unwrap();
        assert_near("sampling error", error * MACRO_ROC_AUC_WIDENING, area.sampling_error);
        let band = area.value + REFERENCE_SIGMAS * error * MACRO_ROC_AUC_WIDENING;
        assert_near("band", band.min(1.0), area.upper_confidence_boundary);
        let histogram = case.sums(chunk.start..chunk.end).roc_auc().unwrap();
        assert!((histogram.value - area.value).abs() < 1e-3);
    }
}

#[test]
fn calibrated_classes_are_normalised_as_nannymls() {
    let case = golden().multiclass;
    assert_eq!(case.one_vs_rest[0].len(), 30);
    for (row, expected) in case.probability.iter().take(30).enumerate() {
        let found = normalised(&case.one_vs_rest.iter().map(|class| class[row]).collect::<Vec<_>>());
        found
            .iter()
            .zip(expected)
            .for_each(|(&found, &expected)| assert_near("probability", found, expected));
    }
}

fn gap_sums(case: &GapCase) -> GapSums {
    let mut sums = GapSums::default();
    case.probability
        .iter()
        .zip(&case.happened)
        .for_each(|(&probability, &happened)| sums.add(probability, happened));
    sums
}

#[test]
fn gaps_are_tested_as_by_scipy() {
    let cases = golden().gaps;
    assert_eq!(cases.len(), 5);
    for case in cases {
        let gap = gap_sums(&case).gap().unwrap();
        let relative = |found: f64, expected: f64| (found - expected).abs() / expected.abs();
        assert!(relative(gap.z_score, case.z_score) < 1e-9);
        assert!(relative(gap.p_value, case.p_value) < 1e-9);
        let variance = gap.standard_error * gap.standard_error * (gap.n * gap.n) as f64;
        assert!(relative(variance, case.exact_variance) < 1e-9);
        let is_ordinary = case.exact_mid_p_value > 0.01;
        assert!(!is_ordinary || (gap.p_value - case.exact_mid_p_value).abs() < 0.015);
        assert!(is_ordinary || gap.p_value < 0.01);
    }
}
