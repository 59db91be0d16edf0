//! The larger model: the request for all rows that need it, and its answers by client and key. Not how a request is sent.

use std::collections::BTreeMap;

use http::{Request, Response, StatusCode};
use protocol::{Answer, Error, Result, RowWriter};
use serde::Deserialize;
use serde_json::{Map, Value};
use tensor::{CLIENT, KEY, Tensor};
use two_phase::Policy;
use two_phase::outputs::{ONNX_DIGEST, class_of};

use super::decided::{Decided, DecidedRow};
use super::{Config, Send, To};
use crate::batch_chunk::MODEL;

/// What came of asking the larger model.
#[derive(Debug)]
pub(super) enum Cloud {
    /// No row needed it.
    NotAsked,
    /// The caller knows that it cannot be reached.
    Suspended,
    /// It could not be reached, and why.
    Unreachable(String),
    /// It answered, some rows at least.
    Answered(BTreeMap<Name, RowAnswer>),
}

/// A row's own client, empty if it has none, and its key as JSON.
pub(super) type Name = (String, String);

/// What it says of a row, or why it says nothing.
pub(super) type RowAnswer = std::result::Result<Found, String>;

/// An answer of the larger model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// The class in words.
    pub(super) label: String,
    /// Its probabilities, as it gave them.
    pub(super) probabilities: Option<Value>,
}

impl Cloud {
    /// What it says of a row.
    pub(super) fn answer(&self, row: &DecidedRow) -> RowAnswer {
        match self {
            Self::NotAsked => Err("the cloud was not asked".to_owned()),
            Self::Suspended => {
                Err("the cloud could not be reached a moment ago, and was not asked".to_owned())
            }
            Self::Unreachable(reason) => Err(format!("the cloud cannot be reached: {reason}")),
            Self::Answered(rows) => {
                let name = (row.client.clone(), canonical(&row.key));
                let nothing = || Err("the cloud did not answer this row".to_owned());
                rows.get(&name).cloned().unwrap_or_else(nothing)
            }
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::Suspended => "suspended",
            Self::Unreachable(_) => "unreachable",
            Self::Answered(_) => "answered",
        }
    }
}

/// Asks the larger model about all rows that are escalated.
///
/// # Errors
/// [`Error::PolicyMismatch`] if it is another model than the policy's; what cannot be written as JSON.
pub(super) fn ask(
    config: &Config,
    policy: &Policy,
    answer: &Answer<'_>,
    rows: &Decided,
    send: Send<'_>,
) -> Result<Cloud> {
    let default = || format!("http://self.alt/v1/models/{}:predict", policy.cloud.name);
    let url = config.cloud_url.clone().unwrap_or_else(default);
    let request = Request::post(&url).header("content-type", "application/json").body(body(answer, rows)?);
    let request = match request {
        Ok(request) => request,
        Err(error) => return Ok(Cloud::Unreachable(format!("`{url}`: {error}"))),
    };
    let response = match send(To::Cloud, request) {
        Ok(response) if response.status() == StatusCode::OK => response,
        Ok(response) => return Ok(Cloud::Unreachable(refusal(&response))),
        Err(unreachable) => return Ok(Cloud::Unreachable(unreachable.0)),
    };
    match digest(config, &url, &response, send) {
        Err(reason) => return Ok(Cloud::Unreachable(reason)),
        Ok(None) => {}
        Ok(Some(digest)) => policy
            .check_models(&policy.edge.onnx_sha256, &digest)
            .map_err(|error| Error::PolicyMismatch { reason: error.to_string() })?,
    }
    match serde_json::from_slice::<Predictions>(response.body()) {
        Ok(body) => Ok(Cloud::Answered(body.by_name(policy))),
        Err(error) => Ok(Cloud::Unreachable(format!("its answer is none: {error}"))),
    }
}

/// The rows that are escalated, as `predict` takes them.
fn body(answer: &Answer<'_>, rows: &Decided) -> Result<Vec<u8>> {
    let is_accepted = |(_, row): &(usize, &DecidedRow)| row.decision.is_accepted();
    let accepted: Vec<usize> =
        rows.rows.iter().enumerate().filter(is_accepted).map(|(place, _)| place).collect();
    let inputs: Vec<Tensor> = rows.inputs.iter().map(|input| input.clone().without_rows(&accepted)).collect();
    let mut writer = RowWriter::new(&inputs, rows.n_escalated())?;
    let mut json = b"{\"instances\":[".to_vec();
    for (place, row) in rows.rows.iter().filter(|row| !row.decision.is_accepted()).enumerate() {
        json.extend_from_slice(if place > 0 { b",{\"key\":" } else { b"{\"key\":" });
        json.extend_from_slice(&row.key);
        if !row.client.is_empty() {
            json.extend(format!(",\"client\":{}", Value::from(row.client.as_str())).into_bytes());
        }
        json.push(b',');
        writer.write_next(&mut json);
        json.push(b'}');
    }
    json.push(b']');
    if let Some(client) = answer.client() {
        json.extend(format!(",\"client\":{}", Value::from(client.name())).into_bytes());
    }
    json.extend_from_slice(b",\"on_row_error\":\"report\"}");
    Ok(json)
}

