"""Writes mapie.json: thresholds and bounds of MAPIE's risk monitoring, and a mixture e-process and binomial bounds by NumPy and SciPy.

    python -m venv venv && venv/bin/pip install -r requirements-mapie.txt && venv/bin/python -P mapie.py

Run it from this folder; -P (Python 3.11 or newer) keeps its own name from hiding the package. It draws only from Python's seeded
generator, so that it writes the same bytes every time.
"""

import importlib.metadata
import json
import math
import pathlib
import random

import numpy as np
from mapie.exchangeability_testing import RiskMonitoring
from mapie.exchangeability_testing.bounds import conjugate_mixture_empirical_bernstein_bound, hoeffding_bound
from scipy.special import logsumexp
from scipy.stats import beta


def bernoulli(seed, *parts):
    rng = random.Random(seed)
    return [int(rng.random() < rate) for n, rate in parts for _ in range(n)]


def betas(seed, *parts):
    rng = random.Random(seed)
    return [round(rng.betavariate(a, b), 4) for n, a, b in parts for _ in range(n)]


STREAMS = {
    "same": bernoulli(1, (1500, 0.1)),
    "worse": bernoulli(2, (300, 0.1), (1200, 0.5)),
    "bad": bernoulli(3, (400, 0.7)),
    "better": bernoulli(4, (500, 0.02)),
    "losses": betas(5, (300, 1, 9), (700, 4, 4)),
    "steady_losses": betas(6, (800, 30, 70)),
    "zeros": [0] * 200,
    "ones": [1] * 200,
    "halves": [0.5] * 200,
    "one": [1],
    "long": bernoulli(7, (12000, 0.25)),
}


def shown(bounds):
    """The first 30 bounds and every 23rd."""
    indices = sorted({*range(min(30, len(bounds))), *range(0, len(bounds), 23), len(bounds) - 1})
    return [[index, float(bounds[index])] for index in indices]


def sequences():
    return [
        {
            "stream": name,
            "level": level,
            "v_opt": v_opt,
            **{
                side: shown(conjugate_mixture_empirical_bernstein_bound(stream, v_opt=v_opt, alpha=level, bound_side=side))
                for side in ("lower", "upper")
            },
        }
        for name, stream in STREAMS.items()
        for level, v_opt in ((0.025, 1), (0.1, 30))
        if name != "long" or v_opt == 1
    ]


def monitors():
    """Monitors of accuracy: MAPIE's risk of a right answer is 0 and of a wrong one 1. Losses that are not 0 or 1 have no such risk."""
    result = []
    settings = ((0.05, 0.05, "absolute"), (0.2, 0.0, "absolute"), (0.05, 0.5, "relative"))
    for name, online in STREAMS.items():
        if name == "long" or not set(online) <= {0, 1}:
            continue
        for test_level, tolerance, kind in settings:
            reference = bernoulli(8, (700, 0.1))
            monitor = RiskMonitoring(risk="accuracy", test_level=test_level, tolerance=tolerance, tolerance_type=kind, warn=False)
            monitor.compute_threshold(np.zeros(700, dtype=int), np.array(reference))
            monitor.update(np.zeros(len(online), dtype=int), np.array(online))
            bounds = monitor.online_risk_lower_bound_sequence_history
            alarms = np.flatnonzero(bounds > monitor.threshold)
            result.append(
                {
                    "stream": name,
                    "test_level": test_level,
                    "tolerance": tolerance,
                    "kind": kind,
                    "reference": [sum(reference), len(reference)],
                    "threshold": monitor.threshold,
                    "lower": shown(bounds),
                    "alarmed_at": int(alarms[0]) + 1 if alarms.size else None,
                }
            )
    return result


def hoeffding():
    references = [STREAMS["losses"], STREAMS["same"], [0.25], [0, 1, 0.1]]
    return [
        {"losses": losses[:200], "level": level, "upper": hoeffding_bound(losses[:200], level)}
        for losses in references
        for level in (0.025, 0.3)
    ]


def binomial():
    counts = [(0, 59), (1, 10), (5, 100), (100, 1000), (999, 1000), (12, 13), (300, 100000)]
    return [
        {"n_errors": k, "n": n, "test_level": level, "upper": float(beta.ppf(1 - level / 2, k + 1, n - k))}
        for k, n in counts
        for level in (0.05, 0.01)
    ]


def log_e_value(n, lost, threshold):
    rates = threshold + (1 - threshold) / 2.0 ** np.arange(1, 11)
    logs = lost * np.log(rates / threshold) + (n - lost) * np.log((1 - rates) / (1 - threshold))
    return logsumexp(logs) - math.log(10)


def mixtures():
    """Every start is kept by a stream of three restarts, so that a plain weighted sum is the whole e-process."""
    result = []
    for name in ("same", "worse", "bad", "losses", "zeros", "ones"):
        stream = np.array(STREAMS[name], dtype=float)[:400]
        for threshold in (0.12, 0.5):
            looks = []
            for n in range(1, len(stream) + 1):
                starts = range(0, n, 100)
                terms = [
                    log_e_value(n - start, stream[start:n].sum(), threshold) - math.log((j + 1) * (j + 2))
                    for j, start in enumerate(starts)
                ]
                looks.append(logsumexp(terms))
            result.append({"stream": name, "threshold": threshold, "n": len(stream), "log_e_values": shown(looks)})
    return result


golden = {
    "versions": {name: importlib.metadata.version(name) for name in ("MAPIE", "numpy", "scipy")},
    "streams": STREAMS,
    "sequences": sequences(),
    "monitors": monitors(),
    "hoeffding": hoeffding(),
    "binomial": binomial(),
    "mixtures": mixtures(),
}
text = json.dumps(golden, separators=(",", ":")).replace('},{"', '},\n{"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
