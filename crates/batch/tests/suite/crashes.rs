//! Drivers die at every operation in turn, alone and in company, and stores fail at random. Afterwards nothing is lost and nothing
//! there twice.

use std::io::ErrorKind;
use std::sync::Arc;

use batch::State;
use object_store::ObjectStore;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;

use crate::faulty::{Fault, FaultyStore};
use crate::fixture::{Place, Watcher, drive, job, options, resume_and_check, work};

const KILLS: [Fault; 2] = [Fault::KillBefore, Fault::KillAfter];

/// A driver that dies at its operation number `at`.
fn mortal(place: &Place, at: usize, fault: Fault) -> FaultyStore {
    FaultyStore::new(&place.store, move |number, _| if number == at { fault } else { Fault::None })
}

/// Lets a job run with a driver that dies at `at`, another one at its side if `in_company`, and then resumes it. Tells whether the
/// driver lived to the end.
async fn survives(place: &Place, at: usize, fault: Fault, in_company: bool) -> bool {
    let job = job(6);
    let store = mortal(place, at, fault);
    let folder = place.folder_through(Arc::new(store.clone()));
    let (ran, companion) = if in_company {
        let immortal = FaultyStore::new(&place.store, |_, _| Fault::None);
        let other = place.folder_through(Arc::new(immortal));
        let (ran, companion) = tokio::join!(drive(&folder, &job, 1), drive(&other, &job, 2));
        (ran, Some(companion.unwrap()))
    } else {
        (drive(&folder, &job, 1).await, None)
    };
    if companion.is_some_and(|summary| summary.state == State::Succeeded) {
        place.check_output(&job).await;
    }
    assert!(store.is_dead() || ran.is_ok(), "{ran:?}");
    resume_and_check(place, &job).await;
    !store.is_dead()
}

/// Kills at operation 0, 1, 2, … until a driver gets through; tells how often it was killed.
async fn kill_everywhere(place: impl Fn() -> Place, in_company: bool) -> usize {
    let mut n_kills = 0;
    for fault in KILLS {
        for at in 0.. {
            if survives(&place(), at, fault, in_company).await {
                break;
            }
            n_kills += 1;
        }
    }
    n_kills
}

#[tokio::test]
async fn a_job_in_memory_survives_a_kill_at_every_operation() {
    let n_kills = kill_everywhere(Place::in_memory, false).await;
    assert!(n_kills >= 100, "{n_kills}");
}

#[tokio::test]
async fn a_job_on_disk_survives_a_kill_at_every_operation() {
    let n_kills = kill_everywhere(Place::on_disk, false).await;
    assert!(n_kills >= 100, "{n_kills}");
}

#[tokio::test]
async fn a_job_in_memory_survives_a_kill_of_one_of_two_drivers_at_every_operation() {
    let n_kills = kill_everywhere(Place::in_memory, true).await;
    assert!(n_kills >= 100, "{n_kills}");
}

#[tokio::test]
async fn a_job_on_disk_survives_a_kill_of_one_of_two_drivers_at_every_operation() {
    let n_kills = kill_everywhere(Place::on_disk, true).await;
    assert!(n_kills >= 100, "{n_kills}");
}

#[tokio::test]
async fn a_job_survives_one_kill_after_the_other() {
    let place = Place::in_memory();
    let job = job(6);
    let mut n_kills = 0;
    while let Err(error) = {
        let store = mortal(&place, 10 + n_kills / 2, KILLS[n_kills % 2]);
        drive(&place.folder_through(Arc::new(store)), &job, n_kills as u64).await
    } {
        n_kills += 1;
        assert!(n_kills < 1000, "{error}");
    }
    assert!(n_kills > 3, "{n_kills}");
    resume_and_check(&place, &job).await;
}

