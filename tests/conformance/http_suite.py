"""What the protocol says and no client shows: headers, compression, precedence, raw binary requests, and hostile requests.

The hostile ones are in `hostile.py`, which registers them here. Sent by `plain.py`.
"""

import gzip
import json
import zlib
from contextlib import asynccontextmanager

import numpy as np

import hostile
import tensors
from plain import (
    HEADER_LENGTH,
    INFER_SIMPLE,
    Input,
    Plain,
    check_alive,
    check_refusal,
    check_simple,
    message,
    outputs,
    simple_inputs,
)
from server import MODEL_NAMES
from suite import Suite
from tensors import check_array, check_equal, check_signature


@asynccontextmanager
async def _open(address):
    yield Plain(address)


SUITE = Suite("http.client", "Python's standard library", _open)
hostile.register(SUITE)
ALL_JSON = {"OUTPUT0": False, "OUTPUT1": False}
ALL_BINARY = {"OUTPUT0": True, "OUTPUT1": True}
# An answer that is worth compressing.
MANY_ROWS = 100
# The third one is what `curl -d` says of whatever it sends.
CONTENT_TYPES = ["application/octet-stream", "application/json; charset=utf-8", "application/x-www-form-urlencoded"]
COMPRESS = {"gzip": gzip.compress, "deflate": zlib.compress}


# Server and model


@SUITE.case("server-live")
def _(client):
    check_equal(client.get("/v2/health/live")["live"], True, "live")


@SUITE.case("server-ready")
def _(client):
    check_equal(client.get("/v2/health/ready")["ready"], True, "ready")


@SUITE.case("model-ready")
def _(client):
    check_equal(client.get("/v2/models/simple/ready"), {"name": "simple", "ready": True}, "body")


@SUITE.case("server-metadata")
def _(client):
    metadata = client.get("/v2")
    assert isinstance(metadata["extensions"], list), f"extensions are {metadata['extensions']!r}"


@SUITE.case("model-metadata")
def _(client):
    metadata = client.get("/v2/models/simple")
    check_signature(metadata, tensors.SIMPLE)
    properties = metadata.get("properties", {})
    assert all(isinstance(value, str) for value in properties.values()), f"properties are {properties}"


@SUITE.case("model-metadata-version")
def _(client):
    check_equal(client.get("/v2/models/simple/versions/1"), client.get("/v2/models/simple"), "metadata")


@SUITE.case("model-config")
def _(client):
    config = client.get("/v2/models/simple/config")
    check_equal([item["name"] for item in config["input"] if item["name"] != "key"], ["INPUT0", "INPUT1"], "inputs")
    check_equal([item["name"] for item in config["output"] if item["name"] != "key"], ["OUTPUT0", "OUTPUT1"], "outputs")


@SUITE.case("models-list")
def _(client):
    check_equal(sorted(client.get("/v2/models")["models"]), MODEL_NAMES, "models")


@SUITE.case("repository-index")
def _(client):
    for body in (None, b"", b"{}", b'{"ready": true}'):
        reply = client.ask("POST", "/v2/repository/index", body)
        check_equal(reply.status, 200, "status")
        check_equal(sorted(entry["name"] for entry in reply.json()), MODEL_NAMES, "models")


# Inference


@SUITE.case("infer-json")
def _(client):
    check_simple(client.infer("simple", message(simple_inputs())), ALL_JSON)


@SUITE.case("infer-nested")
def _(client):
    inputs = [
        {"name": item.name, "shape": [2, 16], "datatype": "INT32", "data": item.array.tolist()} for item in simple_inputs()
    ]
    body = json.dumps({"inputs": inputs}).encode(), {}
    check_simple(client.infer("simple", body), ALL_JSON)


@SUITE.case("infer-content-type")
def _(client):
    for content_type in CONTENT_TYPES:
        for is_binary in (True, False):
            request = message(simple_inputs(is_binary))
            check_simple(client.infer("simple", request, {"Content-Type": content_type}), ALL_JSON)


@SUITE.case("infer-no-content-type")
def _(client):
    body, headers = message(simple_inputs(True))
    check_simple(client.infer("simple", (body, headers)), ALL_JSON)
    body, _ = message(simple_inputs())
    check_simple(client.infer("simple", (body, {})), ALL_JSON)


@SUITE.case("infer-header-length-without-binary")
def _(client):
    body, _ = message(simple_inputs())
    check_simple(client.infer("simple", (body, {HEADER_LENGTH: str(len(body))})), ALL_JSON)


@SUITE.case("infer-unknown-fields")
def _(client):
    request = message(simple_inputs(), model_name="simple", nobody={"knows": [[1, None, {"a": "b"}]]})
    check_simple(client.infer("simple", request), ALL_JSON)


