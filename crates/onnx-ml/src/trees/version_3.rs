//! The attributes of `TreeEnsembleClassifier` and `TreeEnsembleRegressor`: parallel lists of nodes and of leaf weights.

use super::forest::{Branch, Forest, Node, Test, feature};
use crate::attributes::size;
use crate::error::check_len;
use crate::{Attributes, Data, Error, Result};

/// The names of the attributes that differ between the two operators.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub(crate) ids: &'static str,
    pub(crate) node_ids: &'static str,
    pub(crate) tree_ids: &'static str,
    pub(crate) weights: &'static str,
    pub(crate) weights_tensor: &'static str,
}

pub(crate) const CLASSES: Names = Names {
    ids: "class_ids",
    node_ids: "class_nodeids",
    tree_ids: "class_treeids",
    weights: "class_weights",
    weights_tensor: "class_weights_as_tensor",
};

pub(crate) const TARGETS: Names = Names {
    ids: "target_ids",
    node_ids: "target_nodeids",
    tree_ids: "target_treeids",
    weights: "target_weights",
    weights_tensor: "target_weights_as_tensor",
};

/// Where nodes and weights stand by tree and node.
struct Places(Vec<((i64, i64), usize)>);

impl Places {
    fn new(tree_ids: &[i64], node_ids: &[i64]) -> Self {
        let ids = tree_ids.iter().copied().zip(node_ids.iter().copied());
        let mut places: Vec<_> = ids.zip(0..).collect();
        places.sort_unstable();
        Self(places)
    }

    fn of_node(&self, tree: i64, node: i64) -> Result<usize> {
        let found = self.0.binary_search_by_key(&(tree, node), |(id, _)| *id).ok();
        let place = found.and_then(|found| self.0.get(found)).map(|(_, place)| *place);
        place
            .ok_or_else(|| Error::attribute("nodes_nodeids", format!("a node {node} in tree {tree}"), "none"))
    }

    fn check_unique(&self) -> Result<()> {
        let twice = self.0.windows(2).find_map(|pair| match pair {
            [(a, _), (b, _)] if a == b => Some(a),
            _ => None,
        });
        match twice {
            None => Ok(()),
            Some((tree, node)) => Err(Error::attribute(
                "nodes_nodeids",
                "every id once in its tree",
                format!("{node} twice in tree {tree}"),
            )),
        }
    }
}

/// The forest of the attributes, for `n_targets` targets or classes.
pub(crate) fn forest(attributes: &Attributes<'_>, names: Names, n_targets: usize) -> Result<Forest> {
    let (tree_ids, node_ids) = (attributes.ints("nodes_treeids")?, attributes.ints("nodes_nodeids")?);
    check_len("nodes_nodeids", node_ids.len(), tree_ids.len(), "`nodes_treeids`")?;
    let places = Places::new(tree_ids, node_ids);
    places.check_unique()?;
    let (leaf_weights, weights) = weights(attributes, names)?;
    let nodes = nodes(attributes, &places, &leaf_weights)?;
    let starts = tree_ids.iter().enumerate().filter(|(place, id)| {
        let before = place.checked_sub(1).and_then(|before| tree_ids.get(before));
        before != Some(*id)
    });
    let roots = starts.map(|(place, _)| place).collect();
    let forest = Forest { nodes, roots, weights, sets: Vec::new(), n_targets };
    forest.check()?;
    Ok(forest)
}

/// Numbers that an attribute holds as a list or, under another name, as a tensor.
pub(crate) fn numbers(attributes: &Attributes<'_>, list: &str, tensor: &str) -> Result<Vec<f64>> {
    match attributes.tensor(tensor)? {
        Some(tensor) if !attributes.has(list) => Ok(tensor.as_slice().to_f64("attribute")?.into_owned()),
        Some(_) => Err(Error::attribute(list, format!("numbers either here or in `{tensor}`"), "both")),
        None => Ok(attributes.floats(list)?.iter().copied().map(f64::from).collect()),
    }
}

/// The leaves' ids with the places of their weights, and the weights, ordered by leaf.
fn weights(attributes: &Attributes<'_>, names: Names) -> Result<(Places, Vec<(usize, f64)>)> {
    let ids = attributes.ints(names.ids)?;
    let (tree_ids, node_ids) = (attributes.ints(names.tree_ids)?, attributes.ints(names.node_ids)?);
    let values = numbers(attributes, names.weights, names.weights_tensor)?;
    for (name, len) in
        [(names.tree_ids, tree_ids.len()), (names.node_ids, node_ids.len()), (names.weights, values.len())]
    {
        check_len(name, len, ids.len(), names.ids)?;
    }
    let mut places = Places::new(tree_ids, node_ids);
    let mut ordered = Vec::with_capacity(ids.len());
    for (place, (_, source)) in places.0.iter_mut().enumerate() {
        let (id, value) = (ids.get(*source).copied().unwrap_or_default(), values.get(*source).copied());
        ordered.push((size(names.ids, id)?, value.unwrap_or_default()));
        *source = place;
    }
    Ok((places, ordered))
}

