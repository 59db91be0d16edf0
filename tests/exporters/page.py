"""Writes docs/exporters.md from the cases of `survey.py` and what the model runtime says to them. Not a script."""

import collections
import json
import re

import keras
import onnx
import onnxruntime
import torch
import torchvision
import transformers

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


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def outcome(record, said):
    if "failed" in record:
        by_runtime = record["failed"].startswith("ONNX Runtime")
        return "(ONNX Runtime refuses the file)" if by_runtime else "(not exported)"
    text = said.get(record["name"], "not asked")
    if not text:
        return "runs"
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


def write(root, folder):
    cases = [case for name in SETS for case in lines(folder / f"{name}.jsonl")]
    failed = [case for name in SETS for case in lines(folder / f"{name}-failed.jsonl")]
    said = {}
    for name in SETS:
        for line in (folder / f"{name}.tsv").read_text("utf-8").splitlines():
            case, _, text = line.partition("\t")
            said[case] = text
    asked = [case for case in cases if case["name"] in said]
    n_run = sum(not said[case["name"]] for case in asked)
    n_alike = sum("expected" in said[case["name"]] for case in asked)
    text = [
        "# What exporters write",
        "",
        "`tests/exporters/survey.py` exports networks with the weights that they begin with, the batch, the steps and some images' height and width open, and asks",
        "ONNX Runtime for other sizes than those of the export. Batch normalisations have the means and variances of random inputs, or deep networks would answer",
        "nearly nothing. The same files are then given to the model runtime. An answer counts if it is within a thousandth of ONNX Runtime's.",
        f"PyTorch is {torch.__version__.split('+')[0]} (`torch.export` is `dynamo=True` as it comes, `TorchScript` is `dynamo=False` with opset 17), torchvision {torchvision.__version__.split('+')[0]}, transformers",
        f"{transformers.__version__}, Keras {keras.__version__} with TensorFlow, onnx {onnx.__version__}, ONNX Runtime {onnxruntime.__version__}.",
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
    (root / "docs/exporters.md").write_text("\n".join(text) + "\n", "utf-8")
