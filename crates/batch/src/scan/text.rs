//! Text files: their bytes on a thread that may wait, their compression undone, and where their rows begin.

use std::io::{self, BufRead, BufReader, Read};

use datafusion::common::{DataFusionError, Result};
use flate2::read::MultiGzDecoder;
use futures::TryStreamExt as _;
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::{GetOptions, GetRange};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{Emitter, Source};

/// How much of a file is asked for at once by those who read it line by line.
const BUFFER_BYTES: usize = 1 << 20;

/// How a text file is compressed. A compressed file is read from its beginning, so it is one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By the ending of the file's name.
    pub(crate) fn of(name: &str) -> Self {
        match name.rsplit('.').next() {
            Some("gz" | "gzip") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The bytes without the compression, line by line.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub(crate) fn undo<'r>(self, bytes: impl Read + 'r) -> io::Result<Box<dyn BufRead + 'r>> {
        Ok(match self {
            Self::None => Box::new(BufReader::with_capacity(BUFFER_BYTES, bytes)),
            Self::Gzip => Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(bytes))),
            Self::Zstd => Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::Decoder::new(bytes)?)),
        })
    }
}

/// The bytes of the file from `start` to `end`, without their compression. To be called, and read, on a thread that may wait.
///
/// # Errors
/// If the store or the decompression fails.
pub(crate) async fn open(
    store: &dyn ObjectStore,
    path: &Path,
    range: Option<std::ops::Range<u64>>,
) -> Result<impl Read + Send + use<>> {
    let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
    let found = store.get_opts(path, options).await?;
    let bytes = found.into_stream().map_err(io::Error::from);
    Ok(SyncIoBridge::new(StreamReader::new(Box::pin(bytes))))
}

/// Reads a chunk's lines by `parse`, on a thread that may wait.
pub(super) async fn read(
    source: &Source,
    columns: Vec<String>,
    emit: Emitter,
    parse: fn(&Source, &[String], &mut dyn BufRead, &Emitter) -> Result<()>,
) -> Result<()> {
    let compression = Compression::of(&source.file.uri);
    let range = (compression == Compression::None).then_some(source.chunk.start..source.chunk.end);
    let bytes = open(source.store.as_ref(), &source.path, range).await?;
    let source = source.clone();
    let work = move || {
        let mut lines = compression.undo(bytes)?;
        parse(&source, &columns, &mut lines, &emit)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| DataFusionError::Execution(error.to_string()))?
}

/// A run of whole rows: where it begins and ends, and how many rows it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) n_rows: u64,
}

/// Cuts lines into runs of `n_rows`. With `quotes`, a line end between double quotes ends no row. Empty lines are no rows. `start` is
/// where the first row begins.
///
/// # Errors
/// If reading fails.
pub(crate) fn split_lines(
    lines: &mut dyn BufRead,
    start: u64,
    n_rows: u64,
    quotes: bool,
) -> io::Result<Vec<Run>> {
    let mut runs = Vec::new();
    let mut run = Run { start, end: start, n_rows: 0 };
    let mut line = Vec::new();
    loop {
        line.clear();
        if !read_row(lines, &mut line, quotes)? {
            break;
        }
        run.end += line.len() as u64;
        let is_empty =
            if quotes { matches!(line.as_slice(), b"\n" | b"\r\n") } else { line.trim_ascii().is_empty() };
        run.n_rows += u64::from(!is_empty);
        if run.n_rows == n_rows {
            runs.push(run);
            run = Run { start: run.end, end: run.end, n_rows: 0 };
        }
    }
    if run.n_rows > 0 {
        runs.push(run);
    }
    Ok(runs)
}

/// Appends the next row with its line end. `false` if there is none.
///
/// # Errors
/// If reading fails.
pub(crate) fn read_row(lines: &mut dyn BufRead, row: &mut Vec<u8>, quotes: bool) -> io::Result<bool> {
    let start = row.len();
    while lines.read_until(b'\n', row)? > 0 {
        let read = row.get(start..).unwrap_or_default();
        if !quotes || read.iter().filter(|&&byte| byte == b'"').count().is_multiple_of(2) {
            return Ok(true);
        }
    }
    Ok(row.len() > start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, quotes: bool, expect: &[(u64, u64, u64)]) {
        let runs = split_lines(&mut text.as_bytes(), 10, 2, quotes).unwrap();
        let found: Vec<_> = runs.iter().map(|run| (run.start, run.end, run.n_rows)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn runs_are_whole_rows() {
        check("", false, &[]);
        check("a\nb\nc\n", false, &[(10, 14, 2), (14, 16, 1)]);
        check("a\n\nb\n\nc", false, &[(10, 15, 2), (15, 17, 1)]);
    }

    #[test]
    fn a_line_end_between_quotes_ends_no_row() {
        check("\"a\n\",1\nb,2\nc,3\n", true, &[(10, 21, 2), (21, 25, 1)]);
        check("\"a\n\",1\nb,2\n", false, &[(10, 17, 2), (17, 21, 1)]);
        check("\"a\"\"\n\"\nb\n\"open\n", true, &[(10, 19, 2), (19, 25, 1)]);
    }
}
