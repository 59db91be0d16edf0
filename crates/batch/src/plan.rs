//! From files to a manifest: what columns there are, whether they fit the model, and where the files are cut. Everything that is wrong is
//! said at once, before the first row is predicted.

mod file;

use std::sync::Arc;

use columns::{Binding, Problem};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use tensor::TensorSpec;

pub(crate) use self::file::schema_of;
use crate::inputs::Found;
use crate::job::{Chunk, FORM, Format, Job, ModelRef, Rows};
use crate::predict::{ERROR, Predictor};
use crate::scan::{ROW, Source, UnreadableRows, table_schema};
use crate::{Error, Result, chunk};

/// How many rows a chunk has, about: whole row groups of a Parquet file, record batches of an Arrow file.
pub const CHUNK_ROWS: u64 = 250_000;

/// The most bytes of inputs that a micro-batch has, if nothing else is asked for.
const MICRO_BATCH_BYTES: usize = 1 << 20;

/// The most rows of a micro-batch, if nothing else is asked for.
const MICRO_BATCH_ROWS: usize = 8192;

/// What a user asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The column with the key.
    pub key: String,
    /// The columns that are the model's inputs; none: all that are neither key nor kept nor excluded.
    pub features: Vec<String>,
    /// The columns that are written beside key and outputs.
    pub keep: Vec<String>,
    /// Columns that are neither.
    pub exclude: Vec<String>,
    /// A query over the table `input`.
    pub sql: Option<String>,
    /// The most rows that the model gets at once; none: as many as fit a mebibyte, at most 8192.
    pub micro_batch: Option<u32>,
    /// How files are read; none: by the first file's name.
    pub input_format: Option<Format>,
    /// How parts are written; none: as files are read.
    pub output_format: Option<Format>,
    /// How many rows a chunk has, about.
    pub chunk_rows: u64,
}

/// The format of a file, by its name without the ending of a compression.
#[must_use]
pub fn format_of(uri: &str) -> Option<Format> {
    let uri = uri.to_ascii_lowercase();
    let plain = [".gz", ".gzip", ".zst", ".zstd"].iter().find_map(|ending| uri.strip_suffix(ending));
    match plain.unwrap_or(&uri).rsplit('.').next()? {
        "parquet" | "pq" => Some(Format::Parquet),
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" | "json" => Some(Format::Jsonl),
        "arrow" | "feather" | "ipc" => Some(Format::Arrow),
        _ => None,
    }
}

/// The manifest of a job over these files.
///
/// # Errors
/// [`Error::Problems`] with everything that is wrong; [`Error::NoInput`]; what the stores say.
pub async fn plan(files: &[Found], request: &Request, model: ModelRef, predictor: &Predictor) -> Result<Job> {
    let first = files.first().ok_or(Error::NoInput)?;
    let format = request.input_format.or_else(|| format_of(&first.file.uri));
    let format = format.ok_or_else(|| Error::UnknownFormat { uri: first.file.uri.clone() })?;
    let schema = schema_of(first, format).await?;
    let mut problems = Vec::new();
    let mut chunks = Vec::new();
    for (idx, found) in files.iter().enumerate() {
        let cut = file::cut(found, format, &schema, request.chunk_rows).await?;
        problems.extend(cut.problems);
        chunks.extend(cut.chunks.into_iter().map(|chunk| Chunk { file: idx, ..chunk }));
    }
    let micro_batch =
        request.micro_batch.unwrap_or_else(|| default_micro_batch(&predictor.metadata().inputs));
    let columns = selected_schema(first, format, &schema, request.sql.as_deref()).await?;
    let rows = rows(&columns, request, micro_batch, predictor, &mut problems);
    if !problems.is_empty() {
        return Err(Error::problems(problems));
    }
    let output_format = request.output_format.unwrap_or(format);
    let files = files.iter().map(|found| found.file.clone()).collect();
    let job = Job {
        form: FORM,
        id: String::new(),
        model,
        rows,
        input_format: format,
        output_format,
        files,
        chunks,
    };
    Ok(identified(job))
}

/// The job with the digest of all else as its id.
fn identified(job: Job) -> Job {
    let id = engine::digest(&serde_json::to_vec(&job).unwrap_or_default());
    Job { id, ..job }
}

/// As many rows as fit [`MICRO_BATCH_BYTES`], if that can be told.
fn default_micro_batch(inputs: &[TensorSpec]) -> u32 {
    let row_bytes = |spec: &TensorSpec| {
        let len: i64 = spec.row_shape().iter().product();
        usize::try_from(len).unwrap_or(1).saturating_mul(spec.datatype.element_size().unwrap_or(64))
    };
    let row_bytes: usize = inputs.iter().map(row_bytes).sum();
    let rows = (MICRO_BATCH_BYTES / row_bytes.max(1)).clamp(1, MICRO_BATCH_ROWS);
    u32::try_from(rows).unwrap_or(1)
}

