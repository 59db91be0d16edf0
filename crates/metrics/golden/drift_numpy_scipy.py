"""Bin edges, counts, distances and tests by NumPy, SciPy and statsmodels.

python3 -m venv venv && venv/bin/pip install -r requirements-drift_numpy_scipy.txt && venv/bin/python drift_numpy_scipy.py
"""

import warnings

from drift_data import bits, hexed, number, numbers, walk, write

import numpy as np
import scipy
import statsmodels
from scipy import spatial, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

rng = np.random.default_rng(20261127)


def samples():
    yield "one value", np.array([3.25])
    yield "two values", np.array([0.1, 0.3])
    yield "three values", np.array([0.1, 0.2, 0.3])
    yield "a constant", np.full(50, 0.1)
    yield "a large constant", np.full(9, 1e15)
    yield "a constant of integers", np.full(12, 7)
    yield "tenths, each an edge", np.arange(0, 101) / 10
    yield "eighths, each an edge", np.arange(0, 129) / 8
    for exponent in [2, 4, 7, 9]:
        yield f"2^{exponent} even steps", np.arange(2**exponent) / 10
        yield f"2^{exponent} normal", rng.normal(size=2**exponent)
        half = rng.normal(size=2 ** (exponent - 1))
        yield f"2^{exponent} symmetric", np.concatenate([half, -half])
    yield "few integers", rng.integers(0, 4, 100)
    yield "many integers", rng.integers(-500, 500, 100)
    yield "integers as floats", rng.integers(0, 4, 100).astype(float)
    yield "ties", np.round(rng.normal(size=150), 1)
    yield "skewed", rng.lognormal(0, 2, 200)
    yield "of all magnitudes", rng.normal(size=120) * 10.0 ** rng.integers(-30, 30, 120)
    yield "tiny", rng.normal(size=60) * 1e-300
    yield "close together", 1 + rng.normal(size=60) * 1e-12
    yield "negative", -rng.exponential(size=90)


def histograms():
    for name, values in samples():
        case = {"name": name, "values": hexed(values), "integer": bool(values.dtype.kind == "i"), "rules": {}}
        other = np.concatenate([values.astype(float) * 1.25 - 0.1, rng.choice(values.astype(float), 20)])
        case["other"] = hexed(other)
        for rule in ["sturges", "doane", 1, 10]:
            try:
                edges = np.histogram_bin_edges(values, bins=rule)
            except ValueError:
                case["rules"][str(rule)] = None
                continue
            case["rules"][str(rule)] = {
                "edges": hexed(edges),
                "counts": np.histogram(values, bins=edges)[0].tolist(),
                "other": np.histogram(other, bins=edges)[0].tolist(),
            }
        for n_bins in [4, 10]:
            edges = np.unique(np.quantile(values, np.arange(1, n_bins) / n_bins))
            tails = np.concatenate([[-np.inf], edges, [np.inf]])
            case["rules"][f"quantiles {n_bins}"] = {
                "edges": hexed(edges),
                "counts": np.histogram(values, bins=tails)[0].tolist(),
                "other": np.histogram(other, bins=tails)[0].tolist(),
            }
        yield case


def number_of_bins():
    """Even steps of powers of two: where rounding alone may add a bin."""
    for exponent in range(1, 21):
        for step in [1 / 2**exponent, 0.1, 1 / 3]:
            values = np.arange(2**exponent) * step
            yield {
                "count": 2**exponent,
                "step": bits(step),
                "sturges": len(np.histogram_bin_edges(values, "sturges")) - 1,
                "doane": len(np.histogram_bin_edges(values, "doane")) - 1,
            }


def distributions():
    yield [0.25, 0.25, 0.5], [0.25, 0.5, 0.25]
    yield [0.25, 0.25, 0.5], [0.25, 0.25, 0.5]
    yield [1.0], [1.0]
    yield [1, 0], [0, 1]
    yield [3, 1, 0, 6], [1, 1, 2, 0]
    yield [0.2, 0.8, 0.0001], [0.0001, 0.9, 0.1]
    for n_bins in [2, 3, 10, 40]:
        yield rng.dirichlet(np.ones(n_bins)), rng.dirichlet(np.ones(n_bins))
        near = rng.dirichlet(np.ones(n_bins))
        yield near, near * (1 + rng.normal(size=n_bins) * 1e-3)


