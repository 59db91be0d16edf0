"""Drift scores that are definitions: population stability indices, and SageMaker's distances.

Phoenix has dropped its drift code, Deepchecks is under a licence that a permissive project cannot link, scouter and SageMaker are services.
So nothing of theirs runs here: this is NumPy's rendition of what each one documents. SciPy's two tests are SciPy's own.

python3 -m venv venv && venv/bin/pip install -r requirements-drift_definitions.txt && venv/bin/python drift_definitions.py
"""

import collections
import warnings

from drift_data import number, write
from drift_samples import category_pairs, described, described_categories, numeric_pairs

import numpy as np
import scipy
from scipy import stats

warnings.simplefilter("ignore")


def deciles(reference, current):
    cuts = np.unique(np.quantile(reference, np.arange(1, 10) / 10))
    return tuple(np.bincount(np.searchsorted(cuts, values, "right"), minlength=len(cuts) + 1) for values in [reference, current])


def tally(reference, current):
    keys = sorted(set(reference) | set(current))
    return tuple(np.array([np.sum(np.asarray(values) == key) for key in keys]) for values in [reference, current])


def psi(p, q):
    return float(stats.entropy(p, q) + stats.entropy(q, p)) if np.isclose(p.sum(), 1) and np.isclose(q.sum(), 1) else raw_psi(p, q)


def raw_psi(p, q):
    return float(np.sum((p - q) * np.log(p / q)))


def population_stability(counts, missing):
    p, q = counts[0] / counts[0].sum(), counts[1] / counts[1].sum()
    floor = [np.maximum(shares, 1e-4) for shares in (p, q)]
    yield "decile_psi", raw_psi(*floor), 0.25
    bound = stats.chi2.ppf(0.95, len(p) - 1) / counts[1].sum() if len(p) > 1 else None
    yield "scouter_psi", raw_psi(p + 1e-10, q + 1e-10), bound
    if sum(missing) > 0:
        counts = [np.append(count, n_missing) for count, n_missing in zip(counts, missing)]
    smoothed = [(count + 1) / (count.sum() + len(count)) for count in counts]
    yield "phoenix_psi", psi(*smoothed), None


def deepchecks(reference, current):
    frequent = sorted(collections.Counter(reference).items(), key=lambda item: (-item[1], item[0]))[:10]
    names = [name for name, _ in frequent]
    counts = []
    for values in [reference, current]:
        known = [int(np.sum(values == name)) for name in names]
        known.append(len(values) - sum(known))
        counts.append(np.array(known))
    if counts[0][-1] + counts[1][-1] == 0:
        counts = [count[:-1] for count in counts]
    return raw_psi(*(np.maximum(count / count.sum(), 0.01) for count in counts))


def robust(simple, reference, current):
    n, m = len(reference), len(current)
    return max(0.0, simple - 1.8 * np.sqrt((n + m) / (n * m)))


def outcomes(reference, current, missing, is_numeric):
    counts = deciles(reference, current) if is_numeric else tally(reference, current)
    yield from population_stability(counts, missing)
    if is_numeric:
        simple = stats.ks_2samp(reference, current, method="asymp").statistic
    else:
        yield "deepchecks_psi", deepchecks(reference, current), 0.2
        p, q = counts[0] / counts[0].sum(), counts[1] / counts[1].sum()
        simple = np.max(np.abs(p - q))
    yield "sagemaker_linf_simple", simple, 0.1
    yield "sagemaker_linf_robust", robust(simple, reference, current), 0.1


def scored(case, found):
    case["outcomes"] = {
        name: {"score": number(score), "threshold": None if threshold is None else number(threshold)}
        for name, score, threshold in found
    }
    return case


def cases():
    for name, reference, current in numeric_pairs():
        case = described(name, reference, current)
        finite = [values[np.isfinite(values)] for values in [reference, current]]
        missing = [len(values) - len(kept) for values, kept in zip([reference, current], finite)]
        case = scored(case, outcomes(*finite, missing, True))
        known = [values[~np.isnan(values)] for values in [reference, current]]
        for test, method in [("scipy_ks_exact", "exact"), ("scipy_ks_asymp", "asymp")]:
            result = stats.ks_2samp(*known, method=method)
            case["outcomes"][test] = {"score": number(result.statistic), "p_value": number(result.pvalue), "threshold": None}
        yield case
    for name, reference, current in category_pairs():
        known = [values[values >= 0] for values in [reference, current]]
        missing = [len(values) - len(kept) for values, kept in zip([reference, current], known)]
        yield scored(described_categories(name, reference, current), outcomes(*known, missing, False))


write(__file__, [np, scipy], {"cases": list(cases())})
