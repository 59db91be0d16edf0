//! `SVMClassifier`: classes by support vectors, each pair of classes with a vote, and optionally probabilities.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_SVMClassifier.html>

use crate::attributes::size;
use crate::error::check_len;
use crate::labels::{Labels, argmax};
use crate::linear::check_columns;
use crate::post_transform::{SecondClass, logistic};
use crate::svm::{SupportVectors, at_least, decision, rho};
use crate::{Attributes, Data, Error, Matrix, PostTransform, Result};

/// Probabilities of a pair of classes stay this far from 0 and 1.
const LEAST_PROBABILITY: f32 = 1e-7;

/// After so many rounds, or a change below this divided by the number of classes, the probabilities of pairs have become those of classes.
const COUPLING_ROUNDS: usize = 100;
const COUPLING_ERROR: f32 = 0.005;

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct SvmClassifier {
    vectors: SupportVectors,
    machine: Machine,
    labels: Labels,
    post_transform: PostTransform,
}

#[derive(Clone, Debug)]
enum Machine {
    /// A weighted sum of columns for each class, as liblinear has it.
    Linear { rho: f32, has_only_positive: bool },
    /// A weighted sum of likenesses for each pair of classes, as libsvm has it.
    Pairs(Vec<Pair>, Option<Probabilities>),
}

/// What decides between two classes.
#[derive(Clone, Debug)]
struct Pair {
    classes: [usize; 2],
    /// A weight for each support vector of either class, and where these begin.
    weights: [(usize, Vec<f32>); 2],
    rho: f32,
}

/// Platt's scaling of each pair's score.
#[derive(Clone, Debug)]
struct Probabilities(Vec<(f32, f32)>);

impl SvmClassifier {
    /// # Errors
    /// If an attribute has not the length that another one asks for.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let labels = Labels::from_attributes(attributes, "classlabels_ints", "classlabels_strings")?;
        let per_class = attributes.ints("vectors_per_class")?;
        let per_class =
            per_class.iter().map(|&n| size("vectors_per_class", n)).collect::<Result<Vec<usize>>>()?;
        let n_vectors: usize = per_class.iter().sum();
        let (vectors, machine) = if n_vectors > 0 {
            check_len("vectors_per_class", per_class.len(), labels.len(), "the labels")?;
            (SupportVectors::from_attributes(attributes, n_vectors)?, pairs(attributes, &per_class)?)
        } else {
            let coefficients = attributes.floats("coefficients")?;
            let rho = rho(attributes, 1)?.first().copied().unwrap_or_default();
            let has_only_positive = coefficients.iter().all(|coefficient| *coefficient >= 0.0);
            (SupportVectors::linear(coefficients, labels.len())?, Machine::Linear { rho, has_only_positive })
        };
        Ok(Self { vectors, machine, labels, post_transform: PostTransform::from_attributes(attributes)? })
    }

    /// The labels of the classes.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// How many scores a row has: one for each class; without probabilities one for each pair of more than two.
    pub fn n_scores(&self) -> usize {
        match &self.machine {
            Machine::Pairs(pairs, None) => pairs.len().max(2),
            _ => self.labels.len(),
        }
    }

    /// The label and the scores of each row.
    ///
    /// # Errors
    /// If the input has strings or another number of columns than the support vectors.
    pub fn eval(&self, x: Matrix<'_>) -> Result<(Data, Data)> {
        check_columns(x, self.vectors.n_features)?;
        let numbers = x.data.to_f32("X")?;
        let mut scores = Vec::with_capacity(x.n_rows * self.n_scores());
        let mut classes = Vec::with_capacity(x.n_rows);
        for row in numbers.chunks_exact(x.n_features) {
            let (class, of_row) = self.classify(self.vectors.compare(row).collect());
            classes.push(class);
            scores.extend(of_row);
        }
        Ok((self.labels.at(classes.into_iter()), Data::F32(scores)))
    }

    /// The class and the scores, from likenesses to the support vectors.
    fn classify(&self, mut likeness: Vec<f32>) -> (usize, Vec<f32>) {
        match &self.machine {
            Machine::Linear { rho, has_only_positive } => {
                likeness.iter_mut().for_each(|score| *score += rho);
                let class = linear_class(&likeness, *has_only_positive);
                self.post_transform.apply_to_row(&mut likeness);
                (class, likeness)
            }
            Machine::Pairs(pairs, probabilities) => {
                let scores: Vec<f32> = pairs.iter().map(|pair| pair.score(&likeness)).collect();
                let class = most_voted(pairs, &scores, self.labels.len());
                (class, self.pair_scores(scores, probabilities.as_ref()))
            }
        }
    }

    fn pair_scores(&self, mut scores: Vec<f32>, probabilities: Option<&Probabilities>) -> Vec<f32> {
        if let Some(probabilities) = probabilities {
            scores = probabilities.of_classes(&scores, self.labels.len());
        } else if let &[score] = scores.as_slice() {
            let second = match self.post_transform {
                PostTransform::None => SecondClass::Opposite,
                _ => SecondClass::Complement,
            };
            return second.pair(self.post_transform, score).to_vec();
        }
        self.post_transform.apply(&mut scores);
        scores
    }
}

