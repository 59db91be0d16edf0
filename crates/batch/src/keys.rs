//! The keys of a job, all of them, read before anything is predicted: which repeat, and how many rows have none. Memory is bounded
//! however many keys there are; what exceeds it waits in temporary files. What follows from it is the caller's decision.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, UInt64Type};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::{Column, DataFusionError};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, lit};
use futures::{Stream, StreamExt as _, TryStreamExt as _};

use crate::dataset::Dataset;
use crate::scan::{ROW, Source};
use crate::{Error, Result, chunk};

/// How much memory the keys may take before they go to temporary files.
const MEMORY_BYTES: usize = 256 << 20;

/// The rows of a batch of keys.
const BATCH_ROWS: usize = 8192;

/// How many keys that repeat are named.
const N_NAMED: usize = 5;

const KEY: &str = "key";
const PLACE: &str = "place";
const N_ROWS: &str = "n_rows";
const FIRST: &str = "first";
const LAST: &str = "last";

/// What the keys of a job are like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The rows that can be read.
    pub rows: u64,
    /// Those of them without a key.
    pub missing: u64,
    /// The rows that cannot be read; nobody knows their keys.
    pub unreadable: u64,
    /// The keys that stand in more than one row.
    pub repeated: u64,
    /// The rows in which these stand.
    pub repeated_rows: u64,
    /// Some of them, as the input has them.
    pub named: Vec<RepeatedKey>,
}

/// A key that stands in more than one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedKey {
    /// The key.
    pub key: String,
    /// In how many rows.
    pub rows: u64,
    /// The first of these.
    pub first: Place,
    /// The last of these.
    pub last: Place,
}

/// A row of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its number in the file, from 0.
    pub row: u64,
}

impl fmt::Display for RepeatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, rows, first, last } = self;
        write!(f, "`{key}` in {rows} rows, from row {} of `{}`", first.row, first.file)?;
        write!(f, " to row {} of `{}`", last.row, last.file)
    }
}

impl Keys {
    /// Checks that no key stands in more than one row.
    ///
    /// # Errors
    /// [`Error::RepeatedKeys`].
    pub fn check_each_once(&self) -> Result<()> {
        if self.repeated == 0 {
            return Ok(());
        }
        let (keys, rows) = (self.repeated, self.repeated_rows);
        Err(Error::RepeatedKeys { keys, rows, named: self.named.iter().map(ToString::to_string).collect() })
    }
}

impl Dataset {
    /// Reads all keys of the job, by so many threads.
    ///
    /// # Errors
    /// [`Error::Query`]; what the stores say.
    pub(crate) async fn keys(&self, n_threads: usize) -> Result<Keys> {
        let read = Arc::new(Counts::default());
        let frame = self.repeated_keys(n_threads.max(1), &read).await?;
        let mut keys = Keys::default();
        let mut named: Vec<(u64, u64, String, u64)> = Vec::new();
        let mut batches = frame.execute_stream().await?;
        while let Some(batch) = batches.next().await {
            let repeated = repeated(&batch?)?;
            keys.repeated += repeated.len() as u64;
            keys.repeated_rows += repeated.iter().map(|(.., rows)| rows).sum::<u64>();
            named.extend(repeated);
            named.sort_unstable();
            named.truncate(N_NAMED);
        }
        let key = |(first, last, key, rows)| {
            Ok::<_, Error>(RepeatedKey { key, rows, first: self.place(first)?, last: self.place(last)? })
        };
        keys.named = named.into_iter().map(key).collect::<Result<_>>()?;
        let Counts { rows, missing, unreadable } = &*read;
        [keys.rows, keys.missing, keys.unreadable] =
            [rows, missing, unreadable].map(|count| count.load(Ordering::Relaxed));
        Ok(keys)
    }

