"""Writes docs/operators.md, which node tests of ONNX pass by operator, and passing.txt beside this file, the names of those that pass here.

It reads what `cargo xtask node-tests` has left in target/node-tests/: the cases, and a file of outcomes for each way to answer them.
"""

import collections
import json
import pathlib
import re

import onnx
import onnxruntime

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / "target/node-tests"

# Reasons by what tract or the packer says, the first that fits.
REASONS = [
    (r"without a seed|RandomUniformLike", "random numbers without a seed"),
    (r"its domain is not supported", "its operator set is not supported"),
    (r"the interface has no (\S+)|Unknown DatumType|unknown enumeration value|elem_type|TensorProto.DataType", "a datatype that the interface lacks"),
    (r"no tensor|has no type value|SequenceT|OptionalT|Can not parse tensor type", "a sequence, optional or map"),
    (r"cannot run:.*: not supported|Unimplemented", "the operator is missing"),
    (r"Wrong number of outputs", "an output for training"),
    (r"const|variable|determined|Need axes|can not be typed|how many axes", "an argument that must be constant, or a shape that depends on values"),
    (r"not supported|[Uu]nsupported", "an attribute is not supported"),
]

# What is not meant to run, and why.
STAYS_OUT = [
    "Training: losses (`NegativeLogLikelihoodLoss`, `SoftmaxCrossEntropyLoss`), optimisers (`ai.onnx.preview.training`), `BatchNormalization` and `Dropout` in training mode.",
    "Randomness: `Bernoulli` and the `Random…` operators without a seed. A packed model answers the same bytes with the same bits.",
    "Sequences, optional values and maps between nodes (`SequenceMap`, `SplitToSequence`, `Optional…`): a request has tensors only. A `ZipMap` at the end becomes columns.",
    "Datatypes that the Open Inference Protocol lacks or tract has no numbers for: complex, those of eight, four and two bits, and inputs and outputs of BF16. Between them, FP16 and BF16 are FP32.",
    "An `If` whose branches differ in their number of axes, unless the file decides which one is taken, and a `Loop` that changes the number of axes of what it carries on or has sequences. `If`, `Loop` and `Scan` otherwise run.",
    "`ImageDecoder`: decode in front of the model.",
    "`DeformConv`, `StringSplit`, `CausalConvWithState`, `LinearAttention`, `FlexAttention`: no exporter of the survey in `exporters.md` writes them.",
    "Weights in blocks: `QuantizeLinear` and `DequantizeLinear` with a `block_size`.",
]

ROUNDED = "rounded otherwise, by less than two thousandths or by two millionths"
OTHER = "another answer"


DIFFERS = [
    "`Clip` without one of its limits leaves infinity; ONNX Runtime makes the largest finite number of it. The mean of nothing is no number (NaN), as to NumPy; "
    "to ONNX Runtime it is 0. `ReduceMax` and `ReduceMin` find NaN in rows of any length, ONNX Runtime in long ones. `Unique` tells each NaN.",
    "A window over a smaller image is refused at the request; ONNX Runtime answers some of these with what is not there. `Pad` that wraps around more than once is refused.",
    "`Slice` by sizes that come from other values is refused beyond the end of an axis; by numbers in the file it takes what there is, of one element at least. Where a model "
    "needs to know how long the part is, as `Gemm` does, shorter rows are refused.",
    "A `Cast` to FP16 or BF16 and back does not round, nor do operators between: ONNX Runtime rounds after each.",
    "`GatherND` whose indices have an open number of columns, `ScatterElements` whose indices and updates name their sizes otherwise, and `ReduceL2` and `ReduceSumSquare` of INT64 "
    "are refused when packed.",
    "Not defined, and answered otherwise: `AffineGrid` with corners aligned over a dimension of 1, `Cast` of a number that the whole type does not hold, the sizes of what a "
    "`Loop` of no turn has collected.",
]


def outcomes(name):
    lines = (FOLDER / f"{name}.tsv").read_text("utf-8").splitlines()
    return dict((line.split("\t") + [""])[:2] for line in lines)


