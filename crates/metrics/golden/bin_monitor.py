"""Writes bin_monitor.json: e-values of counts of bins against a baseline, by SciPy's special functions and by Lagrangian duality.

    python -m venv venv && venv/bin/pip install -r requirements-bin_monitor.txt && venv/bin/python bin_monitor.py

It draws only from NumPy's seeded generator, so that it writes the same bytes every time. The largest likelihood that the baseline does not
exclude is found as the least value of the dual function, which touches neither the region's rim nor the likelihood's maximum.
"""

import importlib.metadata
import json
import math
import pathlib

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, lambertw, logsumexp, rel_entr, xlogy


def radius(baseline, level, tolerance):
    degrees = len(baseline) - 1
    quantile = -degrees * lambertw(-(level ** (1 / degrees)) / math.e, -1).real
    return quantile / baseline.sum() + tolerance


def log_dirichlet(counts, prior):
    return (gammaln(counts + prior) - gammaln(prior)).sum() + gammaln(prior.sum()) - gammaln(counts.sum() + prior.sum())


def log_supremum(counts, baseline, within):
    n, size = counts.sum(), baseline.sum()
    own = counts / n
    if rel_entr(baseline / size, own).sum() <= within:
        return xlogy(counts, own).sum()

    def dual(log_multiplier):
        multiplier = math.exp(log_multiplier)
        joint = counts + multiplier * baseline
        floor = xlogy(baseline, baseline / size).sum() - size * within
        return xlogy(joint, joint / joint.sum()).sum() - multiplier * floor

    middle = math.log(n / size)
    return minimize_scalar(dual, bounds=(middle - 30, middle + 30), method="bounded", options={"xatol": 1e-10, "maxiter": 1000}).fun


def log_e_value(counts, baseline, level, tolerance):
    if counts.sum() == 0:
        return 0.0
    smoothed = (baseline + 0.5) / (baseline.sum() + len(baseline) / 2)
    alternatives = [log_dirichlet(counts, concentration * smoothed) for concentration in (10, 100, 1000)]
    within = radius(baseline, level, tolerance)
    return logsumexp(alternatives) - math.log(3) - log_supremum(counts, baseline, within)


def looks(batches, baseline, level, tolerance, restart_every):
    starts, totals, values = [np.zeros_like(baseline)], np.zeros_like(baseline), []
    for batch in batches:
        totals = totals + batch
        terms = [log_e_value(totals - s, baseline, level, tolerance) - math.log((j + 1) * (j + 2)) for j, s in enumerate(starts)]
        values.append(float(logsumexp(terms)))
        if (totals - starts[-1]).sum() >= restart_every:
            starts.append(totals)
    return values


rng = np.random.default_rng(20261127)
cases = []
for n_bins, n_baseline in ((10, 10000), (10, 500), (2, 1000), (30, 5000), (3, 7)):
    shares = rng.dirichlet(np.full(n_bins, 5.0))
    baseline = rng.multinomial(n_baseline, shares)
    for mixed, tolerance, test_level in ((0.0, 0.0, 0.05), (0.3, 0.0, 0.05), (0.3, 0.02, 0.01), (1.0, 0.0, 0.2)):
        stream = (1 - mixed) * shares + mixed * rng.dirichlet(np.full(n_bins, 2.0))
        batches = rng.multinomial(250, stream, size=4)
        cases.append(
            {
                "baseline": baseline.tolist(),
                "test_level": test_level,
                "tolerance": tolerance,
                "restart_every": 500,
                "radius": float(radius(baseline, test_level / 2, tolerance)),
                "batches": batches.tolist(),
                "log_e_values": looks(batches, baseline, test_level / 2, tolerance, 500),
            }
        )
with_empty_bins = np.array([0, 50, 30, 20, 0])
batches = np.array([[0, 40, 40, 20, 0], [5, 0, 0, 95, 0], [0, 0, 0, 0, 0], [0, 0, 3000, 0, 0]])
cases.append(
    {
        "baseline": with_empty_bins.tolist(),
        "test_level": 0.05,
        "tolerance": 0.0,
        "restart_every": 500,
        "radius": float(radius(with_empty_bins, 0.025, 0.0)),
        "batches": batches.tolist(),
        "log_e_values": looks(batches, with_empty_bins, 0.025, 0.0, 500),
    }
)
golden = {"versions": {name: importlib.metadata.version(name) for name in ("numpy", "scipy")}, "cases": cases}
text = json.dumps(golden, separators=(",", ":")).replace('},{"', '},\n{"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
