//! What the shared half does when its medium fails; that it works is the conformance suite's.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use keyward_core::storage::{Expect, Notice};
use parking_lot::Mutex;
use tempfile::TempDir;

use super::{super::record::INLINE_LENGTH, *};

/// The disks of this process' tests, by the directories of their stores.
static DISKS: LazyLock<Mutex<BTreeMap<PathBuf, Arc<Disk>>>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Disk {
    durable: Mutex<State>,
    fault: Mutex<Fault>,
    opened: AtomicUsize,
}

#[derive(Clone, Default)]
struct State {
    heads: BTreeMap<String, Vec<u8>>,
    bodies: BTreeMap<Place, Vec<u8>>,
    orphans: BTreeSet<Place>,
    revision: u64,
}

/// What a disk fails at, until it is told otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Fault {
    #[default]
    None,
    /// Writes are lost, and tried again in vain.
    Lost,
    /// Writes fail and arrive all the same; opening what failed does not help.
    Arrived,
    /// As [`Fault::Arrived`], and the disk seems well until the store is opened.
    Unopened,
    /// Heads cannot be read, nor ever by a medium that met this.
    Unread,
    /// Writes panic.
    Panics,
}

/// Keeps what it has seen to be durable, and nothing more after a failure.
struct Faulty {
    disk: Arc<Disk>,
    shown: Mutex<State>,
    failed: AtomicBool,
}

impl Medium for Faulty {
    fn open(directory: Arc<DataDirectory>) -> Result<(Self, Revision), StorageError> {
        let path = directory.store("faulty", |_| Ok(()))?;
        let disk = Arc::clone(DISKS.lock().entry(path).or_default());
        disk.opened.fetch_add(1, Ordering::SeqCst);
        if *disk.fault.lock() == Fault::Unopened {
            return Err(StorageError::Io("it does not open".to_owned()));
        }
        let shown = disk.durable.lock().clone();
        let revision = Revision::new(shown.revision);
        let (shown, failed) = (Mutex::new(shown), AtomicBool::new(false));
        Ok((
            Self {
                disk,
                shown,
                failed,
            },
            revision,
        ))
    }

    fn try_disk(&self) -> Result<(), StorageError> {
        match *self.disk.fault.lock() {
            Fault::None | Fault::Unopened | Fault::Unread => Ok(()),
            _ => Err(StorageError::Full),
        }
    }

    fn head(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        if *self.disk.fault.lock() == Fault::Unread {
            self.failed.store(true, Ordering::SeqCst);
            return Err(StorageError::Refused("a page was not read".to_owned()));
        }
        Ok(self.shown.lock().heads.get(key).cloned())
    }

    fn try_head(&self, key: &str) -> Option<Result<Option<Vec<u8>>, StorageError>> {
        Some(self.head(key))
    }

    fn body(&self, place: Place) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.shown.lock().bodies.get(&place).cloned())
    }

    fn next_key(&self, _: Bound<&str>) -> Result<Option<String>, StorageError> {
        Ok(None)
    }

    fn orphans(&self) -> Result<Vec<Place>, StorageError> {
        Ok(self.shown.lock().orphans.iter().copied().collect())
    }

    fn write(&self, writes: &Writes) -> Result<(), StorageError> {
        // It would seem to succeed, as a second fsync does.
        assert!(
            !self.failed.load(Ordering::SeqCst),
            "written to after a failure"
        );
        let fault = *self.disk.fault.lock();
        assert!(fault != Fault::Panics, "this panic is part of a test");
        let mut state = self.shown.lock().clone();
        state.apply(writes);
        if fault != Fault::Lost {
            *self.disk.durable.lock() = state.clone();
        }
        if fault != Fault::None {
            self.failed.store(true, Ordering::SeqCst);
            return Err(StorageError::Full);
        }
        *self.shown.lock() = state;
        Ok(())
    }
}

