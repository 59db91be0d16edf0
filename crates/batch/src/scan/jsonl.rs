//! A JSON object a line. Numbers that are not whole stay the text that they are, so that the model's inputs are rounded from them once,
//! as online.
//!
//! What a column is, the first lines of a file tell: whole numbers, other numbers (text, marked by [`NUMBER`]), truth values, lists
//! of numbers (lists of text), or text. A value of another kind makes its row unreadable; a member that is not there is null.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, RecordBatch, RecordBatchOptions, StringBuilder,
    UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::Result;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::read_row;
use super::{Emitter, Source};

/// The metadata of a field whose texts are JSON numbers.
const NUMBER: &str = "json-number";

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    Number,
    Truth,
    Numbers,
    Text,
}

impl Kind {
    /// The kind of a value that is not null.
    fn of(value: &str) -> Option<Self> {
        match value.bytes().next()? {
            b'n' => None,
            b't' | b'f' => Some(Self::Truth),
            b'"' | b'{' => Some(Self::Text),
            b'[' => Some(Self::Numbers),
            _ if value.parse::<i64>().is_ok() => Some(Self::Whole),
            _ => Some(Self::Number),
        }
    }

    /// The kind of a column that has values of both.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Whole, Self::Number) | (Self::Number, Self::Whole) => Self::Number,
            _ => Self::Text,
        }
    }

    fn field(self, name: &str) -> Field {
        let text = |name| Field::new(name, DataType::Utf8, true);
        let marked = |field: Field| field.with_metadata([(NUMBER.to_owned(), String::new())].into());
        match self {
            Self::Whole => Field::new(name, DataType::Int64, true),
            Self::Truth => Field::new(name, DataType::Boolean, true),
            Self::Text => text(name),
            Self::Number => marked(text(name)),
            Self::Numbers => marked(Field::new_list(name, Field::new_list_field(DataType::Utf8, true), true)),
        }
    }

    fn of_field(field: &Field) -> Self {
        match field.data_type() {
            DataType::Int64 => Self::Whole,
            DataType::Boolean => Self::Truth,
            DataType::List(_) => Self::Numbers,
            _ if field.metadata().contains_key(NUMBER) => Self::Number,
            _ => Self::Text,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::Numbers => "a list of numbers",
            Self::Text => "a text",
        }
    }
}

/// The type of a column of JSON numbers where it is passed on; none for other columns, which stay what they are.
pub(crate) fn kept_type(field: &Field) -> Option<DataType> {
    if !field.metadata().contains_key(NUMBER) {
        return None;
    }
    match field.data_type() {
        DataType::List(_) => Some(DataType::new_list(DataType::Float64, true)),
        _ => Some(DataType::Float64),
    }
}

/// The columns of a file, by its first `n_lines` lines.
///
/// # Errors
/// If reading fails, or if there is no line that is an object.
pub(crate) fn infer_schema(lines: &mut dyn BufRead, n_lines: usize) -> std::result::Result<Schema, String> {
    let mut kinds: Vec<(String, Option<Kind>)> = Vec::new();
    let mut line = Vec::new();
    for _ in 0..n_lines {
        line.clear();
        if !read_row(lines, &mut line, false).map_err(|error| error.to_string())? {
            break;
        }
        let Ok(Members(members)) = serde_json::from_slice(&line) else { continue };
        for (name, value) in members {
            let found = Kind::of(value.get());
            match kinds.iter_mut().find(|(known, _)| *known == *name) {
                Some((_, kind)) => *kind = merged(*kind, found),
                None => kinds.push((name, found)),
            }
        }
    }
    if kinds.is_empty() {
        return Err(format!("none of its first {n_lines} lines is a JSON object"));
    }
    Ok(Schema::new(
        kinds.iter().map(|(name, kind)| kind.unwrap_or(Kind::Text).field(name)).collect::<Vec<_>>(),
    ))
}

fn merged(one: Option<Kind>, other: Option<Kind>) -> Option<Kind> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.with(other)),
        (kind, None) | (None, kind) => kind,
    }
}

/// The members of an object, in its order.
struct Members<'l>(Vec<(String, &'l RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

