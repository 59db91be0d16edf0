//! One file: its columns, and where it is cut.

use std::io::{BufRead, BufReader};
use std::sync::Arc;

use columns::Problem;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::ipc::root_as_message;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use object_store::ObjectStoreExt as _;

use crate::inputs::Found;
use crate::job::{Chunk, Format};
use crate::scan::{
    Compression, StoredFile, infer_schema, open_text, read_footer, read_header, read_row, split_lines,
};
use crate::{Error, Result};

/// How many lines tell what the columns of a JSONL file are.
const SAMPLED_LINES: usize = 1000;

/// The chunks of a file, and what is wrong with it.
pub(super) struct Cut {
    pub(super) chunks: Vec<Chunk>,
    pub(super) problems: Vec<Problem>,
}

/// The columns of a file.
///
/// # Errors
/// [`Error::Unreadable`], or what the store says.
pub(crate) async fn schema_of(found: &Found, format: Format) -> Result<SchemaRef> {
    match format {
        Format::Parquet => Ok(Arc::clone(parquet_metadata(found).await?.schema())),
        Format::Arrow => Ok(read_footer(found.store.as_ref(), &found.path, found.file.size).await?.schema),
        Format::Csv => {
            text_schema(found, |lines| {
                let mut header = Vec::new();
                read_row(lines, &mut header, true).map_err(|error| error.to_string())?;
                read_header(&header)
            })
            .await
        }
        Format::Jsonl => text_schema(found, |lines| infer_schema(lines, SAMPLED_LINES)).await,
    }
}

/// Cuts a file that should have these columns.
///
/// # Errors
/// [`Error::Unreadable`], or what the store says.
pub(super) async fn cut(found: &Found, format: Format, expected: &SchemaRef, chunk_rows: u64) -> Result<Cut> {
    match format {
        Format::Parquet => {
            let metadata = parquet_metadata(found).await?;
            let groups = metadata.metadata().row_groups().iter().map(|group| count(group.num_rows()));
            let chunks = grouped(groups, chunk_rows);
            Ok(Cut { chunks, problems: differences(&found.file.uri, expected, metadata.schema()) })
        }
        Format::Arrow => {
            let footer = read_footer(found.store.as_ref(), &found.path, found.file.size).await?;
            let mut rows = Vec::new();
            for block in &footer.batches {
                rows.push(rows_of_batch(found, block).await?);
            }
            let problems = differences(&found.file.uri, expected, &footer.schema);
            Ok(Cut { chunks: grouped(rows.into_iter(), chunk_rows), problems })
        }
        Format::Csv | Format::Jsonl => {
            let problems = match format {
                Format::Csv => differences(&found.file.uri, expected, &*schema_of(found, format).await?),
                _ => Vec::new(),
            };
            Ok(Cut { chunks: text_chunks(found, format, chunk_rows).await?, problems })
        }
    }
}

/// Whole groups, as many as make up a chunk.
fn grouped(rows: impl Iterator<Item = u64>, chunk_rows: u64) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut first_row = 0;
    for (idx, n_rows) in rows.enumerate() {
        let idx = idx as u64;
        match chunks.last_mut() {
            Some(chunk) if chunk.n_rows.is_some_and(|so_far| so_far + n_rows <= chunk_rows) => {
                chunk.end = idx + 1;
                chunk.n_rows = chunk.n_rows.map(|so_far| so_far + n_rows);
            }
            _ => chunks.push(Chunk { file: 0, start: idx, end: idx + 1, first_row, n_rows: Some(n_rows) }),
        }
        first_row += n_rows;
    }
    chunks
}

