//! Chunks handed out one by one, by an engine that knows nothing of the job: who publishes, and what is said of the job meanwhile.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use batch::{ChunkFailure, Error, Job, JobFolder, Options, Result, State, Summary};
use futures::future::join_all;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use crate::faulty::{Fault, FaultyStore, Operation};
use crate::fixture::{Place, Watcher, job, options, work};

/// How often drivers race each other.
const N_RACES: u64 = 50;

/// One process of an engine: it runs this chunk and no other.
async fn run_chunk(folder: JobFolder, job: &Job, chunk: usize, seed: u64) -> Result<Summary> {
    let one = Options { only: Some(vec![chunk]), ..options(seed) };
    batch::run(&folder, job, one, Watcher::default().hooks(), work).await
}

fn is_commit(operation: Operation<'_>) -> bool {
    operation.kind == "put" && operation.path.as_ref().contains("/commits/")
}

fn is_look(operation: Operation<'_>) -> bool {
    operation.kind == "list" && operation.path.as_ref().ends_with("_plinth/commits")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_run_all_chunks_at_the_same_time_at_least_one_publishes() {
    for race in 0..N_RACES {
        let (place, job) = (Place::in_memory(), job(4));
        place.folder().create(&job).await.unwrap();
        let runs = (0..4).map(|chunk| {
            let (job, folder) = (
                job.clone(),
                place.folder_through(Arc::new(FaultyStore::new(&place.store, |_, _| Fault::None))),
            );
            tokio::spawn(async move { run_chunk(folder, &job, chunk, race).await.unwrap().state })
        });
        let states: Vec<State> = join_all(runs).await.into_iter().map(|state| state.unwrap()).collect();
        assert!(states.contains(&State::Succeeded), "race {race}: {states:?}");
        place.check_output(&job).await;
    }
}

#[tokio::test]
async fn a_driver_that_cannot_look_for_other_commits_fails_and_its_chunk_run_again_publishes() {
    let (place, job) = (Place::in_memory(), job(2));
    place.folder().create(&job).await.unwrap();
    let n_looks = AtomicUsize::new(0);
    let blind = FaultyStore::new(&place.store, move |_, operation| {
        let is_last_look = is_look(operation) && n_looks.fetch_add(1, Ordering::SeqCst) > 0;
        if is_last_look { Fault::Before(ErrorKind::TimedOut) } else { Fault::None }
    });
    let (others, shared_job) = (place.folder(), job.clone());
    let after_the_other_chunk = move |chunk, attempt| {
        let (others, job) = (others.clone(), shared_job.clone());
        async move {
            let other = run_chunk(others, &job, 1, 1).await.map_err(ChunkFailure::from)?;
            assert_eq!(other.state, State::Running);
            work(chunk, attempt).await
        }
    };
    let one = Options { only: Some(vec![0]), ..options(2) };
    let folder = place.folder_through(Arc::new(blind));
    let ran = batch::run(&folder, &job, one, Watcher::default().hooks(), after_the_other_chunk).await;
    let error = ran.unwrap_err();
    assert!(matches!(error, Error::Store { operation: "list", .. }), "{error:?}");
    assert!(batch::is_transient(&error), "{error:?}");
    place.check_nothing_is_published().await;
    assert_eq!(run_chunk(place.folder(), &job, 0, 3).await.unwrap().state, State::Succeeded);
    place.check_output(&job).await;
}

#[tokio::test]
async fn a_job_is_finished_only_when_all_its_chunks_are_committed() {
    let (place, job) = (Place::in_memory(), job(3));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    for chunk in [0, 2] {
        run_chunk(place.folder(), &job, chunk, 1).await.unwrap();
    }
    let error = folder.finish(&job).await.unwrap_err();
    assert!(matches!(error, Error::Incomplete { n_chunks: 3, n_committed: 2, chunk: 1 }), "{error:?}");
    place.check_nothing_is_published().await;
    let dies =
        FaultyStore::new(
            &place.store,
            |_, operation| {
                if is_commit(operation) { Fault::KillAfter } else { Fault::None }
            },
        );
    run_chunk(place.folder_through(Arc::new(dies)), &job, 1, 1).await.unwrap_err();
    place.check_nothing_is_published().await;
    let manifest = folder.finish(&job).await.unwrap();
    assert_eq!(folder.published().await.unwrap(), Some(manifest.clone()));
    place.check_output(&job).await;
    place.check_clean().await;
    assert_eq!(folder.finish(&job).await.unwrap(), manifest, "again");
}

#[tokio::test]
async fn a_job_that_is_published_has_succeeded_whatever_a_late_driver_says() {
    let (place, job) = (Place::in_memory(), job(3));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    run_chunk(place.folder(), &job, 0, 1).await.unwrap();
    let said_early = place.files().await["_plinth/status.json"].clone();
    for chunk in [1, 2] {
        run_chunk(place.folder(), &job, chunk, 1).await.unwrap();
    }
    let at_the_end = folder.status().await.unwrap();
    let location = Path::from("out/_plinth/status.json");
    place.store.put(&location, said_early.into()).await.unwrap();
    let status = folder.status().await.unwrap();
    assert_eq!((status.state, status.chunks_done, status.eta_seconds), (State::Succeeded, 3, None));
    assert_eq!(
        (status.rows, status.errors, status.bytes),
        (at_the_end.rows, at_the_end.errors, at_the_end.bytes)
    );
    assert_eq!(folder.commits(BTreeMap::new()).await.unwrap().len(), 3);
}
