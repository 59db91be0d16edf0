"""Ray Data: `map_batches` with a class, as its guide to batch inference has it, two actors; they leave half of the processors to the tasks that
read and write, without which nothing starts.

Run: `python ray_data.py MODEL ROWS OUTPUT`.
"""

import sys

import numpy as np
import ray


class Predictor:
    def __init__(self, model):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, batch):
        rows = np.stack([batch[f"f{idx}"] for idx in range(32)], axis=1)
        (y,) = self.session.run(["y"], {"X": rows})
        return {"key": batch["key"], "y": y[:, 0]}


def main():
    model, rows, output = sys.argv[1:]
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    predicted = ray.data.read_parquet(rows).map_batches(
        Predictor, fn_constructor_args=(model,), batch_size=4096, num_cpus=0.5, compute=ray.data.ActorPoolStrategy(size=2)
    )
    predicted.write_parquet(output)


if __name__ == "__main__":
    main()
