//! What `plinth calibrate` takes, and what of a calibration it decides.

use std::path::PathBuf;

use anyhow::Result;
use tensor::Metadata;
use two_phase::{
    Score,
    calibrate::{Costs, Goal, Grouping, GuardSettings},
    calibrator::Kind,
    outputs::model_ref,
    policy::{ModelRef, Outputs, Target},
};

/// What `plinth calibrate` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The model that answers first: an ONNX file or a packed model
    #[arg(long, value_name = "MODEL")]
    pub(super) edge: PathBuf,
    /// The model that is asked when the edge's answer does not stand
    #[arg(long, value_name = "MODEL")]
    pub(super) cloud: PathBuf,
    /// Rows that neither model was trained with: Parquet, CSV, JSON lines or Arrow; a path, a pattern or a URL
    #[arg(long, value_name = "FILES", required = true)]
    pub(super) data: Vec<String>,
    /// The share of accepted rows that may be wrong
    #[arg(long, value_name = "SHARE", required_unless_present = "budget", conflicts_with = "budget")]
    max_risk: Option<f64>,
    /// The probability with which the policy keeps it
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.95)]
    confidence: f64,
    /// Promise no risk, but that at most this share of rows is escalated
    #[arg(long, value_name = "SHARE")]
    budget: Option<f64>,
    /// What is wrong [default: error with --label, disagreement without]
    #[arg(long, value_enum)]
    target: Option<TargetArg>,
    /// The column with the true label
    #[arg(long, value_name = "COLUMN")]
    pub(super) label: Option<String>,
    /// The column with the row's key [default: the row's number]
    #[arg(long, value_name = "COLUMN")]
    pub(super) key: Option<String>,
    /// The column that says whose key it is
    #[arg(long, value_name = "COLUMN", requires = "key")]
    pub(super) client: Option<String>,
    /// How sure the edge is
    #[arg(long, value_enum, default_value = "max-probability")]
    score: ScoreArg,
    /// What makes a confidence of the score
    #[arg(long, value_enum, default_value = "temperature")]
    calibrator: CalibratorArg,
    /// Escalate rows that have a feature outside of what the calibration rows have
    #[arg(long)]
    guard: bool,
    /// By how much of what was seen each range of the guard is wider at either end
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, requires = "guard")]
    guard_margin: f64,
    /// A threshold for each class that the edge predicts
    #[arg(long, conflicts_with = "segment")]
    by_class: bool,
    /// A threshold for each value of this input of the edge, or for each client if it is the column of clients
    #[arg(long, value_name = "COLUMN")]
    pub(super) segment: Option<String>,
    /// The share of rows that fit the calibrator and the guard; the others test thresholds
    #[arg(long, value_name = "SHARE", default_value_t = 0.25)]
    pub(super) fit_share: f64,
    /// The share of accepted rows that are escalated too, to watch the promise
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    pub(super) audit_share: f64,
    /// What a call of the cloud costs, for one row
    #[arg(long, value_name = "COST", requires = "cost_error")]
    cost_cloud: Option<f64>,
    /// What a wrong answer costs, in the same unit
    #[arg(long, value_name = "COST", requires = "cost_cloud")]
    cost_error: Option<f64>,
    /// Milliseconds on the way to the cloud and back, added to what the cloud model takes here
    #[arg(long, value_name = "MS", default_value_t = 0.0, conflicts_with = "without_times")]
    pub(super) network_ms: f64,
    /// Measure no times: the same rows give the same policy, to the byte
    #[arg(long)]
    pub(super) without_times: bool,
    /// Which outputs of the edge are used: `probabilities=NAME`, `label=NAME` [default: found by their shapes]
    #[arg(long, value_name = "ROLE=NAME", value_delimiter = ',', value_parser = output)]
    edge_outputs: Vec<(Role, String)>,
    /// Which outputs of the cloud are used
    #[arg(long, value_name = "ROLE=NAME", value_delimiter = ',', value_parser = output)]
    cloud_outputs: Vec<(Role, String)>,
    /// Where to write the risk-coverage curve as SVG
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
    /// Where to write the policy
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
}

