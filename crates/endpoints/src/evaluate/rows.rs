//! Rows of a body: JSON lines, a list, `{"rows": […]}`, or one alone; and labels in two forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evaluation_store::Truth;
use http::Request;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::error::{Error, Result};

const EXPECTED: &str = "rows in JSON, one a line or in a list";

/// The JSON text of each row; of lines, whatever stands there.
pub(super) fn split<'b>(request: &Request<&'b [u8]>) -> Result<Vec<&'b str>> {
    let body = std::str::from_utf8(request.body()).map_err(|error| Error::body(EXPECTED, &error))?;
    let form = request.headers().get(CONTENT_TYPE).and_then(|form| form.to_str().ok()).unwrap_or_default();
    let is_one =
        form.split(';').next().is_some_and(|form| form.trim().eq_ignore_ascii_case("application/json"));
    if is_one || body.trim_start().starts_with('[') {
        return Ok(whole(body)?.into_iter().map(RawValue::get).collect());
    }
    Ok(body.lines().filter(|line| !line.trim().is_empty()).collect())
}

fn whole(body: &str) -> Result<Vec<&RawValue>> {
    #[derive(Deserialize)]
    struct Rows<'b> {
        #[serde(borrow)]
        rows: Vec<&'b RawValue>,
    }
    let wrong = |error: serde_json::Error| Error::body(EXPECTED, &error);
    if body.trim_start().starts_with('[') {
        return serde_json::from_str(body).map_err(wrong);
    }
    match serde_json::from_str::<Rows<'_>>(body) {
        Ok(Rows { rows }) => Ok(rows),
        Err(_) => Ok(vec![serde_json::from_str(body).map_err(wrong)?]),
    }
}

/// The labels of a body.
pub(super) fn truths(request: &Request<&[u8]>) -> Result<Vec<Truth>> {
    let rows = split(request)?;
    let wrong = |row: usize, reason: String| evaluation_store::Error::Row { row, reason };
    let truth = |(row, text): (usize, &&str)| Ok(truth(text).map_err(|reason| wrong(row, reason))?);
    rows.iter().enumerate().map(truth).collect()
}

/// A label: our own form, or a record of `SageMaker`'s.
///
/// Source: Amazon SageMaker Developer Guide, "Ingest ground truth labels and merge them with predictions".
fn truth(text: &str) -> std::result::Result<Truth, String> {
    if !text.contains("groundTruthData") {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    let record: GroundTruth = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let label = record.data.label()?;
    Ok(Truth { key: Json::String(record.metadata.event_id), client: String::new(), label, time: None })
}

#[derive(Deserialize)]
struct GroundTruth {
    #[serde(rename = "groundTruthData")]
    data: GroundTruthData,
    #[serde(rename = "eventMetadata")]
    metadata: EventMetadata,
}

#[derive(Deserialize)]
struct GroundTruthData {
    data: String,
    encoding: String,
}

#[derive(Deserialize)]
struct EventMetadata {
    #[serde(rename = "eventId")]
    event_id: String,
}

impl GroundTruthData {
    fn label(&self) -> std::result::Result<Json, String> {
        match self.encoding.to_ascii_uppercase().as_str() {
            "CSV" => Ok(Json::String(self.data.trim().to_owned())),
            "JSON" => serde_json::from_str(&self.data).map_err(|error| error.to_string()),
            "BASE64" => {
                let bytes = STANDARD.decode(&self.data).map_err(|error| error.to_string())?;
                let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
                Ok(Json::String(text.trim().to_owned()))
            }
            other => Err(format!("expected the encoding CSV, JSON or BASE64, found `{other}`")),
        }
    }
}
