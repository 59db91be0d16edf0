"""Prints how often the gap's p-value rejects at 5 % and 1 % when labels do follow the calibrated probabilities.

It shows from which `sum p (1 - p)` on the normal approximation holds. Run: VENV/bin/python concept_drift_simulation.py, with the
packages of requirements-cbpe.txt.
"""

import numpy
import scipy.stats

SAMPLES = 40_000


def rejected(rng, a, b, n):
    p = rng.beta(a, b, (SAMPLES, n))
    labels = rng.random((SAMPLES, n)) < p
    variance = (p * (1 - p)).sum(axis=1)
    z = (labels.sum(axis=1) - p.sum(axis=1)) / numpy.sqrt(variance)
    p_value = 2 * scipy.stats.norm.sf(numpy.abs(z))
    return variance.mean(), (p_value <= 0.05).mean(), (p_value <= 0.01).mean()


if __name__ == "__main__":
    rng = numpy.random.default_rng(20261127)
    print("probabilities   rows  variance   at 5 %   at 1 %")
    for a, b in [(1, 1), (8, 2), (30, 1)]:
        for n in [10, 30, 100, 300, 1000]:
            variance, five, one = rejected(rng, a, b, n)
            print(f"Beta({a:2}, {b})    {n:5}  {variance:8.1f}  {five:7.4f}  {one:7.4f}")
