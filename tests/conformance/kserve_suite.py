"""The KServe Python client over HTTP: protocol V2, and what it calls V1."""

from contextlib import asynccontextmanager

import httpx
import numpy as np
from kserve.inference_client import InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import InferInput, InferRequest, RequestedOutput

import tensors
from environments import CLIENTS
from suite import Suite
from tensors import check_array, check_close, check_equal

TIMEOUT_S = 30


class Client:
    """The client for V2 and the one for V1, with the address that each of their calls asks for."""

    def __init__(self, address):
        self.url = f"http://{address}"
        self.v2 = InferenceRESTClient(RESTConfig(protocol="v2", timeout=TIMEOUT_S))
        self.v1 = InferenceRESTClient(RESTConfig(protocol="v1", timeout=TIMEOUT_S))

    async def infer(self, model, inputs, outputs=None, **members):
        """An inference by V2: the answer."""
        request = InferRequest(model, inputs, request_outputs=outputs, **members)
        return await self.v2.infer(self.url, request, model_name=model)

    async def refusal(self, *arguments, **members):
        """The error that the client raises for an inference that the server refuses."""
        try:
            await self.infer(*arguments, **members)
        except httpx.HTTPStatusError as error:
            return error
        raise AssertionError("the request was answered")


@asynccontextmanager
async def _open(address):
    client = Client(address)
    async with client.v1, client.v2:
        yield client


SUITE = Suite("KServe", f"kserve {CLIENTS.version('kserve')}", _open)
BINARY_OUTPUTS = {"parameters": {"binary_data_output": True}}


def tensor(name, array, binary=True):
    kind = {"int32": "INT32", "int64": "INT64", "float16": "FP16", "float32": "FP32", "object": "BYTES"}
    found = InferInput(name, list(array.shape), kind[array.dtype.name])
    found.set_data_from_numpy(array, binary_data=binary)
    return found


def simple_inputs(binary=(True, True), n_rows=2):
    arrays = tensors.simple_inputs(n_rows)
    return [tensor(f"INPUT{idx}", array, binary[idx]) for idx, array in enumerate(arrays)]


def output(answer, name):
    found = [output.as_numpy() for output in answer.outputs if output.name == name]
    check_equal(len(found), 1, f"number of outputs `{name}`")
    return found[0]


def check_simple(answer, n_rows=2):
    for idx, array in enumerate(tensors.simple_outputs(*tensors.simple_inputs(n_rows))):
        check_array(output(answer, f"OUTPUT{idx}"), array)


def check_refusal(error, status, *words):
    found = error.response.status_code
    assert 400 <= found < 500 and status in (None, found), f"status {found}: {error}"
    text = error.response.json()["error"]
    assert text in str(error), f"the client says `{error}`, the server `{text}`"
    for word in words:
        assert word in text, f"expected `{word}` in `{text}`"


async def identity(client, model, array, binary):
    outputs = [RequestedOutput("OUTPUT0", {"binary_data": binary})]
    check_array(output(await client.infer(model, [tensor("INPUT0", array, binary)], outputs), "OUTPUT0"), array)


@SUITE.case("server-live")
async def _(client):
    check_equal(await client.v2.is_server_live(client.url), True)


@SUITE.case("server-ready")
async def _(client):
    check_equal(await client.v2.is_server_ready(client.url), True)


@SUITE.case("model-ready")
async def _(client):
    check_equal(await client.v2.is_model_ready(client.url, "simple"), True)


@SUITE.case("model-not-ready")
async def _(client):
    check_equal(await client.v2.is_model_ready(client.url, "no-such-model"), False)


@SUITE.case("infer-default")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs()))


@SUITE.case("infer-json")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs((False, False))))


@SUITE.case("infer-json-to-binary")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs((False, False)), **BINARY_OUTPUTS))


@SUITE.case("infer-binary-to-json")
async def _(client):
    outputs = [RequestedOutput(name, {"binary_data": False}) for name in ("OUTPUT0", "OUTPUT1")]
    check_simple(await client.infer("simple", simple_inputs(), outputs))


@SUITE.case("infer-mixed")
async def _(client):
    outputs = [RequestedOutput("OUTPUT0", {"binary_data": True}), RequestedOutput("OUTPUT1")]
    check_simple(await client.infer("simple", simple_inputs((False, True)), outputs))


@SUITE.case("infer-selected")
async def _(client):
    answer = await client.infer("simple", simple_inputs(), [RequestedOutput("OUTPUT1"), RequestedOutput("OUTPUT0")])
    check_equal([output.name for output in answer.outputs], ["OUTPUT1", "OUTPUT0"], "outputs")
    check_simple(answer)


@SUITE.case("infer-id")
async def _(client):
    answer = await client.infer("simple", simple_inputs(), request_id="größer 42")
    check_equal(answer.id, "größer 42", "id")
    check_equal(answer.model_name, "simple", "model_name")


@SUITE.case("infer-parameters")
async def _(client):
    parameters = {"text": "a", "whole": 3, "number": 1.5, "yes": True}
    check_simple(await client.infer("simple", simple_inputs(), parameters=parameters))


