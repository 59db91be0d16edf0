//! What becomes of one event for one receiver: tried at once, tried again at growing distances, and in the
//! end delivered, refused or given up, which is kept. Nothing is sent here, and there is no chance: what
//! spreads retries of many events is made of their ids.
//!
//! Source: Standard Webhooks 1.0.0, "Deliverability and reliability" and "Delivery success and failure".

use serde::{Deserialize, Serialize};

use crate::fingerprint::{fingerprint, number};

/// Seconds from each failed attempt to the next, by the specification's example. After the last, nothing
/// follows.
const SCHEDULE: [u64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// A receiver can ask for so many seconds of patience at most.
const MOST_PATIENCE: u64 = 86_400;

/// An attempt may be late by this part of its distance, so that events which failed together do not come
/// back together.
const SPREAD: u64 = 5;

/// Statuses below 500 that speak of now, not of the request: a timeout, another attempt that is being
/// served, too early, too many.
const TEMPORARY: [u16; 4] = [408, 409, 425, 429];

/// An event on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event's id.
    pub id: String,
    /// How many attempts there have been.
    pub n_attempts: usize,
    /// What came of the last one.
    pub last: Option<Answer>,
    /// How it stands.
    #[serde(flatten)]
    pub state: State,
}

/// How a delivery stands. All but the first are ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// To be tried, or tried again.
    Retry {
        /// When, in seconds since 1970.
        at: i64,
    },
    /// The receiver has it.
    Delivered {
        /// Since when.
        at: i64,
    },
    /// The receiver will never take it: its address or the secret is wrong, or nobody wants it.
    Permanent {
        /// Since when that is known.
        at: i64,
    },
    /// Every attempt of the schedule has failed.
    GivenUp {
        /// When the last one did.
        at: i64,
    },
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The receiver answered.
    Status {
        /// The status of HTTP.
        status: u16,
        /// For how many seconds it asks for patience; see [`retry_after`].
        retry_after: Option<u64>,
    },
    /// There was no answer: no connection, or a timeout.
    Failed {
        /// Why not.
        reason: String,
    },
}

impl Delivery {
    /// A delivery of the event `id`, to be tried at `now`. One that has ended is tried again as a new one
    /// of the same id.
    #[must_use]
    pub fn new(id: &str, now: i64) -> Self {
        Self { id: id.to_owned(), n_attempts: 0, last: None, state: State::Retry { at: now } }
    }

    /// Whether an attempt is due at `now`.
    #[must_use]
    pub fn is_due(&self, now: i64) -> bool {
        self.next_attempt().is_some_and(|at| at <= now)
    }

    /// When the next attempt is due, in seconds since 1970; none if the delivery has ended.
    #[must_use]
    pub fn next_attempt(&self) -> Option<i64> {
        match self.state {
            State::Retry { at } => Some(at),
            State::Delivered { .. } | State::Permanent { .. } | State::GivenUp { .. } => None,
        }
    }

    /// Takes in what came of an attempt that ended at `now`. What comes after the end changes nothing.
    pub fn record(&mut self, answer: Answer, now: i64) {
        if self.next_attempt().is_none() {
            return;
        }
        self.state = self.after(&answer, now);
        self.n_attempts = self.n_attempts.saturating_add(1);
        self.last = Some(answer);
    }

    fn after(&self, answer: &Answer, now: i64) -> State {
        match *answer {
            Answer::Status { status: 200..300, .. } => State::Delivered { at: now },
            Answer::Status { status, .. } if is_permanent(status) => State::Permanent { at: now },
            Answer::Status { retry_after, .. } => self.retry(retry_after.unwrap_or(0), now),
            Answer::Failed { .. } => self.retry(0, now),
        }
    }

    fn retry(&self, patience: u64, now: i64) -> State {
        let Some(&distance) = SCHEDULE.get(self.n_attempts) else {
            return State::GivenUp { at: now };
        };
        let scheduled = distance + number(self.seed()) % (distance / SPREAD + 1);
        let distance = scheduled.max(patience.min(MOST_PATIENCE));
        State::Retry { at: now.saturating_add_unsigned(distance) }
    }

