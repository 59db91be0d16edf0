"""Writes cases.json beside this file: models that teams have, trained on scikit-learn's bundled data, their ONNX files, rows as a client sends them,
and what the framework itself says to those rows.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python train.py

`tolerance` is how far an answer may be from the framework's, relative to the larger one or to one: 1e-5, or as far as ONNX Runtime is.
"""

import base64
import io
import json
import pathlib
import warnings

import numpy
import onnx
import onnxruntime
import pandas
import skl2onnx
import torch
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import GradientBoostingRegressor, IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
OPSETS = {"": 17, "ai.onnx.ml": 3}
WITHOUT_MAPS = {"zipmap": False}

warnings.filterwarnings("ignore")
torch.manual_seed(0)


def exported(estimator, types, options=None):
    return skl2onnx.convert_sklearn(estimator, initial_types=types, options=options, target_opset=OPSETS)


def farthest(found, expected):
    found, expected = numpy.asarray(found, numpy.float64).ravel(), numpy.asarray(expected, numpy.float64).ravel()
    return float((abs(found - expected) / numpy.maximum(abs(expected), 1)).max())


def case(name, model, inputs, said):
    """`inputs` has an array with a row for each row; `said` what the framework says, by output, None for an output that it does not have."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs)))
    numbers = [output for output, expected in said.items() if numpy.asarray(expected).dtype.kind == "f"]
    distance = max([farthest(answers[output], said[output]) for output in numbers], default=0.0)
    n_rows = len(next(iter(inputs.values())))
    value = lambda array, row: [None if element != element else element for element in numpy.asarray(array[row]).tolist()]
    row = lambda arrays, row: {key: value(array, row) for key, array in arrays.items()}
    return {
        "name": name,
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "instances": [row({key: array.reshape(n_rows, *array.shape[1:]) for key, array in inputs.items()}, each) for each in range(n_rows)],
        "said": {output: numpy.asarray(expected).reshape(n_rows, -1).tolist() for output, expected in said.items()},
        "tolerance": max(1e-5, distance),
    }


def pipeline():
    """Numbers with holes and words, of which one is new to the model."""
    data = load_wine(as_frame=True)
    frame = data.data[["alcohol", "color_intensity"]].astype(numpy.float32)
    frame["taste"] = numpy.where(data.data.malic_acid > 2, "sour", "mild")
    frame["colour"] = pandas.cut(data.data.hue, [0, 0.8, 1.1, 9], labels=["ochre", "ruby", "violet"]).astype(str)
    frame.loc[::7, "alcohol"] = numpy.nan
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["alcohol", "color_intensity"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["taste", "colour"]),
        ]
    )
    estimator = make_pipeline(prepare, LogisticRegression()).fit(frame, data.target_names[data.target])
    types = [(name, StringTensorType([None, 1]) if frame[name].dtype.kind in "OTU" else FloatTensorType([None, 1])) for name in frame]
    shown = frame.iloc[::18].copy()
    shown.iloc[1, 2] = "bitter"
    inputs = {name: shown[[name]].to_numpy(numpy.float32 if frame[name].dtype.kind == "f" else object) for name in frame}
    said = {"label": estimator.predict(shown), "probabilities": estimator.predict_proba(shown)}
    return case("columns of numbers and words", exported(estimator, types, {id(estimator): WITHOUT_MAPS}), inputs, said)


def boosting():
    data = load_diabetes()
    x = data.data.astype(numpy.float32)
    estimator = GradientBoostingRegressor(n_estimators=500, max_depth=3, random_state=0).fit(x, data.target)
    model = exported(estimator, [("X", FloatTensorType([None, x.shape[1]]))])
    return case("gradient boosting of 500 trees", model, {"X": x[::30]}, {"variable": estimator.predict(x[::30])})


def support_vectors():
    data = load_wine()
    x = data.data.astype(numpy.float32)
    estimator = make_pipeline(StandardScaler(), SVC(probability=True, random_state=0)).fit(x, data.target)
    model = exported(estimator, [("X", FloatTensorType([None, x.shape[1]]))], {id(estimator): WITHOUT_MAPS})
    said = {"label": estimator.predict(x[::12]), "probabilities": estimator.predict_proba(x[::12])}
    return case("support vectors", model, {"X": x[::12]}, said)


def isolation_forest():
    x = load_breast_cancer().data.astype(numpy.float32)[:, :8]
    estimator = IsolationForest(n_estimators=30, random_state=0).fit(x)
    model = skl2onnx.convert_sklearn(estimator, initial_types=[("X", FloatTensorType([None, 8]))], target_opset=OPSETS)
    return case("isolation forest", model, {"X": x[::40]}, {"label": estimator.predict(x[::40]), "scores": estimator.decision_function(x[::40])})


def digits():
    data = load_digits()
    images, labels = torch.tensor(data.images[:, None] / 16, dtype=torch.float32), torch.tensor(data.target)
    cnn = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10), nn.Softmax(1),
    )
    optimiser = torch.optim.Adam(cnn.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        loss = nn.functional.nll_loss(torch.log(cnn(images[:1500]) + 1e-9), labels[:1500])
        loss.backward()
        optimiser.step()
    cnn.eval()
    file = io.BytesIO()
    rows = torch.export.Dim("rows")
    program = torch.onnx.export(cnn, (images[:2],), dynamo=True, input_names=["image"], output_names=["digit"], dynamic_shapes=({0: rows},))
    program.save(file)
    shown = images[1500::60]
    return case("a network of the digits", onnx.load_from_string(file.getvalue()), {"image": shown.numpy()}, {"digit": cnn(shown).detach().numpy()})


def main():
    cases = [pipeline(), boosting(), support_vectors(), isolation_forest(), digits()]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    (HERE / "cases.json").write_text(f"[\n{lines}\n]\n", "utf-8")
    for each in cases:
        print(each["name"], len(each["model"]), each["tolerance"])


if __name__ == "__main__":
    main()
