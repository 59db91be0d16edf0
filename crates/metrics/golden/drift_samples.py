"""Pairs of small samples that tools disagree about: zeros, ties, powers of two, integers, new categories, missing values."""

from drift_data import hexed

import numpy as np

MISSING = None


def numeric_pairs():
    """Names, references and current samples."""
    rng = np.random.default_rng(7)
    yield "shifted", rng.normal(size=120), rng.normal(0.5, 1, 90)
    yield "same", *(2 * [rng.normal(size=60)])
    yield "empty bins", rng.lognormal(0, 1.5, 100), rng.normal(3, 0.2, 80)
    yield "apart", rng.normal(size=40), rng.normal(100, 1, 50)
    yield "20 distinct in the reference", np.arange(60) % 20 / 7, rng.normal(1, 1, 30)
    yield "21 distinct in the reference", np.arange(63) % 21 / 7, rng.normal(1, 1, 30)
    yield "1024 in all", np.arange(512) / 16, np.arange(512) / 16
    yield "a new value", np.array([1.0, 2.0, 3.0] * 9), np.array([1.0, 2.0, 4.0] * 6)
    yield "ties", np.round(rng.normal(size=100), 1), np.round(rng.normal(0.2, 1, 130), 1)
    yield "few integers", rng.integers(0, 4, 50), rng.integers(0, 4, 70)
    yield "close integers", rng.integers(0, 23, 400), rng.integers(2, 24, 150)
    yield "many integers", rng.integers(0, 1000, 90), rng.integers(100, 1100, 80)
    yield "integers against floats", rng.integers(0, 30, 300), rng.integers(0, 30, 100) + 0.5
    yield "integers as floats", rng.integers(0, 23, 300).astype(float), rng.integers(0, 23, 100).astype(float)
    yield "two values", rng.integers(0, 2, 40), (rng.uniform(size=60) < 0.7).astype(int)
    yield "three values", rng.integers(0, 3, 40), rng.integers(0, 3, 60)
    yield "five values", rng.integers(0, 5, 40) / 4, rng.integers(0, 5, 60) / 4
    yield "six values", rng.integers(0, 6, 40) / 4, rng.integers(0, 6, 60) / 4
    yield "a constant", np.full(30, 0.1), np.full(20, 0.1)
    yield "constants apart", np.full(30, 0.1), np.full(20, 0.3)
    yield "a constant reference", np.full(30, 5.0), rng.normal(5, 1, 40)
    yield "nearly constant", 1 + rng.normal(size=30) * 1e-6, 1 + rng.normal(size=30) * 1e-6
    yield "zeros of both signs", np.array([0.0, -0.0, 1.0, 2.0] * 10), np.array([-0.0, 3.0, 1.0] * 9)
    missing = rng.normal(size=50)
    missing[::7] = np.nan
    yield "missing values", missing, np.concatenate([rng.normal(size=30), [np.nan, np.nan]])
    yield "infinite current values", rng.normal(size=40), np.concatenate([rng.normal(size=30), [np.inf, -np.inf, np.nan]])
    yield "infinite values", np.concatenate([rng.normal(size=40), [np.inf]]), rng.normal(size=30)
    yield "missing chunks", np.concatenate([np.full(12, np.nan), rng.normal(size=88)]), rng.normal(size=40)
    yield "nine rows", rng.normal(size=9), rng.normal(size=12)
    yield "one row each", np.array([1.0]), np.array([2.0])
    yield "1000 in the reference", np.round(rng.normal(size=1000), 2), np.round(rng.normal(0.1, 1, 40), 2)
    yield "1001 in the reference", np.round(rng.normal(size=1001), 2), np.round(rng.normal(0.1, 1, 40), 2)
    yield "1001 of few values", rng.integers(0, 5, 1001), rng.integers(0, 4, 60)
    yield "rare values", np.array([0] * 1200 + [1] * 2), np.array([0] * 90 + [1] * 9 + [2])


def category_pairs():
    """Names, references and current samples of whole numbers below ten, which every tool sorts alike, or -1 if missing."""
    rng = np.random.default_rng(8)
    yield "three categories", rng.integers(0, 3, 60), rng.integers(0, 3, 45)
    yield "two categories", rng.integers(0, 2, 60), (rng.uniform(size=45) < 0.75).astype(int)
    yield "the same", np.arange(40) % 4, np.arange(20) % 4
    yield "a new category", rng.integers(0, 3, 60), rng.integers(0, 4, 45)
    yield "a lost category", rng.integers(0, 4, 60), rng.integers(0, 3, 45)
    yield "nothing in common", np.full(20, 1), np.full(10, 2)
    yield "a constant", np.full(20, 1), np.full(10, 1)
    yield "one row each", np.array([0]), np.array([1])
    yield "missing values", rng.integers(-1, 3, 50), rng.integers(-1, 3, 40)
    yield "ten categories", rng.integers(0, 10, 200), rng.integers(0, 9, 100)
    yield "rare categories", np.array([0] * 1100 + [1] * 3), np.array([0] * 80 + [1] * 4 + [2])
    yield "1001 in the reference", rng.integers(0, 3, 1001), rng.integers(0, 3, 80)


def described(name, reference, current):
    """A case with both samples, to the last bit."""
    case = {"name": name}
    for key, values in [("reference", reference), ("current", current)]:
        case[key] = {"integer": bool(values.dtype.kind == "i"), "numbers": hexed(values)}
    return case


def described_categories(name, reference, current):
    """A case with both samples, one character for each row; `.` is a missing one."""
    text = {key: "".join("." if value < 0 else str(value) for value in values) for key, values in
            [("reference", reference), ("current", current)]}
    return {"name": name, "reference": {"categories": text["reference"]}, "current": {"categories": text["current"]}}