/// Transient faults at random, and sometimes death.
fn unlucky(store: &Arc<dyn ObjectStore>, seed: u64, failing: f64, dying: f64) -> FaultyStore {
    FaultyStore::new(store, move |number, _| {
        let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003) ^ number as u64);
        let kinds = [ErrorKind::TimedOut, ErrorKind::ConnectionReset];
        match random.random::<f64>() {
            x if x < dying => KILLS[number % 2],
            x if x < dying + failing / 2.0 => Fault::Before(kinds[number % 2]),
            x if x < dying + failing => Fault::After(kinds[number % 2]),
            _ => Fault::None,
        }
    })
}

async fn two_unlucky_drivers(place: &Place, seed: u64, failing: f64, dying: f64) {
    let job = job(7);
    for round in 0..3 {
        let seeds = [seed ^ (round * 2 + 1), seed ^ (round * 2 + 2)];
        let folders =
            seeds.map(|seed| place.folder_through(Arc::new(unlucky(&place.store, seed, failing, dying))));
        let [one, two] = &folders;
        let (one, two) = tokio::join!(drive(one, &job, seeds[0]), drive(two, &job, seeds[1]));
        if one.is_ok() || two.is_ok() {
            place.check_output(&job).await;
        }
    }
    resume_and_check(place, &job).await;
}

fn on_one_thread(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

fn on_two_threads(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_drivers_survive_any_faults(seed: u64, failing in 0.0..0.4, dying in 0.0..0.03) {
        on_one_thread(two_unlucky_drivers(&Place::in_memory(), seed, failing, dying));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_drivers_survive_any_faults_on_disk(seed: u64, failing in 0.0..0.4, dying in 0.0..0.03) {
        on_two_threads(two_unlucky_drivers(&Place::on_disk(), seed, failing, dying));
    }
}

#[tokio::test]
async fn a_commit_that_succeeded_unheard_is_the_attempts_own() {
    let place = Place::in_memory();
    let job = job(5);
    let store = FaultyStore::new(&place.store, |_, operation| {
        let is_commit = operation.kind == "put" && operation.path.as_ref().contains("/commits/");
        if is_commit { Fault::After(ErrorKind::ConnectionReset) } else { Fault::None }
    });
    let folder = place.folder_through(Arc::new(store));
    let watcher = Watcher::default();
    folder.create(&job).await.unwrap();
    batch::run(&folder, &job, options(1), watcher.hooks(), work).await.unwrap();
    assert_eq!(
        watcher.count(|event| matches!(event, batch::Event::ChunkFinished { by_another: false, .. })),
        5
    );
    place.check_output(&job).await;
}

/// A driver whose work waits after the parts are written, until another driver has ended the job.
async fn late_attempts(place: &Place) {
    let job = job(4);
    let (folder, others) = (place.folder(), place.folder());
    let (written, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let late_work = {
        let (written, go_on) = (Arc::clone(&written), Arc::clone(&go_on));
        move |chunk, attempt| {
            let (written, go_on) = (Arc::clone(&written), Arc::clone(&go_on));
            async move {
                let report = work(chunk, attempt).await;
                written.notify_one();
                go_on.notified().await;
                report
            }
        }
    };
    folder.create(&job).await.unwrap();
    let late = batch::run(&folder, &job, options(1), Watcher::default().hooks(), late_work);
    let early = async {
        written.notified().await;
        written.notified().await;
        drive(&others, &job, 2).await.unwrap();
        let before = place.files().await;
        go_on.notify_waiters();
        before
    };
    let (late, before) = tokio::join!(late, early);
    assert_eq!(late.unwrap().state, State::Succeeded);
    let output = |files: std::collections::BTreeMap<String, String>| {
        files.into_iter().filter(|(name, _)| !name.ends_with("status.json")).collect::<Vec<_>>()
    };
    assert_eq!(output(place.files().await), output(before));
    place.check_output(&job).await;
    place.check_clean().await;
}

#[tokio::test]
async fn late_attempts_never_become_visible() {
    late_attempts(&Place::in_memory()).await;
    late_attempts(&Place::on_disk()).await;
}