def binned_distances():
    with np.errstate(divide="ignore", invalid="ignore"):
        for reference, current in distributions():
            p, q = np.asarray(reference, float), np.asarray(current, float)
            terms = np.where(p == q, 0, (p - q) * np.log(p / q))
            both = (p > 0) | (q > 0)
            yield {
                "p": hexed(p),
                "q": hexed(q),
                "psi": number(np.sum(terms)),
                "kl": number(stats.entropy(p, q)),
                "js_e": number(spatial.distance.jensenshannon(p, q)),
                "js_2": number(spatial.distance.jensenshannon(p, q, 2)),
                "hellinger": number(spatial.distance.euclidean(np.sqrt(p), np.sqrt(q)) / np.sqrt(2)),
                "tv": number(spatial.distance.cityblock(p, q) / 2),
                "l_infinity": number(spatial.distance.chebyshev(p, q)),
                "chi_square": number(np.sum((p - q)[both] ** 2 / q[both])),
            }


def pairs():
    yield "equal", rng.normal(size=20), None
    yield "one against one", np.array([1.0]), np.array([2.0])
    yield "one against many", np.array([0.5]), rng.normal(size=30)
    yield "apart", np.arange(10.0), np.arange(20.0, 33.0)
    yield "7 and 13", rng.normal(size=7), rng.normal(0.4, 1, 13)
    yield "12 and 18", rng.normal(size=12), rng.normal(0.8, 1, 18)
    yield "ties", rng.integers(0, 6, 80).astype(float), rng.integers(1, 7, 60).astype(float)
    yield "ties, as many", rng.integers(0, 6, 80).astype(float), rng.integers(0, 7, 80).astype(float)
    yield "constant", np.full(10, 2.0), np.full(15, 2.0)
    yield "constants apart", np.full(10, 2.0), np.full(15, 3.0)
    yield "200 and 200", rng.normal(size=200), rng.normal(0.2, 1, 200)
    yield "333 and 250", rng.normal(size=333), rng.normal(0.25, 1.2, 250)
    yield "100 and 99", rng.normal(size=100), rng.normal(0.9, 1, 99)
    yield "zeros of both signs", np.array([-0.0, 0.0, 1.0, 2.0]), np.array([0.0, 0.0, -1.0])


def sample_tests():
    for name, x, y in pairs():
        y = x.copy() if y is None else y
        case = {"name": name, "x": hexed(x), "y": hexed(y)}
        for method in ["auto", "exact", "asymp"]:
            result = stats.ks_2samp(x, y, method=method)
            case[method] = [number(result.statistic), number(result.pvalue)]
        case["wasserstein"] = number(stats.wasserstein_distance(x, y))
        case["normed"] = number(stats.wasserstein_distance(x, y) / max(np.std(x), 0.001))
        case["energy"] = number(stats.energy_distance(x, y))
        yield case


def large_tests():
    """Samples too large to write down: `walk`s, the second one squared if it says so."""
    for x, y, squared in [
        ((12000, 7919, 12007), (9000, 4801, 9001), False),
        ((12000, 7919, 12007), (9000, 4801, 9001), True),
        ((10000, 7919, 10007), (10000, 3, 10009), False),
        ((10000, 7919, 10007), (9999, 5, 10037), False),
        ((10001, 7919, 10007), (300, 5, 307), False),
        ((3000, 7919, 10007), (2000, 5, 9973), False),
        ((500, 7919, 100003), (333, 5, 1009), True),
        ((60000, 17, 60013), (70000, 29, 70001), False),
    ]:
        first, second = walk(*x), walk(*y)
        second = second * second if squared else second
        case = {"x": x, "y": y, "squared": squared}
        for method in ["auto", "exact", "asymp"]:
            if method == "exact" and x[0] > 20000:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = stats.ks_2samp(first, second, method=method)
            case[method] = [number(result.statistic), number(result.pvalue)]
        case["wasserstein"] = number(stats.wasserstein_distance(first, second))
        yield case


