//! The handler over an edge whose probabilities are twice its input, and a cloud that is a function.

use std::cell::RefCell;

use crate::Model as _;
use http::StatusCode;
use serde_json::{Value, json};
use two_phase::sample::place;

use super::*;
use crate::capture::{Capture, Told};
use crate::fake::{Fake, doubler};

const EDGE: &str = "0000000000000000000000000000000000000000000000000000000000000001";
const CLOUD_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000002";

/// `y` = 2 `x`: the probabilities of `no` and `yes`.
fn edge() -> Fake {
    let mut edge = doubler();
    edge.metadata.properties.push((ONNX_DIGEST.to_owned(), EDGE.to_owned()));
    edge
}

fn rung(threshold: f64) -> Value {
    json!({"threshold": threshold, "coverage": 0.5, "n_accepted": 100})
}

fn policy() -> Value {
    let model = |name: &str, digest: &str, outputs: Value| json!({"name": name, "version": "1", "onnx_sha256": digest, "outputs": outputs});
    json!({
        "form": 1,
        "edge": model("m", EDGE, json!({"probabilities": "y"})),
        "cloud": model("big", CLOUD_DIGEST, json!({"label": "label", "probabilities": "p"})),
        "classes": ["no", "yes"],
        "score": "max-probability",
        "calibrator": {"kind": "none"},
        "promise": {"kind": "budget", "max_escalated": 0.5, "statement": "half"},
        "thresholds": {"by": "all", "ladder": [rung(0.8), {"threshold": 0.9, "coverage": 0.25, "n_accepted": 50}]},
        "curve": [],
        "expectation": {"coverage": 0.5, "escalated": 0.5, "guarded": 0.0},
        "data": {
            "sha256": EDGE, "n_rows": 0, "n_unlabelled": 0, "n_fit": 0, "n_test": 0, "fit_share": 0.25, "split": "",
        },
        "audit_share": 0.0,
    })
}

fn config(policy: &Value) -> Config {
    Config { policy: Ok(policy.to_string().into_bytes()), is_cloud_checked: false, ..Config::default() }
}

/// A row whose probability of `no` is this.
fn row(key: Value, no: f64) -> Value {
    json!({"key": key, "x": [no / 2.0, (1.0 - no) / 2.0]})
}

type Sent = Result<Response<Vec<u8>>, Unreachable>;

fn unreachable(_: To, _: Request<Vec<u8>>) -> Sent {
    Err(Unreachable("refused".to_owned()))
}

fn of_json(status: u16, body: &Value) -> Sent {
    Ok(Response::builder().status(status).body(body.to_string().into_bytes()).unwrap())
}

/// A cloud that answers `yes` to every row, in the opposite order.
fn yes(_: To, request: Request<Vec<u8>>) -> Sent {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let answer = |row: &Value| {
        let mut answer = json!({"key": row["key"], "label": [1], "p": [0.25, 0.75]});
        if !row["client"].is_null() {
            answer["client"] = row["client"].clone();
        }
        answer
    };
    let rows = body["instances"].as_array().unwrap().iter().rev().map(answer);
    of_json(200, &json!({"predictions": rows.collect::<Vec<_>>()}))
}

fn post(body: &Value) -> Request<Vec<u8>> {
    Request::post("/edge-check/m").body(body.to_string().into_bytes()).unwrap()
}

fn ask_with(
    config: &Config,
    request: &Request<Vec<u8>>,
    send: impl Fn(To, Request<Vec<u8>>) -> Sent,
) -> Response<Vec<u8>> {
    let (parts, body) = request.clone().into_parts();
    let request = Request::from_parts(parts, body.as_slice());
    handle(&edge(), config, &request, &Sight::default(), send)
}

#[track_caller]
fn ask(policy: &Value, rows: &[Value], send: impl Fn(To, Request<Vec<u8>>) -> Sent) -> Value {
    let response = ask_with(&config(policy), &post(&json!({"instances": rows})), send);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{body}");
    body
}

