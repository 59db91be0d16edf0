//! Rows as lines: `application/x-ndjson`. Each line is a row as `instances` of [`protocol::Rows`] have them, answered by a line
//! `{"key": …, kept fields, outputs}` or `{"key": …, kept fields, "error": {…}}`. Blank lines are no rows.
//!
//! A chunk that cannot be answered to its end has `{"error": "…", "code": "…"}` as its last line, where `error` is a text.

mod lines;

use std::io::{BufRead, Write};

use protocol::{Error, Maps, RowReader, RowWriter, read_key_text, write_key_text, write_row_error};

use self::lines::{Line, Lines};
use super::answered::Answered;
use super::chunk::Chunk;
use super::error::{self, Result};
use crate::Model;
use crate::capture::Name;

/// Answers the rows of a body.
pub(super) fn answer_rows<M: Model>(
    chunk: &Chunk<'_, M>,
    input: impl BufRead,
    output: &mut impl Write,
) -> Result<()> {
    let names: Vec<String> = chunk.metadata.outputs.iter().map(|output| output.name.clone()).collect();
    let mut lines = Lines::new(input, chunk.config.row_bytes);
    let mut first_row = 0;
    loop {
        let Batch { rows, heads, errors, names: row_names } = Batch::read(chunk, first_row, &mut lines)?;
        if heads.ends.is_empty() {
            return Ok(());
        }
        let n_good = rows.n_rows();
        let inputs = if n_good == 0 { Vec::new() } else { rows.into_tensors()? };
        let answered = chunk.answer(&names, inputs, n_good, || row_names)?;
        let json = write(&heads, errors, answered, first_row, chunk.maps)?;
        output.write_all(&json).map_err(error::Error::Write)?;
        first_row += heads.ends.len();
    }
}

/// The last line of a chunk that could not be answered to its end.
pub(super) fn write_failure(error: &error::Error, output: &mut impl Write) -> std::io::Result<()> {
    output.write_all(&error.body())?;
    output.write_all(b"\n")
}

/// The beginnings of the answers to rows: key and kept fields, a comma after each.
#[derive(Default)]
struct Heads {
    json: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Heads {
    fn write(&mut self, name: &str, write_value: impl FnOnce(&mut Vec<u8>)) {
        // Writing to memory cannot fail.
        serde_json::to_writer(&mut self.json, name).ok();
        self.json.push(b':');
        write_value(&mut self.json);
        self.json.push(b',');
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| self.json.get(start..end).unwrap_or_default())
    }
}

/// The rows of a micro-batch.
struct Batch<'c> {
    rows: RowReader<'c>,
    heads: Heads,
    /// The rows that are not stacked, ascending.
    errors: Vec<(usize, Error)>,
    /// The names of the rows that are stacked, if anybody wants to see them.
    names: Vec<Name>,
}

impl<'c> Batch<'c> {
    fn read<M: Model>(
        chunk: &Chunk<'c, M>,
        first_row: usize,
        lines: &mut Lines<impl BufRead>,
    ) -> Result<Self> {
        let rows = RowReader::new(&chunk.metadata.inputs, chunk.maps)?;
        let mut batch = Self { rows, heads: Heads::default(), errors: Vec::new(), names: Vec::new() };
        let mut n_bytes = 0;
        while batch.heads.ends.len() < chunk.micro_batch && n_bytes < chunk.config.micro_batch_bytes {
            let Some(line) = lines.next_line()? else { break };
            let row = first_row + batch.heads.ends.len();
            let error = match line {
                Line::Text(line) => {
                    n_bytes += line.len();
                    batch.read_row(chunk, row, line)
                }
                Line::TooLong { found } => Some(Error::BodyTooLarge { limit: chunk.config.row_bytes, found }),
            };
            batch.errors.extend(error.map(|error| (batch.heads.ends.len(), error)));
            batch.heads.ends.push(batch.heads.json.len());
        }
        Ok(batch)
    }

    /// Stacks a row, unless it has an error.
    fn read_row<M: Model>(&mut self, chunk: &Chunk<'c, M>, row: usize, line: &[u8]) -> Option<Error> {
        let key_name = chunk.parameters.key();
        let read = self.rows.read(line, |name| name == key_name || chunk.keeps_field(name));
        let key = read.fields.iter().find(|(name, _)| name == key_name);
        let mut name = Name::default();
        let key_error = match key.map(|(_, text)| read_key_text(text)) {
            Some(Ok(key)) => {
                self.heads.write(key_name, |json| write_key_text(json, &key));
                name = Name::of_key(&key);
                None
            }
            Some(Err(error)) => Some(error),
            None => chunk.parameters.key.as_ref().map(|_| tensor::Error::MissingKey { row }.into()),
        };
        for (name, text) in read.fields.iter().filter(|(name, _)| name != key_name) {
            self.heads.write(name, |json| json.extend_from_slice(text.as_bytes()));
        }
        if key_error.is_some() && read.error.is_none() {
            self.rows.take_back();
        }
        let error = read.error.or(key_error);
        if error.is_none() && chunk.watch.sight.is_open() {
            self.names.push(name);
        }
        error
    }
}

/// The lines that answer a micro-batch.
fn write(
    heads: &Heads,
    mut errors: Vec<(usize, Error)>,
    answered: Answered,
    first_row: usize,
    maps: &Maps,
) -> Result<Vec<u8>> {
    let n_stacked = heads.ends.len() - errors.len();
    let n_answered = n_stacked - answered.failed.len();
    merge(&mut errors, answered.failed);
    let mut outputs = RowWriter::new(&answered.outputs, n_answered)?.named(maps);
    let mut errors = errors.into_iter().peekable();
    let mut json = Vec::new();
    for (row, head) in heads.iter().enumerate() {
        json.push(b'{');
        json.extend_from_slice(head);
        match errors.next_if(|(bad_row, _)| *bad_row == row) {
            Some((_, error)) => write_row_error(&mut json, first_row + row, error),
            None => outputs.write_next(&mut json),
        }
        json.extend_from_slice(b"}\n");
    }
    Ok(json)
}

/// Adds the rows that failed to the `errors`; they are counted among the others.
fn merge(errors: &mut Vec<(usize, Error)>, failed: Vec<(usize, Error)>) {
    let mut shifted = Vec::with_capacity(failed.len());
    let mut unstacked = errors.iter().map(|(row, _)| *row).peekable();
    let mut n_before = 0;
    for (place, error) in failed {
        while unstacked.next_if(|row| *row <= place + n_before).is_some() {
            n_before += 1;
        }
        shifted.push((place + n_before, error));
    }
    errors.extend(shifted);
    errors.sort_unstable_by_key(|(row, _)| *row);
}
