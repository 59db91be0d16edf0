"""Boosted trees by XGBoost, LightGBM and CatBoost, as their exporters write them. Not a script.

Each has a name, the ONNX model or why there is none, the rows that it is asked about, and what the library itself answers.
"""

import pathlib
import tempfile
import warnings

import catboost
import lightgbm
import numpy
import onnx
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_diabetes, load_iris

warnings.filterwarnings("ignore")
IRIS, DIABETES = load_iris(), load_diabetes()
X, Y = IRIS.data.astype(numpy.float32), IRIS.target
XR, YR = DIABETES.data.astype(numpy.float32)[:, :5], DIABETES.target.astype(numpy.float32)
# Flowers to rank: groups of ten, with all kinds in each.
GROUPS = numpy.full(15, 10)
MIXED = numpy.random.default_rng(0).permutation(len(Y))
SHOWN = numpy.r_[0:2, 60:62, 110:112]
MISSING = -9.0


def holes(x):
    x = x.copy()
    x[::3, 0] = numpy.nan
    x[::4, 2] = numpy.nan
    return x


def zeros(x):
    return numpy.nan_to_num(holes(x))


def categories():
    """A column of five categories, of which one matters."""
    x = XR.copy()
    x[:, 0] = numpy.arange(len(x)) % 5
    return x, YR + 50 * (x[:, 0] == 3)


def answers(estimator, x):
    for method in ("predict", "predict_proba", "decision_function"):
        try:
            yield numpy.asarray(getattr(estimator, method)(x))
        except Exception:
            continue


def boosted(library, convert, models):
    for name, (estimator, x, y, fit) in models.items():
        estimator.fit(x, y, **fit)
        try:
            model = convert(estimator, initial_types=[("x", FloatTensorType([None, x.shape[1]]))], target_opset=15)
        except Exception as error:
            model = error
        yield f"{library}, {name}", model, {"x": numpy.asarray(x, numpy.float32)[SHOWN]}, list(answers(estimator, x[SHOWN]))


def of_xgboost():
    small = {"n_estimators": 4, "max_depth": 3, "random_state": 0}
    x, targets = holes(X), holes(XR)
    classes, regression = xgboost.XGBClassifier, xgboost.XGBRegressor
    coded = numpy.where(numpy.isnan(targets), numpy.float32(MISSING), targets)
    many, many_targets = categories()
    two = (Y == 1).astype(int)
    yield from boosted("XGBoost", convert_xgboost, {
        "two classes": (classes(**small), x, two, {}),
        "three classes": (classes(**small), x, Y, {}),
        "targets": (regression(**small), targets, YR, {}),
        "counts": (regression(objective="count:poisson", **small), targets, YR, {}),
        "logistic targets": (regression(objective="reg:logistic", **small), targets, YR / 400, {}),
        "forest": (xgboost.XGBRFClassifier(**small), x, Y, {}),
        "forest, two classes": (xgboost.XGBRFClassifier(**small), x, two, {}),
        "dart": (classes(booster="dart", **small), x, Y, {}),
        "forest, targets": (xgboost.XGBRFRegressor(**small), targets, YR, {}),
        "absolute error": (regression(objective="reg:absoluteerror", **small), targets, YR, {}),
        "gamma": (regression(objective="reg:gamma", **small), targets, YR, {}),
        "tweedie": (regression(objective="reg:tweedie", **small), targets, YR, {}),
        "base score of targets": (regression(base_score=100.0, **small), targets, YR, {}),
        "base score of two classes": (classes(base_score=0.2, **small), x, two, {}),
        "nothing missing": (classes(**small), X, Y, {}),
        "missing as a number": (regression(missing=MISSING, **small), coded, YR, {}),
        "several targets": (regression(**small), X[:, :2], X[:, 2:], {}),
        "linear": (regression(booster="gblinear", n_estimators=4), XR, YR, {}),
        "categories": (regression(enable_categorical=True, feature_types=["c"] + ["q"] * 4, **small), many, many_targets, {}),
    })
    yield from rankers_of_xgboost(x[MIXED], Y[MIXED])


def rankers_of_xgboost(x, y):
    """The exporter takes the objective of a ranker for one of two classes, unless it is told that these are targets."""
    for name, objective, exported_as in [
        ("ranks", "rank:pairwise", "reg:squarederror"),
        ("ranks by gain", "rank:ndcg", "reg:squarederror"),
        ("ranks as they are", "rank:pairwise", "rank:pairwise"),
    ]:
        ranker = xgboost.XGBRanker(objective=objective, n_estimators=4, max_depth=3, random_state=0).fit(x, y, group=GROUPS)
        scores = ranker.predict(x[SHOWN])
        booster = ranker.get_booster()
        booster.set_param({"objective": exported_as})
        model = convert_xgboost(booster, initial_types=[("x", FloatTensorType([None, 4]))], target_opset=15)
        yield f"XGBoost, {name}", model, {"x": x[SHOWN]}, [scores, numpy.stack([-scores, scores], axis=1)]


