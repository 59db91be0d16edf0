//! Which columns of the files are what.

use std::path::PathBuf;

use evaluation::Windows;

/// Where rows come from and which of their columns are what.
#[derive(clap::Args)]
pub(crate) struct Data {
    /// Files of rows with predictions: Parquet, CSV, JSON lines or Arrow; a path, a pattern or a URL
    #[arg(long, value_name = "FILES", required = true)]
    pub(super) data: Vec<String>,
    /// The column of predicted classes or numbers; without it, the class with the greatest probability
    #[arg(long, value_name = "COLUMN")]
    pub(super) prediction: Option<String>,
    /// The column of what is true, if the files have it
    #[arg(long, value_name = "COLUMN")]
    pub(super) label: Option<String>,
    /// A list column with the probability of each class, in the order of `--classes`
    #[arg(long, value_name = "COLUMN")]
    pub(super) probabilities: Option<String>,
    /// The column with the probability of one class; to be given for each class
    #[arg(long, value_name = "CLASS=COLUMN", value_parser = assignment, conflicts_with = "probabilities")]
    pub(super) probability: Vec<(String, String)>,
    /// The column with the time of the prediction: RFC 3339 or seconds since 1970
    #[arg(long, value_name = "COLUMN")]
    pub(super) time: Option<String>,
    /// The column with the row's key
    #[arg(long, value_name = "COLUMN")]
    pub(super) key: Option<String>,
    /// The column that says whose key it is
    #[arg(long, value_name = "COLUMN")]
    pub(super) client: Option<String>,
}

/// Which columns are features, and what is predicted: asked for once, when the baseline is made.
#[derive(clap::Args)]
pub(crate) struct SchemaArgs {
    /// The features [default: all columns that are nothing else]; of a list column, each element is one
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(super) features: Vec<String>,
    /// Columns that are no features
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(super) exclude: Vec<String>,
    /// The classes, in the order of the probabilities [default: all that are found, sorted]
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub(super) classes: Vec<String>,
    /// What is predicted [default: numbers with a fraction are a regression, all else are classes]
    #[arg(long, value_enum)]
    pub(super) task: Option<TaskArg>,
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TaskArg {
    /// One of some classes
    Classification,
    /// A number
    Regression,
}

/// How rows are cut, and where labels come from that are not beside the predictions.
#[derive(clap::Args)]
pub(crate) struct Cut {
    /// How long a window is: `1h`, `1d`, `30m` or, without `--time`, `1000rows`
    #[arg(long, value_name = "LENGTH")]
    pub(super) window: Option<Windows>,
    /// Columns whose values are segments
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(super) segment: Vec<String>,
    /// Files of labels, joined by client and key
    #[arg(long, value_name = "FILES", requires = "key")]
    pub(super) labels: Vec<String>,
    /// Columns of those files: key, label and, if they have them, client and time
    #[arg(
        long,
        value_name = "KEY,LABEL[,CLIENT[,TIME]]",
        value_delimiter = ',',
        default_value = "key,label"
    )]
    pub(super) label_columns: Vec<String>,
    /// How long after its prediction a label still counts, such as `7d`
    #[arg(long, value_name = "LENGTH")]
    pub(super) horizon: Option<Windows>,
}

/// Where a report goes.
#[derive(clap::Args)]
pub(crate) struct Outputs {
    /// Write the report as one HTML page
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Exit with code 5 if anything is worse than it may be
    #[arg(long)]
    pub(super) fail_on_alarm: bool,
    /// The confidence of all intervals
    #[arg(long, default_value_t = 0.95)]
    pub(super) confidence: f64,
    /// How much worse than in the baseline a metric may be, as a share of it
    #[arg(long, default_value_t = 0.02)]
    pub(super) tolerance: f64,
}

fn assignment(argument: &str) -> Result<(String, String), String> {
    let (class, column) = argument.split_once('=').ok_or("expected CLASS=COLUMN")?;
    Ok((class.to_owned(), column.to_owned()))
}
