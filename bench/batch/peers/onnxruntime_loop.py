"""ONNX Runtime and pyarrow in a loop, what one writes by hand: two processes with a thread each, a file at a time.

Run: `python onnxruntime_loop.py MODEL ROWS OUTPUT`. Two processes of one thread were faster than one of two (see run.py's `--help`).
"""

import sys
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq

N_PROCESSES = 2
BATCH_ROWS = 4096


def start(model):
    global session
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    pa.set_cpu_count(1)


def predict(paths):
    source, target = paths
    file = pq.ParquetFile(source)
    schema = pa.schema([("key", pa.int64()), ("y", pa.float32())])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in file.iter_batches(BATCH_ROWS):
            rows = np.stack([batch[f"f{idx}"].to_numpy() for idx in range(32)], axis=1)
            (y,) = session.run(["y"], {"X": rows})
            writer.write_batch(pa.record_batch([batch["key"], pa.array(y[:, 0])], schema=schema))


def main():
    model, rows, output = sys.argv[1:]
    Path(output).mkdir(parents=True)
    pairs = [(path, Path(output) / path.name) for path in sorted(Path(rows).glob("*.parquet"))]
    with Pool(N_PROCESSES, start, (model,)) as pool:
        pool.map(predict, pairs, chunksize=1)


if __name__ == "__main__":
    main()
