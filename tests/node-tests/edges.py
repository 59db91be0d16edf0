"""Writes target/node-tests/edges.jsonl: what the node tests of ONNX do not ask for, as ONNX Runtime answers it. Numbers that are none, dimensions of
length 0, ranges beyond the end, arguments that do not fit, images smaller than a window, other datatypes, and the operators of its own that ONNX
Runtime's optimiser and quantiser write. The number of rows is open, as exporters leave it.

    target/node-tests-venv/bin/python tests/node-tests/edges.py

The cases are as those of make.py. One that ONNX Runtime refuses, or that has no answer, has no outputs: it must be refused by an instance that goes on.
"""

import base64

import numpy
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from make import described, write_once

NAN, INF = float("nan"), float("inf")
# For a kernel of many lanes and for one of few.
ODD = numpy.array([[NAN, INF, -INF, 0.0, -0.0, 1.5, -1.5], [100.0, -100.0, NAN, 2.0, -2.0, 0.5, -0.25]], numpy.float32)
WIDE = numpy.tile(ODD, (1, 10))
IMAGE = numpy.array([NAN, 1, 2, 3, 4, NAN, -INF, 5, 6, 7, INF, 8, -9, 10, 11, -12], numpy.float32).reshape(1, 1, 4, 4)


def record(name, nodes, inputs, constants=(), outputs=("y",), opset=21, dims=None, refused=False, rtol=1e-5, atol=1e-6, types=None):
    """A case. `constants` are by name, `dims` are those of inputs whose first dimension alone is not what is open."""
    values = {key: numpy.asarray(value) for key, value in inputs.items()}
    dims = {key: ["rows", *value.shape[1:]] if value.ndim else [] for key, value in values.items()} | (dims or {})
    infos = [helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(value.dtype), dims[key]) for key, value in values.items()]
    types = types or [TensorProto.UNDEFINED] * len(outputs)
    graph = helper.make_graph(
        nodes, "g", infos, [helper.make_tensor_value_info(output, of, None) if of else helper.make_empty_tensor_value_info(output) for output, of in zip(outputs, types)],
        [value if isinstance(value, TensorProto) else numpy_helper.from_array(numpy.asarray(value), key) for key, value in dict(constants).items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(None, values)
    except Exception as error:
        if refused is False:
            raise ValueError(name) from error
        found = None
    if refused:
        found = None
    if found is not None:
        for info, value in zip(model.graph.output, found):
            info.CopyFrom(helper.make_tensor_value_info(info.name, helper.np_dtype_to_tensor_dtype(value.dtype), [None] * value.ndim))
    described_outputs = [described(value, info) for value, info in zip(found or [], model.graph.output)]
    return {
        "name": name, "operator": nodes[-1].op_type, "rtol": rtol, "atol": atol, "model": base64.b64encode(model.SerializeToString()).decode(),
        "sets": [{"inputs": [described(value, info) for value, info in zip(values.values(), infos)], "outputs": described_outputs}],
    }


def one(name, operator, inputs, constants=(), opset=21, dims=None, refused=False, types=None, n_outputs=1, domain="", order=None, rtol=1e-5, atol=1e-6, **attributes):
    outputs = [f"y{idx}" for idx in range(n_outputs)]
    node = helper.make_node(operator, order or [*inputs, *dict(constants)], outputs, domain=domain, **attributes)
    return record(name, [node], inputs, constants, outputs, opset, dims, refused, rtol, atol, types)


def not_a_number():
    of_one = {
        "Abs": {}, "Acos": {}, "Asin": {}, "Asinh": {}, "Atan": {}, "Atanh": {}, "Ceil": {}, "Celu": {"alpha": 0.7}, "Cos": {}, "Cosh": {}, "Elu": {}, "Erf": {}, "Exp": {},
        "Floor": {}, "Gelu": {}, "HardSigmoid": {}, "HardSwish": {}, "Identity": {}, "IsInf": {}, "IsNaN": {}, "LeakyRelu": {}, "Log": {}, "LogSoftmax": {}, "Mish": {},
        "Neg": {}, "Reciprocal": {}, "Relu": {}, "Round": {}, "Selu": {}, "Shrink": {}, "Sigmoid": {}, "Sign": {}, "Sin": {}, "Sinh": {}, "Softmax": {}, "Softplus": {}, "Softsign": {},
        "Sqrt": {}, "Tan": {}, "Tanh": {}, "ThresholdedRelu": {}, "CumSum": None, "LpNormalization": {}, "MeanVarianceNormalization": {"axes": [1]},
    }
    finite = {"Sin", "Cos", "Tan"}
    for operator, attributes in of_one.items():
        for width, values in (("", ODD), (" wide", WIDE)):
            constants = {"axis": numpy.int64(1)} if operator == "CumSum" else {}
            if operator in finite:
                values = numpy.where(numpy.isinf(values), numpy.float32(0.25), values)
            yield one(f"{operator} of NaN{width}", operator, {"x": values}, constants, **(attributes or {}))
    yield one("Gelu by tanh of NaN", "Gelu", {"x": ODD}, approximate="tanh")
    yield one("QuickGelu of NaN", "QuickGelu", {"x": numpy.where(numpy.isinf(WIDE), numpy.float32(3), WIDE)}, domain="com.microsoft", atol=1e-4)
    for dtype in (numpy.float64, numpy.float16):
        for operator in ("Relu", "Sigmoid", "Tanh", "Softmax"):
            tolerance = {"rtol": 1e-3, "atol": 1e-4} if dtype == numpy.float16 else {}
            yield one(f"{operator} of NaN, {numpy.dtype(dtype).name}", operator, {"x": WIDE.astype(dtype)}, **tolerance)
    yield one("LeakyRelu of NaN by 0", "LeakyRelu", {"x": WIDE}, alpha=0.0)
    low, high = {"low": numpy.float32(-1)}, {"high": numpy.float32(1)}
    yield one("Clip of NaN", "Clip", {"x": WIDE}, low | high)
    # Of infinity ONNX Runtime makes the largest number, which is the limit if none is given.
    few = numpy.where(numpy.isinf(ODD), numpy.float32(3), ODD)
    yield one("Clip of NaN from below", "Clip", {"x": few}, low)
    yield one("Clip of NaN from above", "Clip", {"x": few}, high, order=["x", "", "high"])
    yield one("Clip of NaN by attributes", "Clip", {"x": ODD}, opset=10, min=-1.0, max=1.0)
    yield one("PRelu of NaN", "PRelu", {"x": ODD}, {"slope": numpy.float32([0.5])})
    yield one("Where of NaN", "Where", {"x": ODD > 0, "a": ODD, "b": ODD * 2})
    other = WIDE[::-1].copy()
    for operator in ("Max", "Min"):
        yield one(f"{operator} of NaN", operator, {"a": ODD, "b": ODD[::-1].copy()})
        yield one(f"{operator} of NaN wide", operator, {"a": WIDE, "b": other})
        yield one(f"{operator} of NaN, float64", operator, {"a": WIDE.astype(numpy.float64), "b": other.astype(numpy.float64)})
        yield one(f"{operator} of NaN and a number", operator, {"a": WIDE}, {"b": numpy.float32(0.75)})
        yield one(f"{operator} of NaN and a row", operator, {"a": WIDE}, {"b": other[0]})
        yield one(f"{operator} of NaN and a column", operator, {"a": WIDE, "b": other[:, 2:3].copy()})
        yield one(f"{operator} of a column with NaN", operator, {"a": WIDE, "b": other[:, :1].copy()})
        yield one(f"{operator} of NaN, three", operator, {"a": ODD, "b": ODD[::-1].copy(), "c": ODD * 0.5})
        yield one(f"{operator} of a row with NaN", operator, {"a": other}, {"b": WIDE[0]})
    for operator in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
        yield one(f"{operator} of NaN", operator, {"a": ODD, "b": ODD[::-1].copy()})
    for operator in ("Pow", "Sum", "Mean", "Add", "Mul", "Div", "Sub"):
        yield one(f"{operator} of NaN", operator, {"a": ODD, "b": ODD[::-1].copy()})
    some = numpy.where(numpy.isinf(ODD), numpy.float32(3), ODD)
    for operator in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
        positive = numpy.abs(some) if operator == "LogSum" else some
        # ONNX Runtime passes over what is no number in a row that is shorter than its kernel, and not in a longer one.
        if operator not in ("Max", "Min"):
            yield one(f"Reduce{operator} of NaN", f"Reduce{operator}", {"x": positive}, {"axes": numpy.int64([1])})
        yield one(f"Reduce{operator} of NaN wide", f"Reduce{operator}", {"x": numpy.tile(positive, (1, 10))}, {"axes": numpy.int64([1])})
    for operator in ("MaxPool", "AveragePool"):
        yield one(f"{operator} of NaN", operator, {"x": IMAGE}, kernel_shape=[2, 2], strides=[2, 2])
    for operator in ("GlobalMaxPool", "GlobalAveragePool"):
        yield one(f"{operator} of NaN", operator, {"x": IMAGE})
    few = numpy.where(numpy.isinf(IMAGE), numpy.float32(1), IMAGE)
    kernel = numpy.float32([[[[1, -1], [0.5, 2]]], [[[0.25, 1], [1, -3]]]])
    nodes = lambda first, *rest: [helper.make_node(first[0], first[1], ["h"], **first[2]), *rest]
    relu = helper.make_node("Relu", ["h"], ["y"])
    yield record("Relu after Conv of NaN", nodes(("Conv", ["x", "k"], {}), relu), {"x": few}, {"k": kernel})
    weights = numpy.linspace(-1, 1, 7 * 5, dtype=numpy.float32).reshape(7, 5)
    for operator in ("Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus"):
        yield record(f"{operator} after MatMul of NaN", nodes(("MatMul", ["x", "w"], {}), helper.make_node(operator, ["h"], ["y"])), {"x": some}, {"w": weights})
    clip = helper.make_node("Clip", ["h", "low", "high"], ["y"])
    yield record("Clip after Gemm of NaN", nodes(("Gemm", ["x", "w", "b"], {}), clip), {"x": some}, {"w": weights, "b": weights[0]} | low | high)
    silu = [helper.make_node("Sigmoid", ["x"], ["s"]), helper.make_node("Mul", ["x", "s"], ["y"])]
    yield record("SiLU of NaN", silu, {"x": WIDE})
    gelu = [
        helper.make_node("Div", ["x", "root"], ["a"]), helper.make_node("Erf", ["a"], ["b"]), helper.make_node("Add", ["b", "one"], ["c"]),
        helper.make_node("Mul", ["x", "c"], ["d"]), helper.make_node("Mul", ["d", "half"], ["y"]),
    ]
    yield record("GELU in steps of NaN", gelu, {"x": WIDE}, {"root": numpy.float32(2**0.5), "one": numpy.float32(1), "half": numpy.float32(0.5)})
    scale = {"scale": numpy.ones(7, numpy.float32), "bias": numpy.zeros(7, numpy.float32)}
    yield one("LayerNormalization of NaN", "LayerNormalization", {"x": some}, scale)
    yield one("RMSNormalization of NaN", "RMSNormalization", {"x": some}, {"scale": scale["scale"]}, opset=23)
    moments = {"mean": numpy.zeros(7, numpy.float32), "variance": numpy.ones(7, numpy.float32)}
    yield one("BatchNormalization of NaN", "BatchNormalization", {"x": some}, scale | moments)
    steps = numpy.float32([[[0.5, NAN], [1, 2]], [[1, 0.25], [0.5, 1]]])
    for operator, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        w = numpy.linspace(-1, 1, gates * 3 * 2, dtype=numpy.float32).reshape(1, gates * 3, 2)
        r = numpy.linspace(1, -1, gates * 3 * 3, dtype=numpy.float32).reshape(1, gates * 3, 3)
        yield one(f"{operator} of NaN", operator, {"x": steps}, {"w": w, "r": r}, dims={"x": ["steps", "rows", 2]}, hidden_size=3)
    for operator in ("ArgMax", "ArgMin"):
        yield one(f"{operator} of NaN behind", operator, {"x": some[:, ::-1].copy()}, axis=1)


def empty():
    none = numpy.zeros((3, 0, 2), numpy.float32)
    dims = {"x": ["rows", "steps", 2]}
    last = numpy.zeros((3, 2, 0), numpy.float32)
    # The mean of nothing is 0 to ONNX Runtime, and no number to NumPy and PyTorch.
    for operator in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Min", "Prod", "Sum", "SumSquare"):
        for kept in (0, 1):
            name, keepdims = f"Reduce{operator} of nothing{', kept' * kept}", {"keepdims": kept}
            yield one(name, f"Reduce{operator}", {"x": none}, {"axes": numpy.int64([1])}, dims=dims, **keepdims)
            yield one(f"{name}, last", f"Reduce{operator}", {"x": last}, {"axes": numpy.int64([2])}, dims={"x": ["rows", 2, "steps"]}, **keepdims)
            yield one(f"{name}, all axes", f"Reduce{operator}", {"x": last}, dims={"x": ["rows", 2, "steps"]}, **keepdims)
            yield one(f"{name}, axes asked", f"Reduce{operator}", {"x": none, "axes": numpy.int64([1])}, dims=dims | {"axes": [1]}, **keepdims)
    yield one("ReduceSum of no rows along", "ReduceSum", {"x": none}, {"axes": numpy.int64([0])}, dims=dims)
    yield one("ReduceMean of no rows along", "ReduceMean", {"x": none}, {"axes": numpy.int64([2])}, dims=dims)
    yield one("Softmax of nothing", "Softmax", {"x": none}, dims=dims, axis=1)
    yield one("LogSoftmax of nothing", "LogSoftmax", {"x": none}, dims=dims, axis=1)
    yield one("ArgMax of nothing", "ArgMax", {"x": none}, dims=dims, axis=1, refused=True)
    yield one("CumSum of nothing", "CumSum", {"x": none}, {"axis": numpy.int64(1)}, dims=dims)
    yield one("Concat with nothing", "Concat", {"x": none, "other": numpy.ones((3, 2, 2), numpy.float32)}, dims=dims | {"other": ["rows", "more", 2]}, axis=1)
    yield one("Transpose of nothing", "Transpose", {"x": none}, dims=dims, perm=[1, 0, 2])
    yield one("Reshape of nothing", "Reshape", {"x": none}, {"shape": numpy.int64([0, -1, 2])}, dims=dims, refused=None)
    yield one("Flatten of nothing", "Flatten", {"x": none}, dims=dims)
    yield one("NonZero of nothing", "NonZero", {"x": none}, dims=dims)
    yield one("TopK of nothing", "TopK", {"x": none}, {"k": numpy.int64([1])}, dims=dims, axis=1, n_outputs=2, refused=True)
    yield one("Gather of nothing", "Gather", {"x": numpy.ones((3, 2), numpy.float32), "at": numpy.zeros((0,), numpy.int64)}, dims={"at": ["steps"]}, axis=1)
    yield one("Expand of nothing", "Expand", {"x": none[:, :, :1].copy()}, {"shape": numpy.int64([1, 1, 4])}, dims={"x": ["rows", "steps", 1]})
    yield one("Tile of nothing", "Tile", {"x": none}, {"repeats": numpy.int64([1, 2, 1])}, dims=dims)
    product = {"x": numpy.zeros((3, 0), numpy.float32), "w": numpy.zeros((0, 2), numpy.float32)}
    yield one("MatMul over nothing", "MatMul", product, dims={"x": ["rows", "steps"], "w": ["steps", 2]})
    yield one("Gemm over nothing", "Gemm", product, {"bias": numpy.float32([1, 2])}, dims={"x": ["rows", "steps"], "w": ["steps", 2]})
    yield one("MatMul of no rows", "MatMul", {"x": numpy.zeros((0, 7), numpy.float32)}, {"w": numpy.ones((7, 5), numpy.float32)})
    yield one("Conv of no rows", "Conv", {"x": numpy.zeros((0, 1, 4, 4), numpy.float32)}, {"k": numpy.ones((2, 1, 2, 2), numpy.float32)})
    yield one("MaxPool of no rows", "MaxPool", {"x": numpy.zeros((0, 1, 4, 4), numpy.float32)}, kernel_shape=[2, 2])
    yield one("GlobalAveragePool of no rows", "GlobalAveragePool", {"x": numpy.zeros((0, 1, 4, 4), numpy.float32)})
    yield one("LayerNormalization of no rows", "LayerNormalization", {"x": numpy.zeros((0, 4), numpy.float32)}, {"scale": numpy.ones(4, numpy.float32)})
    yield one("Relu of no rows", "Relu", {"x": numpy.zeros((0, 4), numpy.float32)})
    yield one("Resize of no rows", "Resize", {"x": numpy.zeros((0, 1, 2, 2), numpy.float32)}, {"scales": numpy.float32([1, 1, 2, 2])}, order=["x", "", "scales"], refused=None)
    yield one("Split of nothing", "Split", {"x": none}, {"split": numpy.int64([0, 0])}, dims=dims, axis=1, n_outputs=2)
    yield one("Unique of nothing", "Unique", {"x": numpy.zeros((0,), numpy.float32)}, dims={"x": ["steps"]}, n_outputs=4)
    yield one("OneHot of nothing", "OneHot", {"x": numpy.zeros((2, 0), numpy.int64)}, {"depth": numpy.int64([3]), "values": numpy.float32([0, 1])}, dims={"x": ["rows", "steps"]})
    yield one("Where of nothing", "Where", {"c": none > 0, "a": none, "b": none}, dims={key: dims["x"] for key in "cab"})
    yield one("Compress to nothing", "Compress", {"x": numpy.ones((3, 2), numpy.float32), "c": numpy.zeros((3,), bool)}, dims={"c": ["rows"]}, axis=0)


def ranges():
    values = numpy.arange(24, dtype=numpy.float32).reshape(2, 4, 3)
    dims = {"x": ["rows", "steps", 3]}
    bounds = [
        (0, 5, 1), (-100, 100, 1), (3, 1, 1), (5, 3, 1), (6, 9, 1), (2, 2**63 - 1, 1), (-1, 2**63 - 1, 1), (-2, -1, 1), (-9, -1, 1), (1, -1, 1), (0, -5, 1), (0, 5, 2), (1, 100, 3),
        (-1, -100, -1), (100, 0, -1), (3, 0, -2), (0, 3, -1), (2**63 - 1, -(2**63) + 1, -1), (-1, -3, -1), (2, -2**31, -1), (0, 2**31 - 1, 1), (-5, 2, 1),
        (-1, 2**63 - 1, -1), (-100, -1000, -1), (-1000, -100, -1), (1, -100, -1), (2**63 - 1, 1, -1), (-2, 0, -1), (-3, 0, -1), (-2, -100, -1), (-1, -2, -1), (-2, -1, -1), (2, 1, 1),
        (1, -2, 1), (-3, 1, 1), (-3, 3, 2), (3, -4, -1), (3, -3, -2),
    ]
    for length in (4, 1, 2):
        of = values[:, :length].copy()
        for start, end, step in bounds:
            arguments = {"start": numpy.int64([start]), "end": numpy.int64([end]), "axes": numpy.int64([1]), "steps": numpy.int64([step])}
            yield one(f"Slice {start}:{end}:{step} of {length}", "Slice", {"x": of}, arguments, dims=dims)
            yield one(f"Slice {start}:{end}:{step} of {length} as asked", "Slice", {"x": of} | arguments, dims=dims | {key: [1] for key in arguments})
    for end in (1, 9):
        fixed = {"start": numpy.int64([0, 1]), "end": numpy.int64([end, 2]), "axes": numpy.int64([0, 2])}
        yield one(f"Slice of rows to {end}", "Slice", {"x": values}, fixed, dims=dims)
    yield one("Slice of rows to 9 by attributes", "Slice", {"x": values}, dims=dims, opset=9, axes=[0, 1], starts=[0, -7], ends=[9, 3])
    yield one("Slice of one step to 5", "Slice", {"x": values[:, :1].copy()}, {"start": numpy.int64([0]), "end": numpy.int64([5]), "axes": numpy.int64([1])}, dims=dims)
    # A mask of attention, cut to the length that is asked for, as GPT-2 has it.
    cut = [
        helper.make_node("Shape", ["x"], ["sizes"]), helper.make_node("Gather", ["sizes", "first"], ["length"]),
        helper.make_node("Slice", ["mask", "zero", "length", "first"], ["y"]),
    ]
    yield record("Slice of a mask that is long enough", cut, {"x": values}, {"mask": numpy.tri(9, dtype=numpy.float32), "zero": numpy.int64([0]), "first": numpy.int64([1])}, dims=dims)


def misfits():
    values = numpy.arange(8, dtype=numpy.float32).reshape(2, 4)
    dims = {"x": ["rows", "steps"]}
    for mode in ("reflect", "edge", "wrap", "constant"):
        for pads in ([0, 1, 0, 2], [0, 5, 0, 0], [0, 0, 0, 9], [0, -1, 0, -1], [0, -2, 0, 3], [1, 0, 1, 0]):
            # More than there is would have to be repeated again, which ONNX Runtime does and PyTorch does not.
            refused = True if mode == "wrap" and max(pads) > 4 else None if mode == "reflect" else False
            name = f"Pad {mode} {pads}"
            if mode == "wrap" and min(pads) < 0:
                continue
            yield one(name, "Pad", {"x": values}, {"pads": numpy.int64(pads)}, dims=dims, mode=mode, refused=refused)
            if mode != "wrap":
                yield one(f"{name} as asked", "Pad", {"x": values, "pads": numpy.int64(pads)}, dims=dims | {"pads": [4]}, mode=mode, refused=refused)
    boxes = numpy.float32([[[0, 0, 1, 1], [0, 0, 1.1, 1.1], [5, 5, 6, 6]]])
    limits = {"most": numpy.int64([3]), "overlap": numpy.float32([0.5]), "least": numpy.float32([0.1])}
    for n_scores, refused in ((3, False), (4, True), (2, True)):
        scores = numpy.linspace(0.9, 0.2, n_scores, dtype=numpy.float32).reshape(1, 1, n_scores)
        dims_of = {"boxes": ["rows", "boxes", 4], "scores": ["rows", 1, "scores"]}
        yield one(f"NonMaxSuppression of 3 boxes and {n_scores} scores", "NonMaxSuppression", {"boxes": boxes, "scores": scores}, limits, dims=dims_of, refused=refused)
    two = numpy.float32([[[0.9, 0.8, 0.7]], [[0.9, 0.8, 0.7]]])
    yield one("NonMaxSuppression of more rows of scores", "NonMaxSuppression", {"boxes": boxes, "scores": two}, limits, dims={"boxes": ["rows", "boxes", 4], "scores": ["others", 1, "scores"]}, refused=True)
    mel = {"bins": numpy.int64(4), "length": numpy.int64(8), "rate": numpy.int64(8000), "low": numpy.float32(0), "high": numpy.float32(4000)}
    scalars = {key: [] for key in mel}
    yield one("MelWeightMatrix", "MelWeightMatrix", mel, dims=scalars)
    yield one("MelWeightMatrix beyond the spectrum", "MelWeightMatrix", mel | {"high": numpy.float32(9000)}, dims=scalars, refused=None)
    for k in (9, -9, 3, -3):
        yield one(f"Trilu from {k}", "Trilu", {"x": values, "k": numpy.int64(k)}, dims=dims | {"k": []}, refused=None)


def others():
    values = numpy.arange(24, dtype=numpy.float32).reshape(2, 4, 3)
    dims = {"x": ["rows", "steps", 3]}
    for operator in ("ReduceMax", "ReduceMin"):
        yield one(f"{operator} of BOOL", operator, {"x": values % 5 > 1}, {"axes": numpy.int64([1])}, dims=dims)
        yield one(f"{operator} of BOOL, all axes", operator, {"x": values % 5 > 1}, dims=dims, keepdims=0)
        yield one(f"{operator} of infinities", operator, {"x": numpy.full((2, 3), INF, numpy.float32)}, {"axes": numpy.int64([1])})
        yield one(f"{operator} of UINT8", operator, {"x": (values * 9).astype(numpy.uint8)}, {"axes": numpy.int64([1])}, dims=dims)
    yield one("ReduceLogSumExp of large numbers", "ReduceLogSumExp", {"x": numpy.float32([[100, 200, 1], [-200, -300, -500]])}, {"axes": numpy.int64([1])})
    yield one("ReduceLogSumExp of large numbers, float64", "ReduceLogSumExp", {"x": numpy.float64([[1000, 2000, 1], [-2000, -3000, -5000]])}, {"axes": numpy.int64([1])})
    yield one("ReduceLogSumExp of infinities", "ReduceLogSumExp", {"x": numpy.float32([[INF, 0], [-INF, -INF], [-INF, 1]])}, {"axes": numpy.int64([1])})
    yield one("GlobalLpPool of 3", "GlobalLpPool", {"x": values[None]}, dims={"x": ["rows", 2, "height", 3]}, p=3)
    yield one("GlobalLpPool of 1", "GlobalLpPool", {"x": values[None]}, dims={"x": ["rows", 2, "height", 3]}, p=1)
    changed = {"x": values, "at": numpy.zeros((2, 2, 3), numpy.int64), "by": numpy.full((2, 2, 3), -1, numpy.float32)}
    yield one("ScatterElements into fewer", "ScatterElements", changed, dims=dims | {"at": ["rows", "some", 3], "by": ["rows", "some", 3]}, axis=1)
    yield one("GatherElements of other sizes", "GatherElements", {"x": values, "at": changed["at"]}, dims=dims | {"at": ["a", "b", "c"]}, axis=1)
    body = helper.make_graph(
        [helper.make_node("Add", ["carried", "one"], ["next"]), helper.make_node("Identity", ["going"], ["goes"]), helper.make_node("Identity", ["next"], ["kept"])],
        "body",
        [helper.make_tensor_value_info("turn", TensorProto.INT64, []), helper.make_tensor_value_info("going", TensorProto.BOOL, []), helper.make_tensor_value_info("carried", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("goes", TensorProto.BOOL, []), helper.make_tensor_value_info("next", TensorProto.FLOAT, None), helper.make_tensor_value_info("kept", TensorProto.FLOAT, None)],
    )
    loop = helper.make_node("Loop", ["turns", "true", "x"], ["y", "all"], body=body)
    for turns in (1, 3):
        given = {"x": numpy.float32([[1, 2]]), "turns": numpy.int64(turns)}
        yield record(f"Loop of {turns} turns", [loop], given, {"one": numpy.float32([1]), "true": numpy.bool_(True)}, ["y", "all"], types=[TensorProto.FLOAT] * 2)
    w, r = numpy.linspace(-1, 1, 6, dtype=numpy.float32).reshape(1, 3, 2), numpy.linspace(1, -1, 9, dtype=numpy.float32).reshape(1, 3, 3)
    body.ClearField("node")
    weights = {"w": w, "r": r, "begin": numpy.zeros((1, 2, 3), numpy.float32)}
    body.initializer.extend(numpy_helper.from_array(value, key) for key, value in weights.items())
    body.node.extend([
        helper.make_node("RNN", ["sequence", "w", "r", "", "", "begin"], ["", "state"], hidden_size=3), helper.make_node("Add", ["carried", "state"], ["next"]),
        helper.make_node("Identity", ["going"], ["goes"]), helper.make_node("Identity", ["next"], ["kept"]),
    ])
    loop = helper.make_node("Loop", ["turns", "true", "x"], ["y", "all"], body=body)
    sequence = numpy.linspace(-1, 1, 12, dtype=numpy.float32).reshape(3, 2, 2)
    given = {"x": numpy.zeros((1, 2, 3), numpy.float32), "turns": numpy.int64(3), "sequence": sequence}
    yield record("Loop around a recurrence", [loop], given, {"true": numpy.bool_(True)}, ["y", "all"], types=[TensorProto.FLOAT] * 2, dims={"x": [1, 2, 3], "sequence": ["steps", 2, 2]})
    yield from grown()
    wide = numpy.float64([1e300, -1e300, 1.5, NAN])[None]
    yield one("Cast of FP64 beyond FP32", "Cast", {"x": wide}, to=TensorProto.FLOAT)
    yield one("TopK of more than there is", "TopK", {"x": values}, {"k": numpy.int64([5])}, dims=dims, axis=1, n_outputs=2, refused=True)
    yield one("Gather beyond", "Gather", {"x": values, "at": numpy.int64([4])}, dims=dims | {"at": ["places"]}, axis=1, refused=True)
    yield one("Reshape that does not fit", "Reshape", {"x": values}, {"shape": numpy.int64([5, -1])}, dims=dims, refused=True)
    yield one("Add of sizes that do not fit", "Add", {"a": values, "b": values[:, :3].copy()}, dims={"a": ["rows", "a", 3], "b": ["rows", "b", 3]}, refused=True)
    yield one("Concat of sizes that do not fit", "Concat", {"a": values, "b": values[:, :3].copy()}, dims={"a": ["rows", "a", 3], "b": ["rows", "b", 3]}, axis=2, refused=True)
    yield one("Split that does not fit", "Split", {"x": values}, {"split": numpy.int64([1, 2])}, dims=dims, axis=1, n_outputs=2, refused=True)
    yield one("Squeeze of what is longer", "Squeeze", {"x": values}, {"axes": numpy.int64([1])}, dims=dims, refused=True)
    yield one("Expand that does not fit", "Expand", {"x": values}, {"shape": numpy.int64([1, 3, 3])}, dims=dims, refused=True)


def value_info(name, datatype=TensorProto.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, datatype, shape)


def grown():
    """A value that is longer after each turn of a loop, and its size."""
    body = helper.make_graph(
        [helper.make_node("Concat", ["carried", "column"], ["next"], axis=1), helper.make_node("Identity", ["going"], ["goes"])], "body",
        [value_info("turn", TensorProto.INT64, []), value_info("going", TensorProto.BOOL, []), value_info("carried")], [value_info("goes", TensorProto.BOOL, []), value_info("next")],
    )
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]), helper.make_node("Slice", ["sizes", "zero", "one"], ["n"]), helper.make_node("Concat", ["n", "one"], ["size"], axis=0),
        helper.make_node("ConstantOfShape", ["size"], ["column"]), helper.make_node("Loop", ["turns", "true", "x"], ["y"], body=body), helper.make_node("Shape", ["y"], ["long"]),
    ]
    constants = {"true": numpy.bool_(True), "zero": numpy.int64([0]), "one": numpy.int64([1])}
    given = {"x": numpy.float32([[1, 2], [3, 4]]), "turns": numpy.int64(3)}
    types = [TensorProto.FLOAT, TensorProto.INT64]
    yield record("Loop that makes a value longer, and its size", nodes, given, constants, ["y", "long"], dims={"x": ["rows", "steps"], "turns": []}, types=types)


