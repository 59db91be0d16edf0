"""The KServe Python client over gRPC: inferences, raw and in typed contents, and whether server and model are there."""

import json
import logging
from contextlib import asynccontextmanager

import grpc
import numpy as np
from kserve.inference_client import InferenceGRPCClient
from kserve.protocol.infer_type import InferInput, InferRequest, RequestedOutput

import tensors
from environments import CLIENTS
from suite import Suite
from tensors import check_array, check_classes, check_close, check_equal

TIMEOUT_S = 30
KINDS = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64", "object": "BYTES"}


class Client:
    """The client with its errors as values."""

    def __init__(self, client):
        self.client = client

    async def infer(self, model, inputs, outputs=None, **members):
        """An inference: the answer."""
        return await self.client.infer(InferRequest(model, inputs, request_outputs=outputs, **members))

    async def refusal(self, *arguments, **members):
        """The error that the client raises for an inference that the server refuses."""
        try:
            await self.infer(*arguments, **members)
        except grpc.RpcError as error:
            return error
        raise AssertionError("the request was answered")


@asynccontextmanager
async def _open(address):
    # It logs each error that it raises.
    logging.getLogger("kserve.trace").setLevel(logging.CRITICAL)
    async with InferenceGRPCClient(address, timeout=TIMEOUT_S) as client:
        yield Client(client)


SUITE = Suite("KServe gRPC", f"kserve {CLIENTS.version('kserve')}", _open)


def tensor(name, array, raw=True):
    """An input whose data are raw, or in the list of their datatype."""
    kind = KINDS.get(array.dtype.name, array.dtype.name.upper())
    found = InferInput(name, list(array.shape), kind)
    found.set_data_from_numpy(array, binary_data=raw)
    return found


def simple_inputs(raw=True, n_rows=2):
    return [tensor(f"INPUT{idx}", array, raw) for idx, array in enumerate(tensors.simple_inputs(n_rows))]


def output(answer, name):
    found = [output.as_numpy() for output in answer.outputs if output.name == name]
    check_equal(len(found), 1, f"number of outputs `{name}`")
    return found[0]


def check_simple(answer, n_rows=2):
    for idx, array in enumerate(tensors.simple_outputs(*tensors.simple_inputs(n_rows))):
        check_array(output(answer, f"OUTPUT{idx}"), array)


def check_refusal(error, status, *words):
    check_equal(error.code().name, status, f"status of `{error.details()}`")
    for word in words:
        assert word in error.details(), f"expected `{word}` in `{error.details()}`"


async def identity(client, model, array):
    check_array(output(await client.infer(model, [tensor("INPUT0", array)]), "OUTPUT0"), array)


@SUITE.case("server-live")
async def _(client):
    check_equal(await client.client.is_server_live(), True)


@SUITE.case("server-ready")
async def _(client):
    check_equal(await client.client.is_server_ready(), True)


@SUITE.case("model-ready")
async def _(client):
    check_equal(await client.client.is_model_ready("simple"), True)


@SUITE.case("model-not-ready")
async def _(client):
    check_equal(await client.client.is_model_ready("no-such-model"), False)


@SUITE.case("infer-default")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs()))


@SUITE.case("infer-selected")
async def _(client):
    answer = await client.infer("simple", simple_inputs(), [RequestedOutput("OUTPUT1"), RequestedOutput("OUTPUT0")])
    check_equal([output.name for output in answer.outputs], ["OUTPUT1", "OUTPUT0"], "outputs")
    check_simple(answer)


@SUITE.case("infer-version")
async def _(client):
    answer = await client.infer("simple", simple_inputs(), model_version="1")
    check_equal(answer.model_version, "1", "model_version")
    check_simple(answer)


@SUITE.case("infer-id")
async def _(client):
    answer = await client.infer("simple", simple_inputs(), request_id="größer 42")
    check_equal(answer.id, "größer 42", "id")
    check_equal(answer.model_name, "simple", "model_name")


@SUITE.case("infer-parameters")
async def _(client):
    # The client itself refuses floats.
    parameters = {"text": "a", "whole": 3, "yes": True}
    check_simple(await client.infer("simple", simple_inputs(), parameters=parameters))


@SUITE.case("infer-headers")
async def _(client):
    request = InferRequest("simple", simple_inputs())
    check_simple(await client.client.infer(request, timeout=TIMEOUT_S, headers=(("x-own", "1"),)))


@SUITE.case("infer-three-inputs")
async def _(client):
    inputs = [tensor(name, array) for name, array in tensors.PAIRS.items()]
    answer = await client.infer("identity-fp32-pairs", inputs[::-1])
    for name, array in tensors.PAIRS.items():
        check_array(output(answer, name.replace("INPUT", "OUTPUT")), array)


@SUITE.case("infer-many-rows")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs(n_rows=5000)), n_rows=5000)


@SUITE.case("infer-digits")
async def _(client):
    pixels, labels, probabilities = tensors.digits()
    answer = await client.infer("digits", [tensor("X", pixels)])
    check_array(output(answer, "label"), labels)
    check_close(output(answer, "probabilities"), probabilities)


@SUITE.case("fp32-binary")
async def _(client):
    await identity(client, "identity-fp32", tensors.FP32)


