"""Writes encoders.json, linear.json, svm.json and trees.json: models of one operator each over a sweep of attributes, answered by ONNX Runtime.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py

All that varies is drawn from NumPy's seeded generator, so that it writes the same bytes every time.
"""

import itertools
import pathlib

import numpy
from onnx import TensorProto, helper, numpy_helper

from cases import case, write

HERE = pathlib.Path(__file__).parent
ONNX_TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "object": TensorProto.STRING,
}
TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
GRID = [-1.5, -1.0, -0.0, 0.0, 0.25, 1.0, 2.0]


def strings(*values):
    return numpy.array(values, dtype=object)


def model(op, inputs, outputs, version=3, constants=None, **attributes):
    attributes = {name: value for name, value in attributes.items() if value is not None}
    constants = constants or {}
    node = helper.make_node(op, [*inputs, *constants], list(outputs), domain="ai.onnx.ml", **attributes)
    declared = [
        helper.make_tensor_value_info(name, ONNX_TYPES[array.dtype.name], [None, *array.shape[1:]]) for name, array in inputs.items()
    ]
    answered = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()]
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph([node], op, declared, answered, initializers)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", version)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def one(name, op, inputs, outputs, **attributes):
    return case(f"{op}: {name}", model(op, inputs, outputs, **attributes), inputs)


def numbers(rng, rows=6, columns=4, kind="float32"):
    if kind.startswith("int"):
        return rng.integers(-3, 4, (rows, columns)).astype(kind)
    return rng.normal(size=(rows, columns)).astype(kind)


def encoders():
    rng = numpy.random.default_rng(1)
    real, double, word, integer = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.STRING, TensorProto.INT64
    words = numpy.array([["a", "b"], ["c", ""], ["b", "é"]], dtype=object)
    for kind in ["float32", "float64", "int32", "int64"]:
        x = numbers(rng, kind=kind)
        picked = {"y": numpy.array([[2, 0, 2]], dtype=numpy.int64)}
        yield one(kind, "ArrayFeatureExtractor", {"x": x}, {"z": ONNX_TYPES[kind]}, constants=picked)
    yield one("strings", "ArrayFeatureExtractor", {"x": words}, {"z": word}, constants={"y": numpy.array([1], dtype=numpy.int64)})
    flat = {"x": numpy.array([1.5, 2.5, 3.5], dtype=numpy.float32)}
    yield one("one axis", "ArrayFeatureExtractor", flat, {"z": real}, constants={"y": numpy.array([2, 1], dtype=numpy.int64)})
    for threshold in [None, 0.25]:
        yield one(f"threshold {threshold}", "Binarizer", {"x": numpy.array([GRID], dtype=numpy.float32)}, {"z": real}, threshold=threshold)
    mapping = {"cats_int64s": [3, 1, 3], "cats_strings": ["a", "b", "c"]}
    defaults = {"default_int64": 7, "default_string": "other"}
    for name, given in [("defaults", {}), ("own defaults", defaults)]:
        yield one(f"to integers, {name}", "CategoryMapper", {"x": words}, {"z": integer}, **mapping, **given)
        yield one(f"to strings, {name}", "CategoryMapper", {"x": numpy.array([[1, 3], [2, 0]])}, {"z": word}, **mapping, **given)
    wide, narrow = numbers(rng, 5, 3), numbers(rng, 5, 2, "float32")
    for widths in [[3, 2], [2, 2], [4, 3]]:
        yield one(f"widths {widths}", "FeatureVectorizer", {"a": wide, "b": narrow}, {"z": real}, inputdimensions=widths)
    yield one("integers", "FeatureVectorizer", {"a": numbers(rng, 5, 3, "int64")}, {"z": real}, inputdimensions=[3])
    holes = numbers(rng, 5, 3)
    holes[[0, 2, 4], [0, 1, 1]] = numpy.nan
    for values in [[1.5], [1.0, 2.0, 3.0]]:
        yield one(f"NaN by {len(values)}", "Imputer", {"x": holes}, {"z": real}, imputed_value_floats=values, replaced_value_float=float("nan"))
    zeros = numpy.array([[0.0, -0.0, 1.0], [2.0, 0.0, numpy.nan]], dtype=numpy.float32)
    yield one("zero", "Imputer", {"x": zeros}, {"z": real}, imputed_value_floats=[9.0])
    yield one("integers", "Imputer", {"x": numpy.array([[-1, 2], [3, -1]])}, {"z": integer}, imputed_value_int64s=[5, 6], replaced_value_int64=-1)
    yield from label_encoders(words)
    for norm in [None, "MAX", "L1", "L2"]:
        for kind in ["float32", "float64", "int64", "int32"]:
            x = numbers(rng, kind=kind)
            x[2] = 0
            yield one(f"{norm} {kind}", "Normalizer", {"x": x}, {"z": real}, norm=norm)
    yield one("all negative", "Normalizer", {"x": -numpy.abs(numbers(rng))}, {"z": real}, norm="MAX")
    # ONNX Runtime has no int32 here.
    for kind in ["float32", "float64", "int64"]:
        x = numpy.array([[1, 2], [3, 4], [0, -1]]).astype(kind)
        yield one(kind, "OneHotEncoder", {"x": x}, {"z": real}, cats_int64s=[2, 4, 1])
    yield one("strings", "OneHotEncoder", {"x": words}, {"z": real}, cats_strings=["b", "é", "a"], zeros=1)
    known = numpy.array([["a"], ["b"]], dtype=object)
    yield one("no zeros", "OneHotEncoder", {"x": known}, {"z": real}, cats_strings=["b", "a"], zeros=0)
    for kind in ["float32", "float64", "int64", "int32"]:
        x = numbers(rng, columns=3, kind=kind)
        yield one(f"{kind} by column", "Scaler", {"x": x}, {"z": real}, offset=[0.5, -1.0, 3.0], scale=[2.0, 0.1, 1.0])
        yield one(f"{kind} alike", "Scaler", {"x": x}, {"z": real}, offset=[0.5], scale=[3.0])


