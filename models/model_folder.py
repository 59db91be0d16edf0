"""Writes what a model folder holds: `model.onnx`, `model.toml` and `reference/`.

Used by the training scripts beside it and, for running ONNX Runtime, by `tests/golden/make.py`. It trains nothing.
Invariants: graphs use operators of the standard `ai.onnx` domain only, with a symbolic first dimension `batch`; every
reference value comes from ONNX Runtime on one thread, never from Plinth.
"""

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent
OPSET = 17
IR_VERSION = 8  # The intermediate representation that came with opset 17.
REFERENCE_ROWS = 32
TOLERANCE = "1e-5"

DATATYPES = {
    np.dtype(np.float32): "FP32",
    np.dtype(np.int64): "INT64",
}


def tensor_info(name, element, shape):
    return helper.make_tensor_value_info(name, element, shape)


def dense(prefix, source, target, weights, bias):
    """`target = source · weights + bias`: one Gemm node and its two initializers, in FP32."""
    weights_name, bias_name = f"{prefix}.weights", f"{prefix}.bias"
    node = helper.make_node("Gemm", [source, weights_name, bias_name], [target], name=prefix)
    initializers = [
        numpy_helper.from_array(np.ascontiguousarray(weights, dtype=np.float32), weights_name),
        numpy_helper.from_array(np.ascontiguousarray(bias, dtype=np.float32), bias_name),
    ]
    return node, initializers


def classifier(name, layers):
    """A graph of dense layers with ReLU between them, then softmax and the index of its first maximum.

    `layers`: a list of (weights `[n_in, n_out]`, bias `[n_out]`), first to last.
    Input `X` FP32 `[batch, n_in]`; outputs `label` INT64 `[batch]` and `probabilities` FP32 `[batch, n_classes]`.
    """
    nodes, initializers, value = [], [], "X"
    for index, (weights, bias) in enumerate(layers, start=1):
        last = index == len(layers)
        target = "logits" if last else f"layer{index}.sum"
        node, tensors = dense(f"layer{index}", value, target, weights, bias)
        nodes.append(node)
        initializers += tensors
        value = target
        if not last:
            nodes.append(helper.make_node("Relu", [value], [f"layer{index}.relu"], name=f"layer{index}.relu"))
            value = f"layer{index}.relu"
    nodes.append(helper.make_node("Softmax", [value], ["probabilities"], name="softmax", axis=-1))
    nodes.append(helper.make_node("ArgMax", ["probabilities"], ["label"], name="argmax", axis=1, keepdims=0))
    n_features, n_classes = layers[0][0].shape[0], layers[-1][0].shape[1]
    return finish(
        name,
        nodes,
        initializers,
        [tensor_info("X", TensorProto.FLOAT, ["batch", n_features])],
        [
            tensor_info("label", TensorProto.INT64, ["batch"]),
            tensor_info("probabilities", TensorProto.FLOAT, ["batch", n_classes]),
        ],
    )


def linear_regressor(name, coefficients, intercept):
    """`y = X · coefficients + intercept`: input `X` FP32 `[batch, n_in]`, output `y` FP32 `[batch]`."""
    node, initializers = dense("linear", "X", "column", np.reshape(coefficients, (-1, 1)), [intercept])
    initializers.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"))
    return finish(
        name,
        [node, helper.make_node("Squeeze", ["column", "axes"], ["y"], name="squeeze")],
        initializers,
        [tensor_info("X", TensorProto.FLOAT, ["batch", len(coefficients)])],
        [tensor_info("y", TensorProto.FLOAT, ["batch"])],
    )


