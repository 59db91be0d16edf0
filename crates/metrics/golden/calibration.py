"""Writes calibration.json: calibration errors of MAPIE and NannyML, temperature and sigmoid scalings of scikit-learn and SciPy.

Run: python -m venv VENV && VENV/bin/pip install -r requirements-calibration.txt && VENV/bin/python calibration.py
"""

import importlib.metadata
import json
import os
import pathlib
import types

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import numpy
import scipy.optimize
import scipy.special
from mapie.metrics.calibration import expected_calibration_error, top_label_ece
from nannyml import calibration as nannyml_calibration
from sklearn.calibration import _sigmoid_calibration, _TemperatureScaling
from sklearn.model_selection import StratifiedShuffleSplit


class StableSort(numpy.ndarray):
    """An array that keeps the order of equals when it is sorted; NumPy's default leaves it to the processor."""

    def argsort(self, *args, **kwargs):
        return numpy.asarray(self).argsort(kind="stable")


def stable_nannyml_ece(labels, scores, bin_count):
    """NannyML's own function, but for the order of equal scores."""
    pinned = types.SimpleNamespace(
        asarray=lambda values: numpy.asarray(values).view(StableSort), mean=numpy.mean, sum=numpy.sum
    )
    edges = nannyml_calibration._get_bin_index_edges(len(scores), bin_count)
    nannyml_calibration.np, original = pinned, nannyml_calibration.np
    try:
        return float(nannyml_calibration._calculate_expected_calibration_error(labels, scores, edges))
    finally:
        nannyml_calibration.np = original


def reliability(rng):
    confidence = rng.beta(4, 2, 800)
    hit = rng.random(800) < confidence**1.4
    edges = numpy.linspace(0, 1, 50)
    on_edges = numpy.concatenate([edges, edges, numpy.linspace(0, 1, 16), [0, 0, 1, 1, 1]])
    on_edges_hit = rng.random(len(on_edges)) < 0.6
    for name, scores, hits, nums in [
        ("smooth", confidence, hit, (2, 10, 16, 50)),
        ("few", confidence[:7], hit[:7], (10, 50)),
        ("on the edges", on_edges, on_edges_hit, (16, 50)),
    ]:
        for num_bins in nums:
            yield {
                "name": name,
                "num_bins": num_bins,
                "confidence": scores.tolist(),
                "hit": [bool(value) for value in hits],
                "ece": expected_calibration_error(hits.astype(int), scores, num_bins=num_bins),
            }


def top_label(rng):
    probabilities = rng.dirichlet([1.5, 1.0, 0.5], 300)
    labels = numpy.array([rng.choice(3, p=row) for row in probabilities])
    sharpened = probabilities**1.7
    sharpened /= sharpened.sum(axis=1, keepdims=True)
    confidence = sharpened.max(axis=1)
    hit = (sharpened.argmax(axis=1) == labels).astype(int)
    return {
        "num_bins": 50,
        "probabilities": sharpened.tolist(),
        "labels": labels.tolist(),
        "top_label_ece": top_label_ece(labels, sharpened, num_bins=50),
        "confidence_ece": expected_calibration_error(hit, confidence, num_bins=50),
    }


def equal_count(rng):
    for n_rows, n_bins in [(4, 10), (19, 10), (20, 10), (21, 10), (29, 10), (30, 10), (105, 10), (400, 10), (37, 3)]:
        scores = rng.random(n_rows)
        labels = (rng.random(n_rows) < scores**2).astype(int)
        if n_rows == 105:
            scores = scores.round(1)
        yield {
            "n_bins": n_bins,
            "scores": scores.tolist(),
            "labels": labels.astype(bool).tolist(),
            "ece": stable_nannyml_ece(labels, scores, n_bins),
        }


def needs(rng):
    scores = rng.beta(2, 2, 1600)
    uniform = rng.random(1600)
    separated = numpy.concatenate([rng.random(100) * 0.4, 0.6 + rng.random(100) * 0.4])
    steps = numpy.sort(rng.beta(2, 2, 500))
    spread = numpy.arange(500) * (numpy.sqrt(5) - 1) / 2 % 1
    shuffled = rng.permutation(500)
    for name, x, y in [
        ("calibrated", steps[shuffled], (spread < steps)[shuffled]),
        ("calibrated by chance", scores[:600], uniform[:600] < scores[:600]),
        ("overconfident", scores[600:1000], uniform[600:1000] < 0.5 + (scores[600:1000] - 0.5) * 0.4),
        ("shifted, rounded", scores[1000:].round(2), uniform[1000:] < scores[1000:] ** 2),
        ("one class", scores[:50], numpy.ones(50)),
        ("separated", separated, numpy.arange(200) >= 100),
    ]:
        y = y.astype(int)
        case = {"name": name, "scores": x.tolist(), "labels": y.astype(bool).tolist(), "folds": []}
        case["is_needed"] = bool(
            nannyml_calibration.needs_calibration(y, x, nannyml_calibration.IsotonicCalibrator())
        )
        if name not in ("one class", "separated"):
            splitter = StratifiedShuffleSplit(n_splits=10, test_size=0.1, random_state=42)
            labels, before, after = [], [], []
            for train, test in splitter.split(x, y):
                calibrator = nannyml_calibration.IsotonicCalibrator()
                calibrator.fit(x[train], y[train])
                labels.append(y[test])
                before.append(x[test])
                after.append(calibrator.calibrate(x[test]))
                case["folds"].append(test.tolist())
            labels = numpy.concatenate(labels)
            case["ece_before"] = stable_nannyml_ece(labels, numpy.concatenate(before), 10)
            case["ece_after"] = stable_nannyml_ece(labels, numpy.concatenate(after), 10)
            assert case["is_needed"] == (case["ece_before"] > case["ece_after"])
        yield case


