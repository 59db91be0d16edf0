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
# What stands for the difference of a number from none.
NO_NUMBER = 1e9
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
    return float(numpy.nan_to_num(differences, nan=NO_NUMBER, posinf=NO_NUMBER).max(initial=0))


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
    versions = {"": opset, "ai.onnx.ml": 3}
    for options in (trained.options(), None):
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


def read(name):
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


class Model:
    """What is known of a model: of each of its exports the distance from ONNX Runtime, or why there is none."""

    def __init__(self):
        self.ours, self.own, self.wrong, self.opsets = [], [], [], []

    def add(self, case, said, opset):
        if case is None:
            return self.wrong.append("refused")
        wrong, distance = said
        self.opsets.append(opset)
        self.own.append(case["own"])
        self.wrong.extend([wrong] if wrong else [])
        self.ours.extend([] if wrong else [float(distance) * case["rtol"]])

    @property
    def is_alike(self):
        return bool(self.ours) and not any(wrong != "refused" for wrong in self.wrong)

    @property
    def is_another(self):
        return any(own is not None and own > ANOTHER_MODEL for own in self.own)


def models():
    """Each model by library and name."""
    said = [line.split("\t") for line in (FOLDER / "packed.tsv").read_text("utf-8").splitlines()]
    said = {name: (wrong, distance) for name, wrong, distance in said}
    by_name = {}
    for case in read("cases") + read("refused"):
        name, _, opset = case["name"].rpartition(", ") if case["name"].startswith(SCIKIT_LEARN) else (case["name"], None, None)
        model = by_name.setdefault(name, Model())
        model.add(None if "refused" in case else case, said.get(case["name"]), opset)
    return dict(sorted(by_name.items()))


def short(number):
    if number >= NO_NUMBER:
        return "no number"
    return f"{number:.0e}".replace("e-0", "e-").replace("e+00", "") if number else "0"


def number(numbers):
    numbers = [each for each in numbers if each is not None]
    return short(max(numbers)) if numbers else ""


def table(models, notes, column):
    yield f"| {column} | answers alike | from ONNX Runtime | ONNX Runtime from the library | why not, and what to do instead |"
    yield "|---|---|---|---|---|"
    for name, model in models.items():
        note = notes.get(name)
        text = f"{note['why']}; instead: {note['instead']}" if note else ""
        alike = "yes" if model.is_alike else "no" if model.opsets else "no export"
        yield f"| {name.partition(', ')[2]} | {alike} | {number(model.ours)} | {number(model.own)} | {text} |"


def report():
    notes = tomllib.loads((HERE / "workarounds.toml").read_text("utf-8"))
    every = models()
    needed = {name for name, model in every.items() if not model.is_alike or model.is_another}
    if needed != set(notes):
        sys.exit(f"workarounds.toml: lacks {sorted(needed - set(notes))}, has for nothing {sorted(set(notes) - needed)}")
    lists = {library: {} for library in (SCIKIT_LEARN, "XGBoost", "LightGBM", "CatBoost")}
    for name, model in every.items():
        lists[name.partition(", ")[0]][name] = model
    listed = lists[SCIKIT_LEARN]
    alike = sum(model.is_alike for model in listed.values())
    strictly = sum(model.is_alike and max(model.ours) <= BAR for model in listed.values())
    lines = [
        "# What runs of scikit-learn and of boosted trees",
        "",
        "`cargo xtask coverage` wrote this: one model of each estimator and transformer in the list of skl2onnx, trained on half of a data set that",
        f"scikit-learn bundles and asked about the other half, exported for the operator sets {' and '.join(map(str, OPSETS))}, and answered by the model runtime as Wasm.",
        "",
        "Two numbers differ by a part of the expected one, to which 0.1 is added, so that one near zero counts too; the table has the largest",
        f"difference. An answer is alike if it is within {short(BAR)} of ONNX Runtime's, or within the distance that ONNX Runtime has from scikit-learn itself if",
        "that is larger: scikit-learn computes in FP64, and so does a small model here. Labels and other whole numbers are equal. Boosted trees have no",
        f"such allowance. Where ONNX Runtime is farther than {short(ANOTHER_MODEL)} from the library the export is another model than the one that was trained: it is",
        "answered as it was exported. Of the rows for XGBoost and LightGBM some have missing numbers.",
        "",
        f"**{alike} of {len(listed)} answer alike, {100 * alike / len(listed):.1f} %**; {strictly} of them within {short(BAR)} of ONNX Runtime. `docs/operators.md` has the single operators.",
        f"Versions: {', '.join(versions())}.",
        "",
        "The probabilities of a classifier exported with `ZipMap` are in rows an object of label and value, and elsewhere a tensor with a column for each",
        'label. An input of a `DictVectorizer` is in rows an object of word and value, `{"instances": [{"X": {"red": 2}}]}`, and elsewhere a tensor with a',
        "column for each word of its vocabulary; the property `labels.X` of the model has the words in order. An output that is a sequence of tensors, as",
        "the probabilities of a `MultiOutputClassifier` are, is an output for each: `probabilities_0`, `probabilities_1`.",
        "",
        "## Estimators and transformers of scikit-learn",
        "",
        *table(listed, notes, "estimator"),
    ]
    for library in ("XGBoost", "LightGBM", "CatBoost"):
        exported = [model for model in lists[library].values() if model.opsets]
        alike = sum(model.is_alike for model in exported)
        lines += ["", f"## {library}", "", f"{alike} of {len(exported)} exports answer alike.", "", *table(lists[library], notes, "model")]
    (ROOT / "docs/coverage.md").write_text("\n".join(lines) + "\n", "utf-8")


def versions():
    pins = [line for line in (HERE / "requirements.txt").read_text("utf-8").splitlines() if "==" in line]
    named = {"catboost", "lightgbm", "onnxmltools", "onnxruntime", "scikit-learn", "skl2onnx", "xgboost"}
    return [pin.replace("==", " ") for pin in pins if pin.partition("==")[0] in named]


if __name__ == "__main__":
    {"make": make, "report": report}[sys.argv[1]]()
