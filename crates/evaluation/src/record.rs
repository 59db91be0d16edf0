//! A row as it was captured: what a model saw and said, in JSON, under the key of its client. Not where it is kept.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value as Json, value::RawValue};

use crate::{
    error::Error,
    packed,
    row::{Outcome, Row, Value},
    schema::{Kind, Schema, Task},
    window::seconds,
};

/// Which of a model's outputs are what. Features have their own names among its inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// The output with the predicted class or number; without it, the class with the greatest probability.
    #[serde(default)]
    pub prediction: Option<String>,
    /// The output with a list of the classes' probabilities.
    #[serde(default)]
    pub probabilities: Option<String>,
    /// The output with the probability of one class: the class and the output's name.
    #[serde(default)]
    pub probability: Vec<(String, String)>,
}

/// One prediction: `{"key": …, "client": …, "time": …, "inputs": {…}, "outputs": {…}}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Record {
    /// The row's name, a text or a whole number; null if it has none, and no label ever finds it.
    #[serde(default)]
    pub key: Json,
    /// Whose name that is; empty if nobody said.
    #[serde(default)]
    pub client: String,
    /// When it was predicted, in seconds since 1970; on the wire also in RFC 3339.
    #[serde(default, deserialize_with = "time")]
    pub time: Option<f64>,
    /// What the model saw, by name.
    #[serde(default)]
    pub inputs: Map<String, Json>,
    /// What the model said, by name.
    #[serde(default)]
    pub outputs: Map<String, Json>,
    /// What a larger model said of the same row, if the model is the edge of two phases and the row is one of those that watch its promise.
    #[serde(default, deserialize_with = "audit")]
    pub two_phase: Option<Audit>,
}

/// A row whose answer could stand, and of which the larger model was asked all the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Audit {
    /// The policy by which it could stand.
    pub policy: String,
    /// The rung of its ladder.
    pub rung: usize,
    /// The ladder's group.
    #[serde(default)]
    pub group: String,
    /// The label that the edge gave.
    pub edge: String,
    /// The label that the larger model gave.
    pub cloud: String,
}

/// The note of two phases on a row, if it is of an audited one that both have answered.
fn audit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Audit>, D::Error> {
    let note = Json::deserialize(deserializer)?;
    let is_audited = note.get("reason").is_some_and(|reason| reason == "audit");
    Ok(if is_audited { serde_json::from_value(note).ok() } else { None })
}

/// A time in JSON: seconds since 1970, or RFC 3339. None if it is null.
///
/// # Errors
/// If it is neither.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Json::deserialize(deserializer)? {
        Json::Null => Ok(None),
        Json::String(text) => seconds(&text).map(Some).map_err(D::Error::custom),
        other => other.as_f64().map(Some).ok_or_else(|| D::Error::custom(format!("`{other}` is no time"))),
    }
}

/// A row that owns what it is made of, except texts.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    features: Vec<Value<'a>>,
    predicted: Outcome,
    probabilities: Vec<f64>,
}

impl Parts<'_> {
    /// The row, without its truth.
    #[must_use]
    pub fn row(&self) -> Row<'_> {
        Row {
            features: &self.features,
            predicted: self.predicted,
            probabilities: &self.probabilities,
            truth: None,
        }
    }
}

impl Record {
    /// A record of a line of JSON.
    ///
    /// # Errors
    /// [`Error::Record`] if it is none.
    pub fn read(json: &str) -> Result<Self, Error> {
        // A list would be taken for the fields in their order.
        if !json.trim_start().starts_with('{') {
            return Err(Error::Record { reason: "expected an object".to_owned() });
        }
        serde_json::from_str(json).map_err(|error| Error::Record { reason: error.to_string() })
    }

