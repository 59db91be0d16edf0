//! One request in one fresh instance.
//!
//! The guest runs inside the future that answers the request: no task is started and no other thread is woken. When the
//! guest ends, as most do, in the same poll in which it set its response, the response leaves whole. When it has set its
//! response and waits (it streams a body, or does work that outlives the response), what is left of it becomes a task of its
//! own. A client that goes away before there is a response takes the guest with it.
//!
//! A closed stream is an error value in wasmtime, and `RUST_BACKTRACE=1` makes each capture a backtrace: measured, 10 % of the
//! requests per second. Leave it unset where that matters.

use std::{
    future::{self, Future},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::CONTENT_LENGTH};
use http_body_util::{Either, Full};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{self, Instant},
};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi_http::{
    WasiBody, WasiHttpView as _,
    p2::bindings::http::types::{ErrorCode, Scheme},
};

use crate::{
    body::{self, Remains, RequestBody, ResponseBody, Written},
    deadline,
    function::Function,
    outbound::Outbound,
    output,
    service::Service,
    state::State,
};

/// What comes with a request besides the request.
pub(crate) struct Call {
    /// The place of the instance, kept as long as it lives. None if the caller holds one already.
    pub(crate) place: Option<OwnedSemaphorePermit>,
    /// How many components called each other to come here.
    pub(crate) depth: u8,
}

/// Why a guest has no response.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The instance could not be made or trapped.
    Guest(wasmtime::Error),
    /// The guest ended without a response.
    NoResponse,
    /// The guest's response was an error.
    Code(ErrorCode),
    /// The guest ran for too long.
    Deadline,
}

type Answer = Result<Response<WasiBody>, ErrorCode>;
type Guest = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A guest that is over. Its store still holds the other ends of what it wrote.
struct Ended {
    store: Store<State>,
    result: wasmtime::Result<()>,
}

enum Event {
    Ended(Ended),
    Answered(Answer),
}

/// Answers `request` by a new instance of `function`.
///
/// # Errors
/// [`Failure`], if the guest gives no response.
pub(crate) async fn invoke(
    service: &Arc<Service>,
    function: &Arc<Function>,
    request: Request<RequestBody>,
    call: Call,
) -> Result<Response<ResponseBody>, Failure> {
    let deadline = service.limits.deadline.and_then(|limit| Instant::now().checked_add(limit));
    let (mut guest, mut answer) = start(service, function, request, call.depth).map_err(Failure::Guest)?;
    let event = within(deadline, next_event(&mut guest, &mut answer)).await.ok_or(Failure::Deadline)?;
    match event {
        Event::Ended(ended) => finish(ended, answer.try_recv().ok(), &function.id),
        Event::Answered(answer) => {
            let (response, failed) = leave(answer.map_err(Failure::Code)?);
            let rest = Rest { guest, deadline, failed, id: Arc::clone(&function.id), place: call.place };
            tokio::spawn(rest.go_on());
            Ok(response)
        }
    }
}

/// The guest, not yet polled, and where its answer will be.
fn start(
    service: &Arc<Service>,
    function: &Arc<Function>,
    request: Request<RequestBody>,
    depth: u8,
) -> wasmtime::Result<(Guest, oneshot::Receiver<Answer>)> {
    let outbound = Outbound { service: Arc::clone(service), function: Arc::clone(function), depth };
    let mut store = function.store(outbound, &service.limits);
    store.set_epoch_deadline(deadline::ticks(&service.limits));
    let (sender, receiver) = oneshot::channel();
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request)?;
    let response = http.new_response_outparam(sender)?;
    let function = Arc::clone(function);
    let run = async move {
        let result = async {
            let proxy = function.pre.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, response).await
        };
        let result = result.await;
        Ended { store, result }
    };
    Ok((Box::pin(run), receiver))
}

/// Polls the guest until it has ended or answered. An answer is set only while the guest is polled, so nobody has to wake us
/// for it.
fn next_event(guest: &mut Guest, answer: &mut oneshot::Receiver<Answer>) -> impl Future<Output = Event> {
    future::poll_fn(move |context| match guest.as_mut().poll(context) {
        Poll::Ready(ended) => Poll::Ready(Event::Ended(ended)),
        Poll::Pending => match answer.try_recv() {
            Ok(answer) => Poll::Ready(Event::Answered(answer)),
            Err(_) => Poll::Pending,
        },
    })
}

