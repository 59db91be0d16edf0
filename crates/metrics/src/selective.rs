//! Selective prediction: how wrong the answers are that a model is surest of. Not which of them to accept.

/// The area under the risk-coverage curve: the mean, over all `k`, of the share of wrong answers among the `k` surest; none without answers. Each
/// answer is `(confidence, is_wrong)`. Answers of one confidence count as if each were as wrong as they are on average, so that their order does
/// not matter.
///
/// Source: Y. Geifman, G. Uziel, R. El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", 2019.
#[must_use]
pub fn aurc(answers: &[(f64, bool)]) -> Option<f64> {
    let mut ranked = answers.to_vec();
    ranked.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    let (mut n_seen, mut n_wrong, mut sum) = (0.0, 0.0, 0.0);
    for tied in ranked.chunk_by(|(left, _), (right, _)| left.total_cmp(right).is_eq()) {
        let share = tied.iter().filter(|(_, is_wrong)| *is_wrong).count() as f64 / tied.len() as f64;
        for _ in tied {
            n_seen += 1.0;
            n_wrong += share;
            sum += n_wrong / n_seen;
        }
    }
    (n_seen > 0.0).then(|| sum / n_seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_as_wrong_as_on_average() {
        assert_eq!(aurc(&[]), None);
        let forth = aurc(&[(0.5, true), (0.5, false)]).unwrap();
        let back = aurc(&[(0.5, false), (0.5, true)]).unwrap();
        assert!((forth - 0.5).abs() < 1e-15 && (back - 0.5).abs() < 1e-15);
    }
}