def temperature(rng):
    def fitted(name, logits, labels, from_probabilities=False):
        rows = numpy.arange(len(labels))
        z = numpy.log(logits + 1e-12) if from_probabilities else logits

        def slope(inverse):
            p = scipy.special.softmax(z * inverse, axis=1)
            return ((p * z).sum(axis=1) - z[rows, labels]).sum()

        inverse = scipy.optimize.brentq(slope, numpy.exp(-10), numpy.exp(10), xtol=1e-300, rtol=8.9e-16)
        return {
            "name": name,
            "from_probabilities": from_probabilities,
            "logits": logits.tolist(),
            "labels": labels.tolist(),
            "temperature": 1 / inverse,
            "scikit_learn_temperature": float(1 / _TemperatureScaling().fit(logits, labels).beta_),
            "calibrated": scipy.special.softmax(z[:20] * inverse, axis=1).tolist(),
        }

    def labels_of(logits, true_temperature):
        p = scipy.special.softmax(logits / true_temperature, axis=1)
        return numpy.array([rng.choice(p.shape[1], p=row) for row in p])

    logits = rng.normal(size=(250, 4)) * 3
    yield fitted("overconfident", logits, labels_of(logits, 2.5))
    yield fitted("underconfident", logits / 10, labels_of(logits / 10, 0.15))
    two = rng.normal(size=(150, 2)) * 40
    yield fitted("hot", two, labels_of(two, 30))
    probabilities = rng.dirichlet([0.3, 0.3, 0.3], 150)
    probabilities[:3] = [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]]
    labels = labels_of(numpy.log(probabilities + 1e-12), 1.8)
    labels[:3] = [0, 1, 2]
    yield fitted("probabilities", probabilities, labels, from_probabilities=True)


def platt(rng):
    def fitted(name, scores, labels):
        n_positive = labels.sum()
        n_negative = len(labels) - n_positive
        target = numpy.where(labels > 0, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
        unit = max(1.0, numpy.abs(scores).max())
        f = scores / unit

        def gradient(ab):
            error = target - scipy.special.expit(-(ab[0] * f + ab[1]))
            return [(f * error).sum(), error.sum()]

        def hessian(ab):
            p = scipy.special.expit(ab[0] * f + ab[1])
            w = p * (1 - p)
            return [[(f * f * w).sum(), (f * w).sum()], [(f * w).sum(), w.sum()]]

        slope, intercept = _sigmoid_calibration(scores, labels)
        start = [slope * unit, intercept]
        exact = scipy.optimize.root(gradient, start, jac=hessian, tol=1e-15).x
        assert numpy.abs(gradient(exact)).max() < 1e-11
        at = numpy.linspace(scores.min() - 1, scores.max() + 1, 15)
        return {
            "name": name,
            "scores": scores.tolist(),
            "labels": labels.astype(bool).tolist(),
            "slope": exact[0] / unit,
            "intercept": exact[1],
            "at": at.tolist(),
            "probability": scipy.special.expit(-(exact[0] / unit * at + exact[1])).tolist(),
            "scikit_learn_probability": scipy.special.expit(-(slope * at + intercept)).tolist(),
        }

    scores = rng.normal(size=300)
    labels = (rng.random(300) < scipy.special.expit(2 * scores - 1)).astype(int)
    yield fitted("margins", scores, labels)
    yield fitted("large margins", scores * 500, labels)
    yield fitted("probabilities", scipy.special.expit(scores), labels)
    yield fitted("reversed", -scores, labels)
    yield fitted("separable", numpy.array([-2.0, -1, 1, 2]), numpy.array([0, 0, 1, 1]))
    yield fitted("one class", numpy.array([0.1, 0.5, 0.9]), numpy.array([1, 1, 1]))


if __name__ == "__main__":
    seeded = numpy.random.default_rng
    golden = {
        "versions": {
            name: importlib.metadata.version(name) for name in ["mapie", "nannyml", "numpy", "scikit-learn", "scipy"]
        },
        "reliability": list(reliability(seeded(1))),
        "top_label": top_label(seeded(2)),
        "equal_count": list(equal_count(seeded(3))),
        "needs": list(needs(seeded(4))),
        "temperature": list(temperature(seeded(5))),
        "platt": list(platt(seeded(6))),
    }
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
