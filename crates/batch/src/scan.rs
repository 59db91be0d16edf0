//! A chunk of a file as the table `input`: the file's columns, its partition's values, and the number of each row in the file.
//!
//! Text formats are read line by line, so that a line that cannot be read is one bad row and not the end of the file. It never enters
//! the table, where a query could drop it unseen: it goes straight to the chunk's list of bad rows.

mod arrow_file;
mod csv;
mod jsonl;
mod parquet;
mod text;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use object_store::ObjectStore;
use object_store::path::Path;

pub(crate) use self::arrow_file::read_footer;
pub(crate) use self::csv::read_header;
pub(crate) use self::jsonl::{infer_schema, kept_type};
pub(crate) use self::parquet::StoredFile;
pub(crate) use self::text::{Compression, Run, open as open_text, read_row, split_lines};
use crate::job::{Chunk, Format, InputFile};

/// The column with the number of a row in its file, from 0.
pub(crate) const ROW: &str = "__row";

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Its number in the file.
    pub(crate) row: u64,
    /// What is wrong.
    pub(crate) message: String,
}

/// The rows of a chunk that could not be read, as they are found.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnreadableRows(Arc<Mutex<Vec<Unreadable>>>);

impl UnreadableRows {
    pub(crate) fn push(&self, row: u64, message: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Unreadable { row, message });
    }

    /// Those found since the last call.
    pub(crate) fn take(&self) -> Vec<Unreadable> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A chunk and how it is read.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) path: Path,
    pub(crate) file: InputFile,
    pub(crate) format: Format,
    pub(crate) chunk: Chunk,
    /// The file's own columns.
    pub(crate) schema: SchemaRef,
    /// The most rows of a batch.
    pub(crate) batch_rows: usize,
    pub(crate) unreadable: UnreadableRows,
}

/// The columns of a table over files with these columns and partitions.
pub(crate) fn table_schema(file: &Schema, partition: &[(String, String)]) -> SchemaRef {
    let partition = partition.iter().map(|(name, _)| Arc::new(Field::new(name, DataType::Utf8, false)));
    let row = [Arc::new(Field::new(ROW, DataType::UInt64, false))];
    Arc::new(Schema::new(file.fields().iter().cloned().chain(partition).chain(row).collect::<Vec<_>>()))
}

impl Source {
    /// The batches of the chunk with these of the table's columns.
    fn open(&self, columns: SchemaRef) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&columns), 2);
        let sender = stream.tx();
        let of_file: Vec<String> = names_in(&columns, &self.schema);
        let form = Form { columns, file: self.file.clone() };
        let source = self.clone();
        stream.spawn(async move {
            let emit = Emitter { form, sender };
            match source.format {
                Format::Parquet => parquet::read(&source, &of_file, &emit).await,
                Format::Arrow => arrow_file::read(&source, &of_file, &emit).await,
                Format::Csv => text::read(&source, of_file, emit, csv::read).await,
                Format::Jsonl => text::read(&source, of_file, emit, jsonl::read).await,
            }
        });
        stream.build()
    }
}

fn names_in(columns: &Schema, file: &Schema) -> Vec<String> {
    let names = columns.fields().iter().map(|field| field.name());
    names.filter(|name| file.field_with_name(name).is_ok()).cloned().collect()
}

/// The columns of a batch beside those that the file has.
#[derive(Clone, Debug)]
struct Form {
    columns: SchemaRef,
    file: InputFile,
}

impl Form {
    /// The batch with the rows' numbers and the partition's values, in the order of the table.
    fn complete(&self, batch: &RecordBatch, rows: UInt64Array) -> Result<RecordBatch> {
        let rows: ArrayRef = Arc::new(rows);
        let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
            Some(column) => Ok(Arc::clone(column)),
            None if field.name() == ROW => Ok(Arc::clone(&rows)),
            None => self.partition_value(field.name(), batch.num_rows()),
        };
        let columns = self.columns.fields().iter().map(column).collect::<Result<_>>()?;
        let options =
            datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.columns), columns, &options)?)
    }

    fn partition_value(&self, name: &str, n_rows: usize) -> Result<ArrayRef> {
        let value = self.file.partition.iter().find(|(partition, _)| partition == name);
        let (_, value) = value.ok_or_else(|| {
            DataFusionError::Execution(format!("`{}` has no column `{name}`", self.file.uri))
        })?;
        Ok(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, n_rows))))
    }
}

/// Where a reader's batches go.
#[derive(Clone)]
struct Emitter {
    form: Form,
    sender: tokio::sync::mpsc::Sender<Result<RecordBatch>>,
}

impl Emitter {
    /// Whether anybody still takes batches.
    async fn emit(&self, batch: &RecordBatch, rows: UInt64Array) -> Result<bool> {
        let batch = self.form.complete(batch, rows)?;
        Ok(self.sender.send(Ok(batch)).await.is_ok())
    }

    /// The same on a thread that may wait.
    fn emit_blocking(&self, batch: &RecordBatch, rows: UInt64Array) -> Result<bool> {
        let batch = self.form.complete(batch, rows)?;
        Ok(self.sender.blocking_send(Ok(batch)).is_ok())
    }
}

/// The chunk as a table.
#[derive(Debug)]
pub(crate) struct ChunkTable {
    schema: SchemaRef,
    source: Source,
}

impl ChunkTable {
    pub(crate) fn new(source: Source) -> Self {
        Self { schema: table_schema(&source.schema, &source.file.partition), source }
    }
}

#[async_trait]
impl TableProvider for ChunkTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        let partition = Arc::new(Reading { source: self.source.clone(), schema: Arc::clone(&schema) });
        let plan = StreamingTableExec::try_new(schema, vec![partition], None, None, false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// The one partition of the table.
struct Reading {
    source: Source,
    schema: SchemaRef,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("file", &self.source.file.uri)
            .field("chunk", &self.source.chunk)
            .finish()
    }
}

impl PartitionStream for Reading {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        self.source.open(Arc::clone(&self.schema))
    }
}

/// The numbers of the next `n_rows` rows.
fn row_numbers(first: u64, n_rows: usize) -> UInt64Array {
    UInt64Array::from_iter_values(first..first + n_rows as u64)
}
