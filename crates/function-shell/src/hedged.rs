//! A request whose answer is worth no more than some time: a second try when the first takes long or fails, and the first good answer of
//! the two. Which rows are asked about, `endpoints::edge_check` says.

use endpoints::grpc::Unreachable;
use http::{Request, Response};
use spin_sdk::http::{IncomingResponse, OutgoingBody};
use spin_sdk::wit::wasi::http0_2_0::{outgoing_handler, types::FutureIncomingResponse};
use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use crate::outgoing::{outgoing_request, unreachable, with_body};

/// How much is read at once.
const CHUNK_BYTES: u64 = 1 << 20;

const NANOSECONDS: u64 = 1_000_000;

/// How often a request is sent at most.
const MAX_ATTEMPTS: usize = 2;

/// Statuses that say that another try may succeed: bad gateway, unavailable, gateway timeout.
const TRY_AGAIN: [u16; 3] = [502, 503, 504];

/// A time that is not waited for any longer, over all requests that share it.
pub(crate) struct Deadline {
    end: u64,
    timeout_ms: u64,
}

impl Deadline {
    /// In so many milliseconds.
    pub(crate) fn of(timeout_ms: u64) -> Self {
        let end = monotonic_clock::now().saturating_add(timeout_ms.saturating_mul(NANOSECONDS));
        Self { end, timeout_ms }
    }

    fn pollable(&self) -> Pollable {
        monotonic_clock::subscribe_instant(self.end)
    }

    fn is_over(&self) -> bool {
        monotonic_clock::now() >= self.end
    }

    fn passed(&self) -> Unreachable {
        unreachable(&format!("no answer within {} ms", self.timeout_ms))
    }
}

/// A request on its way.
struct Attempt<'a> {
    // The host wants the stream to go before the body that it belongs to.
    stream: Option<OutputStream>,
    body: Option<OutgoingBody>,
    unwritten: &'a [u8],
    answer: FutureIncomingResponse,
}

/// Sends `request`, and again after `hedge_ms` milliseconds without an answer, or at once after a failure that may pass.
///
/// # Errors
/// [`Unreachable`] if there is no good answer before the deadline.
pub(crate) fn send(
    request: &Request<Vec<u8>>,
    deadline: &Deadline,
    hedge_ms: u64,
) -> Result<Response<Vec<u8>>, Unreachable> {
    let hedge = monotonic_clock::now().saturating_add(hedge_ms.saturating_mul(NANOSECONDS));
    let mut attempts = vec![Attempt::start(request)?];
    let mut n_started = 1;
    let mut last = unreachable("there is no answer");
    loop {
        wait(&attempts, deadline, (n_started < MAX_ATTEMPTS).then_some(hedge));
        attempts.iter_mut().for_each(Attempt::write);
        let mut waiting = Vec::new();
        for attempt in attempts {
            match attempt.take(deadline) {
                Taken::Nothing(attempt) => waiting.push(attempt),
                Taken::Answer(response) => return Ok(response),
                Taken::Failure(reason) => last = reason,
            }
        }
        attempts = waiting;
        if deadline.is_over() {
            return Err(if attempts.is_empty() { last } else { deadline.passed() });
        }
        let is_time = attempts.is_empty() || monotonic_clock::now() >= hedge;
        if is_time && n_started < MAX_ATTEMPTS {
            n_started += 1;
            attempts.push(Attempt::start(request)?);
        }
        if attempts.is_empty() {
            return Err(last);
        }
    }
}

/// Waits until something can go on.
fn wait(attempts: &[Attempt<'_>], deadline: &Deadline, hedge: Option<u64>) {
    let streams = attempts.iter().filter_map(|attempt| Some(attempt.stream.as_ref()?.subscribe()));
    let answers = attempts.iter().map(|attempt| attempt.answer.subscribe());
    let hedge = hedge.map(monotonic_clock::subscribe_instant);
    let all: Vec<Pollable> = streams.chain(answers).chain(hedge).chain([deadline.pollable()]).collect();
    poll(&all.iter().collect::<Vec<_>>());
}

/// What an attempt has.
enum Taken<'a> {
    /// No answer yet.
    Nothing(Attempt<'a>),
    Answer(Response<Vec<u8>>),
    Failure(Unreachable),
}

impl<'a> Attempt<'a> {
    fn start(request: &'a Request<Vec<u8>>) -> Result<Self, Unreachable> {
        let outgoing = outgoing_request(request.method(), request.uri(), request.headers())?;
        let body = outgoing.body().map_err(|()| unreachable("the request has no body"))?;
        let stream = body.write().map_err(|()| unreachable("the request has no body"))?;
        let answer =
            outgoing_handler::handle(outgoing, None).map_err(|code| unreachable(&code.to_string()))?;
        Ok(Self { stream: Some(stream), body: Some(body), unwritten: request.body(), answer })
    }

    /// Writes as much of the body as there is room for. Whoever answers before it is read closes it; the answer says why.
    fn write(&mut self) {
        let Some(stream) = &self.stream else { return };
        while !self.unwritten.is_empty() {
            let room = match stream.check_write() {
                Ok(0) => return,
                Ok(room) => usize::try_from(room).unwrap_or(usize::MAX),
                Err(_) => break,
            };
            let (chunk, rest) = self.unwritten.split_at(room.min(self.unwritten.len()));
            if stream.write(chunk).is_err() {
                break;
            }
            self.unwritten = rest;
        }
        drop(stream.flush());
        self.stream = None;
        drop(self.body.take().map(|body| OutgoingBody::finish(body, None)));
    }

    fn take(self, deadline: &Deadline) -> Taken<'a> {
        match self.answer.get() {
            None => Taken::Nothing(self),
            Some(Ok(Ok(answer))) => match read(&answer, deadline) {
                Ok(response) if TRY_AGAIN.contains(&response.status().as_u16()) => {
                    Taken::Failure(unreachable(&format!("it answers {}", response.status())))
                }
                Ok(response) => Taken::Answer(response),
                Err(reason) => Taken::Failure(reason),
            },
            Some(Ok(Err(code))) => Taken::Failure(unreachable(&code.to_string())),
            Some(Err(())) => Taken::Failure(unreachable("there is no answer")),
        }
    }
}

fn read(answer: &IncomingResponse, deadline: &Deadline) -> Result<Response<Vec<u8>>, Unreachable> {
    let broken = || unreachable("the answer breaks off");
    let body = answer.consume().map_err(|()| broken())?;
    let stream = body.stream().map_err(|()| broken())?;
    let bytes = read_to_end(&stream, deadline)?;
    with_body(answer, bytes)
}

fn read_to_end(stream: &InputStream, deadline: &Deadline) -> Result<Vec<u8>, Unreachable> {
    let mut bytes = Vec::new();
    loop {
        match stream.read(CHUNK_BYTES) {
            Ok(chunk) if !chunk.is_empty() => bytes.extend_from_slice(&chunk),
            Ok(_) if deadline.is_over() => return Err(deadline.passed()),
            Ok(_) => drop(poll(&[&stream.subscribe(), &deadline.pollable()])),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(unreachable("the answer breaks off")),
        }
    }
}
