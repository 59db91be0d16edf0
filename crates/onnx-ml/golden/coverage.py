"""Writes docs/coverage.md: which estimators that skl2onnx can export answer as in ONNX Runtime, and why the others do not.

    venv/bin/python coverage.py

It trains one of each on scikit-learn's bundled data, and has the example `answer` of this crate, built by cargo, answer the exported models.
"""

import json
import pathlib
import subprocess
import tempfile
import warnings

import numpy
import skl2onnx
from sklearn.base import is_classifier
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from cases import allow_truth_values, case, write

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
OPSETS = {"": 17, "ai.onnx.ml": 3}
ARGUMENTS = {
    "BaggingClassifier": {"estimator": DecisionTreeClassifier(max_depth=3), "n_estimators": 3},
    "BaggingRegressor": {"estimator": DecisionTreeRegressor(max_depth=3), "n_estimators": 3},
    "ColumnTransformer": {"transformers": [("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [2, 3])]},
    "FeatureUnion": {"transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())]},
    "LocalOutlierFactor": {"novelty": True},
    "Pipeline": {"steps": [("a", StandardScaler()), ("b", LogisticRegression())]},
    "ClassifierChain": {"estimator": LogisticRegression()},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "GaussianProcessRegressor": {"alpha": 0.5},
    "GaussianRandomProjection": {"n_components": 2},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression()},
    "RFE": {"estimator": LogisticRegression()},
    "RFECV": {"estimator": LogisticRegression()},
    "RandomizedSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [0.1, 1.0]}, "n_iter": 2},
    "RegressorChain": {"estimator": Ridge()},
    "SelectFromModel": {"estimator": RandomForestClassifier(3, max_depth=3, random_state=0)},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "SequentialFeatureSelector": {"estimator": LogisticRegression()},
    "SparseRandomProjection": {"n_components": 2},
    "StackingClassifier": {"estimators": [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))]},
    "StackingRegressor": {"estimators": [("a", LinearRegression()), ("b", DecisionTreeRegressor(max_depth=2))]},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression()},
    "VotingClassifier": {"estimators": [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))], "voting": "soft", "flatten_transform": False},
    "VotingRegressor": {"estimators": [("a", LinearRegression()), ("b", DecisionTreeRegressor(max_depth=2))]},
}
SMALLER = {"n_estimators": 4, "max_iter": None, "random_state": 0, "max_depth": 3}
TWO_CLASSES = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
WORDS = {"CountVectorizer", "TfidfVectorizer", "HashingVectorizer", "FeatureHasher", "TfidfTransformer", "DictVectorizer", "PatchExtractor"}


def estimator_of(name, kind):
    arguments = dict(ARGUMENTS.get(name, {}))
    known = kind(**arguments).get_params(deep=False)
    for argument, value in SMALLER.items():
        if argument in known and value is not None and argument not in arguments and not (argument == "max_depth" and name == "IsolationForest"):
            arguments[argument] = value
    return kind(**arguments)


