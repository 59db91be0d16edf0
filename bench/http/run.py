"""Requests per second of Plinth, `wasmtime serve` and FastAPI for one keyed row, in one run.

It starts every server, checks that all answer right, and lets `wrk` drive one after another for some seconds, round by round, so
that what disturbs the machine disturbs all of them. It builds nothing (`cargo xtask build` and `cargo build --release -p
wasmtime-serve` come first) and needs `wrk` (the Debian package of that name). A round with a failed request ends the run.

Run: `python3 bench/http/run.py [--seconds 5] [--rounds 5] [--write BENCHMARKS.md]`.
"""

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import servers
from servers import ADDRESS, BENCH, CASE, PATH, ROOT

CONNECTIONS = 8
WARM_UP_S = 1
RELATIVE, ABSOLUTE = 1e-4, 1e-6
# The part of the cores that others may use before a run is a trial.
QUIET, WATCH_S = 0.1, 2
# The servers that the others are divided by, and the bars of the project.
PEERS = {"FastAPI, 2 workers": "of FastAPI, 2 workers", "wasmtime serve": "of wasmtime serve"}
EXPECTED = json.loads((CASE / "response.json").read_text("utf-8"))


def is_right(status, body):
    """Whether an answer has the keys and labels, and within the tolerance the numbers, that ONNX Runtime computed."""
    try:
        return status == 200 and is_alike(json.loads(body), EXPECTED)
    except ValueError:
        return False


def is_alike(found, expected):
    if isinstance(expected, dict):
        return isinstance(found, dict) and found.keys() == expected.keys() and all(
            is_alike(found[name], expected[name]) for name in expected
        )
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(is_alike, found, expected))
    if isinstance(expected, float):
        return isinstance(found, (int, float)) and math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return found == expected