impl State {
    fn apply(&mut self, writes: &Writes) {
        self.revision = writes.revision.number();
        for (key, row) in &writes.heads {
            match &row.after {
                Some(head) => self.heads.insert(key.clone(), head.clone()),
                None => self.heads.remove(key),
            };
        }
        for (place, body) in &writes.bodies {
            match body {
                Body::Keep => {
                    self.orphans.remove(place);
                }
                Body::Orphan => assert!(self.orphans.insert(*place)),
                Body::Remove => {
                    self.orphans.remove(place);
                    self.bodies.remove(place);
                }
                Body::Store(value) => {
                    assert_eq!(self.bodies.insert(*place, value.clone()), None);
                }
            }
        }
    }

    /// Whether every body has one head or one note.
    fn is_sound(&self) -> bool {
        let heads = self.heads.values();
        let led_to: BTreeSet<Place> = heads
            .filter_map(|head| match Head::decode(head).unwrap() {
                Head::Detached(place) => Some(place),
                Head::Inline(..) => None,
            })
            .collect();
        let kept: BTreeSet<Place> = self.bodies.keys().copied().collect();
        led_to.is_disjoint(&self.orphans) && &led_to | &self.orphans == kept
    }
}

/// A committer without its thread, and its disk.
struct Bench {
    commits: Commits<Faulty>,
    changes: Changes,
    disk: Arc<Disk>,
    _directory: TempDir,
}

impl Bench {
    fn new(pause: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (slot, revision) = Slot::open(directory.path()).unwrap();
        let commits = Commits::new(Arc::new(slot), revision, pause).unwrap();
        Self {
            changes: commits.announcer().subscribe(),
            commits,
            disk: disk(directory.path()),
            _directory: directory,
        }
    }

    fn fault(&self, fault: Fault) {
        *self.disk.fault.lock() = fault;
    }

    fn commit(&mut self, batch: Batch) -> Result<Revision, StorageError> {
        self.commits.process(vec![batch]).remove(0)
    }

    fn head(&self, key: &str) -> Option<Head> {
        let head = self.commits.slot().with(|medium| medium.head(key));
        head.unwrap().map(|head| Head::decode(&head).unwrap())
    }

    /// The keys of the next commit that was announced.
    fn announced(&mut self) -> Option<Vec<String>> {
        match self.changes.try_next()? {
            Notice::Commit(change) => Some(change.keys.clone()),
            other => panic!("{other:?}"),
        }
    }

    fn opened(&self) -> usize {
        self.disk.opened.load(Ordering::SeqCst)
    }
}

fn disk(path: &Path) -> Arc<Disk> {
    Arc::clone(&DISKS.lock()[&path.join("faulty")])
}

fn put(key: &str) -> Batch {
    Batch::new().put(key, "1")
}

fn long(fill: u8) -> Vec<u8> {
    vec![fill; INLINE_LENGTH + 1]
}

fn refused(error: StorageError) -> Result<Revision, StorageError> {
    Err(StorageError::Refused(error.to_string()))
}

#[test]
fn batches_of_a_group_see_those_before_them() {
    let mut bench = Bench::new(PAUSE);
    let outcomes = bench.commits.process(vec![
        Batch::new().put_if("a", "1", Expect::Absent),
        Batch::new().put_if("a", "2", Expect::Absent),
        Batch::new()
            .put_if("a", "3", Expect::At(Revision::new(1)))
            .delete("b"),
        Batch::new().delete_if("a", Expect::At(Revision::new(2))),
        Batch::new().put_if("a", "4", Expect::Absent),
    ]);
    let [first, second, third, fourth, fifth] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        *second,
        Err(StorageError::Conflict {
            key: "a".to_owned()
        })
    );
    let revisions = [first, third, fourth, fifth].map(|outcome| outcome.clone().unwrap().number());
    assert_eq!(revisions, [1, 2, 3, 4]);
    let head = Head::Inline(Revision::new(4), b"4".to_vec());
    assert_eq!(bench.head("a"), Some(head));
}

