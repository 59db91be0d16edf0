"""Runs the chunks of a planned Plinth job as tasks of Spark. No row goes through Spark: a task runs `plinth batch chunk`, which reads,
predicts and commits a chunk, and of all attempts that Spark ever makes at it exactly one counts.

Run: `spark-submit plinth_batch.py --job URI [--plinth PATH] [--chunks-per-task N]`, after `plinth batch plan … --output URI`.
Exit code 0: the output is published. 1: it is not; run again, it goes on with the chunks that are not committed.
"""

import argparse
import json
import subprocess
import sys
import time

import pyarrow
from pyspark.sql import SparkSession

SCHEMA = "chunk long, code int, seconds double, said string"
ARROW_SCHEMA = pyarrow.schema(
    [("chunk", pyarrow.int64()), ("code", pyarrow.int32()), ("seconds", pyarrow.float64()), ("said", pyarrow.string())]
)
# How `plinth batch chunk` ends when another attempt would end the same: done; misused; cancelled; failed for good.
FINAL = (0, 2, 3, 42)


def main():
    options = arguments()
    status = [options.plinth, "batch", "status", options.job, "--json"]
    n_chunks = json.loads(subprocess.run(status, check=True, stdout=subprocess.PIPE).stdout)["chunks"]
    n_tasks = max(1, -(-n_chunks // max(1, options.chunks_per_task)))
    spark = SparkSession.builder.appName(f"plinth {options.job}").getOrCreate()
    try:
        chunks = spark.range(0, n_chunks, 1, n_tasks)
        results = chunks.mapInArrow(task(options.plinth, options.job), SCHEMA).collect()
    finally:
        spark.stop()
    failed = [result for result in results if result.code != 0]
    for result in failed:
        how = f"exit code {result.code} after {result.seconds:.1f} s"
        print(f"chunk {result.chunk}: {how}: {result.said}", file=sys.stderr)
    print(f"{len(results) - len(failed)} of {n_chunks} chunks committed", flush=True)
    # The last chunk's commit has led to publication; this tells so, or says what is missing.
    finish = subprocess.run([options.plinth, "batch", "finish", options.job])
    return 0 if finish.returncode == 0 else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", required=True, metavar="URI", help="the job's output, where every executor finds it")
    parser.add_argument("--plinth", default="plinth", metavar="PATH", help="the command, here and on every executor")
    parser.add_argument("--chunks-per-task", type=int, default=1, metavar="N", help="how many chunks a task runs in turn")
    return parser.parse_args()


def task(plinth, job):
    """What a task does with its chunks' numbers."""

    def run_chunks(batches):
        for batch in batches:
            for chunk in batch.column(0).to_pylist():
                result = run_chunk(plinth, job, chunk)
                yield pyarrow.RecordBatch.from_pylist([result], schema=ARROW_SCHEMA)

    return run_chunks


def run_chunk(plinth, job, chunk):
    """Runs a chunk. A failure that another attempt may not meet is raised, so that Spark runs the task again."""
    start = time.monotonic()
    command = [plinth, "batch", "chunk", "--job", job, "--index", str(chunk)]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    said = (ended.stderr.strip().splitlines() or [""])[-1]
    if ended.returncode not in FINAL:
        raise RuntimeError(f"chunk {chunk}: exit code {ended.returncode}: {said}")
    return {"chunk": chunk, "code": ended.returncode, "seconds": time.monotonic() - start, "said": said}


if __name__ == "__main__":
    sys.exit(main())
