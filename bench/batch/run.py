"""Wall time and memory of Plinth and its peers for one table and one model, in one run.

Each program reads the same Parquet files, predicts every row, and writes key and `y` as Parquet with zstd. They take turns, round by
round, so that what disturbs the machine disturbs all. Start-up counts. A program's memory is that of all its processes, shared pages
divided among those that share them (Pss), looked at ten times a second. Every output is compared with the first: the same keys, each
once, and values within 1e-4. It builds nothing: `cargo xtask build` and `bench/batch/requirements.txt` in a virtual environment come first.

Run: `target/bench-batch-venv/bin/python bench/batch/run.py FOLDER [--rounds 3] [--only NAME]...`, FOLDER as `make.py` writes it.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLINTH = ROOT / "target/release/plinth"
REFERENCE = "ONNX Runtime + pyarrow, 2 processes"
TIMEOUT_S = 600
WATCH_S = 0.1
TOLERANCE = 1e-4


def plinth(folder, output):
    """Our own command, as the README has it."""
    model, rows = folder / "mlp.wasm", folder / "rows"
    return [PLINTH, "batch", "run", "--model", model, "--input", rows, "--output", output, "--key", "key"]


def peer(name):
    def command(folder, output):
        return [sys.executable, HERE / "peers" / name, folder / "mlp.onnx", folder / "rows", output]

    return command


PROGRAMS = {
    REFERENCE: (peer("onnxruntime_loop.py"), ""),
    "Plinth": (plinth, "data"),
    "Daft": (peer("daft_udf.py"), ""),
    "Spark, mapInPandas": (peer("spark.py"), ""),
    "Ray Data": (peer("ray_data.py"), ""),
}


class Watch(threading.Thread):
    """The most memory that a process and its descendants have, in bytes."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.is_over = pid, 0, threading.Event()

    def run(self):
        while not self.is_over.wait(WATCH_S):
            self.peak = max(self.peak, sum(map(_pss, _descendants(self.pid))))


def _descendants(pid):
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += [child for child, parent in parents.items() if parent == found[-1]]
    return found


def _pss(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def measure(command):
    """Seconds and peak bytes of one run."""
    environment = os.environ | {"DAFT_PROGRESS_BAR": "0", "PLINTH_CACHE_DIR": str(ROOT / "target/compiled")}
    start = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    watch = Watch(process.pid)
    watch.start()
    try:
        _, errors = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise SystemExit(f"{command[0]}: not done after {TIMEOUT_S} s") from None
    seconds = time.monotonic() - start
    watch.is_over.set()
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}:\n{errors[-2000:]}")
    return seconds, watch.peak


def answers(folder):
    """Values by key, checked: every key once."""
    table = pa.dataset.dataset(folder, format="parquet").to_table(columns=["key", "y"])
    keys, values = table["key"].to_numpy(), table["y"].to_numpy()
    order = np.argsort(keys)
    keys = keys[order]
    if (np.diff(keys) == 0).any():
        raise SystemExit(f"{folder}: a key is there twice")
    return keys, values[order]


def check(name, found, expected):
    if not np.array_equal(found[0], expected[0]):
        raise SystemExit(f"{name}: other keys than {REFERENCE}")
    difference = float(np.abs(found[1] - expected[1]).max())
    if not difference <= TOLERANCE:
        raise SystemExit(f"{name}: a value differs by {difference}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=PROGRAMS, help="run these beside the reference")
    options = parser.parse_args()
    names = [name for name in PROGRAMS if not options.only or name in (REFERENCE, *options.only)]
    subprocess.run([PLINTH, "pack", options.folder / "mlp.onnx", "-o", options.folder / "mlp.wasm"], check=True)
    output = options.folder / "output"
    expected, figures = None, {name: [] for name in names}
    for round_idx in range(options.rounds):
        for name in names:
            command, data = PROGRAMS[name]
            shutil.rmtree(output, ignore_errors=True)
            figures[name].append(measure(command(options.folder, output)))
            found = answers(output / data)
            expected = expected or found
            check(name, found, expected)
            print(f"round {round_idx + 1}, {name}: {figures[name][-1][0]:.1f} s", file=sys.stderr, flush=True)
    report(figures, len(expected[0]))


def report(figures, n_rows):
    reference = statistics.median(seconds for seconds, _ in figures[REFERENCE])
    print(f"{n_rows:,} rows, {os.cpu_count()} processors, {platform.machine()}\n")
    print("| program | seconds (least-most) | rows/s | of the loop's time | peak memory |\n|---|---|---|---|---|")
    for name, runs in figures.items():
        times = [seconds for seconds, _ in runs]
        middle = statistics.median(times)
        peak = max(peak for _, peak in runs) / 2**20
        print(
            f"| {name} | {middle:.1f} ({min(times):.1f}-{max(times):.1f}) | {n_rows / middle:,.0f} "
            f"| {middle / reference:.2f} | {peak:.0f} MiB |"
        )


if __name__ == "__main__":
    main()
