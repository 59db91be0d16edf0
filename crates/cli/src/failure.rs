//! Whose fault an error is, as an exit code.

use std::process::ExitCode;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All that was asked for is done.
    Done,
    /// The user stopped it.
    Cancelled,
    /// Its time was over.
    Expired,
    /// Something is worse than it may be.
    Alarm,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Cancelled => Self::from(3),
            Outcome::Expired => Self::from(4),
            Outcome::Alarm => Self::from(5),
        }
    }
}

/// What the user gave cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

/// Whoever tries the same again fails the same.
#[derive(Debug, thiserror::Error)]
#[error("not to be tried again")]
pub(crate) struct Permanent;

/// 42 if trying again is of no use to the engine that asked, 2 if what the user gave is at fault, 1 otherwise.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<Permanent>() {
        return ExitCode::from(42);
    }
    let is_usage = error.chain().any(|cause| {
        cause.is::<Misuse>()
            || cause.downcast_ref().is_some_and(packer::Error::is_input_at_fault)
            || cause.downcast_ref().is_some_and(host::Error::is_usage)
            || cause.downcast_ref().is_some_and(batch::Error::is_usage)
            || cause.is::<evaluation::Error>()
            || cause.is::<two_phase::Error>()
    });
    ExitCode::from(if is_usage { 2 } else { 1 })
}
