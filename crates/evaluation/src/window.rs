//! Which window a row belongs to: by the time of its prediction, or by its place among the rows.

use std::{fmt, str::FromStr};

use chrono::{DateTime, SecondsFormat};

use crate::error::Error;

/// How rows are cut into windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// By the time of the prediction, from one multiple of so many seconds since 1970 to the next.
    Seconds(u64),
    /// By so many rows, in their order.
    Rows(u64),
}

impl Windows {
    /// The window of the row at `place`, predicted at `time`. Windows are numbered from 1970, or from the first row; a row without a
    /// time belongs to none if windows go by time.
    #[must_use]
    pub fn of(self, place: u64, time: Option<f64>) -> Option<i64> {
        match self {
            Self::Rows(n) => i64::try_from(place / n.max(1)).ok(),
            Self::Seconds(length) => {
                let number = (time? / length.max(1) as f64).floor();
                // Far beyond any calendar, and far below where the numbers of an `i64` end.
                #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
                (number.abs() < 1e15).then_some(number as i64)
            }
        }
    }

    /// Where a window begins: a time as RFC 3339 has it, or the number of its first row.
    #[must_use]
    pub fn start(self, window: i64) -> String {
        match self {
            Self::Rows(n) => format!("row {}", window.unsigned_abs() * n),
            Self::Seconds(length) => {
                rfc3339(window.saturating_mul(i64::try_from(length).unwrap_or(i64::MAX)))
            }
        }
    }
}

impl FromStr for Windows {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
        let fault = || Error::Window { found: text.to_owned() };
        let number: u64 = number.parse().ok().filter(|&number| number > 0).ok_or_else(fault)?;
        let seconds = match unit.trim() {
            "rows" | "row" => return Ok(Self::Rows(number)),
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(fault()),
        };
        number.checked_mul(seconds).map(Self::Seconds).ok_or_else(fault)
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(n) => write!(f, "{n}rows"),
            Self::Seconds(length) => write!(f, "{length}s"),
        }
    }
}

/// Seconds since 1970 as `2026-11-27T10:00:00Z`; beyond the calendar, which ends in the year 262142, the number itself.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0);
    time.map_or_else(|| seconds.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A time in seconds since 1970, of RFC 3339 text or of a number of seconds. Without a zone, a time is UTC.
///
/// # Errors
/// [`Error::Time`].
pub fn seconds(text: &str) -> Result<f64, Error> {
    let fault = || Error::Time { found: text.to_owned() };
    match text.trim().parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Ok(seconds),
        Ok(_) => Err(fault()),
        Err(_) => of_rfc3339(text.trim()).ok_or_else(fault),
    }
}

fn of_rfc3339(text: &str) -> Option<f64> {
    let with_zone = DateTime::parse_from_rfc3339(text);
    let time = with_zone.or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z"))).ok()?;
    Some(time.timestamp() as f64 + f64::from(time.timestamp_subsec_nanos()) / 1e9)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Expected: Python's `datetime.fromisoformat(text).timestamp()`.
    #[test]
    fn times_are_those_of_the_calendar() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2000-02-29T12:00:00Z", 951_825_600.0),
            ("2026-11-27T10:00:00+01:00", 1_795_770_000.0),
            ("1969-12-31T23:59:59.5Z", -0.5),
            ("2026-11-27 10:00:00", 1_795_773_600.0),
            ("1795773600", 1_795_773_600.0),
        ] {
            assert_eq!(seconds(text).map(f64::to_bits), Ok(f64::to_bits(expected)), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-27",
            "2026-11-27T10:00:00+x",
            "inf",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn windows_are_read_and_begin_where_they_should() {
        let windows: Windows = "1h".parse().unwrap();
        assert_eq!(windows, Windows::Seconds(3600));
        let window = windows.of(0, Some(1_795_773_600.0 + 60.0)).unwrap();
        assert_eq!(windows.start(window), "2026-11-27T10:00:00Z");
        assert_eq!(Windows::Rows(100).of(250, None), Some(2));
        assert_eq!(windows.of(0, None), None);
        for text in ["", "h", "0d", "1 fortnight", "-1h"] {
            assert!(text.parse::<Windows>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_as_what_it_was_written_from(second in -62_000_000_000_i64..250_000_000_000) {
            prop_assert_eq!(seconds(&rfc3339(second)), Ok(second as f64));
        }
    }
}
