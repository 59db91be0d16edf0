"""Trains `diabetes`, the regression: ridge regression of disease progression after one year on ten measurements.

It takes the measurements as a clinic has them (years, mmHg, ...), not the standardised columns that scikit-learn returns
by default: standardisation is folded into the coefficients. It is a demonstration of regression and not a medical tool; it
explains less than half of the variance. Ridge is used because a perceptron did no better in cross-validation on the
training rows (R² 0.52 for both).

Run: `python models/diabetes/train.py` with `models/requirements.txt` installed; about a second.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import numpy as np  # noqa: E402
from sklearn.datasets import load_diabetes  # noqa: E402
from sklearn.linear_model import Ridge  # noqa: E402
from sklearn.metrics import mean_absolute_error, r2_score  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

import model_folder  # noqa: E402

SEED = 0
SPLIT = "train_test_split(test_size=1/3, random_state=0)"
HELD_OUT_ROW = "| `heldout.json` | all held-out rows: `key` (`patient-<position in the data set>`), raw `X`, true `y` |\n"


def split():
    data = load_diabetes(scaled=False)
    positions = np.arange(len(data.target))
    parts = train_test_split(data.data, data.target, positions, test_size=1 / 3, random_state=SEED)
    return parts, list(data.feature_names)


def to_onnx(pipeline):
    """`(x - mean) / scale · w + b` as `x · (w / scale) + (b - mean · (w / scale))`, computed in FP64."""
    scaler, ridge = pipeline[0], pipeline[1]
    coefficients = ridge.coef_ / scaler.scale_
    return model_folder.linear_regressor(FOLDER.name, coefficients, ridge.intercept_ - scaler.mean_ @ coefficients)


def check_and_predict(model, rows, expected):
    runtime = model_folder.session(model.SerializeToString(deterministic=True))
    answer = model_folder.run(runtime, {"X": rows.astype(np.float32)})["y"]
    difference = float(np.abs(answer / expected - 1).max())
    assert difference < 1e-5, f"relative difference to scikit-learn: {difference}"
    return answer, difference


def describe(features, pipeline, train_rows, truth, answer, difference):
    return {
        "name": FOLDER.name,
        "version": "1",
        "description": "Diabetes progression after one year from ten baseline measurements: ridge regression",
        "licence": "Apache-2.0",
        "features": features,
        "dataset": {
            "name": "Diabetes data of Efron, Hastie, Johnstone and Tibshirani (2004), as bundled with scikit-learn",
            "source": "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
            "licence": "not stated by its authors; distributed with scikit-learn (BSD-3-Clause)",
            "split": SPLIT,
            "training-rows": train_rows,
            "held-out-rows": len(truth),
        },
        "training": model_folder.training(pipeline, SEED),
        "held-out": {
            "r2": round(float(r2_score(truth, answer)), 4),
            "mean-absolute-error": round(float(mean_absolute_error(truth, answer)), 2),
            "rows": len(truth),
            "measured-with": "onnxruntime",
            "largest-relative-difference-to-scikit-learn": float(f"{difference:.1e}"),
        },
    }


def write_held_out(rows, truth, positions):
    columns = {
        "key": [f"patient-{position}" for position in positions],
        "X": model_folder.numbers(rows.astype(np.float32)),
        "y": model_folder.numbers(truth.astype(np.float32)),
    }
    (FOLDER / "reference" / "heldout.json").write_text(model_folder.column_lines(columns))


def main():
    (train_x, held_x, train_y, held_y, _, positions), features = split()
    with threadpool_limits(1):
        pipeline = make_pipeline(StandardScaler(), Ridge()).fit(train_x, train_y)
        expected = pipeline.predict(held_x)
    model = to_onnx(pipeline)
    answer, difference = check_and_predict(model, held_x, expected)
    description = describe(features, pipeline, len(train_y), held_y, answer, difference)
    model_folder.write_model(FOLDER, model, description)
    model_folder.write_reference(FOLDER, model, held_x, SEED, HELD_OUT_ROW)
    write_held_out(held_x, held_y, positions)
    print(f"diabetes: R² {r2_score(held_y, answer):.4f}, mean absolute error {mean_absolute_error(held_y, answer):.2f}")


main()
