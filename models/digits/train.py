"""Trains `digits`, the cloud model: a multilayer perceptron 64-128-64-10 on raw 8x8 pixels.

It is a small model that every part of Plinth can be shown with; it is not a competitive digit recogniser, and its
held-out rows share writers with its training rows. The graph is built from the trained weights with standard operators
(Gemm, Relu, Softmax, ArgMax), because a converter's `ai.onnx.ml` operators are not all understood by tract; it is checked
against scikit-learn before anything is written.

The layers were chosen by 3-fold cross-validation on the training rows: 97.75 %, against 97.41 % for 64-256-10.

Run: `python models/digits/train.py` with `models/requirements.txt` installed; about five seconds.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from sklearn.neural_network import MLPClassifier  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

import digits_data  # noqa: E402
import model_folder  # noqa: E402

HELD_OUT_ROW = "| `heldout.json` | all held-out rows: `key` (`digit-<position in the data set>`), pixels `X`, true `label` |\n"


def train(rows):
    estimator = MLPClassifier(hidden_layer_sizes=(128, 64), max_iter=300, random_state=digits_data.SEED)
    return estimator.fit(rows["pixels"] * digits_data.PIXEL_SCALE, rows["labels"])


def to_onnx(estimator):
    layers = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
    weights, bias = layers[0]
    layers[0] = (weights * digits_data.PIXEL_SCALE, bias)
    return model_folder.classifier(FOLDER.name, layers)


def write_held_out(rows):
    columns = {
        "key": [f"digit-{position}" for position in rows["positions"]],
        "X": rows["pixels"].astype(int).tolist(),
        "label": rows["labels"].tolist(),
    }
    (FOLDER / "reference" / "heldout.json").write_text(model_folder.column_lines(columns))


def main():
    training, held_out = digits_data.split()
    with threadpool_limits(1):
        estimator = train(training)
        expected = estimator.predict_proba(held_out["pixels"] * digits_data.PIXEL_SCALE)
    model = to_onnx(estimator)
    correct, difference = digits_data.check_and_score(model, held_out, expected)
    description = digits_data.describe(
        FOLDER.name,
        "Handwritten digits, 8x8 pixels from 0 to 16: a multilayer perceptron 64-128-64-10, the cloud model",
        estimator,
        held_out,
        len(training["labels"]),
        correct,
        difference,
    )
    model_folder.write_model(FOLDER, model, description)
    model_folder.write_reference(FOLDER, model, held_out["pixels"], digits_data.SEED, HELD_OUT_ROW)
    write_held_out(held_out)
    print(f"digits: {correct} of {len(held_out['labels'])} held-out rows right, {estimator.n_iter_} epochs")


main()
