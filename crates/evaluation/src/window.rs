//! Which window a row belongs to: by the time of its prediction, or by its place among the rows.

use std::{fmt, str::FromStr};

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

/// Seconds since 1970 as `2026-11-27T10:00:00Z`.
///
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A time in seconds since 1970, of RFC 3339 text or of a number of seconds.
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
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok()).flatten()
    };
    let separators = [(4, "-"), (7, "-"), (13, ":"), (16, ":")];
    let is_shaped = separators.iter().all(|&(at, mark)| text.get(at..=at) == Some(mark));
    let is_shaped = is_shaped && matches!(text.get(10..11), Some("T" | "t" | " "));
    if !is_shaped {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let is_valid =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let rest = text.get(19..)?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (fraction, zone) = rest.split_at_checked(zone_at)?;
    let fraction = if fraction.is_empty() { 0.0 } else { format!("0{fraction}").parse::<f64>().ok()? };
    let whole = days_of(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    is_valid.then_some(whole as f64 + fraction)
}

/// Days from 1970 to a date.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = (month + 9) % 12;
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// How far a time zone is ahead of UTC, in seconds. Without a zone, a time is UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
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
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-27", "2026-11-27T10:00:00+x", "inf"] {
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
