"""Spark: `mapInPandas` with a session per Python worker, two local threads.

Run: `python spark.py MODEL ROWS OUTPUT`.
"""

import os
import sys

from pyspark.sql import SparkSession


def main():
    model, rows, output = sys.argv[1:]
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "4096")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .getOrCreate()
    )

    def predict(batches):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        features = [f"f{idx}" for idx in range(32)]
        for batch in batches:
            (y,) = session.run(["y"], {"X": batch[features].to_numpy("float32")})
            yield batch[["key"]].assign(y=y[:, 0])

    spark.read.parquet(rows).mapInPandas(predict, "key long, y float").write.parquet(output)
    spark.stop()


if __name__ == "__main__":
    main()
