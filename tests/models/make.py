"""Writes the small models beside it: graphs that show one trait each to the runtime, the packer and the functions.

They are not trained and predict nothing. Nothing here is random, so a rerun gives the same bytes.

Run: `python tests/models/make.py` with `models/requirements.txt` installed.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper
import numpy as np

FOLDER = Path(__file__).resolve().parent
OPSET = 17
IR_VERSION = 8

EVERY_DATATYPE = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
}


def value(name, shape, element=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


def write(name, nodes, inputs, outputs, initializers=(), domains=(), check=True):
    """`<name>.onnx`. `domains`: (domain, version) of operators outside ai.onnx."""
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", OPSET)] + [helper.make_opsetid(*domain) for domain in domains]
    model = helper.make_model(
        graph,
        ir_version=IR_VERSION,
        opset_imports=opsets,
        producer_name="plinth tests/models/make.py",
        producer_version="1",
    )
    if check:
        onnx.checker.check_model(model, full_check=True)
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


def add_sub():
    """Two inputs, two outputs: sum = A + B, difference = A - B, FP32 [-1, 4]."""
    write(
        "add-sub",
        [
            helper.make_node("Add", ["A", "B"], ["sum"], name="add"),
            helper.make_node("Sub", ["A", "B"], ["difference"], name="sub"),
        ],
        [value("A", ["batch", 4]), value("B", ["batch", 4])],
        [value("sum", ["batch", 4]), value("difference", ["batch", 4])],
    )


def strings():
    """BYTES in, the same BYTES out, [-1, 2]: `text` to `text-out`."""
    write(
        "strings",
        [helper.make_node("Identity", ["text"], ["text-out"], name="identity")],
        [value("text", ["batch", 2], TensorProto.STRING)],
        [value("text-out", ["batch", 2], TensorProto.STRING)],
    )


def passed_through(name, datatypes):
    """For each datatype an input `<datatype>` [-1, 2] returned as `<datatype>-out`."""
    names = [datatype.lower() for datatype in datatypes]
    elements = list(datatypes.values())
    write(
        name,
        [helper.make_node("Identity", [name], [f"{name}-out"], name=f"identity-{name}") for name in names],
        [value(name, ["batch", 2], element) for name, element in zip(names, elements, strict=True)],
        [value(f"{name}-out", ["batch", 2], element) for name, element in zip(names, elements, strict=True)],
    )


def every_datatype():
    """Each numeric datatype that tract has."""
    passed_through("every-datatype", EVERY_DATATYPE)


def typed_contents():
    """Each datatype whose elements a gRPC message can list one by one: FP16 it cannot."""
    listed = {name: element for name, element in EVERY_DATATYPE.items() if name != "FP16"}
    passed_through("typed-contents", listed | {"BYTES": TensorProto.STRING})


def row_sum_reducer():
    """Any number of rows in, one row out: `total` [1, 4] is the sum over the rows of `X` [-1, 4]. Keys cannot follow."""
    write(
        "row-sum-reducer",
        [helper.make_node("ReduceSum", ["X", "axes"], ["total"], name="sum-rows", keepdims=1)],
        [value("X", ["batch", 4])],
        [value("total", [1, 4])],
        [numpy_helper.from_array(np.array([0], dtype=np.int64), "axes")],
    )


def fixed_batch():
    """Takes exactly one row: `X` [1, 4] doubled as `Y` [1, 4]."""
    write(
        "fixed-batch",
        [helper.make_node("Add", ["X", "X"], ["Y"], name="double")],
        [value("X", [1, 4])],
        [value("Y", [1, 4])],
    )


def key_tensor():
    """An output named like the rows' keys."""
    write(
        "key-tensor",
        [helper.make_node("Identity", ["X"], ["key"], name="identity")],
        [value("X", ["batch", 4])],
        [value("key", ["batch", 4])],
    )


def client_tensor():
    """An input named like the rows' clients."""
    write(
        "client-tensor",
        [helper.make_node("Identity", ["client"], ["Y"], name="identity")],
        [value("client", ["batch", 4])],
        [value("Y", ["batch", 4])],
    )


