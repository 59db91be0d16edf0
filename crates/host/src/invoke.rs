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

use http::{Request, Response, StatusCode, header::CONTENT_LENGTH};
use http_body_util::{BodyExt as _, Either, Full};
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
    body::{self, Broken, RequestBody, ResponseBody, Written},
    deadline,
    function::Function,
    outbound::Outbound,
    output,
    service::Service,
    slots::Slotted,
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
type Guest = Slotted<Pin<Box<dyn Future<Output = Ended> + Send>>>;

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
    let deadline = service.limits.deadline.map(|limit| Instant::now() + limit);
    let (mut guest, mut answer) = start(service, function, request, call.depth).map_err(Failure::Guest)?;
    let event = within(deadline, next_event(&mut guest, &mut answer)).await.ok_or(Failure::Deadline)?;
    match event {
        Event::Ended(ended) => finish(ended, answer.try_recv().ok(), &function.id),
        Event::Answered(answer) => {
            let broken = Broken::default();
            let response = answer.map(|response| leave(response, &broken)).map_err(Failure::Code);
            let (id, place) = (Arc::clone(&function.id), call.place);
            tokio::spawn(async move {
                go_on(guest, deadline, &id, &broken).await;
                drop(place);
            });
            response
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
    Ok((Slotted::new(Box::pin(run), service.slots.clone()), receiver))
}

/// Polls the guest until it has ended or answered. An answer is set only while the guest is polled, so nobody has to wake us
/// for it.
fn next_event(guest: &mut Guest, answer: &mut oneshot::Receiver<Answer>) -> impl Future<Output = Event> {
    future::poll_fn(move |context| match Pin::new(&mut *guest).poll(context) {
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
        return Ok(leave(response, &Broken::default()));
    }
    let (parts, body) = response.into_parts();
    match body::written(body) {
        Written::Whole(bytes) => {
            failure(result).say(id);
            Ok(Response::from_parts(parts, Either::Left(Full::new(bytes))))
        }
        Written::Open(_) => Err(failure(result)),
    }
}

/// The response as it leaves: in one piece if all of it is written.
fn leave(response: Response<WasiBody>, broken: &Broken) -> Response<ResponseBody> {
    let (parts, body) = response.into_parts();
    let announced = parts.headers.get(CONTENT_LENGTH).map(|length| length.as_bytes());
    let body = match body::written(body) {
        // hyper trusts the header if it knows the body's size too.
        Written::Whole(bytes) if announced.is_some_and(|it| it != bytes.len().to_string().as_bytes()) => {
            Either::Right(Full::new(bytes).map_err(|never| match never {}).boxed_unsync())
        }
        Written::Whole(bytes) => Either::Left(Full::new(bytes)),
        Written::Open(body) => Either::Right(broken.watch(body)),
    };
    Response::from_parts(parts, body)
}

/// Runs what is left of a guest whose response is on its way.
async fn go_on(mut guest: Guest, deadline: Option<Instant>, id: &str, broken: &Broken) {
    let ended = within(deadline, &mut guest).await;
    let failure = match ended.as_ref().map(|ended| &ended.result) {
        Some(Ok(())) => return,
        Some(Err(_)) | None => {
            broken.set();
            ended.map_or(Failure::Deadline, |ended| failure(ended.result))
        }
    };
    failure.say(id);
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
