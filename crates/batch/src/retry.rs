//! What is tried again, and how long is waited before. A failure is transient if the very same call may succeed later.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::time::Duration;

use object_store::client::{HttpError, HttpErrorKind};

/// How often an operation on a store is tried, beyond what the store's client does by itself.
const STORE_ATTEMPTS: u32 = 5;

/// Waits before operations on a store are tried again.
pub(crate) const STORE_BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

/// Waits that double, each shortened by chance so that many who failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest that the first wait can be.
    pub first: Duration,
    /// The longest that any wait can be.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The wait after so many failures, from 1, shortened to this share of it, from 0 to 1.
    #[must_use]
    pub fn delay(&self, n_failures: u32, share: f64) -> Duration {
        let doublings = n_failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest).mul_f64(share.clamp(0.0, 1.0))
    }
}

/// Calls until it succeeds, fails for good, or has failed too often.
pub(crate) async fn retried<T, F>(backoff: Backoff, mut call: impl FnMut() -> F) -> object_store::Result<T>
where
    F: Future<Output = object_store::Result<T>>,
{
    for n_failures in 1..STORE_ATTEMPTS {
        match call().await {
            Err(error) if is_transient(&error) && !was_retried(&error) => {
                tokio::time::sleep(backoff.delay(n_failures, rand::random())).await;
            }
            ended => return ended,
        }
    }
    call().await
}

