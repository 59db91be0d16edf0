"""Writes exports.json: pipelines and boosted trees trained on scikit-learn's bundled data, as their exporters write them, answered by ONNX Runtime;
and packed.json: those that need operators of crates/onnx-standard, or outputs that only a packed model has.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python exports.py

Models are small on purpose; docs/coverage.md, which coverage.py writes, has one of each estimator.
"""

import pathlib
import warnings

import numpy
import pandas
import skl2onnx
from skl2onnx.common.data_types import DictionaryType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.feature_extraction import DictVectorizer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, OneClassSVM

import boosters
import estimators
from boosters import SHOWN, X, XR, Y, YR, holes
from cases import allow_truth_values, case, write

HERE = pathlib.Path(__file__).parent

warnings.filterwarnings("ignore")
WORDS = load_iris().target_names[Y]


def scikit(name, estimator, x, y, **options):
    estimator.fit(x, y)
    model = skl2onnx.to_onnx(estimator, x[:1], target_opset={"": 17, "ai.onnx.ml": 3}, **options)
    return case(name, model, {"X": x[SHOWN % len(x)]})


def without_zipmap(estimator):
    return {"options": {id(estimator): {"zipmap": False}}}


def pipelines():
    yield scikit("logistic regression, three classes", make_pipeline(StandardScaler(), LogisticRegression()), X, Y)
    yield scikit("logistic regression, two words", LogisticRegression(), X, numpy.where(Y == 1, "yes", "no"))
    yield scikit("forest, words", RandomForestClassifier(5, max_depth=3, random_state=0), X, WORDS)
    forest = RandomForestClassifier(5, max_depth=3, random_state=0)
    yield scikit("forest, two classes", forest, X, (Y == 1).astype(int), **without_zipmap(forest))
    yield scikit("forest, targets", RandomForestRegressor(5, max_depth=3, random_state=0), XR, YR)
    yield scikit("gradient boosting, three classes", GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0), X, Y)
    yield scikit("gradient boosting, two classes", GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0), X, Y == 1)
    missing = holes(X)
    yield scikit("histograms, missing values", HistGradientBoostingClassifier(max_iter=4, max_depth=3), missing, Y)
    yield scikit("histograms, targets", HistGradientBoostingRegressor(max_iter=5, max_depth=3), holes(XR), YR)
    yield scikit("imputer", make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), missing, Y)
    yield scikit("isolation forest", IsolationForest(n_estimators=4, max_samples=16, random_state=0), X, None)
    few = numpy.r_[0:20, 50:70, 100:120]
    for kernel in ["linear", "poly", "rbf", "sigmoid"]:
        yield scikit(f"support vectors, {kernel}", SVC(kernel=kernel), X[few], Y[few])
    yield scikit("support vectors, probabilities", SVC(probability=True, random_state=0), X, Y)
    yield scikit("support vectors, words and probabilities", SVC(probability=True, random_state=0), X, numpy.where(Y == 1, "yes", "no"))
    yield scikit("linear support vectors", LinearSVC(random_state=0), X, Y)
    yield scikit("support vectors, targets", SVR(C=10), XR[:112], YR[:112])
    yield scikit("support vectors, one class", OneClassSVM(nu=0.2), X, None)
    many = {"n_estimators": 500, "max_depth": 1, "learning_rate": 0.05, "random_state": 0}
    yield scikit("gradient boosting, 500 trees", GradientBoostingRegressor(**many), XR, YR)
    yield nearest("neighbours", KNeighborsClassifier(3), X, Y)
    yield words()


def nearest(name, estimator, x, y):
    estimator.fit(x[::5], y[::5])
    model = skl2onnx.to_onnx(estimator, x[:1], target_opset={"": 17, "ai.onnx.ml": 3})
    return case(name, model, {"X": x[SHOWN]})


def metrics():
    """Distances to known points: their exporter writes most of them as a Scan over the rows."""
    yield nearest("neighbours, words", KNeighborsClassifier(3, metric="manhattan"), X, WORDS)
    yield nearest("neighbours, minkowski", KNeighborsClassifier(4, metric="minkowski", p=3, weights="distance"), X + 0.01, Y)
    yield nearest("neighbours, cosine", KNeighborsClassifier(3, metric="cosine", algorithm="brute"), X, Y)
    for metric in ["euclidean", "manhattan"]:
        yield nearest(f"neighbours, targets, {metric}", KNeighborsRegressor(3, metric=metric), XR[:112], YR[:112])
    yield nearest("neighbours, weighted targets", KNeighborsRegressor(5, weights="distance"), XR[:112] + 0.001, YR[:112])