/// The class that a linear machine's scores stand for. With two classes, a positive score is the second's, whichever has it.
fn linear_class(scores: &[f32], has_only_positive: bool) -> usize {
    let class = argmax(scores);
    let max = scores.get(class).copied().unwrap_or_default();
    match scores.len() {
        2 if has_only_positive && max >= 0.5 => 1,
        2 if !has_only_positive && max > 0.0 => 1,
        _ => class,
    }
}

/// The class with most votes, the first of equals.
fn most_voted(pairs: &[Pair], scores: &[f32], n_classes: usize) -> usize {
    let mut votes = vec![0_u32; n_classes];
    for (pair, score) in pairs.iter().zip(scores) {
        let [first, second] = pair.classes;
        let winner = if *score > 0.0 { first } else { second };
        votes.get_mut(winner).into_iter().for_each(|votes| *votes += 1);
    }
    let most = votes.iter().max().copied().unwrap_or_default();
    votes.iter().position(|votes| *votes == most).unwrap_or_default()
}

/// The pairs of classes with their weights: row `i` of the coefficients has those against class `i`, or `i + 1` behind the own one.
fn pairs(attributes: &Attributes<'_>, per_class: &[usize]) -> Result<Machine> {
    let (n_classes, n_vectors) = (per_class.len(), per_class.iter().sum::<usize>());
    if n_classes < 2 {
        return Err(Error::attribute("vectors_per_class", "two classes at least", n_classes.to_string()));
    }
    let n_pairs = n_classes * (n_classes - 1) / 2;
    let coefficients = at_least(attributes, "coefficients", (n_classes - 1) * n_vectors)?;
    let starts: Vec<usize> =
        per_class.iter().scan(0, |end, n| Some(std::mem::replace(end, *end + n))).collect();
    let weights = |class: usize, row: usize| {
        let start = starts.get(class).copied().unwrap_or_default();
        let of_class = coefficients.iter().skip(row * n_vectors + start);
        (
            start,
            of_class.take(per_class.get(class).copied().unwrap_or_default()).copied().collect::<Vec<f32>>(),
        )
    };
    let of_classes =
        (0..n_classes).flat_map(|first| (first + 1..n_classes).map(move |second| [first, second]));
    let pairs = of_classes.zip(rho(attributes, n_pairs)?).map(|([first, second], rho)| Pair {
        classes: [first, second],
        weights: [weights(first, second - 1), weights(second, first)],
        rho,
    });
    let (a, b) = (attributes.floats("prob_a")?, attributes.floats("prob_b")?);
    let probabilities = if a.is_empty() && b.is_empty() {
        None
    } else {
        check_len("prob_a", a.len(), n_pairs, "the pairs of classes")?;
        check_len("prob_b", b.len(), n_pairs, "the pairs of classes")?;
        Some(Probabilities(a.iter().copied().zip(b.iter().copied()).collect()))
    };
    Ok(Machine::Pairs(pairs.collect(), probabilities))
}