/// Whether the same call may succeed later: the first cause that says so either way decides; if none does, it may not.
#[must_use]
pub fn is_transient(error: &(dyn StdError + 'static)) -> bool {
    find_cause(error, verdict).unwrap_or(false)
}

/// Whether a store's client has tried it again for as long as it found sensible.
fn was_retried(error: &object_store::Error) -> bool {
    let tells = |cause: &(dyn StdError + 'static)| cause.to_string().contains("max_retries: ").then_some(());
    find_cause(error, tells).is_some()
}

/// Whether the cause is that no space is left.
pub(crate) fn is_disk_full(error: &(dyn StdError + 'static)) -> bool {
    let full = |cause: &(dyn StdError + 'static)| {
        let kind = cause.downcast_ref::<io::Error>()?.kind();
        matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded).then_some(())
    };
    find_cause(error, full).is_some()
}

/// The error and its causes in one line.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn find_cause<T>(
    error: &(dyn StdError + 'static),
    judge: impl Fn(&(dyn StdError + 'static)) -> Option<T>,
) -> Option<T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = judge(error) {
            return Some(found);
        }
        next = inner(error);
    }
    None
}

/// What is behind an error. An I/O error's own source leaves out what it wraps.
fn inner<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn verdict(error: &(dyn StdError + 'static)) -> Option<bool> {
    if let Some(error) = ours(error) {
        return of_ours(error);
    }
    if let Some(error) = error.downcast_ref::<object_store::Error>() {
        return of_store(error);
    }
    if let Some(error) = error.downcast_ref::<HttpError>() {
        return of_http(error.kind());
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error.kind());
    }
    of_answer(&error.to_string())
}

/// The error as one of this crate's, which may be a cause in a box.
fn ours<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e crate::Error> {
    error.downcast_ref().or_else(|| error.downcast_ref::<Box<crate::Error>>().map(AsRef::as_ref))
}

fn of_ours(error: &crate::Error) -> Option<bool> {
    match error {
        crate::Error::EndpointDown { .. } | crate::Error::Undecided { .. } => Some(true),
        crate::Error::EndpointRefused { .. }
        | crate::Error::OtherModelAt { .. }
        | crate::Error::WrongAnswer { .. } => Some(false),
        _ => None,
    }
}

fn of_store(error: &object_store::Error) -> Option<bool> {
    match error {
        object_store::Error::Generic { .. } => None,
        _ => Some(false),
    }
}

fn of_http(kind: HttpErrorKind) -> Option<bool> {
    match kind {
        HttpErrorKind::Connect
        | HttpErrorKind::Request
        | HttpErrorKind::Timeout
        | HttpErrorKind::Interrupted => Some(true),
        _ => None,
    }
}

fn of_io(kind: ErrorKind) -> Option<bool> {
    match kind {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::BrokenPipe
        | ErrorKind::TimedOut
        | ErrorKind::Interrupted
        | ErrorKind::UnexpectedEof
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::ResourceBusy
        | ErrorKind::StaleNetworkFileHandle
        | ErrorKind::WouldBlock => Some(true),
        ErrorKind::Other => None,
        _ => Some(false),
    }
}

/// What an HTTP store answered is only in its error's text.
fn of_answer(text: &str) -> Option<bool> {
    if let Some((_, status)) = text.split_once("status code: ") {
        let status: u16 = status.get(..3)?.parse().ok()?;
        return Some(status >= 500 || status == 408 || status == 429);
    }
    let (_, body) = text.split_once("Server returned error response: ")?;
    Some(["SlowDown", "InternalError", "ServiceUnavailable"].iter().any(|code| body.contains(code)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn generic(source: impl Into<Box<dyn StdError + Send + Sync>>) -> object_store::Error {
        object_store::Error::Generic { store: "test", source: source.into() }
    }

    fn io_error(kind: ErrorKind) -> object_store::Error {
        generic(io::Error::from(kind))
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(5) };
        let delays: Vec<u64> = (1..6).map(|n_failures| backoff.delay(n_failures, 1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 5, 5]);
        assert_eq!(backoff.delay(u32::MAX, 0.5), Duration::from_millis(2500));
        assert_eq!(backoff.delay(2, 0.0), Duration::ZERO);
    }

    #[test]
    fn tells_transient_failures_from_permanent_ones() {
        for error in [
            io_error(ErrorKind::ConnectionReset),
            io_error(ErrorKind::TimedOut),
            generic("Server returned non-2xx status code: 503 Service Unavailable: "),
            generic(
                "Error after 10 retries - Server returned non-2xx status code: 429 Too Many Requests: wait",
            ),
            generic("Server returned error response: <Error><Code>SlowDown</Code></Error>"),
            generic(HttpError::new(HttpErrorKind::Timeout, io::Error::other("slow"))),
            generic(io::Error::other(io_error(ErrorKind::BrokenPipe))),
        ] {
            assert!(is_transient(&error), "{error}");
        }
        for error in [
            io_error(ErrorKind::StorageFull),
            io_error(ErrorKind::PermissionDenied),
            generic("Server returned non-2xx status code: 400 Bad Request: "),
            generic("Server returned error response: <Error><Code>NoSuchKey</Code></Error>"),
            generic("no idea"),
            object_store::Error::NotFound { path: "bucket".to_owned(), source: "NoSuchBucket".into() },
            object_store::Error::PermissionDenied { path: "x".to_owned(), source: "403".into() },
        ] {
            assert!(!is_transient(&error), "{error}");
        }
    }

    #[test]
    fn an_endpoint_that_is_down_may_come_back() {
        let url = || "http://h/batch/m".to_owned();
        let down = crate::Error::EndpointDown { url: url(), found: "503".to_owned() };
        assert!(is_transient(&down));
        // What an endpoint says must not be taken for what a store says.
        let found = "400: status code: 503".to_owned();
        assert!(!is_transient(&crate::Error::EndpointRefused { url: url(), found }));
    }

    #[test]
    fn the_cause_of_a_cause_counts() {
        let error = crate::Error::Store {
            operation: "read",
            uri: "s3://b/x".to_owned(),
            source: io_error(ErrorKind::ConnectionReset),
        };
        assert!(is_transient(&error));
        assert!(is_transient(&crate::Error::Undecided { uri: "s3://b/x".to_owned() }));
        assert!(is_disk_full(&io_error(ErrorKind::StorageFull)));
        assert!(!is_disk_full(&error));
    }

    #[test]
    fn a_chain_says_nothing_twice() {
        let error = crate::Error::Store { operation: "read", uri: "x".to_owned(), source: generic("gone") };
        assert_eq!(chain(&error), "cannot read `x`: Generic test error: gone");
    }

    #[tokio::test]
    async fn what_the_client_has_tried_long_enough_is_left_to_the_next_attempt() {
        let text = "Error after 10 retries, max_retries: 10 - Server returned non-2xx status code: 503 Service Unavailable: ";
        let calls = AtomicU32::new(0);
        let ended = retried(Backoff::default(), || {
            calls.fetch_add(1, Ordering::Relaxed);
            async move { Err::<(), _>(generic(text)) }
        });
        assert!(is_transient(&ended.await.unwrap_err()));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    async fn calls_until(fails: u32, kind: ErrorKind) -> (u32, bool) {
        let calls = AtomicU32::new(0);
        let ended = retried(Backoff { first: Duration::ZERO, longest: Duration::ZERO }, || {
            let failed = calls.fetch_add(1, Ordering::Relaxed) < fails;
            async move { if failed { Err(io_error(kind)) } else { Ok(()) } }
        });
        let succeeded = ended.await.is_ok();
        (calls.load(Ordering::Relaxed), succeeded)
    }

    #[tokio::test]
    async fn only_transient_failures_are_tried_again_and_not_for_ever() {
        assert_eq!(calls_until(0, ErrorKind::TimedOut).await, (1, true));
        assert_eq!(calls_until(4, ErrorKind::TimedOut).await, (5, true));
        assert_eq!(calls_until(9, ErrorKind::TimedOut).await, (5, false));
        assert_eq!(calls_until(9, ErrorKind::StorageFull).await, (1, false));
    }
}
