//! Trees of every kind against a walk that reads them as they are written, node by node.

#![expect(clippy::cast_possible_truncation, reason = "numbers of these tests are few and fit")]
#![expect(clippy::float_cmp, reason = "a walk compares exactly")]

use proptest::prelude::*;

use super::ensemble::{Aggregate, Ensemble};
use super::forest::{Branch, Forest, Node, Test};
use super::layout::{Layout, Nodes};
use super::normal;

const N_FEATURES: usize = 3;

/// Few numbers, so that features often equal thresholds; the two zeros and numbers next to each other among them.
fn number() -> impl Strategy<Value = f64> {
    let next_to_one = f64::from(1.0_f32.next_up());
    prop::sample::select(vec![f64::NEG_INFINITY, -1.0, -0.0, 0.0, 0.5, 1.0, next_to_one, 2.0, f64::INFINITY])
}

fn feature() -> impl Strategy<Value = f32> {
    prop_oneof![8 => number().prop_map(|number| number as f32), 1 => Just(f32::NAN), 1 => -2.0_f32..2.0]
}

fn test() -> impl Strategy<Value = Test> {
    let threshold = prop_oneof![9 => number(), 1 => Just(f64::NAN)];
    (0..7, threshold).prop_map(|(kind, number)| match kind {
        0 => Test::AtMost(number),
        1 => Test::Less(number),
        2 => Test::AtLeast(number),
        3 => Test::More(number),
        4 => Test::Equal(number),
        5 => Test::Unequal(number),
        _ => Test::Member(usize::from(number > 0.0)),
    })
}

