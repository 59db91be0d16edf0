"""`mlserver infer`: a batch driver that reads requests from a file, a line each, merges some into one, and writes the answers.

It runs as a program of its own, in an environment of its own.
"""

import json
import subprocess
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

import tensors
from environments import MLSERVER
from suite import Suite
from tensors import check_array, check_equal

PATIENCE_S = 120
N_LINES = 10
BATCH_SIZE = 4


class Driver:
    """The program, with an address to send to."""

    def __init__(self, address):
        self.address = address

    def run(self, model, requests, *options):
        """The lines that it writes for these requests, by the position of the request that each answers."""
        with tempfile.TemporaryDirectory() as folder:
            sent, received = Path(folder) / "requests.jsonl", Path(folder) / "responses.jsonl"
            sent.write_text("".join(f"{json.dumps(request)}\n" for request in requests), "utf-8")
            files = ["--input-data-path", sent, "--output-data-path", received]
            self._run_program("--model-name", model, *files, *options)
            answers = [json.loads(line) for line in received.read_text("utf-8").splitlines()]
        return {answer["parameters"]["batch_index"]: answer for answer in answers}

    def _run_program(self, *arguments):
        command = [MLSERVER.program("mlserver"), "infer", "--url", self.address, "--retries", "1", *arguments]
        command += ["--batch-size", str(BATCH_SIZE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-200:]}"


@asynccontextmanager
async def _open(address):
    yield Driver(address)


SUITE = Suite("mlserver infer", f"mlserver {MLSERVER.version('mlserver')}", _open)


def _request(idx, width=16):
    """One row for `simple`, with an id."""
    arrays = [array[:, :width] + idx for array in tensors.simple_inputs(1)]
    inputs = [
        {"name": f"INPUT{side}", "shape": [1, width], "datatype": "INT32", "data": array.flatten().tolist()}
        for side, array in enumerate(arrays)
    ]
    return {"id": f"line-{idx}", "inputs": inputs}


def _check_answer(answer, idx):
    check_equal(answer["id"], f"line-{idx}", "id")
    found = {
        output["name"]: np.array(output["data"], dtype=np.int32).reshape(output["shape"]) for output in answer["outputs"]
    }
    first, second = (array + idx for array in tensors.simple_inputs(1))
    for side, expected in enumerate(tensors.simple_outputs(first, second)):
        check_array(found[f"OUTPUT{side}"], expected)


def _check_batch(driver, *options):
    answers = driver.run("simple", [_request(idx) for idx in range(N_LINES)], *options)
    check_equal(sorted(answers), list(range(N_LINES)), "lines answered")
    for idx, answer in answers.items():
        _check_answer(answer, idx)


@SUITE.case("batch-json")
def _(driver):
    _check_batch(driver)


@SUITE.case("batch-binary")
def _(driver):
    _check_batch(driver, "--binary-data")


@SUITE.case("batch-error")
def _(driver):
    answers = driver.run("simple", [_request(idx, width=8) for idx in range(BATCH_SIZE)])
    for answer in answers.values():
        assert "INPUT0" in answer["error"]["msg"], f"found {answer['error']}"
