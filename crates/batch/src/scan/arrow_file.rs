//! Record batches of a file in Arrow's file format, block by block.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::convert::fb_to_schema;
use datafusion::arrow::ipc::reader::{FileDecoder, read_footer_length};
use datafusion::arrow::ipc::{Block, root_as_footer};
use datafusion::common::{DataFusionError, Result};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::{Emitter, Source, row_numbers};

/// The end of a file: the footer's length and the magic bytes.
const TRAILER_BYTES: u64 = 10;

/// What a file says of itself at its end.
pub(crate) struct Footer {
    pub(crate) schema: SchemaRef,
    dictionaries: Vec<Block>,
    pub(crate) batches: Vec<Block>,
}

/// Reads the footer of a file of `size` bytes.
///
/// # Errors
/// If the store fails, or if the file is no Arrow file.
pub(crate) async fn read_footer(store: &dyn ObjectStore, path: &Path, size: u64) -> Result<Footer> {
    let wrong = |what: String| DataFusionError::Execution(format!("`{path}` is no Arrow file: {what}"));
    let start = size.checked_sub(TRAILER_BYTES).ok_or_else(|| wrong(format!("{size} bytes")))?;
    let trailer = store.get_range(path, start..size).await?;
    let trailer: [u8; 10] = trailer.as_ref().try_into().map_err(|_| wrong("no trailer".to_owned()))?;
    let length = read_footer_length(trailer)? as u64;
    let footer_start =
        start.checked_sub(length).ok_or_else(|| wrong("a footer longer than it".to_owned()))?;
    let footer = store.get_range(path, footer_start..start).await?;
    let footer = root_as_footer(&footer).map_err(|error| wrong(error.to_string()))?;
    let schema = footer.schema().ok_or_else(|| wrong("no schema".to_owned()))?;
    Ok(Footer {
        schema: Arc::new(fb_to_schema(schema)),
        dictionaries: footer.dictionaries().iter().flatten().copied().collect(),
        batches: footer.recordBatches().iter().flatten().copied().collect(),
    })
}

pub(super) async fn read(source: &Source, columns: &[String], emit: &Emitter) -> Result<()> {
    let footer = read_footer(&source.store, &source.path, source.file.size).await?;
    let mut decoder = FileDecoder::new(Arc::clone(&footer.schema), Default::default());
    for block in &footer.dictionaries {
        decoder.read_dictionary(block, &fetch(source, block).await?)?;
    }
    let mut row = source.chunk.first_row;
    let blocks = footer.batches.iter().enumerate();
    let is_ours = |idx: usize| (source.chunk.start..source.chunk.end).contains(&(idx as u64));
    for (_, block) in blocks.filter(|(idx, _)| is_ours(*idx)) {
        let Some(batch) = decoder.read_record_batch(block, &fetch(source, block).await?)? else { continue };
        if !emit_slices(source, &selected(&batch, columns)?, &mut row, emit).await? {
            break;
        }
    }
    Ok(())
}

async fn emit_slices(source: &Source, batch: &RecordBatch, row: &mut u64, emit: &Emitter) -> Result<bool> {
    for start in (0..batch.num_rows()).step_by(source.batch_rows.max(1)) {
        let slice = batch.slice(start, source.batch_rows.min(batch.num_rows() - start));
        if !emit.emit(&slice, row_numbers(*row, slice.num_rows())).await? {
            return Ok(false);
        }
        *row += slice.num_rows() as u64;
    }
    Ok(true)
}

fn selected(batch: &RecordBatch, columns: &[String]) -> Result<RecordBatch> {
    let indexes = columns.iter().map(|name| batch.schema().index_of(name)).collect::<Result<Vec<_>, _>>()?;
    Ok(batch.project(&indexes)?)
}

async fn fetch(source: &Source, block: &Block) -> Result<Buffer> {
    let wrong = || DataFusionError::Execution(format!("`{}` has a block out of range", source.file.uri));
    let start = u64::try_from(block.offset()).map_err(|_| wrong())?;
    let length = u64::try_from(block.bodyLength()).map_err(|_| wrong())?;
    let header = u64::try_from(block.metaDataLength()).map_err(|_| wrong())?;
    let bytes: Bytes = source.store.get_range(&source.path, start..start + header + length).await?;
    Ok(Buffer::from(bytes))
}
