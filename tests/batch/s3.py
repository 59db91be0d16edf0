"""Runs `plinth batch` and `plinth sql` against an S3-compatible server that we did not write: conditional creates, several drivers,
kills, parts in pieces, a server that fails now and then.

Labels expected are ONNX Runtime's, from `models/digits/reference/`. The server lives in this process, on 127.0.0.1, and answers one
request after the other, so that a conditional create is what it says.

Run: `python3 tests/conformance/environments.py moto`, then `target/moto-venv/bin/python tests/batch/s3.py` after a build.
"""

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLINTH = ROOT / "target/release/plinth"
MODEL = "target/models/digits.wasm"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
N_COPIES = 19
N_KILLS = 6
SECONDS = 300


class Silent(WSGIRequestHandler):
    """Writes no log."""

    def log(self, *_):
        pass


class Server:
    """The store, and what it was asked."""

    def __init__(self):
        self.app = DomainDispatcherApplication(create_backend_app)
        self.changed = threading.Condition()
        self.requests = []
        self.fault = lambda number: None
        self.http = make_server("127.0.0.1", 0, self.answer, threaded=True, request_handler=Silent)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, environ, start_response):
        """One request at a time. A fault comes before or after the request is done."""
        with self.changed:
            self.changed.notify_all()
            query = environ["QUERY_STRING"]
            self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], query, environ.get("HTTP_IF_NONE_MATCH")))
            fault = self.fault(len(self.requests))
            if fault == "before":
                return unavailable(start_response)
            body = list(self.app(environ, (lambda *_: None) if fault == "after" else start_response))
            return unavailable(start_response) if fault == "after" else body

    def seen(self, method, part, query=""):
        """The requests with this method whose path and query contain these."""
        with self.changed:
            return [it for it in self.requests if it[0] == method and part in it[1] and query in it[2]]

    def wait_for(self, n_requests, method, part, process):
        """Waits until there have been so many of these requests, or the process has ended."""
        while len(self.seen(method, part)) < n_requests and process.poll() is None:
            with self.changed:
                self.changed.wait(0.05)


def unavailable(start_response):
    start_response("503 Service Unavailable", [("content-type", "text/plain")])
    return [b"not now"]


def reference(name, kind, tensor):
    read = json.loads((ROOT / "models/digits/reference" / name).read_text("utf-8"))
    return next(it["data"] for it in read[kind] if it["name"] == tensor)


def digits(n_rows):
    """Rows as JSON lines, and the label of each key."""
    pixels, labels = reference("inputs.json", "inputs", "X"), reference("outputs.json", "outputs", "label")
    rows, expected = [], {}
    for idx in range(n_rows):
        row = idx % len(labels)
        rows.append({"key": f"k{idx}", "X": pixels[row * 64 : row * 64 + 64]})
        expected[f"k{idx}"] = labels[row]
    return rows, expected


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


class Bench:
    """The store with a bucket of inputs and one of outputs, and the program beside it."""

    def __init__(self):
        self.server = Server()
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.server.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=CREDENTIALS["AWS_REGION"],
        )
        for bucket in ("inputs", "outputs"):
            self.s3.create_bucket(Bucket=bucket)

    def put(self, key, content):
        self.s3.put_object(Bucket="inputs", Key=key, Body=content)

    def start(self, *arguments):
        others = {"AWS_ENDPOINT_URL": self.server.url, "PLINTH_CACHE_DIR": str(ROOT / "target/compiled")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.Popen(
            [PLINTH, *arguments],
            cwd=ROOT,
            env=kept | CREDENTIALS | others,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, code=0):
        """Runs the program to its end; gives what it printed."""
        return self.end(self.start(*arguments), code)

    def end(self, process, code=0):
        try:
            printed, said = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode == code, f"expected exit code {code}, found {process.returncode}: {said}"
        return printed

    def job(self, source, output, *more):
        select = () if "--exclude" in more else ("--select", "X")
        paths = ("--input", f"s3://inputs/{source}", "--output", f"s3://outputs/{output}")
        return ("batch", "run", "--model", MODEL, "--key", "key", *select, *paths, *more)

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="outputs", Prefix=prefix)
        return [it["Key"] for page in pages for it in page.get("Contents", [])]

    def read(self, key):
        return self.s3.get_object(Bucket="outputs", Key=key)["Body"].read()

    def rows(self, output):
        """The rows of all parts, in order."""
        parts = sorted(self.keys(f"{output}/data/"))
        return [json.loads(line) for part in parts for line in self.read(part).splitlines()]

    def check(self, output, expected):
        """Each key once, with the label of ONNX Runtime, and nothing left of attempts."""
        rows = self.rows(output)
        assert len(rows) == len(expected), f"expected {len(expected)} rows, found {len(rows)}"
        assert {row["key"]: row["label"] for row in rows} == expected, "a label is not that of ONNX Runtime"
        keys = self.keys(f"{output}/")
        assert f"{output}/_SUCCESS" in keys and f"{output}/manifest.json" in keys
        left = [key for key in keys if "/attempts/" in key]
        assert not left, f"attempts are left: {left}"


def the_server_creates_only_what_is_not_there(bench):
    """What follows means something only if the server keeps to this."""
    bench.s3.put_object(Bucket="outputs", Key="once", Body=b"1", IfNoneMatch="*")
    try:
        bench.s3.put_object(Bucket="outputs", Key="once", Body=b"2", IfNoneMatch="*")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "PreconditionFailed", error
    assert bench.read("once") == b"1"


