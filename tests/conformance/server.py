"""`plinth serve` with the models that the clients ask for. It is waited for by its banner, and ended by its id."""

import os
import subprocess
from pathlib import Path

from environments import ROOT

PLINTH = ROOT / "target/release/plinth"
LOG = ROOT / "target/conformance-server.log"
# The first one answers at the server's own routes too.
MODELS = [
    "tests/models/simple.onnx",
    "tests/models/identity-fp32.onnx",
    "tests/models/identity-fp16.onnx",
    "tests/models/identity-int64.onnx",
    "tests/models/identity-bytes.onnx",
    "tests/models/identity-bytes-element.onnx",
    "tests/models/identity-fp32-3d.onnx",
    "tests/models/identity-fp32-pairs.onnx",
    "tests/models/typed-contents.onnx",
    "target/models/digits.wasm",
]
MODEL_NAMES = sorted(Path(model).stem for model in MODELS)
BANNER = "Serving http://"
PATIENCE_S = 10


class Server:
    """The server, from `with` to the end of its block. `address` is `host:port`."""

    def __enter__(self):
        command = [PLINTH, "serve", *MODELS, "--listen", "127.0.0.1:0"]
        environment = os.environ | {"PLINTH_CACHE_DIR": os.environ.get("PLINTH_CACHE_DIR", str(ROOT / "target/compiled"))}
        with LOG.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8"
            )
        self.address = self._read_address()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def has_ended(self):
        return self.process.poll() is not None

    def _read_address(self):
        for line in self.process.stdout:
            if line.startswith(BANNER):
                return line.removeprefix(BANNER).strip()
        raise RuntimeError(f"`plinth serve` ended with {self.process.wait()}:\n{LOG.read_text('utf-8', 'replace')}")