def words():
    """A map as the input. Here it is a row with a column for each word of the vocabulary, and a word that the vocabulary lacks has none."""
    rows = [{"red": 1.0, "round": 2.0}, {"green": 1.0}, {"red": 3.0, "green": 1.0}, {"round": 1.0}] * 5
    estimator = make_pipeline(DictVectorizer(sparse=False), LogisticRegression()).fit(rows, [0, 1, 0, 1] * 5)
    types = [("X", DictionaryType(StringTensorType([None]), FloatTensorType([None])))]
    model = skl2onnx.convert_sklearn(estimator, initial_types=types, target_opset={"": 17, "ai.onnx.ml": 3})
    vocabulary = estimator.steps[0][1].feature_names_
    shown = {"red": 2.0, "green": 0.5}
    answered = case("words", model, {"X": shown}, {"X": numpy.array([[shown.get(word, 0) for word in vocabulary]], numpy.float32)})
    return answered


def columns():
    rng = numpy.random.default_rng(5)
    frame = pandas.DataFrame(
        {
            "age": rng.normal(40, 10, 120).astype(numpy.float32),
            "visits": rng.integers(0, 9, 120),
            "city": rng.choice(["Oslo", "Rome", "Kyōto"], 120),
            "plan": rng.choice(["free", "paid"], 120),
        }
    )
    target = numpy.where((frame.age > 40) ^ (frame.plan == "paid"), "stays", "leaves")
    encode = OneHotEncoder(handle_unknown="ignore")
    prepare = ColumnTransformer([("numbers", StandardScaler(), ["age", "visits"]), ("words", encode, ["city", "plan"])])
    estimator = make_pipeline(prepare, LogisticRegression()).fit(frame, target)
    types = [
        ("age", FloatTensorType([None, 1])),
        ("visits", Int64TensorType([None, 1])),
        ("city", StringTensorType([None, 1])),
        ("plan", StringTensorType([None, 1])),
    ]
    model = skl2onnx.convert_sklearn(estimator, initial_types=types, target_opset={"": 17, "ai.onnx.ml": 3})
    shown = frame[:5].copy()
    shown.loc[0, "city"] = "Atlantis"
    inputs = {name: shown[[name]].to_numpy() for name in frame}
    inputs["city"], inputs["plan"] = inputs["city"].astype(object), inputs["plan"].astype(object)
    yield case("columns of numbers and words", model, inputs)
    encoder = LabelEncoder().fit(frame.city)
    model = skl2onnx.convert_sklearn(encoder, initial_types=[("X", StringTensorType([None]))], target_opset={"": 17, "ai.onnx.ml": 3})
    yield case("label encoder", model, {"X": frame.city.to_numpy()[:5].astype(object)})


def packed():
    """Words by their hashes, several labels, and all neighbours within a distance."""
    for name in ("FeatureHasher", "MultiOutputClassifier", "RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "GaussianProcessRegressor"):
        trained = estimators.trained(name, dict(estimators.supported())[name])
        model = skl2onnx.to_onnx(trained.estimator, initial_types=trained.types, target_opset={"": 17, "ai.onnx.ml": 3}, options=trained.options())
        yield case(name, model, {input: asked[:6] for input, asked in trained.inputs.items()})


def boosted():
    for name, model, inputs, _ in boosters.all_models():
        if not isinstance(model, Exception):
            yield name, model, inputs


def answered(models):
    """Those that ONNX Runtime takes."""
    for name, model, inputs in models:
        try:
            yield case(name, model, inputs)
        except Exception as error:
            print(f"{name}: {str(error).splitlines()[0]}")


def main():
    allow_truth_values()
    write(HERE / "packed.json", packed())
    write(HERE / "exports.json", [*pipelines(), *columns(), *answered(boosted()), *metrics()])


if __name__ == "__main__":
    main()