#[track_caller]
fn check_refused(config: &Config, request: &Request<Vec<u8>>, status: u16, code: &str) -> String {
    let response = ask_with(config, request, unreachable);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((response.status().as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
    body["error"].as_str().unwrap().to_owned()
}

/// Phase and reason of the one row.
#[track_caller]
fn check_row(policy: &Value, row: Value, phase: &str, reason: &str) -> Value {
    let answer = ask(policy, &[row], yes)["answers"][0].take();
    assert_eq!(
        (answer["phase"].as_str(), answer["reason"].as_str()),
        (Some(phase), Some(reason)),
        "{answer}"
    );
    answer
}

#[test]
fn rows_stand_or_are_answered_by_the_cloud_in_any_order() {
    let rows = [row(json!("a"), 0.875), row(json!(7), 0.75), row(json!("7"), 0.5)];
    let id = Policy::from_json(policy().to_string().as_bytes()).unwrap().id();
    let cloud = json!({"prediction": "yes", "probabilities": [0.25, 0.75]});
    let edge = |p: [f64; 2]| json!({"prediction": "no", "confidence": p[0], "probabilities": p});
    let escalated = |key: Value, p: [f64; 2]| {
        json!({
            "key": key, "prediction": "yes", "confidence": p[0], "phase": "cloud", "reason": "below-threshold",
            "policy": id, "edge": edge(p), "cloud": cloud,
        })
    };
    let expected = json!({
        "policy": id, "rung": 0, "cloud": "answered",
        "answers": [
            {
                "key": "a", "prediction": "no", "confidence": 0.875, "phase": "edge", "reason": "confident",
                "policy": id, "edge": edge([0.875, 0.125]),
            },
            escalated(json!(7), [0.75, 0.25]),
            escalated(json!("7"), [0.5, 0.5]),
        ],
    });
    assert_eq!(ask(&policy(), &rows, yes), expected);
}

#[test]
fn only_rows_that_need_it_go_to_the_cloud_in_one_request() {
    let sent = RefCell::new(Vec::new());
    let send = |to, request: Request<Vec<u8>>| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        sent.borrow_mut().push((request.uri().to_string(), body));
        yes(to, request)
    };
    let rows = [row(json!("a"), 0.875), row(json!("b"), 0.5), row(json!("c"), 0.75)];
    let body = json!({"instances": rows, "client": "shop"});
    let response = ask_with(&config(&policy()), &post(&body), send);
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["client"], "shop");
    let expected = json!({
        "instances": [row(json!("b"), 0.5), row(json!("c"), 0.75)], "client": "shop", "on_row_error": "report",
    });
    assert_eq!(sent.into_inner(), [("http://self.alt/v1/models/big:predict".to_owned(), expected)]);
    let confident = ask(&policy(), &[row(json!("a"), 0.875)], unreachable);
    assert_eq!(
        (&confident["cloud"], &confident["answers"][0]["phase"]),
        (&json!("not-asked"), &json!("edge"))
    );
}

#[test]
fn each_reason_is_told() {
    check_row(&policy(), row(json!(1), 0.9), "edge", "confident");
    check_row(&policy(), row(json!(1), 0.7), "cloud", "below-threshold");
    let none = check_row(&policy(), json!({"key": 1, "x": [0.5, 0.25]}), "cloud", "not-a-distribution");
    assert_eq!(none["confidence"], Value::Null);
    let mut guarded = policy();
    let range = |feature: &str| json!({"feature": feature, "min": 0.0, "max": 0.45, "may_be_missing": false});
    guarded["guard"] = json!({"margin": 0.0, "ranges": [range("x[0]"), range("x[1]")]});
    let outside = check_row(&guarded, row(json!(1), 0.05), "cloud", "out-of-range");
    assert_eq!(outside["feature"], "x[1]");
    let mut by_class = policy();
    let group =
        |name: &str, ladder: Value| json!({"name": name, "ladder": ladder, "why_none": "too few rows"});
    by_class["thresholds"] =
        json!({"by": "class", "groups": [group("no", json!([rung(0.5)])), group("yes", json!([]))]});
    check_row(&by_class, row(json!(1), 0.6), "edge", "confident");
    check_row(&by_class, row(json!(1), 0.1), "cloud", "no-threshold");
    let mut unknown = policy();
    unknown["edge"]["outputs"]["label"] = json!("y");
    check_row(&unknown, row(json!(1), 0.75), "cloud", "unknown-class");
}

