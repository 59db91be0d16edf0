"""The peer of `predict` over HTTP: the same route, request and answer with FastAPI and ONNX Runtime.

Written as a good service of this kind is: the body is parsed and the answer written by orjson, rows go to NumPy at once, one
session per worker on one thread. It checks what a service must (JSON, names, shapes, keys) and no more; it holds no
benchmark code. `MODEL` names the ONNX file. FastAPI's ORJSONResponse is deprecated; orjson's bytes in a plain response are the
same without its detour.
"""

import os

import numpy as np
import onnxruntime
import orjson
from fastapi import FastAPI, Request, Response

NAME = "digits"
N_FEATURES = 64
KEY, INPUT = "key", "X"


def make_session():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])


app = FastAPI(openapi_url=None)
session = make_session()
output_names = [output.name for output in session.get_outputs()]


@app.post(f"/v1/models/{NAME}:predict")
async def predict(request: Request) -> Response:
    try:
        instances = orjson.loads(await request.body())["instances"]
        rows = np.array([instance[INPUT] for instance in instances], dtype=np.float32)
        keys = [instance[KEY] for instance in instances]
    except (ValueError, KeyError, TypeError) as error:
        return answer({"error": f"malformed request: {error}", "code": "malformed_request"}, 400)
    if rows.ndim != 2 or rows.shape[1] != N_FEATURES:
        return answer({"error": f"expected rows of {N_FEATURES} numbers", "code": "wrong_shape"}, 422)
    if len(set(keys)) != len(keys):
        return answer({"error": "a key occurs twice", "code": "duplicate_key"}, 422)
    outputs = [column if column.ndim > 1 else column.tolist() for column in session.run(output_names, {INPUT: rows})]
    names = [KEY, *output_names]
    return answer({"predictions": [dict(zip(names, row)) for row in zip(keys, *outputs)]}, 200)


def answer(content, status):
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, media_type="application/json")
