//! `evaluate` behind `plinth up`: predictions that `predict` tells it, labels that come late, the alarm and its webhook; and what is there
//! after the host was killed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};
use system_tests::answer::{Answer, Question};
use system_tests::runtimes::Client;
use system_tests::{demo_policy, root};

use crate::digits::Rows;
use crate::evaluate::{Predicted, blurred};
use crate::jobs::{check_run, plinth};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a free port or a given one; killed when dropped.
pub(crate) struct Up {
    pub(crate) child: Child,
    pub(crate) client: Client,
    pub(crate) origin: String,
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Up {
    fn start(manifest: &str, state: &str, more: &[&str]) -> Self {
        let mut arguments = vec!["up", "-f", manifest, "--listen", "127.0.0.1:0", "--state-dir", state];
        arguments.extend(more);
        Self::of(&arguments)
    }

    /// What the program serves with these arguments.
    pub(crate) fn of(arguments: &[&str]) -> Self {
        let mut child = plinth(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let url = loop {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "{}", said(&mut child));
            if let Some(start) = line.find("http://") {
                break line[start..].trim_end().trim_end_matches('/').to_owned();
            }
        };
        let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        Self { child, client: Client::new(origin.clone()), origin, _stdout: stdout }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.client.ask(&Question {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![("content-type".to_owned(), "application/x-ndjson".to_owned())],
            body: body.into(),
        })
    }

    pub(crate) fn json(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Value {
        let answer = self.ask(method, path, body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!((200..300).contains(&answer.status), "{} {text}", answer.status);
        serde_json::from_str(&text).unwrap()
    }

    /// The report once it has so many rows: they are told after their answers have left.
    fn report(&self, n_rows: usize) -> Value {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let report = self.json("GET", "/evaluate/report?model=digits", "");
            if report["current"]["n_rows"].as_u64() == Some(n_rows as u64) {
                return report;
            }
            assert!(std::time::Instant::now() < deadline, "{}", report["current"]["n_rows"]);
        }
    }
}

fn said(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = &mut child.stderr {
        drop(stderr.read_to_string(&mut text));
    }
    text
}

impl Drop for Up {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A receiver of webhooks.
struct Receiving {
    url: String,
    received: Receiver<Received>,
}

/// The headers of a request, and its body.
type Received = (Vec<(String, String)>, Vec<u8>);

impl Receiving {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?team=ml", listener.local_addr().unwrap());
        let (sender, received) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if sender.send(read_request(stream)).is_err() {
                    return;
                }
            }
        });
        Self { url, received }
    }
}

fn read_request(mut stream: TcpStream) -> Received {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "POST /hook?team=ml HTTP/1.1");
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header =
        |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    match header("content-length") {
        Some(length) => {
            body.resize(length.parse().unwrap(), 0);
            reader.read_exact(&mut body).unwrap();
        }
        None => body = chunks(&mut reader),
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
    (headers, body)
}

fn chunks(reader: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&chunk[..length]);
    }
}

/// The keys' rows predicted by the server, some at a time.
fn predict(up: &Up, rows: &Rows, keys: &str, change: impl Fn(&Vec<f32>) -> Vec<f32>) {
    let instances = rows.keys.iter().zip(&rows.pixels);
    let instances: Vec<Value> =
        instances.map(|(key, pixels)| json!({"key": format!("{keys}{key}"), "X": change(pixels)})).collect();
    for part in instances.chunks(50) {
        up.json(
            "POST",
            "/v1/models/digits:predict",
            json!({"instances": part, "client": "shop"}).to_string(),
        );
    }
}

fn labels(up: &Up, rows: &Rows, keys: &str) {
    let rows = rows.keys.iter().zip(&rows.labels);
    let lines = rows.map(|(key, truth)| {
        json!({"key": format!("{keys}{key}"), "client": "shop", "label": truth}).to_string()
    });
    let lines: Vec<String> = lines.collect();
    up.json("POST", "/evaluate/ground-truth?model=digits", lines.join("\n"));
}