/// What an output is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Probabilities,
    Label,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum TargetArg {
    /// The edge's answer is not the true label
    Error,
    /// The edge's answer is not the cloud's
    Disagreement,
    /// The edge's answer is not the true label, and the cloud's is
    Regret,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ScoreArg {
    /// The largest probability
    MaxProbability,
    /// The largest probability less the second largest
    Margin,
    /// One less the entropy as a share of the greatest
    Entropy,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum CalibratorArg {
    /// The confidence is the score
    None,
    /// One temperature for all probabilities
    Temperature,
    /// A rising line over the score
    Isotonic,
}

impl Args {
    pub(super) fn edge_ref(&self, metadata: &Metadata) -> Result<ModelRef> {
        Ok(model_ref("edge", metadata, &outputs(&self.edge_outputs))?)
    }

    pub(super) fn cloud_ref(&self, metadata: &Metadata) -> Result<ModelRef> {
        Ok(model_ref("cloud", metadata, &outputs(&self.cloud_outputs))?)
    }

    pub(super) const fn score(&self) -> Score {
        match self.score {
            ScoreArg::MaxProbability => Score::MaxProbability,
            ScoreArg::Margin => Score::Margin,
            ScoreArg::Entropy => Score::Entropy,
        }
    }

    pub(super) const fn calibrator(&self) -> Kind {
        match self.calibrator {
            CalibratorArg::None => Kind::None,
            CalibratorArg::Temperature => Kind::Temperature,
            CalibratorArg::Isotonic => Kind::Isotonic,
        }
    }

    pub(super) fn guard(&self, features: &[String]) -> Option<GuardSettings> {
        let settings = || GuardSettings { features: features.to_vec(), margin: self.guard_margin };
        self.guard.then(settings)
    }

    pub(super) fn goal(&self) -> Goal {
        match self.budget {
            Some(max_escalated) => Goal::Budget { max_escalated },
            None => Goal::Risk {
                target: self.target(),
                max_risk: self.max_risk.unwrap_or_default(),
                confidence: self.confidence,
            },
        }
    }

    fn target(&self) -> Target {
        match self.target {
            Some(TargetArg::Error) => Target::Error,
            Some(TargetArg::Regret) => Target::Regret,
            Some(TargetArg::Disagreement) => Target::Disagreement,
            None if self.label.is_some() => Target::Error,
            None => Target::Disagreement,
        }
    }

    pub(super) fn grouping(&self) -> Grouping {
        match &self.segment {
            _ if self.by_class => Grouping::Class,
            Some(_) if self.is_segmented_by_client() => {
                Grouping::Segment { field: tensor::CLIENT.to_owned() }
            }
            Some(field) => Grouping::Segment { field: field.clone() },
            None => Grouping::All,
        }
    }

    /// Whether each client has a threshold of its own.
    pub(super) fn is_segmented_by_client(&self) -> bool {
        self.segment.is_some() && self.segment == self.client
    }

    pub(super) fn costs(&self) -> Option<Costs> {
        Some(Costs { cloud_call: self.cost_cloud?, error: self.cost_error? })
    }
}

fn outputs(named: &[(Role, String)]) -> Outputs {
    let find = |role: Role| named.iter().find(|(found, _)| *found == role).map(|(_, name)| name.clone());
    Outputs { probabilities: find(Role::Probabilities), label: find(Role::Label) }
}

fn output(argument: &str) -> Result<(Role, String), String> {
    let expected = "expected `probabilities=NAME` or `label=NAME`";
    match argument.split_once('=') {
        Some(("probabilities", name)) => Ok((Role::Probabilities, name.to_owned())),
        Some(("label", name)) => Ok((Role::Label, name.to_owned())),
        _ => Err(expected.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn args(more: &str) -> Result<Args, String> {
        let line = format!("plinth --edge e.onnx --cloud c.onnx --data rows.csv -o policy.json {more}");
        let parsed = Command::try_parse_from(line.split_whitespace());
        parsed.map(|command| command.args).map_err(|error| error.to_string())
    }

    #[test]
    fn a_label_makes_the_promise_one_on_errors() {
        let target = |more: &str| args(&format!("--max-risk 0.02 {more}")).map(|args| args.goal()).unwrap();
        let risk = |target| Goal::Risk { target, max_risk: 0.02, confidence: 0.95 };
        assert_eq!(target(""), risk(Target::Disagreement));
        assert_eq!(target("--label truth"), risk(Target::Error));
        assert_eq!(target("--label truth --target regret"), risk(Target::Regret));
        assert_eq!(args("--budget 0.1").unwrap().goal(), Goal::Budget { max_escalated: 0.1 });
    }

    #[test]
    fn arguments_that_contradict_each_other_are_refused() {
        assert!(args("").is_err());
        assert!(args("--max-risk 0.1 --budget 0.1").is_err());
        assert!(args("--max-risk 0.1 --by-class --segment x").is_err());
        assert!(args("--max-risk 0.1 --cost-cloud 1").is_err());
        assert!(args("--max-risk 0.1 --edge-outputs p").is_err());
    }

    #[test]
    fn outputs_have_roles() {
        let args = args("--max-risk 0.1 --edge-outputs probabilities=p,label=l").unwrap();
        let expected = Outputs { probabilities: Some("p".to_owned()), label: Some("l".to_owned()) };
        assert_eq!(outputs(&args.edge_outputs), expected);
        assert_eq!(outputs(&args.cloud_outputs), Outputs::default());
    }

    #[test]
    fn clients_are_segments_under_their_own_name() {
        let args = args("--max-risk 0.1 --key id --client shop --segment shop").unwrap();
        assert_eq!(args.grouping(), Grouping::Segment { field: "client".to_owned() });
    }
}
