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

# Reasons by what tract or the packer says.
REASONS = [
    (r"the interface has no (\S+)|Unknown DatumType|unknown.*type \d+|cannot be served", "a datatype that the interface lacks"),
    (r"no tensor|has no type|SequenceT|OptionalT|Can not parse tensor type", "a sequence, optional or map"),
    (r"cannot run:.*: not supported|Unimplemented", "the operator is missing"),
    (r"its domain is not supported", "its operator set is not supported"),
    (r"without a seed", "random numbers without a seed"),
    (r"const|variable|determined|Need axes", "a parameter is an input of the model, and must be in the file"),
    (r"not supported|[Uu]nsupported", "an attribute is not supported"),
    (r"expected|other elements", "another answer"),
]


def outcomes(name):
    lines = (FOLDER / f"{name}.tsv").read_text("utf-8").splitlines()
    return dict((line.split("\t") + [""])[:2] for line in lines)


def reason(text):
    found = (short for pattern, short in REASONS if re.search(pattern, text))
    return next(found, "tract cannot load it")


def row(operator, cases, plain, packed):
    counts = [len(cases), sum(case["onnxruntime"] is None for case in cases)]
    counts += [sum(not answered[case["name"]] for case in cases) for answered in (plain, packed)]
    failed = collections.Counter(reason(packed[case["name"]]) for case in cases if packed[case["name"]])
    reasons = "; ".join(f"{n}: {text}" for text, n in sorted(failed.items(), key=lambda item: (-item[1], item[0])))
    return f"| {operator} | {' | '.join(map(str, counts))} | {reasons} |"


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
    (ROOT / "docs/operators.md").write_text("\n".join(lines) + "\n", "utf-8")
    (HERE / "passing.txt").write_text("\n".join(passing) + "\n", "utf-8")


if __name__ == "__main__":
    main()
