//! Events, signatures, ids and times of attempts against Python's packages for CloudEvents and Standard
//! Webhooks, and its hashlib. And that a signature made there is believed here.

#![cfg(test)]

use alerts::{
    Alarm, Answer, CONTENT_TYPE, Delivery, Event, Occurrence, Secrets, event, headers, sign, verify,
};
use evaluation::{Finding, Judgement};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/webhook.json")).unwrap()
}

fn cases(golden: &Value, name: &str) -> Vec<Value> {
    golden[name].as_array().unwrap().clone()
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap()
}

fn secrets(case: &Value) -> Secrets {
    texts(case, "secrets").join(" ").parse().unwrap()
}

fn texts(case: &Value, name: &str) -> Vec<String> {
    serde_json::from_value(case[name].clone()).unwrap()
}

#[test]
fn alarms_have_the_ids_of_their_occurrences() {
    for case in cases(&golden(), "events") {
        let expected: Alarm = serde_json::from_value(case["alarm"].clone()).unwrap();
        let finding = Finding {
            judgement: Judgement::Worse,
            subject: expected.subject.clone(),
            text: expected.text.clone(),
            since: expected.since.clone(),
        };
        let occurrence: Occurrence = serde_json::from_value(case["occurrence"].clone()).unwrap();
        let alarm = Alarm::new(&expected.model, &finding, occurrence, expected.evidence.clone());
        assert_eq!(alarm, expected);
    }
}

#[test]
fn events_are_those_of_another_implementation() {
    let golden = golden();
    for case in cases(&golden, "events") {
        let alarm: Alarm = serde_json::from_value(case["alarm"].clone()).unwrap();
        let event = event(&alarm, text(&golden, "source")).unwrap();
        let body: Value = serde_json::from_str(&event.body().unwrap()).unwrap();
        assert_eq!(body, serde_json::from_str::<Value>(text(&case, "body")).unwrap());
        assert_eq!(serde_json::from_str::<Event>(text(&case, "body")).unwrap(), event);
        assert_eq!(text(&case["headers"], "content-type"), CONTENT_TYPE);
    }
}

#[test]
fn signatures_are_those_of_another_implementation() {
    for case in cases(&golden(), "signatures") {
        let (id, body, timestamp) =
            (text(&case, "id"), text(&case, "body"), case["timestamp"].as_i64().unwrap());
        let expected = texts(&case, "signatures").join(" ");
        assert_eq!(sign(&secrets(&case), id, timestamp, body.as_bytes()).unwrap(), expected);
    }
}

#[test]
fn each_signature_of_another_implementation_is_believed() {
    for case in cases(&golden(), "signatures") {
        let (body, timestamp) = (text(&case, "body"), case["timestamp"].as_i64().unwrap());
        for signature in texts(&case, "signatures") {
            let headers = [
                ("webhook-id", text(&case, "id").to_owned()),
                ("webhook-timestamp", timestamp.to_string()),
                ("webhook-signature", signature),
            ];
            assert_eq!(verify(&secrets(&case), &headers, body.as_bytes(), timestamp, 0), Ok(()));
        }
    }
}

#[test]
fn headers_of_an_attempt_are_complete() {
    let case = &cases(&golden(), "signatures")[0];
    let timestamp = case["timestamp"].as_i64().unwrap();
    let headers =
        headers(&secrets(case), text(case, "id"), timestamp, text(case, "body").as_bytes()).unwrap();
    let expected = [
        ("content-type", "application/cloudevents+json"),
        ("webhook-id", text(case, "id")),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn attempts_are_spread_by_the_id_alone() {
    for case in cases(&golden(), "deliveries") {
        let expected: Vec<i64> = serde_json::from_value(case["attempts"].clone()).unwrap();
        let mut delivery = Delivery::new(text(&case, "id"), expected[0]);
        let mut attempts = Vec::new();
        while let Some(at) = delivery.next_attempt() {
            attempts.push(at);
            delivery.record(Answer::Failed { reason: "refused".to_owned() }, at);
        }
        assert_eq!(attempts, expected);
    }
}
