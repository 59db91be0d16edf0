"""Writes text.jsonl beside this file: operators on text and the text vectorisers of scikit-learn, answered by ONNX Runtime.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python text.py

A case a line, as those of tests/node-tests/make.py.
"""

import base64
import json
import pathlib

import numpy
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import StringTensorType
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

HERE = pathlib.Path(__file__).resolve().parent
TEXTS = ["The cat sat on the mat.", "A dog, a cat and 3 birds!", "", "Straße und Über-Maß: naïve café", "the the THE cat_1 cat-2", "  x  "]
LOCALE = "C.UTF-8"
# Letters that are two in the other case, or another one at the end of a word.
GROWING = numpy.array(["Straße", "ΣΑΣ", "İstanbul", "ﬁn"])
DATATYPES = {"float32": "FP32", "int64": "INT64"}


def described(name, array):
    array = numpy.asarray(array)
    if array.dtype.kind in "OU":
        return {"name": name, "datatype": "BYTES", "shape": list(array.shape), "strings": [str(text) for text in array.ravel()]}
    return {"name": name, "datatype": DATATYPES[array.dtype.name], "shape": list(array.shape), "data": base64.b64encode(array.tobytes()).decode()}


def case(name, model, given):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: numpy.array(given, dtype=object)}
    outputs = [described(output.name, found) for output, found in zip(session.get_outputs(), session.run(None, feeds))]
    sets = [{"inputs": [described(*pair) for pair in feeds.items()], "outputs": outputs}]
    return {"name": name, "rtol": 1e-4, "atol": 1e-5, "model": base64.b64encode(model.SerializeToString()).decode(), "sets": sets}


def of_node(op_type, domain, dims, output_dims, **attributes):
    attributes |= {"locale": LOCALE} if op_type == "StringNormalizer" else {}
    node = helper.make_node(op_type, ["text"], ["words"], domain=domain, **attributes)
    values = [helper.make_tensor_value_info(name, TensorProto.STRING, shape) for name, shape in (("text", dims), ("words", output_dims))]
    graph = helper.make_graph([node], "text", values[:1], values[1:])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def nodes():
    column = numpy.array(TEXTS)
    words = numpy.array(["Monday", "tuesday", "WEDNESDAY", "Über", "monday"])
    for name, attributes in [
        ("lower", {"case_change_action": "LOWER"}),
        ("upper", {"case_change_action": "UPPER"}),
        ("stopwords", {"case_change_action": "LOWER", "stopwords": ["monday"], "is_case_sensitive": 1}),
        ("stopwords in any case", {"case_change_action": "UPPER", "stopwords": ["MONDAY", "über"], "is_case_sensitive": 0}),
        ("letters that grow, lower", {"case_change_action": "LOWER"}),
        ("letters that grow, upper", {"case_change_action": "UPPER"}),
        ("stopwords only", {"stopwords": list(words), "is_case_sensitive": 1}),
    ]:
        given = GROWING if name.startswith("letters") else words
        yield f"StringNormalizer, {name}", of_node("StringNormalizer", "", ["n"], ["m"], **attributes), given
    for name, attributes in [
        ("words", {"tokenexp": "[a-zA-Z0-9_]+", "mincharnum": 2, "mark": 0, "pad_value": "#"}),
        ("classes", {"tokenexp": r"\b\w+\b", "mincharnum": 1, "mark": 0, "pad_value": "#"}),
        ("anything but spaces", {"tokenexp": r"[^\s]+", "mincharnum": 1, "mark": 0, "pad_value": ""}),
        ("marked", {"tokenexp": r"[a-z]+", "mincharnum": 1, "mark": 1, "pad_value": "#"}),
        ("separators", {"separators": [" ", ",", "\\."], "mincharnum": 1, "mark": 0, "pad_value": "#"}),
        ("separators, long words", {"separators": [" ", "[-,.!]"], "mincharnum": 3, "mark": 0, "pad_value": "#"}),
        ("characters", {"separators": [""], "mincharnum": 1, "mark": 0, "pad_value": "#"}),
    ]:
        yield f"Tokenizer, {name}", of_node("Tokenizer", "com.microsoft", ["n"], ["n", "m"], **attributes), column
        if name in ("words", "marked"):
            yield f"Tokenizer, {name}, a table", of_node("Tokenizer", "com.microsoft", ["n", "k"], ["n", "k", "m"], **attributes), column.reshape(3, 2)


def counts():
    words = numpy.array([["a", "b", "c", "a"], ["c", "c", "b", "d"]])
    pool = {"ngram_counts": [0, 3], "ngram_indexes": [4, 0, 2, 3, 1], "pool_strings": ["a", "b", "c", "a", "b", "c", "b"], "max_skip_count": 1}
    for mode in ("TF", "IDF", "TFIDF"):
        attributes = pool | {"mode": mode, "min_gram_length": 1, "max_gram_length": 2, "weights": [0.5, 2.0, 3.0, 4.0, 5.0]}
        model = of_node("TfIdfVectorizer", "", ["n", "k"], ["n", "m"], **attributes)
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
        yield f"TfIdfVectorizer, {mode}", model, words


def vectorisers():
    labels = [0, 1, 0, 1, 1, 0]
    for name, step in [
        ("CountVectorizer", CountVectorizer()),
        ("CountVectorizer, pairs", CountVectorizer(ngram_range=(1, 2), binary=True)),
        ("TfidfVectorizer", TfidfVectorizer()),
        ("TfidfVectorizer, sublinear", TfidfVectorizer(sublinear_tf=True, norm="l1", ngram_range=(1, 2))),
        ("TfidfVectorizer, case kept", TfidfVectorizer(lowercase=False, use_idf=False)),
        ("TfidfVectorizer and LogisticRegression", make_pipeline(TfidfVectorizer(), LogisticRegression())),
    ]:
        ascii_texts = [text.encode("ascii", "ignore").decode() for text in TEXTS]
        step.fit(ascii_texts, labels)
        steps = [each for _, each in getattr(step, "steps", [("", step)])]
        options = {id(each): {"zipmap": False} if isinstance(each, LogisticRegression) else {"locale": LOCALE} for each in steps}
        model = convert_sklearn(step, initial_types=[("text", StringTensorType([None, 1]))], options=options)
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "rows"
        yield name, model, numpy.array(ascii_texts + ["a new cat and no dog", "THE THE"]).reshape(-1, 1)


def main():
    with (HERE / "text.jsonl").open("w", encoding="utf-8") as file:
        for name, model, given in [*nodes(), *counts(), *vectorisers()]:
            try:
                file.write(json.dumps(case(name, model, given)) + "\n")
            except Exception as error:
                print(f"{name}: {str(error)[:200]}")


if __name__ == "__main__":
    main()
