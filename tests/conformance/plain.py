"""A client of nothing but the standard library's `http.client`: it sends what no other client would.

It writes and reads protocol V2 by the specification. What is sent, and what must come back, is in the suites.
"""

import gzip
import http.client
import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np

import tensors
from tensors import check_array, check_equal

TIMEOUT_S = 60
NUMPY = {"INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4"}
HEADER_LENGTH = "Inference-Header-Content-Length"
DECOMPRESS = {"gzip": gzip.decompress, "deflate": zlib.decompress}
INFER_SIMPLE = "/v2/models/simple/infer"


@dataclass(frozen=True)
class Reply:
    """An answer: its headers by their lower-case names, its body as it came."""

    status: int
    headers: dict
    body: bytes

    def content(self):
        """The body without its compression."""
        encoding = self.headers.get("content-encoding")
        return DECOMPRESS[encoding](self.body) if encoding else self.body

    def json(self):
        """The body, or what of it comes before the binary tensors, which must be JSON as the standard has it."""
        content = self.content()
        return json.loads(content[: self._header_length(content)], parse_constant=_refuse_constant)

    def raw(self):
        """The binary tensors, one after another."""
        content = self.content()
        return content[self._header_length(content) :]

    def _header_length(self, content):
        return int(self.headers.get(HEADER_LENGTH.lower(), len(content)))


class Plain:
    """One connection for each request, so that no request depends on how the one before it ended."""

    def __init__(self, address):
        self.address = address

    def ask(self, method, path, body=None, headers=None):
        """A request and its answer. A body of several parts, as an iterator, is sent in chunks."""
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_S)
        try:
            _send(connection, method, path, body, headers or {})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, headers, response.read())
        finally:
            connection.close()

    def get(self, path, status=200):
        """The JSON that a path answers."""
        reply = self.ask("GET", path)
        check_equal(reply.status, status, "status")
        return reply.json()

    def post(self, path, request, headers=None):
        """Posts a request as `message` writes it, with further headers."""
        body, own_headers = request
        return self.ask("POST", path, body, own_headers | (headers or {}))

    def infer(self, model, request, headers=None):
        """An inference that is answered."""
        reply = self.post(f"/v2/models/{model}/infer", request, headers)
        assert reply.status == 200, f"status {reply.status}: {reply.content()[:200]!r}"
        return reply


@dataclass(frozen=True)
class Input:
    """An input to send, and its form."""

    name: str
    array: np.ndarray
    is_binary: bool = True


def message(inputs, **members):
    """An inference request: its body and headers. `members` are further members of its JSON."""
    written, blobs = [], []
    for item in inputs:
        tensor = {"name": item.name, "shape": list(item.array.shape), "datatype": datatype(item.array)}
        if item.is_binary:
            blobs.append(raw_bytes(item.array))
            tensor["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            tensor["data"] = [_json_element(element) for element in item.array.flatten().tolist()]
        written.append(tensor)
    head = json.dumps({"inputs": written, **members}).encode()
    headers = {HEADER_LENGTH: str(len(head))} if blobs else {"Content-Type": "application/json"}
    return head + b"".join(blobs), headers


def datatype(array):
    """The protocol's name for an array's type."""
    if array.dtype == object:
        return "BYTES"
    return next(name for name, code in NUMPY.items() if array.dtype == np.dtype(code))


def raw_bytes(array):
    """The elements in binary form."""
    if array.dtype == object:
        return b"".join(struct.pack("<I", len(element)) + element for element in array.flatten())
    return array.astype(NUMPY[datatype(array)]).tobytes()


def outputs(reply):
    """The outputs by name, in order: each with whether it came in binary form."""
    found, rest = {}, reply.raw()
    for output in reply.json()["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            found[output["name"]] = _from_json(output), False
        else:
            assert "data" not in output, f"`{output['name']}` is in both forms"
            found[output["name"]] = _from_raw(output, rest[:size]), True
            rest = rest[size:]
    check_equal(rest, b"", "bytes after the last tensor")
    return found


def simple_inputs(is_binary=False, n_rows=2):
    return [Input(f"INPUT{idx}", array, is_binary) for idx, array in enumerate(tensors.simple_inputs(n_rows))]


def check_simple(reply, forms, n_rows=2):
    """The sum and the difference, each binary or in JSON as said."""
    found = outputs(reply)
    check_equal([(name, is_binary) for name, (_, is_binary) in found.items()], list(forms.items()), "outputs")
    for idx, array in enumerate(tensors.simple_outputs(*tensors.simple_inputs(n_rows))):
        check_array(found[f"OUTPUT{idx}"][0], array)
    is_any_binary = any(forms.values())
    check_equal(HEADER_LENGTH.lower() in reply.headers, is_any_binary, f"header {HEADER_LENGTH}")
    content_type = "application/octet-stream" if is_any_binary else "application/json"
    check_equal(reply.headers["content-type"], content_type, "content type")


def check_refusal(reply, *statuses):
    """A refusal that every client can read: 4xx (one of `statuses`, if any), and a JSON body with `error`. Returns the body."""
    assert 400 <= reply.status < 500, f"status {reply.status}: {reply.body[:200]!r}"
    assert not statuses or reply.status in statuses, f"expected {statuses}, found {reply.status}: {reply.body[:200]!r}"
    check_equal(reply.headers.get("content-type"), "application/json", "content type")
    check_equal(reply.headers.get("content-encoding"), None, "content encoding")
    body = reply.json()
    assert isinstance(body.get("error"), str) and body["error"], f"no sentence in `error`: {body}"
    return body


def check_alive(client):
    """A plain request is answered."""
    check_simple(client.infer("simple", message(simple_inputs())), {"OUTPUT0": False, "OUTPUT1": False})


def _send(connection, *request):
    try:
        connection.request(*request)
    except BrokenPipeError:
        pass  # The server answers before it has read everything, and the answer is there to read.


def _json_element(element):
    return element.decode() if isinstance(element, bytes) else element


def _from_json(output):
    if output["datatype"] == "BYTES":
        elements = np.array([element.encode() for element in output["data"]], dtype=object)
    else:
        elements = np.array(output["data"], dtype=NUMPY[output["datatype"]])
    return elements.reshape(output["shape"])


def _from_raw(output, raw):
    if output["datatype"] != "BYTES":
        return np.frombuffer(raw, dtype=NUMPY[output["datatype"]]).reshape(output["shape"])
    elements = []
    while raw:
        (size,) = struct.unpack_from("<I", raw)
        elements.append(raw[4 : 4 + size])
        raw = raw[4 + size :]
    return np.array(elements, dtype=object).reshape(output["shape"])


def _refuse_constant(name):
    raise AssertionError(f"`{name}` is not JSON")
