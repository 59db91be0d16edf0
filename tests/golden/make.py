"""Writes the golden cases of `predict` that succeed: requests, and what ONNX Runtime makes of their rows.

One folder per case under `predict/`: `case.toml`, `request.json`, `response.json`, and `request.bin` for binary tensor
data. It rewrites the folders of the cases it names and touches no other: cases that end in an error are written by hand.
The answers come from ONNX Runtime on one thread; nothing here runs Plinth. A float passes if
`abs(answer - expected) <= tolerance * max(1, abs(expected))` (at the 250 of `diabetes` the last bit of FP32 is 1.5e-5);
everything else is exact. Every `label` expected is checked to be clear of a tie, so that no rounding can change it.

Run: `python tests/golden/make.py` with `models/requirements.txt` installed.
"""

import json
import struct
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
sys.path.insert(0, str(ROOT / "models"))

import numpy as np  # noqa: E402

import model_folder  # noqa: E402
from model_folder import numbers, tensor  # noqa: E402

TOLERANCE = "1e-5"
FIVE_MEGABYTES = 5_000_000
LEAST_MARGIN = 1e-3
HUNDRED = 100
SHUFFLE_SEED = 1
NOISE_SEED = 2
INTEGER_KEYS = [7, -1, 9007199254740993, 9223372036854775807, -9223372036854775808]


class Model:
    """A demo model: its held-out rows as FP32 and its answers by ONNX Runtime."""

    def __init__(self, name, rows_from):
        self.name = name
        self.runtime = model_folder.session((ROOT / "models" / name / "model.onnx").read_bytes())
        held_out = json.loads((ROOT / "models" / rows_from / "reference" / "heldout.json").read_text())
        self.rows = np.array(held_out["X"], dtype=np.float32)

    def answer(self, rows):
        outputs = model_folder.run(self.runtime, {"X": rows})
        if "probabilities" in outputs and not np.isnan(rows).any():
            ordered = np.sort(outputs["probabilities"], axis=1)
            assert (ordered[:, -1] - ordered[:, -2]).min() > LEAST_MARGIN, "a row is too close to a tie for a golden case"
        return outputs

    def no_answer(self):
        """The outputs without rows."""
        return {name: values[:0] for name, values in self.answer(self.rows[:1]).items()}


def key_tensor(keys, datatype):
    return {"name": "key", "datatype": datatype, "shape": [len(keys)], "data": keys}


def v2_case(name, about, model, rows, *, keys=None, key_datatype="BYTES", outputs=None, request_id=None, nested=False):
    """A case of the Open Inference Protocol: `POST /v2/models/{name}/infer`."""
    identity = {} if request_id is None else {"id": request_id}
    key = [] if keys is None else [key_tensor(keys, key_datatype)]
    x = tensor("X", rows)
    if nested:
        x["data"] = numbers(rows)
    selection = {} if outputs is None else {"outputs": [{"name": output} for output in outputs]}
    answer = model.answer(rows)
    names = list(answer) if outputs is None else outputs
    write_case(
        name,
        about,
        model,
        f"/v2/models/{model.name}/infer",
        identity | {"inputs": [x, *key]} | selection,
        {"model_name": model.name, "model_version": "1"}
        | identity
        | {"outputs": [tensor(output, answer[output]) for output in names] + key},
    )


def predictions(model, rows, keys):
    """What the rows form answers: an object per row, or the value itself for a single output without keys."""
    answer = {name: numbers(values) for name, values in model.answer(rows).items()}
    lines = [dict(zip(answer, values, strict=True)) for values in zip(*answer.values(), strict=True)]
    if keys is not None:
        return [{"key": key} | line for key, line in zip(keys, lines, strict=True)]
    return lines if len(answer) > 1 else [next(iter(line.values())) for line in lines]


