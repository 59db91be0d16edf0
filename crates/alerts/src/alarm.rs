//! A finding that somebody is told of. When that is due is in `cooldown`, how it is sent in `event`.

use evaluation::Finding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cooldown::Occurrence,
    fingerprint::{fingerprint, hex},
};

/// So many bytes of the digest make an id: as many as a UUID has.
const ID_BYTES: usize = 16;

/// Something that is worse than it may be, at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The same whenever and wherever this event is sent again; see [`Alarm::new`].
    pub id: String,
    /// The model that it is about.
    pub model: String,
    /// What it is about: a metric, a segment's metric or a feature.
    pub subject: String,
    /// What has happened, as a sentence.
    pub text: String,
    /// The window since which it has been so without a break.
    pub since: Option<String>,
    /// When it was raised, in seconds since 1970.
    pub raised_at: i64,
    /// What it was concluded from: the window, estimates, p-values, e-values.
    pub evidence: Value,
}

impl Alarm {
    /// The alarm of `finding` about `model`, raised at `occurrence`.
    ///
    /// Its id is a digest of the model, the subject, the window since which it has been so (if the finding
    /// names none, the time at which this occurrence was first seen), and of the occurrence's numbers. It
    /// depends on no clock if the window is named, and on the text, the evidence and the time of raising
    /// never.
    #[must_use]
    pub fn new(model: &str, finding: &Finding, occurrence: Occurrence, evidence: Value) -> Self {
        Self {
            id: id(model, finding, occurrence),
            model: model.to_owned(),
            subject: finding.subject.clone(),
            text: finding.text.clone(),
            since: finding.since.clone(),
            raised_at: occurrence.at,
            evidence,
        }
    }
}

fn id(model: &str, finding: &Finding, occurrence: Occurrence) -> String {
    let (kind, start) = match &finding.since {
        Some(since) => ("since", since.clone()),
        None => ("began", occurrence.began.to_string()),
    };
    let (episode, repeat) = (occurrence.episode.to_string(), occurrence.repeat.to_string());
    let parts = [model, &finding.subject, kind, &start, &episode, &repeat];
    format!("alarm_{}", hex(fingerprint(&parts), ID_BYTES))
}