@SUITE.case("not-finite-binary")
async def _(client):
    await identity(client, "identity-fp32", tensors.NOT_FINITE)


@SUITE.case("fp16-binary")
async def _(client):
    await identity(client, "identity-fp16", tensors.FP16)


@SUITE.case("int64-binary")
async def _(client):
    await identity(client, "identity-int64", tensors.INT64)


@SUITE.case("bytes-binary")
async def _(client):
    await identity(client, "identity-bytes", tensors.TEXT)


@SUITE.case("bytes-not-text")
async def _(client):
    error = await client.refusal("identity-bytes", [tensor("INPUT0", tensors.NOT_TEXT)])
    check_refusal(error, "INVALID_ARGUMENT", "INPUT0")


async def every_datatype(client, raw):
    answer = await client.infer("typed-contents", [tensor(name, array, raw) for name, array in tensors.TYPED.items()])
    for name, array in tensors.TYPED.items():
        check_array(output(answer, f"{name}-out"), array)


@SUITE.case("every-datatype-binary")
async def _(client):
    await every_datatype(client, True)


@SUITE.case("typed")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs(False)))


@SUITE.case("typed-every-datatype")
async def _(client):
    await every_datatype(client, False)


@SUITE.case("typed-not-finite")
async def _(client):
    answer = await client.infer("identity-fp32", [tensor("INPUT0", tensors.NOT_FINITE, False)])
    check_array(output(answer, "OUTPUT0"), tensors.NOT_FINITE)


@SUITE.case("classes-binary")
async def _(client):
    pixels, _, probabilities = tensors.digits()
    answer = await client.infer("digits", [tensor("X", pixels)], [RequestedOutput("probabilities", {"classification": 2})])
    check_classes(output(answer, "probabilities"), probabilities, 2)


async def keyed(client, keys, raw):
    names = ("label", "probabilities", "key")
    pixels, labels, _ = tensors.digits()
    inputs = [tensor("X", pixels[: len(keys)], raw), tensor("key", keys, raw)]
    answer = await client.infer("digits", inputs, [RequestedOutput(name) for name in names])
    check_array(output(answer, "key"), keys)
    check_array(output(answer, "label"), labels[: len(keys)])


@SUITE.case("keys-bytes-binary")
async def _(client):
    await keyed(client, tensors.TEXT_KEYS, True)


@SUITE.case("keys-int64-binary")
async def _(client):
    await keyed(client, tensors.INT64_KEYS, True)


@SUITE.case("keys-typed")
async def _(client):
    for keys in (tensors.TEXT_KEYS, tensors.INT64_KEYS):
        await keyed(client, keys, False)


@SUITE.case("keys-by-default")
async def _(client):
    answer = await client.infer("simple", [*simple_inputs(), tensor("key", tensors.TEXT_KEYS)])
    check_array(output(answer, "key"), tensors.TEXT_KEYS)
    check_simple(answer)


@SUITE.case("keys-twice")
async def _(client):
    inputs = [*simple_inputs(), tensor("key", tensors.texts(b"twin", b"twin", shape=(2,)))]
    check_refusal(await client.refusal("simple", inputs), "INVALID_ARGUMENT", "twin")


@SUITE.case("unknown-model")
async def _(client):
    check_refusal(await client.refusal("no-such-model", simple_inputs()), "NOT_FOUND", "no-such-model")


@SUITE.case("unknown-version")
async def _(client):
    check_refusal(await client.refusal("simple", simple_inputs(), model_version="7"), "NOT_FOUND", "simple", "7")


@SUITE.case("unknown-output")
async def _(client):
    error = await client.refusal("simple", simple_inputs(), [RequestedOutput("OUTPUT7")])
    check_refusal(error, "INVALID_ARGUMENT", "OUTPUT7")


@SUITE.case("missing-input")
async def _(client):
    check_refusal(await client.refusal("simple", simple_inputs()[:1]), "INVALID_ARGUMENT", "INPUT1")


@SUITE.case("wrong-shape")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array[:, :8]) for idx, array in enumerate(tensors.simple_inputs())]
    check_refusal(await client.refusal("simple", inputs), "INVALID_ARGUMENT", "16", "8")


@SUITE.case("wrong-datatype")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array.astype(np.float32)) for idx, array in enumerate(tensors.simple_inputs())]
    check_refusal(await client.refusal("simple", inputs), "INVALID_ARGUMENT", "INT32", "FP32")


async def details(client):
    error = await client.refusal("simple", simple_inputs()[:1], request_id="größer 42")
    return json.loads(dict(error.trailing_metadata())["plinth-error-bin"])


@SUITE.case("error-id")
async def _(client):
    check_equal((await details(client))["id"], "größer 42", "id")


@SUITE.case("error-code")
async def _(client):
    found = await details(client)
    check_equal((found["code"], found["input"]), ("missing_input", "INPUT1"), "code and input")


@SUITE.case("body-too-long")
async def _(client):
    # Whether it reads the status is a race where the server ends the stream while the client writes: one attempt says little.
    for _ in range(5):
        error = await client.refusal("simple", simple_inputs(n_rows=tensors.TOO_MANY_ROWS))
        check_refusal(error, "RESOURCE_EXHAUSTED")


@SUITE.case("alive-after-errors")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs()))
