//! Continued Model Evaluation: a frozen baseline, profiles of windows that merge, labels joined by key, drift, monitors, alarms and the report.
//!
//! Pure: rows in, counters and reports out. What is counted merges by addition, so that any number of instances and chunks may count any
//! part of the rows. Formulas are in `metrics`; where rows come from and where profiles are kept is decided elsewhere.

mod baseline;
mod bins;
mod change;
mod digest;
mod drift;
mod error;
mod estimated;
mod finding;
mod fold;
mod join;
mod monitors;
mod packed;
mod page;
mod performance;
mod profile;
mod record;
mod regression;
mod report;
mod row;
mod schema;
mod window;

pub use baseline::{Baseline, FORM, Frame};
pub use bins::{Bins, FeatureCounts};
pub use change::{Change, Judgement};
pub use drift::{Drift, DriftRule, Verdict, drift};
pub use error::Error;
pub use estimated::{Estimated, PromiseGap};
pub use finding::Finding;
pub use fold::{Audited, Counted, Cut, Fold, Folded, Happened, Place, Remembered, What, client_key};
pub use join::{Account, ClientKey, Delays, Label, Labels};
pub use monitors::{Alarm, LossReport, MonitorReport, MonitorSettings, Monitors, Watched};
pub use page::escaped;
pub use performance::{Classification, Metric, Performance};
pub use profile::Profile;
pub use record::{Audit, Columns, Parts, Reader, Record, likeliest, outcome, time, truth};
pub use regression::Regression;
pub use report::{Cell, FeatureReport, Named, Part, Report, Rules, Side, Tolerance, report};
pub use row::{Outcome, Row, Value};
pub use schema::{Feature, Kind, Schema, Task};
pub use window::{Windows, rfc3339, seconds};