@SUITE.case("infer-deep-unknown-fields")
def _(client):
    for depth in hostile.DEPTHS:
        nested = "[" * depth + "]" * depth
        body, headers = message(simple_inputs())
        body = body[:-1] + f', "parameters": {{"a": {nested}}}, "nobody": {nested}}}'.encode()
        reply = client.post(INFER_SIMPLE, (body, headers))
        if reply.status == 200:
            check_simple(reply, ALL_JSON)
        else:
            check_refusal(reply)
        check_alive(client)


@SUITE.case("infer-id")
def _(client):
    reply = client.infer("simple", message(simple_inputs(), id="größer 42"))
    check_equal(reply.json()["id"], "größer 42", "id")
    reply = client.infer("simple", message(simple_inputs()))
    assert "id" not in reply.json(), f"an id that nobody gave: {reply.json()['id']!r}"


@SUITE.case("infer-chunked")
def _(client):
    body, headers = message(simple_inputs(True))
    chunks = (body[start : start + 7] for start in range(0, len(body), 7))
    reply = client.ask("POST", INFER_SIMPLE, chunks, headers)
    check_equal(reply.status, 200, "status")
    check_simple(reply, ALL_JSON)


# Which outputs are binary


@SUITE.case("binary-by-request")
def _(client):
    request = message(simple_inputs(True), parameters={"binary_data_output": True})
    check_simple(client.infer("simple", request), ALL_BINARY)


@SUITE.case("binary-by-output")
def _(client):
    wanted = [{"name": "OUTPUT0", "parameters": {"binary_data": True}}, {"name": "OUTPUT1"}]
    check_simple(client.infer("simple", message(simple_inputs(), outputs=wanted)), {"OUTPUT0": True, "OUTPUT1": False})


@SUITE.case("binary-listed-output-wins")
def _(client):
    wanted = [{"name": "OUTPUT0", "parameters": {"binary_data": True}}, {"name": "OUTPUT1"}]
    request = message(simple_inputs(), outputs=wanted, parameters={"binary_data_output": True})
    check_simple(client.infer("simple", request), {"OUTPUT0": True, "OUTPUT1": False})
    wanted = [{"name": "OUTPUT0"}, {"name": "OUTPUT1", "parameters": {"binary_data": False}}]
    request = message(simple_inputs(), outputs=wanted, parameters={"binary_data_output": True})
    check_simple(client.infer("simple", request), ALL_JSON)


# Numbers that JSON has no word for


@SUITE.case("nan-to-json")
def _(client):
    request = message([Input("INPUT0", tensors.NOT_FINITE)])
    output = client.infer("identity-fp32", request).json()["outputs"][0]
    check_equal((output["data"][0], output["data"][3]), (None, 1.5), "NaN and 1.5")


@SUITE.case("nan-from-json")
def _(client):
    for token in ("NaN", "Infinity", "-Infinity"):
        tensor = f'{{"name": "INPUT0", "shape": [1, 1], "datatype": "FP32", "data": [{token}]}}'
        body = f'{{"id": "a", "inputs": [{tensor}]}}'.encode()
        check_refusal(client.ask("POST", "/v2/models/identity-fp32/infer", body), 400)


@SUITE.case("null-from-json")
def _(client):
    tensor = {"name": "INPUT0", "shape": [1, 2], "datatype": "FP32", "data": [None, 2]}
    body = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    found, is_binary = outputs(client.infer("identity-fp32", (body, {})))["OUTPUT0"]
    check_equal((is_binary, bool(np.isnan(found[0, 0])), float(found[0, 1])), (True, True, 2.0), "NaN and 2")


# Compression


def _register_compression(algorithm):
    @SUITE.case(f"{algorithm}-request")
    def _(client):
        for is_binary in (True, False):
            body, headers = message(simple_inputs(is_binary))
            compressed = COMPRESS[algorithm](body), headers | {"Content-Encoding": algorithm}
            check_simple(client.infer("simple", compressed), ALL_JSON)

    @SUITE.case(f"{algorithm}-response")
    def _(client):
        for parameters, forms in (({}, ALL_JSON), ({"binary_data_output": True}, ALL_BINARY)):
            request = message(simple_inputs(True, MANY_ROWS), parameters=parameters)
            reply = client.infer("simple", request, {"Accept-Encoding": algorithm})
            check_equal(reply.headers.get("content-encoding"), algorithm, "content encoding")
            check_simple(reply, forms, MANY_ROWS)

    @SUITE.case(f"{algorithm}-error")
    def _(client):
        request = message(simple_inputs()[:1])
        check_refusal(client.post(INFER_SIMPLE, request, {"Accept-Encoding": algorithm}))


_register_compression("gzip")
_register_compression("deflate")


