//! `TreeEnsembleClassifier`: what the trees of an ensemble say of each class, and the class of the greatest.
//!
//! With two classes the specification leaves open what the scores of one of them mean. As in ONNX Runtime: if all weights go to one class
//! and none is negative, its score is a probability, and the other's is what is missing to one; if one is negative, it is a margin, and the
//! other's is the opposite.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html>

use crate::labels::Labels;
use crate::post_transform::SecondClass;
use crate::trees::ensemble::{Aggregate, Totals};
use crate::trees::forest::Forest;
use crate::trees::normal::Number;
use crate::trees::{Trees, each_sum, layout, version_3};
use crate::{Attributes, Data, ElementType, Matrix, PostTransform, Result};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct TreeEnsembleClassifier {
    forest: Forest,
    rule: Rule,
}

/// The operator, laid out for inputs of one type.
#[derive(Clone, Debug)]
pub struct LaidOutClassifier {
    trees: Trees,
    rule: Rule,
}

/// From what the trees say to labels and scores.
#[derive(Clone, Debug)]
struct Rule {
    labels: Labels,
    base_values: Vec<f64>,
    post_transform: PostTransform,
    /// What the score of one class says of the other, if all weights go to one of two.
    second: Option<SecondClass>,
}

/// What the trees say of a row with two classes.
struct Binary<T> {
    scores: [T; 2],
    /// Whether the second score is one, or the first stands for both classes.
    has_second: bool,
    /// The score that decides.
    decisive: T,
}

impl TreeEnsembleClassifier {
    /// # Errors
    /// If the attributes describe no trees, or no labels.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        let labels = Labels::from_attributes(attributes, "classlabels_int64s", "classlabels_strings")?;
        let forest = version_3::forest(attributes, version_3::CLASSES, labels.len())?;
        layout::check(&forest)?;
        let allowed: &[usize] = if labels.len() == 2 { &[1, 2] } else { &[labels.len()] };
        let base_values = version_3::base_values(attributes, allowed)?;
        let (has_one_target, has_only_positive) = version_3::describe_weights(&forest);
        let second = match (has_one_target && labels.len() == 2, has_only_positive) {
            (false, _) => None,
            (true, true) => Some(SecondClass::Complement),
            (true, false) => Some(SecondClass::Opposite),
        };
        let post_transform = PostTransform::from_attributes(attributes)?;
        Ok(Self { forest, rule: Rule { labels, base_values, post_transform, second } })
    }

    /// The labels of the classes.
    pub const fn labels(&self) -> &Labels {
        &self.rule.labels
    }

    /// Lays the trees out for inputs of a type.
    ///
    /// # Errors
    /// If a path in a tree comes back to where it was.
    pub fn lay_out(&self, input: ElementType) -> Result<LaidOutClassifier> {
        Ok(LaidOutClassifier {
            trees: Trees::new(&self.forest, Aggregate::Sum, input)?,
            rule: self.rule.clone(),
        })
    }
}

impl LaidOutClassifier {
    /// The labels of the classes.
    pub const fn labels(&self) -> &Labels {
        &self.rule.labels
    }

    /// The label and the scores of each row.
    ///
    /// # Errors
    /// If the input has strings, or fewer columns than a tree asks for.
    pub fn eval(&self, x: Matrix<'_>) -> Result<(Data, Data)> {
        let (classes, scores) = each_sum!(self.trees.eval(x)?, totals => self.rule.apply(totals));
        let labels = &self.rule.labels;
        let labels = if labels.len() == 1 { labels.yes_and_no() } else { labels.clone() };
        Ok((labels.at(classes.into_iter()), Data::F32(scores)))
    }
}