def of_lightgbm():
    small = {"n_estimators": 4, "num_leaves": 6, "random_state": 0, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    x, targets = holes(X), holes(XR)
    classes, regression = lightgbm.LGBMClassifier, lightgbm.LGBMRegressor
    many, many_targets = categories()
    many_missing = many.copy()
    many_missing[::7, 0] = numpy.nan
    two = (Y == 1).astype(int)
    yield from boosted("LightGBM", convert_lightgbm, {
        "two classes": (classes(**small), x, two, {}),
        "three classes": (classes(**small), x, Y, {}),
        "targets": (regression(**small), targets, YR, {}),
        "counts": (regression(objective="poisson", **small), targets, YR, {}),
        "ranks": (lightgbm.LGBMRanker(**small), x[MIXED], Y[MIXED], {"group": GROUPS}),
        "categories": (regression(**small), many, many_targets, {"categorical_feature": [0]}),
        "forest": (regression(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **small), targets, YR, {}),
        "forest of 100 trees": (regression(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **(small | {"n_estimators": 100})), targets, YR, {}),
        "three classes, one against all": (classes(objective="multiclassova", **small), x, Y, {}),
        "zero as missing": (regression(zero_as_missing=True, **small), zeros(XR), YR, {}),
        "zero as missing, two classes": (classes(zero_as_missing=True, **small), zeros(X), two, {}),
        "no missing values": (regression(use_missing=False, **small), targets, YR, {}),
        "categories, some missing": (regression(**small), many_missing, many_targets, {"categorical_feature": [0]}),
        "categories, two classes": (classes(**small), many, (many_targets > 150).astype(int), {"categorical_feature": [0]}),
        "dart": (regression(boosting_type="dart", **small), targets, YR, {}),
        "one side sampled": (regression(data_sample_strategy="goss", **small), targets, YR, {}),
        "absolute error": (regression(objective="l1", **small), targets, YR, {}),
        "quantile": (regression(objective="quantile", alpha=0.8, **small), targets, YR, {}),
        "gamma": (regression(objective="gamma", **small), targets, YR, {}),
        "tweedie": (regression(objective="tweedie", **small), targets, YR, {}),
        "cross entropy": (regression(objective="cross_entropy", **small), targets, YR / 400, {}),
        "ranks by cross entropy": (lightgbm.LGBMRanker(objective="rank_xendcg", **small), x[MIXED], Y[MIXED], {"group": GROUPS}),
        "weighted classes": (classes(class_weight="balanced", **small), x, two, {}),
        "linear leaves": (regression(linear_tree=True, **small), XR, YR, {}),
    })


def of_catboost():
    small = {"iterations": 5, "depth": 3, "random_seed": 0, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    classes, regression = catboost.CatBoostClassifier, catboost.CatBoostRegressor
    many, many_targets = categories()
    frame = many.astype(object)
    frame[:, 0] = [f"c{category:.0f}" for category in many[:, 0]]
    models = {
        "two classes": (classes(**small), X, (Y == 1).astype(int), {}),
        "two words": (classes(**small), X, numpy.where(Y == 1, "yes", "no"), {}),
        "three classes": (classes(**small), X, Y, {}),
        "targets": (regression(**small), XR, YR, {}),
        "missing values": (regression(**small), holes(XR), YR, {}),
        "missing values, three classes": (classes(nan_mode="Max", **small), holes(X), Y, {}),
        "three classes, one against all": (classes(loss_function="MultiClassOneVsAll", **small), X, Y, {}),
        "absolute error": (regression(loss_function="MAE", **small), XR, YR, {}),
        "quantile": (regression(loss_function="Quantile:alpha=0.8", **small), XR, YR, {}),
        "counts": (regression(loss_function="Poisson", **small), XR, YR, {}),
        "several targets": (regression(loss_function="MultiRMSE", **small), X[:, :2], X[:, 2:], {}),
        "ranks": (catboost.CatBoostRanker(loss_function="QueryRMSE", bootstrap_type="No", **small), X[MIXED], Y[MIXED], {"group_id": numpy.repeat(numpy.arange(15), 10)}),
        "other trees": (regression(grow_policy="Lossguide", **small), XR, YR, {}),
        "categories": (regression(cat_features=[0], **small), frame, many_targets, {}),
    }
    for name, (estimator, x, y, fit) in models.items():
        estimator.fit(x, y, **fit)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.onnx"
            try:
                estimator.save_model(path, format="onnx")
                model = onnx.load(path)
            except Exception as error:
                model = error
        inputs = {"features": many[SHOWN] if name == "categories" else x[SHOWN]}
        yield f"CatBoost, {name}", model, inputs, list(answers(estimator, x[SHOWN]))


def all_models():
    yield from of_xgboost()
    yield from of_lightgbm()
    yield from of_catboost()
