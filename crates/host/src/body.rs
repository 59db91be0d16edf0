//! Bodies on their way into and out of a guest.
//!
//! A small request body is read before the guest starts, so that the guest never waits for it; what a guest has written
//! when it ends leaves as one piece.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::Future as _,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Collected, Either, Full};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use wasmtime_wasi_http::{Error, WasiBody};

/// Up to this size a request body is read before the guest starts.
const BUFFERED_BYTES: u64 = 64 * 1024;

/// The body of a response.
pub(crate) type ResponseBody = Either<Full<Bytes>, WasiBody>;

/// The body of a request.
pub(crate) enum RequestBody {
    /// All of it is here.
    Whole(Collected<Bytes>),
    /// It arrives from the network while the guest runs.
    Arriving(Incoming),
    /// Another guest writes it.
    Chained(WasiBody),
}

/// Reads the body if it is announced and small; leaves it where it is otherwise.
///
/// # Errors
/// If the client does not send what it announced.
pub(crate) async fn buffer(request: Request<Incoming>) -> Result<Request<RequestBody>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let is_small = body.size_hint().exact().is_some_and(|size| size <= BUFFERED_BYTES);
    let body = if is_small { RequestBody::Whole(body.collect().await?) } else { RequestBody::Arriving(body) };
    Ok(Request::from_parts(parts, body))
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let never = |frame: Result<_, Infallible>| frame.map_err(|never| match never {});
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map(|frame| frame.map(never)),
            Self::Arriving(body) => {
                Pin::new(body).poll_frame(context).map(|frame| frame.map(|it| it.map_err(Error::Hyper)))
            }
            Self::Chained(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Arriving(body) => body.is_end_stream(),
            Self::Chained(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Arriving(body) => body.size_hint(),
            Self::Chained(body) => body.size_hint(),
        }
    }
}

/// What a guest has written of a body.
pub(crate) enum Written {
    /// All of it, and it said so.
    Whole(Bytes),
    /// A part; the rest follows, or an error.
    Open(WasiBody),
}

/// Takes what has been written to `body`, without waiting.
pub(crate) fn written(mut body: WasiBody) -> Written {
    let mut pieces = Vec::new();
    let next = loop {
        match poll_now(&mut body) {
            Poll::Ready(None) => return Written::Whole(joined(pieces)),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(piece) => pieces.push(piece),
                Err(trailers) => break Some(Ok(trailers)),
            },
            Poll::Ready(Some(Err(error))) => break Some(Err(error)),
            Poll::Pending => break None,
        }
    };
    let taken = pieces.into_iter().map(|piece| Ok(Frame::data(piece))).chain(next).collect();
    Written::Open(Resumed { taken, rest: body }.boxed_unsync())
}

/// Polls for a frame outside of tokio's cooperative budget: an exhausted budget would look like an unfinished body.
fn poll_now(body: &mut WasiBody) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
    let next = pin!(tokio::task::unconstrained(body.frame()));
    next.poll(&mut Context::from_waker(Waker::noop()))
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() < 2 {
        return pieces.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
    whole.freeze()
}

/// `bytes` as a body that does not tell its size, for a response whose header tells another one.
pub(crate) fn of_unknown_size(bytes: Bytes) -> WasiBody {
    let rest = Full::default().map_err(|never| match never {}).boxed_unsync();
    Resumed { taken: VecDeque::from([Ok(Frame::data(bytes))]), rest }.boxed_unsync()
}

/// What a failed guest leaves: as long as it lives, an unfinished body does not look like a finished one.
pub(crate) type Remains = Box<dyn Send>;

/// `body`, and the way to tell it that its guest has failed: it then ends with an error, unless the guest had finished it.
pub(crate) fn watched(body: WasiBody) -> (WasiBody, oneshot::Sender<Remains>) {
    let (failed, failure) = oneshot::channel();
    (Watched { body, failure: Some(failure), remains: None }.boxed_unsync(), failed)
}