def label_encoders(words):
    integer = TensorProto.INT64
    halves = numpy.array([[0.5, -0.0], [numpy.nan, 2.0]], dtype=numpy.float32)
    keys = {
        "strings": (words, ["a", "b", "a"]),
        "int64s": (numpy.array([[1, 2], [3, 4]]), [1, 2, 1]),
        "floats": (halves, [0.5, 0.0, float("nan")]),
    }
    values = {"strings": (TensorProto.STRING, ["x", "y", "z"]), "int64s": (integer, [5, 6, 7]), "floats": (TensorProto.FLOAT, [0.1, 0.2, 0.3])}
    defaults = {"strings": {"default_string": "?"}, "int64s": {"default_int64": 42}, "floats": {"default_float": 4.5}}
    for (key, (x, k)), (value, (kind, v)), version in itertools.product(keys.items(), values.items(), [2, 4]):
        # In version 2, NaN is no key for ONNX Runtime.
        if version == 2 and key == "floats":
            k = [0.5, 0.0, 3.0]
        for name, default in [("", {}), (", default", defaults[value])]:
            attributes = {f"keys_{key}": k, f"values_{value}": v, **default}
            yield one(f"{version} {key} to {value}{name}", "LabelEncoder", {"x": x}, {"z": kind}, version=version, **attributes)
    # Doubles and int16 come as tensors, and so may all.
    pairs = [
        ("double to double", numpy.array([[0.5, numpy.nan], [1.0, 3.0]]), [0.5, numpy.nan], numpy.array([1.25, 2.5])),
        ("string to int16", words, strings("a", "b"), numpy.array([3, 4], dtype=numpy.int16)),
        ("int64 to string", numpy.array([[7, 8]]), [7, 9], strings("x", "y")),
        ("string to double", words, strings("a", "b"), numpy.array([3.5, 4.5])),
        ("double to string", numpy.array([[7.5, 8.0]]), [7.5, 9.0], strings("x", "y")),
    ]
    for name, x, k, v in pairs:
        k = numpy.array(k, dtype=x.dtype)
        default = numpy.array([v[0]], dtype=v.dtype)
        for own, given in [("", {}), (", default", {"default_tensor": numpy_helper.from_array(default)})]:
            tensors = {"keys_tensor": numpy_helper.from_array(k), "values_tensor": numpy_helper.from_array(v), **given}
            yield one(f"{name}{own}", "LabelEncoder", {"x": x}, {"z": ONNX_TYPES[v.dtype.name]}, version=4, **tensors)
    classes = {"classes_strings": ["b", "a"], "default_int64": -1, "default_string": "_Unused"}
    yield one("1 strings", "LabelEncoder", {"x": words}, {"z": integer}, version=1, **classes)
    yield one("1 integers", "LabelEncoder", {"x": numpy.array([[0, 1, 2]])}, {"z": TensorProto.STRING}, version=1, **classes)