/// The response of a guest that has ended. If it trapped, its response counts only if it was complete.
fn finish(ended: Ended, answer: Option<Answer>, id: &str) -> Result<Response<ResponseBody>, Failure> {
    let Ended { store, result } = ended;
    let response = match (answer, &result) {
        (Some(answer), _) => answer.map_err(Failure::Code)?,
        (None, Ok(())) => return Err(Failure::NoResponse),
        (None, Err(_)) => return Err(failure(result)),
    };
    if result.is_ok() {
        // A body that the guest left unfinished ends with the store.
        drop(store);
        return Ok(leave(response).0);
    }
    let (parts, body) = response.into_parts();
    match body::written(body) {
        Written::Whole(bytes) => {
            failure(result).say(id);
            let body = sized(&parts.headers, bytes);
            Ok(Response::from_parts(parts, body))
        }
        Written::Open(_) => Err(failure(result)),
    }
}

/// The response as it leaves: in one piece if all of it is written. If not, there is a way to tell that its guest has failed.
fn leave(response: Response<WasiBody>) -> (Response<ResponseBody>, Option<oneshot::Sender<Remains>>) {
    let (parts, body) = response.into_parts();
    let (body, failed) = match body::written(body) {
        Written::Whole(bytes) => (sized(&parts.headers, bytes), None),
        Written::Open(body) => {
            let (body, failed) = body::watched(body);
            (Either::Right(body), Some(failed))
        }
    };
    (Response::from_parts(parts, body), failed)
}

/// A whole body. It tells its size only if the guest announced no other one, as it may in the answer to a HEAD: hyper relies
/// on the two being the same.
fn sized(headers: &HeaderMap, bytes: Bytes) -> ResponseBody {
    let announced = headers.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
    match announced {
        Some(announced) if announced != bytes.len().to_string().as_bytes() => {
            Either::Right(body::of_unknown_size(bytes))
        }
        _ => Either::Left(Full::new(bytes)),
    }
}

/// What is left of a guest whose response is on its way.
struct Rest {
    guest: Guest,
    deadline: Option<Instant>,
    failed: Option<oneshot::Sender<Remains>>,
    id: Arc<str>,
    place: Option<OwnedSemaphorePermit>,
}

impl Rest {
    /// Runs it to its end. If that is a bad one, its remains and its place stay until the response has been read.
    async fn go_on(mut self) {
        let remains: Remains = match within(self.deadline, &mut self.guest).await {
            Some(Ended { result: Ok(()), .. }) => return,
            Some(Ended { store, result }) => {
                failure(result).say(&self.id);
                Box::new((store, self.place))
            }
            None => {
                Failure::Deadline.say(&self.id);
                Box::new((self.guest, self.place))
            }
        };
        if let Some(failed) = self.failed {
            // Nobody may be reading any more: then they end here.
            drop(failed.send(remains));
        }
    }
}

/// `None` if the deadline comes first.
async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => time::timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

fn failure(result: wasmtime::Result<()>) -> Failure {
    match result {
        Err(error) if error.downcast_ref() == Some(&Trap::Interrupt) => Failure::Deadline,
        Err(error) => Failure::Guest(error),
        Ok(()) => Failure::NoResponse,
    }
}

impl Failure {
    /// What the client sees.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Guest(_) | Self::NoResponse | Self::Code(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Deadline => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether there was no room for the instance.
    pub(crate) fn is_overload(&self) -> bool {
        matches!(self, Self::Guest(error) if error.is::<PoolConcurrencyLimitError>())
    }

    /// What the operator sees.
    pub(crate) fn say(&self, id: &str) {
        match self {
            Self::Guest(error) => output::say(format_args!("{id}: guest failed: {error:#}")),
            Self::NoResponse => output::say(format_args!("{id}: guest ended without a response")),
            Self::Code(code) => output::say(format_args!("{id}: guest answered with the error {code:?}")),
            Self::Deadline => output::say(format_args!("{id}: guest stopped at the deadline")),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use http_body_util::BodyExt as _;

    use super::*;

    #[track_caller]
    fn check_size(announced: Option<&str>, expected: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.extend(announced.map(|size| (CONTENT_LENGTH, HeaderValue::from_str(size).unwrap())));
        assert_eq!(sized(&headers, Bytes::from_static(b"hello")).size_hint().exact(), expected);
    }

    #[test]
    fn a_body_tells_its_size_unless_another_was_announced() {
        check_size(None, Some(5));
        check_size(Some("5"), Some(5));
        check_size(Some("7"), None);
    }

    #[tokio::test]
    async fn a_body_of_unknown_size_is_all_there() {
        let body = body::of_unknown_size(Bytes::from_static(b"hello"));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
    }
}
