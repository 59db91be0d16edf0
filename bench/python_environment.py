"""Makes the Python environment of the benchmarks in `target/bench-venv` and prints the path of its Python.

It installs what `bench/requirements.txt` pins and nothing else, and does nothing if that has not changed.
Run: `python3 bench/python_environment.py`.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "bench/requirements.txt"
FOLDER = ROOT / "target/bench-venv"


def python():
    """The environment's Python; the environment is made or renewed first where needed."""
    program, stamp = FOLDER / "bin/python", FOLDER / "requirements.stamp"
    wanted = f"{sys.version}\n{REQUIREMENTS.read_text('utf-8')}"
    if program.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return program
    venv.create(FOLDER, clear=True, with_pip=True)
    pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]
    subprocess.run(pip, check=True, stdout=sys.stderr)
    stamp.write_text(wanted, "utf-8")
    return program


if __name__ == "__main__":
    print(python())
