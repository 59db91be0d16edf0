//! What chunks are answered, in every format, whole and broken off.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{
    Array as _, ArrayRef, DictionaryArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt8Array,
};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fake::{doubler, failing, greeter, shrinking};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// What a client sees of an answer.
struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    outcome: Outcome,
}

impl Seen {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// The place where a body ends up.
#[derive(Clone, Default)]
struct Sent(Rc<RefCell<Vec<u8>>>);

impl io::Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn send(model: &impl Model, config: &Config, request: Request<impl Read>) -> Seen {
    let sent = Sent::default();
    let mut head = None;
    let outcome = handle(model, config, request, |begun| {
        head = Some(begun);
        Ok(sent.clone())
    });
    let (parts, ()) = head.unwrap().into_parts();
    Seen { status: parts.status.as_u16(), headers: parts.headers, body: sent.0.take(), outcome }
}

fn request<B>(target: &str, content_type: &str, body: B) -> Request<B> {
    Request::post(target).header(CONTENT_TYPE, content_type).body(body).unwrap()
}

fn ask(model: &impl Model, target: &str, content_type: &str, body: impl AsRef<[u8]>) -> Seen {
    send(model, &Config::default(), request(target, content_type, body.as_ref()))
}

#[track_caller]
fn check(model: &impl Model, target: &str, content_type: &str, body: &str, expect: &str) {
    let seen = ask(model, target, content_type, body);
    assert_eq!((seen.status, seen.text()), (200, expect));
    assert!(seen.outcome.is_whole);
}

#[track_caller]
fn check_error(target: &str, content_type: &str, body: impl AsRef<[u8]>, status: u16, expect: &str) {
    let seen = ask(&doubler(), target, content_type, body);
    let found: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!((seen.status, found["code"].as_str()), (status, Some(expect)), "{found}");
    assert!(seen.outcome.is_whole && seen.headers[CONTENT_TYPE] == "application/json");
}

#[test]
fn lines_are_answered_line_by_line() {
    check(
        &doubler(),
        "/batch/m?keep=note",
        NDJSON,
        "{\"key\":\"a\",\"x\":[1,2],\"note\":{\"n\": [1]}}\n\n[3,4]\r\n{\"x\":[null,5],\"key\":7}",
        "{\"key\":\"a\",\"note\":{\"n\": [1]},\"y\":[2.0,4.0]}\n{\"y\":[6.0,8.0]}\n{\"key\":7,\"y\":[null,10.0]}\n",
    );
    check(
        &greeter(),
        "/batch/m?key=id&keep=times,other",
        NDJSON,
        "{\"times\":2,\"id\":1,\"name\":\"a\"}",
        "{\"id\":1,\"times\":2,\"greeting\":\"aa\",\"length\":[2]}\n",
    );
    check(&doubler(), "/batch/m", NDJSON, " \n\n", "");
}

#[test]
fn bad_lines_have_their_error_in_their_place() {
    let body = concat!(
        "{\"id\":1,\"x\":[1,2]}\n",
        "{\"id\":2,\"x\":[1]}\n",
        "{\"id\":3,\"x\":\n",
        "\n",
        "{\"x\":[1,2]}\n",
        "{\"x\":[1,2],\"id\":1.5}\n",
        "{\"id\":6,\"x\":[3,4],\"z\":0}\n",
        "{\"id\":7,\"x\":[3,4]}\n",
    );
    let seen = ask(&doubler(), "/batch/m?key=id&micro_batch=3", NDJSON, body);
    let lines: Vec<Value> = seen.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({"id": 1, "y": [2.0, 4.0]}));
    assert_eq!(
        lines[1],
        json!({"id": 2, "error": {
            "error": "row `1`: tensor `x`: expected a row of shape `[2]`, found `[1]`",
            "code": "wrong_shape", "input": "x", "row": 1}})
    );
    let codes: Vec<(Option<&str>, Option<u64>)> = lines[1..6]
        .iter()
        .map(|line| (line["error"]["code"].as_str(), line["error"]["row"].as_u64()))
        .collect();
    let expect = ["wrong_shape", "malformed_json", "missing_key", "invalid_key", "unknown_field"];
    assert_eq!(codes, expect.iter().zip(1..).map(|(code, row)| (Some(*code), Some(row))).collect::<Vec<_>>());
    assert_eq!(lines[6], json!({"id": 7, "y": [6.0, 8.0]}));
}

