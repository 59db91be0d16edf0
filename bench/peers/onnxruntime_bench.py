"""ONNX Runtime as a peer of the in-process benchmark: a child process that runs what it is told, on one thread.

It is no program of its own: `bench` starts it and speaks to it in lines of JSON on stdin and stdout. Each request has `op`:
`floor` times calls of a model that does nothing; `open` makes a session; `feed` reads inputs from files of raw numbers,
runs once and writes the outputs to such files; `run` repeats that call `n` times and answers the times in seconds, taken
around `session.run` only. An answer that differs from that of `feed` is an error. Every response has `ok` or `error`.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

FLOOR_CALLS = 2000


class Peer:
    """The session in use, its inputs, and what it answered them at first."""

    def __init__(self):
        self.session = self.feeds = self.outputs = None

    def floor(self, _request):
        value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
        result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "floor", [value], [result])
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        empty = session(model.SerializeToString())
        times = timed(empty, ["y"], {"x": np.zeros(1, dtype=np.float32)}, FLOOR_CALLS)[0]
        return {"version": onnxruntime.__version__, "times": times}

    def open(self, request):
        self.session = self.feeds = self.outputs = None
        model = Path(request["model"]).read_bytes()
        start = time.perf_counter_ns()
        self.session = session(model)
        return {"seconds": (time.perf_counter_ns() - start) / 1e9}

    def feed(self, request):
        self.feeds = {
            item["name"]: np.fromfile(item["file"], dtype=np.float32).reshape(item["shape"])
            for item in request["inputs"]
        }
        self.outputs = self.session.run(None, self.feeds)
        described = []
        for output, array in zip(self.session.get_outputs(), self.outputs, strict=True):
            file = str(Path(request["folder"]) / f"output-{len(described)}.raw")
            np.ascontiguousarray(array).tofile(file)
            described.append(
                {"name": output.name, "datatype": array.dtype.name, "shape": list(array.shape), "file": file}
            )
        return {"outputs": described}

    def run(self, request):
        times, outputs = timed(self.session, None, self.feeds, request["n"])
        for first, later in zip(self.outputs, outputs, strict=True):
            if not np.array_equal(first, later):
                raise ValueError("ONNX Runtime answered the same inputs in two ways")
        return {"times": times}


def session(model):
    """A session on one thread with ONNX Runtime's default optimisations, which are all of them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def timed(runtime, names, feeds, n_runs):
    """The seconds of each run, and the outputs of the last."""
    times, outputs = [], []
    for _ in range(n_runs):
        start = time.perf_counter_ns()
        outputs = runtime.run(names, feeds)
        times.append((time.perf_counter_ns() - start) / 1e9)
    return times, outputs


def main():
    peer = Peer()
    operations = {"floor": peer.floor, "open": peer.open, "feed": peer.feed, "run": peer.run}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            response = {"ok": operations[request["op"]](request)}
        except Exception as error:  # Whatever went wrong, the benchmark must hear of it.
            response = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(response), flush=True)


main()
