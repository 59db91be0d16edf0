//! A job whose chunks have a known content, places where it can run, and what must be there in the end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use batch::{
    Attempt, Backoff, Chunk, ChunkFailure, ChunkReport, Event, FORM, Format, Hooks, Job, JobFolder, Location,
    Manifest, ModelRef, Options, Rows, State, Stop, Summary,
};
use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

/// Parts longer than this are sent in pieces.
pub(crate) const PIECE_BYTES: usize = 64;

pub(crate) const AT_ONCE: Backoff = Backoff { first: Duration::ZERO, longest: Duration::ZERO };

/// A job of so many chunks.
pub(crate) fn job(n_chunks: usize) -> Job {
    let chunk = Chunk { file: 0, start: 0, end: 1, first_row: 0, n_rows: None };
    let rows =
        Rows { key: "key".to_owned(), features: Vec::new(), keep: Vec::new(), sql: None, micro_batch: 1 };
    Job {
        form: FORM,
        id: "job-1".to_owned(),
        model: ModelRef {
            name: "m".to_owned(),
            version: "1".to_owned(),
            sha256: "0".to_owned(),
            uri: "m.wasm".to_owned(),
        },
        rows,
        input_format: Format::Jsonl,
        output_format: Format::Jsonl,
        files: Vec::new(),
        chunks: vec![chunk; n_chunks],
    }
}

/// The rows of a chunk's part: none, few, or more than one piece.
pub(crate) fn rows(chunk: usize) -> Vec<String> {
    (0..chunk % 4 * 3).map(|row| format!("{{\"key\":\"{chunk}-{row}\"}}\n")).collect()
}

/// Those of its errors file.
pub(crate) fn errors(chunk: usize) -> Vec<String> {
    (0..chunk % 3).map(|row| format!("{{\"key\":\"{chunk}-bad-{row}\"}}\n")).collect()
}

/// What a chunk does when nothing goes wrong.
pub(crate) async fn work(chunk: usize, attempt: Attempt) -> Result<ChunkReport, ChunkFailure> {
    let (rows, errors) = (rows(chunk), errors(chunk));
    let mut part = attempt.part.writer();
    for row in &rows {
        part.write(row.as_bytes()).await?;
    }
    let bytes = part.finish().await?;
    if !errors.is_empty() {
        let mut writer = attempt.errors.writer();
        writer.write(errors.concat().as_bytes()).await?;
        writer.finish().await?;
    }
    Ok(ChunkReport { rows: rows.len() as u64, errors: errors.len() as u64, bytes })
}

