"""tritonclient over gRPC, the blocking and the asyncio one: the same cases for both.

What the client has no call for, such as typed contents, goes through the stub that is generated from its messages.
"""

import numpy as np
from tritonclient.utils import np_to_triton_dtype

import grpc_hostile
import tensors
from environments import CLIENTS
from server import MODEL_NAMES
from suite import Suite
from tensors import check_array, check_classes, check_close, check_equal, check_signature
from triton_grpc_client import TIMEOUT_S, open_asynchronous, open_blocking
from triton_messages import blocking, service_pb2

InferInput, InferRequestedOutput = blocking.InferInput, blocking.InferRequestedOutput

VERSION = CLIENTS.version("tritonclient")
N_CONCURRENT = 8

BLOCKING = Suite("tritonclient.grpc", f"tritonclient {VERSION}", open_blocking)
ASYNCHRONOUS = Suite("tritonclient.grpc.aio", f"tritonclient {VERSION}", open_asynchronous)


def case(name):
    """A case of both clients."""

    def register(function):
        BLOCKING.case(name)(function)
        return ASYNCHRONOUS.case(name)(function)

    return register


def tensor(name, array):
    """An input with its data, which this client always sends raw."""
    found = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    found.set_data_from_numpy(array)
    return found


def simple_inputs(n_rows=2):
    return [tensor(f"INPUT{idx}", array) for idx, array in enumerate(tensors.simple_inputs(n_rows))]


def requested(*names):
    return [InferRequestedOutput(name) for name in names]


def check_outputs(result, *names):
    """Exactly these outputs in this order, each raw."""
    answer = result.get_response()
    check_equal([output.name for output in answer.outputs], list(names), "outputs")
    check_equal(len(answer.raw_output_contents), len(names), "number of raw contents")


def check_simple(result, n_rows=2):
    for idx, array in enumerate(tensors.simple_outputs(*tensors.simple_inputs(n_rows))):
        check_array(result.as_numpy(f"OUTPUT{idx}"), array)


def check_refusal(error, status, *words):
    """The server's own sentence reached the client, with these words and this status."""
    check_equal(error.status, status, f"status of `{error.message}`")
    assert error.message, "the message is empty"
    for word in words:
        assert word in error.message, f"expected `{word}` in `{error.message}`"


async def identity(client, model, array):
    """What an identity model must answer: the same."""
    result = await client.infer(model, [tensor("INPUT0", array)], requested("OUTPUT0"))
    check_outputs(result, "OUTPUT0")
    check_array(result.as_numpy("OUTPUT0"), array)


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
    check_equal(await client.call("is_model_ready", "simple", "7"), False)


@case("server-metadata")
async def _(client):
    metadata = await client.call("get_server_metadata")
    assert metadata.name and metadata.version, f"no name or version: {metadata}"
    missing = {"binary_tensor_data", "classification"} - set(metadata.extensions)
    check_equal(missing, set(), "missing extensions")


def check_metadata(metadata, signature):
    sides = {"inputs": metadata.inputs, "outputs": metadata.outputs}
    members = {
        side: [{"name": found.name, "datatype": found.datatype, "shape": list(found.shape)} for found in of_side]
        for side, of_side in sides.items()
    }
    check_signature(members, signature)


@case("model-metadata")
async def _(client):
    metadata = await client.call("get_model_metadata", "simple")
    check_equal(metadata.name, "simple", "name")
    check_equal(list(metadata.versions), ["1"], "versions")
    check_metadata(metadata, tensors.SIMPLE)


@case("model-metadata-version")
async def _(client):
    check_metadata(await client.call("get_model_metadata", "simple", "1"), tensors.SIMPLE)


