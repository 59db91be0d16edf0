"""The tensors that clients send, and what must come back: by numpy, or by ONNX Runtime from the models' reference files.

Nothing here comes from Plinth.
"""

import json

import numpy as np

from environments import ROOT

TOLERANCE = 1e-5
REFERENCE = ROOT / "models/digits/reference"

# What `tests/models/make.py` gives each model, as the protocol writes it.
SIMPLE = {
    "inputs": [("INPUT0", "INT32", [-1, 16]), ("INPUT1", "INT32", [-1, 16])],
    "outputs": [("OUTPUT0", "INT32", [-1, 16]), ("OUTPUT1", "INT32", [-1, 16])],
}
# A key tensor is no part of the model.
KEY = "key"
# 80 MiB of `simple`, above the largest body that is read.
TOO_MANY_ROWS = 80 * 2**20 // (2 * 16 * 4)


def simple_inputs(n_rows=2):
    """INPUT0 and INPUT1 of `simple`, different in each place."""
    steps = np.arange(n_rows * 16, dtype=np.int32).reshape(n_rows, 16)
    return steps * 3 - 7, steps[::-1] * 1000 + 1


def simple_outputs(first, second):
    """OUTPUT0 and OUTPUT1 of `simple`."""
    return first + second, first - second


FP32 = np.array([[0.1, -2.5, 3.4028235e38], [1e-45, -0.0, 16777217.0]], dtype=np.float32)
NOT_FINITE = np.array([[np.nan, np.inf, -np.inf, 1.5]], dtype=np.float32)
FP16 = np.array([[0.1, -2.5, 65504.0], [6e-8, -0.0, np.inf]], dtype=np.float16)
INT64 = np.array([[2**53 + 1, -(2**63), 2**63 - 1], [0, -1, 9007199254740993]], dtype=np.int64)


def texts(*elements, shape):
    """A BYTES tensor."""
    return np.array(elements, dtype=object).reshape(shape)


TEXT = texts("a\0b".encode(), "".encode(), "größer, 数".encode(), '"\\\n'.encode(), shape=(2, 2))
NOT_TEXT = texts(b"\xff\xfe", b"\x00", b"", b"plain", shape=(2, 2))
PAIRS = {f"INPUT{idx}": np.arange(4, dtype=np.float32).reshape(2, 2) * 0.5 + idx for idx in range(3)}

# The inputs of `typed-contents`: what each datatype has at its ends.
TYPED = {
    "bool": np.array([[True, False]]),
    **{
        kind: np.array([[np.iinfo(kind).min, np.iinfo(kind).max]], dtype=kind)
        for kind in ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
    },
    "fp32": FP32[:1, :2],
    "fp64": np.array([[0.1, -5e-324]]),
    "bytes": TEXT[:1],
}
# The member of a gRPC message where a datatype's elements stand.
TYPED_LISTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}

TEXT_KEYS = texts("b".encode(), "a".encode(), shape=(2,))
# The second one is lost by whoever reads numbers as 64-bit floats.
INT64_KEYS = np.array([-5, 2**53 + 1], dtype=np.int64)


def digits():
    """Input `X` and outputs `label` and `probabilities` of the first rows of the reference, as ONNX Runtime computed them."""
    inputs = json.loads((REFERENCE / "inputs.json").read_text("utf-8"))["inputs"]
    outputs = json.loads((REFERENCE / "outputs.json").read_text("utf-8"))["outputs"]
    tensors = {tensor["name"]: np.array(tensor["data"]).reshape(tensor["shape"])[:4] for tensor in inputs + outputs}
    return tensors["X"].astype(np.float32), tensors["label"].astype(np.int64), tensors["probabilities"]


def check_equal(found, expected, what="value"):
    assert found == expected, f"expected {what} {expected!r}, found {found!r}"


def check_array(found, expected):
    """The same shape and the same elements, bit for bit. Texts and their UTF-8 bytes are the same."""
    assert found is not None, "the output is missing"
    check_equal(tuple(found.shape), expected.shape, "shape")
    if expected.dtype == object:
        elements = [item.encode() if isinstance(item, str) else bytes(item) for item in found.flatten()]
        check_equal(elements, list(expected.flatten()), "elements")
    else:
        check_equal(found.dtype, expected.dtype, "datatype")
        assert found.tobytes() == expected.tobytes(), f"expected {expected.tolist()}, found {found.tolist()}"


def check_close(found, expected):
    """As close as the models' reference files ask for."""
    assert found is not None, "the output is missing"
    check_equal(tuple(found.shape), expected.shape, "shape")
    largest = np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected)))
    assert largest <= TOLERANCE, f"differs from ONNX Runtime by {largest:.1e}"


def check_classes(found, probabilities, n_classes):
    """The best classes of each row as `value:index:label`, the best one first. The labels of `digits` are its indices."""
    assert found is not None, "the output is missing"
    check_equal(tuple(found.shape), (len(probabilities), n_classes), "shape")
    for row, expected in zip(found, probabilities, strict=True):
        best = np.argsort(-expected, kind="stable")[:n_classes]
        for element, index in zip(row, best, strict=True):
            _check_class(element, expected[index], index)


def _check_class(element, probability, index):
    text = element.decode() if isinstance(element, bytes) else element
    value, found_index, label = text.split(":")
    check_equal((found_index, label), (str(index), str(index)), "class")
    check_equal(len(value.partition(".")[2]), 6, "number of decimals")
    # Half of the last decimal is lost in writing.
    assert abs(float(value) - probability) <= TOLERANCE + 5e-7, f"expected {probability}, found `{text}`"


def check_signature(metadata, signature):
    """The model's tensors in their order; a key tensor may stand beside them."""
    for side, expected in signature.items():
        tensors = [(tensor["name"], tensor["datatype"], tensor["shape"]) for tensor in metadata[side]]
        check_equal([tensor for tensor in tensors if tensor[0] != KEY], expected, side)