def drive(server, seconds):
    """One round: what wrk counted, with requests per second."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", BENCH / "http/post.lua"]
    command += [f"http://{ADDRESS}:{server.port}{PATH}", "--", CASE / "request.json"]
    watch = Watch(server)
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60).stdout
    others = watch.used_by_others()
    counted = json.loads(output.strip().splitlines()[-1])
    if counted["failed"] or counted["broken"]:
        raise RuntimeError(f"{server.name}: {counted['failed']} requests failed, {counted['broken']} connections broke")
    check(server)
    return counted | {"rate": counted["requests"] / counted["microseconds"] * 1e6, "used by others": others}


def check(server):
    status, body = server.ask()
    if not is_right(status, body):
        raise RuntimeError(f"{server.name} answers {status} {body[:300]!r}")


def start(server):
    print(f"starting {server.name}", file=sys.stderr)
    if server.is_primed:
        server.start(is_right)
        server.stop()
    server.start(is_right)


def measure(running, rounds, seconds):
    """Rounds by server name. Every round begins with another server."""
    for server in running:
        drive(server, WARM_UP_S)
    measured = {server.name: [] for server in running}
    for round_idx in range(rounds):
        turn = round_idx % len(running)
        for server in running[turn:] + running[:turn]:
            counted = drive(server, seconds)
            measured[server.name].append(counted)
            print(f"round {round_idx + 1}: {server.name}: {counted['rate']:.0f} requests/s", file=sys.stderr)
    return measured


def run(arguments):
    python = subprocess.run(
        [sys.executable, BENCH / "python_environment.py"], check=True, capture_output=True, text=True
    ).stdout.strip()
    servers.compose()
    machine = circumstances(arguments)
    running = servers.all_servers(python)
    try:
        for server in running:
            start(server)
        measured = measure(running, arguments.rounds, arguments.seconds)
        facts = {
            server.name: {"start_seconds": server.start_seconds, "memory_bytes": server.memory_bytes()}
            for server in running
        }
    finally:
        for server in running:
            server.stop()
    machine["used by others at end"] = used_by_others()
    return {"machine": machine, "rounds": measured, "servers": facts}


def circumstances(arguments):
    def output(*command):
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()

    processor = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    changed = output("git", "status", "--porcelain", "--", "crates", "functions", "models", "wit")
    commit = output("git", "rev-parse", "--short", "HEAD") + (" with uncommitted changes" if changed else "")
    return {
        "time": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "commit": commit,
        "command": f"python3 bench/http/run.py --seconds {arguments.seconds} --rounds {arguments.rounds}",
        "processor": processor,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "used by others": used_by_others(),
    }


class Watch:
    """How much of all cores others use from here on: what is busy, less what this program, wrk and the server use."""

    def __init__(self, server=None):
        self.server = server
        self.busy, self.all, self.own = self.ticks()

    def used_by_others(self):
        busy, everything, own = self.ticks()
        others = (busy - self.busy) - (own - self.own)
        return max(0.0, others / max(1, everything - self.all))

    def ticks(self):
        """Busy and all ticks of the cores, and those of our own processes. Interrupts belong to nobody."""
        user, nice, system, idle, wait, interrupt, soft, steal = (
            int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        )
        times = os.times()
        seconds = times.user + times.system + times.children_user + times.children_system
        own = seconds * os.sysconf("SC_CLK_TCK") + (self.server.ticks() if self.server else 0)
        return user + nice + system + steal, user + nice + system + idle + wait + interrupt + soft + steal, own


def used_by_others():
    """The same while this program waits."""
    watch = Watch()
    time.sleep(WATCH_S)
    return watch.used_by_others()


def markdown(results):
    machine = results["machine"]
    before, after = machine["used by others"], machine["used by others at end"]
    during = max(counted["used by others"] for rounds in results["rounds"].values() for counted in rounds)
    lines = [
        f"- **When:** {machine['time']} UTC, commit {machine['commit']}",
        f"- **Command:** `{machine['command']}`",
        f"- **Machine:** {machine['processor']}, {machine['cores']} cores; {machine['system']}",
        f"- **Used by others:** {before:.0%} of the cores before the run, {after:.0%} after it, at most "
        f"{during:.0%} in a round",
        "",
    ]
    if max(before, during, after) > QUIET:
        lines += ["**The machine was busy with something else: a trial run, whose rates mean little.**", ""]
    headings = ["server", "requests/s", "lowest–highest", "p50", "p99", *PEERS.values(), "start", "memory"]
    lines += [row(headings), row(["---"] + ["---:"] * (len(headings) - 1))]
    for name, rounds in results["rounds"].items():
        rates = [counted["rate"] for counted in rounds]
        facts = results["servers"][name]
        lines.append(row([
            name,
            f"{median(rates):.0f}",
            f"{min(rates):.0f}–{max(rates):.0f}",
            f"{median(counted['p50'] for counted in rounds) / 1000:.2f} ms",
            f"{median(counted['p99'] for counted in rounds) / 1000:.2f} ms",
            *(f"{ratio(rounds, results['rounds'][peer]):.2f}×" for peer in PEERS),
            f"{facts['start_seconds']:.2f} s",
            f"{facts['memory_bytes'] / 1e6:.0f} MB",
        ]))
    return "\n".join(lines)


def ratio(rounds, others):
    """Requests per second over those of another: the median over rounds, each of which met the same noise."""
    return median(counted["rate"] / other["rate"] for counted, other in zip(rounds, others, strict=True))


def row(cells):
    return f"| {' | '.join(cells)} |"


def write(document, part):
    """Replaces what stands between the markers `http` of the document."""
    text = document.read_text("utf-8")
    begin, end = "<!-- begin http -->\n", "<!-- end http -->"
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    document.write_text(f"{before}{begin}{part}\n{end}{after}", "utf-8")


def keep(results):
    folder = BENCH / "results"
    folder.mkdir(exist_ok=True)
    stamp = results["machine"]["time"].replace(" ", "-").replace(":", "-")
    file = folder / f"http-{stamp}.json"
    file.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(f"results: {file.relative_to(ROOT)}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description="Plinth, wasmtime serve and FastAPI over HTTP, side by side.")
    parser.add_argument("--seconds", type=int, default=5, help="of load for each server in each round (default: 5)")
    parser.add_argument("--rounds", type=int, default=5, help="of all servers (default: 5)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the document whose marked part is replaced")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; it is in the Debian package `wrk`")
    results = run(arguments)
    keep(results)
    report = markdown(results)
    if arguments.write:
        write(arguments.write, report)
    else:
        print(report)


main()
