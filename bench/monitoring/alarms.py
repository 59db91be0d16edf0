"""When a tool of windows alarms: at the end of the first window that raised the alarm. Not a tool itself."""

import argparse
from pathlib import Path

import pandas as pd
import streams

FEATURES = [f"feature_{index}" for index in range(streams.N_FEATURES)]
INPUTS = [*FEATURES, "probability"]
NUMBERS = [*INPUTS, "label"]


def frame(rows):
    """Rows as the tools want them, with the predicted class."""
    table = pd.DataFrame(rows, columns=NUMBERS)
    return table.assign(label=table["label"].astype(int), prediction=(table["probability"] >= 0.5).astype(int))


def first(found, offset, raised):
    """Notes in `found` the end of the first window, of windows in order, that raised each alarm it has none of yet."""
    for window, names in enumerate(raised, 1):
        for name in names:
            found.setdefault(name, offset + window * streams.WINDOW)


def report(names, make_watch):
    """Prints `alarm, kind, seed, row` of the seeds asked for; no row if there was no alarm.

    `make_watch(baseline)` gives a function of some rows and of the alarms found so far, which gives those that each
    of the rows' windows raised.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("seeds", type=int, nargs=2)
    options = parser.parse_args()
    for seed in range(options.seeds[0], options.seeds[1] + 1):
        watch = make_watch(frame(streams.read(options.folder, seed, "baseline")))
        before = {}
        first(before, 0, watch(frame(streams.read(options.folder, seed, "before")), before))
        for kind in streams.KINDS:
            found = dict(before)
            first(found, streams.N_BEFORE, watch(frame(streams.read(options.folder, seed, kind)), found))
            for name in names:
                print(name, kind, seed, found.get(name, ""), sep="\t", flush=True)


def windows(table):
    return [table.iloc[start : start + streams.WINDOW] for start in range(0, len(table), streams.WINDOW)]
