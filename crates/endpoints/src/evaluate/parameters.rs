//! What the query says.

use std::borrow::Cow;

use evaluation::{Rules, Tolerance, Windows, seconds};
use evaluation_store::{Selection, Settings};
use metrics::interval::Confidence;

use super::error::{Error, Result};

/// The parameters of a query, in their order.
pub(super) struct Parameters<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Parameters<'q> {
    pub(super) fn read(query: &'q str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// The last value of that name, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
    }

    fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(found, _)| found == name);
        let split = values.flat_map(|(_, value)| value.split(',')).map(str::trim);
        split.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn model(&self) -> Result<&str> {
        let missing = || Error::Parameter {
            name: "model",
            expected: "a model's name".to_owned(),
            found: String::new(),
        };
        self.get("model").ok_or_else(missing)
    }

    pub(super) fn policy(&self) -> Result<&str> {
        let missing = || Error::Parameter {
            name: "policy",
            expected: "a policy's id".to_owned(),
            found: String::new(),
        };
        self.get("policy").ok_or_else(missing)
    }

    /// How the model of a baseline is to be evaluated.
    pub(super) fn settings(&self) -> Result<Settings> {
        let mut settings = Settings::default();
        if let Some(window) = self.length("window")? {
            settings.cut.window_s = window;
        }
        settings.cut.segments = self.all("segment");
        settings.cut.horizon_s = self.length("horizon")?.map(|seconds| seconds as f64);
        if let Some(retention) = self.length("retention")? {
            settings.retention_s = retention as f64;
        }
        if let Some(cooldown) = self.length("cooldown")? {
            settings.cooldown_s = cooldown as f64;
        }
        Ok(settings)
    }

    /// Which windows a report is of.
    pub(super) fn selection(&self) -> Result<Selection> {
        let segment = self.get("segment").map(str::to_owned);
        Ok(Selection { from: self.time("from")?, to: self.time("to")?, segment })
    }

    /// How a report judges.
    pub(super) fn rules(&self) -> Result<Rules> {
        let mut rules = Rules::default();
        if let Some(confidence) = self.number("confidence")? {
            let wrong = |_| Error::Parameter {
                name: "confidence",
                expected: "a number between 0 and 1".to_owned(),
                found: confidence.to_string(),
            };
            rules.confidence = Confidence::new(confidence).map_err(wrong)?;
        }
        if let Some(tolerance) = self.number("tolerance")? {
            rules.tolerance = Tolerance(tolerance);
        }
        Ok(rules)
    }

    fn number(&self, name: &'static str) -> Result<Option<f64>> {
        let wrong =
            |found: &str| Error::Parameter { name, expected: "a number".to_owned(), found: found.to_owned() };
        self.get(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    fn time(&self, name: &'static str) -> Result<Option<f64>> {
        let expected = || "a time such as `2026-11-27T10:00:00Z` or seconds since 1970".to_owned();
        let wrong = |found: &str| Error::Parameter { name, expected: expected(), found: found.to_owned() };
        self.get(name).map(|text| seconds(text).map_err(|_| wrong(text))).transpose()
    }

    /// A length of time in seconds.
    fn length(&self, name: &'static str) -> Result<Option<u64>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(Windows::Seconds(seconds)) => Ok(Some(seconds)),
            _ => Err(Error::Parameter {
                name,
                expected: "a time such as `1h` or `7d`".to_owned(),
                found: text.to_owned(),
            }),
        }
    }
}