#[test]
fn a_rung_is_the_deployments_or_the_watchers() {
    let asked = |config: &Config| {
        let send = |to, request: Request<Vec<u8>>| match to {
            To::Promise => {
                assert!(request.uri().query().unwrap().starts_with("model=m&policy="));
                of_json(200, &json!({"rung": 2}))
            }
            To::Cloud => yes(to, request),
        };
        let body = json!({"instances": [row(json!(1), 0.85)]});
        let response = ask_with(config, &post(&body), send);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (body["rung"].as_u64().unwrap(), body["answers"][0]["reason"].as_str().unwrap().to_owned())
    };
    let reason = |reason: &str| reason.to_owned();
    assert_eq!(asked(&config(&policy())), (0, reason("confident")));
    assert_eq!(asked(&Config { rung: 1, ..config(&policy()) }), (1, reason("below-threshold")));
    let watched = Config { promise_url: Some("http://w/promise".to_owned()), ..config(&policy()) };
    assert_eq!(asked(&watched), (2, reason("suspended")));
    let body = post(&json!({"instances": [row(json!(1), 0.85)]}));
    let response = ask_with(&Config { rung: 1, ..watched }, &body, unreachable);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["rung"], 1);
}

/// Which rows are audited is told by the digest of client and key, in every request anew.
#[test]
fn audited_rows_are_the_same_in_every_request() {
    let mut audited = policy();
    audited["audit_share"] = json!(0.25);
    let rows: Vec<Value> = (0..200).map(|key| row(json!(key), 1.0)).collect();
    let is_audited = |answer: &Value| {
        let is_audited = answer["reason"] == "audit";
        assert_eq!(answer["phase"], if is_audited { "cloud" } else { "edge" });
        assert_eq!(answer["prediction"], if is_audited { "yes" } else { "no" });
        is_audited
    };
    let found = ask(&audited, &rows, yes);
    for (key, answer) in found["answers"].as_array().unwrap().iter().enumerate() {
        assert_eq!(is_audited(answer), place("", key.to_string().as_bytes()) < 0.25);
    }
    let backwards: Vec<Value> = rows.into_iter().rev().collect();
    let mut again = ask(&audited, &backwards, yes)["answers"].as_array().unwrap().clone();
    again.reverse();
    assert_eq!(&again, found["answers"].as_array().unwrap());
}

#[test]
fn two_clients_may_use_one_key() {
    let of = |client: &str, no: f64| {
        let mut row = row(json!("k"), no);
        row["client"] = json!(client);
        row
    };
    let cloud = |_: To, request: Request<Vec<u8>>| {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let answer = |row: &Value| {
            let label = if row["client"] == "a" { "no" } else { "yes" };
            json!({"client": row["client"], "key": row["key"], "label": label})
        };
        let rows: Vec<Value> = body["instances"].as_array().unwrap().iter().rev().map(answer).collect();
        of_json(200, &json!({"predictions": rows}))
    };
    let found = ask(&policy(), &[of("a", 0.5), of("b", 0.5)], cloud);
    let named = |idx: usize| (&found["answers"][idx]["client"], &found["answers"][idx]["prediction"]);
    assert_eq!(named(0), (&json!("a"), &json!("no")));
    assert_eq!(named(1), (&json!("b"), &json!("yes")));
}

