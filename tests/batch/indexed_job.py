"""Plays a cluster for `deploy/kubernetes/indexed-job.yaml`: the file is what Kubernetes' schemas demand, and its command, run as often and
with the indexes that its rules ask for, completes a job whose pods are killed. No container is made and no cluster is asked.

It installs and builds nothing: `spark_environment.py` and `cargo xtask build` come first, and `cargo xtask test` does all of it.
Run: `target/spark-venv/bin/python tests/batch/indexed_job.py`.
"""

import random
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import kubernetes_validate
import yaml

import spark_environment  # noqa: F401: it finds the module below.
from environments import ROOT
from jobs import CHUNKS_PER_FILE, ENVIRONMENT, N_CHUNKS, PLINTH, Job, plinth, run_cases

MANIFEST = yaml.safe_load((ROOT / "deploy/kubernetes/indexed-job.yaml").read_text("utf-8"))
SPEC = MANIFEST["spec"]
# The first version whose stable Jobs have all fields, and the newest one known.
VERSIONS = ["1.33", "1.37"]
N_KILLS = 50
AT_ONCE = 4
SEED = 20261127
KILLED = 128 + 9


@dataclass
class Index:
    """What became of an index: the exit codes of its pods, and how the rules judge it."""

    codes: list
    verdict: str


class Cluster:
    """Runs the pods of a job whose output is at `uri`. The first pods of an index may be killed, after up to `killed_within` seconds."""

    def __init__(self, uri, killed_within=None):
        self.uri = uri
        self.killed_within = killed_within

    def run(self, completions):
        with ThreadPoolExecutor(AT_ONCE) as pods:
            return list(pods.map(self._run_index, range(completions)))

    def _run_index(self, index):
        codes = []
        while True:
            codes.append(self.run_pod(index, self._lifetime(index, len(codes))))
            verdict = judge(codes)
            if verdict != "Again":
                return Index(codes, verdict)

    def _lifetime(self, index, n_before):
        """The seconds after which a pod is killed: no more pods are than the rules forgive."""
        if self.killed_within is None or n_before >= SPEC["backoffLimitPerIndex"]:
            return None
        return random.Random(f"{SEED} {index} {n_before}").uniform(0, self.killed_within)

    def run_pod(self, index, lifetime=None):
        """The container's command as Kubernetes starts it, in its environment."""
        container = SPEC["template"]["spec"]["containers"][0]
        given = {variable["name"]: variable.get("value") for variable in container["env"]} | {"PLINTH_JOB": str(self.uri)}
        command = [re.sub(r"\$\((\w+)\)", lambda name: given[name.group(1)], word) for word in container["command"]]
        assert command[0] == PLINTH.name
        environment = ENVIRONMENT | {"JOB_COMPLETION_INDEX": str(index)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        pod = subprocess.Popen([PLINTH, *command[1:]], env=environment, **quiet)
        try:
            return pod.wait(lifetime)
        except subprocess.TimeoutExpired:
            pod.kill()
            return KILLED if pod.wait() < 0 else pod.returncode


def judge(codes):
    """What the rules say of an index whose pods have ended so."""
    if codes[-1] == 0:
        return "Complete"
    for rule in SPEC["podFailurePolicy"]["rules"]:
        if codes[-1] in rule.get("onExitCodes", {}).get("values", []):
            return rule["action"]
    return "Again" if len(codes) <= SPEC["backoffLimitPerIndex"] else "FailIndex"


def the_manifest_is_what_the_schemas_demand(_):
    for version in VERSIONS:
        kubernetes_validate.validate(MANIFEST, version, strict=True)
    # What the schemas do not say of rules for exit codes, but the server does.
    assert SPEC["template"]["spec"]["restartPolicy"] == "Never"
    names = {container["name"] for container in SPEC["template"]["spec"]["containers"]}
    rules = [rule["onExitCodes"] for rule in SPEC["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert {rule["containerName"] for rule in rules} == names
    assert all(rule["operator"] == "In" and 0 not in rule["values"] for rule in rules)


def fifty_pods_are_killed_and_every_index_completes(folder):
    n_killed, n_rounds = 0, 0
    while n_killed < N_KILLS:
        job = Job(folder / str(n_rounds))
        reference = job.run_elsewhere()
        job.plan()
        start = time.monotonic()
        assert Cluster(job.output).run_pod(0) == 0
        indexes = Cluster(job.output, killed_within=AT_ONCE * (time.monotonic() - start)).run(N_CHUNKS)
        assert {index.verdict for index in indexes} == {"Complete"}, indexes
        job.check_output(reference)
        n_killed += sum(code == KILLED for index in indexes for code in index.codes)
        n_rounds += 1
        assert n_rounds <= 10, f"only {n_killed} pods were killed before they ended"


def chunks_that_fail_for_good_are_tried_once_and_stop_no_other(folder):
    job = Job(folder)
    job.plan()
    job.change(1)
    indexes = Cluster(job.output).run(N_CHUNKS)
    failed = range(CHUNKS_PER_FILE, 2 * CHUNKS_PER_FILE)
    for number, index in enumerate(indexes):
        assert index == (Index([42], "FailIndex") if number in failed else Index([0], "Complete")), (number, index)
    job.check_unpublished()
    said = plinth("batch", "finish", job.output, code=1).stderr
    n_committed = N_CHUNKS - CHUNKS_PER_FILE
    assert f"expected {N_CHUNKS} chunks with a commit, found {n_committed}; chunk {CHUNKS_PER_FILE} has none" in said, said


def what_no_pod_can_do_ends_the_job(folder):
    job = Job(folder)
    assert Cluster(job.output).run(1) == [Index([2], "FailJob")], "nothing is planned"
    job.plan()
    assert Cluster(job.output).run(N_CHUNKS + 1)[N_CHUNKS] == Index([2], "FailJob"), "no such chunk"
    job = Job(folder / "cancelled")
    reference = job.run_elsewhere()
    job.plan()
    plinth("batch", "cancel", job.output)
    assert Cluster(job.output).run(1) == [Index([3], "FailJob")]
    job.plan()
    assert {index.verdict for index in Cluster(job.output).run(N_CHUNKS)} == {"Complete"}
    job.check_output(reference)


CASES = [
    the_manifest_is_what_the_schemas_demand,
    fifty_pods_are_killed_and_every_index_completes,
    chunks_that_fail_for_good_are_tried_once_and_stop_no_other,
    what_no_pod_can_do_ends_the_job,
]


def main():
    run_cases(CASES)


if __name__ == "__main__":
    main()