@case("model-config")
async def _(client):
    config = (await client.call("get_model_config", "simple")).config
    check_equal(config.name, "simple", "name")
    as_json = (await client.call("get_model_config", "simple", as_json=True))["config"]
    types = {tensor["name"]: tensor["data_type"] for tensor in as_json["input"] + as_json["output"]}
    found = {name: types.get(name) for name in ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")}
    check_equal(set(found.values()), {"TYPE_INT32"}, f"datatypes of {found}")


@case("repository-index")
async def _(client):
    index = (await client.call("get_model_repository_index")).models
    check_equal(sorted(entry.name for entry in index), MODEL_NAMES, "models")
    check_equal({entry.state for entry in index}, {"READY"}, "states")


# Inference


@case("infer-default")
async def _(client):
    result = await client.infer("simple", simple_inputs())
    check_outputs(result, "OUTPUT0", "OUTPUT1")
    check_simple(result)


@case("infer-selected")
async def _(client):
    result = await client.infer("simple", simple_inputs(), requested("OUTPUT1", "OUTPUT0"))
    check_outputs(result, "OUTPUT1", "OUTPUT0")
    check_simple(result)
    result = await client.infer("simple", simple_inputs(), requested("OUTPUT1"))
    check_outputs(result, "OUTPUT1")
    check_equal(result.as_numpy("OUTPUT0"), None, "the output not asked for")


@case("infer-version")
async def _(client):
    result = await client.infer("simple", simple_inputs(), model_version="1")
    check_equal(result.get_response().model_version, "1", "model_version")
    check_simple(result)


@case("infer-id")
async def _(client):
    result = await client.infer("simple", simple_inputs(), request_id="größer 42")
    check_equal(result.get_response().id, "größer 42", "id")
    check_equal(result.get_response().model_name, "simple", "model_name")


@case("infer-parameters")
async def _(client):
    parameters = {"text": "a", "whole": 3, "number": 1.5, "yes": True}
    check_simple(await client.infer("simple", simple_inputs(), priority=1, timeout=1000, parameters=parameters))


@case("infer-headers")
async def _(client):
    options = {"headers": {"x-own": "1"}, "client_timeout": TIMEOUT_S}
    check_simple(await client.infer("simple", simple_inputs(), **options))


@case("infer-three-inputs")
async def _(client):
    inputs = [tensor(name, array) for name, array in tensors.PAIRS.items()]
    result = await client.infer("identity-fp32-pairs", inputs[::-1])
    for name, array in tensors.PAIRS.items():
        check_array(result.as_numpy(name.replace("INPUT", "OUTPUT")), array)


@case("infer-many-rows")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs(5000)), n_rows=5000)


@case("infer-concurrent")
async def _(client):
    results = await client.infer_all("simple", [simple_inputs(n + 1) for n in range(N_CONCURRENT)])
    for idx, result in enumerate(results):
        check_simple(result, n_rows=idx + 1)


@case("infer-digits")
async def _(client):
    pixels, labels, probabilities = tensors.digits()
    result = await client.infer("digits", [tensor("X", pixels)])
    check_array(result.as_numpy("label"), labels)
    check_close(result.as_numpy("probabilities"), probabilities)


# Datatypes


def register_identities():
    for name, model, array in (
        ("fp32-binary", "identity-fp32", tensors.FP32),
        ("not-finite-binary", "identity-fp32", tensors.NOT_FINITE),
        ("fp16-binary", "identity-fp16", tensors.FP16),
        ("int64-binary", "identity-int64", tensors.INT64),
        ("bytes-binary", "identity-bytes", tensors.TEXT),
    ):
        case(name)(lambda client, model=model, array=array: identity(client, model, array))


register_identities()


@case("bytes-not-text")
async def _(client):
    error = await client.refusal("infer", "identity-bytes", [tensor("INPUT0", tensors.NOT_TEXT)])
    check_refusal(error, "INVALID_ARGUMENT", "INPUT0")


@case("every-datatype-binary")
async def _(client):
    result = await client.infer("typed-contents", [tensor(name, array) for name, array in tensors.TYPED.items()])
    for name, array in tensors.TYPED.items():
        check_array(result.as_numpy(f"{name}-out"), array)


# Typed contents


def typed_message(model, arrays):
    """A request whose tensors stand in the list of their datatype."""
    return service_pb2.ModelInferRequest(model_name=model, inputs=[typed(name, array) for name, array in arrays.items()])