#[test]
fn all_other_fields_may_come_back() {
    check(
        &doubler(),
        "/batch/m?keep=*",
        NDJSON,
        "{\"a\":1,\"x\":[1,2],\"key\":\"k\",\"b\":null}",
        "{\"key\":\"k\",\"a\":1,\"b\":null,\"y\":[2.0,4.0]}\n",
    );
    let seen = ask(&doubler(), "/batch/m?keep=*", NDJSON, "{\"x\":[1,2],\"y\":1}");
    assert!(seen.text().contains("\"code\":\"unknown_field\""));
}

#[test]
fn rows_that_the_model_refuses_are_found() {
    let names = ["a", "", "b", "c", ""];
    let body: String = names.iter().map(|name| format!("{{\"name\":\"{name}\",\"times\":1}}\n")).collect();
    let seen = ask(&greeter(), "/batch/m", NDJSON, body);
    let lines: Vec<Value> = seen.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (row, (name, line)) in names.iter().zip(&lines).enumerate() {
        match name.is_empty() {
            true => assert_eq!(
                line["error"],
                json!({
                "error": format!("row `{row}`: nobody to greet"), "code": "invalid_input", "row": row})
            ),
            false => assert_eq!(line["greeting"], *name),
        }
    }
    let failed = ask(&failing(), "/batch/m", NDJSON, "[1,2]\n[3,4]\n");
    assert_eq!((failed.status, failed.text().matches("\"code\":\"model_failed\"").count()), (200, 2));
    assert!(!failed.text().contains("out of luck"));
}

#[test]
fn a_model_that_changes_the_rows_is_an_error_of_ours() {
    let seen = ask(&shrinking(), "/batch/m", NDJSON, "[1,2]\n[3,4]\n");
    assert_eq!(seen.status, 500);
    assert!(seen.outcome.failure.is_some());
}

#[test]
fn tables_of_csv_are_answered_by_tables() {
    check(
        &doubler(),
        "/batch/m?key=id&keep=note",
        CSV,
        "id,a,note,b\r\n1,1.5,\"x, y\",2\r\n2,,\"\"\"\",-1e1\r\n",
        "id,note,y_0,y_1,error\r\n1,\"x, y\",3.0,4.0,\r\n2,\"\"\"\",,-20.0,\r\n",
    );
    check(&doubler(), "/batch/m?key=a", CSV, "\u{feff}a,b,c\n", "a,y_0,y_1,error\r\n");
    check(
        &greeter(),
        "/batch/m?keep=*",
        CSV,
        "times,name,n\n2,é,0\n",
        "n,greeting,length,error\r\n0,éé,4,\r\n",
    );
}

#[test]
fn bad_records_have_their_error_in_the_last_column() {
    let body = b"key,a,b\nk,1,2\n,1,2\nl,1\nm,x,2\nn,\xff,2\no,1,2,3\np,3,4\n";
    let seen = ask(&doubler(), "/batch/m?micro_batch=2", CSV, body);
    let expect = [
        "key,y_0,y_1,error",
        "k,2.0,4.0,",
        ",,,\"missing_key: column `key`: expected a key, found `null`\"",
        "l,,,\"wrong_data: expected `3` fields, as many as there are columns, found `2`\"",
        "m,,,\"wrong_element: column `a`: expected `FP32`, found `x`\"",
        "n,,,\"wrong_data: expected a record in UTF-8, found other bytes\"",
        "o,,,\"wrong_data: expected `3` fields, as many as there are columns, found `4`\"",
        "p,6.0,8.0,",
    ];
    assert!(seen.text().lines().eq(expect), "{}", seen.text());
}

