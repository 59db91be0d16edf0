//! A stream of messages: a schema, then dictionaries and record batches, then the end-of-stream marker.
//!
//! Source: Arrow columnar format, "IPC Streaming Format", <https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format>.

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::{Message, MessageHeader, MetadataVersion, root_as_message};
use arrow_schema::{Schema, SchemaRef};

use super::super::error::{Error, Result};
use super::super::read_error;
use super::malformed;
use super::message::{Columns, dictionary};
use super::schema::{Dictionaries, read_schema};

/// What stands before the length of a message.
const CONTINUATION: u32 = 0xFFFF_FFFF;

/// The longest head of a message.
const MAX_HEAD_BYTES: usize = 16 << 20;

/// A stream whose schema has been read.
pub(super) struct Stream<R> {
    reader: R,
    schema: SchemaRef,
    dictionary_types: Dictionaries,
    dictionaries: HashMap<i64, ArrayRef>,
    // Invariant: what the buffers of each dictionary take.
    dictionary_bytes: HashMap<i64, usize>,
    max_bytes: usize,
}

impl<R: BufRead> Stream<R> {
    /// Reads the schema of a stream whose messages have at most `max_bytes`.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::BrokenOff`].
    pub(super) fn open(mut reader: R, max_bytes: usize) -> Result<Self> {
        let head = read_head(&mut reader)?.ok_or_else(|| malformed("expected a schema, found the end"))?;
        let message = parse(&head)?;
        let schema = message.header_as_schema().ok_or_else(|| malformed("expected a schema first"))?;
        let (schema, dictionary_types) = read_schema(schema)?;
        read_body(&mut reader, &message, max_bytes)?;
        Ok(Self {
            reader,
            schema: Arc::new(schema),
            dictionary_types,
            dictionaries: HashMap::new(),
            dictionary_bytes: HashMap::new(),
            max_bytes,
        })
    }

    /// The columns.
    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The next record batch; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::BrokenOff`].
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(head) = read_head(&mut self.reader)? {
            let message = parse(&head)?;
            let body = read_body(&mut self.reader, &message, self.max_bytes)?;
            match message.header_type() {
                MessageHeader::DictionaryBatch => self.keep_dictionary(&message, body)?,
                MessageHeader::RecordBatch => return self.batch(&message, body).map(Some),
                _ => return Err(malformed("expected a record batch or a dictionary")),
            }
        }
        Ok(None)
    }

    fn batch(&self, message: &Message<'_>, body: Buffer) -> Result<RecordBatch> {
        let batch = message.header_as_record_batch().ok_or_else(|| malformed("expected a record batch"))?;
        Columns::new(batch, body, &self.dictionaries)?.record_batch(&self.schema)
    }

    fn keep_dictionary(&mut self, message: &Message<'_>, body: Buffer) -> Result<()> {
        let batch = message.header_as_dictionary_batch().ok_or_else(|| malformed("expected a dictionary"))?;
        let values =
            self.dictionary_types.get(&batch.id()).ok_or_else(|| malformed("a dictionary of no column"))?;
        self.dictionary_bytes.insert(batch.id(), body.len());
        if self.dictionary_bytes.values().fold(0, |sum: usize, &n_bytes| sum.saturating_add(n_bytes))
            > self.max_bytes
        {
            return Err(too_large(self.max_bytes, body.len()));
        }
        let array = dictionary(batch, body, values, &self.dictionaries)?;
        self.dictionaries.insert(batch.id(), array);
        Ok(())
    }
}

/// The head of the next message; `None` at the end-of-stream marker.
fn read_head(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let length = match read_word(reader)? {
        CONTINUATION => read_word(reader)?,
        length => length,
    };
    if length == 0 {
        return Ok(None);
    }
    let length = usize::try_from(length).ok().filter(|&length| length <= MAX_HEAD_BYTES);
    let length = length.ok_or_else(|| malformed("a message whose head is too long"))?;
    read_exactly(reader, length).map(Some)
}

fn read_word(reader: &mut impl BufRead) -> Result<u32> {
    let mut word = [0; 4];
    reader.read_exact(&mut word).map_err(read_error)?;
    Ok(u32::from_le_bytes(word))
}

/// Reads what a length promises, which may be more than there is.
fn read_exactly(reader: &mut impl BufRead, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.len() == length {
        return Ok(bytes);
    }
    Err(Error::BrokenOff {
        reason: format!("expected `{length}` bytes of a message, found `{}`", bytes.len()),
    })
}

fn parse(head: &[u8]) -> Result<Message<'_>> {
    let message = root_as_message(head).map_err(|error| malformed(error.to_string()))?;
    match message.version() {
        MetadataVersion::V4 | MetadataVersion::V5 => Ok(message),
        version => Err(malformed(format!("expected metadata of version 4 or 5, found {version:?}"))),
    }
}

fn read_body(reader: &mut impl BufRead, message: &Message<'_>, max_bytes: usize) -> Result<Buffer> {
    let length =
        usize::try_from(message.bodyLength()).map_err(|_| malformed("a message of negative length"))?;
    if length > max_bytes {
        return Err(too_large(max_bytes, length));
    }
    read_exactly(reader, length).map(Buffer::from_vec)
}

fn too_large(limit: usize, found: usize) -> Error {
    protocol::Error::BodyTooLarge { limit, found }.into()
}
