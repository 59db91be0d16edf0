"""Requests that must be refused, not believed: wrong lengths, overflowing shapes, deep nesting, broken compression.

After each of them the server answers a plain request. Facts about what to try: the tests that other servers of the protocol run
on themselves; the requests are our own.
"""

import gzip
import json
import struct
import zlib

import numpy as np

import tensors
from plain import HEADER_LENGTH, INFER_SIMPLE, Input, check_alive, check_refusal, message, simple_inputs

INFER_FP32 = "/v2/models/identity-fp32/infer"
INFER_BYTES = "/v2/models/identity-bytes/infer"
DEPTHS = (120, 1000, 150_000)
MEBIBYTE = 1 << 20
# Above the largest body that is read, once it is decompressed.
BOMB_BYTES = 80 * MEBIBYTE


def register(suite):
    """Registers each generator of `REQUESTS`: what it yields is refused, and the server lives on."""
    for name, requests in REQUESTS.items():
        suite.case(name)(_refusing(requests))


def _refusing(requests):
    def case(client):
        for path, body, headers, *statuses in requests():
            check_refusal(client.ask("POST", path, body, headers), *statuses)
            check_alive(client)

    return case


def _fp32(shape, data, **members):
    """One JSON input as it is said, fitting or not."""
    tensor = {"name": "INPUT0", "shape": shape, "datatype": "FP32", "data": data}
    return json.dumps({"inputs": [tensor], **members}).encode()


def header_not_a_number():
    body, _ = message(simple_inputs(True))
    for length in ("", "abc", "1e2", "0x10", "12.0", "99999999999999999999999"):
        yield INFER_SIMPLE, body, {HEADER_LENGTH: length}


def header_negative():
    body, _ = message(simple_inputs(True))
    yield INFER_SIMPLE, body, {HEADER_LENGTH: "-1"}
    yield INFER_SIMPLE, body, {HEADER_LENGTH: "-9223372036854775809"}


def header_beyond_the_body():
    body, _ = message(simple_inputs(True))
    for length in (len(body) + 1, 2**31, 2**32 + 1, 2**63):
        yield INFER_SIMPLE, body, {HEADER_LENGTH: str(length)}


def header_inside_the_json():
    body, headers = message(simple_inputs(True))
    for length in (1, int(headers[HEADER_LENGTH]) - 1, int(headers[HEADER_LENGTH]) + 1):
        yield INFER_SIMPLE, body, {HEADER_LENGTH: str(length)}


def binary_without_header():
    body, _ = message(simple_inputs(True))
    yield INFER_SIMPLE, body, {}


def bytes_missing():
    body, headers = message(simple_inputs(True))
    for n_missing in (1, 4, 64, 256):
        yield INFER_SIMPLE, body[:-n_missing], headers


def bytes_surplus():
    body, headers = message(simple_inputs(True))
    for surplus in (b"1", bytes(64)):
        yield INFER_SIMPLE, body + surplus, headers


def binary_size_wrong():
    for size in (0, 4, 12, -4, 2**31, 2**63, "8", 8.5, None, True):
        parameters = {"binary_data_size": size}
        tensor = {"name": "INPUT0", "shape": [1, 2], "datatype": "FP32", "parameters": parameters}
        head = json.dumps({"inputs": [tensor]}).encode()
        yield INFER_FP32, head + bytes(8), {HEADER_LENGTH: str(len(head))}