    /// The keys that stand in more than one row, with how many and between which.
    async fn repeated_keys(&self, n_threads: usize, read: &Arc<Counts>) -> Result<DataFrame> {
        let schema = self.key_schema().await?;
        let n_partitions = n_threads.min(self.job.chunks.len()).max(1);
        let partitions = (0..n_partitions).map(|first| {
            let chunks = (first..self.job.chunks.len()).step_by(n_partitions);
            let sources = chunks.filter_map(|chunk| self.key_source(chunk)).collect();
            let (key, sql) = (self.job.rows.key.clone(), self.job.rows.sql.clone());
            Arc::new(KeysOfChunks { schema: Arc::clone(&schema), sources, key, sql, read: Arc::clone(read) })
                as _
        });
        let table = StreamingTable::try_new(Arc::clone(&schema), partitions.collect())?;
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(MEMORY_BYTES)));
        let config = SessionConfig::new().with_target_partitions(n_threads).with_batch_size(BATCH_ROWS);
        let context = SessionContext::new_with_config_rt(config, runtime.build_arc()?);
        let counted =
            [count(lit(1)).alias(N_ROWS), min(column(PLACE)).alias(FIRST), max(column(PLACE)).alias(LAST)];
        Ok(context
            .read_table(Arc::new(table))?
            .filter(column(KEY).is_not_null())?
            .aggregate(vec![column(KEY)], counted.to_vec())?
            .filter(column(N_ROWS).gt(lit(1_i64)))?)
    }

    async fn key_schema(&self) -> Result<SchemaRef> {
        let source = self.key_source(0).ok_or(Error::NoInput)?.source;
        let frame = chunk::read(&chunk::context(BATCH_ROWS), source, self.job.rows.sql.as_deref()).await?;
        let key = frame.schema().as_arrow().field_with_name(&self.job.rows.key)?.data_type().clone();
        Ok(Arc::new(Schema::new(vec![
            Field::new(KEY, key, true),
            Field::new(PLACE, DataType::UInt64, false),
        ])))
    }

    fn key_source(&self, chunk: usize) -> Option<KeySource> {
        let (chunk, found) = self.chunk(chunk).ok()?;
        let first_place = (chunk.file as u64) << ROW_BITS;
        Some(KeySource { source: self.source(found, chunk, BATCH_ROWS), first_place })
    }

    fn place(&self, place: u64) -> Result<Place> {
        let file = usize::try_from(place >> ROW_BITS).ok().and_then(|file| self.job.files.get(file));
        let file = file.ok_or(Error::Internal("no such file"))?.uri.clone();
        Ok(Place { file, row: place & ((1 << ROW_BITS) - 1) })
    }
}

/// A place is the number of a file and that of a row in it, in one number that has the order of the input.
const ROW_BITS: u32 = 40;

/// What has been seen while keys were read.
#[derive(Debug, Default)]
struct Counts {
    rows: AtomicU64,
    missing: AtomicU64,
    unreadable: AtomicU64,
}

#[derive(Clone, Debug)]
struct KeySource {
    source: Source,
    /// The place of row 0 of its file.
    first_place: u64,
}

/// The keys of some of the chunks, one after the other.
#[derive(Debug)]
struct KeysOfChunks {
    schema: SchemaRef,
    sources: Vec<KeySource>,
    key: String,
    sql: Option<String>,
    read: Arc<Counts>,
}

impl PartitionStream for KeysOfChunks {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (key, sql, read) = (self.key.clone(), self.sql.clone(), Arc::clone(&self.read));
        let open = move |source: KeySource| keys_of(source, key.clone(), sql.clone(), Arc::clone(&read));
        let keys = futures::stream::iter(self.sources.clone()).then(open).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), keys))
    }
}