def typed(name, array):
    datatype = np_to_triton_dtype(array.dtype)
    found = service_pb2.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=array.shape)
    getattr(found.contents, tensors.TYPED_LISTS[datatype]).extend(array.flatten().tolist())
    return found


def typed_simple():
    return typed_message("simple", {f"INPUT{idx}": array for idx, array in enumerate(tensors.simple_inputs())})


@case("typed")
async def _(client):
    result = await client.infer_message(typed_simple())
    check_outputs(result, "OUTPUT0", "OUTPUT1")
    check_simple(result)


@case("typed-every-datatype")
async def _(client):
    result = await client.infer_message(typed_message("typed-contents", tensors.TYPED))
    for name, array in tensors.TYPED.items():
        check_array(result.as_numpy(f"{name}-out"), array)


@case("typed-not-finite")
async def _(client):
    result = await client.infer_message(typed_message("identity-fp32", {"INPUT0": tensors.NOT_FINITE}))
    check_array(result.as_numpy("OUTPUT0"), tensors.NOT_FINITE)


@case("typed-fp16")
async def _(client):
    message = typed_message("identity-fp32", {"INPUT0": tensors.FP32})
    message.model_name = "identity-fp16"
    message.inputs[0].datatype = "FP16"
    error = await client.refusal(client.stub.ModelInfer, message)
    check_refusal(error, "INVALID_ARGUMENT", "INPUT0", "FP16", "raw_input_contents")


# Compression of requests. An answer is never compressed, which its client may not even ask for.


def register_compression(algorithm):
    @case(f"{algorithm}-request")
    async def _(client):
        result = await client.infer("simple", simple_inputs(100), compression_algorithm=algorithm)
        check_simple(result, n_rows=100)

    @case(f"{algorithm}-error")
    async def _(client):
        error = await client.refusal("infer", "simple", simple_inputs()[:1], compression_algorithm=algorithm)
        check_refusal(error, "INVALID_ARGUMENT", "INPUT1")


register_compression("gzip")
register_compression("deflate")


# Classification


async def classify(client, n_classes):
    pixels, _, probabilities = tensors.digits()
    output = InferRequestedOutput("probabilities", class_count=n_classes)
    result = await client.infer("digits", [tensor("X", pixels)], [output])
    check_equal(result.get_output("probabilities").datatype, "BYTES", "datatype")
    check_classes(result.as_numpy("probabilities"), probabilities, min(n_classes, 10))


@case("classes-binary")
async def _(client):
    await classify(client, 2)


@case("classes-more-than-there-are")
async def _(client):
    await classify(client, 20)


# Keys


async def keyed(client, keys):
    """Inputs `X` and `key` to the outputs of `digits` and the keys."""
    pixels, labels, probabilities = tensors.digits()
    rows = len(keys)
    names = ("label", "probabilities", "key")
    result = await client.infer("digits", [tensor("X", pixels[:rows]), tensor("key", keys)], requested(*names))
    check_outputs(result, *names)
    check_array(result.as_numpy("key"), keys)
    check_array(result.as_numpy("label"), labels[:rows])
    check_close(result.as_numpy("probabilities"), probabilities[:rows])


@case("keys-bytes-binary")
async def _(client):
    await keyed(client, tensors.TEXT_KEYS)


@case("keys-int64-binary")
async def _(client):
    await keyed(client, tensors.INT64_KEYS)


@case("keys-typed")
async def _(client):
    for keys in (tensors.TEXT_KEYS, tensors.INT64_KEYS):
        message = typed_simple()
        message.inputs.append(typed("key", keys))
        result = await client.infer_message(message)
        check_array(result.as_numpy("key"), keys)
        check_simple(result)


@case("keys-column")
async def _(client):
    await keyed(client, tensors.INT64_KEYS.reshape(-1, 1))


@case("keys-by-default")
async def _(client):
    result = await client.infer("simple", [*simple_inputs(), tensor("key", tensors.TEXT_KEYS)])
    check_outputs(result, "OUTPUT0", "OUTPUT1", "key")
    check_array(result.as_numpy("key"), tensors.TEXT_KEYS)
    check_simple(result)


