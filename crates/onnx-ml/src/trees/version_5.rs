//! The attributes of `TreeEnsemble`: branches and leaves in lists of their own, and sets that a branch can ask for.

use super::forest::{Branch, Forest, Node, Test, feature};
use super::version_3::tensor;
use crate::attributes::size;
use crate::error::check_len;
use crate::{Attributes, Error, Result};

/// The numbers of the modes.
const MEMBER: i64 = 6;

/// The forest of the attributes.
pub(crate) fn forest(attributes: &Attributes<'_>) -> Result<Forest> {
    let n_targets = attributes.size("n_targets", 0)?;
    let weights = leaves(attributes)?;
    let sets = sets(attributes)?;
    let mut nodes = branches(attributes, &sets, weights.len())?;
    let n_branches = nodes.len();
    nodes.extend((0..weights.len()).map(|leaf| Node::Leaf(leaf..leaf + 1)));
    let roots = attributes.ints("tree_roots")?;
    let roots =
        roots.iter().map(|&root| index("tree_roots", root, n_branches)).collect::<Result<Vec<usize>>>()?;
    let forest = Forest { nodes, roots, weights, sets, n_targets };
    forest.check()?;
    Ok(forest)
}

/// Targets and weights of the leaves.
fn leaves(attributes: &Attributes<'_>) -> Result<Vec<(usize, f64)>> {
    let targets = attributes.ints("leaf_targetids")?;
    let weights = tensor(attributes, "leaf_weights")?;
    let weights = weights.as_slice().to_f64("leaf_weights")?;
    check_len("leaf_weights", weights.len(), targets.len(), "`leaf_targetids`")?;
    targets
        .iter()
        .zip(weights.iter())
        .map(|(id, weight)| Ok((size("leaf_targetids", *id)?, *weight)))
        .collect()
}

/// The sets, which NaN ends.
fn sets(attributes: &Attributes<'_>) -> Result<Vec<Vec<f64>>> {
    let members = tensor(attributes, "membership_values")?;
    let members = members.as_slice().to_f64("membership_values")?;
    Ok(members.split(|member| member.is_nan()).map(<[f64]>::to_vec).collect())
}

fn branches(attributes: &Attributes<'_>, sets: &[Vec<f64>], n_leaves: usize) -> Result<Vec<Node>> {
    let features = attributes.ints("nodes_featureids")?;
    let n_nodes = features.len();
    let ints = |name| -> Result<&[i64]> {
        let values = attributes.ints(name)?;
        check_len(name, values.len(), n_nodes, "`nodes_featureids`").map(|()| values)
    };
    let splits = tensor(attributes, "nodes_splits")?;
    let splits = splits.as_slice().to_f64("nodes_splits")?;
    check_len("nodes_splits", splits.len(), n_nodes, "`nodes_featureids`")?;
    let modes = tensor(attributes, "nodes_modes")?;
    let modes = modes.as_slice().to_i64("nodes_modes")?;
    check_len("nodes_modes", modes.len(), n_nodes, "`nodes_featureids`")?;
    let missing = attributes.ints("nodes_missing_value_tracks_true")?;
    let missing = missing.iter().copied().chain(std::iter::repeat(0));
    let child = |id: &i64, is_leaf: &i64| -> Result<usize> {
        if *is_leaf == 0 {
            index("nodes_truenodeids", *id, n_nodes)
        } else {
            index("nodes_trueleafs", *id, n_leaves).map(|leaf| leaf + n_nodes)
        }
    };
    let yes = ints("nodes_truenodeids")?.iter().zip(ints("nodes_trueleafs")?);
    let no = ints("nodes_falsenodeids")?.iter().zip(ints("nodes_falseleafs")?);
    let mut n_sets = 0;
    let mut nodes = Vec::with_capacity(n_nodes + n_leaves);
    let tests = modes.iter().zip(splits.iter()).zip(features);
    for (((yes, yes_leaf), (no, no_leaf)), (((mode, split), id), missing)) in
        yes.zip(no).zip(tests.zip(missing))
    {
        nodes.push(Node::Branch(Branch {
            feature: feature(*id)?,
            test: test(*mode, *split, &mut n_sets)?,
            missing_is_yes: missing == 1,
            yes: child(yes, yes_leaf)?,
            no: child(no, no_leaf)?,
        }));
    }
    if n_sets > sets.len() {
        return Err(Error::attribute("membership_values", format!("{n_sets} sets"), sets.len().to_string()));
    }
    Ok(nodes)
}

fn test(mode: i64, split: f64, n_sets: &mut usize) -> Result<Test> {
    Ok(match mode {
        0 => Test::AtMost(split),
        1 => Test::Less(split),
        2 => Test::AtLeast(split),
        3 => Test::More(split),
        4 => Test::Equal(split),
        5 => Test::Unequal(split),
        MEMBER => {
            *n_sets += 1;
            Test::Member(*n_sets - 1)
        }
        _ => return Err(Error::attribute("nodes_modes", "modes from 0 to 6", mode.to_string())),
    })
}

fn index(name: &str, id: i64, end: usize) -> Result<usize> {
    usize::try_from(id)
        .ok()
        .filter(|id| *id < end)
        .ok_or_else(|| Error::attribute(name, format!("indices below {end}"), id.to_string()))
}
