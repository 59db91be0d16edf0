"""Batch jobs for engines to run: the digits with the labels that ONNX Runtime gave, planned in chunks, and what must be there in the end.

The same job run by `plinth batch run` says what each file holds; that its labels are right is compared with ONNX Runtime's.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from environments import ROOT

PLINTH = ROOT / "target/release/plinth"
CACHE = os.environ.get("PLINTH_CACHE_DIR", str(ROOT / "target/compiled"))
ENVIRONMENT = os.environ | {"PLINTH_CACHE_DIR": CACHE}
PIXELS = 64
N_FILES = 6
ROWS_PER_FILE = 400
CHUNKS_PER_FILE = 4
N_CHUNKS = N_FILES * CHUNKS_PER_FILE
# Its rows are ONNX Runtime's but for one in each file that has too few pixels.
BAD_ROW = 7


class Job:
    """A data set in a folder of its own, and a place for its predictions."""

    def __init__(self, folder):
        self.input = folder / "rows"
        self.output = folder / "out"
        self.input.mkdir(parents=True)
        self.labels = dict(_write_rows(self.input))

    def plan(self):
        said = plinth("batch", "plan", *self._arguments(), "--output", self.output).stdout
        assert f"planned  {N_CHUNKS} chunks at " in said, said
        assert not (self.output / "data").exists()

    def run_elsewhere(self):
        """What `plinth batch run` makes of it."""
        reference = self.output.with_name("reference")
        plinth("batch", "run", *self._arguments(), "--output", reference)
        return reference

    def change(self, file):
        """Changes a file, though not its rows."""
        with (self.input / f"rows-{file}.jsonl").open("ab") as rows:
            rows.write(b"\n")

    def commits(self):
        """The attempt that counts, for each chunk that has one."""
        commits = (self.output / "_plinth/commits").glob("*.json")
        return {int(commit.stem): json.loads(commit.read_text("utf-8"))["attempt"] for commit in commits}

    def check_output(self, reference):
        """All is there, once, to the byte."""
        for folder in ["data", "errors"]:
            assert _content(self.output / folder) == _content(reference / folder), folder
        assert (self.output / "manifest.json").read_bytes() == (reference / "manifest.json").read_bytes()
        assert (self.output / "_SUCCESS").exists()
        assert sorted(self.commits()) == list(range(N_CHUNKS))
        rows = [json.loads(line) for part in _content(self.output / "data").values() for line in part.splitlines()]
        assert len(rows) == len(self.labels), "a row is missing, or there twice"
        assert {row["key"]: row["label"] for row in rows} == self.labels, "not what ONNX Runtime says"
        status = json.loads(plinth("batch", "status", self.output, "--json").stdout)
        assert (status["state"], status["chunks_done"]) == ("succeeded", N_CHUNKS), status

    def check_unpublished(self):
        visible = sorted(path.name for path in self.output.iterdir())
        assert visible == ["_plinth"], visible

    def _arguments(self):
        model = ROOT / "target/models/digits.wasm"
        chunk_rows = ROWS_PER_FILE // CHUNKS_PER_FILE
        return ["--model", model, "--input", self.input, "--key", "key", "--select", "X", "--chunk-rows", str(chunk_rows)]


def run_cases(cases):
    """Runs each in an empty folder of its own; the first that fails ends all."""
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            case(Path(folder))
        print(f"ok {case.__name__}", flush=True)
    print(f"{len(cases)} passed, 0 failed")


def plinth(*arguments, code=0):
    """Runs the command, which must end with this exit code."""
    ended = subprocess.run([PLINTH, *arguments], env=ENVIRONMENT, capture_output=True, text=True, encoding="utf-8")
    assert ended.returncode == code, f"{arguments}: {ended.returncode}: {ended.stderr}"
    return ended


def _write_rows(folder):
    """Writes the files; gives each good row's key and label."""
    pixels, labels = _tensor("inputs", "X"), _tensor("outputs", "label")
    for file in range(N_FILES):
        with (folder / f"rows-{file}.jsonl").open("w", encoding="utf-8") as rows:
            for number in range(ROWS_PER_FILE):
                sample = number % len(labels)
                key, x = f"{file}-{number}", pixels[sample * PIXELS : (sample + 1) * PIXELS]
                is_bad = number == BAD_ROW
                print(json.dumps({"key": key, "X": x[1:] if is_bad else x}), file=rows)
                if not is_bad:
                    yield key, labels[sample]


def _tensor(file, name):
    reference = json.loads((ROOT / f"models/digits/reference/{file}.json").read_text("utf-8"))
    return next(tensor["data"] for tensor in reference[file] if tensor["name"] == name)


def _content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
