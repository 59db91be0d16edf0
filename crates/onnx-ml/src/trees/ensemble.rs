//! What all trees of an ensemble say of rows, summed in the order of the trees: a row's bits depend on nothing but the row.

use super::forest::Forest;
use super::layout::{Layout, Leaves, Nodes, Span};
use super::normal::Number;
use super::walk::{self, BLOCK, Block};
use crate::{Attributes, Error, Result};

/// How the leaves of several trees become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

impl Aggregate {
    /// The attribute `aggregate_function` as a name.
    pub(crate) fn from_name(attributes: &Attributes<'_>) -> Result<Self> {
        let choices =
            [("SUM", Self::Sum), ("AVERAGE", Self::Average), ("MIN", Self::Min), ("MAX", Self::Max)];
        attributes.choice("aggregate_function", &choices)
    }

    /// The attribute `aggregate_function` as a number.
    pub(crate) fn from_number(attributes: &Attributes<'_>) -> Result<Self> {
        Ok(match attributes.int("aggregate_function")?.unwrap_or(1) {
            0 => Self::Average,
            1 => Self::Sum,
            2 => Self::Min,
            3 => Self::Max,
            other => {
                return Err(Error::attribute(
                    "aggregate_function",
                    "a number from 0 to 3",
                    other.to_string(),
                ));
            }
        })
    }

    fn join<T: Number>(self, total: T, number: T, is_first: bool) -> T {
        match self {
            Self::Sum | Self::Average => total + number,
            Self::Min if is_first || number < total => number,
            Self::Max if is_first || number > total => number,
            Self::Min | Self::Max => total,
        }
    }
}

/// What the trees say of each row and target.
#[derive(Clone, Debug)]
pub(crate) struct Totals<T> {
    /// Row by row.
    pub(crate) numbers: Vec<T>,
    /// Whether any leaf had a number for it.
    pub(crate) is_set: Vec<bool>,
}

/// An ensemble ready to be evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Ensemble<T> {
    layout: Layout<T>,
    aggregate: Aggregate,
}

impl<T: Number> Ensemble<T> {
    /// # Errors
    /// If a path in a tree comes back to where it was.
    pub(crate) fn new(forest: &Forest, aggregate: Aggregate) -> Result<Self> {
        Ok(Self { layout: Layout::new(forest)?, aggregate })
    }

    /// What the trees say of rows of `n_features` numbers. `AVERAGE` is divided by the number of trees.
    ///
    /// # Errors
    /// If a tree asks for a column that is not there.
    pub(crate) fn eval(&self, rows: &[T], n_rows: usize, n_features: usize) -> Result<Totals<T>> {
        let layout = &self.layout;
        if layout.n_features > n_features {
            return Err(Error::input(
                "X",
                format!("{} columns at least", layout.n_features),
                n_features.to_string(),
            ));
        }
        let n_targets = layout.n_targets;
        let mut totals =
            Totals { numbers: vec![T::ZERO; n_rows * n_targets], is_set: vec![false; n_rows * n_targets] };
        // A tree without branches reads the first column.
        let mut block = Block::new(layout.n_features.max(1));
        let inputs = rows.chunks(BLOCK * n_features.max(1));
        let numbers = totals.numbers.chunks_mut(BLOCK * n_targets);
        for ((input, numbers), is_set) in inputs.zip(numbers).zip(totals.is_set.chunks_mut(BLOCK * n_targets))
        {
            block.fill(input, n_features);
            block.has_missing &= layout.has_missing;
            self.add_block(&block, numbers, is_set);
        }
        if self.aggregate == Aggregate::Average {
            let n_trees = layout.trees.iter().fold(T::ZERO, |n, _| n + T::ONE);
            totals.numbers.iter_mut().for_each(|number| *number = *number / n_trees);
        }
        Ok(totals)
    }

    fn add_block(&self, block: &Block<T>, numbers: &mut [T], is_set: &mut [bool]) {
        let mut places = [0_u32; BLOCK];
        for (tree_idx, tree) in self.layout.trees.iter().enumerate() {
            match &self.layout.nodes {
                Nodes::Narrow(nodes) => {
                    walk::leaves(
                        nodes.get(tree.start..tree.end).unwrap_or_default(),
                        *tree,
                        block,
                        &mut places,
                    );
                }
                Nodes::Wide(nodes) => {
                    walk::leaves(
                        nodes.get(tree.start..tree.end).unwrap_or_default(),
                        *tree,
                        block,
                        &mut places,
                    );
                }
            }
            let places = places.get(..block.n_rows()).unwrap_or_default();
            match &self.layout.leaves {
                Leaves::One(weights) => {
                    let weights = weights.get(tree.start..tree.end).unwrap_or_default();
                    self.add_one(weights, places, tree_idx == 0, numbers);
                    is_set.fill(true);
                }
                Leaves::Many(ranges, weights) => {
                    self.add_many((ranges, weights), *tree, places, (numbers, is_set))
                }
            }
        }
    }

    fn add_one(&self, weights: &[T], places: &[u32], is_first: bool, numbers: &mut [T]) {
        let aggregate = self.aggregate;
        for (number, place) in numbers.iter_mut().zip(places) {
            let weight = weights.get(*place as usize).copied().unwrap_or(T::ZERO);
            *number = aggregate.join(*number, weight, is_first);
        }
    }

    #[expect(clippy::type_complexity, reason = "two pairs of slices in step")]
    fn add_many(
        &self,
        (ranges, weights): (&[(u32, u32)], &[(u32, T)]),
        tree: Span,
        places: &[u32],
        (numbers, is_set): (&mut [T], &mut [bool]),
    ) {
        let n_targets = self.layout.n_targets;
        let rows = numbers.chunks_exact_mut(n_targets).zip(is_set.chunks_exact_mut(n_targets));
        for ((numbers, is_set), place) in rows.zip(places) {
            let range = ranges.get(tree.start + *place as usize).copied().unwrap_or_default();
            for (target, weight) in weights.get(range.0 as usize..range.1 as usize).unwrap_or_default() {
                let target = *target as usize;
                if let (Some(number), Some(is_set)) = (numbers.get_mut(target), is_set.get_mut(target)) {
                    *number = self.aggregate.join(*number, *weight, !*is_set);
                    *is_set = true;
                }
            }
        }
    }
}
