//! The records of a body, each of a bounded length.

use std::io::BufRead;

use csv_core::ReadRecordResult;

use super::super::read_error;
use super::Result;

/// The bytes of a record that there is room for at first.
const FIRST_BYTES: usize = 4 << 10;

/// The fields of a record that there is room for at first.
const FIRST_FIELDS: usize = 64;

/// Records of a reader.
pub(super) struct Records<R> {
    reader: R,
    parser: csv_core::Reader,
    bytes: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
    max_bytes: usize,
}

/// A record that is not blank.
pub(super) enum Record<'a> {
    /// What stands between its commas, without quotes.
    Fields(Fields<'a>),
    /// A record of more bytes, or of more fields than these would leave room for.
    TooLong { limit: usize },
}

/// The fields of a record.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    ends: std::slice::Iter<'a, usize>,
    start: usize,
}

impl Fields<'_> {
    /// The bytes of all fields.
    pub(super) const fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many are left.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = *self.ends.next()?;
        let field = self.bytes.get(self.start..end);
        self.start = end;
        field
    }
}

impl<R: BufRead> Records<R> {
    /// Records of at most `max_bytes`.
    pub(super) fn new(reader: R, max_bytes: usize) -> Self {
        let (bytes, ends) = (vec![0; FIRST_BYTES.min(max_bytes + 1)], vec![0; FIRST_FIELDS]);
        Self { reader, parser: csv_core::Reader::new(), bytes, ends, max_bytes }
    }

    /// The next record that is not blank; `None` after the last.
    ///
    /// # Errors
    /// If the body breaks off.
    pub(super) fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let (mut n_bytes, mut n_fields) = (0, 0);
        let mut is_too_long = false;
        loop {
            let input = self.reader.fill_buf().map_err(read_error)?;
            let bytes = self.bytes.get_mut(n_bytes..).unwrap_or_default();
            let ends = self.ends.get_mut(n_fields..).unwrap_or_default();
            let (result, n_read, n_written, n_ended) = self.parser.read_record(input, bytes, ends);
            self.reader.consume(n_read);
            (n_bytes, n_fields) = (n_bytes + n_written, n_fields + n_ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record if is_too_long => {
                    return Ok(Some(Record::TooLong { limit: self.max_bytes }));
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::OutputFull => {
                    // The parser wants room for one more.
                    let has_grown = grow(&mut self.bytes, self.max_bytes + 1);
                    is_too_long |= !has_grown;
                    n_bytes = if has_grown { n_bytes } else { 0 };
                }
                ReadRecordResult::OutputEndsFull => {
                    let has_grown = grow(&mut self.ends, self.max_bytes / size_of::<usize>());
                    is_too_long |= !has_grown;
                    n_fields = if has_grown { n_fields } else { 0 };
                }
            }
        }
        let bytes = self.bytes.get(..n_bytes).unwrap_or_default();
        let ends = self.ends.get(..n_fields).unwrap_or_default().iter();
        Ok(Some(Record::Fields(Fields { bytes, ends, start: 0 })))
    }
}

/// Doubles the room, up to `max`; tells whether there is more.
fn grow<T: Clone + Default>(room: &mut Vec<T>, max: usize) -> bool {
    let len = room.len().saturating_mul(2).clamp(1, max.max(1));
    let grows = len > room.len();
    if grows {
        room.resize(len, T::default());
    }
    grows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, max_bytes: usize, expect: &[Option<&[&str]>]) {
        for capacity in [1, 7, 1000] {
            let mut records =
                Records::new(std::io::BufReader::with_capacity(capacity, text.as_bytes()), max_bytes);
            let mut found = Vec::new();
            while let Some(record) = records.next_record().unwrap() {
                found.push(match record {
                    Record::TooLong { .. } => None,
                    Record::Fields(fields) => Some(
                        fields.map(|field| String::from_utf8(field.to_vec()).unwrap()).collect::<Vec<_>>(),
                    ),
                });
            }
            let expect: Vec<Option<Vec<String>>> = expect
                .iter()
                .map(|record| record.map(|fields| fields.iter().map(|&field| field.into()).collect()))
                .collect();
            assert_eq!(found, expect, "{text:?} by {capacity}");
        }
    }

    #[test]
    fn records_are_those_of_rfc_4180() {
        check("", 100, &[]);
        check("a,b\r\nc,\r\n", 100, &[Some(&["a", "b"]), Some(&["c", ""])]);
        check("\"a,\"\"b\"\"\r\nc\",d", 100, &[Some(&["a,\"b\"\r\nc", "d"])]);
        check("a\n\nb\n", 100, &[Some(&["a"]), Some(&["b"])]);
    }

    #[test]
    fn long_records_are_passed_over() {
        check("ab,cd\nabc,de\nx\n", 4, &[Some(&["ab", "cd"]), None, Some(&["x"])]);
        let wide = format!("a\n{}\nb\n", ",".repeat(10_000));
        check(&wide, 1000, &[Some(&["a"]), None, Some(&["b"])]);
    }

    #[test]
    fn many_fields_have_room() {
        let fields: Vec<String> = (0..1000).map(|idx| idx.to_string()).collect();
        let expect: Vec<&str> = fields.iter().map(String::as_str).collect();
        check(&fields.join(","), 100_000, &[Some(&expect)]);
    }
}