async fn text_chunks(found: &Found, format: Format, chunk_rows: u64) -> Result<Vec<Chunk>> {
    if Compression::of(&found.file.uri) != Compression::None {
        return Ok(vec![Chunk { file: 0, start: 0, end: found.file.size, first_row: 0, n_rows: None }]);
    }
    let is_csv = format == Format::Csv;
    let runs = on_lines(found, move |lines| {
        let mut header = Vec::new();
        if is_csv {
            read_row(lines, &mut header, true)?;
        }
        split_lines(lines, header.len() as u64, chunk_rows.max(1), is_csv)
    });
    let runs = runs.await?.map_err(|error| unreadable(found, &error))?;
    let mut first_row = 0;
    let chunk = |run: crate::scan::Run| {
        let chunk = Chunk { file: 0, start: run.start, end: run.end, first_row, n_rows: Some(run.n_rows) };
        first_row += run.n_rows;
        chunk
    };
    Ok(runs.into_iter().map(chunk).collect())
}

async fn text_schema(
    found: &Found,
    read: impl FnOnce(&mut dyn BufRead) -> Result<Schema, String> + Send + 'static,
) -> Result<SchemaRef> {
    let schema = on_lines(found, read).await?;
    schema.map(Arc::new).map_err(|reason| unreadable(found, &reason))
}

/// What `read` makes of the file's lines, on a thread that may wait.
async fn on_lines<T: Send + 'static>(
    found: &Found,
    read: impl FnOnce(&mut dyn BufRead) -> T + Send + 'static,
) -> Result<T> {
    let bytes = open_text(found.store.as_ref(), &found.path, None).await?;
    let compression = Compression::of(&found.file.uri);
    let work = move || compression.undo(bytes).map(|mut lines| read(&mut BufReader::new(&mut *lines)));
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| unreadable(found, &error))?;
    done.map_err(|error| unreadable(found, &error))
}

async fn parquet_metadata(found: &Found) -> Result<ArrowReaderMetadata> {
    let (store, path) = (Arc::clone(&found.store), found.path.clone());
    let mut reader = StoredFile { store, path, size: found.file.size };
    let metadata = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::default()).await;
    metadata.map_err(|error| unreadable(found, &error))
}

async fn rows_of_batch(found: &Found, block: &datafusion::arrow::ipc::Block) -> Result<u64> {
    let wrong = |reason: &str| unreadable(found, &reason);
    let start = u64::try_from(block.offset()).map_err(|_| wrong("a block out of range"))?;
    let length = u64::try_from(block.metaDataLength()).map_err(|_| wrong("a block out of range"))?;
    let bytes = found.store.get_range(&found.path, start..start + length).await?;
    // The message follows a marker and its own length, 4 bytes each.
    let message = bytes.get(8..).ok_or_else(|| wrong("a block without a message"))?;
    let message = root_as_message(message).map_err(|error| unreadable(found, &error))?;
    let batch = message.header_as_record_batch().ok_or_else(|| wrong("a block that is no record batch"))?;
    Ok(count(batch.length()))
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Columns of which the first file and this one say different things.
fn differences(uri: &str, expected: &Schema, found: &Schema) -> Vec<Problem> {
    let mut problems = Vec::new();
    for field in expected.fields() {
        let expectation = format!("{} in `{uri}`, as in the first file", field.data_type());
        match found.field_with_name(field.name()) {
            Err(_) => problems.push(Problem::new(field.name(), &expectation, "no such column")),
            Ok(other) if other.data_type() != field.data_type() => {
                problems.push(Problem::new(field.name(), &expectation, &other.data_type().to_string()));
            }
            Ok(_) => {}
        }
    }
    problems
}

fn unreadable(found: &Found, reason: &dyn std::fmt::Display) -> Error {
    Error::Unreadable { uri: found.file.uri.clone(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_whole_groups() {
        let chunks = grouped([3, 3, 10, 1, 1].into_iter(), 6);
        let found: Vec<_> =
            chunks.iter().map(|chunk| (chunk.start, chunk.end, chunk.first_row, chunk.n_rows)).collect();
        assert_eq!(found, [(0, 2, 0, Some(6)), (2, 3, 6, Some(10)), (3, 5, 16, Some(2))]);
        assert!(grouped(std::iter::empty(), 6).is_empty());
    }
}
