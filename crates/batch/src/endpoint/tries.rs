//! Failures of requests that may not come again: how often each kind of them is met before it is believed, and how long is waited before
//! the next try. What is done then is the caller's business.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::Backoff;

/// Waits before requests are tried again, if the endpoint does not say how long.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(10) };

/// The longest wait that an endpoint can ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// The most tries of a request, whatever comes of them.
const MAX_TRIES: u32 = 16;

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The endpoint has no room now: 429, 503.
    Busy,
    /// Nobody is there, or somebody on the way says so: no connection, 408, 502 and the like.
    Down,
    /// It takes too long: 504, or the request's own time is over.
    Late,
    /// The function ended before its answer: a 500 without an error in JSON, or an answer without its end.
    Broken,
    /// The request is longer than the endpoint takes: 413.
    TooLarge,
}

impl Kind {
    /// How often it is met, one time after the other, before it is believed.
    const fn patience(self, is_lone: bool) -> u32 {
        match self {
            Self::Busy => 10,
            Self::Down => 4,
            Self::Late => 2,
            // What is left of a row that is blamed is an error: better be sure.
            Self::Broken if is_lone => 3,
            Self::Broken => 2,
            Self::TooLarge => 1,
        }
    }
}

/// A failure that may not come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    /// What was found instead of an answer.
    pub(super) found: String,
    /// How long the endpoint wants to be left alone.
    pub(super) wait: Option<Duration>,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another try, after this time.
    Wait(Duration),
    /// The failure is believed.
    Enough,
    /// Too many failures, of one kind or the other.
    GiveUp,
}

/// The failures of a request so far.
#[derive(Debug)]
pub(super) struct Tries {
    is_lone: bool,
    last: Option<Kind>,
    n_in_a_row: u32,
    n_tries: u32,
}

impl Tries {
    /// None yet, of a request with so many rows.
    pub(super) const fn new(n_rows: usize) -> Self {
        Self { is_lone: n_rows <= 1, last: None, n_in_a_row: 0, n_tries: 0 }
    }

    /// What follows this failure. `share`, from 0 to 1, shortens a wait for which the endpoint has no wish.
    pub(super) fn next(&mut self, trouble: &Trouble, share: f64) -> Next {
        let is_again = self.last.replace(trouble.kind) == Some(trouble.kind);
        self.n_in_a_row = if is_again { self.n_in_a_row + 1 } else { 1 };
        self.n_tries += 1;
        if self.n_in_a_row >= trouble.kind.patience(self.is_lone) {
            Next::Enough
        } else if self.n_tries >= MAX_TRIES {
            Next::GiveUp
        } else {
            Next::Wait(trouble.wait.unwrap_or_else(|| BACKOFF.delay(self.n_in_a_row, share)))
        }
    }
}

/// How long the answer says to wait: seconds, or a date, which is compared with the answer's own.
///
/// Source: RFC 9110, section 10.2.3.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let after = text(RETRY_AFTER)?;
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let wait = match after.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => date(after)?.duration_since(date(text(DATE)?)?).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(kind: Kind) -> Trouble {
        Trouble { kind, found: String::new(), wait: None }
    }

    #[track_caller]
    fn check_believed(n_rows: usize, kinds: &[Kind], expect: Next) {
        let mut tries = Tries::new(n_rows);
        let (last, before) = kinds.split_last().unwrap();
        for kind in before {
            assert!(matches!(tries.next(&trouble(*kind), 1.0), Next::Wait(_)), "{kind:?} of {kinds:?}");
        }
        assert_eq!(tries.next(&trouble(*last), 1.0), expect, "{kinds:?}");
    }

    #[test]
    fn what_comes_again_and_again_is_believed() {
        check_believed(9, &[Kind::TooLarge], Next::Enough);
        check_believed(9, &[Kind::Broken; 2], Next::Enough);
        check_believed(9, &[Kind::Late; 2], Next::Enough);
        check_believed(9, &[Kind::Down; 4], Next::Enough);
        check_believed(9, &[Kind::Busy; 10], Next::Enough);
    }

    #[test]
    fn a_lone_row_is_not_blamed_before_the_third_time_in_a_row() {
        check_believed(1, &[Kind::Broken; 3], Next::Enough);
        check_believed(
            1,
            &[Kind::Broken, Kind::Broken, Kind::Down, Kind::Broken, Kind::Broken, Kind::Broken],
            Next::Enough,
        );
    }

    #[test]
    fn failures_that_alternate_have_an_end() {
        let kinds = [Kind::Down, Kind::Broken].repeat(8);
        check_believed(1, &kinds, Next::GiveUp);
    }

    #[test]
    fn waits_are_the_endpoints_or_grow() {
        let mut tries = Tries::new(9);
        let waits = [(); 3].map(|()| tries.next(&trouble(Kind::Down), 0.5));
        assert_eq!(waits, [125, 250, 500].map(|wait| Next::Wait(Duration::from_millis(wait))));
        let asked = Trouble { wait: Some(Duration::ZERO), ..trouble(Kind::Busy) };
        assert_eq!(tries.next(&asked, 1.0), Next::Wait(Duration::ZERO));
    }

    #[track_caller]
    fn check_retry_after(headers: &[(HeaderName, &str)], expect: Option<u64>) {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        assert_eq!(retry_after(&headers), expect.map(Duration::from_secs), "{headers:?}");
    }

    // The dates are the examples of RFC 9110, section 5.6.7, and ones beside them.
    #[test]
    fn an_endpoint_says_how_long_in_seconds_or_by_a_date() {
        let date = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        check_retry_after(&[], None);
        check_retry_after(&[(RETRY_AFTER, " 120 ")], Some(120));
        check_retry_after(&[(RETRY_AFTER, "0")], Some(0));
        check_retry_after(&[(RETRY_AFTER, "86400")], Some(900));
        check_retry_after(&[(RETRY_AFTER, "-1")], None);
        check_retry_after(&[(RETRY_AFTER, "soon"), date.clone()], None);
        check_retry_after(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT"), date.clone()], Some(30));
        check_retry_after(&[(RETRY_AFTER, "Sunday, 06-Nov-94 08:49:42 GMT"), date.clone()], Some(5));
        check_retry_after(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:07 GMT"), date], Some(0));
        check_retry_after(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT")], None);
    }
}
