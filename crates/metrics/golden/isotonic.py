"""Writes isotonic.json: fits and predictions of scikit-learn's isotonic regression.

Run: python -m venv VENV && VENV/bin/pip install -r requirements-isotonic.txt && VENV/bin/python isotonic.py
"""

import json
import pathlib

import numpy
import scipy
import sklearn
from sklearn.isotonic import IsotonicRegression


def case(name, x, y, weight=None):
    x = numpy.asarray(x, dtype=float)
    y = numpy.asarray(y, dtype=float)
    weight = numpy.ones(len(x)) if weight is None else numpy.asarray(weight, dtype=float)
    model = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(x, y, sample_weight=weight)
    span = x.max() - x.min() + 1
    at = numpy.concatenate([
        numpy.linspace(x.min() - span, x.max() + span, 41),
        model.X_thresholds_,
        (model.X_thresholds_[1:] + model.X_thresholds_[:-1]) / 2,
        x[:20],
    ])
    return {
        "name": name,
        "x": x.tolist(),
        "y": y.tolist(),
        "weight": weight.tolist(),
        "knots_x": model.X_thresholds_.tolist(),
        "knots_y": model.y_thresholds_.tolist(),
        "at": at.tolist(),
        "predicted": model.predict(at).tolist(),
    }


def cases():
    rng = numpy.random.default_rng(20261127)
    yield case("one observation", [0.3], [1])
    yield case("two ascending", [0.1, 0.9], [0, 1])
    yield case("two descending", [0.1, 0.9], [1, 0])
    yield case("one x", [0.5] * 5, [0, 1, 1, 0, 1])
    yield case("all descending", numpy.arange(10), -numpy.arange(10.0))
    yield case("textbook", range(10), [5, 3, 1, 2, 8, 10, 7, 9, 6, 4])
    yield case("zero and negative zero", [0.0, -0.0, 1.0, -1.0], [1, 0, 1, 0])
    yield case("ties nearer than the resolution", [0.5, 0.5 + 5e-16, 0.5 + 2e-15, 0.7], [1, 0, 0, 1])
    chain = 1e-3 + numpy.arange(8) * 4e-16
    yield case("a chain of near ties", [*chain, 0.5], [0, 1, 0, 1, 0, 1, 0, 1, 1])
    scores = rng.beta(2, 3, 400)
    labels = (rng.random(400) < scores**1.5).astype(float)
    yield case("scores and labels", scores, labels)
    yield case("rounded scores", scores.round(2), labels)
    yield case("weights", scores[:150].round(2), labels[:150], rng.choice([0, 0.25, 1, 3.5], 150))
    yield case("real targets", rng.normal(size=200), rng.normal(size=200) * 1e6)
    x = rng.normal(size=300).round(1)
    yield case("real targets with ties and weights", x, x + rng.normal(size=300), rng.gamma(1.0, size=300))


if __name__ == "__main__":
    versions = {"numpy": numpy.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    golden = {"versions": versions, "cases": list(cases())}
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