def v1_case(name, about, model, rows, *, keys=None, bare=False, repeat=None):
    """A case of the rows form: `POST /v1/models/{name}:predict`."""
    instances = numbers(rows) if bare else [{"X": row} for row in numbers(rows)]
    if keys is not None:
        instances = [{"key": key} | instance for key, instance in zip(keys, instances, strict=True)]
    write_case(
        name,
        about,
        model,
        f"/v1/models/{model.name}:predict",
        {"instances": instances},
        {"predictions": predictions(model, rows, keys)},
        repeat,
    )


def policy_case(name, about, model, policy, instances, expected, more=None, generated_keys=False):
    """A case of the rows form with further members beside the rows, and perhaps beside the predictions."""
    path = f"/v1/models/{model.name}:predict"
    request, response = policy | {"instances": instances}, {"predictions": expected} | (more or {})
    write_case(name, about, model, path, request, response, generated_keys=generated_keys)


def column_case(name, about, model, rows, *, keys=None, bare=False):
    """A case of the column form: whole tensors, without the name if there is only one."""
    answer = {name: numbers(values) for name, values in model.answer(rows).items()}
    key_list = {} if keys is None else {"keys": keys}
    write_case(
        name,
        about,
        model,
        f"/v1/models/{model.name}:predict",
        {"inputs": numbers(rows) if bare else {"X": numbers(rows)}} | key_list,
        {"outputs": answer if len(answer) > 1 else next(iter(answer.values()))} | key_list,
    )


def text_tensor(name, texts):
    return {"name": name, "datatype": "BYTES", "shape": [len(texts)], "data": texts}


def raw_texts(name, texts):
    """A `BYTES` tensor in binary form: what stands in the JSON, and the bytes after it."""
    binary = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    announced = {"parameters": {"binary_data_size": len(binary)}}
    return {"name": name, "datatype": "BYTES", "shape": [len(texts)]} | announced, binary


def row_errors(errors):
    """The output that reports bad rows, each as the error that it would answer alone."""
    members = ("error", "code", "input", "row", "client", "key")
    texts = []
    for error in errors:
        known = {member: error[member] for member in members if member in error}
        texts.append(json.dumps(known, ensure_ascii=False, separators=(",", ":")))
    return text_tensor("row_error", texts)


def problem(row, code, input_name, text, **names):
    """What is wrong with a row: the error that the request would have alone."""
    return {"error": text, "code": code, "input": input_name, "row": row} | names


def tensor_case(name, about, model, inputs, answered, beside, *, members=None, parameters=None, outputs=None, **files):
    """A case of the Open Inference Protocol whose inputs, and the outputs beside the model's, are given."""
    members = {} if members is None else members
    answer = model.answer(answered) if len(answered) else model.no_answer()
    listed = None if outputs is None else {"outputs": [{"name": output} for output in outputs]}
    tensors = {output: tensor(output, values) for output, values in answer.items()}
    tensors |= {output["name"]: output for output in beside}
    names = list(tensors) if outputs is None else outputs + [it["name"] for it in beside if it["name"] not in outputs]
    write_case(
        name,
        about,
        model,
        f"/v2/models/{model.name}/infer",
        ({} if parameters is None else {"parameters": parameters}) | {"inputs": inputs} | (listed or {}),
        {"model_name": model.name, "model_version": "1"} | members | {"outputs": [tensors[output] for output in names]},
        **files,
    )


def write_case(name, about, model, path, request, response, repeat=None, binary=None, generated_keys=False):
    folder = FOLDER / "predict" / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# {about} Written by tests/golden/make.py.",
        'method = "POST"',
        f'path = "{path}"',
        "status = 200",
        f'model = "{model.name}"',
        f"tolerance = {TOLERANCE}",
    ]
    if generated_keys:
        lines += ["generated_keys = true"]
    if repeat is not None:
        lines += ["", "[repeat]", f"rows = {repeat}"]
    (folder / "case.toml").write_text("\n".join(lines) + "\n")
    (folder / "request.json").write_text(json_lines(request), "utf-8")
    (folder / "response.json").write_text(json_lines(response), "utf-8")
    if binary is not None:
        (folder / "request.bin").write_bytes(binary)


