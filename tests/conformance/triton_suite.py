"""tritonclient over HTTP, the blocking and the asyncio one: the same cases for both.

The blocking client is called as if it were asynchronous, which costs nothing here: one request is under way at a time, except in
the case that is about more.
"""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import tritonclient.http as blocking
import tritonclient.http.aio as asynchronous
from tritonclient.http import InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

import tensors
from environments import CLIENTS
from server import MODEL_NAMES
from suite import Suite
from tensors import check_array, check_classes, check_close, check_equal, check_signature

VERSION = CLIENTS.version("tritonclient")
TIMEOUT_S = 30
N_CONCURRENT = 8


class Client:
    """Either client behind coroutines; `call` names a method of both."""

    def __init__(self, client):
        self.client = client

    async def call(self, method, *arguments, **options):
        answer = getattr(self.client, method)(*arguments, **options)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def infer(self, model, inputs, outputs=None, **options):
        """An inference; `outputs` are those asked for."""
        return await self.call("infer", model, inputs, outputs=outputs, **options)

    async def infer_all(self, model, requests):
        """Inferences under way at the same time."""
        if hasattr(self.client, "async_infer"):
            waiting = [self.client.async_infer(model, inputs) for inputs in requests]
            return [request.get_result() for request in waiting]
        return await asyncio.gather(*(self.client.infer(model, inputs) for inputs in requests))

    async def refusal(self, method, *arguments, **options):
        """The exception that the client raises for a request that the server refuses."""
        try:
            await self.call(method, *arguments, **options)
        except InferenceServerException as error:
            return error
        raise AssertionError("the request was answered")


@asynccontextmanager
async def _open_blocking(address):
    with blocking.InferenceServerClient(
        address, concurrency=N_CONCURRENT, connection_timeout=TIMEOUT_S, network_timeout=TIMEOUT_S
    ) as client:
        yield Client(client)


@asynccontextmanager
async def _open_asynchronous(address):
    async with asynchronous.InferenceServerClient(address, conn_timeout=TIMEOUT_S) as client:
        yield Client(client)


BLOCKING = Suite("tritonclient.http", f"tritonclient {VERSION}", _open_blocking)
ASYNCHRONOUS = Suite("tritonclient.http.aio", f"tritonclient {VERSION}", _open_asynchronous)


def case(name):
    """A case of both clients."""

    def register(function):
        BLOCKING.case(name)(function)
        return ASYNCHRONOUS.case(name)(function)

    return register


def tensor(name, array, binary=True):
    """An input with its data; `binary` as the client has it by default."""
    found = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    found.set_data_from_numpy(array, binary_data=binary)
    return found


def simple_inputs(binary=(True, True), n_rows=2):
    arrays = tensors.simple_inputs(n_rows)
    return [tensor(f"INPUT{idx}", array, binary[idx]) for idx, array in enumerate(arrays)]


def requested(binary):
    """Outputs asked for by name, with whether each is to be binary."""
    return [InferRequestedOutput(name, binary_data=is_binary) for name, is_binary in binary.items()]


def check_forms(result, binary):
    """Exactly these outputs in this order, each binary or in JSON as said."""
    forms = {
        output["name"]: "binary_data_size" in output.get("parameters", {}) for output in result.get_response()["outputs"]
    }
    check_equal(list(forms.items()), list(binary.items()), "outputs (name, is binary)")


def check_simple(result, n_rows=2):
    expected = tensors.simple_outputs(*tensors.simple_inputs(n_rows))
    for idx, array in enumerate(expected):
        check_array(result.as_numpy(f"OUTPUT{idx}"), array)


async def identity(client, model, array, binary_in=True, binary_out=True):
    """What an identity model answers."""
    outputs = requested({"OUTPUT0": binary_out})
    result = await client.infer(model, [tensor("INPUT0", array, binary_in)], outputs)
    check_forms(result, {"OUTPUT0": binary_out})
    return result.as_numpy("OUTPUT0")


# Server and model


@case("server-live")
async def _(client):
    check_equal(await client.call("is_server_live"), True)


@case("server-ready")
async def _(client):
    check_equal(await client.call("is_server_ready"), True)


@case("model-ready")
async def _(client):
    check_equal(await client.call("is_model_ready", "simple"), True)


@case("model-ready-version")
async def _(client):
    check_equal(await client.call("is_model_ready", "simple", "1"), True)


@case("model-not-ready")
async def _(client):
    check_equal(await client.call("is_model_ready", "no-such-model"), False)


