"""schemathesis: requests made from a model's own OpenAPI document, right ones and wrong ones, and what the document says of the answers.

It runs as a program of its own, in an environment of its own, the same requests every time. What it checks: no 5xx, no status and
no content type that the document does not have, answers that fit their schema, requests refused that do not. `schemathesis.toml`
says what a schema cannot.
"""

import subprocess
import tempfile
from contextlib import asynccontextmanager

from environments import HERE, SCHEMATHESIS
from suite import Suite

PATIENCE_S = 300
N_EXAMPLES = 50


class Program:
    """The program, with an address to send to."""

    def __init__(self, address):
        self.address = address

    def check(self, model):
        """Every route of one model's document."""
        command = [SCHEMATHESIS.program("schemathesis"), "--config-file", HERE / "schemathesis.toml", "run"]
        command += [f"http://{self.address}/v2/models/{model}/openapi.json", "--generation-deterministic"]
        command += ["--max-examples", str(N_EXAMPLES), "--phases", "examples,coverage,fuzzing"]
        # It leaves a folder of its own where it runs.
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
        assert done.returncode == 0, f"ended with {done.returncode}: {_failures(done.stdout)}"


def _failures(output):
    lines = [line.strip() for line in output.splitlines()]
    return "; ".join(line for line in lines if line.startswith(("- ST", "Invalid component", "[", "`{")))


@asynccontextmanager
async def _open(address):
    yield Program(address)


SUITE = Suite("schemathesis", f"schemathesis {SCHEMATHESIS.version('schemathesis')}", _open)


@SUITE.case("openapi-digits")
def _(program):
    program.check("digits")


@SUITE.case("openapi-two-inputs")
def _(program):
    program.check("simple")


@SUITE.case("openapi-strings")
def _(program):
    program.check("identity-bytes")


@SUITE.case("openapi-binary-only")
def _(program):
    program.check("identity-fp16")