    /// Different for each event and each of its attempts.
    fn seed(&self) -> [u8; 32] {
        fingerprint(&["retry", &self.id, &self.n_attempts.to_string()])
    }
}

fn is_permanent(status: u16) -> bool {
    (400..500).contains(&status) && !TEMPORARY.contains(&status)
}

/// The seconds of a header `Retry-After`. Its other form, a date, asks for nothing here: the schedule holds.
#[must_use]
pub fn retry_after(header: &str) -> Option<u64> {
    let header = header.trim();
    let is_number = !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| header.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Answer {
        Answer::Status { status, retry_after: None }
    }

    /// A delivery of which the first attempt, at 1000, ended in `answer`.
    fn after(answer: Answer) -> Delivery {
        let mut delivery = Delivery::new("alarm_1", 1000);
        delivery.record(answer, 1000);
        delivery
    }

    #[test]
    fn it_is_tried_at_once() {
        let delivery = Delivery::new("alarm_1", 1000);
        assert_eq!([999, 1000].map(|now| delivery.is_due(now)), [false, true]);
    }

    #[test]
    fn what_is_taken_is_delivered() {
        assert!(
            [200, 202, 204, 299]
                .iter()
                .all(|code| after(status(*code)).state == State::Delivered { at: 1000 })
        );
    }

    #[test]
    fn what_is_refused_is_not_tried_again() {
        assert!(
            [400, 401, 404, 410, 422]
                .iter()
                .all(|code| after(status(*code)).state == State::Permanent { at: 1000 })
        );
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let answers = [100, 302, 408, 409, 425, 429, 500, 503, 600].map(status);
        let failed = [Answer::Failed { reason: "timeout".to_owned() }];
        for answer in answers.into_iter().chain(failed) {
            let next = after(answer).next_attempt().unwrap();
            assert!((1005..=1006).contains(&next), "{next}");
        }
    }

    #[test]
    fn patience_is_granted_for_a_day_at_most() {
        let next = |seconds| {
            after(Answer::Status { status: 503, retry_after: Some(seconds) }).next_attempt().unwrap() - 1000
        };
        assert_eq!([120, 86_400, u64::MAX].map(next), [120, 86_400, 86_400]);
        assert!(next(1) >= 5);
    }

    #[test]
    fn after_the_schedule_it_is_given_up_with_its_last_answer() {
        let mut delivery = Delivery::new("alarm_1", 0);
        for attempt in 0..SCHEDULE.len() {
            assert!(delivery.next_attempt().is_some(), "{attempt}");
            delivery.record(status(500), 0);
        }
        delivery.record(status(502), 7);
        assert_eq!((delivery.state, delivery.n_attempts), (State::GivenUp { at: 7 }, 10));
        assert_eq!(delivery.last, Some(status(502)));
    }

    #[test]
    fn the_end_is_the_end() {
        let delivered = after(status(200));
        let mut later = delivered.clone();
        later.record(status(500), 2000);
        assert_eq!(later, delivered);
    }

    #[test]
    fn it_is_stored_as_one_object() {
        let delivery = after(status(404));
        let stored = serde_json::to_string(&delivery).unwrap();
        let last = r#"{"status":{"status":404,"retry_after":null}}"#;
        let expected = r#"{"id":"alarm_1","n_attempts":1,"last":LAST,"state":"permanent","at":1000}"#;
        assert_eq!(stored, expected.replace("LAST", last));
        assert_eq!(serde_json::from_str::<Delivery>(&stored).unwrap(), delivery);
    }

    #[test]
    fn patience_is_read_in_seconds() {
        let headers = ["120", " 0 ", "99999999999999999999", "", "-1", "+1", "Wed, 21 Oct 2026 07:28:00 GMT"];
        assert_eq!(headers.map(retry_after), [Some(120), Some(0), Some(u64::MAX), None, None, None, None]);
    }
}
