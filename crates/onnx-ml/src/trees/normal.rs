//! Trees in a normal form that knows one question only: is a feature at most a threshold?
//!
//! The other comparisons become that one with the next smaller number as threshold, or with the children swapped; equality and sets become
//! a binary search. What a missing value answers is kept at every node, so that the form gives the same leaf for every input. A node's
//! children stand side by side, first the one for no; a leaf is its own child, and its threshold NaN, so that every step from it stays.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;

use super::forest::{Branch, Forest, Node, Test};
use crate::{Error, Result};

/// The numbers in which a tree compares and sums.
pub(crate) trait Number:
    Copy
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Div<Output = Self>
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    const NAN: Self;
    const NEG_INFINITY: Self;
    const ZERO: Self;
    const ONE: Self;
    /// The number, rounded to the nearest.
    fn from_f64(number: f64) -> Self;
    /// The next smaller number.
    fn next_down(self) -> Self;
    /// The number, rounded to the nearest.
    fn to_f32(self) -> f32;
    /// What is missing to one.
    fn complement(self) -> Self;
    /// The number with the other sign.
    fn opposite(self) -> Self;
    /// Whether it is none.
    fn is_missing(self) -> bool;
}

macro_rules! number {
    ($number:ty) => {
        #[expect(clippy::allow_attributes, reason = "one of the two types loses no digits")]
        #[allow(
            clippy::cast_possible_truncation,
            clippy::unnecessary_cast,
            reason = "rounded to the nearest"
        )]
        impl Number for $number {
            const NAN: Self = Self::NAN;
            const NEG_INFINITY: Self = Self::NEG_INFINITY;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            fn from_f64(number: f64) -> Self {
                number as Self
            }

            fn next_down(self) -> Self {
                Self::next_down(self)
            }

            fn to_f32(self) -> f32 {
                self as f32
            }

            fn complement(self) -> Self {
                1.0 - self
            }

            fn opposite(self) -> Self {
                -self
            }

            #[inline(always)]
            fn is_missing(self) -> bool {
                self.is_nan()
            }
        }
    };
}
number!(f32);
number!(f64);

/// A place in a tree of the normal form.
#[derive(Clone, Debug)]
pub(crate) struct Slot<T> {
    pub(crate) threshold: T,
    pub(crate) feature: u32,
    /// Whether a missing value goes where a number that is at most the threshold goes.
    pub(crate) missing_is_yes: bool,
    /// The place of the child for no; the one for yes is next to it.
    pub(crate) children: usize,
    /// The weights of a leaf.
    pub(crate) leaf: Option<Range<usize>>,
}

/// A tree in normal form; its root is first.
#[derive(Clone, Debug)]
pub(crate) struct Tree<T> {
    pub(crate) slots: Vec<Slot<T>>,
    /// No leaf is fewer steps from the root.
    pub(crate) min_depth: u32,
    /// No leaf is more steps from the root.
    pub(crate) max_depth: u32,
}

/// What is to stand in a place.
enum Plan<T> {
    Node(usize),
    Search(Rc<Search<T>>, Range<usize>),
}

/// A search for the region that a number lies in.
struct Search<T> {
    feature: u32,
    /// The greatest number of each region but the last.
    bounds: Vec<T>,
    /// The node that each region leads to.
    nodes: Vec<usize>,
    /// The node that a missing value leads to.
    missing: usize,
}

struct Builder<'a, T> {
    forest: &'a Forest,
    slots: Vec<Slot<T>>,
    queue: VecDeque<(usize, Plan<T>, u32)>,
    /// Branches that stand somewhere already: another place of theirs shares the children.
    placed: BTreeMap<usize, Slot<T>>,
    min_depth: Option<u32>,
}

/// The tree below `root` in normal form.
///
/// # Errors
/// If a path comes back to where it was.
pub(crate) fn tree<T: Number>(forest: &Forest, root: usize) -> Result<Tree<T>> {
    let mut builder = Builder {
        forest,
        slots: vec![empty()],
        queue: VecDeque::new(),
        placed: BTreeMap::new(),
        min_depth: None,
    };
    builder.queue.push_back((0, Plan::Node(root), 0));
    while let Some((place, plan, depth)) = builder.queue.pop_front() {
        let slot = builder.slot(place, plan, depth);
        builder.slots.get_mut(place).into_iter().for_each(|empty| *empty = slot.clone());
    }
    let max_depth = max_depth(&builder.slots).ok_or_else(|| {
        Error::attribute("nodes_truenodeids", "paths that end in leaves", "one that never ends")
    })?;
    Ok(Tree { slots: builder.slots, min_depth: builder.min_depth.unwrap_or(0), max_depth })
}

fn empty<T: Number>() -> Slot<T> {
    Slot { threshold: T::NAN, feature: 0, missing_is_yes: false, children: 0, leaf: None }
}