fn arrow(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let columns = columns.iter().map(|(name, column)| (*name, column.clone(), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn batches(seen: &Seen) -> Vec<RecordBatch> {
    assert!(
        seen.status == 200 && seen.headers[CONTENT_TYPE] == ARROW,
        "{}",
        String::from_utf8_lossy(&seen.body)
    );
    StreamReader::try_new(seen.body.as_slice(), None).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn record_batches_are_answered_by_record_batches() {
    let given: [(&str, ArrayRef); 4] = [
        ("key", Arc::new(Int64Array::from(vec![Some(5), Some(6), None]))),
        ("a", Arc::new(Float32Array::from(vec![Some(1.0), None, Some(2.0)]))),
        ("when", Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3]).with_timezone("Europe/Berlin"))),
        ("b", Arc::new(UInt8Array::from(vec![3, 4, 5]))),
    ];
    let seen = ask(&doubler(), "/batch/m?keep=when&chunk=c-7&micro_batch=2", ARROW, arrow(&given));
    let answers = batches(&seen);
    let schema = answers[0].schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["key", "when", "y", "error"]);
    assert_eq!(schema.metadata()["plinth-chunk"], "c-7");
    assert_eq!(seen.headers["plinth-chunk"], "c-7");
    assert_eq!(answers.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 1]);
    let y = answers[0].column(2).as_fixed_size_list();
    let values = y.values().as_primitive::<Float32Type>();
    assert!(values.value(0).to_bits() == 2_f32.to_bits() && values.value(2).is_nan());
    assert!(answers[0].column(3).null_count() == 2 && answers[1].column(2).is_null(0));
    let error: Value = serde_json::from_str(answers[1].column(3).as_string::<i32>().value(0)).unwrap();
    assert_eq!(
        error,
        json!({
        "error": "column `key`: expected a key, found `null`", "code": "missing_key", "input": "key", "row": 2})
    );
}

#[test]
fn columns_of_many_types_come_and_come_back() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), Some(2)]),
        Some(vec![Some(3)]),
        Some(vec![Some(4), Some(5)]),
    ]);
    let texts: DictionaryArray<arrow_array::types::Int8Type> = ["p", "q", "p"].into_iter().collect();
    let nothing = arrow_array::NullArray::new(3);
    let given: [(&str, ArrayRef); 4] = [
        ("x", Arc::new(lists)),
        ("key", Arc::new(texts)),
        ("nothing", Arc::new(nothing)),
        (
            "text",
            Arc::new(arrow_array::StringViewArray::from(vec![
                "short",
                "a text longer than twelve bytes",
                "",
            ])),
        ),
    ];
    let answers = batches(&ask(&doubler(), "/batch/m?keep=*&micro_batch=2", ARROW, arrow(&given)));
    let texts = arrow_select::concat::concat_batches(&answers[0].schema(), &answers).unwrap();
    assert_eq!(texts.num_rows(), 3);
    assert_eq!(texts.column(2).as_string_view().value(1), "a text longer than twelve bytes");
    assert!(texts.column(3).is_null(1) && texts.column(3).is_valid(2));
    assert!(texts.column(4).as_string::<i32>().value(1).contains("wrong_shape"));
}

#[test]
fn bytes_that_are_no_text_are_no_column_of_texts() {
    let names: [&[u8]; 3] = [b"a", b"\xff", b"b"];
    let given: [(&str, ArrayRef); 2] = [
        ("name", Arc::new(arrow_array::BinaryArray::from_vec(names.to_vec()))),
        ("times", Arc::new(UInt8Array::from(vec![1, 2, 3]))),
    ];
    let answers = batches(&ask(&greeter(), "/batch/m", ARROW, arrow(&given)));
    let greetings = answers[0].column(0).as_string::<i32>();
    assert!(greetings.iter().eq([Some("a"), None, Some("bbb")]));
    let error = answers[0].column(2).as_string::<i32>().value(1);
    assert!(error.contains("\"code\":\"binary_only\"") && error.contains("\"row\":1"));
}