#[test]
fn a_body_that_is_replaced_goes_with_the_next_write_or_was_never_written() {
    let mut bench = Bench::new(PAUSE);
    let replace = |fill| Batch::new().put("a", long(fill));
    bench.commits.process(vec![replace(1), replace(2)]);
    let place = |revision| Place {
        revision: Revision::new(revision),
        index: 0,
        length: (INLINE_LENGTH + 1) as u32,
    };
    let bodies = |bench: &Bench| bench.disk.durable.lock().bodies.clone();
    assert_eq!(bodies(&bench), BTreeMap::from([(place(2), long(2))]));

    bench.commit(replace(3)).unwrap();
    let both = BTreeMap::from([(place(2), long(2)), (place(3), long(3))]);
    assert_eq!(bodies(&bench), both);
    assert!(bench.disk.durable.lock().is_sound());
    bench.commit(Batch::new()).unwrap();
    assert_eq!(bodies(&bench), BTreeMap::from([(place(3), long(3))]));
    assert!(bench.disk.durable.lock().orphans.is_empty());
}

#[test]
fn an_orphan_is_removed_by_whoever_opens_the_store_next() {
    let mut bench = Bench::new(PAUSE);
    bench.commit(Batch::new().put("a", long(1))).unwrap();
    bench.commit(Batch::new().delete("a")).unwrap();
    let slot = Arc::clone(bench.commits.slot());
    slot.reopen(|_, _| Ok(())).unwrap();

    bench.commits = Commits::new(slot, Revision::new(2), PAUSE).unwrap();
    assert_eq!(bench.disk.durable.lock().bodies.len(), 1);
    bench.commit(Batch::new()).unwrap();
    assert!(bench.disk.durable.lock().bodies.is_empty());
}

#[test]
fn after_a_failed_write_all_of_its_group_fail_and_later_commits_are_refused_at_once() {
    let mut bench = Bench::new(Duration::from_secs(3600));
    bench.commit(put("a")).unwrap();
    bench.fault(Fault::Lost);

    let conflict = Batch::new().put_if("a", "2", Expect::Absent);
    assert_eq!(
        bench.commits.process(vec![put("b"), conflict, put("c")]),
        [
            Err(StorageError::Full),
            Err(StorageError::Conflict {
                key: "a".to_owned()
            }),
            Err(StorageError::Full),
        ],
    );
    // Nobody tries the disk before the pause is over.
    bench.fault(Fault::None);
    assert_eq!(bench.commit(put("d")), refused(StorageError::Full));
    assert_eq!(bench.opened(), 1);
    assert_eq!(bench.disk.durable.lock().heads.len(), 1);
    assert_eq!(bench.announced(), Some(vec!["a".to_owned()]));
    assert_eq!(bench.announced(), None);
}

#[test]
fn a_store_whose_disk_is_well_again_takes_writes_and_has_nothing_of_what_failed() {
    for fault in [Fault::Lost, Fault::Arrived] {
        let mut bench = Bench::new(Duration::ZERO);
        let first = Batch::new().put("a", long(1)).put("b", "1").put("c", "1");
        bench.commit(first).unwrap();
        bench.commit(Batch::new().delete("c")).unwrap();
        bench.fault(fault);
        let change = Batch::new()
            .put("a", long(2))
            .delete("b")
            .put("c", "2")
            .put("d", long(2));
        assert_eq!(bench.commit(change), Err(StorageError::Full));
        // The disk fails all the same, so that the store is left open for its readers.
        assert_eq!(bench.commit(put("e")), refused(StorageError::Full));
        assert_eq!(bench.opened(), 1);
        assert!(bench.head("b").is_some() && bench.head("d").is_none());

        bench.fault(Fault::None);
        // Revision 3 was given out, though nobody was told.
        assert_eq!(bench.commit(put("e")), Ok(Revision::new(4)), "{fault:?}");
        assert_eq!(bench.opened(), 2);
        let Some(Head::Detached(place)) = bench.head("a") else {
            panic!("no body")
        };
        let body = bench.commits.slot().with(|medium| medium.body(place));
        assert_eq!(body, Ok(Some(long(1))), "{fault:?}");
        let first = Head::Inline(Revision::new(1), b"1".to_vec());
        assert_eq!(bench.head("b"), Some(first));
        assert_eq!((bench.head("c"), bench.head("d")), (None, None));
        assert_eq!(bench.disk.durable.lock().bodies.len(), 1);
        assert!(bench.disk.durable.lock().is_sound(), "{fault:?}");

        let announced: Vec<_> = std::iter::from_fn(|| bench.announced()).collect();
        assert_eq!(announced, [&["a", "b", "c"][..], &["c"], &["e"]]);
    }
}

