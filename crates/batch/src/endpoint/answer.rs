//! An endpoint's answer while it comes: record batches of an Arrow stream, checked against the rows that were sent, and turned into what
//! [`Predictor`](crate::Predictor) gives.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray as _, RecordBatch, StringArray, StructArray, new_null_array,
};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::Fields;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamDecoder;
use serde_json::{Map, Value, json};

use super::request::KEY;
use crate::predict::ERROR;
use crate::{Error, Result};

/// The end of an Arrow stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// What is wrong with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its end is missing.
    Cut(String),
    /// It is no answer to the request.
    Other { expected: String, found: String },
}

impl From<ArrowError> for Wrong {
    fn from(error: ArrowError) -> Self {
        other("an Arrow stream", error)
    }
}

/// An answer, as far as it has come.
pub(super) struct Answer<'r> {
    keys: &'r ArrayRef,
    fields: &'r Fields,
    decoder: StreamDecoder,
    last_bytes: [u8; END.len()],
    n_rows: usize,
    predictions: Vec<StructArray>,
}

impl<'r> Answer<'r> {
    /// Nothing yet of the answer to rows with these keys, whose predictions have these fields.
    pub(super) fn new(keys: &'r ArrayRef, fields: &'r Fields) -> Self {
        Self {
            keys,
            fields,
            decoder: StreamDecoder::new(),
            last_bytes: [0; END.len()],
            n_rows: 0,
            predictions: Vec::new(),
        }
    }

    /// More bytes.
    ///
    /// # Errors
    /// [`Wrong::Other`].
    pub(super) fn take(&mut self, bytes: Bytes) -> Result<(), Wrong> {
        self.remember(&bytes);
        let mut buffer = Buffer::from(bytes);
        while !buffer.is_empty() {
            if let Some(batch) = self.decoder.decode(&mut buffer)? {
                self.add(&batch)?;
            }
        }
        Ok(())
    }

    /// The predictions, in the pieces in which they came. No piece has rows of two micro-batches that were sent.
    ///
    /// # Errors
    /// [`Wrong`].
    pub(super) fn finish(self) -> Result<Vec<StructArray>, Wrong> {
        if self.last_bytes != END {
            return Err(Wrong::Cut("an answer without its end".to_owned()));
        }
        if self.n_rows != self.keys.len() {
            return Err(other(&format!("answers to {} rows", self.keys.len()), self.n_rows));
        }
        Ok(self.predictions)
    }

    /// Keeps the last bytes, which tell whether the stream has ended.
    fn remember(&mut self, bytes: &[u8]) {
        let last = self.last_bytes.iter().chain(bytes.iter().skip(bytes.len().saturating_sub(END.len())));
        let last: Vec<u8> = last.copied().collect();
        if let Some(last) = last.last_chunk() {
            self.last_bytes = *last;
        }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), Wrong> {
        let n_left = self.keys.len() - self.n_rows;
        if batch.num_rows() > n_left {
            return Err(other(&format!("answers to {} rows", self.keys.len()), "more"));
        }
        let keys = column(batch, KEY)?;
        if *keys != self.keys.slice(self.n_rows, batch.num_rows()) {
            return Err(other("the keys of the request, in their order", "others"));
        }
        let columns = self.fields.iter().map(|field| match column(batch, field.name())? {
            found if found.data_type() != field.data_type() => {
                let name = field.name();
                Err(other(&format!("`{name}` of type {}", field.data_type()), found.data_type()))
            }
            found if field.name() == ERROR => self.errors(found),
            found => Ok(Arc::clone(found)),
        });
        let columns = columns.collect::<Result<_, _>>()?;
        self.predictions.push(StructArray::try_new(self.fields.clone(), columns, None)?);
        self.n_rows += batch.num_rows();
        Ok(())
    }