/// Asks for one row as a client does that reads every byte of the answer.
fn answer_to_the_byte(up: &Up) -> String {
    let address = up.origin.trim_start_matches("http://");
    let body = json!({"instances": [{"key": "a", "X": vec![0; 64]}]}).to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("Host: {address}\r\nContent-Length: {}\r\nConnection: close", body.len());
    write!(stream, "POST /v1/models/digits:predict HTTP/1.1\r\n{head}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn captured_rows_are_no_part_of_an_answer() {
    let state = tempfile::tempdir().unwrap();
    let predicted = Predicted::new();
    let up = Up::start(&demo(), state.path().to_str().unwrap(), &[]);
    up.json("PUT", "/evaluate/baseline?model=digits", std::fs::read(predicted.baseline()).unwrap());
    let answer = answer_to_the_byte(&up);
    assert!(answer.contains("\"key\":\"a\"") && !answer.contains("captured"), "{answer}");
    up.report(1);
}

fn demo() -> String {
    root().join("spin.toml").to_str().unwrap().to_owned()
}

#[test]
fn blurred_images_with_late_labels_raise_an_alarm_that_arrives() {
    let predicted = Predicted::new();
    let baseline = std::fs::read(predicted.baseline()).unwrap();
    let receiving = Receiving::start();
    let state = tempfile::tempdir().unwrap();
    let variable = format!("plinth_webhook_url={}", receiving.url);
    let secret = format!("plinth_webhook_secret={SECRET}");
    let up =
        Up::start(&demo(), state.path().to_str().unwrap(), &["--variable", &variable, "--variable", &secret]);
    up.json("PUT", "/evaluate/baseline?model=digits&window=1d", baseline);
    let rows = &predicted.rows;
    let n_rows = rows.keys.len();

    predict(&up, rows, "sharp ", Vec::clone);
    assert_eq!(up.report(n_rows)["current"]["account"]["pending"], n_rows);
    labels(&up, rows, "sharp ");
    let report = up.report(n_rows);
    assert_eq!(report["current"]["account"]["matched"], n_rows, "{}", report["current"]["account"]);
    assert_eq!(up.json("GET", "/evaluate/alarms?model=digits", ""), json!([]));

    predict(&up, rows, "blurred ", |pixels| blurred(&blurred(pixels)));
    up.report(2 * n_rows);
    labels(&up, rows, "blurred ");
    let (headers, body) = receiving.received.recv_timeout(PATIENCE).unwrap();
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&event["specversion"], &event["subject"]), (&json!("1.0"), &json!("error rate")));
    assert_eq!(event["data"]["model"], "digits");
    let headers: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let secrets = SECRET.parse().unwrap();
    alerts::verify(&secrets, &headers, &body, now.try_into().unwrap(), alerts::TOLERANCE).unwrap();

    let report = up.report(2 * n_rows);
    let finding = report["findings"].as_array().unwrap().iter().find(|it| it["subject"] == "error rate");
    assert_eq!(finding.unwrap()["judgement"], "worse");
    let page = up.ask("GET", "/evaluate/report?model=digits&format=html", "");
    assert!(String::from_utf8_lossy(&page.body).contains("error rate"));
    let metrics = up.ask("GET", "/evaluate/metrics", "");
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(metrics.contains("plinth_evaluation_alarms_total{model=\"digits\"} 1"), "{metrics}");
}

#[test]
fn what_was_acknowledged_is_there_after_the_host_was_killed() {
    const ROWS: usize = 10_000;
    const KILLED_AT: usize = 7_000;
    const SENDERS: usize = 4;
    let predicted = Predicted::new();
    let baseline = std::fs::read(predicted.baseline()).unwrap();
    let state = tempfile::tempdir().unwrap();
    let state = state.path().to_str().unwrap();
    let up = Up::start(&demo(), state, &[]);
    up.json("PUT", "/evaluate/baseline?model=digits", baseline);
    let row = |key: usize| {
        json!({"key": key, "time": 1000 + key, "inputs": {"X": vec![3; 64]}, "outputs": {"label": 3}})
            .to_string()
    };
    let (next, is_killed, mut acknowledged) = (AtomicUsize::new(0), AtomicBool::new(false), Vec::new());
    let pid = up.child.id();
    std::thread::scope(|scope| {
        let send = || {
            let mut mine = Vec::new();
            while next.load(Ordering::Relaxed) < ROWS {
                let key = next.fetch_add(1, Ordering::Relaxed);
                // The host dies somewhere in the midst of this.
                if key == KILLED_AT {
                    is_killed.store(true, Ordering::SeqCst);
                    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
                    assert!(killed.unwrap().success());
                }
                let question = Question {
                    method: "POST".to_owned(),
                    path: "/evaluate/predictions?model=digits".to_owned(),
                    headers: Vec::new(),
                    body: row(key).into_bytes(),
                };
                match up.client.try_ask(&question) {
                    Some(answer) if answer.status == 202 => mine.push(key),
                    _ if !is_killed.load(Ordering::SeqCst) => panic!("row {key} was refused"),
                    _ => return mine,
                }
            }
            mine
        };
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
        acknowledged.extend(senders.into_iter().flat_map(|sender| sender.join().unwrap()));
    });
    drop(up);
    // Each sender had one on its way at most.
    assert!(acknowledged.len() + SENDERS > KILLED_AT);
    let up = Up::start(&demo(), state, &[]);
    let labels: Vec<String> =
        acknowledged.iter().map(|key| json!({"key": key, "label": "3"}).to_string()).collect();
    up.json("POST", "/evaluate/ground-truth?model=digits", labels.join("\n"));
    let report = up.json("GET", "/evaluate/report?model=digits", "");
    let account = &report["current"]["account"];
    assert_eq!((&account["matched"], &account["orphan"]), (&json!(acknowledged.len()), &json!(0)));
    assert_eq!((&account["repeated"], &account["duplicate"]), (&json!(0), &json!(0)));
}