    /// Whether a line of JSON is a record, and its key if it is.
    ///
    /// # Errors
    /// [`Error::Record`] if it is none.
    pub fn check(json: &str) -> Result<Json, Error> {
        #[derive(Deserialize)]
        struct Glance<'a> {
            #[serde(default)]
            key: Json,
            #[serde(default, rename = "client")]
            _client: String,
            #[serde(default, rename = "time", deserialize_with = "time")]
            _time: Option<f64>,
            #[serde(default, borrow)]
            inputs: Option<&'a RawValue>,
            #[serde(default, borrow)]
            outputs: Option<&'a RawValue>,
        }
        let wrong = |reason: String| Error::Record { reason };
        if !json.trim_start().starts_with('{') {
            return Err(wrong("expected an object".to_owned()));
        }
        let glance: Glance<'_> = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        for (name, values) in [("inputs", glance.inputs), ("outputs", glance.outputs)] {
            if values.is_some_and(|values| !values.get().starts_with('{')) {
                return Err(wrong(format!("`{name}`: expected an object")));
            }
        }
        Ok(glance.key)
    }

    /// A field of the inputs, or of the outputs, as the name of a segment.
    #[must_use]
    pub fn segment(&self, name: &str) -> String {
        let found = self.inputs.get(name).or_else(|| self.outputs.get(name));
        found.map(only).and_then(text).unwrap_or_else(|| "missing".to_owned())
    }
}

/// Reads rows of one schema out of records.
#[derive(Clone, Debug)]
pub struct Reader<'s> {
    schema: &'s Schema,
    columns: &'s Columns,
    /// Of each feature that is called so, the list and the place in it.
    elements: Vec<Option<(&'s str, usize)>>,
}

impl<'s> Reader<'s> {
    /// A reader of rows of `schema`.
    #[must_use]
    pub fn new(schema: &'s Schema, columns: &'s Columns) -> Self {
        let elements = schema.features.iter().map(|feature| element(&feature.name)).collect();
        Self { schema, columns, elements }
    }

    /// What a row is made of. A feature that is not there is missing; so is one of the wrong kind.
    ///
    /// # Errors
    /// [`Error::Record`] if there is no prediction.
    pub fn parts<'a>(&self, record: &'a Record) -> Result<Parts<'a>, Error> {
        let (schema, columns) = (self.schema, self.columns);
        let probabilities = record.probabilities(&schema.task, columns);
        let predicted = match &columns.prediction {
            Some(name) => {
                let found = record.outputs.get(name).map(only).and_then(|it| outcome(&schema.task, it));
                found.ok_or_else(|| Error::Record { reason: format!("there is no prediction `{name}`") })?
            }
            None if probabilities.is_empty() => {
                return Err(Error::Record {
                    reason: "there is neither a prediction nor a probability".to_owned(),
                });
            }
            None => Outcome::Class(likeliest(&probabilities)),
        };
        let mut lists = Lists { inputs: &record.inputs, last: None };
        let features = schema.features.iter().zip(&self.elements);
        let features = features.map(|(it, element)| lists.value(&it.name, *element, it.kind)).collect();
        Ok(Parts { features, predicted, probabilities })
    }
}

impl Record {
    fn probabilities(&self, task: &Task, columns: &Columns) -> Vec<f64> {
        let number = |value: &Json| value.as_f64().unwrap_or(f64::NAN);
        if let Some(list) = columns.probabilities.as_ref().and_then(|name| self.outputs.get(name)) {
            return match list.as_array() {
                Some(list) => list.iter().map(number).collect(),
                None => packed::numbers(list).unwrap_or_default(),
            };
        }
        let of_class = |class: &String| columns.probability.iter().find(|(name, _)| name == class);
        let output =
            |(_, name): &(String, String)| self.outputs.get(name).map_or(f64::NAN, |it| number(only(it)));
        task.classes().iter().filter_map(of_class).map(output).collect()
    }
}

/// `x[3]` is the fourth element of the list `x`, or of the lists in it.
fn element(name: &str) -> Option<(&str, usize)> {
    let (list, idx) = name.strip_suffix(']')?.rsplit_once('[')?;
    Some((list, idx.parse().ok()?))
}