    /// What is wrong with rows, without their place in the request, of which nobody else knows.
    fn errors(&self, errors: &ArrayRef) -> Result<ArrayRef, Wrong> {
        if errors.null_count() == errors.len() {
            return Ok(Arc::clone(errors));
        }
        let texts = errors.as_string_opt::<i32>().into_iter().flatten().enumerate();
        let texts = texts.map(|(row, text)| {
            text.map(|text| without_place(text, (self.n_rows + row) as u64).ok_or(text)).transpose()
        });
        let texts: Result<StringArray, &str> = texts.collect();
        Ok(Arc::new(texts.map_err(|found| other("an error in JSON, with the row's place", found))?))
    }
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef, Wrong> {
    batch.column_by_name(name).ok_or_else(|| other(&format!("a column `{name}`"), "none"))
}

/// The error without the row's place, if it is the one that is expected.
fn without_place(error: &str, expected: u64) -> Option<String> {
    let mut error: Map<String, Value> = serde_json::from_str(error).ok()?;
    let place = error.remove("row")?.as_u64()?;
    (place == expected).then(|| Value::Object(error).to_string())
}

fn other(expected: &str, found: impl ToString) -> Wrong {
    Wrong::Other { expected: expected.to_owned(), found: found.to_string() }
}

/// The prediction of a row on which the model fails.
///
/// # Errors
/// [`Error::Query`].
pub(super) fn failed_row(fields: &Fields, reason: &str) -> Result<StructArray> {
    let error = json!({"code": "model_failed", "error": reason}).to_string();
    let column = |name: &str, datatype| -> ArrayRef {
        if name == ERROR {
            Arc::new(StringArray::from(vec![error.as_str()]))
        } else {
            new_null_array(datatype, 1)
        }
    };
    let columns = fields.iter().map(|field| column(field.name(), field.data_type())).collect();
    Ok(StructArray::try_new(fields.clone(), columns, None)?)
}

/// The pieces put together to as many rows as each micro-batch has.
///
/// # Errors
/// [`Error::Internal`] if there are more or fewer rows.
pub(super) fn joined(pieces: &[StructArray], lengths: &[usize], fields: &Fields) -> Result<Vec<StructArray>> {
    let mut pieces = pieces.iter().filter(|piece| !piece.is_empty());
    let mut rest: Option<StructArray> = None;
    let mut joined = Vec::new();
    for &length in lengths {
        let (mut parts, mut n_left) = (Vec::new(), length);
        while n_left > 0 {
            let piece = rest.take().or_else(|| pieces.next().cloned());
            let piece = piece.ok_or_else(|| Error::internal("rows without answers"))?;
            let n_rows = n_left.min(piece.len());
            rest = (n_rows < piece.len()).then(|| piece.slice(n_rows, piece.len() - n_rows));
            parts.push(if rest.is_some() { piece.slice(0, n_rows) } else { piece });
            n_left -= n_rows;
        }
        joined.push(whole(&parts, fields)?);
    }
    if rest.is_some() || pieces.next().is_some() {
        return Err(Error::internal("answers without rows"));
    }
    Ok(joined)
}

fn whole(parts: &[StructArray], fields: &Fields) -> Result<StructArray> {
    match parts {
        [] => return Ok(StructArray::new_null(fields.clone(), 0)),
        [part] => return Ok(part.clone()),
        _ => {}
    }
    let parts: Vec<&dyn Array> = parts.iter().map(|part| part as _).collect();
    Ok(concat(&parts)?.as_struct().clone())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Float32Array, Int64Array};
    use datafusion::arrow::datatypes::{DataType, Field};
    use datafusion::arrow::ipc::writer::StreamWriter;

    use super::*;

    fn fields() -> Fields {
        let y = Field::new("y", DataType::Float32, true);
        [y, Field::new(ERROR, DataType::Utf8, true)].into_iter().collect()
    }

