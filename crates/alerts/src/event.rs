//! An alarm as a CloudEvent in structured mode: one JSON object that is the whole body of a request. The
//! binary mode, with attributes in headers, is not here: a signature would not cover them.
//!
//! Source: CloudEvents 1.0.2, "CloudEvents - Version 1.0.2" and "JSON Event Format".

use evaluation::rfc3339;
use serde::{Deserialize, Serialize};

use crate::{alarm::Alarm, error::Error};

/// The media type of a body.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The type of an alarm's event.
pub const EVENT_TYPE: &str = "dev.plinth.evaluation.alarm";

/// When the years begin and end that RFC 3339 can write, in seconds since 1970.
const YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// A CloudEvent. Attributes have the specification's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The specification's version: `1.0`.
    pub specversion: String,
    /// The alarm's id.
    pub id: String,
    /// Who raised it, as a URI reference.
    pub source: String,
    /// [`EVENT_TYPE`].
    #[serde(rename = "type")]
    pub event_type: String,
    /// The alarm's subject, without characters that the specification forbids; none if it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was raised, as RFC 3339 has it, in UTC.
    pub time: String,
    /// The media type of the data: `application/json`.
    pub datacontenttype: String,
    /// The alarm.
    pub data: Alarm,
}

/// The event of an alarm that `source` raised, such as `/models/digits` or a URL.
///
/// # Errors
/// [`Error::Source`] if the source is no URI reference, [`Error::Time`] if the alarm was raised in no year
/// from 0 to 9999.
pub fn event(alarm: &Alarm, source: &str) -> Result<Event, Error> {
    if !is_reference(source) {
        return Err(Error::Source { found: source.to_owned() });
    }
    Ok(Event {
        specversion: "1.0".to_owned(),
        id: alarm.id.clone(),
        source: source.to_owned(),
        event_type: EVENT_TYPE.to_owned(),
        subject: (!alarm.subject.is_empty()).then(|| permitted(&alarm.subject)),
        time: time(alarm.raised_at)?,
        datacontenttype: "application/json".to_owned(),
        data: alarm.clone(),
    })
}

impl Event {
    /// The body of the request. Keep it for all attempts.
    ///
    /// # Errors
    /// [`Error::Json`], which no event of [`event`] meets.
    pub fn body(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Json { reason: error.to_string() })
    }
}

fn time(seconds: i64) -> Result<String, Error> {
    YEARS.contains(&seconds).then(|| rfc3339(seconds)).ok_or(Error::Time { seconds })
}

/// Whether the text is not empty and has only characters of a URI reference (RFC 3986, appendix A).
fn is_reference(text: &str) -> bool {
    let is_of_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_uri)
}

/// The text with U+FFFD for each character that a string attribute may not have.
fn permitted(text: &str) -> String {
    text.chars().map(|c| if is_permitted(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Whether the character is neither a control nor one of Unicode's noncharacters.
fn is_permitted(c: char) -> bool {
    let code = u32::from(c);
    !c.is_control() && !(0xFDD0..=0xFDEF).contains(&code) && code & 0xFFFE != 0xFFFE
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn alarm(subject: &str, raised_at: i64) -> Alarm {
        Alarm {
            id: "alarm_1".to_owned(),
            model: "digits".to_owned(),
            subject: subject.to_owned(),
            text: "It fell.".to_owned(),
            since: None,
            raised_at,
            evidence: Value::Null,
        }
    }

    #[test]
    fn a_source_is_a_uri_reference() {
        let is_source = |source| event(&alarm("accuracy", 0), source).is_ok();
        let sources = ["/models/digits", "https://a.example/m?x=%20#y", "", "two words", "caf\u{e9}", "a\n"];
        assert_eq!(sources.map(is_source), [true, true, false, false, false, false]);
    }

    #[test]
    fn a_time_has_a_year_of_four_digits() {
        let times = [*YEARS.start(), *YEARS.end()].map(|at| event(&alarm("a", at), "/").unwrap().time);
        assert_eq!(times, ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]);
        let beyond = YEARS.end() + 1;
        assert_eq!(event(&alarm("a", beyond), "/"), Err(Error::Time { seconds: beyond }));
    }

    #[test]
    fn a_subject_has_no_forbidden_characters_and_is_never_empty() {
        let subject = |subject| event(&alarm(subject, 0), "/").unwrap().subject;
        assert_eq!(
            subject("city = Z\u{fc}rich\n\u{fdd0}\u{1ffff}"),
            Some("city = Z\u{fc}rich\u{fffd}\u{fffd}\u{fffd}".to_owned())
        );
        assert_eq!(subject(""), None);
        assert!(!event(&alarm("", 0), "/").unwrap().body().unwrap().contains(r#"z","subject""#));
    }
}
