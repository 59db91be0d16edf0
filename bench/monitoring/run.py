"""How soon Plinth, Evidently and NannyML, at their defaults, see a change, and how often one that is not there.

All look at the same streams of `streams.py`; Evidently and NannyML cannot be installed together. It prints the table of
`docs/evaluation.md`; the numbers are the same in every run.

    cargo build --release -p metrics --example detection_delay
    for peer in evidently nannyml; do
      python3.11 -m venv target/$peer-venv
      target/$peer-venv/bin/pip install -r bench/monitoring/requirements-$peer.txt
    done
    python3 bench/monitoring/run.py

`--target`, `--evidently` and `--nannyml` say where the built example and the two Pythons are, if elsewhere.
"""

import argparse
import collections
import csv
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_S = 1800
CHANGE = 2_000
KINDS = {
    "none": "nothing",
    "covariate-0.25": "covariate shift, weak",
    "covariate-0.75": "covariate shift, strong",
    "label": "label shift",
    "concept": "concept drift",
}
# Neither tool is to call home, and each is one of several processes.
QUIET = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}
ENVIRONMENT = {**QUIET, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=50, help="of each kind")
    parser.add_argument("--folder", type=Path, default=ROOT / "target/detection-delay", help="of the streams")
    parser.add_argument("--target", type=Path, default=ROOT / "target", help="where Cargo builds")
    parser.add_argument("--evidently", type=Path, default=ROOT / "target/evidently-venv/bin/python")
    parser.add_argument("--nannyml", type=Path, default=ROOT / "target/nannyml-venv/bin/python")
    return parser.parse_args()


def output(command):
    try:
        done = subprocess.run(
            list(map(str, command)),
            check=False,
            env=os.environ | ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{command[0]}: not done after {TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done


def alarms(options):
    """The rows of the first alarms by name and kind, `None` where there was none."""
    half = options.streams // 2
    programs = [
        [options.evidently, HERE / "evidently_alarms.py", options.folder, 1, half],
        [options.evidently, HERE / "evidently_alarms.py", options.folder, half + 1, options.streams],
        [options.nannyml, HERE / "nannyml_alarms.py", options.folder, 1, options.streams],
        [options.target / "release/examples/detection_delay", options.folder, 1, options.streams],
    ]
    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(output, programs))
    found = collections.defaultdict(list)
    # Ours come first.
    for done in reversed(outputs):
        for name, kind, _, row in csv.reader(done.stdout.splitlines(), delimiter="\t"):
            found[name, kind].append(int(row) if row else None)
    wrong = {key: len(rows) for key, rows in found.items() if len(rows) != options.streams}
    if wrong:
        raise SystemExit(f"not {options.streams} streams: {wrong}")
    return found


def percent(part, whole):
    return f"{100 * part / whole:.0f} %"


def quantile(delays, share):
    """The smallest delay that at least this share of them does not exceed."""
    return sorted(delays)[math.ceil(share * len(delays)) - 1]


def cell(rows):
    """Of the streams without a false alarm before the change, how many alarmed after it, and how soon."""
    quiet = [row for row in rows if row is None or row > CHANGE]
    delays = [row - CHANGE for row in quiet if row is not None]
    if not quiet:
        return "–"
    if not delays:
        return "0 %"
    return f"{percent(len(delays), len(quiet))}: {quantile(delays, 0.5)} ({quantile(delays, 0.9)})"


def table(found):
    yield ["", "before", *KINDS.values()]
    yield ["---"] * (2 + len(KINDS))
    for name in dict.fromkeys(name for name, _ in found):
        before = [row for row in found[name, "none"] if row is not None and row <= CHANGE]
        yield [name, percent(len(before), len(found[name, "none"])), *(cell(found[name, kind]) for kind in KINDS)]


def main():
    options = arguments()
    print(output([options.evidently, HERE / "streams.py", options.folder, options.streams]).stderr, file=sys.stderr)
    for cells in table(alarms(options)):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
