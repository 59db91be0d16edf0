//! Trees as the attributes describe them, with every id resolved to an index. Not what is evaluated: see `normal` and `layout`.

use std::ops::Range;

use crate::{Error, Result};

/// What a branch asks of a feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Test {
    AtMost(f64),
    Less(f64),
    AtLeast(f64),
    More(f64),
    Equal(f64),
    Unequal(f64),
    /// Whether the feature is in a set of the forest.
    Member(usize),
}

/// A node that asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branch {
    pub(crate) feature: u32,
    pub(crate) test: Test,
    /// Whether a missing value counts as yes.
    pub(crate) missing_is_yes: bool,
    pub(crate) yes: usize,
    pub(crate) no: usize,
}

/// A node.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Branch(Branch),
    /// Where its weights stand in the forest's.
    Leaf(Range<usize>),
}

/// All trees of an ensemble.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    pub(crate) nodes: Vec<Node>,
    pub(crate) roots: Vec<usize>,
    /// Targets and what the leaves add to them.
    pub(crate) weights: Vec<(usize, f64)>,
    /// The sets that branches ask for.
    pub(crate) sets: Vec<Vec<f64>>,
    pub(crate) n_targets: usize,
}

impl Forest {
    /// Checks that there are trees, that every node named exists and that every target does.
    pub(crate) fn check(&self) -> Result<()> {
        if self.roots.is_empty() {
            return Err(Error::attribute("nodes_treeids", "one tree at least", "none"));
        }
        let n_targets = self.n_targets;
        if let Some((target, _)) = self.weights.iter().find(|(target, _)| *target >= n_targets) {
            let expected = format!("targets or classes below {n_targets}");
            return Err(Error::attribute("target_ids", expected, target.to_string()));
        }
        Ok(())
    }

    /// How many columns the trees ask for.
    pub(crate) fn n_features(&self) -> usize {
        let features = self.nodes.iter().filter_map(|node| match node {
            Node::Branch(branch) => usize::try_from(branch.feature).ok(),
            Node::Leaf(_) => None,
        });
        features.max().map_or(0, |feature| feature + 1)
    }
}

/// A feature's index.
pub(crate) fn feature(index: i64) -> Result<u32> {
    u32::try_from(index).ok().filter(|index| *index < u32::MAX >> 1).ok_or_else(|| {
        Error::attribute("nodes_featureids", "indices from 0 to 2147483646", index.to_string())
    })
}
