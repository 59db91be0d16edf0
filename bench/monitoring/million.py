"""How long the report of many captured rows takes behind the server, beside Evidently's report of the same rows.

Rows of 64 features and the probabilities of two classes, told to `evaluate` as `predict` tells them, and their labels; one window. Needs
`cargo xtask build` and the Python of `requirements-evidently.txt`:

    target/evidently-venv/bin/python bench/monitoring/million.py [--rows 1000000] [--without-evidently]
"""

import argparse
import base64
import http.client
import json
import socket
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
PLINTH = ROOT / "target/release/plinth"
N_FEATURES = 64
N_BASELINE = 20_000
ROWS_PER_REQUEST = 1000
N_REPORTS = 5
NEWEST = 1_790_000_000.0
SEED = 20261128
PATIENCE_S = 1800


def make(n_rows, seed):
    """Features, the probability of class 1, and labels that follow it."""
    random = np.random.default_rng([SEED, seed])
    features = random.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    probability = 1 / (1 + np.exp(-features[:, :8].sum(axis=1)))
    return features, probability.astype(np.float32), (random.random(n_rows) < probability).astype(int)


class Server:
    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [PLINTH, "serve", ROOT / "target/models/digits.wasm", "--capture-rate", "1.0"]
        command += ["--listen", f"127.0.0.1:{self.port}", "--state-dir", folder]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        while not self.is_ready():
            time.sleep(0.1)

    def is_ready(self):
        try:
            return self.ask("GET", "/v2/health/ready", is_json=False) is not None
        except OSError:
            return False

    def ask(self, method, path, body=None, is_json=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, path, body, {"content-type": "application/x-ndjson"} if body else {})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, (answer.status, content[:300])
        return json.loads(content) if is_json and content else content

    def resident_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.startswith("Vm")}
        return sizes["VmRSS"] / 1024, sizes["VmHWM"] / 1024


def frozen(folder):
    """The baseline."""
    features, probability, labels = make(N_BASELINE, 0)
    rows = folder / "baseline.jsonl"
    with rows.open("w") as file:
        for x, p, label in zip(features.tolist(), probability.tolist(), labels.tolist()):
            file.write(json.dumps({"X": x, "label": int(p > 0.5), "probabilities": [1 - p, p], "truth": label}) + "\n")
    named = ["--prediction", "label", "--label", "truth", "--probabilities", "probabilities", "--name", "digits"]
    output = folder / "baseline.json"
    subprocess.run([PLINTH, "evaluate", "baseline", "--data", rows, *named, "-o", output], check=True)
    return output.read_bytes()


def lines(part):
    """The rows of a request, and their labels."""
    features, probability, labels = make(ROWS_PER_REQUEST, 1 + part)
    rows, truths = [], []
    for place in range(ROWS_PER_REQUEST):
        key, p = part * ROWS_PER_REQUEST + place, float(probability[place])
        packed = base64.b64encode(features[place].tobytes()).decode()
        inputs = {"X": {"datatype": "FP32", "shape": [N_FEATURES], "b64": packed}}
        outputs = {"label": int(p > 0.5), "probabilities": [1 - p, p]}
        rows.append(json.dumps({"key": key, "time": NEWEST - key / 1000, "inputs": inputs, "outputs": outputs}))
        truths.append(json.dumps({"key": key, "label": int(labels[place])}))
    return "\n".join(rows), "\n".join(truths)


def send(server, part):
    rows, truths = lines(part)
    server.ask("POST", "/evaluate/predictions?model=digits", rows)
    server.ask("POST", "/evaluate/ground-truth?model=digits", truths)


def plinth(options, folder):
    server = Server(folder / "state")
    try:
        server.ask("PUT", "/evaluate/baseline?model=digits&window=10000d&retention=30000d", frozen(folder))
        print(f"the server's memory before: {server.resident_mib()[0]:.0f} MiB")
        started = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda part: send(server, part), range(options.rows // ROWS_PER_REQUEST)))
        print(f"sent in {time.perf_counter() - started:.1f} s", flush=True)
        while True:
            report = server.ask("GET", "/evaluate/report?model=digits")
            if report["current"]["account"]["matched"] == options.rows:
                break
        print(f"all counted after {time.perf_counter() - started:.1f} s", flush=True)
        durations = []
        for _ in range(N_REPORTS):
            before = time.perf_counter()
            page = server.ask("GET", "/evaluate/report?model=digits&format=html", is_json=False)
            durations.append(time.perf_counter() - before)
        assert page.lstrip().lower().startswith(b"<!doctype html"), page[:100]
        now, most = server.resident_mib()
        print(f"Plinth, report as a page ({len(page) / 1e3:.0f} kB): {statistics.median(durations):.3f} s (median of {N_REPORTS})")
        print(f"the server's memory: {now:.0f} MiB, at most {most:.0f} MiB")
    finally:
        server.process.terminate()
        server.process.wait()


def evidently(options):
    import pandas as pd
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset, DataDriftPreset

    names = [f"x{place}" for place in range(N_FEATURES)]

    def frame(parts):
        features, probability, labels = (np.concatenate(column) for column in zip(*parts))
        table = pd.DataFrame(features, columns=names)
        return table.assign(prediction=(probability > 0.5).astype(int), probability=probability, label=labels)

    classes = BinaryClassification(target="label", prediction_labels="prediction", prediction_probas="probability", pos_label=1)
    columns = DataDefinition(classification=[classes], numerical_columns=[*names, "probability"], categorical_columns=["label", "prediction"])
    current = frame([make(ROWS_PER_REQUEST, 1 + part) for part in range(options.rows // ROWS_PER_REQUEST)])
    reference = frame([make(N_BASELINE, 0)])
    before = time.perf_counter()
    data = [Dataset.from_pandas(it, data_definition=columns) for it in (current, reference)]
    Report([DataDriftPreset(), ClassificationPreset()]).run(*data).get_html_str(as_iframe=False)
    print(f"Evidently, report as a page: {time.perf_counter() - before:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help=f"a multiple of {ROWS_PER_REQUEST}")
    parser.add_argument("--without-evidently", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plinth(options, Path(folder))
    if not options.without_evidently:
        evidently(options)


if __name__ == "__main__":
    main()