def kolmogorov():
    for n in [1, 2, 3, 5, 10, 50, 100, 139, 140, 141, 200, 500, 1000, 5000, 50000, 100000, 100001, 1000000]:
        scaled = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.868, 0.9, 1.0, 1.2, 1.48, 1.49, 1.6, 1.9, 2.1, 3.0, 4.3, 8.0, 19.2, 19.3]
        xs = {z / np.sqrt(n) for z in scaled} | {0.4 / n, 0.6 / n, 0.9 / n, 1.1 / n, 1.7 / n, 3.5 / n, 1 - 0.7 / n}
        for x in sorted(x for x in xs if 0 < x < 1):
            yield {"n": n, "x": bits(x), "sf": number(stats.kstwo.sf(x, n))}


def chi_square():
    for df in [1, 2, 3, 9, 29, 100, 1000]:
        for x in [1e-12, 1e-3, 0.5, 1, df * 0.5, df, df * 1.5, df + 40, df * 5 + 100, 1400, np.inf, 0]:
            yield {"df": df, "x": number(x), "sf": number(stats.chi2.sf(x, df))}


def count_tests():
    tables = [
        ([10, 20], [15, 15]), ([10, 20], [10, 20]), ([10, 21], [10, 20]), ([5], [9]), ([3, 0], [0, 4]),
        ([10, 20, 30], [12, 18, 33]), ([1, 0, 7, 2], [0, 3, 9, 1]), ([100000, 5], [99000, 40]),
        (rng.integers(1, 50, 12).tolist(), rng.integers(1, 50, 12).tolist()),
    ]
    for reference, current in tables:
        contingency = stats.chi2_contingency([reference, current])
        expected = np.array(reference) * (sum(current) / sum(reference))
        with np.errstate(divide="ignore", invalid="ignore"):
            square = stats.chisquare(current, expected)
        case = {
            "reference": reference,
            "current": current,
            "expected": hexed(expected),
            "contingency": [number(contingency.statistic), number(contingency.pvalue)],
            "chisquare": [number(square.statistic), number(square.pvalue)],
        }
        if len(reference) == 2 and 0 not in reference + current:
            z, p = proportions_ztest([reference[1], current[1]], [sum(reference), sum(current)])
            case["z"] = [number(z), number(p)]
        edges = np.cumsum(np.arange(1, len(reference) + 2) / 4)
        middles = (edges[1:] + edges[:-1]) / 2
        case["edges"] = hexed(edges)
        case["wasserstein"] = number(stats.wasserstein_distance(middles, middles, reference, current))
        case["ks"] = number(max(abs(np.cumsum(reference) / sum(reference) - np.cumsum(current) / sum(current))))
        yield case


def adjustments():
    for p in [[0.01], [0.04, 0.01, 0.03], [0.5, 0.5, 0.5], [0.0, 1.0, 0.2], rng.uniform(size=25) ** 3, [0.9, 0.99, 1.0]]:
        case = {"p": hexed(p)}
        for name, method in [("bonferroni", "bonferroni"), ("holm", "holm"), ("bh", "fdr_bh")]:
            case[name] = numbers(multipletests(p, method=method)[1])
        yield case


def psi_noise():
    for n_bins, n, m in [(2, 100, 100), (10, 1000, 500), (10, np.inf, 500), (20, 37, 1e6), (100, 5000, 5000)]:
        unit = 1 / n + 1 / m
        for level in [0.0, 0.05, 0.5, 0.95, 0.999]:
            floor = stats.chi2.ppf(level, n_bins - 1) * unit
            case = {"n_bins": n_bins, "n": number(n), "m": number(m), "level": level, "floor": number(floor)}
            yield {**case, "psi": number(floor * 1.3), "p": number(stats.chi2.sf(floor * 1.3 / unit, n_bins - 1))}


write(__file__, [np, scipy, statsmodels], {
    "histograms": list(histograms()),
    "number_of_bins": list(number_of_bins()),
    "binned_distances": list(binned_distances()),
    "sample_tests": list(sample_tests()),
    "large_tests": list(large_tests()),
    "kolmogorov": list(kolmogorov()),
    "chi_square": list(chi_square()),
    "count_tests": list(count_tests()),
    "adjustments": list(adjustments()),
    "psi_noise": list(psi_noise()),
})