/// A forest whose branches lead to later nodes, some to the same.
fn forest() -> impl Strategy<Value = Forest> {
    let branch =
        (0_u32..3, test(), any::<bool>(), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let branches = prop::collection::vec(branch, 1..12);
    (branches, 1_usize..4, prop::collection::vec(prop::collection::vec(number(), 0..5), 2)).prop_map(
        |(branches, n_targets, sets)| {
            let (n_branches, n_leaves) = (branches.len(), 4);
            let mut nodes: Vec<Node> = branches
                .into_iter()
                .enumerate()
                .map(|(place, (feature, test, missing_is_yes, yes, no))| {
                    let later = n_branches + n_leaves - place - 1;
                    let [yes, no] = [yes, no].map(|index| place + 1 + index.index(later));
                    Node::Branch(Branch { feature, test, missing_is_yes, yes, no })
                })
                .collect();
            nodes.extend((0..n_leaves).map(|leaf| Node::Leaf(leaf..leaf + 1)));
            let weights = (0..n_leaves).map(|leaf| (leaf % n_targets, f64::from(1 << leaf))).collect();
            Forest { nodes, roots: vec![0, n_branches / 2], weights, sets, n_targets }
        },
    )
}

fn is_yes(forest: &Forest, branch: &Branch, x: f32) -> bool {
    let x = f64::from(x);
    let answer = match branch.test {
        Test::AtMost(number) => x <= number,
        Test::Less(number) => x < number,
        Test::AtLeast(number) => x >= number,
        Test::More(number) => x > number,
        Test::Equal(number) => x == number,
        Test::Unequal(number) => x != number,
        Test::Member(set) => forest.sets[set].contains(&x),
    };
    answer || (branch.missing_is_yes && x.is_nan())
}

fn totals(forest: &Forest, row: &[f32], aggregate: Aggregate) -> Vec<f32> {
    let mut totals: Vec<Option<f64>> = vec![None; forest.n_targets];
    for &root in &forest.roots {
        let mut node = root;
        while let Node::Branch(branch) = &forest.nodes[node] {
            let x = row[branch.feature as usize];
            node = if is_yes(forest, branch, x) { branch.yes } else { branch.no };
        }
        let Node::Leaf(weights) = &forest.nodes[node] else { unreachable!("a leaf") };
        for (target, weight) in &forest.weights[weights.clone()] {
            let total = totals[*target];
            totals[*target] = Some(match aggregate {
                Aggregate::Sum | Aggregate::Average => total.unwrap_or(0.0) + weight,
                Aggregate::Min => total.unwrap_or(f64::INFINITY).min(*weight),
                Aggregate::Max => total.unwrap_or(f64::NEG_INFINITY).max(*weight),
            });
        }
    }
    let n_trees = forest.roots.len() as f64;
    let divide = |total: f64| if aggregate == Aggregate::Average { total / n_trees } else { total };
    totals.into_iter().map(|total| divide(total.unwrap_or(0.0)) as f32).collect()
}

fn aggregate() -> impl Strategy<Value = Aggregate> {
    prop::sample::select(vec![Aggregate::Sum, Aggregate::Average, Aggregate::Min, Aggregate::Max])
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

proptest! {
    #[test]
    fn every_row_meets_the_leaves_that_the_attributes_say(
        forest in forest(),
        aggregate in aggregate(),
        rows in prop::collection::vec(prop::collection::vec(feature(), N_FEATURES), 1..20),
    ) {
        let expected: Vec<f32> = rows.iter().flat_map(|row| totals(&forest, row, aggregate)).collect();
        let ensemble: Ensemble<f32> = Ensemble::new(&forest, aggregate).expect("trees");
        let found = ensemble.eval(&rows.concat(), rows.len(), N_FEATURES).expect("columns");
        prop_assert_eq!(&found.numbers, &expected);
        let doubles: Vec<f64> = rows.concat().into_iter().map(f64::from).collect();
        let ensemble: Ensemble<f64> = Ensemble::new(&forest, aggregate).expect("trees");
        let found = ensemble.eval(&doubles, rows.len(), N_FEATURES).expect("columns");
        let found: Vec<f32> = found.numbers.into_iter().map(|number| number as f32).collect();
        prop_assert_eq!(&found, &expected);
    }

    #[test]
    fn a_row_has_the_same_bits_wherever_it_stands(
        forest in forest(),
        row in prop::collection::vec(feature(), N_FEATURES),
        others in prop::collection::vec(feature(), 200 * N_FEATURES),
        place in 0_usize..200,
    ) {
        let ensemble: Ensemble<f32> = Ensemble::new(&forest, Aggregate::Sum).expect("trees");
        let alone = ensemble.eval(&row, 1, N_FEATURES).expect("columns").numbers;
        let mut all = others;
        all[place * N_FEATURES..][..N_FEATURES].copy_from_slice(&row);
        let among = ensemble.eval(&all, 200, N_FEATURES).expect("columns").numbers;
        prop_assert_eq!(bits(&among[place * forest.n_targets..][..forest.n_targets]), bits(&alone));
    }
}

fn chain(n_branches: usize) -> Forest {
    let branch = |place: usize| {
        let test = Test::AtMost(place as f64);
        let no = if place + 1 == n_branches { 2 * n_branches } else { place + 1 };
        Node::Branch(Branch { feature: 0, test, missing_is_yes: false, yes: n_branches + place, no })
    };
    let leaf = |place: usize| Node::Leaf(place..place + 1);
    let nodes = (0..n_branches).map(branch).chain((0..=n_branches).map(leaf)).collect();
    let weights = (0..=n_branches).map(|leaf| (0, leaf as f64)).collect();
    Forest { nodes, roots: vec![0], weights, sets: Vec::new(), n_targets: 1 }
}

#[test]
fn trees_with_many_nodes_take_wider_indices() {
    let forest = chain(40_000);
    let layout: Layout<f32> = Layout::new(&forest).expect("a tree");
    assert!(matches!(layout.nodes, Nodes::Wide(_)), "more places than 16 bits count");
    let ensemble: Ensemble<f32> = Ensemble::new(&forest, Aggregate::Sum).expect("a tree");
    let found = ensemble.eval(&[-1.0, 17.0, 39_998.5, 1e9], 4, 1).expect("a column").numbers;
    assert_eq!(found, [0.0, 17.0, 39_999.0, 40_000.0]);
}

#[test]
fn paths_without_end_are_refused() {
    let mut forest = chain(3);
    let Node::Branch(branch) = &mut forest.nodes[2] else { unreachable!("a branch") };
    branch.no = 0;
    let error = normal::tree::<f32>(&forest, 0).expect_err("no tree");
    assert_eq!(
        error.to_string(),
        "attribute `nodes_truenodeids`: expected paths that end in leaves, found one that never ends"
    );
}

#[test]
fn columns_that_trees_ask_for_must_be_there() {
    let mut forest = chain(1);
    let Node::Branch(branch) = &mut forest.nodes[0] else { unreachable!("a branch") };
    branch.feature = 4;
    let ensemble: Ensemble<f32> = Ensemble::new(&forest, Aggregate::Sum).expect("a tree");
    let error = ensemble.eval(&[0.0; 4], 1, 4).expect_err("too few columns");
    assert_eq!(error.to_string(), "input `X`: expected 5 columns at least, found 4");
}