struct Watched {
    body: WasiBody,
    // None once the guest is over.
    failure: Option<oneshot::Receiver<Remains>>,
    // Invariant: kept until the body has been read.
    remains: Option<Remains>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
                return Poll::Ready(frame);
            }
            if self.remains.is_some() {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            let Some(failure) = &mut self.failure else { return Poll::Pending };
            // What the guest wrote before it failed may have come since the body was polled: around again.
            self.remains = ready!(Pin::new(failure).poll(context)).ok();
            self.failure = None;
        }
    }
}

/// A body of which some frames were taken already.
struct Resumed {
    taken: VecDeque<Result<Frame<Bytes>, Error>>,
    rest: WasiBody,
}

impl Body for Resumed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.taken.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use http::HeaderMap;

    use super::*;

    /// Yields the given frames, then ends or, if `is_open`, waits.
    struct Frames {
        frames: VecDeque<Result<Frame<Bytes>, Error>>,
        is_open: bool,
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            match self.frames.pop_front() {
                None if self.is_open => Poll::Pending,
                frame => Poll::Ready(frame),
            }
        }
    }

    fn body(pieces: &[&'static str], is_open: bool) -> WasiBody {
        let frames = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        Frames { frames: frames.collect(), is_open }.boxed_unsync()
    }

    #[track_caller]
    fn check_whole(pieces: &[&'static str], expected: &str) {
        match written(body(pieces, false)) {
            Written::Whole(bytes) => assert_eq!(bytes, expected),
            Written::Open(_) => panic!("{pieces:?} is complete"),
        }
    }

    #[test]
    fn a_finished_body_is_one_piece() {
        check_whole(&[], "");
        check_whole(&["one"], "one");
        check_whole(&["one", "", "two"], "onetwo");
    }

    #[tokio::test]
    async fn an_unfinished_body_keeps_its_beginning() {
        let Written::Open(mut rest) = written(body(&["one", "two"], true)) else {
            panic!("the body is unfinished")
        };
        for expected in ["one", "two"] {
            assert_eq!(rest.frame().await.unwrap().unwrap().into_data().unwrap(), expected);
        }
        let next = future::poll_fn(|context| Poll::Ready(Pin::new(&mut rest).poll_frame(context)));
        assert!(next.await.is_pending());
    }

    #[tokio::test]
    async fn a_failed_guest_breaks_the_body_that_it_has_not_finished() {
        let (unfinished, failed) = watched(body(&["one"], true));
        assert!(failed.send(Box::new(())).is_ok());
        let mut unfinished = unfinished;
        assert_eq!(unfinished.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
        assert!(matches!(unfinished.frame().await, Some(Err(Error::HttpResponseIncomplete))));

        let (finished, failed) = watched(body(&["one"], false));
        assert!(failed.send(Box::new(())).is_ok());
        assert_eq!(finished.collect().await.unwrap().to_bytes(), "one");
    }

    #[tokio::test]
    async fn a_guest_that_ends_well_leaves_its_body_alone() {
        let (finished, guest) = watched(body(&["one"], false));
        drop(guest);
        assert_eq!(finished.collect().await.unwrap().to_bytes(), "one");
        let (mut unfinished, guest) = watched(body(&[], true));
        drop(guest);
        let next = future::poll_fn(|context| Poll::Ready(Pin::new(&mut unfinished).poll_frame(context)));
        assert!(next.await.is_pending());
    }

    #[tokio::test]
    async fn trailers_and_errors_stay_at_the_end() {
        let mut trailers = HeaderMap::new();
        trailers.insert("a", "b".parse().unwrap());
        for last in [Ok(Frame::trailers(trailers)), Err(Error::HttpProtocolError)] {
            let is_error = last.is_err();
            let frames = VecDeque::from([Ok(Frame::data(Bytes::from_static(b"one"))), last]);
            let Written::Open(rest) = written(Frames { frames, is_open: false }.boxed_unsync()) else {
                panic!("there is more than data")
            };
            let collected = rest.collect().await;
            assert_eq!(collected.is_err(), is_error);
            if let Ok(collected) = collected {
                assert_eq!(collected.trailers().unwrap()["a"], "b");
                assert_eq!(collected.to_bytes(), "one");
            }
        }
    }
}
