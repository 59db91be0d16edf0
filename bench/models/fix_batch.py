"""Writes copies of an ONNX model whose batch dimension is a number instead of a symbol.

A runtime that knows the number can plan for it; the benchmark compares such plans with the one for any batch. Weights and
nodes stay as they are. Run: `python bench/models/fix_batch.py MODEL.onnx PREFIX N...` with `bench/requirements.txt`
installed; it writes `PREFIX-N.onnx` for each N.
"""

import sys

import onnx


def fix(model, batch):
    """Every symbolic leading dimension of the inputs and outputs becomes `batch`; other values are inferred anew."""
    del model.graph.value_info[:]
    for value in [*model.graph.input, *model.graph.output]:
        dims = value.type.tensor_type.shape.dim
        if dims and not dims[0].HasField("dim_value"):
            dims[0].Clear()
            dims[0].dim_value = batch
    onnx.checker.check_model(model, full_check=True)


def main():
    if len(sys.argv) < 4:
        sys.exit("usage: python bench/models/fix_batch.py MODEL.onnx PREFIX N...")
    source, prefix, *batches = sys.argv[1:]
    for batch in map(int, batches):
        model = onnx.load(source)
        fix(model, batch)
        onnx.save(model, f"{prefix}-{batch}.onnx")


if __name__ == "__main__":
    main()
