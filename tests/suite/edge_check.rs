//! `edge-check` before a cloud that is another process: killed and started again, slow, or without the policy's model.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::answer::{Answer, Question};
use system_tests::{demo_policy, root};
use tempfile::TempDir;

use crate::digits::Rows;
use crate::evaluate::Predicted;
use crate::evaluate_server::{PATIENCE, Up};
use crate::jobs::check_run;

const PATH: &str = "/edge-check/digits-edge";
const ROWS_AT_ONCE: usize = 40;

/// An application of `edge-check` alone; its cloud listens at `cloud`.
fn application(folder: &TempDir, cloud: &str, more: &str) -> Up {
    let target = root().join("target");
    let target = target.display();
    let text = format!(
        r#"spin_manifest_version = 2
[application]
name = "edge"
[[trigger.http]]
route = "{PATH}/..."
component = "edge-check"
[component.edge-check]
source = "{target}/wasm/edge-check.wasm"
allowed_outbound_hosts = ["http://127.0.0.1:*"]
[component.edge-check.environment]
PLINTH_POLICY = '''{policy}'''
PLINTH_CLOUD_URL = "{cloud}/v1/models/digits:predict"
{more}
[component.edge-check.dependencies]
"plinth:model/inference@0.1.0" = {{ path = "{target}/models/digits-edge.wasm" }}
"#,
        policy = demo_policy()
    );
    let manifest = folder.path().join("spin.toml");
    std::fs::write(&manifest, text).unwrap();
    Up::of(&["up", "-f", manifest.to_str().unwrap(), "--listen", "127.0.0.1:0"])
}

fn cloud(model: &str, listen: &str) -> Up {
    Up::of(&["serve", &format!("target/models/{model}.wasm"), "--listen", listen])
}

fn ask(up: &Up, rows: &[Value], headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = json!({"instances": rows}).to_string().into_bytes();
    up.client.ask(&Question { method: "POST".to_owned(), path: PATH.to_owned(), headers, body })
}

#[track_caller]
fn answered(up: &Up, rows: &[Value]) -> Value {
    let answer = ask(up, rows, &[]);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The answers by key, of one request after another.
fn stream<'a>(up: &Up, rows: impl Iterator<Item = &'a [Value]>) -> BTreeMap<String, Value> {
    let mut by_key = BTreeMap::new();
    for rows in rows {
        let body = answered(up, rows);
        let answers = body["answers"].as_array().unwrap();
        assert_eq!(answers.len(), rows.len());
        for answer in answers {
            let earlier = by_key.insert(answer["key"].as_str().unwrap().to_owned(), answer.clone());
            assert_eq!(earlier, None, "a key is answered once");
        }
    }
    by_key
}

fn is_final(answer: &Value) -> bool {
    match answer["phase"].as_str() {
        Some("edge" | "cloud") => true,
        Some("edge-provisional") => false,
        _ => panic!("{answer}"),
    }
}

#[test]
fn rows_of_a_cloud_that_was_killed_get_one_final_answer_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut killed = cloud("digits", "127.0.0.1:0");
    let origin = killed.origin.clone();
    let up = application(&folder, &origin, "PLINTH_CHECK_CLOUD = \"1\"");
    let rows = Rows::read().instances();
    let undisturbed = stream(&up, rows.chunks(ROWS_AT_ONCE));
    assert!(undisturbed.values().all(is_final));

    let (before, after) = rows.split_at(5 * ROWS_AT_ONCE);
    let mut answers = stream(&up, before.chunks(ROWS_AT_ONCE));
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    answers.extend(stream(&up, after.chunks(ROWS_AT_ONCE)));
    assert_eq!(answers.len(), rows.len(), "no row is lost");
    let provisional: Vec<Value> =
        rows.iter().filter(|row| !is_final(&answers[row["key"].as_str().unwrap()])).cloned().collect();
    let escalated = |rows: &[Value]| {
        let phases = rows.iter().map(|row| &undisturbed[row["key"].as_str().unwrap()]["phase"]);
        phases.filter(|phase| **phase == "cloud").count()
    };
    assert_eq!(provisional.len(), escalated(after), "rows that stand need no cloud");
    assert!(!provisional.is_empty());

    let _back = cloud("digits", origin.strip_prefix("http://").unwrap());
    let again = stream(&up, provisional.chunks(ROWS_AT_ONCE));
    for (key, answer) in again {
        let earlier = answers.insert(key, answer).unwrap();
        assert!(!is_final(&earlier));
    }
    assert_eq!(answers, undisturbed, "every row has one final answer, the same as undisturbed");
}