def halves_inside():
    """FP16 in graphs that use names of values outside for their own."""
    half = TensorProto.FLOAT16
    body = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["nx"]), helper.make_node("Identity", ["going"], ["goes"])], "body",
        [value_info("turn", TensorProto.INT64, []), value_info("going", TensorProto.BOOL, []), value_info("x", half)], [value_info("goes", TensorProto.BOOL, []), value_info("nx", half)],
    )
    given = {"x": numpy.float16([[1, 1]]), "turns": numpy.int64(3)}
    loop = helper.make_node("Loop", ["turns", "true", "x"], ["y"], body=body)
    yield record("Loop of FP16 that hides an input", [loop], given, {"true": numpy.bool_(True)}, types=[half], dims={"turns": []})
    branch = lambda operator: helper.make_graph([helper.make_node(operator, ["x"], ["y"])], operator, [], [value_info("y", half)])
    for truth in (True, False):
        given = {"x": numpy.float16([[1, -2]]), "c": numpy.bool_(truth)}
        chosen = helper.make_node("If", ["c"], ["y"], then_branch=branch("Neg"), else_branch=branch("Abs"))
        yield record(f"If of FP16, {truth}", [chosen], given, types=[half], dims={"c": []})


def small_images():
    """An image whose sizes are open, and smaller than the kernel that goes over it or just as large."""
    dims = {"x": ["rows", 1, "height", "width"]}
    kernel = {"k": numpy.linspace(-1, 1, 9, dtype=numpy.float32).reshape(1, 1, 3, 3)}
    for height, width in ((1, 1), (2, 2), (2, 3), (3, 3), (4, 5)):
        image = {"x": numpy.linspace(-2, 3, height * width, dtype=numpy.float32).reshape(1, 1, height, width)}
        size = f"{height} x {width}"
        for settings in ({}, {"strides": [2, 2]}, {"pads": [1, 1, 1, 1]}, {"pads": [1, 1, 1, 1], "strides": [2, 2]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"dilations": [2, 2]}):
            said = "".join(f", {key} {value}" for key, value in settings.items())
            extent, around = 2 * settings.get("dilations", [1])[0] + 1, 2 * settings.get("pads", [0])[0]
            # ONNX Runtime answers some of these with what is not there.
            free = min(height, width) + around - extent
            refused = "auto_pad" not in settings and free < 0
            refused_ceiled = "auto_pad" not in settings and free + settings.get("strides", [1])[0] - 1 < 0
            yield one(f"Conv of {size}{said}", "Conv", image, kernel, dims=dims, refused=refused, **settings)
            for operator in ("MaxPool", "AveragePool", "LpPool"):
                yield one(f"{operator} of {size}{said}", operator, image, dims=dims, refused=refused, kernel_shape=[3, 3], **settings)
            for operator in ("MaxPool", "AveragePool"):
                yield one(f"{operator} of {size}{said}, ceil", operator, image, dims=dims, refused=refused_ceiled, kernel_shape=[3, 3], ceil_mode=1, **settings)
        yield one(f"ConvTranspose of {size}", "ConvTranspose", image, kernel, dims=dims, strides=[2, 2])
        yield one(f"GlobalAveragePool of {size}", "GlobalAveragePool", image, dims=dims)
        yield one(f"InstanceNormalization of {size}", "InstanceNormalization", image, {"scale": numpy.float32([2]), "bias": numpy.float32([1])}, dims=dims)
        yield one(f"Resize of {size}", "Resize", image, {"scales": numpy.float32([1, 1, 0.5, 0.5])}, order=["x", "", "scales"], dims=dims, refused=None, mode="linear")
        deep = {"x": numpy.arange(8 * height * width, dtype=numpy.float32).reshape(1, 8, height, width)}
        for mode in ("DCR", "CRD"):
            yield one(f"DepthToSpace of {size}, {mode}", "DepthToSpace", deep, dims={"x": ["rows", 8, "height", "width"]}, blocksize=2, mode=mode)
        even = {"x": numpy.arange(4 * height * width, dtype=numpy.float32).reshape(1, 1, 2 * height, 2 * width)}
        yield one(f"SpaceToDepth to {size}", "SpaceToDepth", even, dims=dims, blocksize=2)


