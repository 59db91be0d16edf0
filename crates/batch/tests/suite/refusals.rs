//! What is refused before anything is lost: outputs that belong to others, stores that cannot keep two drivers apart, and files that
//! are not what was written.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use batch::{Created, Error, Job, State, Status};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::fixture::{Place, Watcher, drive, job, options, resume_and_check, work};

#[tokio::test]
async fn the_same_job_is_found_again_and_another_is_refused() {
    let (place, job) = (Place::in_memory(), job(2));
    let folder = place.folder();
    assert_eq!(folder.create(&job).await.unwrap(), Created::New);
    assert_eq!(folder.create(&job).await.unwrap(), Created::Existing);
    assert_eq!(folder.read().await.unwrap(), job);
    let other = Job { id: "job-2".to_owned(), ..job.clone() };
    let error = folder.create(&other).await.unwrap_err();
    let expect = "`test:///out` holds another job: expected job `job-2`, found job `job-1`; choose another output or remove it";
    assert_eq!(error.to_string(), expect);
    assert_eq!(folder.status().await.unwrap(), Status::planned("job-1", 2));
}

#[tokio::test]
async fn a_folder_without_a_job_is_told() {
    let folder = Place::in_memory().folder();
    assert!(matches!(folder.read().await, Err(Error::NoJob { .. })));
    assert!(matches!(folder.status().await, Err(Error::NoJob { .. })));
}

#[tokio::test]
async fn files_of_others_among_the_parts_are_refused() {
    let (place, job) = (Place::in_memory(), job(2));
    place.store.put(&Path::from("out/data/x.parquet"), "x".into()).await.unwrap();
    let Err(Error::OutputNotEmpty { found, .. }) = place.folder().create(&job).await else { panic!() };
    assert_eq!(found, "test:///out/data/x.parquet");
    assert_eq!(place.files().await.len(), 1);
}

#[tokio::test]
async fn a_manifest_of_another_form_is_refused() {
    let (place, job) = (Place::in_memory(), job(2));
    let newer = Path::from("out/_plinth/job.json");
    place.store.put(&newer, "{\"form\": 99, \"what\": \"else\"}".into()).await.unwrap();
    let error = place.folder().create(&job).await.unwrap_err();
    assert!(matches!(error, Error::UnknownForm { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn a_strange_file_among_the_parts_keeps_the_job_from_succeeding() {
    let (place, job) = (Place::in_memory(), job(3));
    place.folder().create(&job).await.unwrap();
    let strange = Path::from("out/data/part-00077.jsonl");
    place.store.put(&strange, "x".into()).await.unwrap();
    let error = drive(&place.folder(), &job, 1).await.unwrap_err();
    assert!(
        matches!(&error, Error::StrangeFile { uri } if uri.ends_with("data/part-00077.jsonl")),
        "{error:?}"
    );
    assert!(!place.files().await.contains_key("_SUCCESS"));
    place.store.delete(&strange).await.unwrap();
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn a_part_that_was_cut_short_after_its_commit_is_not_published() {
    let (place, job) = (Place::in_memory(), job(3));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let only = batch::Options { only: Some(vec![2]), ..options(1) };
    batch::run(&folder, &job, only, Watcher::default().hooks(), work).await.unwrap();
    let commit = folder.commit_of(2).await.unwrap().unwrap();
    let part = Path::from(format!("out/_plinth/attempts/00002/{}.jsonl", commit.attempt));
    place.store.put(&part, "x".into()).await.unwrap();
    let error = drive(&folder, &job, 1).await.unwrap_err();
    assert!(matches!(&error, Error::WrongSize { found: 1, .. }), "{error:?}");
    assert!(folder.published().await.unwrap().is_none());
    assert_eq!(folder.status().await.unwrap().state, State::Failed);
}

#[tokio::test]
async fn a_store_that_cannot_create_conditionally_is_refused() {
    for mode in [Careless::Replaces, Careless::Refuses] {
        let place = Place::in_memory();
        let store = CarelessStore { inner: Arc::clone(&place.store), mode };
        let error = place.folder_through(Arc::new(store)).create(&job(2)).await.unwrap_err();
        assert!(matches!(error, Error::NoConditionalCreate { .. }), "{error:?}");
        assert!(!place.files().await.contains_key("_plinth/job.json"));
    }
}

/// How a store fails to create a file only if there is none.
#[derive(Clone, Copy, Debug)]
enum Careless {
    Replaces,
    Refuses,
}

#[derive(Debug)]
struct CarelessStore {
    inner: Arc<dyn ObjectStore>,
    mode: Careless,
}

impl fmt::Display for CarelessStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[async_trait]
impl ObjectStore for CarelessStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if options.mode == PutMode::Create && matches!(self.mode, Careless::Refuses) {
            let (operation, implementer) = ("create".to_owned(), "test".to_owned());
            return Err(object_store::Error::NotImplemented { operation, implementer });
        }
        self.inner.put_opts(location, payload, PutMode::Overwrite.into()).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