@case("server-metadata")
async def _(client):
    metadata = await client.call("get_server_metadata")
    assert metadata["name"] and metadata["version"], f"no name or version: {metadata}"
    missing = {"binary_tensor_data", "classification"} - set(metadata["extensions"])
    check_equal(missing, set(), "missing extensions")


@case("model-metadata")
async def _(client):
    metadata = await client.call("get_model_metadata", "simple")
    check_equal(metadata["name"], "simple", "name")
    check_equal(metadata["versions"], ["1"], "versions")
    check_signature(metadata, tensors.SIMPLE)


@case("model-metadata-version")
async def _(client):
    check_signature(await client.call("get_model_metadata", "simple", "1"), tensors.SIMPLE)


@case("model-config")
async def _(client):
    config = await client.call("get_model_config", "simple")
    check_equal(config["name"], "simple", "name")
    assert isinstance(config["max_batch_size"], int), f"max_batch_size is {config['max_batch_size']!r}"


@case("repository-index")
async def _(client):
    index = await client.call("get_model_repository_index")
    check_equal(sorted(entry["name"] for entry in index), MODEL_NAMES, "models")
    check_equal({entry["state"] for entry in index}, {"READY"}, "states")


# Inference


@case("infer-default")
async def _(client):
    result = await client.infer("simple", simple_inputs())
    check_forms(result, {"OUTPUT0": True, "OUTPUT1": True})
    check_simple(result)


@case("infer-json")
async def _(client):
    forms = {"OUTPUT0": False, "OUTPUT1": False}
    result = await client.infer("simple", simple_inputs((False, False)), requested(forms))
    check_forms(result, forms)
    check_simple(result)


@case("infer-json-to-binary")
async def _(client):
    result = await client.infer("simple", simple_inputs((False, False)))
    check_forms(result, {"OUTPUT0": True, "OUTPUT1": True})
    check_simple(result)


@case("infer-binary-to-json")
async def _(client):
    forms = {"OUTPUT0": False, "OUTPUT1": False}
    result = await client.infer("simple", simple_inputs(), requested(forms))
    check_forms(result, forms)
    check_simple(result)


@case("infer-mixed")
async def _(client):
    forms = {"OUTPUT0": True, "OUTPUT1": False}
    result = await client.infer("simple", simple_inputs((False, True)), requested(forms))
    check_forms(result, forms)
    check_simple(result)


@case("infer-selected")
async def _(client):
    forms = {"OUTPUT1": True, "OUTPUT0": False}
    result = await client.infer("simple", simple_inputs(), requested(forms))
    check_forms(result, forms)
    check_simple(result)
    result = await client.infer("simple", simple_inputs(), requested({"OUTPUT1": True}))
    check_forms(result, {"OUTPUT1": True})
    check_equal(result.as_numpy("OUTPUT0"), None, "the output not asked for")


@case("infer-version")
async def _(client):
    result = await client.infer("simple", simple_inputs(), model_version="1")
    check_equal(result.get_response()["model_version"], "1", "model_version")
    check_simple(result)


@case("infer-id")
async def _(client):
    result = await client.infer("simple", simple_inputs(), request_id="größer 42")
    check_equal(result.get_response()["id"], "größer 42", "id")
    check_equal(result.get_response()["model_name"], "simple", "model_name")


@case("infer-parameters")
async def _(client):
    parameters = {"text": "a", "whole": 3, "number": 1.5, "yes": True}
    check_simple(await client.infer("simple", simple_inputs(), priority=1, timeout=1000, parameters=parameters))


@case("infer-headers")
async def _(client):
    options = {"headers": {"X-Own": "1"}, "query_params": {"own": 1, "other": "größer"}}
    check_simple(await client.infer("simple", simple_inputs(), **options))
    check_equal(await client.call("is_model_ready", "simple", **options), True)
    check_signature(await client.call("get_model_metadata", "simple", **options), tensors.SIMPLE)


@case("infer-three-inputs")
async def _(client):
    inputs = [tensor(name, array) for name, array in tensors.PAIRS.items()]
    result = await client.infer("identity-fp32-pairs", inputs[::-1])
    for name, array in tensors.PAIRS.items():
        check_array(result.as_numpy(name.replace("INPUT", "OUTPUT")), array)


@case("infer-many-rows")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs(n_rows=5000)), n_rows=5000)


@case("infer-concurrent")
async def _(client):
    results = await client.infer_all("simple", [simple_inputs(n_rows=n + 1) for n in range(N_CONCURRENT)])
    for idx, result in enumerate(results):
        check_simple(result, n_rows=idx + 1)


