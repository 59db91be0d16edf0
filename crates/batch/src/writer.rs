//! How an attempt writes a file: in pieces, on their way while the next is made, and visible only when all are there. What is in the
//! file is somebody else's.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use object_store::{MultipartUpload, ObjectStoreExt as _};
use tokio::task::JoinSet;

use crate::{Error, Location, Result};

/// How many pieces of a file are on their way at once.
const IN_FLIGHT: usize = 2;

const GIVEN_UP: Error = Error::Internal("an attempt that was given up goes on");

/// A file that an attempt may write.
#[derive(Clone)]
pub struct Output {
    location: Location,
    piece_bytes: usize,
    sent: Arc<Mutex<Sent>>,
}

#[derive(Default)]
struct Sent {
    /// Invariant: there while pieces may have been sent that are neither complete nor taken back.
    upload: Option<Box<dyn MultipartUpload>>,
    is_discarded: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Output").field(&self.location.uri()).finish()
    }
}

impl Output {
    pub(crate) fn new(location: Location, piece_bytes: usize) -> Self {
        Self { location, piece_bytes, sent: Arc::default() }
    }

    /// Where it will be.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What writes it, once. If it does not finish, the file never was.
    #[must_use]
    pub fn writer(&self) -> Writer {
        Writer { output: self.clone(), buffer: BytesMut::new(), sending: JoinSet::new(), n_bytes: 0 }
    }

    /// Takes back what was sent and removes what was written, as far as the store lets it. Nobody may be writing it any more.
    pub(crate) async fn discard(&self) {
        let upload = {
            let mut sent = self.sent();
            sent.is_discarded = true;
            sent.upload.take()
        };
        if let Some(mut upload) = upload {
            drop(upload.abort().await);
        }
        drop(self.location.remove().await);
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether pieces have been sent.
    fn is_split(&self) -> Result<bool> {
        let sent = self.sent();
        if sent.is_discarded { Err(GIVEN_UP) } else { Ok(sent.upload.is_some()) }
    }
}

/// Writes one file of an attempt.
#[derive(Debug)]
pub struct Writer {
    output: Output,
    buffer: BytesMut,
    sending: JoinSet<object_store::Result<()>>,
    n_bytes: u64,
}

impl Writer {
    /// Adds to the file. Waits while too much is on its way.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`]: the attempt has failed.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.n_bytes += bytes.len() as u64;
        while self.buffer.len() >= self.output.piece_bytes {
            let piece = self.buffer.split_to(self.output.piece_bytes);
            self.send(piece).await?;
        }
        Ok(())
    }

    /// Makes the file visible, also if nothing was written to it. Gives its bytes.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub async fn finish(mut self) -> Result<u64> {
        let rest = self.buffer.split();
        if !self.output.is_split()? {
            self.output.location.replace(&rest.freeze()).await?;
            return Ok(self.n_bytes);
        }
        if !rest.is_empty() {
            self.send(rest).await?;
        }
        self.arrived(0).await?;
        self.complete().await?;
        Ok(self.n_bytes)
    }

    /// Sends a piece when there is room on the way.
    async fn send(&mut self, piece: BytesMut) -> Result<()> {
        if !self.output.is_split()? {
            let location = &self.output.location;
            let upload = location.store().put_multipart(location.path()).await;
            let upload = upload.map_err(|error| location.failed("write", error))?;
            self.output.sent().upload = Some(upload);
        }
        self.arrived(IN_FLIGHT - 1).await?;
        let sent = self.output.sent().upload.as_mut().map(|upload| upload.put_part(piece.freeze().into()));
        self.sending.spawn(sent.ok_or(GIVEN_UP)?);
        Ok(())
    }

    /// Waits until no more than `n_left` pieces are on their way.
    async fn arrived(&mut self, n_left: usize) -> Result<()> {
        while self.sending.len() > n_left {
            let sent = match self.sending.join_next().await {
                Some(sent) => sent.unwrap_or_else(|error| Err(error.into())),
                None => Ok(()),
            };
            sent.map_err(|error| self.output.location.failed("write", error))?;
        }
        Ok(())
    }

    async fn complete(&self) -> Result<()> {
        let upload = self.output.sent().upload.take();
        let mut upload = upload.ok_or(GIVEN_UP)?;
        let completed = upload.complete().await;
        if completed.is_err() {
            self.output.sent().upload = Some(upload);
        }
        completed.map(|_| ()).map_err(|error| self.output.location.failed("write", error))
    }
}

#[cfg(test)]
mod tests {
    use object_store::local::LocalFileSystem;
    use object_store::path::Path;

    use super::*;

    fn output(folder: &tempfile::TempDir) -> Output {
        let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        Output::new(Location::new(store, Path::from("x"), "x"), 4)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let files = std::fs::read_dir(folder.path()).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_file_is_the_same_however_it_is_written() {
        for pieces in [&[][..], &[""], &["abc"], &["abcd"], &["a", "bc", "defghij", "k"], &["abcdefgh", "i"]]
        {
            let folder = tempfile::tempdir().unwrap();
            let output = output(&folder);
            let mut writer = output.writer();
            for piece in pieces {
                writer.write(piece.as_bytes()).await.unwrap();
            }
            let n_bytes = writer.finish().await.unwrap();
            let expect = pieces.concat();
            assert_eq!(output.location().read().await.unwrap().unwrap(), expect);
            assert_eq!(n_bytes, expect.len() as u64);
            assert_eq!(names(&folder), ["x"]);
        }
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_file_that_was_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let output = output(&folder);
        let mut writer = output.writer();
        writer.write(b"abcdefghij").await.unwrap();
        assert_eq!(output.location().size().await.unwrap(), None);
        output.discard().await;
        assert!(names(&folder).is_empty());
        assert!(matches!(writer.write(b"klmnop").await, Err(Error::Internal(_))));
        assert!(matches!(writer.finish().await, Err(Error::Internal(_))));
        assert!(names(&folder).is_empty());
    }

    #[tokio::test]
    async fn a_file_that_is_complete_can_be_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let output = output(&folder);
        let mut writer = output.writer();
        writer.write(b"abcdefghij").await.unwrap();
        writer.finish().await.unwrap();
        output.discard().await;
        assert!(names(&folder).is_empty());
    }
}
