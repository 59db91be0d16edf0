"""Writes river.json: where River's change detectors alarm on given streams, and what they hold then.

    python -m venv venv && venv/bin/pip install -r requirements-river.txt && venv/bin/python -P river.py

Run it from this folder; -P (Python 3.11 or newer) keeps its own name from hiding the package. It draws only from Python's seeded generator, so that it writes the same bytes every time.
"""

import importlib.metadata
import itertools
import json
import pathlib
import random

from river import drift


def gaussian(seed, *parts):
    rng = random.Random(seed)
    return [round(rng.gauss(mean, deviation), 3) for n, mean, deviation in parts for _ in range(n)]


def bernoulli(seed, *parts):
    rng = random.Random(seed)
    return [int(rng.random() < rate) for n, rate in parts for _ in range(n)]


def docstring_numbers():
    rng = random.Random(12345)
    return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)


def docstring_bits(seed):
    rng = random.Random(seed)
    return rng.choices([0, 1], k=1000) + rng.choices([0, 1], k=1000, weights=[0.3, 0.7])


def ramp(seed):
    rng = random.Random(seed)
    return [round(i / 400 + rng.gauss(0, 1), 3) for i in range(1500)]


def outliers(seed):
    rng = random.Random(seed)
    return [round(rng.gauss(100 * (i % 60 == 59), 1), 2) for i in range(400)]


NUMBERS = {
    "docstring": docstring_numbers(),
    "gaussian_same": gaussian(1, (2500, 0, 1)),
    "gaussian_up": gaussian(2, (1000, 0, 1), (1000, 0.5, 1)),
    "gaussian_down": gaussian(3, (800, 10, 2), (800, 7, 2)),
    "gaussian_many": gaussian(4, *[(300, mean, 0.5) for mean in (0, 2, 1, -3, 0, 5)]),
    "gaussian_large": gaussian(5, (600, 1e6, 10), (600, 1e6 + 30, 10)),
    "gaussian_wider": gaussian(6, (800, 0, 1), (800, 0, 5)),
    "ramp": ramp(7),
    "zeros": [0] * 700,
    "constant": [0.1] * 700,
    "step": [0] * 500 + [1] * 500,
    "alternating": [0, 1] * 500,
    "outliers": outliers(8),
}
BITS = {
    "docstring": docstring_bits(42),
    "same": bernoulli(11, (4000, 0.1)),
    "drop_small": bernoulli(12, (2500, 0.1), (2500, 0.15)),
    "drop": bernoulli(13, (2000, 0.1), (2000, 0.2)),
    "drop_large": bernoulli(14, (2000, 0.1), (1000, 0.3)),
    "better": bernoulli(15, (1500, 0.3), (1500, 0.05)),
    "many": bernoulli(16, *[(400, rate) for rate in (0.2, 0.5, 0.1, 0.9, 0.3, 0.05, 0.6)]),
    "rare": bernoulli(17, (3000, 0.005), (1500, 0.03)),
    "zeros": [0] * 500,
    "ones": [1] * 500,
    "step": [0] * 500 + [1] * 500,
    "alternating": [0, 1] * 500,
}

ALL = NUMBERS | {f"bits_{name}": bits for name, bits in BITS.items()}

ADWIN = [
    {},
    {"delta": 0.05},
    {"delta": 0.3, "clock": 1},
    {"delta": 1e-5, "clock": 7, "max_buckets": 3},
    {"delta": 0.01, "max_buckets": 2, "min_window_length": 20, "grace_period": 100},
    {"delta": 0.1, "clock": 4, "max_buckets": 10, "min_window_length": 1, "grace_period": 1},
]
PAGE_HINKLEY = [
    {},
    {"threshold": 10},
    {"threshold": 10, "mode": "up"},
    {"threshold": 10, "mode": "down"},
    {"min_instances": 5, "delta": 0.1, "threshold": 3, "alpha": 0.99},
    {"min_instances": 1, "delta": 0, "threshold": 20, "alpha": 1},
]
DDM = [{}, {"warm_start": 100}, {"warm_start": 5, "warning_threshold": 1, "drift_threshold": 1.5}]
EDDM = [{}, {"warm_start": 10, "alpha": 0.99, "beta": 0.95}, {"warm_start": 50, "alpha": 0.8, "beta": 0.7}]
HDDM_A = [{}, {"two_sided_test": True}, {"drift_confidence": 0.05, "warning_confidence": 0.2, "two_sided_test": True}]
HDDM_W = HDDM_A + [{"lambda_val": 0.2}, {"lambda_val": 0.01, "two_sided_test": True}]


def run_numbers(kind, held):
    """All indices of detection, and what the detector holds at the first eight and at the end."""

    def run(settings, stream):
        detector = kind(**settings)
        drifts, states = [], []
        for index, value in enumerate(stream):
            detector.update(value)
            if detector.drift_detected:
                drifts.append(index)
                states.append(held(detector))
        return {"drifts": drifts, "states": states[:8] + [held(detector)]}

    return run


def adwin_state(detector):
    """What River calls the variance is the sum of squared distances from the mean."""
    return [detector.width, detector.total, detector.estimation, detector.variance / detector.width]


def page_hinkley_state(detector):
    return [detector._x_mean.get(), detector._sum_increase, detector._sum_decrease]


def runs(indices):
    """[first, last] of each run of consecutive indices."""
    groups = itertools.groupby(enumerate(indices), lambda pair: pair[1] - pair[0])
    grouped = [[index for _, index in group] for _, group in groups]
    return [[group[0], group[-1]] for group in grouped]


def run_errors(kind, held):
    def run(settings, stream):
        detector = kind(**settings)
        drifts, warnings = [], []
        for index, value in enumerate(stream):
            detector.update(value)
            if detector.drift_detected:
                drifts.append(index)
            elif detector.warning_detected:
                warnings.append(index)
        return {"drifts": drifts, "warnings": runs(warnings), "end": held(detector)}

    return run


def cases(run, settings, streams):
    return [
        {"settings": setting, "stream": name, **run(setting, stream)}
        for setting in settings
        for name, stream in streams.items()
    ]


golden = {
    "versions": {name: importlib.metadata.version(name) for name in ("river", "numpy")},
    "numbers": NUMBERS,
    "bits": {name: "".join(map(str, bits)) for name, bits in BITS.items()},
    "adwin": cases(run_numbers(drift.ADWIN, adwin_state), ADWIN, ALL),
    "page_hinkley": cases(run_numbers(drift.PageHinkley, page_hinkley_state), PAGE_HINKLEY, ALL),
    "ddm": cases(run_errors(drift.binary.DDM, lambda d: d._p.get()), DDM, BITS),
    "eddm": cases(run_errors(drift.binary.EDDM, lambda d: d._error_distances.mean.get()), EDDM, BITS),
    "hddm_a": cases(run_errors(drift.binary.HDDMA, lambda d: d._z.get()), HDDM_A, BITS),
    "hddm_w": cases(run_errors(drift.binary.HDDMW, lambda d: d._total.ewma), HDDM_W, BITS),
}
text = json.dumps(golden, separators=(",", ":")).replace('},{"settings"', '},\n{"settings"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
