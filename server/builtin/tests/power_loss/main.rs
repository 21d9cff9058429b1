//! Simulated power cuts: what was acknowledged is there after any of them.
//!
//! A child process runs a [`workload`] on a real store while a preloaded [`recorder`](recording)
//! writes down every change to its files, every sync, and what the workload was told. The recording
//! is then replayed up to a random point, a [`disk`] is drawn that the power could have left there,
//! the store is opened on it and held to the [`ledger`]. Data that no fsync covers may be missing,
//! cut, or torn; a name that no fsync of its directory covers may be missing; `sync_file_range`
//! promises nothing.
//!
//! Once more with a disk that is full, read-only or does not sync for a while: the workload goes on
//! in the same process when the disk is well, and a power cut may come before, meanwhile and after.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]
#![allow(clippy::print_stdout, reason = "a seed that fails must be known")]

mod chance;
mod disk;
mod ledger;
mod recording;
mod workload;

use std::{collections::BTreeMap, path::Path};

use keyward_builtin::storage::storage;
use keyward_core::storage::conformance::Store;

use self::{
    chance::Chance,
    disk::{Disk, Fate},
    ledger::Ledger,
    recording::{Event, Recording},
    workload::Fault,
};

/// How many power cuts each backend goes through.
const POINTS: usize = 320;

/// Set to repeat a failure: its seed, and the recording it kept.
const SEED: &str = "KEYWARD_TEST_SEED";
const RECORDING: &str = "KEYWARD_TEST_RECORDING";

#[test]
fn sled_keeps_what_it_acknowledged_through_every_power_cut() {
    keeps_what_it_acknowledged(
        "sled",
        "sled_keeps_what_it_acknowledged_through_every_power_cut",
        &[],
    );
}

#[test]
fn redb_keeps_what_it_acknowledged_through_every_power_cut() {
    keeps_what_it_acknowledged(
        "redb",
        "redb_keeps_what_it_acknowledged_through_every_power_cut",
        &[],
    );
}

#[test]
fn sled_keeps_what_it_acknowledged_through_faults_that_go_away() {
    keeps_what_it_acknowledged(
        "sled",
        "sled_keeps_what_it_acknowledged_through_faults_that_go_away",
        &Fault::ALL,
    );
}

#[test]
fn redb_keeps_what_it_acknowledged_through_faults_that_go_away() {
    keeps_what_it_acknowledged(
        "redb",
        "redb_keeps_what_it_acknowledged_through_faults_that_go_away",
        &Fault::ALL,
    );
}

fn keeps_what_it_acknowledged(backend: &str, test: &str, faults: &[Fault]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(root) = std::env::var_os(workload::ROOT) {
        let seed = std::env::var(SEED).unwrap().parse().unwrap();
        runtime.block_on(workload::run(backend, Path::new(&root), seed, faults));
        return;
    }

    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => Chance::fresh_seed(),
    };
    println!("{backend}: {SEED}={seed}");
    let recording = match std::env::var_os(RECORDING) {
        Some(path) => Recording::read(Path::new(&path)),
        None => Recording::make(test, seed),
    };
    let mut chance = Chance::new(seed);
    let points = choose_points(&recording, &mut chance);
    let mut checked = BTreeMap::<Fate, usize>::new();
    let mut failures = Vec::new();

    let mut disk = Disk::new();
    let mut ledger = Ledger::new();
    let mut points = points.into_iter().peekable();
    for (position, event) in (1..).zip(recording.events()) {
        match event.told() {
            Some(marks) => ledger.note(marks),
            None => disk.apply(event),
        }
        while points.next_if_eq(&position).is_some() {
            let fate = chance.pick(&Fate::ALL);
            let place = recording::scratch();
            disk.draw(fate, &mut chance, place.path());
            let outcome = runtime.block_on(check(backend, place.path(), &ledger));
            *checked.entry(fate).or_default() += 1;
            if let Err(reason) = outcome {
                failures.push(format!(
                    "after {position} of the events, {fate:?}: {reason}"
                ));
            }
        }
    }

    println!(
        "{backend}: {} events, {checked:?}, {}",
        recording.events().len(),
        ledger.summary()
    );
    // The hard part is to reuse the space of old data, which must not happen too early.
    assert!(
        recording.reuses_space(),
        "the workload is too small to reuse space"
    );
    let total: usize = checked.values().sum();
    assert!(total >= 300, "only {total} power cuts");
    assert!(
        checked.values().all(|count| *count >= 40),
        "a fate is missing: {checked:?}"
    );
    if !failures.is_empty() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("power_loss-{test}.log"));
        recording.keep(&kept);
        panic!(
            "{} of {total} failed; repeat {test} with {SEED}={seed} {RECORDING}={}\n{}",
            failures.len(),
            kept.display(),
            failures[..failures.len().min(10)].join("\n"),
        );
    }
}

/// A third of the points are anywhere; a third just before a sync, when most is at stake; a third
/// just after a name was made, changed or removed.
fn choose_points(recording: &Recording, chance: &mut Chance) -> Vec<usize> {
    let events = recording.events();
    let positions = |chosen: fn(&Event) -> bool| -> Vec<usize> {
        (1..)
            .zip(events)
            .filter(|(_, event)| chosen(event))
            .map(|(position, _)| position)
            .collect()
    };
    let syncs = positions(Event::is_sync);
    let names = positions(Event::is_of_names);
    let mut points: Vec<usize> = (0..POINTS)
        .map(|number| match number % 3 {
            0 => 1 + chance.below(events.len()),
            1 => chance.pick(&syncs) - 1,
            _ => chance.pick(&names),
        })
        .map(|position| position.max(1))
        .collect();
    points.sort_unstable();
    points
}

async fn check(backend: &str, place: &Path, ledger: &Ledger) -> Result<(), String> {
    let store = open(backend, place).await?;
    ledger.check(&store).await?;
    drop(store);
    // What recovery wrote must itself be a store.
    let store = open(backend, place).await?;
    ledger.check(&store).await
}

async fn open(backend: &str, place: &Path) -> Result<Store, String> {
    let path = place.join(workload::DATA).to_str().unwrap().to_owned();
    let settings = BTreeMap::from([("path".to_owned(), path)]);
    (storage(backend).unwrap().open)(settings)
        .await
        .map_err(|error| format!("open: {error}"))
}
