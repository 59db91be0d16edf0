//! `POST /evaluate/run`: rows and a baseline in, a report out. Nothing is kept.

use std::collections::BTreeMap;

use evaluation::{
    Baseline, Cut, Fold, Happened, Named, Profile, Record, Rules, What, Windows, client_key, report,
};
use http::Response;
use serde::Deserialize;
use serde_json::Value as Json;

use super::error::{Error, Result};
use super::json;

/// What is to be evaluated.
#[derive(Deserialize)]
struct Request {
    baseline: Baseline,
    #[serde(default)]
    cut: Cut,
    #[serde(default)]
    rules: Rules,
    rows: Vec<Labelled>,
}

/// A prediction, and its label if that is known.
#[derive(Deserialize)]
struct Labelled {
    #[serde(flatten)]
    record: Record,
    #[serde(default)]
    label: Option<Json>,
}

pub(super) fn run(body: &[u8]) -> Result<Response<Vec<u8>>> {
    let expected = "`{\"baseline\": …, \"rows\": […]}`";
    let Request { baseline, cut, rules, rows } =
        serde_json::from_slice(body).map_err(|error| Error::body(expected, &error))?;
    let mut fold = Fold::new(&baseline.frame, &baseline.columns, &cut, BTreeMap::new());
    for (place, Labelled { mut record, label }) in rows.into_iter().enumerate() {
        if record.key.is_null() {
            // Its label stands beside it and needs no name to find it by.
            record.key = Json::from(format!("row {place}"));
        }
        let of = client_key(&record.client, &record.key).unwrap_or_default();
        let time = record.time.unwrap_or_default();
        fold.add(&Happened { received: time, what: What::Prediction(record) })?;
        if let Some(label) = label {
            fold.add(&Happened { received: time, what: What::Truth { of, label, time: None } })?;
        }
    }
    let folded = fold.finish();
    if let Some(reason) = folded.refused.first() {
        return Err(Error::body("rows that can be counted", reason));
    }
    let (mut windows, mut segments) = (BTreeMap::new(), BTreeMap::new());
    for (place, counted) in &folded.counted {
        let profile: &mut Profile = match place.segment.is_empty() {
            true => windows.entry(place.window).or_insert(Profile::new(&baseline.frame)?),
            false => segments.entry(place.segment.clone()).or_insert(Profile::new(&baseline.frame)?),
        };
        counted.add_to(profile)?;
    }
    let of = Windows::Seconds(cut.window_s);
    let windows: Vec<Named> =
        windows.into_iter().map(|(window, profile)| Named { name: of.start(window), profile }).collect();
    let segments: Vec<Named> = segments.into_iter().map(|(name, profile)| Named { name, profile }).collect();
    Ok(json(&report(&baseline, &windows, &segments, rules, None)?))
}
