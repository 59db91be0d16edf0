//! From a finding to a webhook: alarms, when one may be raised again, the event, its signature, and when to
//! try what failed again.
//!
//! Pure: the time is an argument, and whoever calls sends and stores. In order:
//!
//! 1. [`Watches::due`] says which of a report's findings are events now.
//! 2. [`Alarm::new`] makes an alarm of each, [`event()`] a CloudEvent of it, [`Event::body`] the bytes that
//!    are sent at every attempt.
//! 3. While [`Delivery::is_due`], [`headers`] signs these bytes for one attempt, and [`Delivery::record`]
//!    is told what came of it.
//!
//! Who stores the deliveries before the watches loses no event if it stops in between: the same alarm would
//! be raised again, with the same id wherever the finding names the window since which it has been so, and
//! a receiver knows an event by its id.

mod alarm;
mod cooldown;
mod delivery;
mod error;
mod event;
mod fingerprint;
mod header;
mod secret;
mod signature;

pub use alarm::Alarm;
pub use cooldown::{Cooldown, Episode, Occurrence, Watch, Watches, due};
pub use delivery::{Answer, Delivery, State, retry_after};
pub use error::Error;
pub use event::{CONTENT_TYPE, EVENT_TYPE, Event, event};
pub use header::{Header, headers};
pub use secret::Secrets;
pub use signature::{TOLERANCE, sign, verify};