def files_in_every_format_are_read(bench):
    labels = reference("outputs.json", "outputs", "label")
    expected = {f"row {idx:02}": label for idx, label in enumerate(labels)}
    for file in sorted((HERE / "rows").iterdir()):
        bench.put(f"formats/{file.name}", file.read_bytes())
        more = ("--exclude", "note,fold", "--output-format", "jsonl", "--chunk-rows", "8")
        bench.run(*bench.job(f"formats/{file.name}", f"of-{file.name}", *more))
        bench.check(f"of-{file.name}", expected)


def folders_and_patterns_choose_files(bench):
    rows, expected = digits(30)
    for fold in range(3):
        bench.put(f"folds/fold={fold}/rows.jsonl", lines(rows[fold * 10 : fold * 10 + 10]))
    bench.run(*bench.job("folds/fold=[02]/*.jsonl", "folds", "--keep", "fold"))
    bench.check("folds", {key: label for key, label in expected.items() if not 10 <= int(key[1:]) < 20})
    assert [row["fold"] for row in bench.rows("folds")] == ["0"] * 10 + ["2"] * 10


def a_commit_is_created_once(bench):
    rows, expected = digits(64)
    bench.put("commits.jsonl", lines(rows))
    bench.run(*bench.job("commits.jsonl", "commits", "--chunk-rows", "8"))
    bench.check("commits", expected)
    created = bench.server.seen("PUT", "/outputs/commits/_plinth/commits/")
    assert len(created) == 8, created
    assert all(condition == "*" for *_, condition in created), created


def two_drivers_share_a_job(bench):
    rows, expected = digits(32 * N_COPIES)
    bench.put("shared.jsonl", lines(rows))
    job = bench.job("shared.jsonl", "shared", "--chunk-rows", "20", "--concurrency", "2")
    drivers = [bench.start(*job) for _ in range(2)]
    for driver in drivers:
        bench.end(driver)
    bench.check("shared", expected)


def a_killed_driver_loses_nothing(bench):
    rows, expected = digits(32 * N_COPIES)
    bench.put("killed.jsonl", lines(rows))
    n_chunks, n_killed = -(-len(rows) // 20), 0
    for kill in range(N_KILLS):
        output = f"killed-{kill}"
        driver = bench.start(*bench.job("killed.jsonl", output, "--chunk-rows", "20", "--concurrency", "2"))
        moment = random.Random(kill).randrange(n_chunks)
        bench.server.wait_for(1, "PUT", f"/{output}/_plinth/job.json", driver)
        bench.server.wait_for(moment, "PUT", f"/{output}/_plinth/commits/", driver)
        driver.kill()
        driver.communicate()
        n_killed += driver.returncode < 0
        bench.run("batch", "resume", f"s3://outputs/{output}")
        bench.check(output, expected)
    assert n_killed > N_KILLS // 2, f"only {n_killed} drivers were killed before they ended"


def a_long_part_is_sent_in_pieces(bench):
    rows, expected = digits(3000)
    text = random.Random(1)
    for row in rows:
        row["text"] = "".join(text.choices("abcdefghijklmnop", k=6000))
    bench.put("long.jsonl", lines(rows))
    bench.run(*bench.job("long.jsonl", "long", "--keep", "text"))
    bench.check("long", expected)
    assert all(found["text"] == row["text"] for found, row in zip(bench.rows("long"), rows))
    pieces = bench.server.seen("PUT", "/outputs/long/_plinth/attempts/", "partNumber=")
    assert len(pieces) >= 3, f"{len(pieces)} pieces"
    assert not bench.s3.list_multipart_uploads(Bucket="outputs").get("Uploads"), "an upload was not ended"


def a_server_that_fails_now_and_then_loses_nothing(bench):
    rows, expected = digits(320)
    bench.put("unlucky.jsonl", lines(rows))
    chance = random.Random(7)
    bench.server.fault = lambda _: chance.choices(("before", "after", None), (1, 1, 8))[0]
    try:
        bench.run(*bench.job("unlucky.jsonl", "unlucky", "--chunk-rows", "20"))
    finally:
        bench.server.fault = lambda _: None
    bench.check("unlucky", expected)


def another_job_may_not_write_here(bench):
    bench.run(*bench.job("commits.jsonl", "commits", "--chunk-rows", "16"), code=2)


def a_query_reads_files_of_a_bucket(bench):
    columns = ", ".join(f"p{idx}" for idx in range(64))
    query = f"SELECT predict('{MODEL}', {columns})['label'] AS label, count(*) AS n FROM 's3://inputs/formats/rows.parquet' GROUP BY 1"
    printed = bench.run("sql", query)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line.startswith("|")]
    labels = reference("outputs.json", "outputs", "label")
    assert {int(label): int(n) for label, n in cells[1:]} == {label: labels.count(label) for label in labels}, printed


CASES = (
    the_server_creates_only_what_is_not_there,
    files_in_every_format_are_read,
    folders_and_patterns_choose_files,
    a_commit_is_created_once,
    another_job_may_not_write_here,
    two_drivers_share_a_job,
    a_killed_driver_loses_nothing,
    a_long_part_is_sent_in_pieces,
    a_server_that_fails_now_and_then_loses_nothing,
    a_query_reads_files_of_a_bucket,
)


def main():
    bench = Bench()
    for case in CASES:
        print(case.__name__.replace("_", " "), flush=True)
        case(bench)
    bench.server.http.shutdown()
    print(f"{len(CASES)} cases passed")


if __name__ == "__main__":
    sys.exit(main())