def labels_of(n, kind, ints, words):
    if kind == "int":
        return {ints: [10, 3, 7][:n]}, TensorProto.INT64
    return {words: ["no", "yes", "maybe"][:n]}, TensorProto.STRING


def linear():
    rng = numpy.random.default_rng(2)
    for transform, targets in itertools.product(TRANSFORMS, [1, 3]):
        coefficients, intercepts = rng.normal(size=4 * targets), rng.normal(size=targets)
        if transform == "PROBIT":
            coefficients, intercepts = coefficients / 200, numpy.full(targets, 0.1)
        attributes = {"coefficients": coefficients, "intercepts": intercepts, "targets": targets, "post_transform": transform}
        yield one(f"{transform} {targets}", "LinearRegressor", {"x": numbers(rng)}, {"y": TensorProto.FLOAT}, **attributes)
    yield one("no intercept", "LinearRegressor", {"x": numbers(rng)}, {"y": TensorProto.FLOAT}, coefficients=rng.normal(size=4))
    yield one("many columns", "LinearRegressor", {"x": numbers(rng, 3, 37)}, {"y": TensorProto.FLOAT}, coefficients=rng.normal(size=37), intercepts=[0.5])
    for transform, n, kind in itertools.product(TRANSFORMS, [1, 2, 3], ["int", "string"]):
        sums = 1 if n == 1 else n
        # ONNX Runtime leaves half of the scores of one sum unset with PROBIT.
        if n == 1 and transform == "PROBIT":
            continue
        labels, label_type = labels_of(max(n, 2), kind, "classlabels_ints", "classlabels_strings")
        coefficients, intercepts = rng.normal(size=4 * sums), rng.normal(size=sums)
        if transform == "PROBIT":
            coefficients, intercepts = coefficients / 200, numpy.full(sums, 0.1)
        attributes = {"coefficients": coefficients, "intercepts": intercepts, "post_transform": transform, **labels}
        yield one(f"{transform} {sums} {kind}", "LinearClassifier", {"x": numbers(rng)}, {"y": label_type, "z": TensorProto.FLOAT}, **attributes)
    for kind in ["float64", "int32", "int64"]:
        attributes = {"coefficients": rng.normal(size=12), "intercepts": [0.1, 0.2, 0.3], "classlabels_ints": [1, 2, 3]}
        x = numbers(rng, kind=kind)
        yield one(kind, "LinearClassifier", {"x": x}, {"y": TensorProto.INT64, "z": TensorProto.FLOAT}, post_transform="SOFTMAX", **attributes)


