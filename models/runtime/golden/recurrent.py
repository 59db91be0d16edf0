"""Writes recurrent.json and refused.json: models that carry something from step to step, as PyTorch exports them and made by hand, answered by ONNX Runtime.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python recurrent.py
"""

import io
import pathlib
import sys
import warnings

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parents[2] / "crates/onnx-ml/golden"))

from cases import case, write  # noqa: E402

warnings.filterwarnings("ignore")
STEPS, ROWS, FEATURES, HIDDEN = 6, 3, 4, 5
OPSET = [helper.make_opsetid("", 17)]
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
RNG = numpy.random.default_rng(20)


def numbers(*shape):
    return RNG.normal(0, 0.6, shape).astype(numpy.float32)


def constant(name, value):
    return numpy_helper.from_array(value, name)


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    return helper.make_model(graph, opset_imports=OPSET, ir_version=8)


class Sequence(torch.nn.Module):
    """A recurrent layer, and a linear one over what it says last."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = torch.nn.Linear(layer.hidden_size * (2 if layer.bidirectional else 1), 2)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def exported():
    torch.manual_seed(3)
    sizes = {"input_size": FEATURES, "hidden_size": HIDDEN, "batch_first": True}
    layers = {
        "LSTM": torch.nn.LSTM(**sizes),
        "LSTM of two layers, both ways": torch.nn.LSTM(num_layers=2, bidirectional=True, **sizes),
        "GRU": torch.nn.GRU(**sizes),
        "GRU of two layers, both ways": torch.nn.GRU(num_layers=2, bidirectional=True, **sizes),
        "RNN": torch.nn.RNN(**sizes),
    }
    x = numbers(ROWS, STEPS, FEATURES)
    for name, layer in layers.items():
        file = io.BytesIO()
        names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "batch"}, "y": {0: "batch"}}}
        torch.onnx.export(Sequence(layer).eval(), torch.from_numpy(x[:2]), file, opset_version=17, dynamo=False, **names)
        yield case(f"PyTorch, {name}", onnx.load_from_string(file.getvalue()), {"x": x})


def operator(name, kind, rows, initial=False, peepholes=False, **attributes):
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    gates = GATES[kind] * HIDDEN
    constants = [
        constant("W", numbers(directions, gates, FEATURES)),
        constant("R", numbers(directions, gates, HIDDEN)),
        constant("B", numbers(directions, 2 * gates)),
    ]
    inputs, given = [value("X", [STEPS, rows, FEATURES])], {"X": numbers(STEPS, ROWS, FEATURES)}
    slots = ["X", "W", "R", "B"]
    states = ["h", "c"][: 2 if kind == "LSTM" else 1]
    if initial:
        slots += ["", *states]
        inputs += [value(state, [directions, rows, HIDDEN]) for state in states]
        given |= {state: numbers(directions, ROWS, HIDDEN) for state in states}
    if peepholes:
        slots += [""] * (7 - len(slots)) + ["P"]
        constants.append(constant("P", numbers(directions, 3 * HIDDEN)))
    names = ["Y", "Y_h", "Y_c"][: 1 + len(states)]
    node = helper.make_node(kind, slots, names, hidden_size=HIDDEN, **attributes)
    outputs = [value("Y", [STEPS, directions, rows, HIDDEN])]
    outputs += [value(name, [directions, rows, HIDDEN]) for name in names[1:]]
    return case(name, model([node], inputs, outputs, constants), given)


def operators():
    both = {"direction": "bidirectional"}
    for kind in GATES:
        yield operator(f"{kind}, any number of rows", kind, "rows")
        if kind != "LSTM":
            yield operator(f"{kind}, a fixed number of rows", kind, ROWS)
        yield operator(f"{kind}, states that are given", kind, "rows", initial=True)
        yield operator(f"{kind}, both ways", kind, "rows", **both)
        yield operator(f"{kind}, both ways from states that are given", kind, "rows", initial=True, **both)
    yield operator("LSTM with peepholes", "LSTM", "rows", peepholes=True)
    yield operator("GRU that resets late", "GRU", "rows", linear_before_reset=1)
    yield operator("GRU that resets late, a fixed number of rows", "GRU", ROWS, linear_before_reset=1)
    yield operator("GRU that resets late, both ways", "GRU", "rows", linear_before_reset=1, **both)
    yield operator("LSTM, the usual activations by name", "LSTM", "rows", activations=["Sigmoid", "Tanh", "Tanh"])


def body(name, nodes, inputs, outputs, constants=()):
    return helper.make_graph(nodes, name, inputs, outputs, list(constants))


def running_sum(name, state, element, total):
    add = helper.make_node("Add", [state, element], [total])
    keep = helper.make_node("Identity", [total], [f"{total}_shown"])
    infos = [value(state, [2]), value(element, [2])], [value(total, [2]), value(f"{total}_shown", [2])]
    return body(name, [add, keep], *infos)


def scans():
    graph = running_sum("sums", "s", "e", "t")
    infos = [value("start", [2]), value("x", ["rows", 2])], [value("last", [2]), value("sums", ["rows", 2])]
    given = {"start": numbers(2), "x": numbers(4, 2)}
    node = helper.make_node("Scan", ["start", "x"], ["last", "sums"], body=graph, num_scan_inputs=1)
    yield case("Scan, sums", model([node], *infos), given)
    node = helper.make_node(
        "Scan", ["start", "x"], ["last", "sums"], body=graph, num_scan_inputs=1, scan_input_directions=[1], scan_output_directions=[1]
    )
    yield case("Scan, sums from the end", model([node], *infos), given)
    one = [value("start", [2]), value("x", [1, 2])], [value("last", [2]), value("sums", [1, 2])]
    node = helper.make_node("Scan", ["start", "x"], ["last", "sums"], body=graph, num_scan_inputs=1)
    yield case("Scan of one step", model([node], *one), {"start": numbers(2), "x": numbers(1, 2)})
    yield nested()
    yield distances()


def nested():
    """At each outer step the inner sums begin with the outer state, so nothing may be left of the step before."""
    inner = running_sum("inner", "is", "ie", "it")
    scan = helper.make_node("Scan", ["os", "oe"], ["ignored", "inner_sums"], body=inner, num_scan_inputs=1)
    next_state = helper.make_node("Mul", ["os", "half"], ["ot"])
    infos = [value("os", [2]), value("oe", [3, 2])], [value("ot", [2]), value("inner_sums", [3, 2])]
    outer = body("outer", [scan, next_state], *infos, [constant("half", numpy.array(0.5, numpy.float32))])
    node = helper.make_node("Scan", ["start", "x"], ["last", "sums"], body=outer, num_scan_inputs=1)
    infos = [value("start", [2]), value("x", ["rows", 3, 2])], [value("last", [2]), value("sums", ["rows", 3, 2])]
    return case("Scan in a Scan", model([node], *infos), {"start": numbers(2), "x": numbers(4, 3, 2)})


def distances():
    """Squared distances as skl2onnx writes them: the other points are a state that never changes."""
    nodes = [
        helper.make_node("Identity", ["points"], ["points_after"]),
        helper.make_node("Sub", ["points", "row"], ["differences"]),
        helper.make_node("ReduceSumSquare", ["differences"], ["squares"], axes=[1], keepdims=0),
    ]
    infos = [value("points", [5, 2]), value("row", [2])], [value("points_after", [5, 2]), value("squares", [5])]
    scan = helper.make_node("Scan", ["known", "x"], ["known_after", "y"], body=body("row", nodes, *infos), num_scan_inputs=1)
    infos = [value("x", ["rows", 2])], [value("y", ["rows", 5])]
    return case("Scan, distances", model([scan], *infos, [constant("known", numbers(5, 2))]), {"x": numbers(4, 2)})


def refused():
    """What ONNX Runtime computes and the model runtime says that it cannot."""
    yield operator("another activation", "RNN", "rows", activations=["Relu"])
    yield operator("clipping", "LSTM", "rows", clip=0.5)


def main():
    answered = [*exported(), *operators(), *scans()]
    write(HERE / "refused.json", refused())
    write(HERE / "recurrent.json", [*answered, operator("LSTM, a fixed number of rows", "LSTM", ROWS)])


if __name__ == "__main__":
    main()