pub(super) fn read(
    source: &Source,
    columns: &[String],
    lines: &mut dyn BufRead,
    emit: &Emitter,
) -> Result<()> {
    let mut batch = Rows::new(source, columns)?;
    let mut row = source.chunk.first_row;
    let mut line = Vec::new();
    loop {
        line.clear();
        if !read_row(lines, &mut line, false)? {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Err(message) = batch.push(row, &line) {
            source.unreadable.push(row, message);
        }
        row += 1;
        if batch.numbers.len() == source.batch_rows && !batch.emit(emit)? {
            return Ok(());
        }
    }
    batch.emit(emit)?;
    Ok(())
}

/// The rows of the next batch.
struct Rows {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    numbers: Vec<u64>,
}

enum Column {
    Whole(Int64Builder),
    Truth(BooleanBuilder),
    /// Also numbers, as the text that they are.
    Text(StringBuilder),
    Numbers(ListBuilder<StringBuilder>),
}

/// A value as its column takes it.
enum Value<'l> {
    Null,
    Whole(i64),
    Truth(bool),
    Text(Cow<'l, str>),
    Numbers(Vec<&'l RawValue>),
}

impl Rows {
    fn new(source: &Source, columns: &[String]) -> Result<Self> {
        let places = columns.iter().map(|name| source.schema.index_of(name));
        let schema = Arc::new(source.schema.project(&places.collect::<Result<Vec<_>, _>>()?)?);
        let columns = schema.fields().iter().map(|field| Column::of(field)).collect();
        Ok(Self { schema, columns, numbers: Vec::new() })
    }

    /// Adds a row, or says why it is none: either all of it is there or nothing.
    fn push(&mut self, row: u64, line: &[u8]) -> std::result::Result<(), String> {
        let Members(members) =
            serde_json::from_slice(line).map_err(|error| format!("malformed JSON: {error}"))?;
        let fields = self.schema.fields().iter();
        let values =
            fields.map(|field| value_of(field, &members)).collect::<std::result::Result<Vec<_>, _>>()?;
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        self.numbers.push(row);
        Ok(())
    }

    fn emit(&mut self, emit: &Emitter) -> Result<bool> {
        if self.numbers.is_empty() {
            return Ok(true);
        }
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.numbers.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        emit.emit_blocking(&batch, UInt64Array::from(std::mem::take(&mut self.numbers)))
    }
}

/// The value of a field, the last if it is there more than once.
fn value_of<'l>(field: &Field, members: &[(String, &'l RawValue)]) -> std::result::Result<Value<'l>, String> {
    let Some((_, value)) = members.iter().rev().find(|(name, _)| name == field.name()) else {
        return Ok(Value::Null);
    };
    let (text, kind) = (value.get(), Kind::of_field(field));
    let wrong = || {
        let found: String = text.chars().take(40).collect();
        format!("`{}`: expected {}, found `{found}`", field.name(), kind.name())
    };
    match (Kind::of(text), kind) {
        (None, _) => Ok(Value::Null),
        (Some(Kind::Whole), Kind::Whole) => text.parse().map(Value::Whole).map_err(|_| wrong()),
        (Some(Kind::Truth), Kind::Truth) => Ok(Value::Truth(text == "true")),
        (Some(Kind::Whole | Kind::Number), Kind::Number) => Ok(Value::Text(Cow::Borrowed(text))),
        (Some(Kind::Numbers), Kind::Numbers) => flattened(text).map(Value::Numbers).ok_or_else(wrong),
        // A column of texts and other values has the others as they stand.
        (Some(_), Kind::Text) => match serde_json::from_str::<String>(text) {
            Ok(text) => Ok(Value::Text(Cow::Owned(text))),
            Err(_) => Ok(Value::Text(Cow::Borrowed(text))),
        },
        (Some(_), _) => Err(wrong()),
    }
}

/// The numbers of a list, and of the lists in it, in order.
fn flattened(text: &str) -> Option<Vec<&RawValue>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let mut numbers = Vec::with_capacity(items.len());
    for item in items {
        match Kind::of(item.get()) {
            None | Some(Kind::Whole | Kind::Number) => numbers.push(item),
            Some(Kind::Numbers) => numbers.extend(flattened(item.get())?),
            Some(Kind::Truth | Kind::Text) => return None,
        }
    }
    Some(numbers)
}

impl Column {
    fn of(field: &Field) -> Self {
        match Kind::of_field(field) {
            Kind::Whole => Self::Whole(Int64Builder::new()),
            Kind::Truth => Self::Truth(BooleanBuilder::new()),
            Kind::Number | Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Numbers => Self::Numbers(ListBuilder::new(StringBuilder::new())),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Whole(column), Value::Whole(value)) => column.append_value(value),
            (Self::Truth(column), Value::Truth(value)) => column.append_value(value),
            (Self::Text(column), Value::Text(value)) => column.append_value(value),
            (Self::Numbers(column), Value::Numbers(numbers)) => {
                let text = |number: &RawValue| Some(number.get().to_owned()).filter(|text| text != "null");
                column.append_value(numbers.into_iter().map(text));
            }
            (Self::Whole(column), _) => column.append_null(),
            (Self::Truth(column), _) => column.append_null(),
            (Self::Text(column), _) => column.append_null(),
            (Self::Numbers(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Whole(column) => Arc::new(column.finish()),
            Self::Truth(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()),
            Self::Numbers(column) => Arc::new(column.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_kinds(lines: &str, expect: &[(&str, Kind)]) {
        let schema = infer_schema(&mut lines.as_bytes(), 10).unwrap();
        let found: Vec<_> =
            schema.fields().iter().map(|field| (field.name().as_str(), Kind::of_field(field))).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn columns_are_what_their_values_are_in_the_order_of_the_file() {
        check_kinds(
            "{\"b\":1,\"a\":1.5,\"t\":true,\"s\":\"x\",\"l\":[1,2.5]}\n",
            &[
                ("b", Kind::Whole),
                ("a", Kind::Number),
                ("t", Kind::Truth),
                ("s", Kind::Text),
                ("l", Kind::Numbers),
            ],
        );
        check_kinds(
            "{\"a\":null}\n\nnot JSON\n{\"a\":1,\"b\":null}\n{\"a\":1e3}\n",
            &[("a", Kind::Number), ("b", Kind::Text)],
        );
        check_kinds("{\"a\":1}\n{\"a\":\"x\"}\n", &[("a", Kind::Text)]);
        assert!(infer_schema(&mut "[]\n1\n".as_bytes(), 10).is_err());
    }

    #[test]
    fn lists_in_lists_are_flattened() {
        let numbers = flattened("[[1, 2.50],[null,-3e1]]").unwrap();
        assert_eq!(
            numbers.iter().map(|number| number.get()).collect::<Vec<_>>(),
            ["1", "2.50", "null", "-3e1"]
        );
        assert!(flattened("[1,\"2\"]").is_none());
    }
}