@case("infer-digits")
async def _(client):
    pixels, labels, probabilities = tensors.digits()
    result = await client.infer("digits", [tensor("X", pixels)])
    check_array(result.as_numpy("label"), labels)
    check_close(result.as_numpy("probabilities"), probabilities)


# Datatypes


@case("fp32-binary")
async def _(client):
    check_array(await identity(client, "identity-fp32", tensors.FP32), tensors.FP32)


@case("fp32-json")
async def _(client):
    check_array(await identity(client, "identity-fp32", tensors.FP32, False, False), tensors.FP32)


@case("not-finite-binary")
async def _(client):
    check_array(await identity(client, "identity-fp32", tensors.NOT_FINITE), tensors.NOT_FINITE)


@case("nan-to-json")
async def _(client):
    array = np.array([[np.nan, 1.5]], dtype=np.float32)
    check_array(await identity(client, "identity-fp32", array, True, False), array)


@case("nan-from-json")
async def _(client):
    inputs = [tensor("INPUT0", tensors.NOT_FINITE, binary=False)]
    error = await client.refusal("infer", "identity-fp32", inputs)
    check_refusal(error, 400)


@case("fp16-binary")
async def _(client):
    check_array(await identity(client, "identity-fp16", tensors.FP16), tensors.FP16)


@case("fp16-json")
async def _(client):
    inputs = [tensor("INPUT0", np.ones((1, 2), dtype=np.float16), binary=False)]
    check_refusal(await client.refusal("infer", "identity-fp16", inputs), None, "binary")


@case("int64-binary")
async def _(client):
    check_array(await identity(client, "identity-int64", tensors.INT64), tensors.INT64)


@case("int64-json")
async def _(client):
    check_array(await identity(client, "identity-int64", tensors.INT64, False, False), tensors.INT64)


@case("bytes-binary")
async def _(client):
    check_array(await identity(client, "identity-bytes", tensors.TEXT), tensors.TEXT)


@case("bytes-not-text")
async def _(client):
    check_refusal(await client.refusal("infer", "identity-bytes", [tensor("INPUT0", tensors.NOT_TEXT)]), None, "INPUT0")


@case("bytes-json")
async def _(client):
    check_array(await identity(client, "identity-bytes", tensors.TEXT, False, False), tensors.TEXT)


# Compression


def register_compression(algorithm):
    @case(f"{algorithm}-request")
    async def _(client):
        for binary in ((True, True), (False, False), (True, False)):
            inputs = simple_inputs(binary)
            check_simple(await client.infer("simple", inputs, request_compression_algorithm=algorithm))

    @case(f"{algorithm}-response")
    async def _(client):
        for forms in ({"OUTPUT0": True, "OUTPUT1": True}, {"OUTPUT0": False, "OUTPUT1": False}):
            inputs = simple_inputs(n_rows=100)
            options = {"response_compression_algorithm": algorithm}
            result = await client.infer("simple", inputs, requested(forms), **options)
            check_forms(result, forms)
            check_simple(result, n_rows=100)

    @case(f"{algorithm}-both")
    async def _(client):
        options = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
        check_simple(await client.infer("simple", simple_inputs(), **options))

    @case(f"{algorithm}-error")
    async def _(client):
        options = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
        error = await client.refusal("infer", "simple", simple_inputs()[:1], **options)
        check_refusal(error, None, "INPUT1")


register_compression("gzip")
register_compression("deflate")


# Classification


async def classify(client, n_classes, binary):
    pixels, _, probabilities = tensors.digits()
    output = InferRequestedOutput("probabilities", binary_data=binary, class_count=n_classes)
    result = await client.infer("digits", [tensor("X", pixels)], [output])
    check_equal(result.get_output("probabilities")["datatype"], "BYTES", "datatype")
    check_forms(result, {"probabilities": binary})
    check_classes(result.as_numpy("probabilities"), probabilities, min(n_classes, 10))


@case("classes-binary")
async def _(client):
    await classify(client, 2, True)


@case("classes-json")
async def _(client):
    await classify(client, 2, False)


@case("classes-more-than-there-are")
async def _(client):
    pixels, _, _ = tensors.digits()
    output = InferRequestedOutput("probabilities", class_count=20)
    result = await client.infer("digits", [tensor("X", pixels)], [output])
    check_equal(result.as_numpy("probabilities").shape, (len(pixels), 10), "shape")


# Keys


