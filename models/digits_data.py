"""The digits data of both digits models, and what their descriptions share. It trains nothing.

The data are scikit-learn's bundled copy of the test part of UCI "Optical Recognition of Handwritten Digits": 1 797
pictures of 8x8 pixels from 0 to 16. A third is held out and never seen in training or in choosing a model.
Both models answer for raw pixels: their scale, 1/16, is a power of two and therefore exact when folded into weights.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import model_folder

SEED = 0
PIXEL_SCALE = 1 / 16
LABELS = [str(digit) for digit in range(10)]
SPLIT = "train_test_split(test_size=1/3, random_state=0, stratify=labels)"
DATASET = "UCI Optical Recognition of Handwritten Digits (test part), as bundled with scikit-learn"
SOURCE = "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits"


def split():
    """Raw pixels, labels and positions in the data set: (training, held out), each a dictionary of arrays."""
    pixels, labels = load_digits(return_X_y=True)
    positions = np.arange(len(labels))
    parts = train_test_split(pixels, labels, positions, test_size=1 / 3, random_state=SEED, stratify=labels)
    names = ("pixels", "labels", "positions")
    return dict(zip(names, parts[0::2], strict=True)), dict(zip(names, parts[1::2], strict=True))


def check_and_score(model, held_out, expected_probabilities):
    """Held-out accuracy in ONNX Runtime, after checking its probabilities against scikit-learn's."""
    runtime = model_folder.session(model.SerializeToString(deterministic=True))
    outputs = model_folder.run(runtime, {"X": held_out["pixels"].astype(np.float32)})
    difference = float(np.abs(outputs["probabilities"] - expected_probabilities).max())
    assert difference < 1e-5, f"probabilities differ from scikit-learn's by {difference}"
    correct = int((outputs["label"] == held_out["labels"]).sum())
    return correct, difference


def describe(name, description, estimator, held_out, train_rows, correct, difference):
    """The description that `model_folder.write_model` completes."""
    rows = len(held_out["labels"])
    return {
        "name": name,
        "version": "1",
        "description": description,
        "licence": "Apache-2.0",
        "labels": LABELS,
        "dataset": {
            "name": DATASET,
            "source": SOURCE,
            "licence": "CC-BY-4.0",
            "split": SPLIT,
            "training-rows": train_rows,
            "held-out-rows": rows,
        },
        "training": model_folder.training(estimator, SEED),
        "held-out": {
            "accuracy": round(correct / rows, 4),
            "correct": correct,
            "rows": rows,
            "measured-with": "onnxruntime",
            "largest-difference-to-scikit-learn": float(f"{difference:.1e}"),
        },
    }
