"""Daft: a class whose method takes whole columns, on the native runner.

Run: `python daft_udf.py MODEL ROWS OUTPUT`.
"""

import sys

import daft
import numpy as np
from daft import DataType, Series


@daft.cls(max_concurrency=2)
class Predictor:
    def __init__(self, model):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @daft.method.batch(return_dtype=DataType.float32(), batch_size=4096)
    def predict(self, *columns: Series):
        rows = np.stack([column.to_arrow().to_numpy(zero_copy_only=False) for column in columns], axis=1)
        (y,) = self.session.run(["y"], {"X": rows})
        return Series.from_numpy(y[:, 0])


def main():
    model, rows, output = sys.argv[1:]
    daft.set_runner_native()
    table = daft.read_parquet(f"{rows}/*.parquet")
    features = [table[f"f{idx}"] for idx in range(32)]
    table.select("key", Predictor(model).predict(*features).alias("y")).write_parquet(output, compression="zstd")


if __name__ == "__main__":
    main()
