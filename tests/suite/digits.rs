//! The demo model `digits` in tests: its rows, from the reference, and its predictions, as any format has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use system_tests::root;

/// All held-out rows of the demo model `digits`.
pub(crate) struct Rows {
    pub(crate) keys: Vec<String>,
    pub(crate) pixels: Vec<Vec<f32>>,
    /// What they truly are.
    pub(crate) labels: Vec<i64>,
}

impl Rows {
    pub(crate) fn read() -> Self {
        let path = root().join("models/digits/reference/heldout.json");
        let held_out: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Self {
            keys: serde_json::from_value(held_out["key"].clone()).unwrap(),
            pixels: serde_json::from_value(held_out["X"].clone()).unwrap(),
            labels: serde_json::from_value(held_out["label"].clone()).unwrap(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&String, &Vec<f32>)> {
        self.keys.iter().zip(&self.pixels)
    }

    pub(crate) fn instances(&self) -> Vec<Value> {
        self.iter().map(|(key, pixels)| json!({"key": key, "X": pixels})).collect()
    }

    pub(crate) fn lines(&self) -> Vec<u8> {
        self.instances().iter().flat_map(|row| format!("{row}\n").into_bytes()).collect()
    }

    pub(crate) fn table(&self) -> Vec<u8> {
        let names: Vec<String> = (0..64).map(|idx| format!("pixel{idx}")).collect();
        let mut csv = format!("key,{}\r\n", names.join(","));
        for (key, pixels) in self.iter() {
            let pixels: Vec<String> = pixels.iter().map(f32::to_string).collect();
            csv += &format!("{key},{}\r\n", pixels.join(","));
        }
        csv.into_bytes()
    }

    pub(crate) fn stream(&self) -> Vec<u8> {
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
pub(crate) type Row = (String, i64, Vec<u32>);

/// The rows of predictions, from the text of their numbers.
fn row_of_text(row: &BTreeMap<String, Value>, probabilities: &str) -> Row {
    let numbers = probabilities.trim_matches(['[', ']']).split(',');
    let bits = numbers.map(|number| number.parse::<f32>().unwrap().to_bits()).collect();
    (row["key"].as_str().unwrap().to_owned(), row["label"].as_i64().unwrap(), bits)
}

/// A row of predictions, as a JSON object.
pub(crate) fn row_of_json(text: &str) -> Row {
    let raw: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
    row_of_text(&serde_json::from_str(text).unwrap(), raw["probabilities"].get())
}

/// A record of CSV with key, label and probabilities in front.
pub(crate) fn row_of_record(fields: &[String]) -> Row {
    let bits = fields[2..12].iter().map(|field| field.parse::<f32>().unwrap().to_bits()).collect();
    (fields[0].clone(), fields[1].parse().unwrap(), bits)
}

/// The rows of a batch with the columns `key`, `label` and `probabilities`.
pub(crate) fn rows_of_batch(batch: &RecordBatch) -> Vec<Row> {
    let column = |name| batch.column_by_name(name).unwrap();
    let (keys, labels) = (column("key").as_string::<i32>(), column("label").as_primitive::<Int64Type>());
    let probabilities = column("probabilities").as_fixed_size_list();
    let row = |row: usize| {
        let values = probabilities.value(row);
        let bits =
            values.as_primitive::<Float32Type>().values().iter().map(|value| value.to_bits()).collect();
        (keys.value(row).to_owned(), labels.value(row), bits)
    };
    (0..batch.num_rows()).map(row).collect()
}

/// What ONNX Runtime answered the rows of the reference: labels, and ten probabilities each.
pub(crate) struct Reference {
    pub(crate) pixels: Vec<Vec<Value>>,
    pub(crate) labels: Vec<i64>,
    pub(crate) probabilities: Vec<Vec<f64>>,
}

impl Reference {
    pub(crate) fn read() -> Self {
        let probabilities: Vec<f64> =
            tensor("outputs.json", "outputs", "probabilities").iter().map(|x| x.as_f64().unwrap()).collect();
        Self {
            pixels: tensor("inputs.json", "inputs", "X").chunks(64).map(<[Value]>::to_vec).collect(),
            labels: tensor("outputs.json", "outputs", "label").iter().map(|x| x.as_i64().unwrap()).collect(),
            probabilities: probabilities.chunks(10).map(<[f64]>::to_vec).collect(),
        }
    }
}

/// The elements of a reference tensor.
fn tensor(file: &str, list: &str, name: &str) -> Vec<Value> {
    let path = root().join("models/digits/reference").join(file);
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let tensors = reference[list].as_array().unwrap();
    let tensor = tensors.iter().find(|tensor| tensor["name"] == name).unwrap();
    tensor["data"].as_array().unwrap().clone()
}