#[test]
fn without_evaluate_predictions_are_answered_and_the_loss_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(demo()).unwrap();
    let target = root().join("target");
    let text = text.replace("\"target/", &format!("\"{}/", target.display()));
    let text = text.replace("route = \"/evaluate/...\"", "route = \"/elsewhere/...\"");
    // What a component may read stands beside the manifest.
    let policy = folder.path().join("models/digits-edge/policy.json");
    std::fs::create_dir_all(policy.parent().unwrap()).unwrap();
    std::fs::write(policy, demo_policy()).unwrap();
    let manifest = folder.path().join("spin.toml");
    std::fs::write(&manifest, text).unwrap();
    let mut up = Up::start(manifest.to_str().unwrap(), folder.path().to_str().unwrap(), &[]);
    let rows = Rows::read();
    predict(&up, &rows, "", Vec::clone);
    // Whatever no route takes is asked of the files, and those are only read.
    wait_until_lost(&mut up, rows.keys.len(), "405");
}

#[test]
fn what_was_lost_is_counted_once_evaluate_is_back() {
    let state = tempfile::tempdir().unwrap();
    // No database can be opened where a folder is.
    let database = state.path().join("sqlite_db.db");
    std::fs::create_dir(&database).unwrap();
    let mut up = Up::start(&demo(), state.path().to_str().unwrap(), &[]);
    let rows = Rows::read();
    predict(&up, &rows, "lost ", Vec::clone);
    wait_until_lost(&mut up, rows.keys.len(), "503");
    std::fs::remove_dir(&database).unwrap();
    predict(&up, &rows, "kept ", Vec::clone);
    let expected = format!("plinth_evaluation_lost_total{{model=\"digits\"}} {}\n", rows.keys.len());
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let metrics = up.ask("GET", "/evaluate/metrics", "");
        let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
        if metrics.contains(&expected) {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{metrics}");
    }
}

/// Waits until the host has said of so many rows that they are lost, each for that reason.
fn wait_until_lost(up: &mut Up, n_rows: usize, reason: &str) {
    let mut said = BufReader::new(up.child.stderr.take().unwrap());
    let (mut line, mut lost) = (String::new(), 0);
    while lost < n_rows {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0);
        if let Some((n, rest)) = line.split_once(" rows for ") {
            assert_eq!(rest.trim_end(), format!("`/evaluate/predictions` lost: {reason}"));
            lost += n.parse::<usize>().unwrap();
        }
    }
    assert_eq!(lost, n_rows);
    // Nobody reads on, and whoever writes must not mind.
    up.child.stderr = Some(said.into_inner());
}

#[test]
fn files_that_are_watched_raise_an_alarm_that_arrives() {
    let predicted = Predicted::new();
    let baseline = predicted.baseline();
    let receiving = Receiving::start();
    let state = tempfile::tempdir().unwrap();
    let watch = |data: &[&str], code: i32| {
        let mut arguments = vec!["evaluate", "watch", "--baseline", &baseline];
        arguments.extend(["--prediction", "label", "--label", "truth", "--probabilities", "probabilities"]);
        arguments.extend(["--state-dir", state.path().to_str().unwrap(), "--webhook", &receiving.url]);
        arguments.extend(["--once", "--fail-on-alarm"]);
        data.iter().for_each(|data| arguments.extend(["--data", data]));
        String::from_utf8(check_run(&arguments, code).stdout).unwrap()
    };
    let (sharp, blurred) = (predicted.parts("sharp"), predicted.parts("blurred"));
    let n_rows = predicted.rows.keys.len();
    let said = watch(&[&sharp], 0);
    assert!(said.contains(&format!("{n_rows} rows, 0 labels")) && !said.contains("ALARM"), "{said}");
    let said = watch(&[&sharp, &blurred], 5);
    assert!(said.contains(&format!("{n_rows} rows")) && said.contains("ALARM: error rate"), "{said}");
    let (_, body) = receiving.received.recv_timeout(PATIENCE).unwrap();
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&event["subject"], &event["data"]["model"]), (&json!("error rate"), &json!("digits")));
    let said = watch(&[&sharp, &blurred], 0);
    assert!(!said.contains("rows,") && !said.contains("ALARM"), "{said}");
}
