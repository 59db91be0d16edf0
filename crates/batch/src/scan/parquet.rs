//! Row groups of a Parquet file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::{Emitter, Source, row_numbers};

/// A file of a store, read range by range.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) path: Path,
    pub(crate) size: u64,
}

impl AsyncFileReader for StoredFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.store.get_range(&self.path, range).map(|bytes| bytes.map_err(external)).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            ParquetMetaDataReader::new().load_and_finish(self, size).await.map(Arc::new)
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

pub(super) async fn read(source: &Source, columns: &[String], emit: &Emitter) -> Result<()> {
    let (store, path) = (Arc::clone(&source.store), source.path.clone());
    let reader = StoredFile { store, path, size: source.file.size };
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().map(String::as_str));
    let groups = index(source.chunk.start)?..index(source.chunk.end)?;
    let mut batches = builder
        .with_projection(mask)
        .with_row_groups(groups.collect())
        .with_batch_size(source.batch_rows)
        .build()?;
    let mut row = source.chunk.first_row;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        if !emit.emit(&batch, row_numbers(row, batch.num_rows())).await? {
            break;
        }
        row += batch.num_rows() as u64;
    }
    Ok(())
}

fn index(number: u64) -> Result<usize> {
    usize::try_from(number)
        .map_err(|_| DataFusionError::Execution(format!("row group {number} is out of range")))
}
