"""Writes two_phase.json: scores by NumPy and SciPy, and thresholds by SciPy's tails and MAPIE's fixed-sequence testing.

    python -m venv venv && venv/bin/pip install -r requirements-two_phase.txt && venv/bin/python -P two_phase.py

It draws only from Python's seeded generator, so that it writes the same bytes every time.
"""

import importlib.metadata
import json
import math
import pathlib
import random

import numpy as np
from mapie.risk_control.fwer_control import control_fwer
from scipy.stats import beta, betabinom, binom, entropy

MAX_GRID, START_EVERY, POWER_FOR_STRICTNESS = 200, 4, 0.01


def scores():
    rng = random.Random(1)
    result = []
    for n_classes in (2, 3, 10):
        for sharpness in (0.3, 1, 5):
            weights = [rng.random() ** sharpness for _ in range(n_classes)]
            p = [weight / sum(weights) for weight in weights]
            first, second = sorted(p, reverse=True)[:2]
            result.append(
                {
                    "probabilities": p,
                    "max_probability": max(p),
                    "margin": first - second,
                    "entropy": float(1 - entropy(p) / math.log(n_classes)),
                }
            )
    return result


def rows(seed, n, most, power):
    rng = random.Random(seed)
    confidences = [round(rng.random(), 5) for _ in range(n)]
    return confidences, [rng.random() < most * (1 - confidence) ** power for confidence in confidences]


def counts(part, threshold):
    confidences, wrong = map(np.array, part)
    accepted = confidences >= threshold
    return int(accepted.sum()), int(wrong[accepted].sum())


def allowed(n, max_risk, level):
    few = [k for k in range(n + 1) if binom.cdf(k, n, max_risk) <= level] if n <= 20000 else None
    return few[-1] if few else None


def grid(fit):
    ordered = sorted(fit[0], reverse=True)
    n = len(ordered)
    places = [math.ceil(n * part / MAX_GRID) - 1 for part in range(1, MAX_GRID + 1)]
    quantiles = sorted({ordered[place] for place in places if place >= 0}, reverse=True)
    return [threshold for threshold in quantiles if threshold > 0] + [0.0]


def power(fit, threshold, n_test, max_risk, level):
    n_fit, k_fit = counts(fit, threshold)
    n = math.floor(n_test * (n_fit / len(fit[0])))
    most = allowed(n, max_risk, level)
    return 0.0 if most is None else float(betabinom.cdf(most, n, k_fit + 0.5, n_fit - k_fit + 0.5))


def threshold(fit, test, max_risk, level):
    thresholds = grid(fit)
    starts = [i for i in range(len(thresholds)) if i % START_EVERY == 0 or i == len(thresholds) - 1]
    powers = {i: power(fit, thresholds[i], len(test[0]), max_risk, level) for i in starts}
    best = max(powers.values())
    start = next((i for i in starts if powers[i] > 0 and powers[i] >= best - POWER_FOR_STRICTNESS), len(thresholds) - 1)
    tried = thresholds[start:]
    p_values = np.array([binom.cdf(k, n, max_risk) if n else 1.0 for n, k in (counts(test, it) for it in tried)])
    passed = control_fwer(p_values, level, fwer_method="fixed_sequence")
    return tried[passed[-1]] if len(passed) else None


def thresholds():
    result = []
    for seed, (n_fit, n_test, most, power_of, max_risk, level) in enumerate(
        [
            (300, 900, 0.2, 3, 0.05, 0.05),
            (500, 1500, 0.2, 3, 0.02, 0.05),
            (500, 1500, 0.4, 1, 0.1, 0.1),
            (50, 700, 0.2, 3, 0.02, 0.05),
            (400, 1200, 0.05, 0, 0.02, 0.05),
            (400, 1200, 0.0, 1, 0.01, 0.01),
        ]
    ):
        fit, test = rows(100 + seed, n_fit, most, power_of), rows(200 + seed, n_test, most, power_of)
        found = threshold(fit, test, max_risk, level)
        case = {"fit": fit, "test": test, "max_risk": max_risk, "level": level, "threshold": found}
        if found is not None:
            n, k = counts(test, found)
            case |= {"n_accepted": n, "n_wrong": k, "upper_bound": float(beta.ppf(1 - level, k + 1, n - k))}
        result.append(case)
    return result


golden = {
    "versions": {name: importlib.metadata.version(name) for name in ("MAPIE", "numpy", "scipy")},
    "scores": scores(),
    "thresholds": thresholds(),
}
text = json.dumps(golden, separators=(",", ":")).replace('},{"', '},\n{"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