/// The columns of the rows, checked against what the query gives and what the model takes.
fn rows(
    columns: &Schema,
    request: &Request,
    micro_batch: u32,
    predictor: &Predictor,
    problems: &mut Vec<Problem>,
) -> Rows {
    let inputs = &predictor.metadata().inputs;
    let features = features(columns, request);
    check_key(columns, &request.key, problems);
    check_kept(columns, request, predictor, problems);
    if let Err(more) = Binding::new(inputs, columns, &features) {
        problems.extend(more);
    }
    Rows {
        key: request.key.clone(),
        features: read_features(features, inputs),
        keep: request.keep.clone(),
        sql: request.sql.clone(),
        micro_batch,
    }
}

/// The columns that the query gives, or those of the files.
async fn selected_schema(
    first: &Found,
    format: Format,
    schema: &SchemaRef,
    sql: Option<&str>,
) -> Result<Schema> {
    let table = table_schema(schema, &first.file.partition);
    if sql.is_none() {
        return Ok(Arc::unwrap_or_clone(table));
    }
    let source = Source {
        store: Arc::clone(&first.store),
        path: first.path.clone(),
        file: first.file.clone(),
        format,
        chunk: Chunk { file: 0, start: 0, end: 0, first_row: 0, n_rows: None },
        schema: Arc::clone(schema),
        batch_rows: 1,
        unreadable: UnreadableRows::default(),
    };
    let frame = chunk::read(&chunk::context(1), source, sql).await?;
    Ok(frame.schema().as_arrow().clone())
}

fn features(columns: &Schema, request: &Request) -> Vec<String> {
    if !request.features.is_empty() {
        return request.features.clone();
    }
    let is_other = |name: &String| {
        *name != request.key && name != ROW && !request.keep.contains(name) && !request.exclude.contains(name)
    };
    columns.fields().iter().map(|field| field.name().clone()).filter(is_other).collect()
}

/// Those of the features that are read, as the model takes them: its inputs, if each has a column of its name; else all, in their order.
fn read_features(features: Vec<String>, inputs: &[TensorSpec]) -> Vec<String> {
    if inputs.iter().all(|input| features.contains(&input.name)) {
        return inputs.iter().map(|input| input.name.clone()).collect();
    }
    features
}

fn check_key(columns: &Schema, key: &str, problems: &mut Vec<Problem>) {
    let expected = "a column of whole numbers or texts as the key";
    match columns.field_with_name(key) {
        Err(_) => {
            problems.push(Problem::new(key, expected, &format!("no such column among {}", names(columns))))
        }
        Ok(field) if is_key(field.data_type()) => {}
        Ok(field) => problems.push(Problem::new(key, expected, &field.data_type().to_string())),
    }
}

fn is_key(datatype: &DataType) -> bool {
    datatype.is_integer() || matches!(datatype, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn check_kept(columns: &Schema, request: &Request, predictor: &Predictor, problems: &mut Vec<Problem>) {
    for name in request.keep.iter().chain(&request.exclude) {
        if columns.field_with_name(name).is_err() {
            problems.push(Problem::new(
                name,
                "a column",
                &format!("no such column among {}", names(columns)),
            ));
        }
    }
    let outputs = predictor.fields().iter().filter(|field| field.name() != ERROR);
    for output in
        outputs.filter(|output| *output.name() == request.key || request.keep.contains(output.name()))
    {
        let expected = "another name than an output of the model (rename the column by --sql)";
        problems.push(Problem::new(output.name(), expected, "a column of the input"));
    }
}

fn names(columns: &Schema) -> String {
    let names = columns.fields().iter().map(|field| field.name().as_str()).filter(|name| *name != ROW);
    let names: Vec<&str> = names.take(40).collect();
    format!("`{}`", names.join("`, `"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_read_in_the_models_order_and_nothing_else() {
        let input = |name: &str| TensorSpec {
            name: name.to_owned(),
            datatype: tensor::Datatype::Fp32,
            shape: vec![-1],
        };
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let inputs = [input("a"), input("b")];
        assert_eq!(read_features(names(&["fold", "b", "a"]), &inputs), ["a", "b"]);
        assert_eq!(read_features(names(&["y", "x"]), &[input("rows")]), ["y", "x"]);
    }

    #[test]
    fn formats_are_told_by_names() {
        for (uri, expect) in [
            ("s3://b/x.PARQUET", Some(Format::Parquet)),
            ("x.csv.gz", Some(Format::Csv)),
            ("/a.b/x.ndjson.zst", Some(Format::Jsonl)),
            ("x.feather", Some(Format::Arrow)),
            ("x.txt", None),
            ("gz", None),
        ] {
            assert_eq!(format_of(uri), expect, "{uri}");
        }
    }
}