def precisions():
    """Numbers that are not FP32, as far as ONNX Runtime has operators for them."""
    values = [[0.25, -0.75, 0.5, -0.125], [1.5, -3.25, 1000, -1000], [0.001, 40.5, -40.5, 0]]
    for dtype, name, tolerance in ((numpy.float64, "FP64", {"rtol": 1e-12, "atol": 1e-12}), (numpy.float16, "FP16", {"rtol": 2e-3, "atol": 1e-3})):
        yield from of_precision(numpy.array(values, dtype), f"of {name}", tolerance)


def halved_and_doubled():
    """An image beside itself, halved and doubled: only an even one is as large as it was."""
    nodes = [
        helper.make_node("MaxPool", ["x"], ["half"], kernel_shape=[2, 2], strides=[2, 2]), helper.make_node("Resize", ["half", "", "scales"], ["whole"], mode="nearest"),
        helper.make_node("Concat", ["x", "whole"], ["y"], axis=1),
    ]
    for height, width in ((4, 6), (2, 2), (5, 6), (4, 7)):
        image = {"x": numpy.arange(height * width, dtype=numpy.float32).reshape(1, 1, height, width)}
        constants = {"scales": numpy.float32([1, 1, 2, 2])}
        dims = {"x": ["rows", 1, "height", "width"]}
        yield record(f"Concat of an image of {height} x {width}, halved and doubled", nodes, image, constants, dims=dims, refused=None)


