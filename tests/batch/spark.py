"""Runs `deploy/spark/plinth_batch.py` on a Spark cluster of this machine, whose executors are processes of their own, and kills what it can.

It installs and builds nothing: `spark_environment.py` and `cargo xtask build` come first, and `cargo xtask test` does all of it.
Run: `target/spark-venv/bin/python tests/batch/spark.py`.
"""

import random
import shutil
import subprocess
import sys

import spark_environment  # noqa: F401: it finds the module below.
from environments import ROOT
from jobs import CHUNKS_PER_FILE, ENVIRONMENT, N_CHUNKS, N_FILES, PLINTH, Job, run_cases
from processes import adopt, descendants, end_all, has_ended, kill

SCRIPT = ROOT / "deploy/spark/plinth_batch.py"
CLUSTER = "local-cluster[2,1,1024]"
THREADS = "local[2]"
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
N_CHILDREN_KILLED = 6
SEED = 20261127
PATIENCE_S = 300
LOOK_EVERY_S = 0.01
# Little is computed in these processes, so what makes them start soon counts.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"


class Run:
    """A run of the script, from `with` to the end of its block, which nothing that it started outlives."""

    def __init__(self, job, folder, master, *more):
        settings = {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.local.dir": folder,
            "spark.task.maxFailures": 2 + N_CHILDREN_KILLED,
            "spark.executorEnv.PLINTH_CACHE_DIR": ENVIRONMENT["PLINTH_CACHE_DIR"],
        }
        submit = [spark_environment.SPARK.program("spark-submit"), "--master", master]
        for name, value in settings.items():
            submit += ["--conf", f"{name}={value}"]
        self.command = [*submit, *more, SCRIPT, "--job", job.output, "--plinth", PLINTH]
        self.log = folder / "spark.log"

    def __enter__(self):
        environment = ENVIRONMENT | {
            "JAVA_HOME": str(spark_environment.JAVA_HOME),
            "JDK_JAVA_OPTIONS": JAVA_OPTIONS,
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_HOSTNAME": "localhost",
        }
        environment.pop("SPARK_HOME", None)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, env=environment, stdout=subprocess.PIPE, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        end_all(PATIENCE_S)

    def end(self, code):
        """Waits for its end, which must be this one; gives what the script printed, for errors too: Spark puts both in one stream."""
        printed, _ = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == code, f"exit code {self.process.returncode}:\n{self.said()[-4000:]}"
        return printed.decode("utf-8")

    def said(self):
        return self.log.read_text("utf-8", "replace")

    def looks(self):
        """Its processes, again and again until it ends."""
        while not has_ended(self.process.pid, LOOK_EVERY_S):
            yield descendants(self.process.pid)


def executors_at_work(processes):
    """The executors below which a chunk runs just now."""
    executors = [pid for pid, command in processes.items() if EXECUTOR in command]
    return [executor for executor in executors if chunk_processes(descendants(executor))]


def chunk_processes(processes):
    return [pid for pid, command in processes.items() if command[:3] == [str(PLINTH), "batch", "chunk"]]


def an_executor_and_processes_of_chunks_are_killed(folder):
    job = Job(folder)
    reference = job.run_elsewhere()
    job.plan()
    chance = random.Random(SEED)
    n_executors, n_children = 0, 0
    with Run(job, folder, CLUSTER, "--conf", "spark.speculation=true") as run:
        for processes in run.looks():
            if n_executors == 0 and len(job.commits()) >= N_CHUNKS // 3:
                n_executors += sum(kill(pid) for pid in executors_at_work(processes)[:1])
            elif n_children < N_CHILDREN_KILLED and chance.random() < 0.1:
                n_children += sum(kill(pid) for pid in chunk_processes(processes)[:1])
        printed = run.end(code=0)
    assert f"{N_CHUNKS} of {N_CHUNKS} chunks committed" in printed, printed
    assert (n_executors, n_children) == (1, N_CHILDREN_KILLED)
    assert "exit code -9" in run.said(), "Spark was not told of a process that was killed"
    job.check_output(reference)


def the_driver_is_killed_and_the_next_one_runs_what_is_not_committed(folder):
    job = Job(folder)
    reference = job.run_elsewhere()
    job.plan()
    with Run(job, folder, CLUSTER) as run:
        for _ in run.looks():
            if len(job.commits()) >= N_CHUNKS // 3:
                kill(run.process.pid)
        run.end(code=-9)
    committed = job.commits()
    job.check_unpublished()
    # Chunks of a file that has changed fail: those that are committed are not run again.
    whole = [file for file in range(N_FILES) if set(chunks_of(file)) <= set(committed)]
    assert whole and len(committed) < N_CHUNKS, committed
    for file in whole:
        job.change(file)
    with Run(job, folder, THREADS) as run:
        run.end(code=0)
    assert committed.items() <= job.commits().items(), "a commit was replaced"
    job.check_output(reference)


def chunks_that_fail_for_good_are_reported_and_stop_no_other(folder):
    job = Job(folder)
    job.plan()
    changed = N_FILES - 2
    job.change(changed)
    with Run(job, folder, THREADS) as run:
        printed = run.end(code=1)
    assert f"{N_CHUNKS - CHUNKS_PER_FILE} of {N_CHUNKS} chunks committed" in printed, printed
    reports = [line for line in printed.splitlines() if ": exit code 42 after " in line]
    assert [int(line.split()[1].rstrip(":")) for line in reports] == chunks_of(changed), reports
    assert all(f"rows-{changed}.jsonl" in line and "has changed" in line for line in reports), reports
    assert set(job.commits()) == set(range(N_CHUNKS)) - set(chunks_of(changed))
    job.check_unpublished()


def chunks_of(file):
    return list(range(file * CHUNKS_PER_FILE, (file + 1) * CHUNKS_PER_FILE))


CASES = [
    an_executor_and_processes_of_chunks_are_killed,
    the_driver_is_killed_and_the_next_one_runs_what_is_not_committed,
    chunks_that_fail_for_good_are_reported_and_stop_no_other,
]


def main():
    adopt()
    # Spark keeps what executors say below its own folder.
    for work in spark_environment.SPARK.folder.glob("lib/*/site-packages/pyspark/work"):
        shutil.rmtree(work)
    run_cases(CASES)


if __name__ == "__main__":
    main()
