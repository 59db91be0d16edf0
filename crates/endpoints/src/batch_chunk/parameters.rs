//! What the query of a chunk's URL asks for.

use http::{HeaderValue, Uri};
use tensor::{KEY, Metadata, TensorSpec};

use super::Config;
use super::error::{Error, Result};

/// The most rows that a model gets at once.
pub(super) const MAX_MICRO_BATCH: usize = 8192;

/// The longest id of a chunk.
const MAX_ID_CHARS: usize = 256;

/// What an element counts for whose size no signature tells.
const UNKNOWN_BYTES: usize = 64;

/// The parameters of a chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    /// The field with the key; if none is named, `key`, which rows need not have.
    pub(super) key: Option<String>,
    /// The id of the chunk, which comes back.
    pub(super) chunk: Option<HeaderValue>,
    /// Fields that come back.
    pub(super) keep: Keep,
    /// The most rows that the model gets at once.
    pub(super) micro_batch: Option<usize>,
}

/// Fields that come back.
#[derive(Clone, Debug)]
pub(super) enum Keep {
    /// Those of these names.
    Names(Vec<String>),
    /// All that are neither the key nor inputs.
    Others,
}

impl Default for Keep {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl Keep {
    /// The fields that are named one by one.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Names(names) => names,
            Self::Others => &[],
        }
    }
}

impl Parameters {
    /// Reads the query.
    ///
    /// # Errors
    /// [`Error::Parameter`] or [`Error::UnknownParameter`].
    pub(super) fn read(uri: &Uri) -> Result<Self> {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "key" => parameters.key = Some(value.into_owned()),
                "chunk" => parameters.chunk = Some(chunk_id(&value)?),
                "keep" if value == "*" => parameters.keep = Keep::Others,
                "keep" => parameters.keep = Keep::Names(names(&value)),
                "micro_batch" => parameters.micro_batch = Some(micro_batch(&value)?),
                "on_row_error" if value == "report" => {}
                "on_row_error" => return Err(wrong("on_row_error", "`report`", &value)),
                name => return Err(Error::UnknownParameter { parameter: shortened(name) }),
            }
        }
        Ok(parameters)
    }

    /// The field with the key.
    pub(super) fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(KEY)
    }

    /// Checks that fields of an answer have different names.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub(super) fn check_names(&self, metadata: &Metadata) -> Result<()> {
        let is_output = |name: &str| name == super::ERROR || metadata.output(name).is_some();
        let expected = "another name than `error` and those of the outputs";
        if is_output(self.key()) {
            return Err(wrong("key", expected, self.key()));
        }
        if metadata.input(self.key()).is_some() {
            return Err(wrong("key", "a field that is no input", self.key()));
        }
        match self.keep.names().iter().find(|name| is_output(name) || *name == self.key()) {
            Some(name) => {
                Err(wrong("keep", "another name than `error` and those of the key and the outputs", name))
            }
            None => Ok(()),
        }
    }

    /// Checks that nothing is asked for that tensors say themselves.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub(super) fn check_tensors(&self) -> Result<()> {
        let wrong = |name| {
            wrong(
                name,
                "no such parameter beside tensors, which are answered at once and say themselves what comes back",
                "one",
            )
        };
        if self.key.is_some() {
            return Err(wrong("key"));
        }
        if self.micro_batch.is_some() {
            return Err(wrong("micro_batch"));
        }
        match &self.keep {
            Keep::Names(names) if names.is_empty() => Ok(()),
            _ => Err(wrong("keep")),
        }
    }

    /// How many rows the model gets at once: as many as are asked for, but no more than fit the memory of a micro-batch, and one by one
    /// for a model that does not take any number of rows.
    pub(super) fn micro_batch(&self, metadata: &Metadata, config: &Config) -> usize {
        if !metadata.inputs.iter().all(TensorSpec::is_batched) {
            return 1;
        }
        let row_bytes: usize =
            metadata.inputs.iter().chain(&metadata.outputs).map(row_bytes).fold(0, usize::saturating_add);
        let fitting = config.micro_batch_bytes / row_bytes.max(1);
        fitting.clamp(1, self.micro_batch.unwrap_or(MAX_MICRO_BATCH))
    }
}

/// The bytes of a row, about.
fn row_bytes(spec: &TensorSpec) -> usize {
    let dims = spec.row_shape().iter().map(|&dim| usize::try_from(dim).unwrap_or(UNKNOWN_BYTES));
    let element_size = spec.datatype.element_size().unwrap_or(UNKNOWN_BYTES);
    dims.fold(element_size, usize::saturating_mul)
}

fn names(value: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in value.split(',').filter(|name| !name.is_empty()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn chunk_id(value: &str) -> Result<HeaderValue> {
    let is_plain =
        !value.is_empty() && value.len() <= MAX_ID_CHARS && value.bytes().all(|byte| byte.is_ascii_graphic());
    let id = HeaderValue::from_str(value).ok().filter(|_| is_plain);
    id.ok_or_else(|| wrong("chunk", "from 1 to 256 characters of ASCII without blanks", value))
}

fn micro_batch(value: &str) -> Result<usize> {
    let expected = "a number from 1 to 8192";
    let n_rows = value.parse().ok().filter(|n_rows| (1..=MAX_MICRO_BATCH).contains(n_rows));
    n_rows.ok_or_else(|| wrong("micro_batch", expected, value))
}

fn wrong(parameter: &'static str, expected: &str, found: &str) -> Error {
    Error::Parameter { parameter, expected: expected.to_owned(), found: shortened(found) }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