def row_error_tensor():
    """An output named like the rows' errors."""
    write(
        "row-error-tensor",
        [helper.make_node("Identity", ["X"], ["row_error"], name="identity")],
        [value("X", ["batch", 4])],
        [value("row_error", ["batch", 4])],
    )


def image_rows():
    """A small convolutional network: `X` [-1, 1, 6, 6] to `Y` [-1, 3]. Its rows do not depend on each other."""
    def weights(name, *shape):
        steps = np.arange(np.prod(shape), dtype=np.float32)
        return numpy_helper.from_array(np.sin(steps).reshape(shape), name)

    write(
        "image-rows",
        [
            helper.make_node("Conv", ["X", "kernels"], ["seen"], name="conv", kernel_shape=[3, 3]),
            helper.make_node("Relu", ["seen"], ["positive"], name="relu"),
            helper.make_node("MaxPool", ["positive"], ["pooled"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"),
            helper.make_node("Gemm", ["flat", "mix"], ["Y"], name="gemm"),
        ],
        [value("X", ["batch", 1, 6, 6])],
        [value("Y", ["batch", 3])],
        [weights("kernels", 4, 1, 3, 3), weights("mix", 16, 3)],
    )


def row_mixer():
    """A convolution whose output `Y` [-1, 1, 2, 2] is normalised over the rows: every place sums to 1 over the batch."""
    write(
        "row-mixer",
        [
            helper.make_node("Conv", ["X", "kernel"], ["seen"], name="conv", kernel_shape=[1, 1]),
            helper.make_node("Softmax", ["seen"], ["Y"], name="softmax", axis=0),
        ],
        [value("X", ["batch", 1, 2, 2])],
        [value("Y", ["batch", 1, 2, 2])],
        [numpy_helper.from_array(np.array([[[[2.0]]]], dtype=np.float32), "kernel")],
    )


def simple():
    """Two inputs, two outputs: OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, INT32 [-1, 16].

    Names, datatype and shapes are those that the examples and tests of the protocol's clients ask for.
    """
    names = ["INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1"]
    tensors = [value(name, ["batch", 16], TensorProto.INT32) for name in names]
    write(
        "simple",
        [
            helper.make_node("Add", names[:2], ["OUTPUT0"], name="add"),
            helper.make_node("Sub", names[:2], ["OUTPUT1"], name="sub"),
        ],
        tensors[:2],
        tensors[2:],
    )


def identity(name, element, shape, n_pairs=1):
    """INPUT0 to OUTPUT0, and so on for each pair, as they are."""
    indices = range(n_pairs)
    write(
        name,
        [helper.make_node("Identity", [f"INPUT{idx}"], [f"OUTPUT{idx}"], name=f"identity-{idx}") for idx in indices],
        [value(f"INPUT{idx}", shape, element) for idx in indices],
        [value(f"OUTPUT{idx}", shape, element) for idx in indices],
    )


def identities():
    """What clients send comes back: two open dimensions, and the exceptions that raw binary requests are about."""
    table = ["batch", "width"]
    identity("identity-fp32", TensorProto.FLOAT, table)
    identity("identity-fp16", TensorProto.FLOAT16, table)
    identity("identity-int64", TensorProto.INT64, table)
    identity("identity-bytes", TensorProto.STRING, table)
    identity("identity-bytes-element", TensorProto.STRING, ["batch", 1])
    identity("identity-fp32-3d", TensorProto.FLOAT, ["batch", "height", "width"])
    identity("identity-fp32-pairs", TensorProto.FLOAT, table, n_pairs=3)


def unsupported():
    """Three operators that cannot run, from two domains, one of them without a name.

    com.example Frobnicate (`frobnicate`), ai.onnx MaxRoiPool (`pool-regions`) and ai.onnx Bernoulli (nameless; tract calls such a node by its first
    output, `drawn`). Relu and Reshape are supported.
    """
    write(
        "unsupported",
        [
            helper.make_node("Relu", ["X"], ["positive"], name="relu"),
            helper.make_node("Frobnicate", ["positive"], ["frobnicated"], name="frobnicate", domain="com.example"),
            helper.make_node("Reshape", ["frobnicated", "square"], ["squares"], name="reshape"),
            helper.make_node("MaxRoiPool", ["squares", "regions"], ["pooled"], name="pool-regions", pooled_shape=[1, 1]),
            helper.make_node("Bernoulli", ["squares"], ["drawn"]),
        ],
        [value("X", ["batch", 4])],
        [value("pooled", [1, 1, 1, 1]), value("drawn", ["batch", 1, 2, 2])],
        [
            numpy_helper.from_array(np.array([-1, 1, 2, 2], dtype=np.int64), "square"),
            numpy_helper.from_array(np.zeros((1, 5), dtype=np.float32), "regions"),
        ],
        domains=[("com.example", 1)],
        check=False,  # The checker knows no schema for com.example.
    )


def training(input_name):
    """A node that tract knows and cannot build: it is meant for training."""
    outputs = ["normalised", "mean", "variance"]
    inputs = [input_name, "scale", "bias", "old_mean", "old_variance"]
    node = helper.make_node("BatchNormalization", inputs, outputs, name="normalise", training_mode=1)
    numbers = np.ones(4, dtype=np.float32)
    return node, [numpy_helper.from_array(numbers, name) for name in inputs[1:]]


def refused_nodes():
    """What tract knows and cannot build, in two nodes of which the second does not need the first: training, and lengths from the caller."""
    node, weights = training("X")
    sequence = np.ones((1, 8, 4), dtype=np.float32)
    write(
        "refused-nodes",
        [
            node,
            helper.make_node("LSTM", ["S", "W", "R", "", "lengths"], ["states"], name="read", hidden_size=2),
        ],
        [value("X", ["batch", 4]), value("S", [5, 3, 4]), value("lengths", [3], TensorProto.INT32)],
        [value("normalised", ["batch", 4]), value("states", [5, 1, 3, 2])],
        [*weights, numpy_helper.from_array(sequence, "W"), numpy_helper.from_array(sequence[:, :, :2], "R")],
    )


def refused_everything():
    """An input of a datatype that tract lacks, weights of another, an unknown operator, and a node that cannot be built."""
    node, weights = training("Y")
    write(
        "refused-everything",
        [
            helper.make_node("Frobnicate", ["X"], ["frobnicated"], name="frobnicate", domain="com.example"),
            node,
            helper.make_node("Cast", ["small"], ["larger"], name="enlarge", to=TensorProto.FLOAT),
        ],
        [value("X", ["batch", 4], TensorProto.BFLOAT16), value("Y", ["batch", 4])],
        [value("frobnicated", ["batch", 4]), value("normalised", ["batch", 4]), value("larger", [2])],
        [*weights, helper.make_tensor("small", TensorProto.INT4, [2], [1, 2])],
        domains=[("com.example", 1)],
        check=False,  # The checker knows no schema for com.example.
    )


def size_of():
    """An input of which only the sizes are used."""
    write(
        "size-of",
        [
            helper.make_node("Shape", ["X"], ["shape"], name="shape"),
            helper.make_node("ConstantOfShape", ["shape"], ["Y"], name="zeros"),
        ],
        [value("X", ["batch", "width"])],
        [value("Y", ["batch", "width"])],
    )


def wide_rows():
    """Rows of 1 000 numbers, though the signature says that any number will do."""
    write(
        "wide-rows",
        [helper.make_node("Gather", ["X", "last"], ["Y"], name="pick", axis=1)],
        [value("X", ["batch", "width"])],
        [value("Y", ["batch"])],
        [numpy_helper.from_array(np.array(999, dtype=np.int64), "last")],
    )


def main():
    refused_nodes()
    refused_everything()
    size_of()
    wide_rows()
    add_sub()
    strings()
    every_datatype()
    typed_contents()
    row_sum_reducer()
    fixed_batch()
    key_tensor()
    client_tensor()
    row_error_tensor()
    image_rows()
    row_mixer()
    simple()
    identities()
    unsupported()
    (FOLDER / "not-onnx.onnx").write_text("This is a text file, not an ONNX model.\n")


main()