async fn keys_of(
    source: KeySource,
    key: String,
    sql: Option<String>,
    read: Arc<Counts>,
) -> Result<impl Stream<Item = Result<RecordBatch, DataFusionError>>, DataFusionError> {
    let unreadable = source.source.unreadable.clone();
    let frame = chunk::read(&chunk::context(BATCH_ROWS), source.source, sql.as_deref()).await;
    let frame = frame.map_err(|error| DataFusionError::External(Box::new(error)))?;
    let place = (column(ROW) + lit(source.first_place)).alias(PLACE);
    let batches = frame.select(vec![column(&key).alias(KEY), place])?.execute_stream().await?;
    let end = unreadable.clone();
    let at_end = Arc::clone(&read);
    let count_end = futures::stream::once(async move {
        at_end.unreadable.fetch_add(end.take().len() as u64, Ordering::Relaxed);
    });
    let counted = batches.inspect_ok(move |batch| {
        let missing = batch.column_by_name(KEY).map_or(0, |keys| keys.logical_null_count());
        read.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        read.missing.fetch_add(missing as u64, Ordering::Relaxed);
        read.unreadable.fetch_add(unreadable.take().len() as u64, Ordering::Relaxed);
    });
    Ok(counted.map(Some).chain(count_end.map(|()| None)).filter_map(std::future::ready))
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// The keys of a batch that stand in more than one row: the first place, the last, the key, how many rows.
fn repeated(batch: &RecordBatch) -> Result<Vec<(u64, u64, String, u64)>> {
    let column = |name| batch.column_by_name(name).ok_or_else(|| Error::internal("a column is gone"));
    let number = |name| column(name)?.as_primitive_opt::<UInt64Type>().ok_or_else(not_numbers);
    let (keys, first, last) = (column(KEY)?, number(FIRST)?, number(LAST)?);
    let rows = column(N_ROWS)?.as_primitive_opt::<Int64Type>().ok_or_else(not_numbers)?;
    let row = |row: usize| {
        let key = array_value_to_string(keys, row)?;
        Ok((first.value(row), last.value(row), key, rows.value(row).unsigned_abs()))
    };
    (0..batch.num_rows()).map(row).collect()
}

fn not_numbers() -> Error {
    Error::internal("places are no numbers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stores;
    use crate::job::{Chunk, FORM, Format, Job, ModelRef, Rows};

    /// Lines of as many bytes as the longest, with these keys.
    fn lines(keys: &[&str]) -> String {
        keys.iter().map(|key| format!("{{\"id\":{key:>6}}}\n")).collect()
    }

    const LINE_BYTES: u64 = 14;

    /// Files of these keys in chunks of two rows each.
    #[expect(clippy::disallowed_methods, reason = "files to be read")]
    async fn dataset(folder: &tempfile::TempDir, files: &[&[&str]], sql: Option<&str>) -> Dataset {
        let mut chunks = Vec::new();
        for (file, keys) in files.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{file}.jsonl")), lines(keys)).unwrap();
            let n_rows = keys.len() as u64;
            chunks.extend((0..n_rows).step_by(2).map(|first_row| {
                let end = n_rows.min(first_row + 2);
                let n_rows = Some(end - first_row);
                Chunk { file, start: first_row * LINE_BYTES, end: end * LINE_BYTES, first_row, n_rows }
            }));
        }
        let stores = Stores::new([]);
        let found = stores.find(&[folder.path().to_str().unwrap()]).await.unwrap();
        let rows = Rows {
            key: "id".to_owned(),
            features: Vec::new(),
            keep: Vec::new(),
            sql: sql.map(str::to_owned),
            micro_batch: 1,
        };
        let text = String::new;
        let job = Job {
            form: FORM,
            id: text(),
            model: ModelRef { name: text(), version: text(), uri: text(), sha256: text() },
            rows,
            input_format: Format::Jsonl,
            output_format: Format::Jsonl,
            files: found.into_iter().map(|found| found.file).collect(),
            chunks,
        };
        Dataset::open(&stores, Arc::new(job)).await.unwrap()
    }

    fn named(keys: &Keys) -> Vec<(&str, u64, char, u64, char, u64)> {
        let file = |place: &Place| place.file.chars().rev().nth("jsonl.".len()).unwrap();
        let named = keys.named.iter();
        named
            .map(|it| (it.key.as_str(), it.rows, file(&it.first), it.first.row, file(&it.last), it.last.row))
            .collect()
    }

    #[tokio::test]
    async fn keys_that_repeat_are_told_with_their_rows_over_chunks_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let files: [&[&str]; 2] = [&["5", "6", "7", "null", "5"], &["8", "null", "6", "5", "x"]];
        let data = dataset(&folder, &files, None).await;
        for n_threads in [1, 2, 9] {
            let keys = data.keys(n_threads).await.unwrap();
            assert_eq!((keys.rows, keys.missing, keys.unreadable), (9, 2, 1));
            assert_eq!((keys.repeated, keys.repeated_rows), (2, 5));
            assert_eq!(named(&keys), [("5", 3, '0', 0, '1', 3), ("6", 2, '0', 1, '1', 2)]);
            let Err(Error::RepeatedKeys { keys: 2, rows: 5, named }) = keys.check_each_once() else {
                panic!()
            };
            assert!(named[0].starts_with("`5` in 3 rows, from row 0 of `"), "{named:?}");
        }
    }

    #[tokio::test]
    async fn the_key_is_that_of_the_query() {
        let folder = tempfile::tempdir().unwrap();
        let files: [&[&str]; 2] = [&["5", "6", "17"], &["5"]];
        let data = dataset(&folder, &files, Some("SELECT id % 10 AS id FROM input WHERE id > 5")).await;
        let keys = data.keys(1).await.unwrap();
        assert_eq!((keys.rows, keys.missing, keys.repeated), (2, 0, 0));
        keys.check_each_once().unwrap();
        let data = dataset(&folder, &files, Some("SELECT id % 11 AS id FROM input WHERE id > 5")).await;
        let keys = data.keys(2).await.unwrap();
        assert_eq!((named(&keys), keys.rows), (vec![("6", 2, '0', 1, '0', 2)], 2));
    }

    #[tokio::test]
    async fn only_some_of_many_keys_are_named_and_all_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<String> = (0..40).map(|key| (key % 20).to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let keys = dataset(&folder, &[&keys], None).await.keys(2).await.unwrap();
        assert_eq!((keys.rows, keys.repeated, keys.repeated_rows, keys.named.len()), (40, 20, 40, N_NAMED));
        assert_eq!(named(&keys)[4], ("4", 2, '0', 4, '0', 24));
    }
}