def of_precision(values, said, tolerance):
    dtype = values.dtype
    small = numpy.clip(values, -0.9, 0.9).astype(dtype)
    cases = []

    def case(operator, inputs, constants=(), **settings):
        try:
            cases.append(one(f"{operator} {said}", operator, inputs, constants, **(tolerance | settings)))
        except ValueError:
            pass  # ONNX Runtime has none.

    for operator in (
        "Abs", "Acos", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "LogSoftmax", "Mish",
        "Neg", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu",
    ):
        of = small if operator in ("Acos", "Asin", "Atanh", "Cosh", "Sinh", "Tan", "Sin", "Cos", "Exp") else values
        case(operator, {"x": numpy.abs(of) if operator in ("Log", "Sqrt") else of})
    pair = {"a": numpy.abs(small), "b": small[::-1].copy()}
    for operator in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sum", "Equal", "Less", "PRelu"):
        case(operator, pair | {"b": numpy.abs(pair["b"]) + dtype.type(0.5)})
    case("Mod", pair, fmod=1)
    for operator in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
        case(f"Reduce{operator}", {"x": numpy.abs(small)}, {"axes": numpy.int64([1])})
    matrix = numpy.linspace(-1, 1, 12).reshape(4, 3).astype(dtype)
    case("MatMul", {"x": small}, {"w": matrix})
    case("Gemm", {"x": small}, {"w": matrix, "b": matrix[0].copy()})
    turned = {"w": matrix.T.copy(), "b": dtype.type(2)}
    cases.append(one(f"Gemm, turned, {said}", "Gemm", {"x": small.T.copy()}, turned, dims={"x": [4, "rows"]}, transA=1, transB=1, alpha=0.5, beta=2.0, **tolerance))
    case("TopK", {"x": small}, {"k": numpy.int64([2])}, n_outputs=2)
    case("ArgMax", {"x": small}, axis=1)
    case("CumSum", {"x": small}, {"axis": numpy.int64(1)})
    case("Where", {"c": small > 0, "a": small, "b": small * 2})
    case("Clip", {"x": values}, {"low": dtype.type(-1), "high": dtype.type(1)})
    ones = {"scale": numpy.ones(4, dtype)}
    case("LayerNormalization", {"x": small}, ones, atol=1e-3 if dtype == numpy.float16 else 1e-6, rtol=2e-3 if dtype == numpy.float16 else 1e-6)
    moments = {"bias": numpy.zeros(4, dtype), "mean": numpy.zeros(4, dtype), "variance": numpy.ones(4, dtype)}
    case("BatchNormalization", {"x": small}, ones | moments)
    image = {"x": numpy.linspace(-1, 1, 16).reshape(1, 1, 4, 4).astype(dtype)}
    case("Conv", image, {"k": matrix[:2, :2].reshape(1, 1, 2, 2).copy()})
    case("ConvTranspose", image, {"k": matrix[:2, :2].reshape(1, 1, 2, 2).copy()})
    for operator in ("MaxPool", "AveragePool", "LpPool"):
        case(operator, image, kernel_shape=[2, 2])
    for operator in ("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"):
        case(operator, image)
    case("Pad", image, {"pads": numpy.int64([0, 0, 1, 1, 0, 0, 1, 1])})
    case("Resize", image, {"scales": numpy.float32([1, 1, 2, 2])}, order=["x", "", "scales"], mode="linear")
    case("InstanceNormalization", image, {"scale": numpy.ones(1, dtype), "bias": numpy.zeros(1, dtype)})
    case("Expand", {"x": small}, {"shape": numpy.int64([2, 1, 1])})
    case("Cast", {"x": small}, to=TensorProto.FLOAT)
    case("Einsum", {"x": small}, {"w": matrix}, equation="ij,jk->ik")
    for operator, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        w = numpy.linspace(-1, 1, gates * 3 * 2).reshape(1, gates * 3, 2).astype(dtype)
        r = numpy.linspace(1, -1, gates * 3 * 3).reshape(1, gates * 3, 3).astype(dtype)
        case(operator, {"x": small.reshape(2, 3, 2)}, {"w": w, "r": r}, dims={"x": ["steps", "rows", 2]}, hidden_size=3)
    yield from cases


