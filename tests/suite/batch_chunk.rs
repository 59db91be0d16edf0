//! `batch-chunk` beside `predict`, and over connections: the same values bit for bit, answers that begin before the request has ended, and
//! answers that are cut off because the request was.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use system_tests::answer::{Answer, Question};
use system_tests::chunk::Form;
use system_tests::root;
use system_tests::runtimes::{Client, Embedded, demo_models};

/// All held-out rows of the demo model `digits`.
struct Rows {
    keys: Vec<String>,
    pixels: Vec<Vec<f32>>,
}

impl Rows {
    fn read() -> Self {
        let path = root().join("models/digits/reference/heldout.json");
        let held_out: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Self {
            keys: serde_json::from_value(held_out["key"].clone()).unwrap(),
            pixels: serde_json::from_value(held_out["X"].clone()).unwrap(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&String, &Vec<f32>)> {
        self.keys.iter().zip(&self.pixels)
    }

    fn instances(&self) -> Vec<Value> {
        self.iter().map(|(key, pixels)| json!({"key": key, "X": pixels})).collect()
    }

    fn lines(&self) -> Vec<u8> {
        self.instances().iter().flat_map(|row| format!("{row}\n").into_bytes()).collect()
    }

    fn table(&self) -> Vec<u8> {
        let names: Vec<String> = (0..64).map(|idx| format!("pixel{idx}")).collect();
        let mut csv = format!("key,{}\r\n", names.join(","));
        for (key, pixels) in self.iter() {
            let pixels: Vec<String> = pixels.iter().map(f32::to_string).collect();
            csv += &format!("{key},{}\r\n", pixels.join(","));
        }
        csv.into_bytes()
    }

    fn stream(&self) -> Vec<u8> {
        let pixels: Float32Array = self.pixels.iter().flatten().copied().map(Some).collect();
        let item = Arc::new(Field::new("item", DataType::Float32, true));
        let rows: ArrayRef = Arc::new(FixedSizeListArray::new(item, 64, Arc::new(pixels), None));
        let keys: ArrayRef = Arc::new(StringArray::from(self.keys.clone()));
        let batch = RecordBatch::try_from_iter([("key", keys), ("X", rows)]).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        writer.into_inner().unwrap()
    }
}

/// What a row is answered: its key, its label, the bits of its probabilities.
type Row = (String, i64, Vec<u32>);

fn ask(client: &Client, path: &str, form: Form, body: Vec<u8>) -> Answer {
    let headers = vec![("content-type".to_owned(), form.content_type().to_owned())];
    let answer = client.ask(&Question { method: "POST".to_owned(), path: path.to_owned(), headers, body });
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer
}

/// The rows of predictions, from the text of their numbers.
fn row_of_text(row: &BTreeMap<String, Value>, probabilities: &str) -> Row {
    let numbers = probabilities.trim_matches(['[', ']']).split(',');
    let bits = numbers.map(|number| number.parse::<f32>().unwrap().to_bits()).collect();
    (row["key"].as_str().unwrap().to_owned(), row["label"].as_i64().unwrap(), bits)
}

fn row_of_json(text: &str) -> Row {
    let raw: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
    row_of_text(&serde_json::from_str(text).unwrap(), raw["probabilities"].get())
}

fn predicted(client: &Client, rows: &Rows) -> Vec<Row> {
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
                let bits =
                    fields[2..12].iter().map(|field| field.parse::<f32>().unwrap().to_bits()).collect();
                (fields[0].clone(), fields[1].parse().unwrap(), bits)
            })
            .collect(),
        Form::Arrow => StreamReader::try_new(body, None)
            .unwrap()
            .flat_map(|batch| rows_of_batch(&batch.unwrap()))
            .collect(),
    }
}

fn rows_of_batch(batch: &RecordBatch) -> Vec<Row> {
    let (keys, labels) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
    let probabilities = batch.column(2).as_fixed_size_list();
    let row = |row: usize| {
        let values = probabilities.value(row);
        let bits =
            values.as_primitive::<Float32Type>().values().iter().map(|value| value.to_bits()).collect();
        (keys.value(row).to_owned(), labels.value(row), bits)
    };
    (0..batch.num_rows()).map(row).collect()
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
