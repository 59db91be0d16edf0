"""Writes the golden cases of `batch-chunk` that succeed: chunks in every format, and what ONNX Runtime makes of their rows.

One folder per case under `batch-chunk/`: `case.toml`, `request.<format>` and `response.<format>`; what an Arrow stream should say is
in `response.json`, a row as an object. It rewrites the folders of the cases it names and touches no other: chunks that are refused as a
whole are written by hand. Streams are written by pyarrow; tolerance and labels are as in `make.py`. Nothing here runs Plinth.

Run: `python tests/golden/make_batch_chunk.py` with `models/requirements.txt` and `pyarrow==25.0.1` installed.
"""

import csv
import io
import json

import numpy as np
import pyarrow as pa

from make import FOLDER, TOLERANCE, Model, clear_rows
from model_folder import numbers, tensor

COLUMNS = [f"pixel{index}" for index in range(64)]
NAMES = ["label", *(f"probabilities_{index}" for index in range(10))]


def write_case(name, about, query, request, response, *, status=200):
    """`request` and `response` are pairs of a format and a body."""
    folder = FOLDER / "batch-chunk" / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# {about} Written by tests/golden/make_batch_chunk.py.",
        'method = "POST"',
        f'path = "/batch/digits{query}"',
        f"status = {status}",
        f"tolerance = {TOLERANCE}",
    ]
    (folder / "case.toml").write_text("\n".join(lines) + "\n")
    (folder / f"request.{request[0]}").write_bytes(request[1])
    (folder / f"response.{response[0]}").write_bytes(response[1])


def outputs(model, rows):
    """The outputs of each row, as JSON has them."""
    answer = {name: numbers(values) for name, values in model.answer(rows).items()}
    return [dict(zip(answer, values, strict=True)) for values in zip(*answer.values(), strict=True)]


def ndjson(rows):
    lines = [json.dumps(row, ensure_ascii=False) if isinstance(row, (dict, list)) else row for row in rows]
    return "ndjson", ("\n".join(lines) + "\n").encode()


def table(names, records):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([names, *records])
    return "csv", text.getvalue().encode()


def stream(batches):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return "arrow", sink.getvalue()


def rows_of(answer):
    return "json", (json.dumps(answer, indent=1, ensure_ascii=False) + "\n").encode()


def problem(row, code, input_name, text):
    known = {} if input_name is None else {"input": input_name}
    return {"error": text, "code": code} | known | {"row": row}


def line_cases(model):
    rows = clear_rows(model, 40)
    answers = outputs(model, rows)
    chunk = [{"key": f"row-{index}", "X": row} for index, row in enumerate(numbers(rows))]
    expected = [{"key": row["key"]} | answer for row, answer in zip(chunk, answers, strict=True)]
    write_case("ndjson-keys", "Forty keyed rows.", "", ndjson(chunk), ndjson(expected))
    about = "The same rows, seven at a time."
    write_case("ndjson-micro-batch", about, "?micro_batch=7", ndjson(chunk), ndjson(expected))
    about = "Rows need no keys, and may be bare; blank lines are none."
    bare = [numbers(rows)[0], "", {"X": numbers(rows)[1]}, "  "]
    write_case("ndjson-no-keys", about, "", ndjson(bare), ndjson(answers[:2]))
    chunk = [{"id": index, "X": row, "note": {"of": index}, "é": None} for index, row in enumerate(numbers(rows[:3]))]
    kept = [{"id": row["id"], "note": row["note"], "é": None} | answer for row, answer in zip(chunk, answers)]
    about = "A key of another name, and fields that come back."
    write_case("ndjson-keep", about, "?key=id&keep=note,%C3%A9&chunk=c-1", ndjson(chunk), ndjson(kept))

    bad = [{"key": index, "X": row} for index, row in enumerate(numbers(rows[:7]))]
    bad[1]["X"].pop()
    bad[2] = '{"key": 2, "X": [0,'
    bad[3]["z"] = 1
    bad[4]["X"][5] = "five"
    del bad[5]["key"]
    wrong = {
        1: problem(1, "wrong_shape", "X", "row `1`: tensor `X`: expected a row of shape `[64]`, found `[63]`"),
        2: problem(2, "malformed_json", None, "row `2`: malformed JSON: EOF while parsing a value at line 1 column 19"),
        3: problem(3, "unknown_field", "z", "row `3`: unknown field `z`"),
        4: problem(4, "wrong_element", "X", 'row `4`: tensor `X`: expected `FP32` at element `5`, found `"five"`'),
        5: problem(5, "missing_key", "key", "row `5`: expected a key on every row or on none, found none on row `5`"),
    }
    expected = []
    for row, answer in enumerate(answers[:7]):
        key = {} if row in (2, 5) else {"key": row}
        expected.append(key | ({"error": wrong[row]} if row in wrong else answer))
    about = "Bad rows have their errors in their places, the others are answered."
    write_case("ndjson-bad-rows", about, "?key=key&micro_batch=3", ndjson(bad), ndjson(expected))


def flat(answer):
    return [answer["label"], *answer["probabilities"]]