impl Pair {
    fn score(&self, likeness: &[f32]) -> f32 {
        let terms =
            self.weights.iter().flat_map(|(start, weights)| weights.iter().zip(likeness.iter().skip(*start)));
        decision(terms, self.rho)
    }
}

impl Probabilities {
    /// The probabilities of the classes, from the scores of their pairs.
    ///
    /// Source: Wu, Lin, Weng, "Probability estimates for multi-class classification by pairwise coupling", 2004, second approach.
    fn of_classes(&self, scores: &[f32], n_classes: usize) -> Vec<f32> {
        let mut of_pairs = Square::new(n_classes);
        let pairs =
            (0..n_classes).flat_map(|first| (first + 1..n_classes).map(move |second| (first, second)));
        for ((first, second), (score, (a, b))) in pairs.zip(scores.iter().zip(&self.0)) {
            let probability = 1.0 - logistic(score * a + b);
            let probability = probability.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
            of_pairs.set(first, second, probability);
            of_pairs.set(second, first, 1.0 - probability);
        }
        couple(&of_pairs)
    }
}

/// Numbers by two indices.
struct Square {
    numbers: Vec<f32>,
    size: usize,
}

impl Square {
    fn new(size: usize) -> Self {
        Self { numbers: vec![0.0; size * size], size }
    }

    fn at(&self, row: usize, column: usize) -> f32 {
        self.numbers.get(row * self.size + column).copied().unwrap_or_default()
    }

    fn set(&mut self, row: usize, column: usize, number: f32) {
        let size = self.size;
        self.numbers.get_mut(row * size + column).into_iter().for_each(|slot| *slot = number);
    }
}

fn couple(of_pairs: &Square) -> Vec<f32> {
    let n = of_pairs.size;
    let mut q = Square::new(n);
    for row in 0..n {
        let others = (0..n).filter(|&other| other != row);
        let squares = others.clone().map(|other| of_pairs.at(other, row) * of_pairs.at(other, row));
        q.set(row, row, squares.sum());
        others.for_each(|other| q.set(row, other, -of_pairs.at(other, row) * of_pairs.at(row, other)));
    }
    let n_as_float: f32 = (0..n).map(|_| 1.0).sum();
    let mut p = vec![1.0 / n_as_float; n];
    for _ in 0..COUPLING_ROUNDS {
        let mut qp: Vec<f32> =
            (0..n).map(|row| p.iter().enumerate().map(|(column, p)| q.at(row, column) * p).sum()).collect();
        let pqp: f32 = p.iter().zip(&qp).map(|(p, qp)| p * qp).sum();
        let error = qp.iter().map(|qp| (qp - pqp).abs()).fold(0.0, f32::max);
        if error < COUPLING_ERROR / n_as_float {
            break;
        }
        refine(&q, &mut p, &mut qp, pqp);
    }
    p
}

/// One round over all classes.
fn refine(q: &Square, p: &mut [f32], qp: &mut [f32], mut pqp: f32) {
    for row in 0..q.size {
        let (diagonal, own) = (q.at(row, row), qp.get(row).copied().unwrap_or_default());
        let change = (pqp - own) / diagonal;
        p.get_mut(row).into_iter().for_each(|p| *p += change);
        pqp = (pqp + change * (change * diagonal + 2.0 * own)) / (1.0 + change) / (1.0 + change);
        for (column, (p, qp)) in p.iter_mut().zip(&mut *qp).enumerate() {
            *qp = (*qp + change * q.at(row, column)) / (1.0 + change);
            *p /= 1.0 + change;
        }
    }
}
