"""Writes cbpe.json: what NannyML's CBPE estimates, chunk by chunk, with the probabilities that it calibrated, and tests of SciPy.

Run: python -m venv VENV && VENV/bin/pip install -r requirements-cbpe.txt && VENV/bin/python cbpe.py
"""

import importlib.metadata
import json
import os
import pathlib

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import numpy
import pandas
import scipy.special
import scipy.stats
from nannyml.performance_estimation.confidence_based import cbpe as nannyml_cbpe
from nannyml.performance_estimation.confidence_based.metrics import estimate_ap, estimate_roc_auc
from nannyml.sampling_error.binary_classification import auroc_sampling_error_components

METRICS = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision"]
CLASSES = ["a", "b", "c"]


def distinct(values, decimals=6):
    """Rounded, and moved until no two are equal: NannyML leaves the order of equal scores to chance."""
    taken, moved = set(), []
    for value in numpy.round(values, decimals):
        while value in taken:
            value = round(value + 10.0**-decimals, decimals)
        taken.add(value)
        moved.append(float(value))
    return numpy.array(moved)


def chunk_records(result, metrics):
    frame = result.filter(period="analysis").to_df()
    columns = ["value", "sampling_error", "lower_confidence_boundary", "upper_confidence_boundary"]
    for row in range(len(frame)):
        start, end = (int(frame[("chunk", name)].iloc[row]) for name in ["start_index", "end_index"])
        values = {
            metric: {column: float(frame[(metric, column)].iloc[row]) for column in columns} for metric in metrics
        }
        yield {"start": start, "end": end + 1, "metrics": values}


def binary(name, rng, n_reference, n_analysis, chunk_size, sharpen, base):
    def sample(n, shift):
        logit = rng.normal(base + shift, 1.6, n)
        label = (rng.random(n) < scipy.special.expit(logit)).astype(int)
        score = distinct(scipy.special.expit(logit * sharpen + 0.3).clip(1e-6, 1 - 1e-6))
        return pandas.DataFrame({"score": score, "answer": (score > 0.5).astype(int), "label": label})

    numpy.random.seed(7)
    reference, analysis = sample(n_reference, 0), sample(n_analysis, 0.5)
    estimator = nannyml.CBPE(
        y_pred_proba="score", y_pred="answer", y_true="label", metrics=METRICS, chunk_size=chunk_size,
        problem_type="classification_binary",
    )
    estimator.fit(reference)
    result = estimator.estimate(analysis)
    needs = estimator.needs_calibration
    scores = analysis["score"].to_numpy()
    spreads = {metric.column_name: metric._sampling_error_components for metric in estimator.metrics}
    return {
        "name": name,
        "needs_calibration": bool(needs),
        "reference": {column: reference[column].tolist() for column in ["score", "answer", "label"]},
        "score": scores.tolist(),
        "answer": analysis["answer"].tolist(),
        "label": analysis["label"].tolist(),
        "probability": (estimator.calibrator.calibrate(scores) if needs else scores).tolist(),
        "average_precision_spread": [float(part) for part in spreads["average_precision"]],
        "chunks": list(chunk_records(result, METRICS)),
    }


def multiclass(rng):
    def sample(n, shift):
        logit = rng.normal(0, 1.5, (n, 3)) + [0.4 + shift, 0, -0.4]
        truth = scipy.special.softmax(logit, axis=1)
        label = [rng.choice(CLASSES, p=row) for row in truth]
        score = scipy.special.softmax(logit * 1.8, axis=1)
        frame = pandas.DataFrame({name: distinct(score[:, idx]) for idx, name in enumerate(CLASSES)})
        frame["answer"] = numpy.array(CLASSES)[score.argmax(axis=1)]
        frame["label"] = label
        return frame

    numpy.random.seed(8)
    reference, analysis = sample(800, 0), sample(450, 0.6)
    columns = {name: name for name in CLASSES}
    estimator = nannyml.CBPE(
        y_pred_proba=columns, y_pred="answer", y_true="label", metrics=METRICS, chunk_size=150,
        problem_type="classification_multiclass",
    )
    estimator.fit(reference)
    result = estimator.estimate(analysis)
    calibrated = nannyml_cbpe._calibrate_predicted_probabilities(
        analysis, "label", columns, estimator._calibrators
    )
    index = {name: idx for idx, name in enumerate(CLASSES)}
    return {
        "reference_answer": [index[value] for value in reference["answer"]],
        "reference_label": [index[value] for value in reference["label"]],
        "reference_scores": reference[CLASSES].to_numpy().tolist(),
        "score": analysis[CLASSES].to_numpy().tolist(),
        "answer": [index[value] for value in analysis["answer"]],
        "probability": calibrated[CLASSES].to_numpy().tolist(),
        "one_vs_rest": [estimator._calibrators[name].calibrate(analysis[name]).tolist()[:30] for name in CLASSES],
        "chunks": list(chunk_records(result, METRICS)),
    }


def curves(rng):
    for n in [2, 3, 10, 57]:
        score = distinct(rng.random(n))
        probability = rng.random(n)
        yield {
            "score": score.tolist(),
            "probability": probability.tolist(),
            "roc_auc": float(estimate_roc_auc(probability, score)),
            "average_precision": float(estimate_ap(probability, score)),
        }


def spreads(rng):
    for n, rate in [(40, 0.3), (41, 0.7), (12, 0.5)]:
        score = distinct(rng.random(n))
        label = (rng.random(n) < rate).astype(int)
        if n == 12:
            label = (numpy.argsort(numpy.argsort(score)) % 4 == 0).astype(int)
        std, fraction = auroc_sampling_error_components(pandas.Series(label), pandas.Series(score))
        yield {
            "score": score.tolist(), "label": [bool(value) for value in label], "std": float(std),
            "fraction": float(fraction),
        }


def gaps(rng):
    for n, shift in [(20, 0), (200, 0), (200, 0.15), (1000, -0.05), (1000, 0.4)]:
        p = rng.beta(4, 2, n)
        happened = rng.random(n) < (p - shift).clip(0, 1)
        z = (happened.sum() - p.sum()) / numpy.sqrt((p * (1 - p)).sum())
        law = scipy.stats.poisson_binom(p)
        below, above = law.cdf(happened.sum()), law.sf(happened.sum() - 1)
        middle = law.pmf(happened.sum()) / 2
        yield {
            "probability": p.tolist(),
            "happened": [bool(value) for value in happened],
            "z_score": float(z),
            "p_value": float(2 * scipy.stats.norm.sf(abs(z))),
            "exact_variance": float(law.var()),
            "exact_mid_p_value": float(min(1, 2 * (min(below, above) - middle))),
        }


if __name__ == "__main__":
    seeded = numpy.random.default_rng
    golden = {
        "versions": {
            name: importlib.metadata.version(name)
            for name in ["nannyml", "numpy", "pandas", "scikit-learn", "scipy", "statsmodels"]
        },
        "binary": [
            binary("overconfident", seeded(1), 700, 900, 225, 2.0, -0.3),
            binary("mostly positive", seeded(2), 300, 300, 100, 0.6, 1.4),
        ],
        "multiclass": multiclass(seeded(3)),
        "curves": list(curves(seeded(4))),
        "spreads": list(spreads(seeded(5))),
        "gaps": list(gaps(seeded(6))),
    }
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
