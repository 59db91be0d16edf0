//! Files as one table: what columns they have, and the answer of a query over them. For looking at data, not for jobs: nothing is pinned.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, AsArray as _};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::arrow::ArrowFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::json::JsonFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::context::SessionContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::SessionConfig;
use futures::stream::{BoxStream, StreamExt as _};

use crate::plan::format_of;
use crate::scan::Compression;
use crate::sql::read_only;
use crate::{Error, Format, Found, RecordBatch, Result, Stores};

/// The name of the table in queries.
pub const TABLE: &str = "input";

/// Files that are read as one table.
pub struct Table {
    context: SessionContext,
}

/// A column of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileColumn {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// Texts, truth values and whatever else has names only.
    Text,
    /// Lists of numbers, the first of which has so many.
    Numbers(usize),
    /// Something else.
    Other,
}

impl Table {
    /// The files that `uris` name, all in one format. Rows come in the order of the files.
    ///
    /// # Errors
    /// [`Error::NoInput`], [`Error::UnknownFormat`]; what the stores say.
    pub async fn open<U: AsRef<str>>(uris: &[U], stores: &Stores) -> Result<Self> {
        let files = stores.find(uris).await?;
        let first = files.first().ok_or(Error::NoInput)?;
        let format = format_of(&first.file.uri);
        let format = format.ok_or_else(|| Error::UnknownFormat { uri: first.file.uri.clone() })?;
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        register_stores(&context, &files)?;
        let urls = files.iter().map(|found| ListingTableUrl::parse(&found.file.uri));
        let urls = urls.collect::<std::result::Result<Vec<_>, _>>()?;
        let first_url = urls.first().ok_or(Error::NoInput)?;
        let options = ListingOptions::new(reader(format, &first.file.uri)).with_file_extension("");
        let schema = options.infer_schema(&context.state(), first_url).await?;
        let config =
            ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
        context.register_table(TABLE, Arc::new(ListingTable::try_new(config)?))?;
        Ok(Self { context })
    }

    /// The columns of the files.
    ///
    /// # Errors
    /// What the stores say.
    pub async fn columns(&self) -> Result<Vec<FileColumn>> {
        let schema = self.context.table(TABLE).await?.schema().clone();
        let mut columns = Vec::new();
        for field in schema.fields() {
            let kind = match field.data_type() {
                DataType::FixedSizeList(item, len) if item.data_type().is_numeric() => {
                    ColumnKind::Numbers(usize::try_from(*len).unwrap_or_default())
                }
                DataType::List(item) | DataType::LargeList(item) if item.data_type().is_numeric() => {
                    ColumnKind::Numbers(self.first_length(field.name()).await?)
                }
                datatype if datatype.is_numeric() => ColumnKind::Number,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => {
                    ColumnKind::Text
                }
                _ => ColumnKind::Other,
            };
            columns.push(FileColumn { name: field.name().clone(), kind });
        }
        Ok(columns)
    }

    /// The rows of a query over [`TABLE`], piece by piece.
    ///
    /// # Errors
    /// [`Error::Query`]; what the stores say.
    pub async fn rows(&self, query: &str) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let frame = self.context.sql_with_options(query, read_only()).await?;
        Ok(frame.execute_stream().await?.map(|batch| batch.map_err(Error::from)).boxed())
    }

    async fn first_length(&self, column: &str) -> Result<usize> {
        let column = column.replace('"', "\"\"");
        let query = format!("SELECT arrow_cast(array_length(\"{column}\"), 'Int64') FROM {TABLE} LIMIT 1");
        let batches = self.context.sql(&query).await?.collect().await?;
        let lengths =
            batches.first().filter(|batch| batch.num_rows() > 0).map(|batch| Arc::clone(batch.column(0)));
        let lengths = lengths.filter(|lengths| !lengths.is_null(0));
        let length = lengths.map_or(0, |lengths| lengths.as_primitive::<Int64Type>().value(0));
        Ok(usize::try_from(length).unwrap_or_default())
    }
}

/// Stores that are not this machine's, each under its scheme and bucket.
fn register_stores(context: &SessionContext, files: &[Found]) -> Result<()> {
    for found in files {
        let remote = found.file.uri.split_once("://").filter(|(scheme, _)| *scheme != "file");
        if let Some((scheme, rest)) = remote {
            let bucket = rest.split('/').next().unwrap_or_default();
            let url = ObjectStoreUrl::parse(format!("{scheme}://{bucket}"))?;
            context.register_object_store(url.as_ref(), Arc::clone(&found.store));
        }
    }
    Ok(())
}

fn reader(format: Format, uri: &str) -> Arc<dyn FileFormat> {
    let compression = match Compression::of(uri) {
        Compression::Gzip => FileCompressionType::GZIP,
        Compression::Zstd => FileCompressionType::ZSTD,
        Compression::None => FileCompressionType::UNCOMPRESSED,
    };
    match format {
        Format::Parquet => Arc::new(ParquetFormat::default()),
        Format::Csv => Arc::new(CsvFormat::default().with_file_compression_type(compression)),
        Format::Jsonl => Arc::new(JsonFormat::default().with_file_compression_type(compression)),
        Format::Arrow => Arc::new(ArrowFormat),
    }
}