def data_twice():
    tensor = {"name": "INPUT0", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": 8}}]}).encode()
    yield INFER_FP32, head + bytes(8), {HEADER_LENGTH: str(len(head))}


def data_missing():
    tensor = {"name": "INPUT0", "shape": [1, 2], "datatype": "FP32"}
    yield INFER_FP32, json.dumps({"inputs": [tensor]}).encode(), {}


def bytes_elements_wrong():
    def request(raw):
        tensor = {"name": "INPUT0", "shape": [1, 2], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}
        head = json.dumps({"inputs": [tensor]}).encode()
        return INFER_BYTES, head + raw, {HEADER_LENGTH: str(len(head))}

    element = struct.pack("<I", 1) + b"a"
    yield request(element)
    yield request(element * 3)
    yield request(element + b"\x00\x00")
    yield request(element + struct.pack("<I", 2) + b"a")
    yield request(element + struct.pack("<I", 2**32 - 1) + b"a")


def data_short():
    yield INFER_FP32, _fp32([2, 2], [1, 2, 3]), {}
    yield INFER_FP32, _fp32([2, 2], []), {}


def data_long():
    yield INFER_FP32, _fp32([2, 2], [1, 2, 3, 4, 5]), {}


def data_ragged():
    yield INFER_FP32, _fp32([2, 2], [[1, 2, 3], [4]]), {}


def shape_overflow():
    for shape in ([16, 2**60 + 2], [4, 2**60 + 2], [2**63, 2], [2**64, 1], [2**32, 2**32], [2**200, 1], [1e300, 1]):
        yield INFER_FP32, _fp32(shape, [1.0]), {}


def shape_overflow_binary():
    for shape in ([16, 2**60 + 2], [4, 2**60 + 2], [2**32, 2**32]):
        tensor = {"name": "INPUT0", "shape": shape, "datatype": "FP32", "parameters": {"binary_data_size": 128}}
        head = json.dumps({"inputs": [tensor]}).encode()
        yield INFER_FP32, head + bytes(128), {HEADER_LENGTH: str(len(head))}


def shape_negative():
    for shape in ([2, -5], [-1, 1], [-1, -1], [-(2**63), 1]):
        yield INFER_FP32, _fp32(shape, [1.0]), {}


def shape_not_whole():
    for shape in ([1.5, 1], ["1", 1], [None, 1], [[1], 1], [True, 1], 1, "1", {}, None):
        yield INFER_FP32, _fp32(shape, [1.0]), {}


def shape_of_many_dimensions():
    yield INFER_FP32, _fp32([1] * 100_000, [1.0]), {}
    yield INFER_FP32, _fp32([], [1.0]), {}


def nesting_in_data():
    for depth in DEPTHS:
        for path, kind, element in ((INFER_FP32, "FP32", "1"), (INFER_BYTES, "BYTES", '"a"')):
            data = "[" * depth + element + "]" * depth
            tensor = f'{{"name": "INPUT0", "shape": [1, 1], "datatype": "{kind}", "data": {data}}}'
            yield path, f'{{"inputs": [{tensor}]}}'.encode(), {}


def nesting_elsewhere():
    for depth in DEPTHS:
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = opening * depth + "1" + closing * depth
            yield INFER_FP32, nested.encode(), {}
            yield INFER_FP32, f'{{"inputs": {nested}}}'.encode(), {}
            yield INFER_FP32, f'{{"inputs": [], "outputs": {nested}}}'.encode(), {}
            tensor = f'{{"name": "INPUT0", "shape": {nested}, "datatype": "FP32", "data": [1]}}'
            yield INFER_FP32, f'{{"inputs": [{tensor}]}}'.encode(), {}


def nesting_unclosed():
    for depth in DEPTHS:
        yield INFER_FP32, b"[" * depth, {}
        yield INFER_FP32, b'{"inputs":' * depth, {}


def outputs_twice():
    for is_binary in (True, False):
        wanted = [{"name": "OUTPUT0"}, {"name": "OUTPUT0", "parameters": {"binary_data": True}}]
        yield INFER_SIMPLE, *message(simple_inputs(is_binary), outputs=wanted)


def inputs_twice():
    yield INFER_SIMPLE, *message(simple_inputs() + simple_inputs()[:1])


def classes_wrong():
    scores = np.ones((1, 4), dtype=np.float32)
    for n_classes in (-1, "3", 1.5, [3]):
        wanted = [{"name": "OUTPUT0", "parameters": {"classification": n_classes}}]
        yield INFER_FP32, *message([Input("INPUT0", scores)], outputs=wanted)


def not_json():
    for body in (b"", b" ", b"{", b"null", b"[]", b'"a"', b"\xff\xfe{}", b'{"inputs": [}', b'{"inputs": []} x', b"\x00" * 100):
        yield INFER_SIMPLE, body, {}


def not_the_protocol():
    for inputs in (None, {}, "a", 1, [None], [1], [[]], [{}], [{"name": 1}], [{"name": "INPUT0"}]):
        yield INFER_SIMPLE, json.dumps({"inputs": inputs}).encode(), {}


def elements_wrong():
    for element in ("1", None, True, [1], {"a": 1}, 1.5, 2**31, -(2**31) - 1, 1e300):
        tensor = {"name": "INPUT0", "shape": [1, 16], "datatype": "INT32", "data": [element] * 16}
        other = {"name": "INPUT1", "shape": [1, 16], "datatype": "INT32", "data": [0] * 16}
        yield INFER_SIMPLE, json.dumps({"inputs": [tensor, other]}).encode(), {}


def encoding_unknown():
    body, headers = message(simple_inputs())
    for encoding in ("br", "zstd", "compress", "nonsense", "gzip, br"):
        yield INFER_SIMPLE, body, headers | {"Content-Encoding": encoding}


def encoding_broken():
    body, headers = message(simple_inputs(True))
    for encoding, compressed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        for broken in (body, compressed[:-1], compressed[:20], b"", compressed[:12] + bytes(20) + compressed[32:]):
            yield INFER_SIMPLE, broken, headers | {"Content-Encoding": encoding}


def encoding_bomb():
    bomb = b" " * BOMB_BYTES
    yield INFER_SIMPLE, gzip.compress(bomb, 9), {"Content-Encoding": "gzip"}, 413
    yield INFER_SIMPLE, zlib.compress(bomb, 9), {"Content-Encoding": "deflate"}, 413


def body_too_long():
    yield INFER_SIMPLE, b" " * BOMB_BYTES, {"Content-Type": "application/json"}, 413


def keys_wrong():
    inputs = [
        {"name": item.name, "shape": [2, 16], "datatype": "INT32", "data": item.array.flatten().tolist()}
        for item in simple_inputs()
    ]
    for keys in (["a", None], [1.5, 2], [True, False], ["a", 1]):
        tensor = {"name": "key", "shape": [2], "datatype": "BYTES", "data": keys}
        yield INFER_SIMPLE, json.dumps({"inputs": [*inputs, tensor]}).encode(), {}
    yield INFER_SIMPLE, *message([*simple_inputs(), Input("key", tensors.FP32[:, 0])])


REQUESTS = {
    "header-not-a-number": header_not_a_number,
    "header-negative": header_negative,
    "header-beyond-the-body": header_beyond_the_body,
    "header-inside-the-json": header_inside_the_json,
    "binary-without-header": binary_without_header,
    "bytes-missing": bytes_missing,
    "bytes-surplus": bytes_surplus,
    "binary-size-wrong": binary_size_wrong,
    "data-twice": data_twice,
    "data-missing": data_missing,
    "bytes-elements-wrong": bytes_elements_wrong,
    "data-short": data_short,
    "data-long": data_long,
    "data-ragged": data_ragged,
    "shape-overflow": shape_overflow,
    "shape-overflow-binary": shape_overflow_binary,
    "shape-negative": shape_negative,
    "shape-not-whole": shape_not_whole,
    "shape-of-many-dimensions": shape_of_many_dimensions,
    "nesting-in-data": nesting_in_data,
    "nesting-elsewhere": nesting_elsewhere,
    "nesting-unclosed": nesting_unclosed,
    "outputs-twice": outputs_twice,
    "inputs-twice": inputs_twice,
    "classes-wrong": classes_wrong,
    "not-json": not_json,
    "not-the-protocol": not_the_protocol,
    "elements-wrong": elements_wrong,
    "keys-wrong": keys_wrong,
    "encoding-unknown": encoding_unknown,
    "encoding-broken": encoding_broken,
    "encoding-bomb": encoding_bomb,
    "body-too-long": body_too_long,
}
