//! A store with faults: each operation of one driver may fail, fail though it has taken effect, or kill the driver, whose every later
//! operation fails then, as if the process were gone. Other drivers at the same store have one of their own.

use std::fmt;
use std::io::{self, ErrorKind};
use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It fails with this, and has no effect.
    Before(ErrorKind),
    /// It fails with this, though it has had its effect.
    After(ErrorKind),
    /// The driver is dead before it.
    KillBefore,
    /// The driver is dead after it.
    KillAfter,
}

/// Which fault comes at which operation, counted from 0.
type Plan = dyn Fn(usize, Operation<'_>) -> Fault + Send + Sync;

/// An operation, for a plan to choose by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'o> {
    /// Its kind.
    pub(crate) kind: &'static str,
    /// The file or folder.
    pub(crate) path: &'o Path,
}

/// One driver's way to a store.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    driver: Arc<DriverLife>,
}

struct DriverLife {
    n_operations: AtomicUsize,
    is_dead: AtomicBool,
    plan: Box<Plan>,
}

impl DriverLife {
    /// Lets other tasks run, so that drivers interleave; then says what happens to this operation.
    async fn next(&self, kind: &'static str, path: &Path) -> Fault {
        for _ in 0..self.n_operations.load(Ordering::SeqCst) % 3 {
            tokio::task::yield_now().await;
        }
        self.strike(kind, path)
    }

    fn strike(&self, kind: &'static str, path: &Path) -> Fault {
        if self.is_dead() {
            return Fault::KillBefore;
        }
        let fault = (self.plan)(self.n_operations.fetch_add(1, Ordering::SeqCst), Operation { kind, path });
        if matches!(fault, Fault::KillBefore | Fault::KillAfter) {
            self.is_dead.store(true, Ordering::SeqCst);
        }
        fault
    }

    fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }
}

impl FaultyStore {
    pub(crate) fn new(
        inner: &Arc<dyn ObjectStore>,
        plan: impl Fn(usize, Operation<'_>) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let plan = Box::new(plan);
        let driver = DriverLife { n_operations: AtomicUsize::new(0), is_dead: AtomicBool::new(false), plan };
        Self { inner: Arc::clone(inner), driver: Arc::new(driver) }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.driver.is_dead()
    }
}

async fn faced<T>(fault: Fault, effect: impl Future<Output = Result<T>>) -> Result<T> {
    match fault {
        Fault::None => effect.await,
        Fault::Before(kind) => Err(failure(kind)),
        Fault::KillBefore => Err(killed()),
        Fault::After(kind) => effect.await.and(Err(failure(kind))),
        Fault::KillAfter => effect.await.and(Err(killed())),
    }
}

fn failure(kind: ErrorKind) -> Error {
    Error::Generic { store: "faulty", source: Box::new(io::Error::new(kind, "put in")) }
}

fn killed() -> Error {
    Error::Generic { store: "faulty", source: "the driver is dead".into() }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let fault = self.driver.next("put", location).await;
        faced(fault, self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let fault = self.driver.next("begin upload", location).await;
        let upload = faced(fault, self.inner.put_multipart_opts(location, options)).await?;
        let driver = Arc::clone(&self.driver);
        Ok(Box::new(FaultyUpload { inner: Some(upload), path: location.clone(), driver }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fault = self.driver.next("get", location).await;
        faced(fault, self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fault = self.driver.next("get", location).await;
        faced(fault, self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let fault = store.driver.next("delete", &location).await;
                let one = futures::stream::iter([Ok(location)]).boxed();
                let mut deleted = store.inner.delete_stream(one);
                faced(fault, async move { deleted.next().await.unwrap_or_else(|| Err(killed())) }).await
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.driver.strike("list", prefix.unwrap_or(&Path::ROOT)) {
            Fault::None => self.inner.list(prefix),
            Fault::Before(kind) | Fault::After(kind) => futures::stream::iter([Err(failure(kind))]).boxed(),
            Fault::KillBefore | Fault::KillAfter => futures::stream::iter([Err(killed())]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let fault = self.driver.next("list", prefix.unwrap_or(&Path::ROOT)).await;
        faced(fault, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fault = self.driver.next("copy", to).await;
        faced(fault, self.inner.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Option<Box<dyn MultipartUpload>>,
    path: Path,
    driver: Arc<DriverLife>,
}

impl fmt::Debug for DriverLife {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DriverLife")
    }
}

impl FaultyUpload {
    fn inner(&mut self) -> &mut dyn MultipartUpload {
        self.inner.as_mut().expect("it is there until it is dropped")
    }
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let fault = self.driver.strike("upload", &self.path);
        match fault {
            Fault::Before(_) | Fault::KillBefore => Box::pin(faced(fault, async { Ok(()) })),
            _ => Box::pin(faced(fault, self.inner().put_part(data))),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let fault = self.driver.next("complete upload", &self.path.clone()).await;
        faced(fault, self.inner().complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        let fault = self.driver.next("abort upload", &self.path.clone()).await;
        faced(fault, self.inner().abort()).await
    }
}

/// The dead clean nothing up.
impl Drop for FaultyUpload {
    fn drop(&mut self) {
        if self.driver.is_dead() {
            mem::forget(self.inner.take());
        }
    }
}
