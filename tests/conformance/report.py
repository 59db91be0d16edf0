"""The matrix as Markdown: the same outcomes give the same bytes."""

import tomllib

from catalogue import GROUPS
from environments import HERE, ROOT
from suite import PASS

KNOWN_FAILURES = HERE / "known_failures.toml"
BY_HAND = HERE / "by_hand.md"
DOCUMENT = ROOT / "docs/conformance.md"
INTRODUCTION = """\
# Conformance

Clients that we did not write, and what they see of `plinth serve`. Expected values come from numpy and ONNX Runtime. Written by
`cargo xtask conformance --write`; `cargo xtask conformance` runs every case again and compares. The cases are in
`tests/conformance/`.

`pass`: the client gets what it asked for. `FAIL`: it does not, for the reason stated below the tables. `-`: the client has no call
for it.
"""


def known_failures():
    """The reason of each failure that is known, by case and client."""
    entries = tomllib.loads(KNOWN_FAILURES.read_text("utf-8")).get("failure", [])
    return {(entry["case"], entry["client"]): entry["reason"] for entry in entries}


def document(suites, outcomes, known):
    """The whole document. `outcomes`: by client, then by case."""
    parts = [INTRODUCTION, _clients(suites, outcomes)]
    parts += [_group(title, cases, suites, outcomes) for title, cases in GROUPS.items()]
    parts.append(_failures(suites, outcomes, known))
    parts.append(BY_HAND.read_text("utf-8"))
    return "\n".join(parts)


def surprises(suites, outcomes, known):
    """What nobody has stated: failures without a reason, and reasons without a failure."""
    found = []
    for suite in suites:
        for name, outcome in outcomes[suite.client].items():
            is_known = (name, suite.client) in known
            if outcome != PASS and not is_known:
                found.append(f"{suite.client}, {name}: {outcome}")
            if outcome == PASS and is_known:
                found.append(f"{suite.client}, {name}: passes, but {KNOWN_FAILURES.name} says that it fails")
    unknown = known.keys() - {(name, client) for client, cases in outcomes.items() for name in cases}
    return found + [f"{client}, {name}: {KNOWN_FAILURES.name} names it, but it was not run" for name, client in sorted(unknown)]


def _clients(suites, outcomes):
    lines = ["| client | version | cases | pass |", "|---|---|---|---|"]
    for suite in suites:
        of_client = list(outcomes[suite.client].values())
        lines.append(f"| {suite.client} | {suite.version} | {len(of_client)} | {of_client.count(PASS)} |")
    return "\n".join(lines) + "\n"


def _group(title, cases, suites, outcomes):
    """One table, with the clients that have any of its cases."""
    present = [suite for suite in suites if cases.keys() & outcomes[suite.client].keys()]
    if not present:
        return f"## {title}\n"
    lines = [f"## {title}", "", _row(["case", *(suite.client for suite in present)]), "|---" * (len(present) + 1) + "|"]
    lines += [_row([text, *(_cell(outcomes[suite.client].get(name)) for suite in present)]) for name, text in cases.items()]
    return "\n".join(lines) + "\n"


def _cell(outcome):
    if outcome is None:
        return "-"
    return "pass" if outcome == PASS else "FAIL"


def _row(cells):
    return f"| {' | '.join(cells)} |"


def _failures(suites, outcomes, known):
    titles = {name: text for cases in GROUPS.values() for name, text in cases.items()}
    lines = ["## Failures", ""]
    for suite in suites:
        for name in titles:
            if outcomes[suite.client].get(name, PASS) != PASS:
                reason = known.get((name, suite.client), "no reason stated")
                lines.append(f"- {suite.client}, {titles[name]}: {reason}")
    if len(lines) == 2:
        lines.append("None.")
    return "\n".join(lines) + "\n"
