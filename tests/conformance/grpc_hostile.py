"""gRPC messages that must be refused, not believed. After each of them the server answers a plain one.

The stub sends what the client would not: `requests` yields a message, or the bytes of one, with the status that it must end with.
"""

import struct

import numpy as np

import tensors
from triton_messages import service_pb2

INVALID = "INVALID_ARGUMENT"
INFER = "/inference.GRPCInferenceService/ModelInfer"
# Above the longest message that is read, once it is decompressed.
BOMB_BYTES = 80 << 20
GZIP, DEFLATE = 2, 1


def register(case, check_refusal):
    """Registers each generator of `REQUESTS` by `case`."""
    for name, requests in REQUESTS.items():
        case(name)(_refusing(requests, check_refusal))


def _refusing(requests, check_refusal):
    async def run(client):
        send = client.channel.unary_unary(INFER)
        for message, status, *options in requests():
            body = message if isinstance(message, bytes) else message.SerializeToString()
            error = await client.refusal(send, body, **dict(*options))
            check_refusal(error, status)
            await client.call(send, _simple().SerializeToString())

    return run


def _request(model, *inputs, raw=(), outputs=()):
    request = service_pb2.ModelInferRequest(model_name=model, inputs=inputs, raw_input_contents=raw)
    request.outputs.extend(service_pb2.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in outputs)
    return request


def _input(shape, datatype="FP32", name="INPUT0", **lists):
    found = service_pb2.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)
    for of_datatype, elements in lists.items():
        getattr(found.contents, of_datatype).extend(elements)
    return found


def _simple(n_raw=2):
    arrays = tensors.simple_inputs()
    inputs = [_input(array.shape, "INT32", f"INPUT{idx}") for idx, array in enumerate(arrays)]
    return _request("simple", *inputs, raw=[array.tobytes() for array in arrays][:n_raw])


def not_the_protocol():
    for body in (b"\x00", b"\xff" * 20, b"\x0a\xff", b"{}", b"\x0a\x02\xff\xfe"):
        yield body, INVALID


def model_nameless():
    yield b"", INVALID
    request = _simple()
    request.model_name = ""
    yield request, INVALID


def contents_and_raw():
    yield _request("identity-fp32", _input([1, 2], fp32_contents=[1, 2]), raw=[bytes(8)]), INVALID


def contents_missing():
    yield _request("identity-fp32", _input([1, 2])), INVALID


def raw_count_wrong():
    yield _simple(n_raw=1), INVALID
    request = _simple()
    request.raw_input_contents.append(b"")
    yield request, INVALID


def contents_in_another_list():
    yield _request("identity-fp32", _input([1, 2], fp64_contents=[1, 2])), INVALID
    yield _request("identity-int64", _input([1, 2], "INT64", int_contents=[1, 2])), INVALID
    yield _request("identity-bytes", _input([1, 2], "BYTES", fp32_contents=[1, 2])), INVALID
    yield _request("identity-fp32", _input([1, 2], fp32_contents=[1, 2], int_contents=[1])), INVALID


def contents_out_of_range():
    for datatype, of_datatype, element in (
        ("INT8", "int_contents", 128),
        ("INT16", "int_contents", -(2**15) - 1),
        ("UINT8", "uint_contents", 256),
        ("UINT16", "uint_contents", 2**16),
    ):
        changed = _input([1, 2], datatype, datatype.lower(), **{of_datatype: [0, element]})
        others = [_typed(name, array) for name, array in tensors.TYPED.items() if name != datatype.lower()]
        yield _request("typed-contents", changed, *others), INVALID


def _typed(name, array):
    datatype = name.upper()
    return _input(array.shape, datatype, name, **{tensors.TYPED_LISTS[datatype]: array.flatten().tolist()})


def data_short():
    yield _request("identity-fp32", _input([2, 2], fp32_contents=[1, 2, 3])), INVALID


def data_long():
    yield _request("identity-fp32", _input([2, 2], fp32_contents=[1, 2, 3, 4, 5])), INVALID