    /// Rows of an answer: their keys, their outputs, their errors.
    fn batch(keys: &[i64], y: &[Option<f32>], errors: &[Option<&str>]) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([
            (KEY, Arc::new(Int64Array::from(keys.to_vec())) as ArrayRef, false),
            ("y", Arc::new(Float32Array::from(y.to_vec())), true),
            (ERROR, Arc::new(StringArray::from(errors.to_vec())), true),
        ])
        .unwrap()
    }

    fn stream(batches: &[RecordBatch]) -> Vec<u8> {
        let schema = batches[0].schema();
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
        writer.into_inner().unwrap()
    }

    /// The answer to rows with these keys, which comes in pieces of so many bytes.
    fn read(keys: &[i64], bytes: &[u8], piece: usize) -> Result<Vec<StructArray>, Wrong> {
        let keys: ArrayRef = Arc::new(Int64Array::from(keys.to_vec()));
        let fields = fields();
        let mut answer = Answer::new(&keys, &fields);
        for piece in bytes.chunks(piece) {
            answer.take(Bytes::copy_from_slice(piece))?;
        }
        answer.finish()
    }

    fn answered() -> Vec<u8> {
        let error = r#"{"error":"column `x`: too much","code":"wrong_element","input":"x","row":2}"#;
        let second = batch(&[7, 9], &[None, Some(2.5)], &[Some(error), None]);
        stream(&[batch(&[5, 5], &[Some(1.0), Some(f32::NAN)], &[None; 2]), second])
    }

    #[test]
    fn an_answer_is_the_same_in_whatever_pieces_it_comes() {
        let whole = read(&[5, 5, 7, 9], &answered(), usize::MAX).unwrap();
        assert_eq!(whole.iter().map(Array::len).collect::<Vec<_>>(), [2, 2]);
        let errors = whole[1].column(1).as_string::<i32>();
        assert_eq!(errors.value(0), r#"{"code":"wrong_element","error":"column `x`: too much","input":"x"}"#);
        assert!(errors.is_null(1) && whole[1].column(0).is_null(0));
        for piece in [1, 3, 8, 64] {
            let found = read(&[5, 5, 7, 9], &answered(), piece).unwrap();
            let bits = |array: &StructArray| array.column(0).to_data().buffers()[0].as_slice().to_vec();
            assert!(found.iter().map(bits).eq(whole.iter().map(bits)), "pieces of {piece}");
        }
    }

    #[test]
    fn an_answer_is_cut_until_its_last_byte_is_there() {
        let bytes = answered();
        for n_bytes in [0, 8, bytes.len() / 2, bytes.len() - 8, bytes.len() - 1] {
            let found = read(&[5, 5, 7, 9], &bytes[..n_bytes], 100);
            assert!(matches!(found, Err(Wrong::Cut(_))), "{n_bytes} of {}", bytes.len());
        }
    }

    #[track_caller]
    fn check_other(keys: &[i64], bytes: &[u8], expect: &str) {
        match read(keys, bytes, 100) {
            Err(Wrong::Other { expected, .. }) => assert!(expected.contains(expect), "{expected}"),
            found => panic!("{found:?}"),
        }
    }

    #[test]
    fn answers_to_something_else_are_refused() {
        check_other(&[5, 5, 7], &answered(), "answers to 3 rows");
        check_other(&[5, 5, 7, 9, 9], &answered(), "answers to 5 rows");
        check_other(&[5, 5, 9, 7], &answered(), "keys of the request");
        let misplaced = r#"{"error":"e","code":"c","row":1}"#;
        let misplaced = stream(&[batch(&[5], &[None], &[Some(misplaced)])]);
        check_other(&[5], &misplaced, "with the row's place");
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![5]));
        let y: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let typed = RecordBatch::try_from_iter([(KEY, Arc::clone(&keys)), ("y", y)]).unwrap();
        check_other(&[5], &stream(&[typed]), "`y` of type Float32");
        check_other(&[5], &stream(&[RecordBatch::try_from_iter([(KEY, keys)]).unwrap()]), "a column `y`");
    }

    /// Rows whose outputs are numbered from `first`.
    fn numbered(first: u8, n_rows: u8) -> StructArray {
        let y: ArrayRef =
            Arc::new((first..first + n_rows).map(|y| Some(f32::from(y))).collect::<Float32Array>());
        let errors = new_null_array(&DataType::Utf8, n_rows.into());
        StructArray::try_new(fields(), vec![y, errors], None).unwrap()
    }

    #[test]
    fn pieces_become_micro_batches_again() {
        let pieces = [numbered(0, 1), numbered(1, 2), numbered(3, 0), numbered(3, 4)];
        for lengths in [&[3, 4][..], &[2, 2, 3], &[7], &[1, 2, 0, 4]] {
            let joined = joined(&pieces, lengths, &fields()).unwrap();
            assert_eq!(joined.iter().map(Array::len).collect::<Vec<_>>(), lengths);
            let all = whole(&joined, &fields()).unwrap();
            assert!(all == numbered(0, 7), "{lengths:?}");
        }
        for lengths in [&[3, 5][..], &[3], &[2, 4]] {
            assert!(matches!(joined(&pieces, lengths, &fields()), Err(Error::Internal(_))), "{lengths:?}");
        }
    }

    #[test]
    fn a_row_that_failed_has_no_outputs() {
        let row = failed_row(&fields(), "gone").unwrap();
        assert!(row.column(0).is_null(0));
        assert_eq!(row.column(1).as_string::<i32>().value(0), r#"{"code":"model_failed","error":"gone"}"#);
    }
}
