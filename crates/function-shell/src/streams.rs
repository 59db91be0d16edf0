//! Bodies that come and go in pieces: for handlers that read while they write.

use std::io::{self, BufWriter, Read, Write};

use http::{HeaderMap, Request, Response, StatusCode};
use spin_sdk::http::{IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use spin_sdk::wit::wasi::http0_2_0::types::IncomingBody;
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use crate::request::{drain, head};
use crate::response::{self, fields, log, write_all};

/// How much is written at once.
const WRITE_BYTES: usize = 64 << 10;

/// The body of a request.
pub(crate) struct Input {
    // The host wants the stream to go before the body that it belongs to.
    stream: InputStream,
    _body: IncomingBody,
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.stream.blocking_read(bytes.len() as u64) {
            Ok(read) => read.as_slice().read(bytes),
            Err(StreamError::Closed) => Ok(0),
            Err(error @ StreamError::LastOperationFailed(_)) => Err(io::Error::other(error.to_string())),
        }
    }
}

/// The body of a response.
pub(crate) struct Output(OutputStream);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_all(&self.0, bytes).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers a request by a handler that is given the request, with the headers of these names, and a function that begins the answer; it
/// tells what has become of the answer.
pub(crate) fn answer(
    request: IncomingRequest,
    header_names: &[&str],
    response_out: ResponseOutparam,
    handle: impl FnOnce(Request<&mut Input>, Begin<'_>) -> endpoints::batch_chunk::Outcome,
) {
    let (head, mut input) = match open(&request, header_names) {
        Ok(opened) => opened,
        Err(status) => return response::write(response::empty(status), &HeaderMap::new(), response_out),
    };
    let mut body = None;
    let begin = Begin { response_out, body: &mut body };
    let outcome = handle(head.map(|()| &mut input), begin);
    if let Some(endpoints::Failure(reason)) = &outcome.failure {
        log(reason);
    }
    // A body that is dropped without its end is cut off.
    if let Some(body) = body.filter(|_| outcome.is_whole)
        && let Err(error) = OutgoingBody::finish(body, None)
    {
        log(&format!("cannot finish the response: {error:?}"));
    }
    drain(&input.stream);
}

fn open(request: &IncomingRequest, header_names: &[&str]) -> Result<(Request<()>, Input), StatusCode> {
    let head = head(request, header_names)?;
    let body = request.consume().map_err(|()| StatusCode::BAD_REQUEST)?;
    let stream = body.stream().map_err(|()| StatusCode::BAD_REQUEST)?;
    Ok((head, Input { stream, _body: body }))
}

/// The place for an answer.
pub(crate) struct Begin<'b> {
    response_out: ResponseOutparam,
    /// Where the body is kept for its end.
    body: &'b mut Option<OutgoingBody>,
}

impl Begin<'_> {
    /// Sends the head, and gives the place for the body.
    ///
    /// # Errors
    /// If the host has none.
    pub(crate) fn begin(self, head: Response<()>) -> io::Result<BufWriter<Output>> {
        let outgoing = OutgoingResponse::new(fields(head.headers()));
        if outgoing.set_status_code(head.status().as_u16()).is_err() {
            log("the host refuses the status code");
        }
        let body = outgoing.body();
        self.response_out.set(outgoing);
        let no_body = |()| io::Error::other("the host has no place for a body");
        let body = self.body.insert(body.map_err(no_body)?);
        let stream = body.write().map_err(no_body)?;
        Ok(BufWriter::with_capacity(WRITE_BYTES, Output(stream)))
    }
}