impl<T: Number> Builder<'_, T> {
    fn slot(&mut self, place: usize, plan: Plan<T>, depth: u32) -> Slot<T> {
        match plan {
            Plan::Node(node) => self.node(place, node, depth),
            Plan::Search(search, regions) => self.search(place, &search, regions, depth),
        }
    }

    fn node(&mut self, place: usize, node: usize, depth: u32) -> Slot<T> {
        let branch = match self.forest.nodes.get(node) {
            Some(Node::Branch(branch)) => *branch,
            Some(Node::Leaf(weights)) => {
                self.min_depth.get_or_insert(depth);
                return Slot { children: place, leaf: Some(weights.clone()), ..empty() };
            }
            None => return empty(),
        };
        if let Some(placed) = self.placed.get(&node) {
            return placed.clone();
        }
        let slot = self.branch(place, branch, depth);
        self.placed.insert(node, slot.clone());
        slot
    }

    fn branch(&mut self, place: usize, branch: Branch, depth: u32) -> Slot<T> {
        let Branch { feature, test, missing_is_yes, yes, no } = branch;
        let (threshold, is_swapped) = match test {
            Test::AtMost(number) => (T::from_f64(number), false),
            Test::Less(number) => (below(T::from_f64(number)), false),
            Test::AtLeast(number) => (below(T::from_f64(number)), !number.is_nan()),
            Test::More(number) => (T::from_f64(number), !number.is_nan()),
            Test::Equal(number) => {
                let missing = if missing_is_yes { yes } else { no };
                let search = search(feature, &[number], [yes, no], missing);
                return self.search_all(place, search, depth);
            }
            // A missing value differs from every number.
            Test::Unequal(number) => {
                return self.search_all(place, search(feature, &[number], [no, yes], yes), depth);
            }
            Test::Member(set) => {
                let missing = if missing_is_yes { yes } else { no };
                let members = self.forest.sets.get(set).map_or(&[][..], Vec::as_slice);
                let search = search(feature, members, [yes, no], missing);
                return self.search_all(place, search, depth);
            }
        };
        let (first, second) = if is_swapped { (yes, no) } else { (no, yes) };
        let children = self.pair(Plan::Node(first), Plan::Node(second), depth);
        Slot { threshold, feature, missing_is_yes: missing_is_yes != is_swapped, children, leaf: None }
    }

    fn search_all(&mut self, place: usize, search: Search<T>, depth: u32) -> Slot<T> {
        let regions = 0..search.nodes.len();
        self.search(place, &Rc::new(search), regions, depth)
    }

    fn search(&mut self, place: usize, search: &Rc<Search<T>>, regions: Range<usize>, depth: u32) -> Slot<T> {
        let nodes = search.nodes.get(regions.clone()).unwrap_or_default();
        if let &[node] = nodes
            && (regions.len() < search.nodes.len() || node == search.missing)
        {
            return self.node(place, node, depth);
        }
        let middle = regions.start + regions.len() / 2;
        let Some(&threshold) = search.bounds.get(middle.wrapping_sub(1)) else {
            // Every number goes one way, and a missing value another.
            let node = nodes.first().copied().unwrap_or(search.missing);
            let children = self.pair(Plan::Node(node), Plan::Node(search.missing), depth);
            return Slot { feature: search.feature, missing_is_yes: true, children, ..empty() };
        };
        let yes = regions.start..middle;
        let missing_is_yes =
            search.nodes.get(yes.clone()).is_some_and(|nodes| nodes.contains(&search.missing));
        let no = Plan::Search(Rc::clone(search), middle..regions.end);
        let children = self.pair(no, Plan::Search(Rc::clone(search), yes), depth);
        Slot { threshold, feature: search.feature, missing_is_yes, children, leaf: None }
    }

    /// Two places side by side for what is planned.
    fn pair(&mut self, no: Plan<T>, yes: Plan<T>, depth: u32) -> usize {
        let first = self.slots.len();
        self.slots.extend([empty(), empty()]);
        self.queue.extend([(first, no, depth + 1), (first + 1, yes, depth + 1)]);
        first
    }
}

/// The greatest number below; NaN, which nothing is at most, if there is none.
fn below<T: Number>(number: T) -> T {
    if number == T::NEG_INFINITY { T::NAN } else { number.next_down() }
}

/// A search that leads members to one node and all other numbers to another.
fn search<T: Number>(
    feature: u32,
    members: &[f64],
    [member, other]: [usize; 2],
    missing: usize,
) -> Search<T> {
    let mut members: Vec<T> = members.iter().copied().filter(|it| !it.is_nan()).map(T::from_f64).collect();
    members.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    members.dedup_by(|a, b| a == b);
    let (mut bounds, mut nodes): (Vec<T>, Vec<usize>) = (Vec::new(), Vec::new());
    for number in members {
        let before = below(number);
        if let Some(last) = bounds.last_mut().filter(|last| **last == before) {
            *last = number;
            continue;
        }
        if number > T::NEG_INFINITY {
            bounds.push(before);
            nodes.push(other);
        }
        bounds.push(number);
        nodes.push(member);
    }
    nodes.push(other);
    Search { feature, bounds, nodes, missing }
}

/// The most steps from the root to a leaf; none if some path has no end.
fn max_depth<T>(slots: &[Slot<T>]) -> Option<u32> {
    let mut depths: Vec<Option<u32>> = vec![None; slots.len()];
    let mut is_open = vec![false; slots.len()];
    let mut path = vec![0_usize];
    while let Some(&place) = path.last() {
        let slot = slots.get(place)?;
        if depths.get(place)?.is_some() || slot.leaf.is_some() {
            depths.get_mut(place)?.get_or_insert(0);
            path.pop();
        } else if std::mem::replace(is_open.get_mut(place)?, true) {
            let no = (*depths.get(slot.children)?)?;
            let yes = (*depths.get(slot.children + 1)?)?;
            *depths.get_mut(place)? = Some(1 + no.max(yes));
            path.pop();
        } else {
            for child in [slot.children, slot.children + 1] {
                if depths.get(child)?.is_none() {
                    if *is_open.get(child)? {
                        return None;
                    }
                    path.push(child);
                }
            }
        }
    }
    *depths.first()?
}