/// The inputs of a record. Elements of one list come one after the other, so the list is looked up once.
struct Lists<'a, 's> {
    inputs: &'a Map<String, Json>,
    last: Option<(&'s str, List<'a>)>,
}

/// A list's elements.
enum List<'a> {
    Json(Vec<&'a Json>),
    Numbers(Vec<f64>),
}

impl<'a, 's> Lists<'a, 's> {
    fn value(&mut self, name: &str, element: Option<(&'s str, usize)>, kind: Kind) -> Value<'a> {
        if let Some((list, idx)) = element
            && let Some(list) = self.list(list)
        {
            return match list {
                List::Json(list) => list.get(idx).map_or(Value::Missing, |found| value(found, kind)),
                List::Numbers(list) if kind == Kind::Number => {
                    list.get(idx).filter(|it| !it.is_nan()).map_or(Value::Missing, |it| Value::Number(*it))
                }
                List::Numbers(_) => Value::Missing,
            };
        }
        self.inputs.get(name).map_or(Value::Missing, |found| value(only(found), kind))
    }

    fn list(&mut self, name: &'s str) -> Option<&List<'a>> {
        if self.last.as_ref().is_none_or(|(known, _)| *known != name) {
            let found = self.inputs.get(name)?;
            let list = packed::numbers(found).map_or_else(
                || {
                    let mut values = Vec::new();
                    flatten(found, &mut values);
                    List::Json(values)
                },
                List::Numbers,
            );
            self.last = Some((name, list));
        }
        self.last.as_ref().map(|(_, list)| list)
    }
}

fn value(found: &Json, kind: Kind) -> Value<'_> {
    match (found, kind) {
        (Json::Number(number), Kind::Number) => number.as_f64().map_or(Value::Missing, Value::Number),
        (Json::Bool(is), Kind::Number) => Value::Number(f64::from(u8::from(*is))),
        (Json::String(text), Kind::Category) => Value::Category(text),
        (Json::Bool(true), Kind::Category) => Value::Category("true"),
        (Json::Bool(false), Kind::Category) => Value::Category("false"),
        _ => Value::Missing,
    }
}

fn flatten<'a>(value: &'a Json, values: &mut Vec<&'a Json>) {
    match value.as_array() {
        Some(list) => list.iter().for_each(|value| flatten(value, values)),
        None => values.push(value),
    }
}

/// The value itself, or that of a list of one.
fn only(value: &Json) -> &Json {
    match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => value,
    }
}

/// A prediction or a label of this task, in JSON; `None` if it is of another kind.
#[must_use]
pub fn outcome(task: &Task, value: &Json) -> Option<Outcome> {
    match task {
        Task::Regression => match value {
            Json::String(text) => text.trim().parse().ok().map(Outcome::Number),
            value => value.as_f64().map(Outcome::Number),
        },
        Task::Classification { .. } => text(value).and_then(|text| truth(task, &text)),
    }
}

/// A label as text. Numbers of classes may be written as `3` or `3.0`.
#[must_use]
pub fn truth(task: &Task, text: &str) -> Option<Outcome> {
    match task {
        Task::Regression => text.trim().parse().ok().map(Outcome::Number),
        Task::Classification { classes } => {
            let whole = text.strip_suffix(".0").unwrap_or(text);
            let class = classes.iter().position(|class| class == text);
            Some(Outcome::Class(class.or_else(|| classes.iter().position(|class| class == whole))))
        }
    }
}

/// A scalar as text.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

