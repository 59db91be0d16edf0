//! What is said on standard error: the host's own lines, and those that guests print.
//!
//! A line names its component. Guests' standard output goes the same way: standard output is the host's own.

use std::{
    fmt,
    io::{self, Write as _},
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

/// The most that a guest may write in one call.
const CALL_BYTES: usize = 64 * 1024;

/// A line longer than this is cut.
const LINE_BYTES: usize = 16 * 1024;

/// Says one line. If nobody listens on standard error, nobody can be told so either.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// A standard stream of one component's guests.
#[derive(Clone, Debug)]
pub(crate) struct GuestOutput {
    component: Arc<str>,
}

impl GuestOutput {
    pub(crate) fn new(component: Arc<str>) -> Self {
        Self { component }
    }

    fn lines(&self) -> Lines {
        Lines { component: Arc::clone(&self.component), partial: Vec::new() }
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        io::IsTerminal::is_terminal(&io::stderr())
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.lines())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.lines())
    }
}

/// Gathers a guest's output into lines; what is left when the guest ends is one too.
struct Lines {
    component: Arc<str>,
    partial: Vec<u8>,
}

impl Lines {
    fn take_lines(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial.len() > LINE_BYTES {
                self.end_line(&mut whole);
            }
        }
        whole
    }

    fn end_line(&mut self, whole: &mut Vec<u8>) {
        let line = mem::take(&mut self.partial);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        whole.extend_from_slice(format!("{}: ", self.component).as_bytes());
        whole.extend_from_slice(line);
        whole.push(b'\n');
    }

    fn print(&mut self, bytes: &[u8]) {
        let lines = self.take_lines(bytes);
        if !lines.is_empty() {
            drop(io::stderr().lock().write_all(&lines));
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.partial.is_empty() {
            self.print(b"\n");
        }
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CALL_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Lines {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(writes: &[&str], expected: &str) {
        let mut lines = GuestOutput::new(Arc::from("it")).lines();
        let printed: Vec<u8> = writes.iter().flat_map(|write| lines.take_lines(write.as_bytes())).collect();
        assert_eq!(String::from_utf8(printed).unwrap(), expected, "{writes:?}");
        lines.partial.clear();
    }

    #[test]
    fn lines_are_printed_whole_and_with_their_component() {
        check(&["one\n"], "it: one\n");
        check(&["o", "ne", "\ntwo\n\n"], "it: one\nit: two\nit: \n");
        check(&["unfinished"], "");
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let endless = "x".repeat(LINE_BYTES + 1);
        check(&[&endless, "rest\n"], &format!("it: {endless}\nit: rest\n"));
    }
}