#[test]
fn an_arrow_stream_ends_with_its_marker() {
    let number: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let whole = arrow(&[("a", number.clone()), ("b", number)]);
    for cut in [0, 3, 8, 100, whole.len() - 8, whole.len() - 1] {
        check_error("/batch/m", ARROW, &whole[..cut], 400, "broken_off");
    }
    check_error("/batch/m", ARROW, b"\xff\xff\xff\xff\x04\0\0\0abcd", 400, "malformed_body");
    check_error("/batch/m", ARROW, b"\xff\xff\xff\xff\xff\xff\xff\x7f", 400, "malformed_body");
}

#[test]
fn columns_that_do_not_fit_are_named_at_once() {
    for (target, body, expect) in [
        ("/batch/m?key=id", "a,b\n1,2\n", "`id`: expected a column of this name, none"),
        ("/batch/m?keep=c,d", "a,b\n", "`c`: expected a column of this name, found none; `d`:"),
        ("/batch/m", "a,b,c\n", "found `3` columns"),
        ("/batch/m", "a,a\n", "`a`: expected one column of this name, found two"),
        (
            "/batch/m?keep=y_0",
            "a,b,y_0\n",
            "`y_0`: expected one column of this name in the answer, found two",
        ),
    ] {
        let seen = ask(&doubler(), target, CSV, body);
        let found: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!((seen.status, found["code"].as_str()), (422, Some("wrong_columns")), "{body}");
        let first = expect.replace(", none", ", found none");
        assert!(found["error"].as_str().unwrap().contains(&first), "{found}");
    }
    let seen = ask(&greeter(), "/batch/m", CSV, "name,times,z\n");
    assert!(seen.text().contains("`z`: expected an input of the model, the key, or a column that is kept"));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let numbers: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    check_error(
        "/batch/m",
        ARROW,
        arrow(&[("key", numbers.clone()), ("a", texts.clone()), ("b", texts)]),
        422,
        "wrong_columns",
    );
}

#[test]
fn requests_that_are_no_chunks_are_refused() {
    check_error("/batch/n", NDJSON, "", 404, "unknown_model");
    check_error("/batch/m/versions/2", NDJSON, "", 404, "unknown_version");
    check_error("/batch/m/ready", NDJSON, "", 404, "unknown_route");
    check_error("/batch", NDJSON, "", 404, "unknown_route");
    check_error("/batch/m", "text/plain", "", 415, "unsupported_media_type");
    check_error("/batch/m", CSV, "", 400, "malformed_body");
    for query in [
        "micro_batch=0",
        "micro_batch=8193",
        "chunk=",
        "chunk=a%20b",
        "on_row_error=fail",
        "limit=1",
        "key=x",
        "key=y",
        "keep=error",
        "keep=key",
    ] {
        check_error(&format!("/batch/m?{query}"), NDJSON, "[1,2]", 400, "malformed_request");
    }
    let get = Request::get("/batch/m").header(CONTENT_TYPE, NDJSON).body(&b""[..]).unwrap();
    let seen = send(&doubler(), &Config::default(), get);
    assert_eq!((seen.status, &seen.headers[ALLOW]), (405, &HeaderValue::from_static("POST")));
}

#[test]
fn answers_of_a_model_tell_which_it_is() {
    let mut model = doubler();
    model.metadata.properties.push(("onnx_sha256".to_owned(), "0a1b".to_owned()));
    let tensors = r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}]}"#;
    for (content_type, body, status) in [
        (NDJSON, "[1,2]", 200),
        (CSV, "a,b\n1,2\n", 200),
        (CSV, "a\n1\n", 422),
        ("application/json", tensors, 200),
    ] {
        let seen = ask(&model, "/batch/m", content_type, body);
        assert_eq!((seen.status, seen.headers[MODEL].to_str().unwrap()), (status, "m/1; onnx_sha256=0a1b"));
    }
    assert!(!ask(&model, "/batch/n", NDJSON, "").headers.contains_key(MODEL));
}

