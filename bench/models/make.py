"""Writes the benchmark's models: perceptrons and convolutional networks of about 5 kB to 20 MB.

They are not trained: weights are random with a fixed seed, scaled so that activations keep their size (He), and their
answers mean nothing. Each takes `X` FP32 [batch, ...], answers `probabilities` FP32 [batch, 10], and has one ReLU after
every layer but the last. Nothing that this writes is kept in the repository.

Run: `python bench/models/make.py FOLDER` with `models/requirements.txt` installed. FOLDER then holds `<name>.onnx` for each
model and `models.json`, a list of name, file, input shape, parameters, multiply-adds per row and file size.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
SEED = 7
N_CLASSES = 10
IMAGE = (3, 32, 32)

# Widths of all layers, input first; the classes follow.
PERCEPTRONS = {
    "mlp-5kb": (64, 16),
    "mlp-100kb": (64, 128, 128),
    "mlp-1mb": (784, 256, 192),
    "mlp-7mb": (784, 1024, 1024),
    "mlp-20mb": (784, 2048, 1664),
}
# Channels of the 3x3 convolutions; a 2x2 maximum pool between two of them, a global average pool after the last.
CONVOLUTIONS = {
    "cnn-5kb": (8, 12),
    "cnn-100kb": (16, 32, 64),
    "cnn-1mb": (32, 64, 128, 128),
    "cnn-7mb": (64, 128, 288, 560),
    "cnn-20mb": (64, 128, 256, 512, 744),
}


class Graph:
    """A graph under construction: a chain of nodes from `X`, with counts of what it costs per row."""

    def __init__(self, name, input_shape):
        self.name, self.input_shape = name, input_shape
        self.random = np.random.default_rng([SEED, *name.encode()])
        self.nodes, self.initializers = [], []
        self.value = "X"
        self.parameters = self.multiply_adds = 0

    def node(self, operator, name, inputs=(), **attributes):
        target = f"{name}.out"
        self.nodes.append(helper.make_node(operator, [self.value, *inputs], [target], name=name, **attributes))
        self.value = target

    def weights(self, name, shape, scale):
        values = self.random.standard_normal(shape, dtype=np.float32) * np.float32(scale)
        self.initializers.append(numpy_helper.from_array(values, name))
        self.parameters += values.size
        return name

    def dense(self, name, n_in, n_out, gain):
        weights = self.weights(f"{name}.weights", (n_in, n_out), np.sqrt(gain / n_in))
        self.node("Gemm", name, [weights, self.weights(f"{name}.bias", (n_out,), 0.01)])
        self.multiply_adds += n_in * n_out

    def convolution(self, name, n_in, n_out, size):
        weights = self.weights(f"{name}.weights", (n_out, n_in, 3, 3), np.sqrt(2 / (9 * n_in)))
        bias = self.weights(f"{name}.bias", (n_out,), 0.01)
        self.node("Conv", name, [weights, bias], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        self.multiply_adds += 9 * n_in * n_out * size * size

    def finish(self):
        self.node("Softmax", "softmax", axis=-1)
        self.nodes[-1].output[0] = "probabilities"
        x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["batch", *self.input_shape])
        y = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", N_CLASSES])
        model = helper.make_model(
            helper.make_graph(self.nodes, self.name, [x], [y], self.initializers),
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="plinth bench/models/make.py",
            producer_version="1",
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def perceptron(name, widths):
    graph = Graph(name, widths[:1])
    for index, (n_in, n_out) in enumerate(zip(widths, widths[1:]), start=1):
        graph.dense(f"dense{index}", n_in, n_out, gain=2)
        graph.node("Relu", f"relu{index}")
    graph.dense("classes", widths[-1], N_CLASSES, gain=1)
    return graph


def convolutional(name, channels):
    graph = Graph(name, IMAGE)
    n_in, size = IMAGE[0], IMAGE[1]
    for index, n_out in enumerate(channels, start=1):
        if index > 1:
            graph.node("MaxPool", f"pool{index - 1}", kernel_shape=[2, 2], strides=[2, 2])
            size //= 2
        graph.convolution(f"conv{index}", n_in, n_out, size)
        graph.node("Relu", f"relu{index}")
        n_in = n_out
    graph.node("GlobalAveragePool", "average")
    graph.node("Flatten", "flatten")
    graph.dense("classes", n_in, N_CLASSES, gain=1)
    return graph


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python bench/models/make.py FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    graphs = [perceptron(*item) for item in PERCEPTRONS.items()] + [convolutional(*item) for item in CONVOLUTIONS.items()]
    listing = []
    for graph in graphs:
        model_bytes = graph.finish()
        (folder / f"{graph.name}.onnx").write_bytes(model_bytes)
        listing.append({
            "name": graph.name,
            "file": f"{graph.name}.onnx",
            "input": [-1, *graph.input_shape],
            "parameters": graph.parameters,
            "multiply_adds": graph.multiply_adds,
            "bytes": len(model_bytes),
        })
        print(f"{graph.name:10} {len(model_bytes):>10} bytes {graph.multiply_adds:>12} multiply-adds per row")
    (folder / "models.json").write_text(json.dumps(listing, indent=2) + "\n")


main()
