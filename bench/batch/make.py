"""Writes what the batch benchmark reads: a model and a table, the same bytes each time.

The model: an MLP 32-64-64-1 with ReLU, seeded weights, input `X` FP32 [-1, 32], output `y` FP32 [-1, 1]. The table: a key (INT64, the
row's number) and 32 FP32 columns `f0` to `f31`, in Parquet files with zstd and row groups of 131 072 rows.
Run: `python bench/batch/make.py FOLDER [--rows 5000000] [--files 20]` with `bench/batch/requirements.txt` installed.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper, numpy_helper

N_FEATURES = 32
LAYERS = (N_FEATURES, 64, 64, 1)
ROW_GROUP = 131_072
SEED = 20_261_124


def model():
    """The network, with weights scaled so that activations keep their size."""
    random = np.random.default_rng(SEED)
    nodes, weights, tensor = [], [], "X"
    for idx, (n_in, n_out) in enumerate(zip(LAYERS, LAYERS[1:])):
        is_last = idx == len(LAYERS) - 2
        weight = (random.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)).astype(np.float32)
        bias = (random.standard_normal(n_out) * 0.1).astype(np.float32)
        weights += [numpy_helper.from_array(weight, f"w{idx}"), numpy_helper.from_array(bias, f"b{idx}")]
        out = "y" if is_last else f"dense{idx}"
        nodes.append(helper.make_node("Gemm", [tensor, f"w{idx}", f"b{idx}"], [out], name=f"gemm{idx}"))
        tensor = out
        if not is_last:
            nodes.append(helper.make_node("Relu", [out], [f"relu{idx}"], name=f"activation{idx}"))
            tensor = f"relu{idx}"
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["batch", N_FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1])],
        weights,
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def table(file_idx, first_key, n_rows):
    """The rows of one file."""
    random = np.random.default_rng([SEED, file_idx])
    columns = {"key": np.arange(first_key, first_key + n_rows, dtype=np.int64)}
    columns |= {f"f{idx}": random.standard_normal(n_rows, dtype=np.float32) for idx in range(N_FEATURES)}
    return pa.table(columns)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--files", type=int, default=20)
    options = parser.parse_args()
    rows = options.folder / "rows"
    rows.mkdir(parents=True, exist_ok=True)
    (options.folder / "mlp.onnx").write_bytes(model().SerializeToString(deterministic=True))
    per_file = options.rows // options.files
    for idx in range(options.files):
        n_rows = per_file if idx < options.files - 1 else options.rows - per_file * idx
        pq.write_table(table(idx, per_file * idx, n_rows), rows / f"rows-{idx:03}.parquet", ROW_GROUP, compression="zstd")


if __name__ == "__main__":
    main()