def json_lines(value, indent=""):
    """JSON with one line per row: whatever fits a line, or holds no nested lists or objects, is not broken."""
    line = json.dumps(value, ensure_ascii=False)
    nested = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    broken = any(isinstance(item, (dict, list)) for item in nested) and len(line) > 100 and not is_row(value)
    if not broken:
        return line if indent else line + "\n"
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {json_lines(item, deeper)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        items = [json_lines(item, deeper) for item in value]
        opening, closing = "[", "]"
    text = f"{opening}\n{deeper}" + f",\n{deeper}".join(items) + f"\n{indent}{closing}"
    return text if indent else text + "\n"


def is_row(value):
    """An instance, a prediction or a tensor: an object whose lists hold only scalars."""
    if not isinstance(value, dict) or any(isinstance(item, dict) for item in value.values()):
        return False
    lists = [item for item in value.values() if isinstance(item, list)]
    return bool(lists) and all(not isinstance(item, (list, dict)) for values in lists for item in values)


def clear_rows(model, count):
    """The first held-out rows whose label is clear of a tie."""
    probabilities = np.sort(model_folder.run(model.runtime, {"X": model.rows})["probabilities"], axis=1)
    return model.rows[(probabilities[:, -1] - probabilities[:, -2]) > LEAST_MARGIN][:count]


def noisy_rows(model):
    """Sixteen held-out pictures with noise, to four decimals: about as long in JSON as measured values are."""
    noise = np.random.default_rng(NOISE_SEED).uniform(0, 0.5, (16, 64))
    rows = np.round(clear_rows(model, 16) + noise, 4).astype(np.float32)
    body = len(json.dumps([{"key": "row-0000", "X": row} for row in numbers(rows)], separators=(",", ":")))
    return rows, round(FIVE_MEGABYTES / (body / len(rows)))


def v2_cases(digits, edge, diabetes):
    rows = clear_rows(digits, HUNDRED)
    keys = [f"digit-{index:02}" for index in range(HUNDRED)]
    order = np.random.default_rng(SHUFFLE_SEED).permutation(HUNDRED)
    v2_case("v2-single-row", "One row without a key.", digits, rows[:1])
    v2_case("v2-nested-data", "Data as nested lists, as the protocol allows.", digits, rows[:2], nested=True)
    v2_case("v2-string-keys", "BYTES keys come back last.", digits, rows[:3], keys=["a", "b", "c"])
    unicode_keys = ["é", "日本", "🦀", 'a "quoted" \\ key', "line\nbreak"]
    v2_case("v2-unicode-keys", "Keys are UTF-8, with escapes.", digits, rows[:5], keys=unicode_keys)
    v2_case(
        "v2-integer-keys",
        "INT64 keys keep every digit, beyond 2^53 too.",
        digits,
        rows[:5],
        keys=INTEGER_KEYS,
        key_datatype="INT64",
    )
    v2_case(
        "v2-unsigned-keys",
        "UINT64 keys keep every digit up to 2^64 - 1.",
        digits,
        rows[:2],
        keys=[0, 18446744073709551615],
        key_datatype="UINT64",
    )
    v2_case("v2-hundred-rows", "A hundred keyed rows.", digits, rows, keys=keys)
    v2_case(
        "v2-shuffled-keys",
        "The rows of v2-hundred-rows in another order, under the same keys.",
        digits,
        rows[order],
        keys=[keys[index] for index in order],
    )
    v2_case("v2-select-output", "One output of two.", digits, rows[:2], keys=["a", "b"], outputs=["probabilities"])
    v2_case(
        "v2-reordered-outputs",
        "Outputs come in the order asked for.",
        digits,
        rows[:2],
        keys=["a", "b"],
        outputs=["probabilities", "label"],
    )
    v2_case("v2-id-echo", "The request's id comes back.", digits, rows[:1], request_id="request-42")
    v2_case("v2-edge", "The edge model has the same interface.", edge, clear_rows(edge, 3), keys=["a", "b", "c"])
    v2_case("v2-diabetes", "A regression: one output of shape [n].", diabetes, diabetes.rows[:5], keys=list("abcde"))
    poisoned = rows[:1].copy()
    poisoned[0, 20] = np.nan
    v2_case(
        "v2-null-is-nan",
        "null in FP32 data is NaN, and NaN in an answer is null.",
        edge,
        poisoned,
        keys=["a"],
        outputs=["probabilities"],
    )


def v1_cases(digits, edge, diabetes):
    rows = clear_rows(digits, HUNDRED)
    v1_case("v1-single-row-key", "One keyed row.", digits, rows[:1], keys=["a"])
    v1_case("v1-integer-key", "Integer keys keep every digit.", digits, rows[:5], keys=INTEGER_KEYS)
    v1_case("v1-mixed-keys", "String and integer keys in one request.", digits, rows[:4], keys=["a", 7, "7", 8])
    v1_case("v1-no-keys", "Rows without keys are answered in order.", digits, rows[:3])
    v1_case("v1-hundred-rows", "A hundred keyed rows.", digits, rows, keys=[f"row-{index}" for index in range(HUNDRED)])
    v1_case("v1-bare-vectors", "Rows as bare vectors, for a model with one input.", digits, rows[:3], bare=True)
    v1_case("v1-edge", "The edge model has the same interface.", edge, clear_rows(edge, 3), keys=["a", "b", "c"])
    v1_case("v1-diabetes", "A regression with keys.", diabetes, diabetes.rows[:5], keys=list("abcde"))
    v1_case("v1-diabetes-no-keys", "One output and no keys: bare values.", diabetes, diabetes.rows[:5])
    noisy, repeat = noisy_rows(digits)
    v1_case(
        "v1-five-megabytes",
        "Instances and predictions are cycled to `rows` rows, keyed row-0, row-1, ...",
        digits,
        noisy,
        repeat=repeat,
    )


def policy_cases(digits):
    rows, keys = clear_rows(digits, 4), ["a", "b", "a", "c"]
    bad = numbers(rows)
    bad[1].pop()
    error = "row `1`: tensor `X`: expected a row of shape `[64]`, found `[63]`"
    expected = predictions(digits, rows[[0, 2, 3]], list("acd"))
    expected.insert(1, {"key": "b", "error": {"error": error, "code": "wrong_shape", "input": "X", "row": 1}})
    policy_case(
        "v1-report-bad-row",
        "A bad row is reported in its place, the good ones are answered.",
        digits,
        {"on_row_error": "report"},
        [{"key": key, "X": row} for key, row in zip("abcd", bad, strict=True)],
        expected,
    )
    repeated = {"error": "row `2`: expected different keys, found `a` on rows `0` and `2`", "code": "duplicate_key"}
    expected = predictions(digits, rows, keys)
    expected[2] = {"key": "a", "error": repeated | {"input": "key", "row": 2}}
    instances = [{"key": key, "X": row} for key, row in zip(keys, numbers(rows), strict=True)]
    about = "A row that repeats a key is reported."
    policy_case("v1-report-duplicate-key", about, digits, {"on_row_error": "report"}, instances, expected)
    policy_case(
        "v1-duplicate-keys-allow",
        "Rows that repeat a key are answered if the request says so.",
        digits,
        {"on_duplicate_key": "allow"},
        instances,
        predictions(digits, rows, keys),
    )
    policy_case(
        "v1-duplicate-keys-first",
        "Only the first row with a key is answered if the request says so.",
        digits,
        {"on_duplicate_key": "first"},
        instances,
        predictions(digits, rows[[0, 1, 3]], ["a", "b", "c"]),
    )
    policy_case(
        "v1-bare-vectors-keys",
        "Keys beside rows that have no place for them.",
        digits,
        {"keys": keys[:2]},
        numbers(rows[:2]),
        predictions(digits, rows[:2], keys[:2]),
    )


def key_cases(digits):
    """How keys in tensors repeat, are generated, and stand in other forms."""
    rows = clear_rows(digits, 4)
    x, keys = tensor("X", rows), ["a", "b", "a", "c"]
    column = key_tensor([7, 8, 9, 10], "INT32") | {"shape": [4, 1]}
    tensor_case("v2-column-keys", "Keys of shape [n, 1] come back as such.", digits, [x, column], rows, [column])
    about = "Rows of tensors that repeat a key are answered if the request says so."
    key, policy = text_tensor("key", keys), {"on_duplicate_key": "allow"}
    tensor_case("v2-duplicate-keys-allow", about, digits, [x, key], rows, [key], parameters=policy)
    about = "Only the first row of tensors with a key is answered if the request says so."
    first, policy = text_tensor("key", ["a", "b", "c"]), {"on_duplicate_key": "first"}
    tensor_case("v2-duplicate-keys-first", about, digits, [x, key], rows[[0, 1, 3]], [first], parameters=policy)
    key, binary = raw_texts("key", ["é".encode(), b"", b"b"])
    about = "Keys as binary tensor data, in an answer without any."
    expected = text_tensor("key", ["é", "", "b"])
    tensor_case("v2-binary-keys", about, digits, [tensor("X", rows[:3]), key], rows[:3], [expected], binary=binary)
    about = "Rows of tensors get new keys, each its own, if the request asks."
    generated = text_tensor("key", [f"<key {row}>" for row in range(4)])
    policy = {"generate_keys": True}
    tensor_case("v2-generated-keys", about, digits, [x], rows, [generated], parameters=policy, generated_keys=True)
    about = "Rows without a key get a new one, and the others keep theirs."
    instances = [{"X": row} for row in numbers(rows)]
    instances[1]["key"] = "b"
    expected = predictions(digits, rows, ["<key 0>", "b", "<key 1>", "<key 2>"])
    policy_case("v1-generated-keys", about, digits, policy, instances, expected, generated_keys=True)


def report_cases(digits):
    """Bad rows of tensors."""
    rows = clear_rows(digits, 4)
    report, key = {"on_row_error": "report"}, text_tensor("key", ["a", "b", "c", "d"])
    about = "The output of errors is there without bad rows, too."
    none_bad = [key, row_errors([])]
    tensor_case("v2-report-no-bad-row", about, digits, [tensor("X", rows), key], rows, none_bad, parameters=report)

    bad = tensor("X", rows)
    bad["data"][64 + 3] = "three"
    text = 'row `1`, key `b`: tensor `X`: expected `FP32` at element `3`, found `"three"`'
    element = problem(1, "wrong_element", "X", text, key="b")
    beside, good = [text_tensor("key", ["a", "c", "d"]), row_errors([element])], rows[[0, 2, 3]]
    about = "A bad row of flat data is reported under its key, the others are answered."
    tensor_case("v2-report-bad-row", about, digits, [bad, key], good, beside, parameters=report)
    about = "Errors stand last beside outputs that are listed, or where they are listed."
    inputs = [bad, key]
    tensor_case("v2-report-selected", about, digits, inputs, good, beside, parameters=report, outputs=["label"])
    listed = ["row_error", "key", "label"]
    tensor_case("v2-report-listed", about, digits, inputs, good, beside, parameters=report, outputs=listed)

    nested = tensor("X", rows)
    nested["data"] = numbers(rows)
    nested["data"][0].pop()
    nested["data"][2] = 7
    short = "tensor `X`: expected a row of shape `[64]`, found `[63]`"
    bare = "tensor `X`: expected a row of shape `[64]`, found `[]`"
    errors = [
        problem(0, "wrong_shape", "X", f"row `0`, key `a`: {short}", key="a"),
        problem(2, "wrong_shape", "X", f"row `2`, key `c`: {bare}", key="c"),
    ]
    beside = [text_tensor("key", ["b", "d"]), row_errors(errors)]
    about = "Bad rows of nested data are those that are no lists of the row's sizes."
    tensor_case("v2-report-nested-row", about, digits, [nested, key], rows[[1, 3]], beside, parameters=report)

    integers = key_tensor([7, None, 9007199254740993, 7], "INT64")
    invalid = problem(1, "invalid_key", "key", "row `1`: tensor `key`: expected `INT64` at element `0`, found `null`")
    text = "row `3`, key `7`: expected different keys, found `7` on rows `0` and `3`"
    repeated = problem(3, "duplicate_key", "key", text, key=7)
    beside = [key_tensor([7, 9007199254740993], "INT64"), row_errors([invalid, repeated])]
    about = "A row whose key is none is told by its number, one that repeats a key by its number and key."
    inputs = [tensor("X", rows), integers]
    tensor_case("v2-report-bad-keys", about, digits, inputs, rows[[0, 2]], beside, parameters=report)

    announced, binary = raw_texts("key", [b"a", b"\xff", b"c", b"d"])
    invalid = problem(1, "invalid_key", "key", "row `1`: expected a key in UTF-8 on row `1`, found other bytes")
    beside = [text_tensor("key", ["a", "c", "d"]), row_errors([invalid])]
    about = "A key of other bytes than UTF-8 makes its row a bad one."
    inputs = [tensor("X", rows), announced]
    tensor_case("v2-report-key-not-utf8", about, digits, inputs, good, beside, parameters=report, binary=binary)

    broken, two = tensor("X", rows[:2]), text_tensor("key", ["a", "b"])
    broken["data"][0] = broken["data"][-1] = True
    found = "tensor `X`: expected `FP32` at element `{}`, found `true`"
    errors = [
        problem(0, "wrong_element", "X", f"row `0`, key `a`: {found.format(0)}", key="a"),
        problem(1, "wrong_element", "X", f"row `1`, key `b`: {found.format(63)}", key="b"),
    ]
    about = "Without good rows the model is not run, and its outputs are empty."
    beside = [text_tensor("key", []), row_errors(errors)]
    tensor_case("v2-report-without-good-rows", about, digits, [broken, two], rows[:0], beside, parameters=report)


def client_cases(digits):
    """Whose keys they are."""
    rows, keys = clear_rows(digits, 4), ["a", "a", "b", "a"]
    clients, x = ["north", "south", "north", "north"], tensor("X", rows)
    client = {"client": "north"}
    about = "The client of a request comes back, with keys or without."
    v2_members = {"parameters": client}
    key = text_tensor("key", ["a"])
    one = [tensor("X", rows[:1]), key]
    tensor_case("v2-request-client", about, digits, one, rows[:1], [key], parameters=client, members=v2_members)
    instances = [{"X": row} for row in numbers(rows[:2])]
    policy_case("v1-request-client", about, digits, client, instances, predictions(digits, rows[:2], None), client)

    three = [text_tensor("key", keys[:3]), text_tensor("client", clients[:3])]
    about = "Rows of several clients, which may have the same key."
    tensor_case("v2-clients", about, digits, [tensor("X", rows[:3]), *three], rows[:3], three)
    about = "Keys and clients stand where the request lists them."
    listed = ["client", "label", "key"]
    tensor_case("v2-clients-listed", about, digits, [tensor("X", rows[:3]), *three], rows[:3], three, outputs=listed)
    about = "Clients of shape [n, 1] come back as such."
    columns = [it | {"shape": [3, 1]} for it in three]
    tensor_case("v2-column-clients", about, digits, [tensor("X", rows[:3]), *columns], rows[:3], columns)
    about = "A row is left out if an earlier one of its client has its key."
    named, policy = [text_tensor("key", keys), text_tensor("client", clients)], {"on_duplicate_key": "first"}
    tensor_case("v2-clients-first", about, digits, [x, *named], rows[:3], three, parameters=policy)
    about = "Bad rows are reported under key and client."
    named = [text_tensor("key", keys), text_tensor("client", ["north", "south", "", "north"])]
    text = "row `2`, key `b`: expected the client of row `2` to be UTF-8 and not empty, found other bytes or none"
    empty = problem(2, "invalid_client", "client", text, key="b")
    message = "expected different keys of client `north`, found `a` on rows `0` and `3`"
    text = f"row `3`, client `north`, key `a`: {message}"
    repeated = problem(3, "duplicate_key", "key", text, client="north", key="a")
    two = [text_tensor("key", keys[:2]), text_tensor("client", clients[:2]), row_errors([empty, repeated])]
    report = {"on_row_error": "report"}
    tensor_case("v2-report-clients", about, digits, [x, *named], rows[:2], two, parameters=report)
    about = "New keys for the rows of several clients."
    generated = [text_tensor("key", ["<key 0>", "<key 1>"]), text_tensor("client", clients[:2])]
    inputs, policy = [tensor("X", rows[:2]), text_tensor("client", clients[:2])], {"generate_keys": True}
    name, known = "v2-generated-keys-clients", {"parameters": policy, "generated_keys": True}
    tensor_case(name, about, digits, inputs, rows[:2], generated, **known)

    fields = [{"key": key, "client": name, "X": row} for key, name, row in zip(keys, clients, numbers(rows))]
    answers = [
        {"key": answer.pop("key"), "client": name} | answer
        for answer, name in zip(predictions(digits, rows, keys), clients)
    ]
    about = "Rows of several clients, which may have the same key."
    policy_case("v1-clients", about, digits, {}, fields[:3], answers[:3])
    about = "Clients beside rows that have no place for them."
    beside = {"keys": keys[:3], "clients": clients[:3]}
    policy_case("v1-bare-vectors-clients", about, digits, beside, numbers(rows[:3]), answers[:3])
    about = "A row is left out if an earlier one of its client has its key."
    policy_case("v1-clients-first", about, digits, {"on_duplicate_key": "first"}, fields, answers[:3])
    about = "Bad rows are reported under key and client."
    repeated = problem(3, "duplicate_key", "key", f"row `3`: {message}")
    text = "row `2`: expected a string that is not empty as client, found `null`"
    empty = problem(2, "invalid_client", "client", text)
    bad = [{"key": "b", "error": empty}, {"key": "a", "client": "north", "error": repeated}]
    instances = [field | {"client": None} if row == 2 else field for row, field in enumerate(fields)]
    policy_case("v1-report-clients", about, digits, report, instances, answers[:2] + bad)
    about = "Clients beside columns come back beside columns."
    answer = {name: numbers(values) for name, values in digits.answer(rows[:3]).items()}
    request, response = {"inputs": {"X": numbers(rows[:3])}} | beside, {"outputs": answer} | beside
    write_case("v1-inputs-clients", about, digits, "/v1/models/digits:predict", request, response)


def column_cases(digits, diabetes):
    rows = clear_rows(digits, 3)
    column_case("v1-inputs", "Columns: each input and each output as a whole.", digits, rows)
    column_case("v1-inputs-keys", "Keys beside columns come back beside columns.", digits, rows, keys=["a", 7, "7"])
    about = "One input and one output need no names."
    column_case("v1-inputs-diabetes", about, diabetes, diabetes.rows[:5], bare=True)


def main():
    digits, edge = Model("digits", "digits"), Model("digits-edge", "digits")
    diabetes = Model("diabetes", "diabetes")
    v2_cases(digits, edge, diabetes)
    v1_cases(digits, edge, diabetes)
    policy_cases(digits)
    key_cases(digits)
    report_cases(digits)
    client_cases(digits)
    column_cases(digits, diabetes)


main()