async def keyed(client, keys, binary):
    """Inputs `X` and `key` to the outputs of `digits` and the keys, all in one form."""
    pixels, labels, probabilities = tensors.digits()
    rows = len(keys)
    inputs = [tensor("X", pixels[:rows], binary), tensor("key", keys, binary)]
    forms = {name: binary for name in ("label", "probabilities", "key")}
    result = await client.infer("digits", inputs, requested(forms))
    check_forms(result, forms)
    check_array(result.as_numpy("key"), keys)
    check_array(result.as_numpy("label"), labels[:rows])
    check_close(result.as_numpy("probabilities"), probabilities[:rows])


@case("keys-bytes-binary")
async def _(client):
    await keyed(client, tensors.TEXT_KEYS, True)


@case("keys-bytes-json")
async def _(client):
    await keyed(client, tensors.TEXT_KEYS, False)


@case("keys-int64-binary")
async def _(client):
    await keyed(client, tensors.INT64_KEYS, True)


@case("keys-int64-json")
async def _(client):
    await keyed(client, tensors.INT64_KEYS, False)


@case("keys-column")
async def _(client):
    await keyed(client, tensors.INT64_KEYS.reshape(-1, 1), True)


@case("keys-by-default")
async def _(client):
    result = await client.infer("simple", [*simple_inputs(), tensor("key", tensors.TEXT_KEYS)])
    check_forms(result, {"OUTPUT0": True, "OUTPUT1": True, "key": True})
    check_array(result.as_numpy("key"), tensors.TEXT_KEYS)
    check_simple(result)


@case("keys-twice")
async def _(client):
    keys = tensors.texts(b"twin", b"twin", shape=(2,))
    inputs = [*simple_inputs(), tensor("key", keys)]
    check_refusal(await client.refusal("infer", "simple", inputs), None, "twin")


@case("keys-not-text")
async def _(client):
    keys = tensors.texts(b"\xff\xfe", b"plain", shape=(2,))
    inputs = [*simple_inputs(), tensor("key", keys)]
    check_refusal(await client.refusal("infer", "simple", inputs), None, "UTF-8")


@case("keys-too-few")
async def _(client):
    inputs = [*simple_inputs(), tensor("key", tensors.INT64_KEYS[:1])]
    check_refusal(await client.refusal("infer", "simple", inputs), None, "1")


# Errors


def check_refusal(error, status, *words):
    """The server's own sentence reached the client, with these words and a status (4xx if `None`)."""
    found = error.status()
    assert found is not None and found.startswith("4"), f"status {found!r}, message `{error.message()}`"
    assert status is None or found == str(status), f"expected status {status}, found {found}: {error.message()}"
    assert "exception occurred in the client" not in error.message(), error.message()
    assert error.message(), "the message is empty"
    for word in words:
        assert word in error.message(), f"expected `{word}` in `{error.message()}`"


@case("unknown-model")
async def _(client):
    check_refusal(await client.refusal("infer", "no-such-model", simple_inputs()), 404, "no-such-model")
    check_refusal(await client.refusal("get_model_metadata", "no-such-model"), 404, "no-such-model")


@case("unknown-version")
async def _(client):
    error = await client.refusal("infer", "simple", simple_inputs(), model_version="7")
    check_refusal(error, 404, "simple", "7")


@case("unknown-output")
async def _(client):
    error = await client.refusal("infer", "simple", simple_inputs(), outputs=requested({"OUTPUT7": True}))
    check_refusal(error, None, "OUTPUT7")


@case("unknown-input")
async def _(client):
    inputs = [*simple_inputs(), tensor("INPUT7", tensors.simple_inputs()[0])]
    check_refusal(await client.refusal("infer", "simple", inputs), None, "INPUT7")


@case("missing-input")
async def _(client):
    check_refusal(await client.refusal("infer", "simple", simple_inputs()[:1]), None, "INPUT1")


@case("wrong-shape")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array[:, :8]) for idx, array in enumerate(tensors.simple_inputs())]
    check_refusal(await client.refusal("infer", "simple", inputs), None, "16", "8")


@case("wrong-datatype")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array.astype(np.float32)) for idx, array in enumerate(tensors.simple_inputs())]
    check_refusal(await client.refusal("infer", "simple", inputs), None, "INT32", "FP32")


@case("duplicate-output")
async def _(client):
    outputs = [InferRequestedOutput("OUTPUT0"), InferRequestedOutput("OUTPUT0")]
    check_refusal(await client.refusal("infer", "simple", simple_inputs(), outputs=outputs), None, "OUTPUT0")


@case("body-too-long")
async def _(client):
    check_refusal(await client.refusal("infer", "simple", simple_inputs(n_rows=tensors.TOO_MANY_ROWS)), 413)


@case("alive-after-errors")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs()))
