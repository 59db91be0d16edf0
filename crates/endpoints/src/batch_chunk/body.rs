//! The body of an answer on its way out: held back while it is short, so that an error may still take its place.

use std::io::{self, Write};

use http::Response;

/// An answer whose head goes out with the first bytes that are not held back.
pub(super) struct Body<W, F> {
    // Invariant: one of both is there.
    respond: Option<(F, Response<()>)>,
    writer: Option<W>,
    held: Vec<u8>,
    held_bytes: usize,
}

impl<W: Write, F: FnOnce(Response<()>) -> io::Result<W>> Body<W, F> {
    /// An empty body, of which at most `held_bytes` are held back.
    pub(super) fn new(respond: F, held_bytes: usize) -> Self {
        let head = Response::new(());
        Self { respond: Some((respond, head)), writer: None, held: Vec::new(), held_bytes }
    }

    /// The head, as long as it has not gone out.
    pub(super) fn head(&mut self) -> Option<&mut Response<()>> {
        self.respond.as_mut().map(|(_, head)| head)
    }

    /// Takes back what was held, for another answer.
    pub(super) fn clear(&mut self) {
        self.held.clear();
    }

    /// Sends what is held back.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }

    /// The writer, with the head and all that was held before it.
    fn open(&mut self) -> io::Result<&mut W> {
        if let Some((respond, head)) = self.respond.take() {
            let writer = self.writer.insert(respond(head)?);
            writer.write_all(&std::mem::take(&mut self.held))?;
        }
        self.writer.as_mut().ok_or_else(|| io::Error::other("the answer could not be begun"))
    }
}

impl<W: Write, F: FnOnce(Response<()>) -> io::Result<W>> Write for Body<W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.respond.is_some() && self.held.len() + bytes.len() <= self.held_bytes {
            self.held.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), W::flush)
    }
}
