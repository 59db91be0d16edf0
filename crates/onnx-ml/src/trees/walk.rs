//! From the roots to the leaves: several rows at once, without a branch that depends on the data.
//!
//! A block of rows lies column by column, so that rows that stand at the same node read side by side. Each step of a row is two loads,
//! a comparison and an addition; several rows take turns, so that none waits for memory. Which rows share a block changes no row's leaf.

#![expect(
    unsafe_code,
    reason = "two bounds checks a step, of indices that were checked once, cost a third of the time"
)]

use super::layout::{Index, Node, Span};
use super::normal::Number;

/// How many rows a block has room for.
pub(crate) const BLOCK: usize = 64;

/// How many rows take turns.
const LANES: usize = 8;

/// Rows, column by column.
pub(crate) struct Block<T> {
    /// For each column, a place for every row.
    columns: Vec<T>,
    n_rows: usize,
    n_features: usize,
    pub(crate) has_missing: bool,
}

impl<T: Number> Block<T> {
    /// Room for rows with `n_features` columns.
    pub(crate) fn new(n_features: usize) -> Self {
        Self { columns: vec![T::ZERO; n_features * BLOCK], n_rows: 0, n_features, has_missing: false }
    }

    /// Takes rows of `width` columns, of which the first `n_features` count; those beyond [`BLOCK`] are left.
    pub(crate) fn fill(&mut self, rows: &[T], width: usize) {
        self.n_rows = 0;
        self.has_missing = false;
        for (lane, row) in rows.chunks_exact(width.max(1)).take(BLOCK).enumerate() {
            self.n_rows = lane + 1;
            for (column, number) in self.columns.chunks_exact_mut(BLOCK).zip(row) {
                column.get_mut(lane).into_iter().for_each(|place| *place = *number);
                self.has_missing |= number.is_missing();
            }
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }
}

/// The leaf of each row of the block, as a place in the tree.
///
/// `nodes` are those of one tree, whose children lie in it and whose features are below the block's: [`super::layout`] and
/// [`super::ensemble`] see to it.
pub(crate) fn leaves<T: Number, I: Index>(
    nodes: &[Node<T, I>],
    tree: Span,
    block: &Block<T>,
    places: &mut [u32; BLOCK],
) {
    if block.has_missing {
        all_rows::<T, I, true>(nodes, tree, block, places);
    } else {
        all_rows::<T, I, false>(nodes, tree, block, places);
    }
}

fn all_rows<T: Number, I: Index, const MISSING: bool>(
    nodes: &[Node<T, I>],
    tree: Span,
    block: &Block<T>,
    places: &mut [u32; BLOCK],
) {
    debug_assert!(block.columns.len() == block.n_features * BLOCK, "a place for each row in each column");
    let (whole, _) = places.as_chunks_mut::<LANES>();
    let n_whole = block.n_rows / LANES;
    for (turn, places) in whole.iter_mut().take(n_whole).enumerate() {
        *places = some_rows::<T, I, MISSING, LANES>(nodes, tree, &block.columns, turn * LANES);
    }
    let rest = places.iter_mut().enumerate().take(block.n_rows).skip(n_whole * LANES);
    for (row, place) in rest {
        [*place] = some_rows::<T, I, MISSING, 1>(nodes, tree, &block.columns, row);
    }
}

/// The leaves of `N` rows from `first` on.
#[inline(always)]
fn some_rows<T: Number, I: Index, const MISSING: bool, const N: usize>(
    nodes: &[Node<T, I>],
    tree: Span,
    columns: &[T],
    first: usize,
) -> [u32; N] {
    let mut places = [0; N];
    for _ in 0..tree.min_depth {
        step::<T, I, MISSING, N>(nodes, columns, first, &mut places);
    }
    for _ in tree.min_depth..tree.max_depth {
        let before = places;
        step::<T, I, MISSING, N>(nodes, columns, first, &mut places);
        if places == before {
            break;
        }
    }
    places
}

/// One step of each row; a row at a leaf stays.
#[inline(always)]
fn step<T: Number, I: Index, const MISSING: bool, const N: usize>(
    nodes: &[Node<T, I>],
    columns: &[T],
    first: usize,
    places: &mut [u32; N],
) {
    for (lane, place) in places.iter_mut().enumerate() {
        debug_assert!((*place as usize) < nodes.len(), "a place in the tree");
        // SAFETY: a place is 0, or a child of a node of this tree, and these lie in it.
        let node = *unsafe { nodes.get_unchecked(*place as usize) };
        let at = node.feature() as usize * BLOCK + first + lane;
        debug_assert!(at < columns.len(), "a row's place in a column");
        // SAFETY: the feature is below the number of columns, and `first + lane` is below `BLOCK`.
        let number = *unsafe { columns.get_unchecked(at) };
        let is_at_most = number <= node.threshold;
        let is_yes = is_at_most | (MISSING & node.missing_is_yes() & number.is_missing());
        *place = node.children() + u32::from(is_yes);
    }
}
