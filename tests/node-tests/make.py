"""Writes the node tests of ONNX, as the `onnx` package generates them, to a file that tests in Rust can read, with what ONNX Runtime says to each.

    target/node-tests-venv/bin/python tests/node-tests/make.py

It does nothing if the file was made by this script and the same versions. One case a line: its name, operator and model, tolerances, and data sets of inputs and expected outputs. `onnxruntime` is null if ONNX Runtime
answers as expected, otherwise why not. Tensors are little-endian, in base64; strings are a list. A value that is no tensor has only its kind.
"""

import base64
import hashlib
import json
import multiprocessing
import os
import pathlib
import warnings

os.environ["ALLOW_RELEASED_ONNX_OPSET_ONLY"] = "0"
warnings.filterwarnings("ignore")

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.loader import load_node_model_tests

HERE = pathlib.Path(__file__).resolve().parent

# The datatypes of the Open Inference Protocol by those of ONNX.
DATATYPES = {
    "BOOL": "BOOL", "UINT8": "UINT8", "UINT16": "UINT16", "UINT32": "UINT32", "UINT64": "UINT64", "INT8": "INT8", "INT16": "INT16",
    "INT32": "INT32", "INT64": "INT64", "FLOAT16": "FP16", "BFLOAT16": "BF16", "FLOAT": "FP32", "DOUBLE": "FP64", "STRING": "BYTES",
}


def array(value, declared):
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    return numpy.asarray(value, None if declared == TensorProto.STRING else helper.tensor_dtype_to_np_dtype(declared))


def described(value, info):
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type" or value is None:
        return {"name": info.name, "datatype": kind}
    declared = info.type.tensor_type.elem_type
    name = TensorProto.DataType.Name(declared)
    tensor = array(value, declared)
    described = {"name": info.name, "datatype": DATATYPES.get(name, name), "shape": list(tensor.shape)}
    if declared == TensorProto.STRING:
        strings = [element.decode() if isinstance(element, bytes) else str(element) for element in tensor.ravel()]
        return described | {"strings": strings}
    return described | {"data": base64.b64encode(numpy.ascontiguousarray(tensor).tobytes()).decode()}


def is_alike(found, expected, case):
    if isinstance(expected, list):
        return len(found) == len(expected) and all(is_alike(f, e, case) for f, e in zip(found, expected))
    if expected is None or found is None:
        return found is expected
    found, expected = numpy.asarray(found), numpy.asarray(expected)
    if found.shape != expected.shape:
        return False
    if expected.dtype.kind in "OUS":
        text = lambda values: [value.decode() if isinstance(value, bytes) else str(value) for value in values.ravel()]
        return text(found) == text(expected)
    if expected.dtype.kind in "fV" or expected.dtype.itemsize < 4 and expected.dtype.kind not in "biu":
        return numpy.allclose(found.astype(numpy.float64), expected.astype(numpy.float64), case.rtol, case.atol, equal_nan=True)
    return numpy.array_equal(found, expected)


def run_onnxruntime(case):
    session = onnxruntime.InferenceSession(case.model.SerializeToString(), providers=["CPUExecutionProvider"])
    for inputs, expected in case.data_sets:
        feeds = {}
        for info, value in zip(case.model.graph.input, inputs):
            is_tensor = info.type.WhichOneof("value") == "tensor_type"
            feeds[info.name] = array(value, info.type.tensor_type.elem_type) if is_tensor else value
        found = session.run(None, feeds)
        declared = [info.type.tensor_type.elem_type for info in case.model.graph.output]
        expected = [array(value, of) if isinstance(value, TensorProto) else value for value, of in zip(expected, declared)]
        if not all(is_alike(f, e, case) for f, e in zip(found, expected)):
            return "another answer"
    return None


def ask_onnxruntime(case):
    onnxruntime.set_default_logger_severity(4)
    try:
        return run_onnxruntime(case)
    except Exception as error:
        return str(error).strip().splitlines()[0]


def operators(cases):
    """The operator of each case: its only node's, or for a function's body the function's."""
    last = {case.name: case.model.graph.node[-1] for case in cases}
    for case in cases:
        node = last.get(case.name.split("_expanded")[0], last[case.name])
        yield (node.domain + "." if node.domain else "") + node.op_type


def write_once(name, scripts, records):
    """Writes what `records` gives to a file of that name, unless these scripts and versions have made it before."""
    path = HERE.parent.parent / "target/node-tests" / f"{name}.jsonl"
    made_of = b"".join((HERE / script).read_bytes() for script in (*scripts, "requirements.txt"))
    stamp = path.with_suffix(".stamp")
    if path.exists() and stamp.exists() and stamp.read_text() == hashlib.sha256(made_of).hexdigest():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        file.writelines(json.dumps(record) + "\n" for record in records())
    stamp.write_text(hashlib.sha256(made_of).hexdigest())


def records():
    cases = load_node_model_tests()
    cases.sort(key=lambda case: case.name)
    with multiprocessing.Pool(1, maxtasksperchild=None) as pool:
        said = [pool.apply_async(ask_onnxruntime, (case,)) for case in cases]
        said = [answer.get(timeout=600) for answer in said]
    for case, operator, onnxruntime_says in zip(cases, operators(cases), said):
        graph = case.model.graph
        sets = [
            {
                "inputs": [described(*pair) for pair in zip(inputs, graph.input)],
                "outputs": [described(*pair) for pair in zip(outputs, graph.output)],
            }
            for inputs, outputs in case.data_sets
        ]
        yield {
            "name": case.name, "operator": operator, "is_function_body": "_expanded" in case.name, "rtol": case.rtol, "atol": case.atol,
            "model": base64.b64encode(case.model.SerializeToString()).decode(), "onnxruntime": onnxruntime_says, "sets": sets,
        }


if __name__ == "__main__":
    write_once("cases", ["make.py"], records)