fn nodes(attributes: &Attributes<'_>, places: &Places, leaf_weights: &Places) -> Result<Vec<Node>> {
    let n_nodes = places.0.len();
    let ints = |name| -> Result<&[i64]> {
        let values = attributes.ints(name)?;
        check_len(name, values.len(), n_nodes, "`nodes_treeids`").map(|()| values)
    };
    let modes = attributes.texts("nodes_modes")?;
    check_len("nodes_modes", modes.len(), n_nodes, "`nodes_treeids`")?;
    let values = numbers(attributes, "nodes_values", "nodes_values_as_tensor")?;
    check_len("nodes_values", values.len(), n_nodes, "`nodes_treeids`")?;
    let missing = attributes.ints("nodes_missing_value_tracks_true")?;
    let missing = missing.iter().copied().chain(std::iter::repeat(0));
    let (tree_ids, node_ids) = (ints("nodes_treeids")?, ints("nodes_nodeids")?);
    let ids = tree_ids.iter().zip(node_ids);
    let children = ints("nodes_truenodeids")?.iter().zip(ints("nodes_falsenodeids")?);
    let tests = modes.iter().zip(values).zip(ints("nodes_featureids")?);
    let mut nodes = Vec::with_capacity(n_nodes);
    for (((tree, node), (yes, no)), (((mode, value), index), missing)) in
        ids.zip(children).zip(tests.zip(missing))
    {
        nodes.push(match test(mode, value)? {
            None => Node::Leaf(leaf(leaf_weights, *tree, *node)?),
            Some(test) => Node::Branch(Branch {
                feature: feature(*index)?,
                test,
                missing_is_yes: missing == 1,
                yes: places.of_node(*tree, *yes)?,
                no: places.of_node(*tree, *no)?,
            }),
        });
    }
    Ok(nodes)
}

/// The test of a mode; none for a leaf.
fn test(mode: &str, value: f64) -> Result<Option<Test>> {
    Ok(Some(match mode {
        "LEAF" => return Ok(None),
        "BRANCH_LEQ" => Test::AtMost(value),
        "BRANCH_LT" => Test::Less(value),
        "BRANCH_GTE" => Test::AtLeast(value),
        "BRANCH_GT" => Test::More(value),
        "BRANCH_EQ" => Test::Equal(value),
        "BRANCH_NEQ" => Test::Unequal(value),
        _ => {
            let expected = "LEAF, BRANCH_LEQ, BRANCH_LT, BRANCH_GTE, BRANCH_GT, BRANCH_EQ or BRANCH_NEQ";
            return Err(Error::attribute("nodes_modes", expected, mode));
        }
    }))
}

/// Where a leaf's weights stand among the ordered ones.
fn leaf(weights: &Places, tree: i64, node: i64) -> Result<std::ops::Range<usize>> {
    let start = weights.0.partition_point(|(id, _)| *id < (tree, node));
    let end = weights.0.partition_point(|(id, _)| *id <= (tree, node));
    if start == end {
        return Err(Error::attribute(
            "nodes_modes",
            format!("a weight for the leaf {node} of tree {tree}"),
            "none",
        ));
    }
    Ok(start..end)
}

/// The base values: none, or as many as `allowed` says.
pub(crate) fn base_values(attributes: &Attributes<'_>, allowed: &[usize]) -> Result<Vec<f64>> {
    let values = numbers(attributes, "base_values", "base_values_as_tensor")?;
    if values.is_empty() || allowed.contains(&values.len()) {
        return Ok(values);
    }
    let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    let expected = format!("no or {} numbers", allowed.join(" or "));
    Err(Error::attribute("base_values", expected, values.len().to_string()))
}

/// Whether all weights go to one class, and whether none is negative.
pub(crate) fn describe_weights(forest: &Forest) -> (bool, bool) {
    let first = forest.weights.first().map(|(target, _)| *target);
    let has_one_target = forest.weights.iter().all(|(target, _)| Some(*target) == first);
    (has_one_target, forest.weights.iter().all(|(_, weight)| *weight >= 0.0))
}

/// The values of an attribute that is a tensor.
pub(crate) fn tensor(attributes: &Attributes<'_>, name: &str) -> Result<Data> {
    Ok(attributes.tensor(name)?.cloned().unwrap_or(Data::F32(Vec::new())))
}
