//! `batch-chunk` beside `predict`, and over connections: the same values bit for bit, answers that begin before the request has ended, and
//! answers that are cut off because the request was.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use arrow_ipc::reader::StreamReader;
use serde_json::json;
use serde_json::value::RawValue;
use system_tests::answer::{Answer, Question};
use system_tests::chunk::Form;
use system_tests::runtimes::{Client, Embedded, demo_models};

use crate::digits::{Row, Rows, row_of_json, row_of_record, rows_of_batch};

fn ask(client: &Client, path: &str, form: Form, body: Vec<u8>) -> Answer {
    let headers = vec![("content-type".to_owned(), form.content_type().to_owned())];
    let answer = client.ask(&Question { method: "POST".to_owned(), path: path.to_owned(), headers, body });
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer
}

/// What `predict` answers to these rows, over HTTP.
pub(crate) fn predicted(client: &Client, rows: &Rows) -> Vec<Row> {
    let body = json!({"instances": rows.instances()}).to_string().into_bytes();
    let answer = ask(client, "/v1/models/digits:predict", Form::Json, body);
    let predictions: BTreeMap<String, Vec<&RawValue>> = serde_json::from_slice(&answer.body).unwrap();
    predictions["predictions"].iter().map(|row| row_of_json(row.get())).collect()
}

fn rows_of_chunk(form: Form, body: &[u8]) -> Vec<Row> {
    match form {
        Form::Json => unreachable!("no chunk of rows"),
        Form::Lines => std::str::from_utf8(body).unwrap().lines().map(row_of_json).collect(),
        Form::Csv => csv::Reader::from_reader(body)
            .records()
            .map(|record| {
                let fields: Vec<String> = record.unwrap().iter().map(str::to_owned).collect();
                assert_eq!(fields[12], "");
                row_of_record(&fields)
            })
            .collect(),
        Form::Arrow => StreamReader::try_new(body, None)
            .unwrap()
            .flat_map(|batch| rows_of_batch(&batch.unwrap()))
            .collect(),
    }
}

#[test]
fn a_chunk_has_the_values_of_predict_bit_for_bit() {
    let server = Embedded::models(demo_models());
    let (client, rows) = (server.client(), Rows::read());
    let expect = predicted(&client, &rows);
    assert_eq!(expect.len(), rows.keys.len());
    for (form, body) in [(Form::Lines, rows.lines()), (Form::Csv, rows.table()), (Form::Arrow, rows.stream())]
    {
        for query in ["", "?micro_batch=1", "?micro_batch=7", "?micro_batch=100"] {
            let answer = ask(&client, &format!("/batch/digits{query}"), form, body.clone());
            assert!(rows_of_chunk(form, &answer.body) == expect, "{form:?} {query}");
        }
    }
}

/// Opens a connection and sends the head of a chunk of lines.
fn connect(server: &Embedded, length: &str) -> TcpStream {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /batch/digits HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\n{length}\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection
}

/// The end of an answer in chunks, as HTTP/1.1 has it.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

#[test]
fn an_answer_begins_before_the_chunk_has_ended() {
    let server = Embedded::models(demo_models());
    let part = Rows::read().lines();
    let mut connection = connect(&server, "transfer-encoding: chunked");
    let mut send = |bytes: &[u8]| {
        connection.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).unwrap();
        connection.write_all(bytes).unwrap();
        connection.write_all(b"\r\n").unwrap();
    };
    // Enough rows for more than is held back; what the answer's beginning waits for has not been sent.
    let n_parts = 1 + (2 << 20) / (150 * part.iter().filter(|&&byte| byte == b'\n').count());
    for _ in 0..n_parts {
        send(&part);
    }
    let mut first = vec![0; 12];
    connection.read_exact(&mut first).unwrap();
    assert_eq!(first, b"HTTP/1.1 200");
    let mut rest = connection.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        rest.read_to_end(&mut bytes).map(|_| bytes)
    });
    connection.write_all(format!("{:x}\r\n", part.len()).as_bytes()).unwrap();
    connection.write_all(&part).unwrap();
    connection.write_all(b"\r\n0\r\n\r\n").unwrap();
    let answer = reader.join().unwrap().unwrap();
    assert!(answer.ends_with(LAST_CHUNK));
    let n_rows = part.iter().filter(|&&byte| byte == b'\n').count() * (n_parts + 1);
    let n_answers = answer.windows(8).filter(|window| window == b"\"label\":").count();
    // A chunk of HTTP may end within the word.
    assert!(n_rows - n_answers < n_rows / 100, "{n_answers} answers to {n_rows} rows");
}

#[test]
fn a_chunk_that_is_cut_off_has_no_whole_answer() {
    let server = Embedded::models(demo_models());
    let part = Rows::read().lines();
    for n_parts in [1, 60] {
        let body = part.repeat(n_parts);
        let mut connection = connect(&server, &format!("content-length: {}", body.len() + 1));
        let mut reading = connection.try_clone().unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // That the connection breaks is as good as an answer without end.
            drop(reading.read_to_end(&mut bytes));
            bytes
        });
        connection.write_all(&body).unwrap();
        connection.shutdown(Shutdown::Write).unwrap();
        let answer = reader.join().unwrap();
        let is_refused = answer.starts_with(b"HTTP/1.1 400") || answer.is_empty();
        assert!(is_refused || !answer.ends_with(LAST_CHUNK), "{}", String::from_utf8_lossy(&answer[..200]));
    }
}