/// The row of the held-out ones that the edge is not sure of.
fn unsure() -> Value {
    let rows = Rows::read().instances();
    rows.into_iter().find(|row| row["key"] == "digit-899").unwrap()
}

/// A tunnel to `server`: the first connection is held without an answer, or closed at once.
fn tunnel(server: SocketAddr, is_held: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut held = Vec::new();
        for (n, stream) in listener.incoming().flatten().enumerate() {
            if n > 0 {
                pass(&stream, &TcpStream::connect(server).unwrap());
            } else if is_held {
                held.push(stream);
            }
        }
    });
    url
}

fn pass(client: &TcpStream, server: &TcpStream) {
    for (from, to) in [(client, server), (server, client)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            drop(io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Write));
        });
    }
}

#[test]
fn a_second_try_answers_when_the_first_hangs_or_breaks_off() {
    let served = cloud("digits", "127.0.0.1:0");
    let server: SocketAddr = served.origin.strip_prefix("http://").unwrap().parse().unwrap();
    for (is_held, hedge_ms) in [(true, 50), (false, 60_000)] {
        let folder = tempfile::tempdir().unwrap();
        let times = format!("PLINTH_CLOUD_TIMEOUT_MS = \"30000\"\nPLINTH_CLOUD_HEDGE_MS = \"{hedge_ms}\"");
        let up = application(&folder, &tunnel(server, is_held), &times);
        let body = answered(&up, &[unsure()]);
        assert_eq!((&body["cloud"], &body["answers"][0]["phase"]), (&json!("answered"), &json!("cloud")));
    }
}

#[test]
fn a_cloud_that_hangs_costs_no_more_than_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", silent.local_addr().unwrap());
    let times = "PLINTH_CLOUD_TIMEOUT_MS = \"300\"\nPLINTH_CLOUD_HEDGE_MS = \"100\"";
    let up = application(&folder, &origin, times);
    let start = Instant::now();
    let body = answered(&up, &[unsure()]);
    assert!(start.elapsed() >= Duration::from_millis(300) && start.elapsed() < Duration::from_secs(20));
    assert_eq!(body["cloud"], "unreachable");
    assert_eq!(body["answers"][0]["detail"], "the cloud cannot be reached: no answer within 300 ms");
    let known = ask(&up, &[unsure()], &[("plinth-cloud", "unreachable")]);
    let known: Value = serde_json::from_slice(&known.body).unwrap();
    assert_eq!(
        (&known["cloud"], &known["answers"][0]["phase"]),
        (&json!("suspended"), &json!("edge-provisional"))
    );
}

#[test]
fn a_cloud_without_the_model_leaves_rows_provisional_and_no_policy_is_503() {
    let other = cloud("digits-edge", "127.0.0.1:0");
    let folder = tempfile::tempdir().unwrap();
    let up = application(&folder, &other.origin, "PLINTH_CHECK_CLOUD = \"1\"");
    let body = answered(&up, &[unsure()]);
    let said = body["answers"][0]["detail"].as_str().unwrap();
    assert!(said.contains("404"), "{said}");

    let none = Up::of(&[
        "up",
        "-f",
        folder.path().join("spin.toml").to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--env",
        "PLINTH_POLICY=/nowhere.json",
    ]);
    let answer = ask(&none, &[unsure()], &[]);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["code"]), (503, &json!("no_policy")));
    assert!(body["error"].as_str().unwrap().contains("/nowhere.json"), "{body}");
}