impl Rule {
    /// The class and the scores of each row.
    fn apply<T: Number>(&self, mut totals: Totals<T>) -> (Vec<usize>, Vec<f32>) {
        let base: Vec<T> = self.base_values.iter().copied().map(T::from_f64).collect();
        let n_classes = self.labels.len();
        let rows = totals.numbers.chunks_exact_mut(n_classes).zip(totals.is_set.chunks_exact_mut(n_classes));
        let mut scores = Vec::with_capacity(rows.len() * n_classes);
        let mut classes = Vec::with_capacity(rows.len());
        for (numbers, is_set) in rows {
            classes.push(match (numbers, is_set) {
                ([number], _) => self.one_class(*number, &base, &mut scores),
                ([first, second], [is_first_set, is_second_set]) => {
                    let binary = binary([*first, *second], [*is_first_set, *is_second_set], &base);
                    self.two_classes(&binary, &mut scores)
                }
                (numbers, is_set) => self.many_classes(numbers, is_set, &base, &mut scores),
            });
        }
        (classes, scores)
    }

    fn one_class<T: Number>(&self, number: T, base: &[T], scores: &mut Vec<f32>) -> usize {
        let number = base.last().map_or(number, |base| number + *base);
        let mut row = [number.to_f32()];
        self.post_transform.apply_to_row(&mut row);
        scores.extend(row);
        usize::from(number > T::ZERO)
    }

    fn two_classes<T: Number>(&self, binary: &Binary<T>, scores: &mut Vec<f32>) -> usize {
        let second = self.second.unwrap_or(SecondClass::Opposite);
        let [first, _] = binary.scores;
        if binary.has_second {
            let mut row = binary.scores.map(T::to_f32);
            self.post_transform.apply(&mut row);
            scores.extend(row);
        } else if second == SecondClass::Complement && !self.is_of_margins() {
            // In the digits of the sum: close to 1, what is missing has few of them.
            scores.extend([first.complement().to_f32(), first.to_f32()]);
        } else {
            scores.extend(second.pair(self.post_transform, first.to_f32()));
        }
        let threshold = match self.second {
            Some(SecondClass::Complement) => T::from_f64(0.5),
            _ => T::ZERO,
        };
        usize::from(binary.decisive > threshold)
    }

    /// Whether the post transform takes any score for a margin.
    fn is_of_margins(&self) -> bool {
        matches!(self.post_transform, PostTransform::Logistic | PostTransform::Probit)
    }

    fn many_classes<T: Number>(
        &self,
        numbers: &mut [T],
        is_set: &mut [bool],
        base: &[T],
        scores: &mut Vec<f32>,
    ) -> usize {
        for ((number, is_set), base) in numbers.iter_mut().zip(&mut *is_set).zip(base) {
            *number = *number + *base;
            *is_set = true;
        }
        let mut best: Option<(usize, T)> = None;
        for (class, (number, is_set)) in numbers.iter().zip(is_set).enumerate() {
            if *is_set && best.is_none_or(|(_, greatest)| *number > greatest) {
                best = Some((class, *number));
            }
        }
        let start = scores.len();
        scores.extend(numbers.iter().map(|number| number.to_f32()));
        self.post_transform.apply(scores.get_mut(start..).unwrap_or_default());
        best.map_or(0, |(class, _)| class)
    }
}

/// The scores of two classes with their base values. One of two that no leaf has a number for stays 0, as in ONNX Runtime.
fn binary<T: Number>(
    [first, second]: [T; 2],
    [is_first_set, is_second_set]: [bool; 2],
    base: &[T],
) -> Binary<T> {
    let (scores, has_second) = match *base {
        // Both classes have a base value and scores: the second's counts, and the first is its opposite.
        [_, base] if is_second_set => ([(base + first).opposite(), base + first], true),
        [base_first, base_second] => ([first + base_first, second + base_second], true),
        [base] => ([first + base, second], is_second_set),
        _ => ([first, second], is_second_set),
    };
    let [first, second] = scores;
    let decisive = if is_second_set { second } else { first };
    let kept = |score: T, is_set: bool| if is_set { score } else { T::ZERO };
    let first = if has_second { kept(first, is_first_set) } else { first };
    Binary { scores: [first, kept(second, is_second_set)], has_second, decisive }
}
