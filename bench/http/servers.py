"""The servers that `run.py` compares: how each is started, asked, and ended.

A server is a process group of its own on a free loopback port, ended by its id. Nothing here measures load.
"""

import http.client
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "bench"
RELEASE = ROOT / "target/release"
MODEL = ROOT / "models/digits/model.onnx"
PACKED = ROOT / "target/models/digits.wasm"
FUNCTION = ROOT / "target/wasm/predict.wasm"
COMPOSED = ROOT / "target/bench/predict-digits.wasm"
ADDRESS = "127.0.0.1"
PATIENCE_S = 180

# Without these `wasmtime serve` refuses the model runtime: its function table and instance are above the pool's limits.
WASMTIME_NEEDS = ["-Scli", "-Opooling-table-elements=100000", "-Opooling-max-core-instance-size=10485760"]
# What Plinth's own pool has: dirtied pages are written back in place instead of given back to the kernel.
WASMTIME_TUNED = [
    "-Opooling-memory-keep-resident=8388608",
    "-Opooling-table-keep-resident=1048576",
    "-Opooling-pagemap-scan=auto",
    "-Opooling-max-component-instance-size=10485760",
]


@dataclass
class Server:
    """A server to start: its name in reports, its command with `{port}`, and additions to the environment."""

    name: str
    command: list
    environment: dict = field(default_factory=dict)
    # Started once before it counts, so that what it compiles is on disk.
    is_primed: bool = False
    process: subprocess.Popen = None
    port: int = 0
    start_seconds: float = 0.0

    def start(self, is_right):
        """Starts the server and waits for its first right answer."""
        self.port = free_port()
        command = [str(part).replace("{port}", str(self.port)) for part in self.command]
        environment = os.environ | {"RUST_BACKTRACE": "0"} | self.environment
        begin = time.monotonic()
        # What it prints, such as connections that wrk cuts at the end of a round, goes to a file.
        log = ROOT / "target/bench" / f"{self.name.replace(',', '').replace(' ', '-')}.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )
        while not self.answers(is_right):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}, see `{log.relative_to(ROOT)}`")
            if time.monotonic() - begin > PATIENCE_S:
                raise RuntimeError(f"{self.name} does not answer")
            time.sleep(0.005)
        self.start_seconds = time.monotonic() - begin

    def answers(self, is_right):
        """Whether it listens yet. An answer that is wrong is an error."""
        try:
            status, body = self.ask()
        except (OSError, http.client.HTTPException):
            return False
        if not is_right(status, body):
            raise RuntimeError(f"{self.name} answers {status} {body[:300]!r}")
        return True

    def ask(self):
        """One request of the benchmark: status and body."""
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=30)
        try:
            connection.request("POST", PATH, REQUEST, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def memory_bytes(self):
        """The proportional set size of the group: what is shared between its processes counts once."""
        lines = [line for text in self.read("smaps_rollup") for line in text.splitlines()]
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

    def ticks(self):
        """The processor time of the group, in clock ticks."""
        # The name in brackets may have spaces; user and system time are the 12th and 13th word after it.
        words = [text.rpartition(")")[2].split() for text in self.read("stat")]
        return sum(int(fields[11]) + int(fields[12]) for fields in words)

    def read(self, file):
        """That file of every process of the group."""
        texts = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(folder.name)) == self.process.pid:
                    texts.append((folder / file).read_text())
            except OSError:
                continue
        return texts

    def stop(self):
        """Ends the process, and its group if that does not go with it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


PATH = "/v1/models/digits:predict"
CASE = ROOT / "tests/golden/predict/v1-single-row-key"
REQUEST = (CASE / "request.json").read_bytes()


def free_port():
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        return listener.getsockname()[1]


def compose():
    """The function with the model plugged in, for `wasmtime serve`."""
    COMPOSED.parent.mkdir(parents=True, exist_ok=True)
    command = [RELEASE / "plinth", "compose", FUNCTION, PACKED, "-o", COMPOSED]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def all_servers(python):
    """Every server, in the order of the report."""
    listen = f"{ADDRESS}:{{port}}"
    cache = {"PLINTH_CACHE_DIR": str(ROOT / "target/compiled")}
    wasmtime = [RELEASE / "wasmtime-serve", *WASMTIME_NEEDS]
    return [
        Server("plinth serve", [RELEASE / "plinth", "serve", PACKED, "--listen", listen], cache, is_primed=True),
        Server("wasmtime serve", [*wasmtime, "--addr", listen, COMPOSED]),
        Server("wasmtime serve, tuned pool", [*wasmtime, *WASMTIME_TUNED, "--addr", listen, COMPOSED]),
        uvicorn(python, 1),
        uvicorn(python, 2),
        uvicorn(python, 2, "fastapi_declared_app", ", declared models"),
    ]


def uvicorn(python, n_workers, module="fastapi_app", kind=""):
    command = [python, "-m", "uvicorn", f"{module}:app", "--app-dir", BENCH / "http", "--host", ADDRESS]
    command += ["--port", "{port}", "--workers", str(n_workers), "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--log-level", "warning"]
    name = "FastAPI, 1 worker" if n_workers == 1 else f"FastAPI, {n_workers} workers"
    return Server(name + kind, command, {"MODEL": str(MODEL)})