def svm():
    rng = numpy.random.default_rng(3)
    kernels = {"LINEAR": [1.0, 0.0, 3.0], "POLY": [0.5, 1.0, 3.0], "RBF": [0.3, 0.0, 0.0], "SIGMOID": [0.2, 0.1, 0.0]}
    real = TensorProto.FLOAT
    for (kernel, parameters), one_class in itertools.product(kernels.items(), [0, 1]):
        attributes = {"kernel_type": kernel, "kernel_params": parameters, "n_supports": 5, "one_class": one_class}
        weights = {"support_vectors": rng.normal(size=20), "coefficients": rng.normal(size=5), "rho": [0.2]}
        yield one(f"{kernel} {one_class}", "SVMRegressor", {"x": numbers(rng)}, {"y": real}, **attributes, **weights)
    power = {"kernel_type": "POLY", "kernel_params": [0.5, 4.0, 2.0], "n_supports": 2}
    yield one("square", "SVMRegressor", {"x": numbers(rng)}, {"y": real}, support_vectors=rng.normal(size=8), coefficients=[1.0, -2.0], rho=[0.2], **power)
    yield one("linear", "SVMRegressor", {"x": numbers(rng)}, {"y": real}, coefficients=rng.normal(size=4), rho=[0.2], kernel_params=[1.0, 0.0, 3.0])
    for (kernel, parameters), n, has_probabilities, kind in itertools.product(kernels.items(), [2, 3], [False, True], ["int", "string"]):
        labels, label_type = labels_of(n, kind, "classlabels_ints", "classlabels_strings")
        pairs = n * (n - 1) // 2
        scaling = {"prob_a": -rng.uniform(0.5, 2, pairs), "prob_b": rng.normal(size=pairs) / 4} if has_probabilities else {}
        weights = {"support_vectors": rng.normal(size=12 * n), "coefficients": rng.normal(size=3 * n * (n - 1)), "rho": rng.normal(size=pairs)}
        attributes = {"kernel_type": kernel, "kernel_params": parameters, "vectors_per_class": [3] * n, **labels, **scaling, **weights}
        name = f"{kernel} {n} {kind}{' probabilities' if has_probabilities else ''}"
        yield one(name, "SVMClassifier", {"x": numbers(rng)}, {"y": label_type, "z": real}, **attributes)
    for transform, n in itertools.product(TRANSFORMS[1:4], [2, 3]):
        labels, label_type = labels_of(n, "int", "classlabels_ints", "")
        weights = {"support_vectors": rng.normal(size=12 * n), "coefficients": rng.normal(size=3 * n * (n - 1)), "rho": rng.normal(size=n * (n - 1) // 2)}
        attributes = {"kernel_type": "RBF", "kernel_params": [0.3, 0.0, 0.0], "vectors_per_class": [3] * n, "post_transform": transform}
        yield one(f"{transform} {n}", "SVMClassifier", {"x": numbers(rng)}, {"y": label_type, "z": real}, **attributes, **labels, **weights)
    for n, is_positive, transform in itertools.product([1, 2, 3], [False, True], ["NONE", "LOGISTIC", "SOFTMAX"]):
        labels, label_type = labels_of(n, "int", "classlabels_ints", "")
        coefficients = rng.normal(size=4 * n)
        coefficients = numpy.abs(coefficients) if is_positive else coefficients
        attributes = {"coefficients": coefficients, "rho": [0.1], "kernel_params": [1.0, 0.0, 3.0], "post_transform": transform, **labels}
        name = f"linear {n} {transform}{' positive' if is_positive else ''}"
        yield one(name, "SVMClassifier", {"x": numbers(rng)}, {"y": label_type, "z": real}, **attributes)
    for kind in ["float64", "int32", "int64"]:
        weights = {"support_vectors": rng.normal(size=24), "coefficients": rng.normal(size=6), "rho": [0.1], "classlabels_ints": [0, 1]}
        attributes = {"kernel_type": "RBF", "kernel_params": [0.3, 0.0, 0.0], "vectors_per_class": [3, 3], **weights}
        yield one(kind, "SVMClassifier", {"x": numbers(rng, kind=kind)}, {"y": TensorProto.INT64, "z": real}, **attributes)


class Trees:
    """Random trees as parallel lists."""

    def __init__(self, rng, n_trees, weights, modes, missing, depth=3):
        self.rng, self.weights, self.modes, self.missing = rng, weights, modes, missing
        self.nodes, self.leaves = [], []
        for tree in range(n_trees):
            self.next = 0
            self.grow(tree, depth)

    def grow(self, tree, depth):
        own, self.next = self.next, self.next + 1
        place = len(self.nodes)
        self.nodes.append(None)
        if depth == 0 or (own > 0 and self.rng.random() < 0.2):
            self.nodes[place] = (tree, own, "LEAF", 0, 0.0, 0, 0, 0)
            self.leaves += [(tree, own, *weight) for weight in self.weights(tree)]
            return own
        mode, feature = self.rng.choice(self.modes), int(self.rng.integers(4))
        yes, no = self.grow(tree, depth - 1), self.grow(tree, depth - 1)
        tracks = int(self.rng.integers(2))
        self.nodes[place] = (tree, own, mode, feature, float(self.rng.choice(GRID)), yes, no, tracks)
        return own

    def attributes(self, kind, as_tensor=False):
        trees, ids, modes, features, values, yes, no, tracks = map(list, zip(*self.nodes))
        leaf_trees, leaf_ids, targets, weights = map(list, zip(*self.leaves))
        real = {"nodes_values": values, f"{kind}_weights": weights}
        if as_tensor:
            real = {f"{name}_as_tensor": numpy_helper.from_array(numpy.array(value)) for name, value in real.items()}
        return {
            "nodes_treeids": trees,
            "nodes_nodeids": ids,
            "nodes_modes": [str(mode) for mode in modes],
            "nodes_featureids": features,
            "nodes_truenodeids": yes,
            "nodes_falsenodeids": no,
            "nodes_missing_value_tracks_true": tracks if self.missing else None,
            f"{kind}_treeids": leaf_trees,
            f"{kind}_nodeids": leaf_ids,
            f"{kind}_ids": targets,
            **real,
        }


def on_grid(rng, kind="float32", missing=True, rows=10):
    x = rng.choice(GRID, (rows, 4)).astype(kind)
    if missing and kind.startswith("float"):
        x[rng.random(x.shape) < 0.15] = numpy.nan
    return x


def trees():
    rng = numpy.random.default_rng(4)
    yield from tree_regressors(rng)
    yield from tree_classifiers(rng)
    yield from tree_ensembles(rng)


def tree_regressors(rng):
    real = TensorProto.FLOAT

    def some_weights(n_targets, scale=1.0, offset=0.0):
        def weights(_):
            targets = [0] if n_targets == 1 else sorted(rng.choice(n_targets, rng.integers(1, n_targets + 1), replace=False))
            return [(int(target), float(numpy.float32(rng.normal() * scale + offset))) for target in targets]

        return weights

    for modes, missing in itertools.product([[mode] for mode in MODES] + [MODES], [False, True]):
        grown = Trees(rng, 3, some_weights(1), modes, missing)
        name = f"{'mixed' if len(modes) > 1 else modes[0]}{' tracks' if missing else ''}"
        yield one(name, "TreeEnsembleRegressor", {"x": on_grid(rng)}, {"y": real}, n_targets=1, **grown.attributes("target"))
    for aggregate, transform, n_targets in itertools.product(["SUM", "AVERAGE", "MIN", "MAX"], TRANSFORMS, [1, 3]):
        # Probabilities, for PROBIT knows no other scores, far from 0.5, where it loses digits; and every target in every leaf.
        scale, offset = (0.003, 0.03) if transform == "PROBIT" else (1.0, 0.0)

        def all_targets(_):
            return [(target, float(numpy.float32(rng.normal() * scale + offset))) for target in range(n_targets)]

        weights = all_targets if transform == "PROBIT" else some_weights(n_targets)
        base = [0.1 * target for target in range(1, n_targets + 1)] if rng.random() < 0.5 and transform != "PROBIT" else None
        grown = Trees(rng, 3, weights, ["BRANCH_LEQ"], True)
        attributes = {"aggregate_function": aggregate, "post_transform": transform, "base_values": base, "n_targets": n_targets}
        name = f"{aggregate} {transform} {n_targets}"
        yield one(name, "TreeEnsembleRegressor", {"x": on_grid(rng)}, {"y": real}, **attributes, **grown.attributes("target"))
    for kind, as_tensor in [("float64", False), ("float64", True)]:
        for n_targets, aggregate in itertools.product([1, 2], ["SUM", "AVERAGE", "MIN"]):
            grown = Trees(rng, 3, some_weights(n_targets), MODES, True)
            attributes = {"n_targets": n_targets, "aggregate_function": aggregate, **grown.attributes("target", as_tensor)}
            name = f"{kind} {aggregate} {n_targets}{' tensors' if as_tensor else ''}"
            yield one(name, "TreeEnsembleRegressor", {"x": on_grid(rng, kind)}, {"y": real}, **attributes)
    yield one("many rows", "TreeEnsembleRegressor", {"x": on_grid(rng, rows=150)}, {"y": real}, n_targets=1, **Trees(rng, 2, some_weights(1), MODES, True).attributes("target"))
    leaves = Trees(rng, 2, some_weights(1), MODES, True, depth=0)
    yield one("only leaves", "TreeEnsembleRegressor", {"x": on_grid(rng)}, {"y": real}, n_targets=1, **leaves.attributes("target"))
    # A chain of equalities, as categories are exported.
    chain = Trees(rng, 2, some_weights(1), ["BRANCH_EQ"], False, depth=6)
    yield one("equalities", "TreeEnsembleRegressor", {"x": on_grid(rng, missing=False)}, {"y": real}, n_targets=1, **chain.attributes("target"))


def tree_classifiers(rng):
    def weights(classes, sign):
        def drawn(tree):
            values = [(int(each), float(numpy.float32(rng.normal() / 3))) for each in classes(tree)]
            return [(each, abs(value) if sign else value) for each, value in values]

        return drawn

    targets = {
        "one class": (2, lambda _: [0]),
        "the other class": (2, lambda _: [1]),
        "both classes": (2, lambda _: [0, 1]),
        "either class": (2, lambda tree: [tree % 2]),
        "three classes": (3, lambda _: [0, 1, 2]),
        "a class a tree": (3, lambda tree: [tree % 3]),
        "any class": (3, lambda _: sorted(rng.choice(3, rng.integers(1, 4), replace=False))),
    }
    for (name, (n, classes)), sign, transform, n_base in itertools.product(targets.items(), [False, True], TRANSFORMS, [0, 1, 2, 3]):
        if n_base not in ([0, 1, 2] if n == 2 else [0, 3]):
            continue
        # ONNX Runtime leaves a score unset where one of two classes has none.
        if n == 2 and (transform == "PROBIT" or (n_base == 1 and name == "either class")):
            continue
        kind = rng.choice(["int", "string"])
        labels, label_type = labels_of(n, kind, "classlabels_int64s", "classlabels_strings")
        # Without all weights on one class, ONNX Runtime names two integer classes 0 and 1, whatever they are.
        if kind == "int" and n == 2:
            labels["classlabels_int64s"] = [0, 1]
        base = [0.05, 0.15, -0.1][:n_base] or None
        grown = Trees(rng, 3, weights(classes, sign), ["BRANCH_LEQ"], True, depth=2)
        attributes = {"post_transform": transform, "base_values": base, **labels, **grown.attributes("class")}
        if transform == "PROBIT":
            if not sign:
                continue
            attributes["class_weights"] = [0.03 + 0.003 * weight for weight in attributes["class_weights"]]
            attributes["base_values"] = None
        outputs = {"y": label_type, "z": TensorProto.FLOAT}
        name_of = f"{name}{' positive' if sign else ''} {transform} {n_base} {kind}"
        yield one(name_of, "TreeEnsembleClassifier", {"x": on_grid(rng, rows=8)}, outputs, **attributes)
    for kind, n in itertools.product(["float64", "int32", "int64"], [2, 3]):
        classes = targets["one class" if n == 2 else "three classes"][1]
        labels, label_type = labels_of(n, "int", "classlabels_int64s", "")
        grown = Trees(rng, 3, weights(classes, True), MODES, True)
        outputs = {"y": label_type, "z": TensorProto.FLOAT}
        yield one(f"{kind} {n}", "TreeEnsembleClassifier", {"x": on_grid(rng, kind)}, outputs, **labels, **grown.attributes("class"))


def tree_ensembles(rng):
    for kind, mode in itertools.product(["float32", "float64"], [0, 1, 2, 3, 4, 5, 6, None]):
        yield tree_ensemble(rng, f"{kind} mode {mode}", kind, [mode] if mode is not None else range(7), 1, 1, 0)
    for aggregate, transform, n_targets in itertools.product(range(4), range(5), [1, 3]):
        # ONNX Runtime takes 1 for LOGISTIC and 2 for SOFTMAX, the specification the other way round.
        if n_targets == 3 and transform in (1, 2):
            continue
        yield tree_ensemble(rng, f"aggregate {aggregate}, transform {transform}, {n_targets}", "float32", [0], n_targets, aggregate, transform)


def tree_ensemble(rng, name, kind, modes, n_targets, aggregate, transform):
    nodes, leaves, members, roots = [], [], [], []
    is_probability = transform == 4

    def leaf(target):
        weight = rng.uniform(0.02, 0.03) if is_probability else rng.normal()
        leaves.append((target, weight))
        return len(leaves) - 1, 1

    def grow(depth, target):
        place = len(nodes)
        nodes.append(None)
        mode = int(rng.choice(list(modes)))
        if mode == 6:
            # ONNX Runtime knows sets of integers only.
            members.extend([*rng.choice([-1, 0, 1, 2], rng.integers(1, 4), replace=False), numpy.nan])
        children = [grow(depth - 1, target) if depth > 1 and rng.random() < 0.8 else leaf(target) for _ in range(2)]
        nodes[place] = (int(rng.integers(4)), mode, rng.choice(GRID), *children[0], *children[1], int(rng.integers(2)))
        return place, 0

    for tree in range(4):
        roots.append(len(nodes))
        grow(3, tree % n_targets)
    features, node_modes, splits, yes, yes_leaf, no, no_leaf, tracks = map(list, zip(*nodes))
    targets, weights = map(list, zip(*leaves))

    def tensor(values, as_kind=kind):
        return numpy_helper.from_array(numpy.array(values, dtype=as_kind))

    attributes = {
        "aggregate_function": aggregate,
        "post_transform": transform,
        "n_targets": n_targets,
        "tree_roots": roots,
        "nodes_featureids": features,
        "nodes_modes": tensor(node_modes, "uint8"),
        "nodes_splits": tensor(splits),
        "nodes_truenodeids": yes,
        "nodes_trueleafs": yes_leaf,
        "nodes_falsenodeids": no,
        "nodes_falseleafs": no_leaf,
        "nodes_missing_value_tracks_true": tracks,
        "leaf_targetids": targets,
        "leaf_weights": tensor(weights),
        "membership_values": tensor(members) if members else None,
    }
    x = on_grid(rng, kind)
    if members:
        # ONNX Runtime drops fractions before it looks into a set; the specification does not.
        x = numpy.floor(x)
    return one(name, "TreeEnsemble", {"x": x}, {"y": ONNX_TYPES[kind]}, version=5, **attributes)


def main():
    for family in [encoders, linear, svm, trees]:
        write(HERE / f"{family.__name__}.json", list(family()))


if __name__ == "__main__":
    main()
