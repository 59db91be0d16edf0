"""Shows on the running demo how a model that goes bad is found out: rows of digits, then blurred ones, labels that come late, an alarm, and the
webhook that it sends. Needs Python and nothing else. It is no test (that is `tests/suite/evaluate_server.rs`) and makes no model.

    SPIN_VARIABLE_PLINTH_WEBHOOK_URL=http://127.0.0.1:3001/retrain cargo xtask up &
    python3 models/digits/live.py
"""

import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLINTH = ROOT / "target/release/plinth"
SERVER = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
WEBHOOK = ("127.0.0.1", 3001)
PATIENCE_S = 60

arrived = threading.Event()


class Receiver(http.server.BaseHTTPRequestHandler):
    """Who would start the retraining."""

    def do_POST(self):
        event = json.loads(self.body())
        self.send_response(204)
        self.end_headers()
        print(f"webhook: {event['type']}: {event['subject']}: {event['data']['text']}", flush=True)
        arrived.set()

    def body(self):
        """All of it, whether its length is told before or in pieces."""
        if "content-length" in self.headers:
            return self.rfile.read(int(self.headers["content-length"]))
        pieces = []
        while length := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def log_message(self, *_):
        pass


def ask(method, path, body=None):
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        return json.loads(response.read())


def blurred(pixels):
    """Each pixel the mean of itself and its neighbours."""
    near = lambda at: range(max(at - 1, 0), min(at + 1, 7) + 1)
    cells = ([pixels[8 * y + x] for y in near(place // 8) for x in near(place % 8)] for place in range(64))
    return [sum(cell) / len(cell) for cell in cells]


def baseline(rows):
    """What the model says of rows of which the truth is known, frozen."""
    with tempfile.TemporaryDirectory() as folder:
        known, predicted, frozen = (f"{folder}/{name}" for name in ("known.jsonl", "predicted", "baseline.json"))
        pathlib.Path(known).write_text("".join(json.dumps(row) + "\n" for row in rows))
        batch = ["batch", "run", "--model", ROOT / "target/models/digits.wasm", "--input", known, "--key", "key"]
        run(*batch, "--select", "X", "--keep", "X,truth", "--output", predicted, "--output-format", "parquet")
        named = ["--prediction", "label", "--label", "truth", "--probabilities", "probabilities", "--key", "key"]
        run("evaluate", "baseline", "--data", f"{predicted}/data/*.parquet", *named, "--name", "digits", "-o", frozen)
        return pathlib.Path(frozen).read_bytes()


def run(*arguments):
    subprocess.run([PLINTH, *arguments], check=True, capture_output=True, cwd=ROOT)


def live(name, rows, change):
    """Predicts rows, and tells what they truly are once all are predicted."""
    instances = [{"key": f"{name} {row['key']}", "X": change(row["X"])} for row in rows]
    for start in range(0, len(instances), 50):
        part = {"instances": instances[start:start + 50], "client": "shop"}
        ask("POST", "/v1/models/digits:predict", part)
    labels = [{"key": it["key"], "client": "shop", "label": row["truth"]} for it, row in zip(instances, rows)]
    ask("POST", "/evaluate/ground-truth?model=digits", labels)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        report = ask("GET", "/evaluate/report?model=digits")["current"]
        if report["account"]["pending"] == 0 and report["account"]["orphan"] == 0:
            break
        assert time.monotonic() < deadline, report["account"]
        time.sleep(0.2)
    accuracy = next(it for it in report["metrics"] if it["name"] == "accuracy")["estimate"]
    print(f"{name}: {report['account']['matched']} rows with labels so far, accuracy {accuracy['value']:.3f}", flush=True)


def main():
    receiver = http.server.ThreadingHTTPServer(WEBHOOK, Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    held_out = json.loads((ROOT / "models/digits/reference/heldout.json").read_text())
    columns = zip(held_out["key"], held_out["X"], held_out["label"])
    rows = [{"key": key, "X": pixels, "truth": truth} for key, pixels, truth in columns]
    ask("PUT", "/evaluate/baseline?model=digits&window=1d", baseline(rows))
    live("sharp", rows, list)
    live("blurred", rows, lambda pixels: blurred(blurred(pixels)))
    assert arrived.wait(PATIENCE_S), "no webhook has come: was the demo told where to send it?"
    print(f"report: {SERVER}/evaluate/report?model=digits&format=html")


if __name__ == "__main__":
    main()
