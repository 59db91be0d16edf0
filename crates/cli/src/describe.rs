//! What the commands print of a model, aligned for a reader.

use std::time::Duration;

use packer::{Loaded, Sizes, Timings};
use tensor::{Metadata, TensorSpec};

pub(crate) fn signature(metadata: &Metadata) {
    row("model", &format!("{}, version {}", metadata.name, metadata.version));
    for (role, specs) in [("input", &metadata.inputs), ("output", &metadata.outputs)] {
        for spec in specs {
            row(role, &tensor(spec, metadata));
        }
    }
    for (name, value) in metadata.properties.iter().filter(|(name, _)| !name.starts_with("dims.")) {
        row(name, &value.replace('\n', ", "));
    }
}

pub(crate) fn loaded(loaded: &Loaded, onnx_bytes: Option<u64>) {
    row(
        "ONNX",
        &format!("IR version {}, opset {}, {} nodes", loaded.ir_version, loaded.opset, loaded.n_nodes),
    );
    if let Some(onnx_bytes) = onnx_bytes {
        row("ONNX file", &format!("{}, of it weights {}", bytes(onnx_bytes), bytes(loaded.weights_bytes)));
    }
    row("load", &format!("{}, with {} warm-up calls", duration(loaded.load), loaded.n_warm_ups));
}

pub(crate) fn sizes(sizes: &Sizes) {
    row("packed", &bytes(sizes.packed));
    row("  runtime code", &bytes(sizes.code));
    row("  data", &format!("{} (runtime constants, weights, plan)", bytes(sizes.data)));
    row("  other", &bytes(sizes.other));
    row("memory", &format!("{} at the start of an instance, mapped when used", bytes(sizes.initial_memory)));
}

pub(crate) fn timings(timings: &Timings) {
    row("instantiate", &duration(timings.instantiate));
    row("first call", &format!("{}, one generated row", duration(timings.first)));
    row("warm call", &duration(timings.warm));
}

fn row(name: &str, value: &str) {
    println!("  {name:<16} {value}");
}

fn tensor(spec: &TensorSpec, metadata: &Metadata) -> String {
    let symbolic = metadata.property(&format!("dims.{}", spec.name)).map(str::to_owned);
    let dims =
        symbolic.unwrap_or_else(|| spec.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    format!("{} {}[{}]", spec.name, spec.datatype, dims.replace(',', ", "))
}

/// With three digits: `1.50 MB`.
fn bytes(n_bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "printed with three digits")]
    let n = n_bytes as f64;
    match n_bytes {
        0..1_000 => format!("{n_bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", n / 1e3),
        _ => format!("{:.2} MB", n / 1e6),
    }
}

fn duration(duration: Duration) -> String {
    let us = duration.as_secs_f64() * 1e6;
    if us < 1_000.0 { format!("{us:.0} us") } else { format!("{:.1} ms", us / 1e3) }
}
