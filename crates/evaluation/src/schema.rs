//! What the rows of a model consist of.

use serde::{Deserialize, Serialize};

/// The features of a model and what it predicts. Everything that is counted refers to it by position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The features, in the order of a row's values.
    pub features: Vec<Feature>,
    /// What is predicted.
    pub task: Task,
}

/// A feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
}

/// What the values of a feature are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers, which have an order and a distance.
    Number,
    /// Names, which have neither.
    Category,
}

/// What is predicted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of some classes.
    Classification {
        /// The classes, in the order of a row's probabilities.
        classes: Vec<String>,
    },
    /// A number.
    Regression,
}

impl Task {
    /// The classes, none for a regression.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        match self {
            Self::Classification { classes } => classes,
            Self::Regression => &[],
        }
    }
}
