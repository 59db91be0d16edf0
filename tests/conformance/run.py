"""Runs every client's cases against `plinth serve`, and compares or writes the matrix `docs/conformance.md`.

It installs and builds nothing: `environments.py` and `cargo xtask build` come first, and `cargo xtask conformance` does all of it.
Run: `target/conformance-venv/bin/python tests/conformance/run.py [--write] [--client NAME]...`.
"""

import argparse
import sys

import report
from catalogue import NAMES
from server import Server

import batch_suite
import http_suite
import kserve_grpc_suite
import kserve_suite
import schema_suite
import triton_grpc_suite
import triton_suite

SUITES = [
    triton_suite.BLOCKING,
    triton_suite.ASYNCHRONOUS,
    triton_grpc_suite.BLOCKING,
    triton_grpc_suite.ASYNCHRONOUS,
    kserve_suite.SUITE,
    kserve_grpc_suite.SUITE,
    batch_suite.SUITE,
    schema_suite.SUITE,
    http_suite.SUITE,
]


def main():
    options = arguments()
    check_catalogue()
    suites = [suite for suite in SUITES if not options.client or suite.client in options.client]
    outcomes = run(suites)
    known = {at: reason for at, reason in report.known_failures().items() if at[1] in outcomes}
    surprises = report.surprises(suites, outcomes, known)
    for surprise in surprises:
        print(f"FAIL {surprise}")
    is_current = options.client or compare_or_write(report.document(suites, outcomes, known), options.write)
    return 0 if is_current and not surprises else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the matrix instead of comparing it")
    names = [suite.client for suite in SUITES]
    parser.add_argument("--client", action="append", choices=names, help="run this client only, without the matrix")
    return parser.parse_args()


def check_catalogue():
    """Every case stands in the catalogue, and every entry of the catalogue is some client's case."""
    cases = {name for suite in SUITES for name in suite.cases}
    if cases != set(NAMES):
        raise SystemExit(f"the catalogue and the suites differ in {sorted(cases ^ set(NAMES))}")


def run(suites):
    """Outcomes by client, then by case."""
    outcomes = {}
    with Server() as server:
        for suite in suites:
            outcomes[suite.client] = suite.run(server.address)
            print(f"{suite.client}: {len(suite.cases)} cases", flush=True)
        if server.has_ended():
            raise SystemExit("the server has ended")
    return outcomes


def compare_or_write(text, is_write):
    """Whether the document is what it should be, after this."""
    if is_write:
        report.DOCUMENT.parent.mkdir(exist_ok=True)
        report.DOCUMENT.write_text(text, "utf-8")
    elif not report.DOCUMENT.exists() or report.DOCUMENT.read_text("utf-8") != text:
        print("docs/conformance.md is not what this run gives: `cargo xtask conformance --write` writes it anew")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