/// Why an answer is none: its status, and what it says.
fn refusal(response: &Response<Vec<u8>>) -> String {
    let said = serde_json::from_slice::<Value>(response.body()).ok();
    let said = said.as_ref().and_then(|body| body.get("error")?.as_str());
    format!("it answers {}{}", response.status(), said.map_or_else(String::new, |said| format!(": {said}")))
}

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    properties: BTreeMap<String, Value>,
}

/// The digest of the model that answered: as the answer says, or as the model says of itself. None if nobody is asked.
fn digest(
    config: &Config,
    url: &str,
    response: &Response<Vec<u8>>,
    send: Send<'_>,
) -> std::result::Result<Option<String>, String> {
    if let Some(identity) = response.headers().get(MODEL).and_then(|identity| identity.to_str().ok()) {
        let parts = identity.split("; ").filter_map(|part| part.split_once('='));
        let digest =
            parts.filter(|(name, _)| *name == ONNX_DIGEST).map(|(_, digest)| digest.to_owned()).next();
        return Ok(Some(digest.unwrap_or_default()));
    }
    let Some(described) = description(url).filter(|_| config.is_cloud_checked) else { return Ok(None) };
    let request = Request::get(described).body(Vec::new());
    let request = request.map_err(|error| error.to_string())?;
    let described = send(To::Cloud, request).map_err(|unreachable| unreachable.0)?;
    if described.status() != StatusCode::OK {
        return Err(refusal(&described));
    }
    let described: Described = serde_json::from_slice(described.body())
        .map_err(|error| format!("it does not describe itself: {error}"))?;
    let digest = described.properties.get(ONNX_DIGEST).and_then(Value::as_str);
    Ok(Some(digest.unwrap_or_default().to_owned()))
}

/// Where a model describes itself that answers rows at this URL.
fn description(url: &str) -> Option<String> {
    let (origin, rest) = url.split_once("/v1/models/")?;
    Some(format!("{origin}/v2/models/{}", rest.strip_suffix(":predict")?))
}

#[derive(Deserialize)]
struct Predictions {
    predictions: Vec<Map<String, Value>>,
}

impl Predictions {
    fn by_name(self, policy: &Policy) -> BTreeMap<Name, RowAnswer> {
        let named = self.predictions.into_iter().filter_map(|row| {
            let key = row.get(KEY)?.to_string();
            let client = row.get(CLIENT).and_then(Value::as_str).unwrap_or_default().to_owned();
            Some(((client, key), found(&row, policy)))
        });
        named.collect()
    }
}

/// What a row of the answer says.
fn found(row: &Map<String, Value>, policy: &Policy) -> RowAnswer {
    if let Some(error) = row.get("error") {
        let said = error.get("error").and_then(Value::as_str).unwrap_or_default();
        return Err(format!("the cloud cannot answer this row: {said}"));
    }
    let used = &policy.cloud.outputs;
    let probabilities = used.probabilities.as_ref().and_then(|name| row.get(name)).cloned();
    let label = match &used.label {
        Some(name) => row.get(name).and_then(label),
        None => probabilities.as_ref().and_then(likeliest),
    };
    let label = label.ok_or_else(|| "the cloud's answer to this row has no label".to_owned())?;
    let class = class_of(&label, &policy.classes).and_then(|class| policy.classes.get(class));
    Ok(Found { label: class.cloned().unwrap_or(label), probabilities })
}

/// A label in words, alone or in a list.
fn label(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => values.first().and_then(label),
        _ => None,
    }
}

/// The number of the class of the largest probability.
fn likeliest(probabilities: &Value) -> Option<String> {
    let numbers = probabilities.as_array()?.iter().map(|number| number.as_f64().unwrap_or(f64::NEG_INFINITY));
    let numbers: Vec<f64> = numbers.collect();
    if let [second] = *numbers.as_slice() {
        return Some(if second >= 0.5 { "1" } else { "0" }.to_owned());
    }
    let greatest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    numbers.iter().position(|number| *number >= greatest).map(|class| class.to_string())
}

/// A key as every writer of JSON has it.
fn canonical(key: &[u8]) -> String {
    let value = serde_json::from_slice::<Value>(key);
    value.map_or_else(|_| String::from_utf8_lossy(key).into_owned(), |value| value.to_string())
}
