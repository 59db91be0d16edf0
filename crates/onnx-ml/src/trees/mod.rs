//! Ensembles of decision trees: from attributes to a layout for batches, and what it says of rows. Not the operators, which add labels
//! and post transforms.

pub(crate) mod ensemble;
pub(crate) mod forest;
pub(crate) mod layout;
pub(crate) mod normal;
pub(crate) mod version_3;
pub(crate) mod version_5;
pub(crate) mod walk;

use crate::{ElementType, Matrix, Result};
use ensemble::{Aggregate, Ensemble, Totals};
use forest::Forest;

/// An ensemble in the digits that its input asks for: `f64` for doubles, `f32` for everything else.
#[derive(Clone, Debug)]
pub(crate) enum Trees {
    F32(Ensemble<f32>),
    F64(Ensemble<f64>),
}

/// What an ensemble says of rows, in the digits of its input.
#[derive(Clone, Debug)]
pub(crate) enum Sums {
    F32(Totals<f32>),
    F64(Totals<f64>),
}

impl Trees {
    pub(crate) fn new(forest: &Forest, aggregate: Aggregate, input: ElementType) -> Result<Self> {
        Ok(match input {
            ElementType::F64 => Self::F64(Ensemble::new(forest, aggregate)?),
            _ => Self::F32(Ensemble::new(forest, aggregate)?),
        })
    }

    pub(crate) fn eval(&self, x: Matrix<'_>) -> Result<Sums> {
        Ok(match self {
            Self::F32(ensemble) => Sums::F32(ensemble.eval(&x.data.to_f32("X")?, x.n_rows, x.n_features)?),
            Self::F64(ensemble) => Sums::F64(ensemble.eval(&x.data.to_f64("X")?, x.n_rows, x.n_features)?),
        })
    }
}

/// Runs the same expression over sums of either type.
macro_rules! each_sum {
    ($sums:expr, $totals:ident => $then:expr) => {
        match $sums {
            $crate::trees::Sums::F32($totals) => $then,
            $crate::trees::Sums::F64($totals) => $then,
        }
    };
}
pub(crate) use each_sum;

#[cfg(test)]
mod tests;