async def check_keys_refused(client, keys, *words):
    error = await client.refusal("infer", "simple", [*simple_inputs(), tensor("key", keys)])
    check_refusal(error, "INVALID_ARGUMENT", *words)


@case("keys-twice")
async def _(client):
    await check_keys_refused(client, tensors.texts(b"twin", b"twin", shape=(2,)), "twin")


@case("keys-not-text")
async def _(client):
    await check_keys_refused(client, tensors.texts(b"\xff\xfe", b"plain", shape=(2,)), "UTF-8")


@case("keys-too-few")
async def _(client):
    await check_keys_refused(client, tensors.INT64_KEYS[:1], "1")


# Errors


async def check_inputs_refused(client, inputs, *words):
    check_refusal(await client.refusal("infer", "simple", inputs), "INVALID_ARGUMENT", *words)


@case("unknown-model")
async def _(client):
    for arguments in (("infer", "no-such-model", simple_inputs()), ("get_model_metadata", "no-such-model")):
        check_refusal(await client.refusal(*arguments), "NOT_FOUND", "no-such-model")


@case("unknown-version")
async def _(client):
    error = await client.refusal("infer", "simple", simple_inputs(), model_version="7")
    check_refusal(error, "NOT_FOUND", "simple", "7")


@case("unknown-method")
async def _(client):
    check_refusal(await client.refusal("load_model", "simple"), "UNIMPLEMENTED", "RepositoryModelLoad")
    check_refusal(await client.refusal("get_system_shared_memory_status"), "UNIMPLEMENTED")


@case("streamed-requests")
async def _(client):
    error = await client.refusal(client.stream, timeout=5)
    check_refusal(error, "UNIMPLEMENTED", "ModelStreamInfer")


@case("unknown-output")
async def _(client):
    error = await client.refusal("infer", "simple", simple_inputs(), outputs=requested("OUTPUT7"))
    check_refusal(error, "INVALID_ARGUMENT", "OUTPUT7")


@case("unknown-input")
async def _(client):
    await check_inputs_refused(client, [*simple_inputs(), tensor("INPUT7", tensors.simple_inputs()[0])], "INPUT7")


@case("missing-input")
async def _(client):
    await check_inputs_refused(client, simple_inputs()[:1], "INPUT1")


@case("wrong-shape")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array[:, :8]) for idx, array in enumerate(tensors.simple_inputs())]
    await check_inputs_refused(client, inputs, "16", "8")


@case("wrong-datatype")
async def _(client):
    inputs = [tensor(f"INPUT{idx}", array.astype(np.float32)) for idx, array in enumerate(tensors.simple_inputs())]
    await check_inputs_refused(client, inputs, "INT32", "FP32")


@case("duplicate-output")
async def _(client):
    error = await client.refusal("infer", "simple", simple_inputs(), outputs=requested("OUTPUT0", "OUTPUT0"))
    check_refusal(error, "INVALID_ARGUMENT", "OUTPUT0")


@case("body-too-long")
async def _(client):
    # Whether it reads the status is a race where the server ends the stream while the client writes: one attempt says little.
    for _ in range(5):
        error = await client.refusal("infer", "simple", simple_inputs(tensors.TOO_MANY_ROWS))
        check_refusal(error, "RESOURCE_EXHAUSTED")


@case("error-id")
async def _(client):
    message = typed_simple()
    message.id = "größer 42"
    del message.inputs[1]
    error = await client.refusal(client.stub.ModelInfer, message)
    check_equal(error.details()["id"], "größer 42", "id")


@case("error-code")
async def _(client):
    message = typed_simple()
    del message.inputs[1]
    error = await client.refusal(client.stub.ModelInfer, message)
    details = error.details()
    found = (details["code"], details["input"], details["error"])
    check_equal(found, ("missing_input", "INPUT1", error.message), "code, input and sentence")


grpc_hostile.register(case, check_refusal)


@case("alive-after-errors")
async def _(client):
    check_simple(await client.infer("simple", simple_inputs()))
