"""Trains `digits-edge`, the edge model: logistic regression from 64 raw pixels to 10 classes.

It is the small first phase that asks `digits` when unsure; it is not meant to be right on its own. It has the interface
of `digits` and is trained and held out on the same rows (`models/digits/reference/heldout.json`). The graph is built from
the trained coefficients with standard operators (Gemm, Softmax, ArgMax) and checked against scikit-learn.

Run: `python models/digits-edge/train.py` with `models/requirements.txt` installed; about a second.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from sklearn.linear_model import LogisticRegression  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

import digits_data  # noqa: E402
import model_folder  # noqa: E402


def train(rows):
    estimator = LogisticRegression(max_iter=2000, random_state=digits_data.SEED)
    return estimator.fit(rows["pixels"] * digits_data.PIXEL_SCALE, rows["labels"])


def to_onnx(estimator):
    layer = (estimator.coef_.T * digits_data.PIXEL_SCALE, estimator.intercept_)
    return model_folder.classifier(FOLDER.name, [layer])


def main():
    training, held_out = digits_data.split()
    with threadpool_limits(1):
        estimator = train(training)
        expected = estimator.predict_proba(held_out["pixels"] * digits_data.PIXEL_SCALE)
    model = to_onnx(estimator)
    correct, difference = digits_data.check_and_score(model, held_out, expected)
    description = digits_data.describe(
        FOLDER.name,
        "Handwritten digits, 8x8 pixels from 0 to 16: logistic regression, the edge model",
        estimator,
        held_out,
        len(training["labels"]),
        correct,
        difference,
    )
    model_folder.write_model(FOLDER, model, description)
    model_folder.write_reference(FOLDER, model, held_out["pixels"], digits_data.SEED, "")
    print(f"digits-edge: {correct} of {len(held_out['labels'])} held-out rows right")


main()