#[test]
fn the_demo_answers_most_rows_at_the_edge_and_few_of_them_wrongly() {
    let state = tempfile::tempdir().unwrap();
    let manifest = root().join("spin.toml");
    let state = state.path().to_str().unwrap();
    let up =
        Up::of(&["up", "-f", manifest.to_str().unwrap(), "--listen", "127.0.0.1:0", "--state-dir", state]);
    let rows = Rows::read();
    let body = answered(&up, &rows.instances());
    assert_eq!(body["cloud"], "answered");
    let answers = body["answers"].as_array().unwrap();
    let at_edge = answers.iter().filter(|answer| answer["phase"] == "edge").count();
    assert!(at_edge * 10 >= rows.keys.len() * 8, "{at_edge} of {}", rows.keys.len());
    let truth: BTreeMap<&str, String> =
        rows.keys.iter().map(String::as_str).zip(rows.labels.iter().map(i64::to_string)).collect();
    let is_wrong = |answer: &&Value| answer["prediction"] != *truth[answer["key"].as_str().unwrap()];
    let n_wrong = answers.iter().filter(|answer| answer["phase"] == "edge").filter(is_wrong).count();
    assert!(n_wrong * 50 <= at_edge, "{n_wrong} of {at_edge}");
    let policy = up.json("GET", &format!("{PATH}/policy"), "");
    assert_eq!(policy, serde_json::from_str::<Value>(&demo_policy()).unwrap());
    assert_eq!(policy["edge"]["name"], "digits-edge");
}

/// The rung in use, once the promise has been seen to be broken.
fn rung_once_broken(up: &Up, policy: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        up.json("POST", "/evaluate/fold", "");
        let promise = up.json("GET", &format!("/evaluate/promise?model=digits-edge&policy={policy}"), "");
        if promise["rung"] != 0 {
            return promise["rung"].clone();
        }
        assert!(Instant::now() < deadline, "{promise}");
    }
}

#[test]
fn a_promise_that_is_broken_steps_the_threshold_up() {
    let state = tempfile::tempdir().unwrap();
    let mut policy: Value = serde_json::from_str(&demo_policy()).unwrap();
    policy["audit_share"] = json!(0.9);
    let (policy, manifest) = (policy.to_string(), root().join("spin.toml"));
    let variable = format!("PLINTH_POLICY={policy}");
    let more = ["--listen", "127.0.0.1:0", "--state-dir", state.path().to_str().unwrap(), "--env", &variable];
    let up = Up::of(&[&["up", "-f", manifest.to_str().unwrap()], more.as_slice()].concat());
    let predicted = Predicted::new();
    up.json("PUT", "/evaluate/baseline?model=digits-edge", std::fs::read(predicted.baseline()).unwrap());
    up.json("PUT", "/evaluate/policy?model=digits-edge", policy);

    let rows = &predicted.rows;
    let body = answered(&up, &rows.instances());
    assert_eq!(body["rung"], 0);
    let is_audited = |answer: &Value| answer["reason"] == "audit";
    assert!(body["answers"].as_array().unwrap().iter().filter(|answer| is_audited(answer)).count() > 400);
    let wrong = rows
        .keys
        .iter()
        .zip(&rows.labels)
        .map(|(key, label)| json!({"key": key, "label": (label + 1) % 10}).to_string());
    let wrong: Vec<String> = wrong.collect();
    up.json("POST", "/evaluate/ground-truth?model=digits-edge", wrong.join("\n"));

    let rung = rung_once_broken(&up, body["policy"].as_str().unwrap());
    assert_eq!(answered(&up, &rows.instances()[..1])["rung"], rung);
    let alarms = up.json("GET", "/evaluate/alarms?model=digits-edge", "");
    assert!(alarms.to_string().contains("promise"), "{alarms}");
}

#[test]
fn models_are_served_in_two_phases_without_a_manifest() {
    let (cloud, edge) = ("target/models/digits.wasm", "target/models/digits-edge.wasm");
    let policy = root().join("models/digits-edge/policy.json");
    let policy = policy.to_str().unwrap();
    let up = Up::of(&["serve", cloud, "--edge", edge, "--policy", policy, "--listen", "127.0.0.1:0"]);
    let body = answered(&up, &[unsure()]);
    assert_eq!((&body["cloud"], &body["answers"][0]["phase"]), (&json!("answered"), &json!("cloud")));
    let swapped = check_run(&["serve", edge, "--edge", cloud, "--policy", policy], 2);
    let said = String::from_utf8_lossy(&swapped.stderr);
    assert!(said.contains("the policy is for the edge model `digits-edge`"), "{said}");
}
