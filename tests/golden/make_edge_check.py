"""Writes the golden cases of `edge-check` that succeed: requests, and what the committed policy makes of ONNX Runtime's answers.

Like `make.py`, beside which it stands. No case asks the cloud: rows that need it come with the header by which a caller says that it is
known to be unreachable. Confidence, threshold, guard and sample are computed here from the policy file, not by Plinth.

Run: `python tests/golden/make_edge_check.py` with `models/requirements.txt` installed.
"""

import hashlib
import json

import numpy as np

import make
import model_folder

POLICY = make.ROOT / "models" / "digits-edge" / "policy.json"
PATH = "/edge-check/digits-edge"
# A row so close to the threshold is in no case: rounding may move it.
CLOSE = 1e-3
KNOWN = {"plinth-cloud": "unreachable"}
DETAIL = "the cloud could not be reached a moment ago, and was not asked"


def confidences(policy, probabilities):
    """The largest of softmax(log p / T), in double precision."""
    scaled = probabilities.astype(np.float64) ** policy["calibrator"]["scaling"]["inverse_temperature"]
    return (scaled / scaled.sum(axis=1, keepdims=True)).max(axis=1)


def place(key):
    """Where a key lies in the sample, without a client."""
    digest = hashlib.sha256(b"\0" + json.dumps(key).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def answers(policy, identity, edge, keys, rows):
    outputs = edge.answer(rows)
    threshold = policy["thresholds"]["ladder"][0]["threshold"]
    for key, row, label, probabilities, confidence in zip(
        keys, rows, outputs["label"], outputs["probabilities"], confidences(policy, outputs["probabilities"]), strict=True
    ):
        if abs(confidence - threshold) < CLOSE:
            yield None
            continue
        ranges = zip(policy["guard"]["ranges"], row.tolist(), strict=True)
        outside = [bounds["feature"] for bounds, value in ranges if not bounds["min"] <= value <= bounds["max"]]
        phase, reason = "edge", "confident"
        if outside:
            reason = "out-of-range"
        elif confidence < threshold:
            reason = "below-threshold"
        elif place(key) < policy["audit_share"]:
            reason = "audit"
        if reason != "confident":
            phase = "edge-provisional"
        said = {"prediction": str(label), "confidence": float(confidence)}
        yield (
            {"key": key}
            | said
            | {"phase": phase, "reason": reason, "policy": identity}
            | ({"feature": outside[0]} if outside else {})
            | {"edge": said | {"probabilities": model_folder.numbers(probabilities)}}
            | ({"detail": DETAIL} if phase != "edge" else {})
        )


def write_case(name, about, request, response, headers=None):
    folder = make.FOLDER / "edge-check" / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# {about} Written by tests/golden/make_edge_check.py.",
        'method = "POST"',
        f'path = "{PATH}"',
        "status = 200",
        'model = "digits-edge"',
        f"tolerance = {make.TOLERANCE}",
    ]
    if headers:
        lines += ["", "[headers]", *(f'{header} = "{value}"' for header, value in headers.items())]
    (folder / "case.toml").write_text("\n".join(lines) + "\n")
    (folder / "request.json").write_text(make.json_lines(request), "utf-8")
    (folder / "response.json").write_text(make.json_lines(response), "utf-8")


def main():
    file = POLICY.read_bytes()
    policy, identity = json.loads(file), hashlib.sha256(file).hexdigest()[:16]
    edge = make.Model("digits-edge", "digits")
    held_out = make.clear_rows(edge, 599)
    keys = [f"row-{idx}" for idx in range(len(held_out))]
    decided = list(answers(policy, identity, edge, keys, held_out))
    by_reason = {reason: [] for reason in ("confident", "below-threshold", "out-of-range", "audit")}
    for idx, answer in enumerate(decided):
        if answer:
            by_reason[answer["reason"]].append(idx)

    def case(name, about, chosen, cloud, headers=None, more=None, bad=None):
        instances = [{"key": keys[idx], "X": model_folder.numbers(held_out[idx])} for idx in chosen]
        expected = [decided[idx] for idx in chosen]
        if bad:
            instances.insert(1, bad[0])
            expected.insert(1, bad[1])
        response = {"policy": identity, "rung": 0, "cloud": cloud, "answers": expected} | (more or {})
        write_case(name, about, {"instances": instances} | (more or {}) | ({"on_row_error": "report"} if bad else {}), response, headers)

    case("confident", "Answers of the edge that stand need no cloud.", by_reason["confident"][:5], "not-asked")
    mixed = sorted(idx for indexes in by_reason.values() for idx in indexes[:3])
    assert all(by_reason.values()), "each reason has a row"
    case("cloud-known-unreachable", "Rows that need a cloud which is known to be unreachable are provisional.", mixed, "suspended", KNOWN)
    error = {
        "error": "row `1`: tensor `X`: expected a row of shape `[64]`, found `[2]`",
        "code": "wrong_shape",
        "input": "X",
        "row": 1,
    }
    bad = ({"key": "bad", "X": [1, 2]}, {"key": "bad", "error": error})
    case("report-bad-row", "A bad row is reported in its place, and the others are answered.", by_reason["confident"][:2], "not-asked", bad=bad)
    write_case(
        "no-rows",
        "No rows are answered without the model.",
        {"instances": []},
        {"policy": identity, "rung": 0, "cloud": "not-asked", "answers": []},
    )


if __name__ == "__main__":
    main()
