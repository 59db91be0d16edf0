"""Writes webhook.json: alarms as CloudEvents by the package `cloudevents`, signatures by `standardwebhooks`,
and ids and times of attempts by Python's hashlib.

    python -m venv venv && venv/bin/pip install -r requirements-webhook.txt && venv/bin/python -P webhook.py

Run it from this folder. It draws nothing by chance and asks no clock: it writes the same bytes every time.
"""

import hashlib
import importlib.metadata
import json
import pathlib
from datetime import datetime, timezone

from cloudevents.core.bindings.http import from_structured_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks.webhooks import Webhook

SOURCE = "https://plinth.example/models/digits"
NOW = 1795773600
SCHEDULE = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]

WINDOW = "2026-11-27T09:00:00Z"
ESTIMATE = {"window": WINDOW, "estimate": 0.91, "interval": [0.9, 0.92], "p_value": 3.2e-7}
MIXED = ["ünïcode", True, 18446744073709551615]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# Model, subject, text, since, began, episode, repeat, raised_at, evidence.
ALARMS = [
    ("digits", "accuracy", "Accuracy fell from 0.97 to 0.91.", WINDOW, NOW, 1, 0, NOW, ESTIMATE),
    ("digits", "accuracy", "It is still so.", WINDOW, NOW, 1, 1, NOW + 21600, {"e_value": 1234.5}),
    ("digits", "accuracy", "Again.", WINDOW, NOW + 50000, 2, 0, NOW + 50000, {}),
    ("digits", "promised accuracy", "Labels disagree.", None, NOW - 7, 3, 2, NOW, None),
    ("fraud", "segment city = Zürich: roc_auc", "0.9 → 0.8 “worse”", "row 1000", -1, 1, 0, -1, MIXED),
    ("fraud", "a.b", "", "", 0, 1, 0, 253402300799, "text"),
]

# Secrets, id, timestamp, body.
SIGNED = [
    ([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'),
    ([SECRET], "alarm_1", NOW, ""),
    (["whsec_AAECAwQFBgcICQoLDA0ODw"], "alarm_1", NOW, '{"text":"Zürich"}'),
    (["a-secret-of-raw-bytes"], "alarm_2", 0, "a.b.c"),
    (["k" * 200], "alarm_3", NOW, "a key that is longer than a block"),
    ([SECRET, "old-one", "whsec_+/+/+/+/"], "alarm_4", NOW, "several secrets"),
]


def fingerprint(*parts):
    digest = hashlib.sha256()
    for part in map(str.encode, parts):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def alarm(model, subject, text, since, began, episode, repeat, raised_at, evidence):
    start = ("began", str(began)) if since is None else ("since", since)
    digest = fingerprint(model, subject, *start, str(episode), str(repeat))
    body = {"id": "alarm_" + digest[:16].hex(), "model": model, "subject": subject, "text": text}
    return body | {"since": since, "raised_at": raised_at, "evidence": evidence}


def event_case(case):
    of_alarm = alarm(*case)
    attributes = {
        "id": of_alarm["id"],
        "source": SOURCE,
        "type": "dev.plinth.evaluation.alarm",
        "subject": of_alarm["subject"],
        "time": datetime.fromtimestamp(of_alarm["raised_at"], tz=timezone.utc),
        "datacontenttype": "application/json",
    }
    message = to_structured_event(CloudEvent(attributes | {"specversion": "1.0"}, of_alarm))
    assert from_structured_event(message).get_data() == of_alarm
    occurrence = {"began": case[4], "episode": case[5], "repeat": case[6], "at": case[7]}
    sent = {"headers": message.headers, "body": message.body.decode()}
    return {"alarm": of_alarm, "occurrence": occurrence} | sent


def signature_case(secrets, event_id, timestamp, body):
    time = datetime.fromtimestamp(timestamp, tz=timezone.utc)
    keys = [secret if secret.startswith("whsec_") else secret.encode() for secret in secrets]
    signatures = [Webhook(key).sign(event_id, time, body) for key in keys]
    signed = {"id": event_id, "timestamp": timestamp, "body": body}
    return {"secrets": secrets, "signatures": signatures} | signed


def delivery_case(event_id):
    at, attempts = NOW, [NOW]
    for attempt, distance in enumerate(SCHEDULE):
        seed = int.from_bytes(fingerprint("retry", event_id, str(attempt))[:8], "big")
        at += distance + seed % (distance // 5 + 1)
        attempts.append(at)
    return {"id": event_id, "attempts": attempts}


def main():
    versions = {name: importlib.metadata.version(name) for name in ("cloudevents", "standardwebhooks")}
    golden = {
        "versions": versions,
        "source": SOURCE,
        "events": [event_case(case) for case in ALARMS],
        "signatures": [signature_case(*case) for case in SIGNED],
        "deliveries": [delivery_case(event_id) for event_id in ("alarm_1", "alarm_2", "", "alarm_ü")],
    }
    path = pathlib.Path(__file__).with_name("webhook.json")
    path.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")


main()
