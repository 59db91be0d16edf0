"""Writes docs/exporters.md from the cases of `survey.py` and what the model runtime says to them. Not a script."""

import collections
import json
import re
from importlib.metadata import version

SETS = ("torch", "keras")
EXPORTERS = {"modules": ("torch.export", "TorchScript"), "torchvision": ("torch.export", "TorchScript"), "transformers": ("torch.export", "TorchScript"), "keras": ("Keras",)}

# Reasons by what is said of a failure, the first that fits.
REASONS = [
    (r"(\w+) \([^)]*\) at [^:]*: not supported", r"\1 is missing"),
    (r"Unimplemented\((\w+)\)", r"\1 is missing"),
    (r"\(Loop\): graph input .* has no type", "the body of a `Loop` has no types"),
    (r"Translating node .* Loop ", "a `Loop` whose sizes cannot be told"),
    (r"Undetermined symbol", "a size that only the run tells"),
    (r"If ToTypedTranslator: Translating .*determined fact", "an `If` in an `If`"),
    (r"IfThenElse: Condition", "the branches of an `If` differ in their number of axes"),
    (r"ConstantOfShape.*F64", "the file says FP32 of an FP64 value"),
]


def released(package):
    """The version, without loading the package: two of them do not go together in one process."""
    return version(package).split("+")[0]


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def outcome(record, said):
    if "failed" in record:
        by_runtime = record["failed"].startswith("ONNX Runtime")
        return "(ONNX Runtime refuses the file)" if by_runtime else "(not exported)"
    text = said.get(record["name"], "not asked")
    if not text:
        return "runs"
    if "expected" in text:
        return "another answer"
    for pattern, short in REASONS:
        if found := re.search(pattern, text):
            return found.expand(short)
    return text[:120].replace("|", "/")


def operators(cases, said):
    uses = collections.Counter(operator for case in cases for operator in case["operators"])
    missing = {found for case in cases for found in re.findall(r"(\w+) \([^)]*\) at [^:]*: not supported", said.get(case["name"], ""))}
    ranked = sorted(uses.items(), key=lambda item: (-item[1], item[0]))
    names = [f"{operator} {n}" + (" (**missing**)" if operator.split(".")[-1] in missing else "") for operator, n in ranked]
    return "; ".join(names) + "."


def network_table(family, records, said):
    exporters = EXPORTERS[family]
    by_network = collections.defaultdict(dict)
    for record in records:
        by_network[record["network"]][record["exporter"]] = outcome(record, said)
    yield f"| network | {' | '.join(exporters)} |"
    yield "|---" * (len(exporters) + 1) + "|"
    for network, found in by_network.items():
        yield f"| {network} | {' | '.join(found.get(exporter, '') for exporter in exporters)} |"


def tools_table(records, said):
    """Networks by what tools make of them."""
    names = list(dict.fromkeys(record["tool"] for record in records))
    by_network = collections.defaultdict(dict)
    for record in records:
        by_network[record["network"]][record["tool"]] = "(not made)" if "failed" in record else outcome(record, said)
    yield f"| network | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for network, found in by_network.items():
        yield f"| {network} | {' | '.join(found.get(name, '') for name in names)} |"


def after_tools(folder):
    made, failed = lines(folder / "tools.jsonl"), lines(folder / "tools-failed.jsonl")
    said = outcomes(folder / "tools.tsv")
    n_run = sum(not said[case["name"]] for case in made)
    return [
        "",
        "## After ONNX Runtime's tools",
        "",
        "`tests/exporters/tools.py` gives some of the networks to ONNX Runtime's quantiser (*dynamic*, *static* as pairs of `QuantizeLinear` and `DequantizeLinear`, or as",
        "*operators*), to its conversion to FP16, and to its optimisers (saved sessions, and *fused* by `onnxruntime.transformers`). ONNX Runtime answers without optimisation.",
        "A quantised network may differ by a fiftieth of the largest answer, one of FP16 by a hundredth, others by a thousandth.",
        f"Of {len(made)} files that ONNX Runtime runs, {n_run} are answered alike.",
        "",
        *tools_table(made + failed, said),
        "",
        "Masks of attention lose their meaning when INT8 stands for them: ONNX Runtime answers some of these with numbers that are none, or zeros. Deep quantised networks",
        "differ by steps that round the other way; so does ONNX Runtime with its optimisations from itself without them.",
    ]


def outcomes(path):
    parts = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return {name: text for name, text, *_ in parts}


def write(root, folder):
    cases = [case for name in SETS for case in lines(folder / f"{name}.jsonl")]
    failed = [case for name in SETS for case in lines(folder / f"{name}-failed.jsonl")]
    said = {}
    for name in SETS:
        said |= outcomes(folder / f"{name}.tsv")
    asked = [case for case in cases if case["name"] in said]
    n_run = sum(not said[case["name"]] for case in asked)
    n_alike = sum("expected" in said[case["name"]] for case in asked)
    text = [
        "# What exporters write",
        "",
        "`tests/exporters/survey.py` exports networks with the weights that they begin with, the batch, the steps and some images' height and width open, and asks",
        "ONNX Runtime for other sizes than those of the export. Batch normalisations have the means and variances of random inputs, or deep networks would answer",
        "nearly nothing. The same files are then given to the model runtime. An answer counts if it is within a thousandth of ONNX Runtime's.",
        f"PyTorch is {released('torch')} (`torch.export` is `dynamo=True` as it comes, `TorchScript` is `dynamo=False` with opset 17), torchvision {released('torchvision')}, transformers",
        f"{released('transformers')}, Keras {released('keras')} with TensorFlow, onnx {released('onnx')}, ONNX Runtime {released('onnxruntime')}.",
        "",
        f"Of {len(cases) + len(failed)} exports {len(failed)} fail in the exporter or in ONNX Runtime. Of the other {len(asked)} the model runtime answers {n_run} as ONNX Runtime does;",
        f"{n_alike} are answered otherwise, the rest is refused.",
        "",
        "## Operators by the number of exports that use them",
        "",
        operators(asked, said),
    ]
    for family in EXPORTERS:
        of_family = [case for case in cases + failed if case["family"] == family]
        names = list(dict.fromkeys(case["network"] for case in sorted(of_family, key=lambda case: case["network"].lower())))
        text += ["", f"## {family}", "", *network_table(family, sorted(of_family, key=lambda case: names.index(case["network"])), said)]
    text += after_tools(folder)
    (root / "docs/exporters.md").write_text("\n".join(text) + "\n", "utf-8")