/// Where jobs run: a store that all drivers share.
pub(crate) struct Place {
    pub(crate) store: Arc<dyn ObjectStore>,
    folder: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()), folder: None }
    }

    pub(crate) fn on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()),
            folder: Some(folder),
        }
    }

    pub(crate) fn folder(&self) -> JobFolder {
        self.folder_through(Arc::clone(&self.store))
    }

    /// The job's folder as a driver sees it whose operations go through `store`.
    pub(crate) fn folder_through(&self, store: Arc<dyn ObjectStore>) -> JobFolder {
        let root = Location::new(store, Path::from("out"), "test:///out").with_backoff(AT_ONCE);
        let root = match &self.folder {
            Some(folder) => root.with_local(folder.path().join("out")),
            None => root,
        };
        JobFolder::new(root).with_piece_bytes(PIECE_BYTES)
    }

    /// All files with their content, by name.
    pub(crate) async fn files(&self) -> BTreeMap<String, String> {
        let metas: Vec<_> = self.store.list(Some(&Path::from("out"))).try_collect().await.unwrap();
        let mut files = BTreeMap::new();
        for meta in metas {
            let content = self.store.get(&meta.location).await.unwrap().bytes().await.unwrap();
            let name = meta.location.as_ref().strip_prefix("out/").unwrap().to_owned();
            files.insert(name, String::from_utf8(content.to_vec()).unwrap());
        }
        files
    }

    /// What lies on the disk under a folder of the output, whether the store would list it or not.
    pub(crate) fn on_the_disk(&self, name: &str) -> Vec<PathBuf> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let Ok(entries) = std::fs::read_dir(folder.path().join("out").join(name)) else { return Vec::new() };
        let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
    }

    /// The output of a job that succeeded is complete, exact, and all that is there.
    pub(crate) async fn check_output(&self, job: &Job) {
        let files = self.files().await;
        let expect = expected_output(job);
        let is_output = |name: &String| name.starts_with("data/") || name.starts_with("errors/");
        let output: BTreeMap<_, _> = files.iter().filter(|(name, _)| is_output(name)).collect();
        assert_eq!(output, expect.iter().collect());
        assert!(files.contains_key("_SUCCESS"));
        self.check_manifest(job, &files);
        self.check_commits(job, &files);
        for folder in ["data", "errors"] {
            let on_disk = self.on_the_disk(folder);
            let n_expected = expect.keys().filter(|name| name.starts_with(folder)).count();
            assert!(on_disk.is_empty() || on_disk.len() == n_expected, "{on_disk:?}");
        }
    }

    fn check_manifest(&self, job: &Job, files: &BTreeMap<String, String>) {
        let manifest: Manifest = serde_json::from_str(&files["manifest.json"]).unwrap();
        let chunks = 0..job.chunks.len();
        assert_eq!(manifest.job, job.id);
        assert_eq!(manifest.rows, chunks.clone().map(|chunk| rows(chunk).len() as u64).sum::<u64>());
        assert_eq!(manifest.errors, chunks.clone().map(|chunk| errors(chunk).len() as u64).sum::<u64>());
        assert_eq!(manifest.bytes, chunks.map(|chunk| rows(chunk).concat().len() as u64).sum::<u64>());
        let named =
            manifest.parts.iter().flat_map(|part| std::iter::once(&part.file).chain(&part.errors_file));
        let named: Vec<&String> = named.collect();
        assert_eq!(named.len(), expected_output(job).len());
        assert!(named.iter().all(|name| files.contains_key(*name)));
    }

    fn check_commits(&self, job: &Job, files: &BTreeMap<String, String>) {
        let commits: Vec<&str> =
            files.keys().filter_map(|name| name.strip_prefix("_plinth/commits/")).collect();
        let expect: Vec<String> = (0..job.chunks.len()).map(|chunk| format!("{chunk:05}.json")).collect();
        assert_eq!(commits, expect);
    }

    /// No reader sees anything.
    pub(crate) async fn check_nothing_is_published(&self) {
        let files = self.files().await;
        let ours: Vec<&String> = files.keys().filter(|name| !name.starts_with("_plinth/")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }

    /// No attempt has left a file, finished or not; empty folders may stay.
    pub(crate) async fn check_clean_but_folders(&self) {
        assert!(!self.files().await.keys().any(|name| name.contains("attempts")));
        for chunk in self.on_the_disk("_plinth/attempts") {
            assert_eq!(std::fs::read_dir(&chunk).unwrap().count(), 0, "{chunk:?}");
        }
    }

    /// Nothing is left of attempts.
    pub(crate) async fn check_clean(&self) {
        let files = self.files().await;
        let left: Vec<&String> = files.keys().filter(|name| name.contains("attempts")).collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(self.on_the_disk("_plinth/attempts").is_empty());
    }
}

/// The files that readers see.
fn expected_output(job: &Job) -> BTreeMap<String, String> {
    let parts =
        (0..job.chunks.len()).map(|chunk| (format!("data/part-{chunk:05}.jsonl"), rows(chunk).concat()));
    let with_errors = (0..job.chunks.len()).filter(|&chunk| !errors(chunk).is_empty());
    parts
        .chain(with_errors.map(|chunk| (format!("errors/part-{chunk:05}.jsonl"), errors(chunk).concat())))
        .collect()
}

/// What a driver is given that never waits. Two at a time; the order is drawn from `seed`.
pub(crate) fn options(seed: u64) -> Options {
    let heartbeat = Duration::from_secs(3600);
    Options {
        seed,
        driver: format!("driver-{seed}"),
        concurrency: 2,
        backoff: AT_ONCE,
        heartbeat,
        ..Options::default()
    }
}

/// A watcher that remembers.
#[derive(Clone, Default)]
pub(crate) struct Watcher {
    pub(crate) stop: Stop,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Watcher {
    pub(crate) fn hooks(&self) -> Hooks {
        let events = Arc::clone(&self.events);
        let on_event = move |event| events.lock().unwrap().push(event);
        Hooks {
            clock: Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1000)),
            on_event: Arc::new(on_event),
            stop: self.stop.clone(),
        }
    }

    pub(crate) fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.events.lock().unwrap().iter().filter(|event| is_it(event)).count()
    }
}

/// A driver from the beginning: it creates the job or finds it, and runs it.
pub(crate) async fn drive(folder: &JobFolder, job: &Job, seed: u64) -> batch::Result<Summary> {
    folder.create(job).await?;
    batch::run(folder, job, options(seed), Watcher::default().hooks(), work).await
}

/// A driver without faults ends the job, and a look at the output.
pub(crate) async fn resume_and_check(place: &Place, job: &Job) {
    let summary = drive(&place.folder(), job, 99).await.unwrap();
    assert_eq!(summary.state, State::Succeeded);
    assert_eq!(summary.progress.n_done, job.chunks.len());
    place.check_output(job).await;
    place.check_clean().await;
}