def finish(name, nodes, initializers, inputs, outputs):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(
        graph,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name=f"plinth models/{name}/train.py",
        producer_version="1",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def session(model_bytes):
    """ONNX Runtime on one thread, with its default optimisations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])


def run(runtime, feeds):
    """All outputs by name, in the model's order."""
    names = [output.name for output in runtime.get_outputs()]
    return dict(zip(names, runtime.run(names, feeds), strict=True))


def number(value):
    """The shortest decimal that reads back as the same FP32 (or the same integer); `None`, which is `null`, for NaN."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    if np.isnan(value):
        return None
    text = np.format_float_scientific(value, unique=True)
    shortest = float(text)
    return int(shortest) if shortest.is_integer() and abs(shortest) < 2**53 else shortest


def numbers(array):
    """Nested lists of `number`s."""
    return [numbers(row) for row in array] if np.ndim(array) else number(array)


def tensor(name, array):
    """A tensor in the JSON form of the Open Inference Protocol V2."""
    return {
        "name": name,
        "datatype": DATATYPES[array.dtype],
        "shape": list(array.shape),
        "data": numbers(array.reshape(-1)),
    }


def tensor_lines(tensors, key):
    """`{key: tensors}` as JSON text with one row of data per line."""
    parts = []
    for item in tensors:
        width = int(np.prod(item["shape"][1:], dtype=int)) if len(item["shape"]) > 1 else 32
        data = item["data"]
        rows = [", ".join(json.dumps(v) for v in data[i : i + width]) for i in range(0, len(data), width)]
        head = ", ".join(f"{json.dumps(k)}: {json.dumps(item[k])}" for k in ("name", "datatype", "shape"))
        parts.append(f'    {{ {head}, "data": [\n      ' + ",\n      ".join(rows) + "\n    ] }")
    return f'{{\n  "{key}": [\n' + ",\n".join(parts) + "\n  ]\n}\n"


def column_lines(columns):
    """A dictionary of columns as JSON text with one element per line for rows and one line for scalars."""
    parts = []
    for name, values in columns.items():
        if isinstance(values[0], list):
            text = "[\n    " + ",\n    ".join(json.dumps(row, separators=(",", ":")) for row in values) + "\n  ]"
        else:
            text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
        parts.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def versions():
    names = ("scikit-learn", "onnx", "onnxruntime", "numpy")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


def toml_value(value):
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def toml(description):
    """TOML text: plain keys first, then one table per nested dictionary and one array of tables per list of them."""
    lines = ["# Written by train.py; models/README.md says how to write it again."]
    tables = []
    for key, value in description.items():
        if isinstance(value, dict):
            tables.append((f"[{key}]", value))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [(f"[[{key}]]", item) for item in value]
        else:
            lines.append(f"{key} = {toml_value(value)}")
    for head, table in tables:
        lines += ["", head] + [f"{key} = {toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def training(estimator, seed):
    """The training table of a description: the estimator as scikit-learn prints it, that is without defaults."""
    return {"script": "train.py", "seed": seed, "estimator": " ".join(repr(estimator).split())}


def specs(values):
    """Name, datatype and shape of a graph's inputs or outputs, -1 for the symbolic dimension."""
    kinds = {TensorProto.FLOAT: "FP32", TensorProto.INT64: "INT64"}
    return [
        {
            "name": value.name,
            "datatype": kinds[value.type.tensor_type.elem_type],
            "shape": [-1 if dim.dim_param else dim.dim_value for dim in value.type.tensor_type.shape.dim],
        }
        for value in values
    ]


def write_model(folder, model, description):
    """`model.onnx` and `model.toml`. `description`: what only the training script knows, in the order to print it."""
    model_bytes = model.SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(model_bytes)
    head = {key: value for key, value in description.items() if not isinstance(value, dict)}
    facts = {
        "sha256": hashlib.sha256(model_bytes).hexdigest(),
        "opset": OPSET,
        "outputs": [output.name for output in model.graph.output],
    }
    signature = {"input": specs(model.graph.input), "output": specs(model.graph.output)}
    tables = {key: value for key, value in description.items() if isinstance(value, dict)}
    (folder / "model.toml").write_text(toml(head | facts | signature | tables | {"versions": versions()}), "utf-8")


def write_reference(folder, model, inputs, seed, extra):
    """`reference/`: the first rows of `inputs`, what ONNX Runtime makes of them, and how they came about."""
    reference = folder / "reference"
    reference.mkdir(exist_ok=True)
    rows = inputs[:REFERENCE_ROWS].astype(np.float32)
    outputs = run(session(model.SerializeToString(deterministic=True)), {"X": rows})
    (reference / "inputs.json").write_text(tensor_lines([tensor("X", rows)], "inputs"))
    tensors = [tensor(name, array) for name, array in outputs.items()]
    (reference / "outputs.json").write_text(tensor_lines(tensors, "outputs"))
    (reference / "README.md").write_text(reference_readme(folder.name, seed, extra))


def reference_readme(name, seed, extra):
    tools = ", ".join(f"{tool} {version}" for tool, version in versions().items())
    return f"""# Reference values of `{name}`

| file | holds |
|---|---|
| `inputs.json` | the first {REFERENCE_ROWS} held-out rows, as a V2 inference request has them |
| `outputs.json` | what ONNX Runtime answers for them (CPU, one thread), as a V2 response has them |
{extra}
Written by `models/{name}/train.py`, seed {seed}, with {tools}.
Tolerance: `{TOLERANCE}`, for each number `abs(answer - reference) <= {TOLERANCE} * max(1, abs(reference))`; integers exactly.
"""
