//! What a driver does when chunks fail, rows fail, somebody says stop, or time runs out; and what it says meanwhile.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use batch::{Attempt, ChunkFailure, ChunkReport, Error, Event, Options, State, Stopping};
use tokio::sync::Notify;

use crate::faulty::{Fault, FaultyStore};
use crate::fixture::{Place, Watcher, errors, job, options, resume_and_check, work};

fn failure(kind: ErrorKind) -> ChunkFailure {
    let source = Box::new(io::Error::from(kind));
    let source = object_store::Error::Generic { store: "test", source };
    Error::Store { operation: "read", uri: "s3://b/x".to_owned(), source }.into()
}

/// Work that fails so often, over all chunks, before it succeeds.
fn failing_first(
    n_failures: usize,
    kind: ErrorKind,
) -> impl Fn(usize, Attempt) -> PlayedWork + Send + Sync + 'static {
    let left = Arc::new(AtomicUsize::new(n_failures));
    move |chunk, attempt| {
        let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        Box::pin(async move { if fails { Err(failure(kind)) } else { work(chunk, attempt).await } })
    }
}

type PlayedWork = std::pin::Pin<Box<dyn Future<Output = Result<ChunkReport, ChunkFailure>> + Send>>;

#[tokio::test]
async fn transient_failures_are_tried_again() {
    let (place, job, watcher) = (Place::in_memory(), job(3), Watcher::default());
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let one = Options { concurrency: 1, ..options(1) };
    let summary =
        batch::run(&folder, &job, one, watcher.hooks(), failing_first(3, ErrorKind::TimedOut)).await.unwrap();
    assert_eq!(summary.state, State::Succeeded);
    assert_eq!(watcher.count(|event| matches!(event, Event::ChunkRetried { .. })), 3);
    assert_eq!(watcher.count(|event| matches!(event, Event::ChunkStarted { .. })), 6);
    place.check_output(&job).await;
    place.check_clean().await;
}