#[test]
fn rows_that_the_cloud_left_out_are_provisional() {
    let cloud = |_: To, _: Request<Vec<u8>>| {
        let error = json!({"error": "too dark", "code": "invalid_input"});
        of_json(200, &json!({"predictions": [{"key": "c", "error": error}, {"key": "b", "label": 1}]}))
    };
    let rows = [row(json!("a"), 0.5), row(json!("b"), 0.5), row(json!("c"), 0.5)];
    let found = ask(&policy(), &rows, cloud);
    assert_eq!(found["cloud"], "answered");
    let phases: Vec<&str> =
        found["answers"].as_array().unwrap().iter().map(|row| row["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["edge-provisional", "cloud", "edge-provisional"]);
    assert_eq!(found["answers"][0]["detail"], "the cloud did not answer this row");
    assert_eq!(found["answers"][2]["detail"], "the cloud cannot answer this row: too dark");
}

#[test]
fn a_cloud_that_cannot_be_reached_is_told_and_not_tried_when_it_is_known() {
    let request = post(&json!({"instances": [row(json!("a"), 0.5), row(json!("b"), 0.9)]}));
    let body = |response: &Response<Vec<u8>>| serde_json::from_slice::<Value>(response.body()).unwrap();
    let response = ask_with(&config(&policy()), &request, unreachable);
    assert_eq!(response.headers()[CLOUD], "unreachable; retry-after=5");
    let found = body(&response);
    assert_eq!((&found["cloud"], &found["answers"][1]["phase"]), (&json!("unreachable"), &json!("edge")));
    let provisional = &found["answers"][0];
    assert_eq!(
        (&provisional["phase"], &provisional["prediction"]),
        (&json!("edge-provisional"), &json!("no"))
    );
    assert_eq!(provisional["detail"], "the cloud cannot be reached: refused");

    let mut known = request.clone();
    known.headers_mut().insert(CLOUD, HeaderValue::from_static("unreachable"));
    let response = ask_with(&config(&policy()), &known, |_, _| panic!("the cloud is not to be tried"));
    assert!(!response.headers().contains_key(CLOUD));
    assert_eq!(body(&response)["cloud"], "suspended");
    assert_eq!(body(&response)["answers"][0]["phase"], "edge-provisional");

    let strict = Config { is_failure_an_error: true, ..config(&policy()) };
    let found = body(&ask_with(&strict, &request, unreachable));
    let expected = json!({"key": "a", "error": {
        "error": "row `0`: the cloud cannot be reached: refused", "code": "cloud_unreachable", "row": 0,
    }});
    assert_eq!((&found["answers"][0], &found["answers"][1]["phase"]), (&expected, &json!("edge")));

    let refusing =
        ask(&policy(), &[row(json!("a"), 0.5)], |_, _| of_json(404, &json!({"error": "unknown model"})));
    let detail = "the cloud cannot be reached: it answers 404 Not Found: unknown model";
    assert_eq!(refusing["answers"][0]["detail"], detail);
    let babbling = ask(&policy(), &[row(json!("a"), 0.5)], |_, _| of_json(200, &json!("yes")));
    assert_eq!(babbling["cloud"], "unreachable");
}

#[test]
fn bad_rows_are_reported_and_the_others_answered() {
    let body = json!({
        "instances": [{"key": "bad", "x": [1]}, row(json!("a"), 0.9), {"x": [0.5, 0]}], "on_row_error": "report",
    });
    let response = ask_with(&config(&policy()), &post(&body), unreachable);
    let found: Value = serde_json::from_slice(response.body()).unwrap();
    let codes = |idx: usize| &found["answers"][idx]["error"]["code"];
    assert_eq!((codes(0), codes(2)), (&json!("wrong_shape"), &json!("missing_key")));
    assert_eq!((&found["answers"][0]["key"], &found["answers"][1]["phase"]), (&json!("bad"), &json!("edge")));
    let none = json!({"instances": [{"key": "bad", "x": [1]}], "on_row_error": "report"});
    let response = ask_with(&config(&policy()), &post(&none), unreachable);
    assert_eq!(response.status(), StatusCode::OK);
}

#[test]
fn every_row_needs_a_key_of_its_own() {
    let refused = |body: Value, status, code| check_refused(&config(&policy()), &post(&body), status, code);
    refused(json!({"instances": [{"x": [0.5, 0]}]}), 400, "missing_key");
    refused(json!({"instances": [row(json!(1), 0.5), {"x": [0.5, 0]}]}), 400, "missing_key");
    refused(json!({"inputs": [[0.5, 0]]}), 400, "malformed_request");
    let twice = json!({"instances": [row(json!(1), 0.5), row(json!(1), 0.5)], "on_duplicate_key": "allow"});
    refused(twice, 422, "duplicate_key");
    refused(json!({"instances": [{"key": 1, "x": [1]}]}), 422, "wrong_shape");
    let first = json!({"instances": [row(json!(1), 0.9), row(json!(1), 0.9)], "on_duplicate_key": "first"});
    let response = ask_with(&config(&policy()), &post(&first), unreachable);
    let found: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(found["answers"].as_array().unwrap().len(), 1);
}

#[test]
fn without_the_right_policy_nothing_is_answered() {
    let request = post(&json!({"instances": [row(json!(1), 0.9)]}));
    let none = Config { policy: Err("PLINTH_POLICY is not set".to_owned()), ..Config::default() };
    let said = check_refused(&none, &request, 503, "no_policy");
    assert_eq!(said, "expected a policy, found none: PLINTH_POLICY is not set");
    check_refused(&config(&json!({"form": 1})), &request, 503, "no_policy");
    let mut other = policy();
    other["edge"]["onnx_sha256"] = json!(CLOUD_DIGEST);
    let said = check_refused(&config(&other), &request, 503, "policy_mismatch");
    assert!(said.contains(EDGE) && said.contains(CLOUD_DIGEST), "{said}");
}

#[test]
fn another_cloud_than_the_policys_is_refused() {
    let asked = |header: Option<&str>, digest: &str| {
        let checked = Config { is_cloud_checked: true, ..config(&policy()) };
        let send = |to, request: Request<Vec<u8>>| {
            if request.method() == Method::GET {
                assert_eq!(request.uri(), "http://self.alt/v2/models/big");
                return of_json(200, &json!({"properties": {"onnx_sha256": digest}}));
            }
            let mut response = yes(to, request)?;
            if let Some(header) = header {
                response
                    .headers_mut()
                    .insert(crate::batch_chunk::MODEL, HeaderValue::from_str(header).unwrap());
            }
            Ok(response)
        };
        let response = ask_with(&checked, &post(&json!({"instances": [row(json!(1), 0.5)]})), send);
        response.status().as_u16()
    };
    assert_eq!(asked(None, CLOUD_DIGEST), 200);
    assert_eq!(asked(None, EDGE), 503);
    let header = |digest: &str| format!("big/1; onnx_sha256={digest}; runtime_sha256=ff");
    assert_eq!(asked(Some(&header(CLOUD_DIGEST)), EDGE), 200);
    assert_eq!(asked(Some(&header(EDGE)), CLOUD_DIGEST), 503);
}

#[test]
fn the_policy_is_served_with_its_id_as_tag() {
    let get = |known: Option<&str>| {
        let mut request = Request::get("/edge-check/m/policy").body(Vec::new()).unwrap();
        if let Some(known) = known {
            request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_str(known).unwrap());
        }
        ask_with(&config(&policy()), &request, unreachable)
    };
    let response = get(None);
    let served = Policy::from_json(response.body()).unwrap();
    let tag = response.headers()[ETAG].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", served.id()));
    assert_eq!(get(Some(&tag)).status(), StatusCode::NOT_MODIFIED);
    assert_eq!(get(Some("\"other\"")).status(), StatusCode::OK);
}

#[test]
fn other_paths_and_methods_are_refused() {
    let refused = |method: &str, path: &str, status, code| {
        let request = Request::builder().method(method).uri(path).body(Vec::new()).unwrap();
        check_refused(&config(&policy()), &request, status, code);
    };
    refused("POST", "/edge-check/other", 404, "unknown_model");
    refused("POST", "/edge-check/", 404, "unknown_route");
    refused("POST", "/edge-check/m/x", 404, "unknown_route");
    refused("GET", "/edge-check/m", 405, "method_not_allowed");
    refused("POST", "/edge-check/m/policy", 405, "method_not_allowed");
    refused("POST", "/edge-check/m", 400, "malformed_json");
}

#[test]
fn rows_are_told_to_evaluate_with_what_became_of_them() {
    let sight = Sight::open();
    let body = json!({"instances": [row(json!("a"), 0.9), row(json!("b"), 0.5)]}).to_string();
    let request = Request::post("/edge-check/m").body(body.as_bytes()).unwrap();
    let response = handle(&edge(), &config(&policy()), &request, &sight, yes);
    assert_eq!(response.status(), StatusCode::OK);
    let capture = Capture { rate: 1.0, fields: Vec::new(), withheld: Vec::new() };
    let Told { model, lines, .. } = sight.told(&capture, 12.5).unwrap();
    assert_eq!(model, edge().metadata().name);
    let lines = String::from_utf8(lines).unwrap();
    let notes: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["two_phase"].take()).collect();
    let id = Policy::from_json(policy().to_string().as_bytes()).unwrap().id();
    let note = json!({
        "policy": id, "rung": 0, "group": "", "phase": "edge", "reason": "confident", "edge": "no",
    });
    let mut escalated = note.clone();
    for (name, value) in [("phase", "cloud"), ("reason", "below-threshold"), ("cloud", "yes")] {
        escalated[name] = json!(value);
    }
    assert_eq!(notes, [note, escalated]);
}