#[test]
fn a_store_that_lost_what_it_acknowledged_takes_no_writes() {
    let mut bench = Bench::new(Duration::ZERO);
    bench.commit(put("a")).unwrap();
    let before = bench.disk.durable.lock().clone();
    bench.commit(put("b")).unwrap();
    bench.fault(Fault::Lost);
    bench.commit(put("c")).unwrap_err();
    bench.fault(Fault::None);
    *bench.disk.durable.lock() = before;
    let lost = StorageError::Corrupt("the store fell back to revision 1 from 2".to_owned());
    for _ in 0..2 {
        assert_eq!(bench.commit(put("d")), refused(lost.clone()));
    }
    let closed = bench.commits.slot().with(|medium| medium.head("a"));
    assert!(matches!(closed, Err(StorageError::Refused(_))));
}

#[test]
fn a_medium_that_a_read_has_failed_is_opened_anew_as_well() {
    let mut bench = Bench::new(Duration::ZERO);
    bench.commit(put("a")).unwrap();
    bench.fault(Fault::Unread);
    assert!(matches!(
        bench.commits.process(vec![Batch::new(), put("a")])[..],
        [Err(StorageError::Refused(_)), Err(StorageError::Refused(_))]
    ));
    bench.fault(Fault::None);
    assert_eq!(bench.commit(put("a")), Ok(Revision::new(2)));
    assert_eq!(bench.opened(), 2);
}

#[tokio::test]
async fn readers_of_a_store_that_did_not_open_have_it_opened() {
    let directory = tempfile::tempdir().unwrap();
    let opened = Embedded::<Faulty>::open(directory.path().to_owned(), Duration::ZERO).await;
    let (storage, disk) = (opened.unwrap(), disk(directory.path()));
    storage.commit(put("a")).await.unwrap();
    *disk.fault.lock() = Fault::Unopened;
    assert_eq!(storage.commit(put("b")).await, Err(StorageError::Full));
    assert!(storage.get("a").await.unwrap().is_some());
    let failure = StorageError::Io("it does not open".to_owned());
    assert_eq!(
        storage.probe().await.map(|()| Revision::new(0)),
        refused(failure)
    );
    for outcome in [
        storage.get("a").await.map(drop),
        storage.list("", None, None).await.map(drop),
    ] {
        assert!(matches!(outcome, Err(StorageError::Refused(_))));
    }

    *disk.fault.lock() = Fault::None;
    assert!(storage.get("a").await.unwrap().is_some());
    assert_eq!(storage.get("b").await, Ok(None));
    storage.commit(put("b")).await.unwrap();
}

#[tokio::test]
async fn an_engine_that_panics_closes_the_store_to_writers() {
    let directory = tempfile::tempdir().unwrap();
    let opened = Embedded::<Faulty>::open(directory.path().to_owned(), Duration::ZERO).await;
    let storage = opened.unwrap();
    *disk(directory.path()).fault.lock() = Fault::Panics;

    assert_eq!(storage.commit(put("a")).await, Err(StorageError::Closed));
    assert_eq!(storage.probe().await, Err(StorageError::Closed));
    assert_eq!(storage.get("a").await, Ok(None));
}

#[tokio::test]
async fn a_head_whose_body_is_nowhere_is_corruption() {
    let directory = tempfile::tempdir().unwrap();
    let opened = Embedded::<Faulty>::open(directory.path().to_owned(), PAUSE).await;
    let storage = opened.unwrap();
    storage
        .commit(Batch::new().put("a", long(1)))
        .await
        .unwrap();
    disk(directory.path()).durable.lock().bodies.clear();
    storage.slot.reopen(|_, _| Ok(())).unwrap();
    assert!(matches!(
        storage.get("a").await,
        Err(StorageError::Corrupt(_))
    ));
}
