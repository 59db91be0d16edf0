"""Writes indices.json: operators that look something up by indices from the caller, some of them counted from the end, answered by ONNX Runtime.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python indices.py

The answers need no PyTorch.
"""

import pathlib
import sys

import numpy
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parents[2] / "crates/onnx-ml/golden"))

from cases import case, write  # noqa: E402

TABLE = numpy.arange(24, dtype=numpy.float32).reshape(2, 3, 4)


def lookup(name, operator, indices, updates=None, **attributes):
    indices = numpy.array(indices, numpy.int64)
    constants = [numpy_helper.from_array(TABLE, "table")]
    if updates is not None:
        constants.append(numpy_helper.from_array(numpy.array(updates, numpy.float32), "updates"))
    inputs = ["table", "indices", *(["updates"] if updates is not None else [])]
    n_rows = "rows" if updates is None else len(updates)
    node = helper.make_node(operator, inputs, ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("indices", TensorProto.INT64, [n_rows, *indices.shape[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return case(name, model, {"indices": indices})


def cases():
    yield lookup("Gather", "Gather", [[0, -1], [1, -2]])
    yield lookup("Gather along the last axis", "Gather", [[3], [-4], [1]], axis=2)
    yield lookup("GatherElements", "GatherElements", [[[0, 2, -3, -1]], [[-2, 1, 1, 0]]], axis=1)
    yield lookup("GatherND", "GatherND", [[0, -1], [-2, 2], [1, 0]])
    yield lookup("GatherND of whole elements", "GatherND", [[[-1, -3, -4]], [[0, 1, 2]]])
    yield lookup("ScatterElements", "ScatterElements", [[[0, -1, 1, -3]], [[2, 0, -2, 1]]], [[[-1, -2, -3, -4]], [[-5, -6, -7, -8]]], axis=1)
    yield lookup("ScatterND", "ScatterND", [[0, -1], [-1, 0]], [[-1, -2, -3, -4], [-5, -6, -7, -8]])


if __name__ == "__main__":
    write(HERE / "indices.json", cases())