#[test]
fn tensors_are_answered_as_predict_answers_them() {
    let body = r#"{"id":"i","inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,2,3,4]},
        {"name":"key","datatype":"INT64","shape":[2],"data":[7,8]}]}"#;
    let seen = ask(&doubler(), "/batch/m/versions/1?chunk=c&on_row_error=report", "application/json", body);
    let request = Request::post("/v2/models/m/infer").body(body.as_bytes()).unwrap();
    let expect = predict::handle(&doubler(), &predict::Config::default(), &request);
    assert_eq!(
        (seen.status, &seen.body, &seen.headers["plinth-chunk"]),
        (200, expect.body(), &HeaderValue::from_static("c"))
    );
    check_error("/batch/m", "application/json", "{", 400, "malformed_json");
    check_error("/batch/m?key=id", "application/json", body, 400, "malformed_request");
    let config = Config {
        predict: predict::Config { max_body_bytes: 10, ..predict::Config::default() },
        ..Config::default()
    };
    let seen = send(&doubler(), &config, self::request("/batch/m", "application/json", body.as_bytes()));
    assert_eq!(seen.status, 413);
}

#[test]
fn bodies_may_be_compressed() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"[1,2]\n[3,4]\n").unwrap();
    let body = gzip.finish().unwrap();
    let send = |encoding, body: &[u8]| {
        let mut request = request("/batch/m", NDJSON, body);
        request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        self::send(&doubler(), &Config::default(), request)
    };
    assert_eq!(send("gzip", &body).text(), "{\"y\":[2.0,4.0]}\n{\"y\":[6.0,8.0]}\n");
    assert_eq!(send("gzip", &body[..body.len() - 9]).status, 400);
    assert_eq!(send("deflate", &body).status, 400);
    assert_eq!(send("br", &body).status, 415);
}

#[test]
fn rows_that_are_too_long_stop_no_other() {
    let config = Config { row_bytes: 16, ..Config::default() };
    let long = format!("[1,2]\n[{}]\n[3,4]\n", " ".repeat(100));
    let seen = send(&doubler(), &config, request("/batch/m", NDJSON, long.as_bytes()));
    let lines: Vec<&str> = seen.text().lines().collect();
    assert!(lines[1].contains("\"code\":\"body_too_large\"") && lines[2] == "{\"y\":[6.0,8.0]}");
    let long = format!("a,b\n1,2\n{},2\n3,4\n", " ".repeat(100));
    let seen = send(&doubler(), &config, request("/batch/m", CSV, long.as_bytes()));
    let lines: Vec<&str> = seen.text().lines().collect();
    assert!(lines[2].starts_with(",,\"body_too_large: ") && lines[3] == "6.0,8.0,", "{lines:?}");
}

/// Gives `whole`, then breaks off.
struct Breaking<'a>(&'a [u8]);

impl Read for Breaking<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes)? {
            0 => Err(io::Error::other("the line is dead")),
            n_read => Ok(n_read),
        }
    }
}

fn break_off(content_type: &str, body: &[u8], held_bytes: usize) -> Seen {
    let config = Config { held_bytes, micro_batch_bytes: 32, ..Config::default() };
    send(&doubler(), &config, request("/batch/m", content_type, Breaking(body)))
}