def bytes_missing():
    for n_bytes in (0, 4, 12, 15):
        yield _request("identity-fp32", _input([2, 2]), raw=[bytes(n_bytes)]), INVALID


def bytes_surplus():
    for n_bytes in (17, 20, 80):
        yield _request("identity-fp32", _input([2, 2]), raw=[bytes(n_bytes)]), INVALID


def bytes_elements_wrong():
    element = struct.pack("<I", 1) + b"a"
    long = struct.pack("<I", 2**32 - 1) + b"a"
    for raw in (element, element * 3, element + b"\x00\x00", element + long):
        yield _request("identity-bytes", _input([1, 2], "BYTES"), raw=[raw]), INVALID


def shape_overflow():
    for shape in ([16, 2**60 + 2], [4, 2**60 + 2], [2**32, 2**32], [2**63 - 1, 2**63 - 1]):
        yield _request("identity-fp32", _input(shape), raw=[bytes(128)]), INVALID
        yield _request("identity-fp32", _input(shape, fp32_contents=[1.0])), INVALID


def shape_negative():
    for shape in ([2, -5], [-1, 1], [-1, -1], [-(2**63), 1]):
        yield _request("identity-fp32", _input(shape), raw=[bytes(4)]), INVALID


def shape_of_many_dimensions():
    yield _request("identity-fp32", _input([1] * 100_000), raw=[bytes(4)]), INVALID
    yield _request("identity-fp32", _input([]), raw=[bytes(4)]), INVALID


def datatype_unknown():
    for datatype in ("", "fp32", "FP8", "größer"):
        yield _request("identity-fp32", _input([1, 2], datatype), raw=[bytes(8)]), INVALID


def inputs_twice():
    request = _simple()
    request.inputs.append(request.inputs[0])
    request.raw_input_contents.append(request.raw_input_contents[0])
    yield request, INVALID


def classes_wrong():
    scores = _input([1, 4])
    for parameter in ({"int64_param": -1}, {"string_param": "3"}, {"double_param": 1.5}, {"double_param": np.nan}, {}):
        request = _request("identity-fp32", scores, raw=[bytes(16)], outputs=["OUTPUT0"])
        request.outputs[0].parameters["classification"].MergeFrom(service_pb2.InferParameter(**parameter))
        yield request, INVALID


def keys_wrong():
    for lists in ({"fp32_contents": [1, 2]}, {"bool_contents": [True, False]}):
        datatype = "FP32" if "fp32_contents" in lists else "BOOL"
        arrays = tensors.simple_inputs()
        inputs = [_input(array.shape, "INT32", f"INPUT{idx}", int_contents=array.flatten()) for idx, array in enumerate(arrays)]
        yield _request("simple", *inputs, _input([2], datatype, "key", **lists)), INVALID


def encoding_bomb():
    # One unknown field, which every reader of protobuf skips.
    bomb = b"\x82\x7d" + _varint(BOMB_BYTES) + bytes(BOMB_BYTES)
    for algorithm in (GZIP, DEFLATE):
        yield bomb, "RESOURCE_EXHAUSTED", {"compression": algorithm}


def _varint(number):
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


REQUESTS = {
    "not-the-protocol": not_the_protocol,
    "model-nameless": model_nameless,
    "contents-and-raw": contents_and_raw,
    "contents-missing": contents_missing,
    "raw-count-wrong": raw_count_wrong,
    "contents-in-another-list": contents_in_another_list,
    "contents-out-of-range": contents_out_of_range,
    "data-short": data_short,
    "data-long": data_long,
    "bytes-missing": bytes_missing,
    "bytes-surplus": bytes_surplus,
    "bytes-elements-wrong": bytes_elements_wrong,
    "shape-overflow-binary": shape_overflow,
    "shape-negative": shape_negative,
    "shape-of-many-dimensions": shape_of_many_dimensions,
    "datatype-unknown": datatype_unknown,
    "inputs-twice": inputs_twice,
    "classes-wrong": classes_wrong,
    "keys-wrong": keys_wrong,
    "encoding-bomb": encoding_bomb,
}