#[tokio::test]
async fn a_chunk_is_not_tried_for_ever() {
    let (place, job, watcher) = (Place::in_memory(), job(3), Watcher::default());
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let one = Options { concurrency: 1, max_attempts: 4, ..options(1) };
    let error = batch::run(&folder, &job, one, watcher.hooks(), failing_first(99, ErrorKind::TimedOut))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ChunkFailed { attempts: 4, .. }), "{error:?}");
    assert_eq!(watcher.count(|event| matches!(event, Event::ChunkStarted { .. })), 4);
    let status = folder.status().await.unwrap();
    assert_eq!((status.state, status.chunks_done), (State::Failed, 0));
    assert!(status.error.unwrap().contains("cannot read `s3://b/x`"));
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn after_a_permanent_failure_running_chunks_are_finished_and_kept() {
    let (place, job, watcher) = (Place::in_memory(), job(6), Watcher::default());
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let started = Arc::new(AtomicUsize::new(0));
    let both_run = Arc::new(Notify::new());
    let work_of_two = move |chunk, attempt| {
        let is_first = started.fetch_add(1, Ordering::SeqCst) == 0;
        let both_run = Arc::clone(&both_run);
        async move {
            if is_first {
                both_run.notified().await;
                return Err(failure(ErrorKind::PermissionDenied));
            }
            both_run.notify_one();
            tokio::task::yield_now().await;
            work(chunk, attempt).await
        }
    };
    let error = batch::run(&folder, &job, options(1), watcher.hooks(), work_of_two).await.unwrap_err();
    assert!(matches!(error, Error::ChunkFailed { attempts: 1, .. }), "{error:?}");
    assert_eq!(folder.commits(Default::default()).await.unwrap().len(), 1);
    assert_eq!(watcher.count(|event| matches!(event, Event::Stopping(Stopping::Failed))), 1);
    place.check_nothing_is_published().await;
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn a_failed_attempt_leaves_nothing() {
    for place in [Place::in_memory(), Place::on_disk()] {
        let job = job(4);
        let folder = place.folder();
        folder.create(&job).await.unwrap();
        let late_failure = |chunk, attempt| async move {
            work(chunk, attempt).await?;
            Err::<ChunkReport, _>(failure(ErrorKind::PermissionDenied))
        };
        batch::run(&folder, &job, options(1), Watcher::default().hooks(), late_failure).await.unwrap_err();
        place.check_clean_but_folders().await;
        resume_and_check(&place, &job).await;
    }
}

#[tokio::test]
async fn work_that_panics_fails_its_chunk() {
    let (place, job) = (Place::in_memory(), job(2));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let panics = |chunk: usize, attempt: Attempt| async move {
        assert!(attempt.id.is_empty(), "in chunk {chunk}");
        work(chunk, attempt).await
    };
    let error = batch::run(&folder, &job, options(1), Watcher::default().hooks(), panics).await.unwrap_err();
    let Error::ChunkFailed { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(*source, Error::BrokenOff { .. }), "{source:?}");
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn too_many_bad_rows_end_the_job_and_a_higher_limit_resumes_it() {
    let (place, job) = (Place::in_memory(), job(6));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let n_errors: u64 = (0..6).map(|chunk| errors(chunk).len() as u64).sum();
    let strict = Options { max_errors: Some(n_errors - 1), ..options(1) };
    for _ in 0..2 {
        let error =
            batch::run(&folder, &job, strict.clone(), Watcher::default().hooks(), work).await.unwrap_err();
        assert!(matches!(error, Error::TooManyErrors { .. }), "{error:?}");
        place.check_nothing_is_published().await;
    }
    let lax = Options { max_errors: Some(n_errors), ..options(1) };
    batch::run(&folder, &job, lax, Watcher::default().hooks(), work).await.unwrap();
    place.check_output(&job).await;
}

#[tokio::test]
async fn too_large_a_share_of_bad_rows_ends_the_job() {
    let (place, job) = (Place::in_memory(), job(6));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let strict = Options { max_error_rate: Some(0.01), ..options(1) };
    let error = batch::run(&folder, &job, strict, Watcher::default().hooks(), work).await.unwrap_err();
    assert!(matches!(error, Error::ErrorRateTooHigh { .. }), "{error:?}");
    resume_and_check(&place, &job).await;
}

/// Work that writes a piece of its part and then never ends; tells when it is there.
fn endless(begun: &Arc<Notify>) -> impl Fn(usize, Attempt) -> PlayedWork + Send + Sync + 'static + use<> {
    let begun = Arc::clone(begun);
    move |_, attempt| {
        let begun = Arc::clone(&begun);
        Box::pin(async move {
            let mut part = attempt.part.writer();
            part.write(&[b'x'; 200]).await?;
            begun.notify_one();
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn a_stopped_driver_drops_its_attempts_and_leaves_nothing_of_them() {
    for place in [Place::in_memory(), Place::on_disk()] {
        let (job, watcher, begun) = (job(4), Watcher::default(), Arc::new(Notify::new()));
        let folder = place.folder();
        folder.create(&job).await.unwrap();
        let run = batch::run(&folder, &job, options(1), watcher.hooks(), endless(&begun));
        let stop = async {
            begun.notified().await;
            watcher.stop.stop();
        };
        let (ran, ()) = tokio::join!(run, stop);
        assert_eq!(ran.unwrap().state, State::Cancelled);
        assert_eq!(folder.status().await.unwrap().state, State::Cancelled);
        place.check_clean_but_folders().await;
        resume_and_check(&place, &job).await;
    }
}

#[tokio::test]
async fn a_driver_that_has_failed_can_be_stopped() {
    let (place, job, watcher) = (Place::in_memory(), job(4), Watcher::default());
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let (begun, first) = (Arc::new(Notify::new()), AtomicUsize::new(0));
    let endless = endless(&begun);
    let watching = watcher.clone();
    let fails_or_never_ends = move |chunk, attempt| -> PlayedWork {
        if first.fetch_add(1, Ordering::SeqCst) == 0 {
            return Box::pin(async { Err(failure(ErrorKind::PermissionDenied)) });
        }
        let (watching, endless) = (watching.clone(), endless(chunk, attempt));
        Box::pin(async move {
            while watching.count(|event| matches!(event, Event::Stopping(_))) == 0 {
                tokio::task::yield_now().await;
            }
            watching.stop.stop();
            endless.await
        })
    };
    let error =
        batch::run(&folder, &job, options(1), watcher.hooks(), fails_or_never_ends).await.unwrap_err();
    assert!(matches!(error, Error::ChunkFailed { .. }), "{error:?}");
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn a_cancelled_job_stops_wherever_it_runs_until_it_is_allowed_again() {
    let (place, job, begun) = (Place::in_memory(), job(4), Arc::new(Notify::new()));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let often = Options { heartbeat: Duration::from_millis(1), ..options(1) };
    let run = batch::run(&folder, &job, often, Watcher::default().hooks(), endless(&begun));
    let elsewhere = place.folder();
    let cancel = async {
        begun.notified().await;
        elsewhere.cancel().await.unwrap();
    };
    let (ran, ()) = tokio::join!(run, cancel);
    assert_eq!(ran.unwrap().state, State::Cancelled);
    let again = batch::run(&folder, &job, options(1), Watcher::default().hooks(), work).await.unwrap();
    assert_eq!((again.state, again.progress.n_done), (State::Cancelled, 0));
    folder.allow().await.unwrap();
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn a_job_whose_time_is_over_ends_what_runs_and_starts_nothing() {
    let (place, job, watcher) = (Place::in_memory(), job(6), Watcher::default());
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let short = Options { max_duration: Some(Duration::ZERO), ..options(1) };
    let seen = watcher.clone();
    let longer_than_that = move |chunk, attempt| {
        let seen = seen.clone();
        async move {
            while seen.count(|event| matches!(event, Event::Stopping(Stopping::Expired))) == 0 {
                tokio::task::yield_now().await;
            }
            work(chunk, attempt).await
        }
    };
    let summary = batch::run(&folder, &job, short, watcher.hooks(), longer_than_that).await.unwrap();
    assert_eq!((summary.state, summary.progress.n_done), (State::Expired, 2));
    assert_eq!(folder.status().await.unwrap().state, State::Expired);
    place.check_nothing_is_published().await;
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn as_many_chunks_run_at_once_as_were_asked_for() {
    let (place, job) = (Place::in_memory(), job(9));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let counted = move |chunk, attempt| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            work(chunk, attempt).await
        }
    };
    let three = Options { concurrency: 3, ..options(1) };
    batch::run(&folder, &job, three, Watcher::default().hooks(), counted).await.unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 3);
    place.check_output(&job).await;
}

#[tokio::test]
async fn the_last_of_those_who_run_a_chunk_each_publishes() {
    let (place, job) = (Place::in_memory(), job(4));
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    for chunk in 0..4 {
        let one = Options { only: Some(vec![chunk]), ..options(1) };
        let summary = batch::run(&folder, &job, one, Watcher::default().hooks(), work).await.unwrap();
        assert_eq!(summary.progress.n_done, chunk + 1);
        assert_eq!(summary.state, if chunk < 3 { State::Running } else { State::Succeeded });
    }
    place.check_output(&job).await;
}

#[tokio::test]
async fn chunks_that_another_driver_commits_are_not_run() {
    let (place, job, watcher) = (Place::in_memory(), job(8), Watcher::default());
    let folder = place.folder();
    folder.create(&job).await.unwrap();
    let others = place.folder();
    let shared_job = job.clone();
    let with_another = move |chunk, attempt| {
        let (others, job) = (others.clone(), shared_job.clone());
        async move {
            let rest = Options { only: Some((0..8).filter(|&other| other != chunk).collect()), ..options(2) };
            batch::run(&others, &job, rest, Watcher::default().hooks(), work)
                .await
                .map_err(ChunkFailure::from)?;
            work(chunk, attempt).await
        }
    };
    let one = Options { concurrency: 1, ..options(1) };
    batch::run(&folder, &job, one, watcher.hooks(), with_another).await.unwrap();
    assert_eq!(watcher.count(|event| matches!(event, Event::ChunkStarted { .. })), 1);
    assert_eq!(watcher.count(|event| matches!(event, Event::ChunkFinished { by_another: true, .. })), 7);
    place.check_output(&job).await;
}

#[tokio::test]
async fn a_full_disk_ends_the_job_and_room_resumes_it() {
    let (place, job) = (Place::on_disk(), job(5));
    let full = FaultyStore::new(&place.store, |_, operation| {
        if operation.kind == "upload" { Fault::Before(ErrorKind::StorageFull) } else { Fault::None }
    });
    let folder = place.folder_through(Arc::new(full));
    folder.create(&job).await.unwrap();
    let error = batch::run(&folder, &job, options(1), Watcher::default().hooks(), work).await.unwrap_err();
    let Error::ChunkFailed { source, attempts: 1, .. } = error else { panic!("{error:?}") };
    let Error::DiskFull { operation: "write", uri, .. } = *source else { panic!("{source:?}") };
    assert!(uri.starts_with("test:///out/_plinth/attempts/"), "{uri}");
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn a_driver_that_is_killed_is_seen_to_be_gone() {
    let (place, job) = (Place::in_memory(), job(4));
    let store = FaultyStore::new(&place.store, |_, operation| {
        let is_commit = operation.kind == "put" && operation.path.as_ref().contains("/commits/");
        if is_commit { Fault::KillBefore } else { Fault::None }
    });
    let folder = place.folder_through(Arc::new(store));
    folder.create(&job).await.unwrap();
    let seen = place.folder();
    let after_a_beat = move |chunk, attempt| {
        let seen = seen.clone();
        async move {
            while seen.status().await?.state == State::Planned {
                tokio::task::yield_now().await;
            }
            work(chunk, attempt).await
        }
    };
    batch::run(&folder, &job, options(1), Watcher::default().hooks(), after_a_beat).await.unwrap_err();
    let status = place.folder().status().await.unwrap();
    let wrote = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    assert_eq!((status.updated_ms, status.driver.as_str()), (1_000_000, "driver-1"));
    assert_eq!(status.clone().seen_at(wrote).state, State::Running);
    assert_eq!(status.seen_at(wrote + batch::STALE * 2).state, State::Interrupted);
}

#[tokio::test]
async fn a_job_without_chunks_succeeds() {
    let (place, job) = (Place::in_memory(), job(0));
    resume_and_check(&place, &job).await;
}

#[tokio::test]
async fn a_job_that_succeeded_stays_as_it_is() {
    let (place, job, watcher) = (Place::in_memory(), job(4), Watcher::default());
    resume_and_check(&place, &job).await;
    let before = place.files().await;
    let folder = place.folder();
    let summary = batch::run(&folder, &job, options(7), watcher.hooks(), work).await.unwrap();
    assert_eq!((summary.state, summary.progress.n_done), (State::Succeeded, 4));
    assert_eq!(watcher.count(|event| matches!(event, Event::ChunkStarted { .. })), 0);
    let mut after = place.files().await;
    after.insert("_plinth/status.json".to_owned(), before["_plinth/status.json"].clone());
    assert_eq!(after, before);
    let manifest = folder.published().await.unwrap().unwrap();
    assert_eq!(manifest.parts.len(), 4);
}