@SUITE.case("compression-not-of-metadata")
def _(client):
    for path in ("/v2", "/v2/health/ready", "/v2/models/simple", "/v2/models/simple/config"):
        reply = client.ask("GET", path, headers={"Accept-Encoding": "gzip, deflate, br"})
        check_equal((reply.status, reply.headers.get("content-encoding")), (200, None), f"status and encoding of {path}")


@SUITE.case("compression-not-accepted")
def _(client):
    for accepted in ("br", "identity", "gzip;q=0", ""):
        reply = client.infer("simple", message(simple_inputs(n_rows=MANY_ROWS)), {"Accept-Encoding": accepted})
        check_equal(reply.headers.get("content-encoding"), None, f"content encoding for `{accepted}`")


# Classification


@SUITE.case("classes-ties")
def _(client):
    scores = np.array([[1, 3, 3, 1, 3]], dtype=np.float32)
    wanted = [{"name": "OUTPUT0", "parameters": {"classification": 4}}]
    reply = client.infer("identity-fp32", message([Input("INPUT0", scores)], outputs=wanted))
    expected = tensors.texts(b"3.000000:1", b"3.000000:2", b"3.000000:4", b"1.000000:0", shape=(1, 4))
    check_array(outputs(reply)["OUTPUT0"][0], expected)


# Raw binary requests


def _raw(client, model, body):
    return client.ask("POST", f"/v2/models/{model}/infer", body, {HEADER_LENGTH: "0"})


@SUITE.case("raw")
def _(client):
    for n_elements in (8, 32):
        row = np.arange(n_elements, dtype=np.float32)
        reply = _raw(client, "identity-fp32", row.tobytes())
        check_equal(reply.status, 200, "status")
        found, is_binary = outputs(reply)["OUTPUT0"]
        check_equal(is_binary, True, "is binary")
        check_array(found, row.reshape(1, n_elements))


@SUITE.case("raw-chunked")
def _(client):
    row = np.arange(8, dtype=np.float32)
    chunks = iter([row.tobytes()])
    reply = client.ask("POST", "/v2/models/identity-fp32/infer", chunks, {HEADER_LENGTH: "0"})
    check_equal(reply.status, 200, "status")
    check_array(outputs(reply)["OUTPUT0"][0], row.reshape(1, 8))


@SUITE.case("raw-bytes")
def _(client):
    reply = _raw(client, "identity-bytes-element", b"427")
    check_equal(reply.status, 200, "status")
    check_equal(reply.raw(), b"\x03\x00\x00\x00427", "element")


@SUITE.case("raw-bytes-many-elements")
def _(client):
    check_refusal(_raw(client, "identity-bytes", b"427"))
    check_alive(client)


@SUITE.case("raw-many-inputs")
def _(client):
    check_refusal(_raw(client, "identity-fp32-pairs", np.arange(24, dtype=np.float32).tobytes()))
    check_alive(client)


@SUITE.case("raw-many-variable-dimensions")
def _(client):
    check_refusal(_raw(client, "identity-fp32-3d", np.ones((2, 2), dtype=np.float32).tobytes()))
    check_alive(client)


@SUITE.case("raw-part-of-an-element")
def _(client):
    check_refusal(_raw(client, "identity-fp32", b"12345"))
    check_alive(client)


# Errors


@SUITE.case("unknown-model")
def _(client):
    for path in ("no-such-model", "no-such-model/ready", "no-such-model/config"):
        check_refusal(client.ask("GET", f"/v2/models/{path}"), 404)
    check_refusal(client.post("/v2/models/no-such-model/infer", message(simple_inputs())), 404)


@SUITE.case("unknown-version")
def _(client):
    check_refusal(client.ask("GET", "/v2/models/simple/versions/7"), 404)
    check_refusal(client.post("/v2/models/simple/versions/7/infer", message(simple_inputs())), 404)


@SUITE.case("unknown-path")
def _(client):
    for path in ("/v2/nothing", "/v2/models/simple/nothing", "/v2/models/simple/versions/1/nothing"):
        check_refusal(client.ask("GET", path), 404)


@SUITE.case("wrong-method")
def _(client):
    for method, path in (("GET", INFER_SIMPLE), ("POST", "/v2/health/live"), ("DELETE", "/v2/models/simple")):
        check_refusal(client.ask(method, path), 405)


@SUITE.case("error-id")
def _(client):
    for is_binary in (True, False):
        request = message(simple_inputs(is_binary)[:1], id="größer 42")
        check_equal(check_refusal(client.post(INFER_SIMPLE, request)).get("id"), "größer 42", "id")


@SUITE.case("error-code")
def _(client):
    body = check_refusal(client.post(INFER_SIMPLE, message(simple_inputs()[:1])))
    check_equal((body.get("code"), body.get("input")), ("missing_input", "INPUT1"), "code and input")
