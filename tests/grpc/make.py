"""Writes the messages of tests/suite/grpc.rs as tritonclient writes them: a request, and the answer that it should get.

The labels expected are those of ONNX Runtime in models/digits/reference. Nothing here runs Plinth.
Run: `target/conformance-venv/bin/python tests/grpc/make.py` after `cargo xtask conformance`, which installs tritonclient 2.73.0.
"""

import json
from pathlib import Path

import numpy as np
from tritonclient.grpc import service_pb2

FOLDER = Path(__file__).resolve().parent
HELD_OUT = FOLDER.parent.parent / "models/digits/reference/heldout.json"
N_ROWS = 3


def main():
    held_out = json.loads(HELD_OUT.read_text("utf-8"))
    pixels = np.array(held_out["X"][:N_ROWS], dtype="<f4")
    labels = np.array(held_out["label"][:N_ROWS], dtype="<i8")
    keys = np.array([2**53 + 1, -1, 0], dtype="<i8")

    request = service_pb2.ModelInferRequest(model_name="digits", id="7")
    request.parameters["priority"].uint64_param = 1
    request.inputs.add(name="X", datatype="FP32", shape=pixels.shape)
    request.inputs.add(name="key", datatype="INT64", shape=keys.shape)
    request.outputs.add(name="key")
    request.outputs.add(name="label")
    request.raw_input_contents.extend([pixels.tobytes(), keys.tobytes()])
    write("infer.request.pb", request)

    answer = service_pb2.ModelInferResponse(model_name="digits", model_version="1", id="7")
    answer.outputs.add(name="key", datatype="INT64", shape=keys.shape)
    answer.outputs.add(name="label", datatype="INT64", shape=labels.shape)
    answer.raw_output_contents.extend([keys.tobytes(), labels.tobytes()])
    write("infer.response.pb", answer)

    write("unknown-model.request.pb", service_pb2.ModelInferRequest(model_name="no-such-model"))


def write(name, message):
    (FOLDER / name).write_bytes(message.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
