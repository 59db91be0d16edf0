"""Writes exports.json: pipelines and boosted trees trained on scikit-learn's bundled data, as their exporters write them, answered by ONNX Runtime.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python exports.py

Models are small on purpose; docs/coverage.md, which coverage.py writes, has one of each estimator.
"""

import pathlib
import tempfile
import warnings

import catboost
import lightgbm
import numpy
import onnx
import pandas
import skl2onnx
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as MlFloat
from skl2onnx.common.data_types import DictionaryType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
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

from cases import allow_truth_values, case, write

HERE = pathlib.Path(__file__).parent

warnings.filterwarnings("ignore")
IRIS = load_iris()
X = IRIS.data.astype(numpy.float32)
Y = IRIS.target
WORDS = IRIS.target_names[Y]
DIABETES = load_diabetes()
XR = DIABETES.data.astype(numpy.float32)[:, :5]
YR = DIABETES.target.astype(numpy.float32)
SHOWN = numpy.r_[0:2, 60:62, 110:112]


def holes(x):
    x = x.copy()
    x[::3, 0] = numpy.nan
    x[::4, 2] = numpy.nan
    return x


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


def boosted():
    small = {"n_estimators": 4, "max_depth": 3, "random_state": 0}
    missing, missing_targets = holes(X), holes(XR)
    rank = numpy.full(15, 10)
    models = {
        "two classes": (xgboost.XGBClassifier(**small), missing, (Y == 1).astype(int), {}),
        "three classes": (xgboost.XGBClassifier(**small), missing, Y, {}),
        "targets": (xgboost.XGBRegressor(**small), missing_targets, YR, {}),
        "counts": (xgboost.XGBRegressor(objective="count:poisson", **small), missing_targets, YR, {}),
        "logistic targets": (xgboost.XGBRegressor(objective="reg:logistic", **small), missing_targets, YR / 400, {}),
        "forest": (xgboost.XGBRFClassifier(**small), missing, Y, {}),
    }
    for name, (estimator, x, y, fit) in models.items():
        estimator.fit(x, y, **fit)
        model = convert_xgboost(estimator, initial_types=[("x", MlFloat([None, x.shape[1]]))], target_opset=15)
        yield case(f"XGBoost, {name}", model, {"x": x[SHOWN]})
    # The exporter knows no XGBRanker, but what it trains.
    data = xgboost.DMatrix(missing, Y, group=rank)
    ranker = xgboost.train({"objective": "rank:pairwise", "max_depth": 3}, data, num_boost_round=4)
    model = convert_xgboost(ranker, initial_types=[("x", MlFloat([None, 4]))], target_opset=15)
    yield case("XGBoost, ranks", model, {"x": missing[SHOWN]})
    small = {"n_estimators": 4, "num_leaves": 6, "random_state": 0, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    categories = XR.copy()
    categories[:, 0] = numpy.arange(len(XR)) % 5
    models = {
        "two classes": (lightgbm.LGBMClassifier(**small), missing, (Y == 1).astype(int), {}),
        "three classes": (lightgbm.LGBMClassifier(**small), missing, Y, {}),
        "targets": (lightgbm.LGBMRegressor(**small), missing_targets, YR, {}),
        "counts": (lightgbm.LGBMRegressor(objective="poisson", **small), missing_targets, YR, {}),
        "ranks": (lightgbm.LGBMRanker(**small), missing, Y, {"group": rank}),
        "categories": (lightgbm.LGBMRegressor(**small), categories, YR + 50 * (categories[:, 0] == 3), {"categorical_feature": [0]}),
        "forest": (lightgbm.LGBMRegressor(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **small), missing_targets, YR, {}),
    }
    for name, (estimator, x, y, fit) in models.items():
        estimator.fit(x, y, **fit)
        model = convert_lightgbm(estimator, initial_types=[("x", MlFloat([None, x.shape[1]]))], target_opset=15)
        yield case(f"LightGBM, {name}", model, {"x": x[SHOWN]})


def catboosted():
    small = {"iterations": 5, "depth": 3, "random_seed": 0, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    models = {
        "two classes": (catboost.CatBoostClassifier(**small), X, (Y == 1).astype(int)),
        "two words": (catboost.CatBoostClassifier(**small), X, numpy.where(Y == 1, "yes", "no")),
        "three classes": (catboost.CatBoostClassifier(**small), X, Y),
        "targets": (catboost.CatBoostRegressor(**small), XR, YR),
    }
    for name, (estimator, x, y) in models.items():
        estimator.fit(x, y)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.onnx"
            estimator.save_model(path, format="onnx")
            yield case(f"CatBoost, {name}", onnx.load(path), {"features": x[SHOWN]})


def main():
    allow_truth_values()
    write(HERE / "exports.json", [*pipelines(), *columns(), *boosted(), *catboosted(), *metrics()])


if __name__ == "__main__":
    main()
