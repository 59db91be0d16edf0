"""A case: an ONNX model, inputs, and what ONNX Runtime answers on one thread. Not a script."""

import base64
import json
import pathlib

import numpy
import onnx.helper
import onnxruntime

TYPES = {"float32": "float", "float64": "double", "int16": "int16", "int32": "int32", "int64": "int64", "bool": "bool"}


def allow_truth_values(make_attribute=onnx.helper.make_attribute):
    """skl2onnx writes some integers as truth values, which protobuf takes no longer."""

    def with_integers(key, value, *arguments, **options):
        if isinstance(value, (list, numpy.ndarray)) and any(isinstance(each, (bool, numpy.bool_)) for each in value):
            value = [int(each) for each in value]
        return make_attribute(key, value, *arguments, **options)

    onnx.helper.make_attribute = with_integers


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def element(value):
    if isinstance(value, (str, numpy.str_)):
        return str(value)
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not numpy.isfinite(value):
        return "nan" if numpy.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def tensor(name, array):
    array = numpy.asarray(array)
    kind = TYPES.get(array.dtype.name, "string")
    if array.dtype == numpy.float32:
        values = [float(str(value)) if numpy.isfinite(value) else element(value) for value in array.ravel()]
    else:
        values = [element(value) for value in array.ravel()]
    return {"name": name, "type": kind, "shape": list(array.shape), "values": values}


def unzipped(value):
    """A sequence of maps as the matrix that says the same."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return numpy.array([list(row.values()) for row in value], dtype=numpy.float32)
    return value


def named(running, answers):
    """The outputs by name; a sequence of tensors as an output for each, as a packed model has them."""
    for output, answer in zip(running.get_outputs(), map(unzipped, answers)):
        if isinstance(answer, list):
            yield from ((f"{output.name}_{idx}", numpy.asarray(part)) for idx, part in enumerate(answer))
        else:
            yield output.name, numpy.asarray(answer)


def case(name, model, inputs, given=None):
    """What ONNX Runtime answers to `inputs`; `given` is how a request says them, if otherwise."""
    running = session(model)
    outputs = named(running, running.run(None, inputs))
    return {
        "name": name,
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "inputs": [tensor(name, value) for name, value in (given or inputs).items()],
        "outputs": [tensor(name, value) for name, value in outputs],
    }


def write(path, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    pathlib.Path(path).write_text(f"[\n{lines}\n]\n")