#[test]
fn an_answer_that_breaks_off_does_not_look_whole() {
    let lines = "[1,2]\n[3,4]\n".repeat(20);
    let table = format!("a,b\n{}", "1,2\n3,4\n".repeat(20));
    let numbers: ArrayRef = Arc::new(Float32Array::from(vec![1.0; 40]));
    let stream = arrow(&[("a", numbers.clone()), ("b", numbers)]);
    let stream = &stream[..stream.len() - 8];
    for (content_type, body) in [(NDJSON, lines.as_bytes()), (CSV, table.as_bytes()), (ARROW, stream)] {
        let seen = break_off(content_type, body, 1 << 20);
        assert_eq!((seen.status, seen.outcome.is_whole), (400, true));
        assert!(seen.text().contains("\"code\":\"broken_off\""));
        let seen = break_off(content_type, body, 0);
        assert_eq!((seen.status, seen.outcome.is_whole), (200, false));
        assert!(seen.outcome.failure.is_some());
        match content_type {
            NDJSON => {
                let last: Value = serde_json::from_str(seen.text().lines().last().unwrap()).unwrap();
                assert!(last["error"].is_string() && last["code"] == "broken_off");
            }
            CSV => assert!(seen.text().lines().last().unwrap().starts_with("broken_off: ")),
            _ => assert!(!seen.body.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
        }
    }
}

#[test]
fn an_answer_that_nobody_reads_is_not_whole() {
    let config = Config { held_bytes: 0, ..Config::default() };
    let outcome = handle(&doubler(), &config, request("/batch/m", NDJSON, &b"[1,2]\n"[..]), |_| {
        Err::<Vec<u8>, _>(io::Error::other("gone"))
    });
    assert!(!outcome.is_whole && outcome.failure.is_some());
}

/// The doubled values of each row in the order of the answer, by format; nothing for a bad row.
fn doubled(content_type: &str, rows: &[Option<[i16; 2]>], micro_batch: usize) -> Vec<Option<Vec<f64>>> {
    let target = format!("/batch/m?micro_batch={micro_batch}");
    match content_type {
        NDJSON => {
            let line =
                |row: &Option<[i16; 2]>| row.map_or("[\"\"]\n".to_owned(), |[a, b]| format!("[{a},{b}]\n"));
            let seen = ask(&doubler(), &target, content_type, rows.iter().map(line).collect::<String>());
            let y = |line: &str| serde_json::from_str::<BTreeMap<String, Value>>(line).unwrap().remove("y");
            seen.text().lines().map(|line| Some(serde_json::from_value(y(line)?).unwrap())).collect()
        }
        CSV => {
            let line = |row: &Option<[i16; 2]>| row.map_or("x,y\n".to_owned(), |[a, b]| format!("{a},{b}\n"));
            let body = rows.iter().map(line).collect::<String>();
            let seen = ask(&doubler(), &target, content_type, format!("a,b\n{body}"));
            let parse = |line: &str| line.split(',').take(2).map(|field| field.parse().ok()).collect();
            seen.text().lines().skip(1).map(parse).collect()
        }
        _ => {
            let item =
                |row: &Option<[i16; 2]>| row.map(|row| row.map(|value| Some(i64::from(value))).to_vec());
            let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(rows.iter().map(item));
            let answers = batches(&ask(&doubler(), &target, ARROW, arrow(&[("x", Arc::new(lists))])));
            answers
                .iter()
                .flat_map(|answer| {
                    let y = answer.column(0).as_fixed_size_list();
                    let row = |row| {
                        y.is_valid(row).then(|| {
                            y.value(row)
                                .as_primitive::<Float32Type>()
                                .values()
                                .iter()
                                .map(|&value| value.into())
                                .collect()
                        })
                    };
                    (0..y.len()).map(row).collect::<Vec<_>>()
                })
                .collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_row_is_answered_once_in_every_format(
        rows in prop::collection::vec(prop::option::weighted(0.8, any::<[i16; 2]>()), 1..40),
        micro_batch in 1..9_usize,
    ) {
        let expect: Vec<Option<Vec<f64>>> =
            rows.iter().map(|row| row.map(|row| row.map(|value| 2.0 * f64::from(value)).to_vec())).collect();
        for content_type in [NDJSON, CSV, ARROW] {
            prop_assert_eq!(&doubled(content_type, &rows, micro_batch), &expect, "{}", content_type);
        }
    }
}
