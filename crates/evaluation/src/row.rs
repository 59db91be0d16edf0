//! One row: what the model saw, what it said and what turned out to be true.

use serde::{Deserialize, Serialize};

/// A row. Features are in the order of the schema; classes are positions in its list.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// A value per feature.
    pub features: &'a [Value<'a>],
    /// What the model said.
    pub predicted: Outcome,
    /// The probability of each class; empty if the model gives none.
    pub probabilities: &'a [f64],
    /// What is true, if it is known.
    pub truth: Option<Outcome>,
}

/// A value of a feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number.
    Number(f64),
    /// A category's name.
    Category(&'a str),
    /// None.
    Missing,
}

/// A prediction or a label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A class, by its position in the schema; `None` if it is none of those.
    Class(Option<usize>),
    /// A number.
    Number(f64),
}