def table_cases(model):
    rows = clear_rows(model, 10)
    answers = outputs(model, rows)
    pixels = [[f"{value:g}" for value in row] for row in rows]
    note = ['a "quoted"', "a, b", "two\nlines", "", "é"]
    records = [[f"row-{index}", *row, note[index % 5]] for index, row in enumerate(pixels)]
    expected = [[f"row-{index}", note[index % 5], *flat(answer), ""] for index, answer in enumerate(answers)]
    write_case(
        "csv-keys",
        "A column for each element of the row; a key and a column that comes back.",
        "?key=id&keep=note&micro_batch=4",
        table(["id", *COLUMNS, "note"], records),
        table(["id", "note", *NAMES, "error"], expected),
    )
    bad = [["a", *pixels[0]], ["b", *pixels[1][:-1]], ["", *pixels[2]], ["d", "x", *pixels[3][1:]], ["e", *pixels[4]]]
    nothing = [""] * len(NAMES)
    expected = [
        ["a", *flat(answers[0]), ""],
        ["b", *nothing, "wrong_data: expected `65` fields, as many as there are columns, found `64`"],
        ["", *nothing, "missing_key: column `key`: expected a key, found `null`"],
        ["d", *nothing, "wrong_element: column `pixel0`: expected `FP32`, found `x`"],
        ["e", *flat(answers[4]), ""],
    ]
    about = "Bad rows have their errors in the last column."
    write_case("csv-bad-rows", about, "", table(["key", *COLUMNS], bad), table(["key", *NAMES, "error"], expected))
    about = "A table without rows."
    write_case("csv-no-rows", about, "", table(COLUMNS, []), table([*NAMES, "error"], []))


def stream_cases(model):
    rows = clear_rows(model, 24)
    answers = outputs(model, rows)
    keys = [f"row-{index}" for index in range(24)]
    expected = [{"key": key} | answer | {"error": None} for key, answer in zip(keys, answers, strict=True)]
    flat_rows = pa.array(rows.reshape(-1), pa.float32())
    lists = pa.FixedSizeListArray.from_arrays(flat_rows, 64)
    batch = pa.record_batch({"key": keys, "X": lists})
    about = "Rows as lists of a fixed size, in two record batches, five rows at a time."
    halves = [batch.slice(0, 13), batch.slice(13)]
    write_case("arrow-lists", about, "?micro_batch=5&chunk=c-1", stream(halves), rows_of(expected))
    for kind, datatype in {"floats": pa.float32(), "doubles": pa.float64(), "integers": pa.uint8()}.items():
        assert (rows == rows.astype(np.uint8)).all(), "pixels are whole numbers"
        columns = {name: pa.array(rows[:, index], datatype) for index, name in enumerate(COLUMNS)}
        about = f"A column of type {datatype} for each element of the row."
        write_case(f"arrow-{kind}", about, "", stream([pa.record_batch({"key": keys} | columns)]), rows_of(expected))

    columns = {name: pa.array(numbers(rows[:5, index]), pa.int64()) for index, name in enumerate(COLUMNS)}
    columns["key"] = pa.array([7, None, -1, 2**53 + 1, 5], pa.int64())
    columns["note"] = pa.array(["p", "q", "p", None, "r"]).dictionary_encode().cast(pa.string())
    missing = problem(1, "missing_key", "key", "column `key`: expected a key, found `null`")
    expected = [
        {"key": key, "note": note} | answer | {"error": None}
        for key, note, answer in zip(columns["key"].to_pylist(), columns["note"].to_pylist(), answers)
    ]
    none = {"label": None, "probabilities": None, "error": json.dumps(missing, separators=(",", ":"))}
    expected[1] = {"key": None, "note": "q"} | none
    about = "A bad row has its error in the last column."
    write_case("arrow-bad-row", about, "?keep=note", stream([pa.record_batch(columns)]), rows_of(expected))

    texts = [pa.array([f"{value:g}" for value in rows[:3, index]]) for index in range(64)]
    columns = dict(zip(COLUMNS, texts, strict=True)) | {"key": pa.array(keys[:3]).dictionary_encode()}
    columns[COLUMNS[0]] = columns[COLUMNS[0]].dictionary_encode()
    expected = [{"label": answer["label"]} | answer | {"error": None} for answer in answers[:3]]
    del columns["key"]
    about = "Numbers as texts, in a dictionary too."
    write_case("arrow-texts", about, "", stream([pa.record_batch(columns)]), rows_of(expected))


def tensor_cases(model):
    rows = clear_rows(model, 3)
    key = {"name": "key", "datatype": "INT64", "shape": [3], "data": [1, 2, 3]}
    answer = model.answer(rows)
    response = {"model_name": "digits", "model_version": "1"}
    response |= {"outputs": [*(tensor(name, values) for name, values in answer.items()), key]}
    body = json.dumps({"inputs": [tensor("X", rows), key]}).encode()
    about = "Tensors are answered as predict answers them."
    write_case("tensors", about, "?chunk=c-1", ("json", body), ("json", (json.dumps(response) + "\n").encode()))


def main():
    model = Model("digits", "digits")
    line_cases(model)
    table_cases(model)
    stream_cases(model)
    tensor_cases(model)


if __name__ == "__main__":
    main()