def data(name, estimator):
    iris = load_iris()
    x, y = iris.data.astype(numpy.float32), iris.target
    if name in TWO_CLASSES:
        x, y = x[:100], y[:100]
    if "NB" in name or name in ("MinMaxScaler", "AdditiveChi2Sampler"):
        x = numpy.abs(x)
    if name.startswith("MultiTask") or name in ("MultiOutputRegressor", "RegressorChain", "CCA", "PLSCanonical", "PLSRegression", "PLSSVD"):
        return x[:, :2], x[:, 2:]
    if name in ("MultiOutputClassifier", "ClassifierChain"):
        return x, numpy.stack([y == 1, y == 2], axis=1).astype(int)
    if name == "MultiLabelBinarizer":
        raise ValueError("takes lists of labels, which are no tensor")
    if name == "IsotonicRegression":
        return x[:, :1], y.astype(numpy.float32)
    if name in ("LabelBinarizer", "LabelEncoder"):
        return y.reshape(-1, 1).astype(numpy.int64) if name == "LabelEncoder" else y.astype(numpy.int64), None
    if name in ("CategoricalNB", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder"):
        return numpy.floor(x), y
    if name in ("GammaRegressor", "PoissonRegressor", "TweedieRegressor"):
        return x, x[:, 3] + 0.1
    return x, y if is_classifier(estimator) or not hasattr(estimator, "predict") else x[:, 3] + 0.1 * x[:, 0]


def export(name, kind):
    estimator = estimator_of(name, kind)
    x, y = data(name, estimator)
    if name in ("LabelEncoder", "LabelBinarizer"):
        estimator.fit(x.ravel())
    elif y is None:
        estimator.fit(x)
    else:
        estimator.fit(x, y)
    options = {"zipmap": False} if is_classifier(estimator) and name not in ("MultiOutputClassifier",) else None
    shown = x[numpy.linspace(0, len(x) - 1, 7).astype(int)]
    try:
        model = skl2onnx.to_onnx(estimator, x[:1], target_opset=OPSETS, options={id(estimator): options} if options else None)
    except NameError:
        model = skl2onnx.to_onnx(estimator, x[:1], target_opset=OPSETS)
    return model, {model.graph.input[0].name: shown}


def answers(cases):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "cases.json"
        write(path, cases)
        command = ["cargo", "run", "--quiet", "--package", "onnx-ml", "--example", "answer", "--", str(path)]
        return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def first_line(error):
    text = str(error).strip().replace("|", "/")
    return (text.splitlines() or [type(error).__name__])[0][:160]


def main():
    warnings.filterwarnings("ignore")
    allow_truth_values()
    supported = {kind.__name__ for kind in skl2onnx.supported_converters(from_sklearn=True) if not isinstance(kind, str)}
    supported |= {name.removeprefix("Sklearn") for name in skl2onnx.supported_converters(from_sklearn=False)}
    rows, cases, operators = {}, [], {}
    for name, kind in all_estimators():
        if name not in supported | {"GridSearchCV"} or name in WORDS:
            continue
        try:
            model, inputs = export(name, kind)
            cases.append(case(name, model, inputs))
            operators[name] = sorted({f"{node.domain + ':' if node.domain else ''}{node.op_type}" for node in model.graph.node})
        except Exception as error:
            rows[name] = f"not exported here: {first_line(error)}"
    differences = answers(cases)
    for name, difference in differences.items():
        rows[name] = "yes" if difference is None else f"no: {first_line(difference)}"
    n_yes = sum(row == "yes" for row in rows.values())
    lines = [
        "# What runs of scikit-learn",
        "",
        "`crates/onnx-ml/golden/coverage.py` wrote this: one model of each estimator that skl2onnx can export, trained on scikit-learn's bundled",
        "data, answered by tract with the operators of `crates/onnx-ml`, and compared with ONNX Runtime: relative differences up to 1e-5.",
        "",
        f"{n_yes} of {len(cases)} exported models answer alike. That is tract on this machine. Packed, a model with the operator `Scan` is refused, because of k nearest neighbours it gave other",
        "answers; `tests/suite/classic.rs` packs 43 exports, of CatBoost, LightGBM and XGBoost too, and compares. `docs/operators.md` has the single operators.",
        "",
        "The probabilities of a classifier exported with `ZipMap` are in rows an object of label and value, and elsewhere a tensor with a column for each",
        'label. An input of a `DictVectorizer` is in rows an object of word and value, `{"instances": [{"X": {"red": 2}}]}`, and elsewhere a tensor with a',
        "column for each word of its vocabulary; the property `labels.X` of the model has the words in order.",
        "",
        "| estimator | answers alike |",
        "|---|---|",
        *(f"| {name} | {row} |" for name, row in sorted(rows.items())),
    ]
    (ROOT / "docs" / "coverage.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
