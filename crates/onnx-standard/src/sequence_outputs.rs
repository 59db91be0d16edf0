//! Outputs that are sequences. Neither tract nor the interface of a model has such values, so each tensor of a sequence that the graph builds
//! becomes an output of its own: `probabilities` of two becomes `probabilities_0` and `probabilities_1`.

use std::collections::BTreeSet;

use tract_onnx::pb::{GraphProto, NodeProto, ValueInfoProto};

/// Rewrites the outputs that a node `SequenceConstruct` builds, unless something else reads them or a name is taken.
pub(crate) fn take_apart(graph: &mut GraphProto) {
    let outputs = std::mem::take(&mut graph.output);
    for output in outputs {
        let parts = parts(graph, &output);
        if parts.is_empty() {
            graph.output.push(output);
            continue;
        }
        graph.node.retain(|node| !node.output.contains(&output.name));
        for (idx, part) in parts.into_iter().enumerate() {
            let name = part_name(&output.name, idx);
            graph.node.push(identity(part, name.clone()));
            // Of the type that its node says.
            graph.output.push(ValueInfoProto { name, ..ValueInfoProto::default() });
        }
    }
}

/// The tensors of which an output is a sequence; none if it cannot be taken apart.
fn parts(graph: &GraphProto, output: &ValueInfoProto) -> Vec<String> {
    let builds = |node: &&NodeProto| node.op_type == "SequenceConstruct" && node.output == [&*output.name];
    let Some(node) = graph.node.iter().find(builds) else { return Vec::new() };
    let used: BTreeSet<&String> =
        graph.node.iter().flat_map(|node| node.input.iter().chain(&node.output)).collect();
    let is_read = graph.node.iter().any(|node| node.input.contains(&output.name));
    let is_taken = (0..node.input.len()).any(|idx| used.contains(&part_name(&output.name, idx)));
    if is_read || is_taken { Vec::new() } else { node.input.clone() }
}

fn part_name(output: &str, idx: usize) -> String {
    format!("{output}_{idx}")
}

fn identity(input: String, output: String) -> NodeProto {
    NodeProto {
        name: output.clone(),
        op_type: "Identity".to_owned(),
        input: vec![input],
        output: vec![output],
        ..NodeProto::default()
    }
}
