"""An ensemble of 500 trees, packed, beside ONNX Runtime on one thread: how long 10 000 rows in one call take, and how large the file is.

    cargo xtask build
    python3.11 -m venv target/bench-trees-venv
    target/bench-trees-venv/bin/pip install -r bench/trees/requirements.txt
    target/bench-trees-venv/bin/python bench/trees/run.py

LightGBM trains on generated numbers with a fixed seed. The packed model is asked through `plinth serve` on the loopback interface, in one
binary request, so that its times include HTTP, a fresh instance and the copies of the tensors; ONNX Runtime's are those of
`session.run`. The two take turns. Answers that differ by more than a relative 1e-4 are an error. It prints the table of `BENCHMARKS.md`.
"""

import argparse
import http.client
import json
import socket
import statistics
import subprocess
import time
from pathlib import Path

import lightgbm
import numpy
import onnxruntime
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

ROOT = Path(__file__).resolve().parent.parent.parent
ADDRESS = "127.0.0.1"
N_TREES, DEPTH, N_FEATURES, N_ROWS, N_TRAINING = 500, 8, 32, 10_000, 40_000
SEED = 11
BAR = 2.0
TOLERANCE = 1e-4
PATIENCE_S = 120


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "target/bench-trees", help="of the model and the packed model")
    parser.add_argument("--plinth", type=Path, default=ROOT / "target/release/plinth")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def trained():
    """The ensemble as ONNX: every tree as deep as it may be, nearly full."""
    random = numpy.random.default_rng(SEED)
    x = random.standard_normal((N_TRAINING, N_FEATURES), dtype=numpy.float32)
    y = x[:, 0] * x[:, 1] + numpy.sin(3 * x[:, 2]) + x[:, 3:].sum(axis=1) + random.normal(0, 0.5, N_TRAINING)
    estimator = lightgbm.LGBMRegressor(
        n_estimators=N_TREES,
        max_depth=DEPTH,
        num_leaves=2**DEPTH,
        min_child_samples=5,
        learning_rate=0.05,
        random_state=SEED,
        n_jobs=1,
        deterministic=True,
        force_col_wise=True,
        verbose=-1,
    )
    estimator.fit(x, y)
    types = [("x", FloatTensorType([None, N_FEATURES]))]
    return convert_lightgbm(estimator, initial_types=types, target_opset=15).SerializeToString()


class Served:
    """`plinth serve` of one packed model."""

    def __init__(self, plinth, packed, log):
        with socket.socket() as free:
            free.bind((ADDRESS, 0))
            self.port = free.getsockname()[1]
        command = [plinth, "serve", packed, "--listen", f"{ADDRESS}:{self.port}"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        self.path = f"/v2/models/{packed.stem}/infer"
        self.wait()

    def wait(self):
        begin = time.monotonic()
        while time.monotonic() - begin < PATIENCE_S and self.process.poll() is None:
            try:
                socket.create_connection((ADDRESS, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("`plinth serve` does not listen")

    def ask(self, x):
        """Seconds that a request took, and its answer."""
        data = x.tobytes()
        described = {"name": "x", "datatype": "FP32", "shape": list(x.shape), "parameters": {"binary_data_size": len(data)}}
        head = json.dumps({"inputs": [described], "parameters": {"binary_data_output": True}}).encode()
        headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=PATIENCE_S)
        begin = time.perf_counter()
        connection.request("POST", self.path, head + data, headers)
        response = connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - begin
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{response.status} {body[:500]!r}")
        return seconds, numpy.frombuffer(body[int(response.headers["Inference-Header-Content-Length"]) :], numpy.float32)

    def end(self):
        self.process.terminate()
        self.process.wait()


def session(onnx):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def timed(peer, x):
    begin = time.perf_counter()
    answer = peer.run(None, {"x": x})[0]
    return time.perf_counter() - begin, answer.ravel()


def check(ours, theirs):
    furthest = (numpy.abs(ours - theirs) / numpy.maximum(numpy.abs(theirs), 1)).max()
    if ours.shape != theirs.shape or furthest > TOLERANCE:
        raise RuntimeError(f"answers differ: {ours.shape}, {theirs.shape}, by {furthest}")


def measured(served, peer, n_rounds):
    """Medians in seconds of both, and of their ratio round by round."""
    x = numpy.random.default_rng(SEED + 1).standard_normal((N_ROWS, N_FEATURES), dtype=numpy.float32)
    check(served.ask(x)[1], timed(peer, x)[1])
    rounds = [(served.ask(x)[0], timed(peer, x)[0]) for _ in range(n_rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*rounds))
    return ours, theirs, statistics.median(ours / theirs for ours, theirs in rounds)


def main():
    args = arguments()
    args.folder.mkdir(parents=True, exist_ok=True)
    model, packed = args.folder / "trees.onnx", args.folder / "trees.wasm"
    if not model.exists():
        model.write_bytes(trained())
    subprocess.run([args.plinth, "pack", model, "-o", packed], check=True, stdout=subprocess.DEVNULL)
    served = Served(args.plinth, packed, args.folder / "serve.log")
    try:
        ours, theirs, ratio = measured(served, session(model.read_bytes()), args.rounds)
    finally:
        served.end()
    print("| | 10 000 rows in one call | file |\n| --- | ---: | ---: |")
    print(f"| packed, over HTTP | {ours * 1e3:.0f} ms | {packed.stat().st_size / 1e6:.1f} MB |")
    print(f"| ONNX Runtime {onnxruntime.__version__}, one thread | {theirs * 1e3:.0f} ms | {model.stat().st_size / 1e6:.1f} MB |")
    print(f"\nratio {ratio:.2f}, bar {BAR}: {'kept' if ratio <= BAR else 'missed'}")


if __name__ == "__main__":
    main()
