"""NannyML's drift scores, thresholds and alerts: its own methods, fitted on the reference with the default chunks.

python3 -m venv venv && venv/bin/pip install -r requirements-drift_nannyml.txt && venv/bin/python drift_nannyml.py
"""

import warnings

from drift_data import number, numbers, walk, write
from drift_samples import category_pairs, described, described_categories, numeric_pairs

import nannyml
import numpy as np
import pandas as pd
import scipy
from nannyml.chunk import DefaultChunker, SizeBasedChunker
from nannyml.drift.univariate.methods import FeatureType, MethodFactory
from nannyml.thresholds import StandardDeviationThreshold, calculate_threshold_values

warnings.simplefilter("ignore")

CONTINUOUS = ["jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein"]
CATEGORICAL = ["jensen_shannon", "hellinger", "chi2", "l_infinity"]


def outcome(key, kind, reference, current):
    """What the method says; without thresholds if there are too few rows for chunks; `None` if it fails."""
    has_chunks = len(reference) >= 10
    chunker = DefaultChunker() if has_chunks else SizeBasedChunker(1)
    method = MethodFactory.create(key, kind, chunker=chunker, threshold=StandardDeviationThreshold())
    reference = pd.Series(reference, name="column")
    try:
        method.fit(reference)
        score = method.calculate(pd.Series(current, name="column"))
    except ValueError:
        return None
    found = {"score": number(score)}
    if key == "chi2":
        return {**found, "p_value": number(method._p_value), "is_drift": bool(method.alert(score))}
    if has_chunks:
        found["lower"] = number(method.lower_threshold_value)
        # Without a limit of the metric there is no upper threshold above which nothing is drift.
        found["upper"] = number(method.upper_threshold_value)
        found["is_drift"] = bool(method.alert(score))
    return found


def compared(case, reference, current, kind, keys):
    outcomes = {f"nannyml_{key}": outcome(key, kind, reference, current) for key in keys}
    return {**case, "outcomes": outcomes}


def small_cases():
    for name, reference, current in numeric_pairs():
        keys = CONTINUOUS
        if any(np.isinf(values).any() for values in [reference, current]):
            keys = ["jensen_shannon", "hellinger", "kolmogorov_smirnov"]
        yield compared(described(name, reference, current), reference, current, FeatureType.CONTINUOUS, keys)
    for name, reference, current in category_pairs():
        case = described_categories(name, reference, current)
        reference, current = ([None if value < 0 else str(value) for value in values] for values in [reference, current])
        yield compared(case, reference, current, FeatureType.CATEGORICAL, CATEGORICAL)


def large_cases():
    """References of 10 000 values, which NannyML bins: `walk`s, the current one stretched and moved."""
    for count in [9999, 10000]:
        for stretch, move in [(1.0, 0.0), (1.5, -0.25), (0.5, 0.75), (1.0, 0.0625), (0.25, -2.0)]:
            case = {"x": [count, 7919, 10007], "y": [400, 5, 409], "stretch": stretch, "move": move}
            reference, current = walk(*case["x"]), walk(*case["y"]) * stretch + move
            keys = ["kolmogorov_smirnov", "wasserstein"]
            yield compared(case, reference, current, FeatureType.CONTINUOUS, keys)


def thresholds():
    for scores in [[0.1, 0.2, 0.15], [0.5] * 4, [np.nan, 0.9, 0.7], [0.3, 0.31, 0.29, 0.3, 0.9]]:
        for lower, upper in [(None, None), (0.0, 1.0)]:
            found = calculate_threshold_values(StandardDeviationThreshold(), np.array(scores), lower, upper)
            limits = [-np.inf if lower is None else lower, np.inf if upper is None else upper]
            yield {"scores": numbers(scores), "limits": numbers(limits), "thresholds": numbers(found)}


write(__file__, [nannyml, np, pd, scipy], {
    "cases": list(small_cases()),
    "large": list(large_cases()),
    "thresholds": list(thresholds()),
})
