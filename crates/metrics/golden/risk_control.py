"""Writes risk_control.json: p-values and fixed-sequence testing of MAPIE's risk control, binomial tails of SciPy, and areas under risk-coverage
curves by NumPy.

    python -m venv venv && venv/bin/pip install -r requirements-risk_control.txt && venv/bin/python -P risk_control.py

It draws only from Python's seeded generator, so that it writes the same bytes every time.
"""

import importlib.metadata
import json
import pathlib
import random

import numpy as np
from mapie.risk_control.fwer_control import control_fwer
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value
from scipy.stats import betabinom, binom

COUNTS = [(0, 299), (0, 1), (1, 10), (5, 100), (9, 1000), (30, 1000), (31, 2000), (999, 1000), (1900, 200000), (10, 20)]
LIMITS = [0.001, 0.01, 0.05, 0.3]


def binomial():
    return [
        {"n_wrong": k, "n": n, "limit": limit, "cdf": float(binom.cdf(k, n, limit))} for k, n in COUNTS for limit in LIMITS
    ]


def predictive():
    seen = [(0, 50), (1, 99), (40, 3), (200, 10000)]
    return [
        {"k": k, "n": n, "seen": [a, b], "cdf": float(betabinom.cdf(k, n, a + 0.5, b + 0.5))}
        for k, n in [(0, 150), (3, 300), (25, 1000), (700, 750)]
        for a, b in seen
    ]


def needed():
    """The least n that rejects, by trying all."""
    result = []
    for k, limit, level in [(0, 0.01, 0.05), (0, 0.05, 0.05), (0, 0.02, 0.01), (1, 0.01, 0.05), (2, 0.05, 0.1), (7, 0.02, 0.05)]:
        n = k + 1
        while binom.cdf(k, n, limit) > level:
            n += 1
        result.append({"n_errors": k, "limit": limit, "level": level, "n": n})
    return result


def mapies():
    """MAPIE's p-values of losses between 0 and 1, and of errors, which are binary: there the binomial tail is one of two bounds."""
    means = [0.0, 0.004, 0.01, 0.05, 0.2, 0.9]
    return [
        {
            "mean": mean,
            "n": n,
            "n_wrong": round(mean * n) if abs(mean * n - round(mean * n)) < 1e-9 else None,
            "limit": limit,
            "p_value": float(compute_hoeffding_bentkus_p_value(np.array([mean]), n, limit)[0, 0]),
            "binary": float(compute_hoeffding_bentkus_p_value(np.array([mean]), n, limit, binary=True)[0, 0]),
        }
        for mean in means
        for n in (50, 1000)
        for limit in (0.01, 0.05, 0.3)
    ]


def sequences():
    rng = random.Random(12)
    result = []
    for scale in (0.02, 0.2, 0.9):
        p_values = [rng.random() * scale for _ in range(20)]
        for level in (0.01, 0.05, 0.1):
            passed = control_fwer(np.array(p_values), level, fwer_method="fixed_sequence")
            result.append({"p_values": p_values, "level": level, "passed": [int(index) for index in passed]})
    return result


def areas():
    rng = random.Random(13)
    result = []
    for n, rate in ((1, 1.0), (7, 0.5), (500, 0.2), (500, 0.02)):
        confidences = [rng.random() for _ in range(n)]
        wrong = [rng.random() < rate * 2 * (1 - confidence) for confidence in confidences]
        order = np.argsort(-np.array(confidences), kind="stable")
        errors = np.array(wrong)[order].astype(float)
        area = float(np.mean(np.cumsum(errors) / np.arange(1, n + 1)))
        result.append({"confidences": confidences, "wrong": wrong, "aurc": area})
    return result


golden = {
    "versions": {name: importlib.metadata.version(name) for name in ("MAPIE", "numpy", "scipy")},
    "binomial": binomial(),
    "predictive": predictive(),
    "needed": needed(),
    "mapies": mapies(),
    "sequences": sequences(),
    "areas": areas(),
}
text = json.dumps(golden, separators=(",", ":")).replace('},{"', '},\n{"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