def is_rounding(text):
    """Whether the answer is the expected one but for its last digits: a step of a half-precision number, or a zero that is not quite."""
    found = re.search(r"has (\S+), expected (\S+)$", text)
    found, expected = (float(number) for number in found.groups()) if found else (0.0, float("inf"))
    return abs(found - expected) <= max(2e-6, 2e-3 * abs(expected))


def reason(text):
    if re.search(r"` (has|is) .*(expected|elements)", text):
        return ROUNDED if is_rounding(text) else OTHER
    found = (short for pattern, short in REASONS if re.search(pattern, text))
    return next(found, "tract cannot load it")


def row(operator, cases, plain, packed):
    counts = [len(cases), sum(case["onnxruntime"] is None for case in cases)]
    counts += [sum(not answered[case["name"]] for case in cases) for answered in (plain, packed)]
    failed = collections.Counter(reason(packed[case["name"]]) for case in cases if packed[case["name"]])
    reasons = "; ".join(f"{n}: {text}" for text, n in sorted(failed.items(), key=lambda item: (-item[1], item[0])))
    return f"| {operator} | {' | '.join(map(str, counts))} | {reasons} |"


def stays_out(by_operator, packed):
    """The list of what is left out, with the operators that no case of passes."""
    missing = [operator for operator, cases in sorted(by_operator.items()) if all(packed[case["name"]] for case in cases)]
    wrong = [name for name, text in packed.items() if text and reason(text) == OTHER]
    return [
        "## What stays out",
        "",
        "A model that needs any of this is refused when it is packed, with the operator's name and the reason.",
        "",
        *[f"- {text}" for text in STAYS_OUT],
        "",
        f"No case passes of: {', '.join(missing)}.",
        "",
        "Answers of these cases that are wrong and not refused: " + (", ".join(f"`{name}`" for name in wrong) or "none") + ".",
        "",
        "## Known to differ",
        "",
        "Beside the cases, `tests/node-tests/edges.py` asks for numbers that are none, dimensions of length 0, ranges beyond the end, arguments that do not fit, small images and",
        "other datatypes: all are answered as by ONNX Runtime, or refused where it refuses them. What is otherwise:",
        "",
        *[f"- {text}" for text in DIFFERS],
    ]


def main():
    with (FOLDER / "cases.jsonl").open(encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    plain, extended, packed = outcomes("plain"), outcomes("extended"), outcomes("packed")
    passing = [case["name"] for case in cases if not packed[case["name"]]]
    worse = [case["name"] for case in cases if packed[case["name"]] and not (plain[case["name"]] and extended[case["name"]])]
    by_operator = collections.defaultdict(list)
    for case in cases:
        by_operator[case["operator"]].append(case)
    total = [len(cases), sum(case["onnxruntime"] is None for case in cases), sum(not text for text in plain.values()), len(passing)]
    lines = [
        "# Which operators run",
        "",
        f"`cargo xtask node-tests` wrote this: the node tests of the package onnx {onnx.__version__}, a model of one operator each, or of the body that",
        "the specification gives for it, with inputs and answers. An answer counts if it is within a thousandth, which is ONNX's own tolerance.",
        f"ONNX Runtime is {onnxruntime.__version__}, through Python. *tract* is tract-onnx as it comes. *Packed* is the model runtime as Wasm, with the",
        "operators of `crates/onnx-ml` and `crates/onnx-standard`; packing refuses a model whose packed answers differ from these.",
        "`cargo xtask test` asks again for all that have passed.",
        "",
        f"Of {total[0]} cases ONNX Runtime passes {total[1]}, tract {total[2]}, packed {total[3]}.",
        "",
    ]
    if worse:
        lines += ["Pass with tract on this machine and not packed: " + "; ".join(f"`{name}` ({reason(packed[name])})" for name in worse) + ".", ""]
    lines += ["| operator | cases | ONNX Runtime | tract | packed | why not packed |", "|---|---|---|---|---|---|"]
    lines += [row(operator, by_operator[operator], plain, packed) for operator in sorted(by_operator)]
    lines += ["", *stays_out(by_operator, packed)]
    (ROOT / "docs/operators.md").write_text("\n".join(lines) + "\n", "utf-8")
    (HERE / "passing.txt").write_text("\n".join(passing) + "\n", "utf-8")


if __name__ == "__main__":
    main()
