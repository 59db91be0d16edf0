"""One model of each estimator and transformer in skl2onnx's list, trained on one half of scikit-learn's bundled data and asked about the other. Not a script.

Numbers are float32 as ONNX has them, in float64 where scikit-learn trains and answers, as a user's are.
"""

import numpy
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common.data_types import DictionaryType, FloatTensorType, Int64TensorType, StringTensorType
from skl2onnx.sklapi import CastRegressor, CastTransformer, ReplaceTransformer
from sklearn.base import is_classifier
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics.pairwise import linear_kernel
from sklearn.multioutput import MultiOutputClassifier
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

BASE = LogisticRegression()
SHALLOW = DecisionTreeClassifier(max_depth=2)
PAIR = [("a", LogisticRegression()), ("b", SHALLOW)]
TARGET_PAIR = [("a", LinearRegression()), ("b", DecisionTreeRegressor(max_depth=2))]
ARGUMENTS = {
    "BaggingClassifier": {"estimator": DecisionTreeClassifier(max_depth=3), "n_estimators": 3},
    "BaggingRegressor": {"estimator": DecisionTreeRegressor(max_depth=3), "n_estimators": 3},
    "CastRegressor": {"estimator": DecisionTreeRegressor(max_depth=3)},
    "ColumnTransformer": {"transformers": [("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [2, 3])]},
    # ONNX Runtime makes small letters by the locale of the machine, which may lack it.
    "CountVectorizer": {"lowercase": False},
    "DictVectorizer": {"sparse": False},
    "FeatureHasher": {"n_features": 16, "input_type": "string"},
    "FeatureUnion": {"transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())]},
    "GaussianProcessRegressor": {"alpha": 0.5},
    "GaussianRandomProjection": {"n_components": 2},
    "GridSearchCV": {"estimator": BASE, "param_grid": {"C": [0.1, 1.0]}},
    "KBinsDiscretizer": {"encode": "onehot-dense", "n_bins": 4, "quantile_method": "averaged_inverted_cdf"},
    "KernelPCA": {"n_components": 3, "kernel": "rbf"},
    "LocalOutlierFactor": {"novelty": True},
    "MultiOutputClassifier": {"estimator": BASE},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "NearestNeighbors": {"n_neighbors": 3, "radius": None},
    "OneVsOneClassifier": {"estimator": BASE},
    "OneVsRestClassifier": {"estimator": BASE},
    "Pipeline": {"steps": [("a", StandardScaler()), ("b", LogisticRegression())]},
    "RFE": {"estimator": BASE},
    # Every row has as many neighbours: what skl2onnx writes for rows with fewer, ONNX Runtime refuses.
    "RadiusNeighborsClassifier": {"radius": 100.0, "weights": "distance"},
    "RadiusNeighborsRegressor": {"radius": 100.0, "weights": "distance"},
    "RFECV": {"estimator": BASE},
    "RandomTreesEmbedding": {"sparse_output": False},
    "ReplaceTransformer": {"from_value": 0.5, "to_value": 9.0},
    "SelectFromModel": {"estimator": RandomForestClassifier(3, max_depth=3, random_state=0)},
    "StackingClassifier": {"estimators": PAIR},
    "StackingRegressor": {"estimators": TARGET_PAIR},
    "TfidfVectorizer": {"lowercase": False},
    "TunedThresholdClassifierCV": {"estimator": BASE},
    "VotingClassifier": {"estimators": PAIR, "voting": "soft", "flatten_transform": False},
    "VotingRegressor": {"estimators": TARGET_PAIR},
}
SMALLER = {"n_estimators": 4, "random_state": 0, "max_depth": 3}
TWO_CLASSES = {"TunedThresholdClassifierCV", "GaussianProcessClassifier", "TargetEncoder"}
SEVERAL_TARGETS = {"MultiOutputRegressor", "PLSRegression", "MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV"}
POSITIVE_TARGETS = {"GammaRegressor", "PoissonRegressor", "TweedieRegressor"}
CATEGORIES = {"CategoricalNB", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
OF_LABELS = {"LabelBinarizer", "LabelEncoder"}
OF_WORDS = {"CountVectorizer", "TfidfVectorizer"}

SENTENCES = [
    "the model answers every row", "a row has a key", "every key travels with its row", "the model imports nothing",
    "nothing answers without the model", "a key is a key",
]


def supported():
    """The list of skl2onnx, without what is private to its converters: each name and class."""
    public = {kind.__name__: kind for kind in sklearn_operator_name_map if not isinstance(kind, str)}
    known = dict(all_estimators()) | {kind.__name__: kind for kind in (CastRegressor, CastTransformer, ReplaceTransformer)}
    return sorted((name, known.get(name, kind)) for name, kind in public.items() if not name.startswith("_"))


def estimator_of(name, kind):
    arguments = dict(ARGUMENTS.get(name, {}))
    known = kind(**arguments).get_params(deep=False)
    smaller = {argument: value for argument, value in SMALLER.items() if argument in known and argument not in arguments}
    if name == "IsolationForest":
        smaller.pop("max_depth", None)
    return kind(**(smaller | arguments))


def numbers(name, estimator):
    """Rows of numbers to learn from, and the targets."""
    iris = load_iris()
    x, y = iris.data.astype(numpy.float32).astype(numpy.float64), iris.target
    if name in TWO_CLASSES:
        x, y = (numpy.floor(x[50:]) if name in CATEGORIES else x[50:]), (y[50:] == 1).astype(int)
    elif name in CATEGORIES:
        x = numpy.floor(x)
    elif name in ("KNNImputer", "SimpleImputer"):
        x[::3, 0] = x[1::4, 2] = numpy.nan
    elif name == "KernelCenterer":
        x = linear_kernel(x[::5])
    elif name == "IsotonicRegression":
        x = x[:, :1]
    if name in SEVERAL_TARGETS:
        return x[:, :2], x[:, 2:]
    if name == "MultiOutputClassifier":
        return x, numpy.stack([y, y == 1], axis=1).astype(int)
    if name in POSITIVE_TARGETS:
        return x, x[:, 3] + 0.1
    if is_classifier(estimator) or not hasattr(estimator, "predict") or name == "TargetEncoder":
        return x, y
    if name.startswith(("Lars", "Lasso", "Orthogonal")):
        diabetes = load_diabetes()
        return diabetes.data[:, :5].astype(numpy.float32).astype(numpy.float64), diabetes.target
    return x, x[:, 3] + 0.1 * x[:, 0]


class Trained:
    """An estimator, what it is asked, and of which types ONNX takes that."""

    def __init__(self, estimator, asked, types, inputs, given=None):
        self.estimator, self.asked, self.types, self.inputs = estimator, asked, types, inputs
        # How a request says the inputs.
        self.given = given or inputs

    def options(self):
        """What its converter is asked for: probabilities as a tensor, if it has a choice."""
        has_choice = is_classifier(self.estimator) and not isinstance(self.estimator, MultiOutputClassifier)
        return {id(self.estimator): {"zipmap": False}} if has_choice else None

    def answers(self):
        """What scikit-learn answers, by every method that this estimator has."""
        for method in ("predict", "predict_proba", "decision_function", "transform", "score_samples", "kneighbors"):
            try:
                answer = getattr(self.estimator, method)(self.asked)
            except Exception:
                continue
            yield from answer if isinstance(answer, (list, tuple)) else [answer]


def trained(name, kind):
    estimator = estimator_of(name, kind)
    if name in OF_WORDS:
        estimator.fit(SENTENCES)
        words = numpy.array(SENTENCES, dtype=object)
        return Trained(estimator, SENTENCES, [("X", StringTensorType([None]))], {"X": words})
    if name == "FeatureHasher":
        words = numpy.array([[word] for word in SENTENCES[0].split()], dtype=object)
        return Trained(estimator, words, [("X", StringTensorType([None, 1]))], {"X": words})
    if name == "DictVectorizer":
        rows = [{"red": 1.0, "round": 2.0}, {"green": 1.0}, {"red": 3.0, "green": 1.0}]
        estimator.fit(rows)
        types = [("X", DictionaryType(StringTensorType([None]), FloatTensorType([None])))]
        return Trained(estimator, rows[:1], types, {"X": rows[0]}, {"X": estimator.transform(rows[:1]).astype(numpy.float32)})
    if name in OF_LABELS:
        y = load_iris().target
        estimator.fit(y)
        asked = y[::7].astype(numpy.int64)
        return Trained(estimator, asked, [("X", Int64TensorType([None]))], {"X": asked})
    if name == "TfidfTransformer":
        x, y = numpy.random.default_rng(0).integers(0, 4, (30, 6)).astype(float), None
    else:
        x, y = numbers(name, estimator)
    learnt = slice(None, None, 2) if name != "KernelCenterer" else slice(None)
    estimator.fit(x[learnt], None if y is None else y[learnt])
    asked = x[1::2][:75]
    return Trained(estimator, asked, [("X", FloatTensorType([None, x.shape[1]]))], {"X": asked.astype(numpy.float32)})
