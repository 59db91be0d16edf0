//! Trees as they are evaluated: nodes of all trees in one array, tree by tree and breadth first, in 8 bytes where that is enough.

use super::forest::Forest;
use super::normal::{self, Number, Slot};
use crate::Result;

/// The width of indices in a node: of features and of places within a tree.
pub(crate) trait Index: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// Marks, in a feature's index, that a missing value goes to yes.
    const MISSING: u32;
    /// The index, if it is narrow enough.
    fn new(index: u32) -> Option<Self>;
    fn get(self) -> u32;
}

impl Index for u16 {
    const MISSING: u32 = 1 << 15;

    fn new(index: u32) -> Option<Self> {
        Self::try_from(index).ok()
    }

    fn get(self) -> u32 {
        u32::from(self)
    }
}

impl Index for u32 {
    const MISSING: u32 = 1 << 31;

    fn new(index: u32) -> Option<Self> {
        Some(index)
    }

    fn get(self) -> u32 {
        self
    }
}

/// A node: a number at most the threshold goes to the second child, any other to the first. A leaf is its own first child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<T, I> {
    pub(crate) threshold: T,
    /// The column, and whether a missing value counts as at most the threshold.
    feature: I,
    /// The place of the first child in the tree.
    children: I,
}

impl<T: Number, I: Index> Node<T, I> {
    fn new(slot: &Slot<T>) -> Option<Self> {
        let feature = Some(slot.feature).filter(|feature| *feature < I::MISSING)?;
        let missing = if slot.missing_is_yes { I::MISSING } else { 0 };
        let children = u32::try_from(slot.children).ok()?;
        Some(Self {
            threshold: slot.threshold,
            feature: I::new(feature | missing)?,
            children: I::new(children)?,
        })
    }

    #[inline(always)]
    pub(crate) fn feature(self) -> u32 {
        self.feature.get() & !I::MISSING
    }

    #[inline(always)]
    pub(crate) fn missing_is_yes(self) -> bool {
        self.feature.get() & I::MISSING != 0
    }

    #[inline(always)]
    pub(crate) fn children(self) -> u32 {
        self.children.get()
    }
}

/// A tree's nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) min_depth: u32,
    pub(crate) max_depth: u32,
}

/// Nodes of either width. Every child of a node lies within the node's tree, next to its sibling.
#[derive(Clone, Debug)]
pub(crate) enum Nodes<T> {
    Narrow(Vec<Node<T, u16>>),
    Wide(Vec<Node<T, u32>>),
}

/// What the leaves add, by the place of the leaf.
#[derive(Clone, Debug)]
pub(crate) enum Leaves<T> {
    /// One number to the only target.
    One(Vec<T>),
    /// Numbers to several targets: where they begin and end, and they themselves.
    Many(Vec<(u32, u32)>, Vec<(u32, T)>),
}

/// All trees of an ensemble.
#[derive(Clone, Debug)]
pub(crate) struct Layout<T> {
    pub(crate) trees: Vec<Span>,
    pub(crate) nodes: Nodes<T>,
    pub(crate) leaves: Leaves<T>,
    pub(crate) n_features: usize,
    pub(crate) n_targets: usize,
    /// Whether any missing value goes to yes.
    pub(crate) has_missing: bool,
}

impl<T: Number> Layout<T> {
    /// # Errors
    /// If a path in a tree comes back to where it was.
    pub(crate) fn new(forest: &Forest) -> Result<Self> {
        let (mut slots, mut trees) = (Vec::new(), Vec::new());
        for &root in &forest.roots {
            let tree = normal::tree::<T>(forest, root)?;
            let start = slots.len();
            slots.extend(tree.slots);
            let (min_depth, max_depth) = (tree.min_depth, tree.max_depth);
            trees.push(Span { start, end: slots.len(), min_depth, max_depth });
        }
        let narrow: Option<Vec<_>> = slots.iter().map(Node::new).collect();
        let nodes = match narrow {
            Some(nodes) if size_of::<T>() == size_of::<f32>() => Nodes::Narrow(nodes),
            _ => Nodes::Wide(slots.iter().filter_map(Node::new).collect()),
        };
        Ok(Self {
            trees,
            nodes,
            leaves: leaves(forest, &slots),
            n_features: forest.n_features(),
            n_targets: forest.n_targets,
            has_missing: slots.iter().any(|slot| slot.missing_is_yes),
        })
    }
}

fn leaves<T: Number>(forest: &Forest, slots: &[Slot<T>]) -> Leaves<T> {
    if forest.n_targets == 1 {
        let first = |slot: &Slot<T>| {
            let weight = slot.leaf.as_ref().and_then(|leaf| forest.weights.get(leaf.start));
            weight.map_or(T::ZERO, |(_, weight)| T::from_f64(*weight))
        };
        return Leaves::One(slots.iter().map(first).collect());
    }
    let narrow = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let range =
        |slot: &Slot<T>| slot.leaf.as_ref().map_or((0, 0), |leaf| (narrow(leaf.start), narrow(leaf.end)));
    let weights = forest.weights.iter().map(|(target, weight)| (narrow(*target), T::from_f64(*weight)));
    Leaves::Many(slots.iter().map(range).collect(), weights.collect())
}

/// Checks that every path ends.
///
/// # Errors
/// If one in a tree comes back to where it was.
pub(crate) fn check(forest: &Forest) -> Result<()> {
    forest.roots.iter().try_for_each(|&root| normal::tree::<f32>(forest, root).map(drop))
}