@SUITE.case("infer-three-inputs")
async def _(client):
    inputs = [tensor(name, array) for name, array in tensors.PAIRS.items()]
    answer = await client.infer("identity-fp32-pairs", inputs[::-1])
    for name, array in tensors.PAIRS.items():
        check_array(output(answer, name.replace("INPUT", "OUTPUT")), array)


@SUITE.case("infer-many-rows")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs(n_rows=5000), **BINARY_OUTPUTS), n_rows=5000)


@SUITE.case("infer-digits")
async def _(client):
    pixels, labels, probabilities = tensors.digits()
    answer = await client.infer("digits", [tensor("X", pixels)], **BINARY_OUTPUTS)
    check_array(output(answer, "label"), labels)
    check_close(output(answer, "probabilities"), probabilities)


@SUITE.case("fp32-binary")
async def _(client):
    await identity(client, "identity-fp32", tensors.FP32, True)


@SUITE.case("fp32-json")
async def _(client):
    await identity(client, "identity-fp32", tensors.FP32, False)


@SUITE.case("not-finite-binary")
async def _(client):
    await identity(client, "identity-fp32", tensors.NOT_FINITE, True)


@SUITE.case("fp16-binary")
async def _(client):
    await identity(client, "identity-fp16", tensors.FP16, True)


@SUITE.case("int64-binary")
async def _(client):
    await identity(client, "identity-int64", tensors.INT64, True)


@SUITE.case("int64-json")
async def _(client):
    await identity(client, "identity-int64", tensors.INT64, False)


@SUITE.case("bytes-binary")
async def _(client):
    await identity(client, "identity-bytes", tensors.TEXT, True)


@SUITE.case("bytes-not-text")
async def _(client):
    check_refusal(await client.refusal("identity-bytes", [tensor("INPUT0", tensors.NOT_TEXT)]), None, "INPUT0")


@SUITE.case("bytes-json")
async def _(client):
    await identity(client, "identity-bytes", tensors.TEXT, False)


async def keyed(client, keys, binary):
    names = ("label", "probabilities", "key")
    pixels, labels, _ = tensors.digits()
    inputs = [tensor("X", pixels[: len(keys)], binary), tensor("key", keys, binary)]
    answer = await client.infer("digits", inputs, [RequestedOutput(name, {"binary_data": binary}) for name in names])
    check_array(output(answer, "key"), keys)
    check_array(output(answer, "label"), labels[: len(keys)])


@SUITE.case("keys-bytes-binary")
async def _(client):
    await keyed(client, tensors.TEXT_KEYS, True)


@SUITE.case("keys-bytes-json")
async def _(client):
    await keyed(client, tensors.TEXT_KEYS, False)


@SUITE.case("keys-int64-binary")
async def _(client):
    await keyed(client, tensors.INT64_KEYS, True)


@SUITE.case("keys-int64-json")
async def _(client):
    await keyed(client, tensors.INT64_KEYS, False)


@SUITE.case("keys-twice")
async def _(client):
    inputs = [*simple_inputs(), tensor("key", tensors.texts(b"twin", b"twin", shape=(2,)))]
    check_refusal(await client.refusal("simple", inputs), None, "twin")


@SUITE.case("unknown-model")
async def _(client):
    check_refusal(await client.refusal("no-such-model", simple_inputs()), 404, "no-such-model")


@SUITE.case("unknown-output")
async def _(client):
    check_refusal(await client.refusal("simple", simple_inputs(), [RequestedOutput("OUTPUT7")]), None, "OUTPUT7")


@SUITE.case("missing-input")
async def _(client):
    check_refusal(await client.refusal("simple", simple_inputs()[:1]), None, "INPUT1")


@SUITE.case("wrong-shape")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array[:, :8]) for idx, array in enumerate(tensors.simple_inputs())]
    check_refusal(await client.refusal("simple", inputs), None, "16", "8")


@SUITE.case("wrong-datatype")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array.astype(np.float32)) for idx, array in enumerate(tensors.simple_inputs())]
    check_refusal(await client.refusal("simple", inputs), None, "INT32", "FP32")


@SUITE.case("error-id")
async def _(client):
    error = await client.refusal("simple", simple_inputs()[:1], request_id="größer 42")
    check_equal(error.response.json()["id"], "größer 42", "id")


@SUITE.case("rows")
async def _(client):
    pixels, labels, _ = tensors.digits()
    rows = [{"key": f"row-{idx}", "X": row.tolist()} for idx, row in enumerate(pixels)]
    answer = await client.v1.infer(client.url, {"instances": rows}, model_name="digits")
    found = [(row["key"], row["label"]) for row in answer["predictions"]]
    check_equal(found, [(f"row-{idx}", int(label)) for idx, label in enumerate(labels)], "predictions")


@SUITE.case("rows-model-ready")
async def _(client):
    check_equal(await client.v1.is_model_ready(client.url, "digits"), True)


@SUITE.case("body-too-long")
async def _(client):
    # Whether it reads the answer is a race where the server closes while the client writes: one attempt says little.
    for _ in range(5):
        check_refusal(await client.refusal("simple", simple_inputs(n_rows=tensors.TOO_MANY_ROWS)), 413)


@SUITE.case("alive-after-errors")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs()))
