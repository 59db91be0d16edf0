"""Which models of scikit-learn, XGBoost, LightGBM and CatBoost answer as in ONNX Runtime, packed. `cargo xtask coverage` runs it twice:

    python coverage.py make     what ONNX Runtime answers, and how far that is from what the library answers, to target/coverage/
    python coverage.py report   docs/coverage.md, from that and from what the model runtime answered
"""

import base64
import json
import pathlib
import sys
import tomllib
import warnings

import numpy
import skl2onnx
from sklearn.base import is_classifier

import boosters
import estimators
from cases import allow_truth_values, named, session

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FOLDER = ROOT / "target/coverage"
SCIKIT_LEARN = "scikit-learn"
OPSETS = (17, 22)
# How far an answer may be from ONNX Runtime's, and from where on the export is another model than the library's.
BAR = 1e-5
ANOTHER_MODEL = 0.01
# A difference is relative to the number expected and this together.
FLOOR = 0.1
DATATYPES = {"float32": "FP32", "float64": "FP64", "int32": "INT32", "int64": "INT64", "bool": "BOOL", "object": "BYTES"}


def described(name, array):
    array = numpy.asarray(array)
    array = array.astype(object) if array.dtype.kind in "US" else array
    tensor = {"name": name, "datatype": DATATYPES[array.dtype.name], "shape": list(array.shape)}
    if array.dtype == object:
        return tensor | {"strings": [str(each) for each in array.ravel()]}
    return tensor | {"data": base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode()}


def distance(found, expected):
    """The largest relative difference of two tensors; none if they have not as many elements."""
    if found.size != expected.size or expected.dtype.kind not in "fiub":
        return None
    found, expected = found.astype(float).ravel(), expected.astype(float).ravel()
    with numpy.errstate(invalid="ignore"):
        differences = numpy.abs(found - expected) / (numpy.abs(expected) + FLOOR)
    differences[(found == expected) | (numpy.isnan(found) & numpy.isnan(expected))] = 0
    return float(numpy.nan_to_num(differences, nan=numpy.inf).max(initial=0))


def own_distance(outputs, answers):
    """How far ONNX Runtime is from the library: of each output of floating-point numbers, from the answer that is nearest to it."""
    answers = [answer.toarray() if hasattr(answer, "toarray") else numpy.asarray(answer) for answer in answers]
    # Two classes have one decision, and ONNX a column for each.
    answers += [numpy.stack([-answer, answer], axis=1) for answer in answers if answer.ndim == 1 and answer.dtype.kind == "f"]
    distances = []
    for output in outputs:
        if output.dtype.kind == "f":
            near = [each for each in (distance(output, answer) for answer in answers) if each is not None]
            distances.extend([min(near)] if near else [])
    return max(distances, default=None)


def record(name, model, inputs, answers, given=None, is_own_allowed=True):
    """A case as `tests/src/node_tests.rs` reads it, and how far ONNX Runtime is from the library."""
    if isinstance(model, Exception):
        return {"name": name, "refused": first_line(model)}
    try:
        running = session(model)
        outputs = dict(named(running, running.run(None, inputs)))
    except Exception as error:
        return {"name": name, "refused": first_line(error)}
    own = own_distance(outputs.values(), answers)
    rtol = max(BAR, own or 0) if is_own_allowed else BAR
    tensors = {"inputs": [described(*pair) for pair in (given or inputs).items()], "outputs": [described(*pair) for pair in outputs.items()]}
    model = base64.b64encode(model.SerializeToString()).decode()
    return {"name": name, "own": own, "rtol": rtol, "atol": rtol * FLOOR, "model": model, "sets": [tensors]}


def exported(trained, opset):
    options = {id(trained.estimator): {"zipmap": False}} if is_classifier(trained.estimator) else None
    versions = {"": opset, "ai.onnx.ml": 3}
    for options in (options, None):
        try:
            return skl2onnx.to_onnx(trained.estimator, initial_types=trained.types, target_opset=versions, options=options)
        except NameError:  # The converter knows no such option.
            continue
        except Exception as error:
            return error


def first_line(error):
    text = str(error).strip().replace("|", "/").replace("\t", " ")
    return (text.splitlines() or [type(error).__name__])[0][:200]


def records():
    for name, kind in estimators.supported():
        trained = estimators.trained(name, kind)
        answers = list(trained.answers())
        for opset in OPSETS:
            yield record(f"{SCIKIT_LEARN}, {name}, {opset}", exported(trained, opset), trained.inputs, answers, trained.given)
    for name, model, inputs, answers in boosters.all_models():
        yield record(name, model, inputs, answers, is_own_allowed=False)


def make():
    warnings.filterwarnings("ignore")
    allow_truth_values()
    FOLDER.mkdir(parents=True, exist_ok=True)
    lists = {"cases": [], "refused": []}
    for each in records():
        lists["refused" if "refused" in each else "cases"].append(each)
    for name, of in lists.items():
        (FOLDER / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in of), "utf-8")


if __name__ == "__main__":
    {"make": make, "report": lambda: None}[sys.argv[1]]()
