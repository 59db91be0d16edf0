"""Makes the Python environments of the clients below `target/`. What they are asked to do is in `run.py`.

One for each set of clients that wants versions of its own of what it depends on. Each installs what its requirements pin and
nothing else, and does nothing if those have not changed. The store of `tests/batch/s3.py` has one too, PostgreSQL for the tests of
`crates/databases`, the node tests of ONNX, the sentence embedding, and the libraries whose classic models are exported.
Run: `python3 tests/conformance/environments.py` for those of the clients, with `classic`, `moto`, `node-tests`, `postgresql` or
`sentences` for one of the others.
"""

import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its folder, and the file with its pins."""

    folder: Path
    requirements: Path

    def program(self, name):
        """The path of a program that is installed here."""
        return self.folder / "bin" / name

    def version(self, package):
        """The version that the requirements pin."""
        pin = re.search(rf"^{re.escape(package)}(\[.*\])?==(\S+)", self.requirements.read_text("utf-8"), re.MULTILINE)
        return pin.group(2)

    def make(self):
        """Makes or renews the environment if it is not what the requirements say."""
        stamp = self.folder / "requirements.stamp"
        wanted = f"{sys.version}\n{self.requirements.read_text('utf-8')}"
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return
        venv.create(self.folder, clear=True, with_pip=True)
        pip = [self.program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The pins are complete, so what packages say of each other's versions is not asked.
        subprocess.run([*pip, "--no-deps", "-r", self.requirements], check=True, stdout=sys.stderr)
        stamp.write_text(wanted, "utf-8")


CLIENTS = Environment(ROOT / "target/conformance-venv", HERE / "requirements.txt")
MLSERVER = Environment(ROOT / "target/conformance-mlserver-venv", HERE / "requirements-mlserver.txt")
SCHEMATHESIS = Environment(ROOT / "target/conformance-schemathesis-venv", HERE / "requirements-schemathesis.txt")

MOTO = Environment(ROOT / "target/moto-venv", HERE.parent / "batch/requirements-s3.txt")

POSTGRESQL = Environment(ROOT / "target/postgresql-venv", ROOT / "crates/databases/tests/postgres/requirements.txt")

NODE_TESTS = Environment(ROOT / "target/node-tests-venv", HERE.parent / "node-tests/requirements.txt")

SENTENCES = Environment(ROOT / "target/sentences-venv", HERE.parent / "sentences/requirements.txt")

CLASSIC = Environment(ROOT / "target/classic-venv", ROOT / "crates/onnx-ml/golden/requirements.txt")


OTHERS = {"classic": CLASSIC, "moto": MOTO, "node-tests": NODE_TESTS, "postgresql": POSTGRESQL, "sentences": SENTENCES}


if __name__ == "__main__":
    for environment in [OTHERS[name] for name in sys.argv[1:]] or (CLIENTS, MLSERVER, SCHEMATHESIS):
        environment.make()