/// The class with the greatest probability, the first of several.
#[must_use]
pub fn likeliest(probabilities: &[f64]) -> Option<usize> {
    let known = probabilities.iter().enumerate().filter(|(_, it)| !it.is_nan());
    let best = known.fold(None, |best: Option<(usize, f64)>, (class, &it)| match best {
        Some((_, most)) if most >= it => best,
        _ => Some((class, it)),
    });
    best.map(|(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Feature;

    fn schema() -> Schema {
        let feature = |name: &str, kind| Feature { name: name.to_owned(), kind };
        Schema {
            features: vec![
                feature("x[0]", Kind::Number),
                feature("x[1]", Kind::Number),
                feature("country", Kind::Category),
                feature("age", Kind::Number),
            ],
            task: Task::Classification { classes: vec!["3".to_owned(), "7".to_owned()] },
        }
    }

    #[test]
    fn features_have_the_names_that_files_have_them_by() {
        let record = Record::read(
            r#"{"key":"a","inputs":{"x":[1,2.5],"country":["DE"],"age":null},"outputs":{"label":7,"p":[0.2,0.8]}}"#,
        )
        .unwrap();
        let columns = Columns {
            prediction: Some("label".to_owned()),
            probabilities: Some("p".to_owned()),
            ..Columns::default()
        };
        let schema = schema();
        let parts = Reader::new(&schema, &columns).parts(&record).unwrap();
        let expected = [Value::Number(1.0), Value::Number(2.5), Value::Category("DE"), Value::Missing];
        assert_eq!(parts.row().features, expected);
        assert_eq!(parts.row().predicted, Outcome::Class(Some(1)));
        assert_eq!(parts.row().probabilities, [0.2, 0.8]);
        assert_eq!(record.segment("country"), "DE");
        assert_eq!(record.segment("city"), "missing");
    }

    /// Packed by `base64.b64encode(numpy.array([1, 2.5], numpy.float32))` of Python, and `[0.2, 0.8]` as `numpy.float64`.
    #[test]
    fn packed_numbers_are_the_same_numbers() {
        let record = Record::read(
            r#"{"inputs":{"x":{"datatype":"FP32","shape":[2],"b64":"AACAPwAAIEA="}},
                "outputs":{"p":{"datatype":"FP64","shape":[2],"b64":"mpmZmZmZyT+amZmZmZnpPw=="}}}"#,
        )
        .unwrap();
        let columns = Columns { probabilities: Some("p".to_owned()), ..Columns::default() };
        let schema = schema();
        let parts = Reader::new(&schema, &columns).parts(&record).unwrap();
        let expected = [Value::Number(1.0), Value::Number(2.5), Value::Missing, Value::Missing];
        assert_eq!((parts.row().features, parts.row().probabilities), (&expected[..], &[0.2, 0.8][..]));
    }

    #[test]
    fn a_glance_refuses_what_reading_refuses() {
        assert_eq!(Record::check(r#"{"key":"a","inputs":{"x":[1]}}"#).unwrap(), "a");
        for wrong in ["[]", "{", r#"{"time":"yesterday"}"#, r#"{"inputs":[1]}"#, r#"{"outputs":{"x":}}"#] {
            assert!(Record::check(wrong).is_err() && Record::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_row_without_a_prediction_is_none() {
        let record = Record::read(r#"{"key":1,"outputs":{"p":[0.2,0.8]}}"#).unwrap();
        let named = Columns { prediction: Some("label".to_owned()), ..Columns::default() };
        let schema = schema();
        assert!(Reader::new(&schema, &named).parts(&record).is_err());
        let likeliest = Columns { probabilities: Some("p".to_owned()), ..Columns::default() };
        let parts = Reader::new(&schema, &likeliest).parts(&record).unwrap();
        assert_eq!(parts.row().predicted, Outcome::Class(Some(1)));
        assert!(Record::read("{").is_err());
    }

    #[test]
    fn labels_are_classes_however_they_are_written() {
        let task = schema().task;
        for (text, expected) in [("3", Some(0)), ("7.0", Some(1)), ("x", None)] {
            assert_eq!(truth(&task, text), Some(Outcome::Class(expected)));
        }
        assert_eq!(outcome(&task, &serde_json::json!(7)), Some(Outcome::Class(Some(1))));
        assert_eq!(outcome(&Task::Regression, &serde_json::json!("1.5")), Some(Outcome::Number(1.5)));
        assert_eq!(outcome(&Task::Regression, &serde_json::json!([1])), None);
    }
}