def brain_floats():
    """Weights of BF16, and casts to and from it."""
    weights = helper.make_tensor("w", TensorProto.BFLOAT16, [4, 3], numpy.linspace(-1, 1, 12).tolist())
    nodes = [
        helper.make_node("Cast", ["x"], ["narrow"], to=TensorProto.BFLOAT16), helper.make_node("Cast", ["narrow"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["w"], ["weights"], to=TensorProto.FLOAT), helper.make_node("MatMul", ["wide", "weights"], ["y"]),
    ]
    yield record("MatMul by weights of BF16", nodes, {"x": numpy.float32([[1, 2, -0.5, 0.25]])}, {"w": weights}, rtol=1e-6)


def whole_numbers():
    for dtype in (numpy.int8, numpy.uint8, numpy.int32, numpy.int64):
        name = numpy.dtype(dtype).name
        values = numpy.array([[1, 2, 3, 100], [7, 5, 0, 9]], dtype)
        if numpy.dtype(dtype).kind == "i":
            values[0] *= -1
        pair = {"a": values, "b": numpy.array([[3, 1, 2, 4], [2, 2, 5, 1]], dtype)}
        cases = []

        def case(operator, inputs, constants=(), what="", **settings):
            try:
                cases.append(one(f"{operator} of {name}{', ' * bool(what)}{what}", operator, inputs, constants, **settings))
            except ValueError:
                pass  # ONNX Runtime has none.

        for operator in ("Abs", "Neg", "Sign", "Relu", "Identity", "Not", "BitwiseNot"):
            case(operator, {"x": values})
        for operator in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Mod", "Pow", "Equal", "Less", "GreaterOrEqual", "BitwiseAnd", "BitwiseOr", "BitwiseXor"):
            case(operator, pair | ({"a": pair["b"]} if operator == "Pow" else {}))
        for operator in ("L1", "L2", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
            # tract has no squares of INT64.
            if name != "int64" or operator not in ("L2", "SumSquare"):
                case(f"Reduce{operator}", {"x": pair["b"]}, {"axes": numpy.int64([1])})
        case("Clip", {"x": values}, {"low": dtype(0), "high": dtype(5)})
        case("MatMul", {"x": values}, {"w": pair["b"].T.copy()})
        case("Gemm", {"x": values}, {"w": pair["b"].T.copy()})
        vector = {"v": pair["b"][0].copy()}
        for what, left, right in (("vector by a matrix", vector, {"w": pair["b"].T.copy()}), ("matrix by a vector", {"x": values}, vector), ("stack by a matrix", {"x": values[None]}, {"w": pair["b"].T.copy()})):
            case("MatMul", left, right, what=what, dims={"v": [4]} if left is vector else {})
        case("TopK", {"x": values}, {"k": numpy.int64([2])}, n_outputs=2)
        case("ArgMax", {"x": values}, axis=1)
        case("CumSum", {"x": values}, {"axis": numpy.int64(1)})
        case("Where", {"c": values > 2, "a": pair["a"], "b": pair["b"]})
        case("MaxPool", {"x": values.reshape(1, 1, 2, 4)}, kernel_shape=[2, 2])
        case("Pad", {"x": values}, {"pads": numpy.int64([0, 1, 0, 1])})
        case("Cast", {"x": values}, to=TensorProto.FLOAT)
        case("Resize", {"x": values.reshape(1, 1, 2, 4)}, {"scales": numpy.float32([1, 1, 2, 2])}, order=["x", "", "scales"])
        case("OneHot", {"x": numpy.array([1, 0, 2], dtype)}, {"depth": numpy.int64([3]), "values": numpy.int64([0, 1])})
        case("NonZero", {"x": values})
        case("Unique", {"x": numpy.array([3, 1, 3, 2], dtype)}, n_outputs=4)
        case("Trilu", {"x": values})
        case("GatherElements", {"x": values, "at": numpy.int64([[0, 1], [2, 3]])}, axis=1)
        case("Range", {"start": dtype(1), "limit": dtype(9), "step": dtype(3)}, dims={"start": [], "limit": [], "step": []})
        yield from cases


def fused():
    """What ONNX Runtime's optimiser writes for a layer and its activation."""
    image = numpy.linspace(-2, 3, 150, dtype=numpy.float32).reshape(2, 3, 5, 5)
    kernel = {"k": numpy.sin(numpy.arange(108, dtype=numpy.float32)).reshape(4, 3, 3, 3), "b": numpy.float32([0.5, -0.25, 0, 1])}
    ms = {"domain": "com.microsoft"}
    of_conv = {"Relu": [], "Tanh": [], "Sigmoid": [], "LeakyRelu": [0.2], "Clip": [-0.5, 1.5], "HardSigmoid": [0.3, 0.4]}
    for activation, parameters in of_conv.items():
        said = {"activation_params": parameters} if parameters else {}
        yield one(f"FusedConv with {activation}", "FusedConv", {"x": image}, kernel, activation=activation, **said, **ms)
    yield one("FusedConv with Clip, opset 9", "FusedConv", {"x": image}, kernel, opset=9, activation="Clip", activation_params=[-0.5, 1.5], **ms)
    added = {"x": image, "z": numpy.cos(numpy.arange(72, dtype=numpy.float32)).reshape(2, 4, 3, 3)}
    moved = {"strides": [2, 2], "pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    yield one("FusedConv with a sum", "FusedConv", added, kernel, order=["x", "k", "b", "z"], activation="Relu", **moved, **ms)
    yield one("FusedConv with a sum and no bias", "FusedConv", added, {"k": kernel["k"]}, order=["x", "k", "", "z"], activation="Tanh", **moved, **ms)
    yield one("FusedConv without an activation", "FusedConv", {"x": image}, kernel, **ms)
    depthwise = {"k": kernel["k"][:3, :1].copy()}
    yield one("FusedConv of groups", "FusedConv", {"x": image}, depthwise, group=3, activation="LeakyRelu", activation_params=[0.5], **ms)

    rows = numpy.linspace(-2, 2, 12, dtype=numpy.float32).reshape(3, 4)
    layer = {"w": numpy.sin(numpy.arange(20, dtype=numpy.float32)).reshape(4, 5), "b": numpy.float32([0.5, -0.25, 0, 1, -1])}
    of_gemm = {
        "Relu": {}, "Tanh": {}, "Sigmoid": {}, "Softplus": {}, "Softsign": {}, "Elu": {"alpha": 0.5}, "LeakyRelu": {"alpha": 0.2}, "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
        "Selu": {"alpha": 1.5, "gamma": 1.2}, "ThresholdedRelu": {"alpha": 0.7}, "ScaledTanh": {"alpha": 0.5, "beta": 1.5}, "ParametricSoftplus": {"alpha": 0.5, "beta": 1.5},
    }
    for activation, parameters in of_gemm.items():
        said = {f"activation_{name}": value for name, value in parameters.items()}
        yield one(f"FusedGemm with {activation}", "FusedGemm", {"x": rows}, layer, activation=activation, **said, **ms)
    turned = {"w": layer["w"].T.copy(), "b": layer["b"]}
    yield one("FusedGemm, turned", "FusedGemm", {"x": rows.T.copy()}, turned, dims={"x": [4, "rows"]}, transA=1, transB=1, alpha=0.5, beta=2.0, activation="Relu", **ms)
    yield one("FusedGemm without a bias", "FusedGemm", {"x": rows}, {"w": layer["w"]}, activation="Relu", **ms)

    stack = numpy.linspace(-1, 2, 48, dtype=numpy.float32).reshape(2, 2, 3, 4)
    other = numpy.cos(numpy.arange(80, dtype=numpy.float32)).reshape(2, 2, 4, 5)
    turn = lambda values: numpy.swapaxes(values, -1, -2).copy()
    open_axes = {"x": ["rows", 2, "queries", 4], "w": ["rows", 2, 4, "keys"]}
    yield one("FusedMatMul", "FusedMatMul", {"x": stack, "w": other}, dims=open_axes, alpha=0.125, **ms)
    yield one("FusedMatMul, the left turned", "FusedMatMul", {"x": turn(stack), "w": other}, dims={"x": ["rows", 2, 4, "queries"], "w": open_axes["w"]}, transA=1, **ms)
    yield one("FusedMatMul, the right turned", "FusedMatMul", {"x": stack, "w": turn(other)}, dims={"x": open_axes["x"], "w": ["rows", 2, "keys", 4]}, transB=1, alpha=-2.0, **ms)
    yield one("FusedMatMul, both turned", "FusedMatMul", {"x": turn(stack)}, {"w": turn(other)[0, 0].copy()}, dims={"x": ["rows", 2, 4, "queries"]}, transA=1, transB=1, alpha=0.5, **ms)
    yield one("FusedMatMul of fewer axes", "FusedMatMul", {"x": stack[0, 0]}, {"w": turn(other)}, transB=1, **ms)
    # A matrix that is turned, by a vector, ONNX Runtime does not turn.
    vector = {"v": numpy.float32([1, -2, 3, 0.5])}
    yield one("FusedMatMul by a vector", "FusedMatMul", {"x": stack}, vector, dims={"x": open_axes["x"]}, transB=1, alpha=3.0, **ms)
    yield one("FusedMatMul of a vector", "FusedMatMul", {"x": other[0]}, vector, dims={"x": ["rows", 4, "keys"]}, order=["v", "x"], transA=1, alpha=3.0, **ms)
    yield one("FusedMatMul of sizes that do not fit", "FusedMatMul", {"x": stack, "w": other}, dims={"x": ["rows", 2, 3, "a"], "w": ["rows", 2, "b", "c"]}, transB=1, refused=True, **ms)
    branches = [
        helper.make_graph([helper.make_node("FusedGemm", ["x", "w", "b"], ["y"], activation=activation, **ms)], activation, [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        for activation in ("Relu", "Tanh")
    ]
    chosen = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    yield record("FusedGemm in branches", [chosen], {"x": rows, "c": numpy.bool_(False)}, layer)


def quantised():
    """What ONNX Runtime's quantiser writes, between whole numbers that are given and the FP32 numbers of its answer. Where ONNX Runtime computes otherwise than over FP32, an answer may be one step off."""

    def case(name, operator, inputs, constants, order, scale=0.05, zero=0, steps=0.5, version=21, dims=None, **attributes):
        out = {"out": numpy.float32(scale)} | ({} if zero is None else {"zero": zero})
        nodes = [helper.make_node(operator, order, ["h"], domain="com.microsoft", **attributes), helper.make_node("DequantizeLinear", ["h", *out], ["y"])]
        return record(name, nodes, inputs, dict(constants) | out, atol=steps * scale, rtol=0, opset=version, dims=dims) | {"operator": operator}

    for dtype, middle in ((numpy.uint8, 128), (numpy.int8, 0)):
        of = numpy.dtype(dtype).name.upper()
        values = (numpy.arange(48) * 37 % 256 + middle - 128).astype(dtype).reshape(2, 3, 8)
        x, w = {"x": values}, {"w": values[:, ::-1, ::-1].copy()}
        xs = {"xs": numpy.float32(0.03), "xz": dtype(middle + 5)}
        ws = {"ws": numpy.float32(0.021), "wz": dtype(middle - 9)}
        zero, least = dtype(middle - 3), dtype(middle - 128)
        of_one, of_two = ["x", *xs, "out", "zero"], ["x", *xs, "w", *ws, "out", "zero"]
        for operator in ("QLinearAdd", "QLinearMul"):
            yield case(f"{operator} of {of}", operator, x | w, xs | ws, of_two, zero=zero, steps=1.01)
            yield case(f"{operator} of {of} and a row", operator, x, xs | ws | {"w": values[0, 0]}, of_two, zero=zero, steps=1.01)
            yield case(f"{operator} of {of} without a zero point", operator, x | w, xs | ws, of_two[:-1], zero=dtype(0), steps=1.01)
        yield case(f"QLinearSigmoid of {of}", "QLinearSigmoid", x, xs, of_one, 1 / 256, least)
        yield case(f"QLinearSigmoid of {of} without a zero point", "QLinearSigmoid", x, {"xs": xs["xs"]}, ["x", "xs", "", "out", "zero"], 1 / 256, least)
        yield case(f"QLinearLeakyRelu of {of}", "QLinearLeakyRelu", x, xs, of_one, zero=zero, alpha=0.3)
        for opset, axis in ((13, -1), (13, 1), (12, 1), (12, 2)):
            yield case(f"QLinearSoftmax of {of}, version {opset}, axis {axis}", "QLinearSoftmax", x, xs, of_one, 1 / 256, least, 1.01, opset=opset, axis=axis)
        image = {"x": values.reshape(2, 3, 2, 4)}
        for last, dims in ((0, ["rows", 3, "height", "width"]), (1, ["rows", "height", "width", 4])):
            pooled = case(f"QLinearGlobalAveragePool of {of}{', channels last' * last}", "QLinearGlobalAveragePool", image, xs, of_one, zero=zero, dims={"x": dims}, channels_last=last)
            if last:
                pooled["sets"][0]["outputs"] = []  # It is refused.
            yield pooled
        yield case(f"QLinearAveragePool of {of}", "QLinearAveragePool", image, xs, of_one, 0.047, zero, kernel_shape=[2, 2], strides=[1, 2], pads=[0, 1, 0, 1])
        yield case(f"QLinearAveragePool of {of}, padding counted", "QLinearAveragePool", image, xs, of_one, 0.047, zero, kernel_shape=[2, 2], pads=[1, 1, 0, 0], count_include_pad=1)
        yield case(f"QLinearConcat of {of}", "QLinearConcat", x | w, xs | ws, ["out", "zero", "x", *xs, "w", *ws], zero=zero, axis=1)
        chosen = {"c": values % 3 == 0}
        yield case(f"QLinearWhere of {of}", "QLinearWhere", chosen | x | w, xs | ws, ["c", "x", *xs, "w", *ws, "out", "zero"], zero=zero)

        rows, columns = {"x": values[:, 0].copy()}, {"w": (numpy.arange(40) * 29 % 250 + middle - 125).astype(dtype).reshape(8, 5)}
        added = {"b": numpy.int32([300, -700, 0, 50, -2000])}
        inputs = ["x", *xs, "w", *ws]
        yield case(f"QGemm of {of}", "QGemm", rows, xs | columns | ws | added, [*inputs, "b", "out", "zero"], zero=zero)
        yield case(f"QGemm of {of} without a bias", "QGemm", rows, xs | columns | ws, [*inputs, "", "out", "zero"], zero=zero)
        of_columns = {"ws": numpy.linspace(0.01, 0.05, 5, dtype=numpy.float32), "wz": numpy.full(5, middle, dtype)}
        turned = {"w": columns["w"].T.copy()}
        yield case(f"QGemm of {of} by columns, turned", "QGemm", rows, xs | turned | of_columns | added, [*inputs, "b", "out", "zero"], 0.1, zero, transB=1)
        yield one(f"QGemm of {of} to FP32", "QGemm", rows, xs | columns | of_columns | added, domain="com.microsoft", order=[*inputs, "b"], alpha=0.5)

        for directions in (1, 2):
            sequence = {"x": numpy.sin(numpy.arange(30, dtype=numpy.float32)).reshape(5, 3, 2)}
            weigh = lambda n_rows: (numpy.arange(directions * n_rows * 16) * 53 % 201 + middle - 100).astype(dtype).reshape(directions, n_rows, 16)
            for by in ((), (16,)):
                scales = numpy.linspace(0.004, 0.008, directions * (16 if by else 1), dtype=numpy.float32).reshape(directions, *by)
                zeros = numpy.full(scales.shape, middle + (3 if dtype == numpy.uint8 else 0), dtype)
                constants = {"w": weigh(2), "r": weigh(4), "b": numpy.linspace(-0.5, 0.5, directions * 32, dtype=numpy.float32).reshape(directions, 32), "s": scales, "z": zeros}
                yield one(
                    f"DynamicQuantizeLSTM of {of}, {directions} directions{', by columns' * len(by)}", "DynamicQuantizeLSTM", sequence, constants, dims={"x": ["steps", "rows", 2]}, n_outputs=3,
                    domain="com.microsoft", order=["x", "w", "r", "b", "", "", "", "", "s", "z", "s", "z"], atol=0.01, hidden_size=4, direction="bidirectional" if directions == 2 else "forward",
                )


def of_tools():
    yield from fused()
    yield from quantised()


def records():
    families = (not_a_number, empty, ranges, misfits, others, small_images, halved_and_doubled, precisions, brain_floats, halves_inside, whole_numbers, of_tools)
    for family in families:
        yield from family()


if __name__ == "__main__":
    onnxruntime.set_default_logger_severity(4)
    write_once("edges", ["edges.py", "make.py"], records)
