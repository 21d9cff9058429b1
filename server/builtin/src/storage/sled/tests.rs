//! What readers of sled see around a write, and what is cleared away before it opens.

use keyward_core::storage::{MAX_KEY_LENGTH, children};

use super::{
    super::{embedded::Row, record::INLINE_LENGTH},
    *,
};

fn opened(path: &Path) -> Sled {
    let directory = Arc::new(DataDirectory::open(path).unwrap());
    Sled::open(directory).unwrap().0
}

/// A key, its head before, its head after.
type Change<'a> = (&'a str, Option<&'a [u8]>, Option<&'a [u8]>);

fn rows(revision: u64, rows: &[Change<'_>]) -> Writes {
    let heads = rows.iter().map(|(key, before, after)| {
        let row = Row {
            before: before.map(<[u8]>::to_vec),
            after: after.map(<[u8]>::to_vec),
        };
        ((*key).to_owned(), row)
    });
    Writes {
        revision: Revision::new(revision),
        heads: heads.collect(),
        bodies: BTreeMap::new(),
    }
}

fn names(medium: &Sled) -> Vec<String> {
    children("", None, None, |from| medium.next_key(from)).unwrap()
}

#[test]
fn readers_are_shown_a_write_only_once_it_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let medium = opened(directory.path());
    medium
        .write(&rows(
            1,
            &[
                ("b", None, Some(b"old")),
                ("d", None, Some(b"1")),
                ("f", None, Some(b"2")),
            ],
        ))
        .unwrap();

    let change = [
        ("a", None, Some(&b"new"[..])),
        ("b", Some(&b"old"[..]), Some(b"new")),
        ("d", Some(b"1"), None),
        ("e", None, Some(b"new")),
    ];
    medium.apply(&rows(2, &change)).unwrap();
    for (key, before, _) in change {
        assert_eq!(medium.head(key).unwrap().as_deref(), before, "{key}");
        assert_eq!(
            medium.try_head(key).unwrap().unwrap().as_deref(),
            before,
            "{key}"
        );
    }
    assert_eq!(names(&medium), ["b", "d", "f"]);

    medium.harden().unwrap();
    for (key, _, after) in change {
        assert_eq!(medium.head(key).unwrap().as_deref(), after, "{key}");
    }
    assert_eq!(names(&medium), ["a", "b", "e", "f"]);
}

#[test]
fn a_reader_does_not_wait_in_place_for_a_batch_that_is_being_applied() {
    let directory = tempfile::tempdir().unwrap();
    let medium = opened(directory.path());
    let applying = medium.unsettled.write();
    assert!(medium.try_head("a").is_none());
    drop(applying);
    assert_eq!(medium.try_head("a"), Some(Ok(None)));
}

#[test]
fn a_snapshot_that_was_cut_off_does_not_stop_the_store_from_opening() {
    let directory = tempfile::tempdir().unwrap();
    for revision in 1..4 {
        let medium = opened(directory.path());
        medium
            .write(&rows(
                revision,
                &[("a", None, Some(&revision.to_be_bytes()))],
            ))
            .unwrap();
    }
    let torn = directory
        .path()
        .join("sled/snap.FFFFFFFFFFFFFFF0.generating");
    fs::write(&torn, "torn").unwrap();

    let medium = opened(directory.path());
    assert_eq!(medium.head("a").unwrap().unwrap(), 3_u64.to_be_bytes());
    assert!(!torn.exists());
}

/// What a power cut leaves that keeps the removal of a snapshot alone.
#[test]
fn a_snapshot_that_an_opening_lost_is_put_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("sled");
    let snapshots = || -> Vec<String> {
        let names = fs::read_dir(&store).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("snap.")).collect()
    };
    let medium = opened(directory.path());
    medium.write(&rows(1, &[("a", None, Some(b"1"))])).unwrap();
    drop(medium);
    drop(opened(directory.path()));
    assert!(!store.join("kept").exists());
    let [name] = &*snapshots() else {
        panic!("{:?}", snapshots())
    };
    let snapshot = fs::read(store.join(name)).unwrap();

    opening::keep_snapshot(&store).unwrap();
    fs::remove_file(store.join(name)).unwrap();
    opening::keep_snapshot(&store).unwrap();
    assert_eq!(snapshots(), std::slice::from_ref(name));
    assert_eq!(fs::read(store.join(name)).unwrap(), snapshot);

    fs::remove_file(store.join(name)).unwrap();
    let medium = opened(directory.path());
    assert_eq!(medium.head("a").unwrap().unwrap(), b"1");
    assert_eq!(snapshots().len(), 1);
    assert!(!store.join("kept").exists());
}

#[test]
fn pages_of_the_longest_keys_and_values_are_no_blobs() {
    let directory = tempfile::tempdir().unwrap();
    let medium = opened(directory.path());
    // A head is a few bytes longer than the longest inline value.
    let head = vec![7; INLINE_LENGTH + 9];
    for group in 0..40 {
        let keys: Vec<String> = (0..20)
            .map(|row| format!("{row:02}{}{group:04}", "k".repeat(MAX_KEY_LENGTH - 6)))
            .collect();
        let changes: Vec<_> = keys
            .iter()
            .map(|key| (key.as_str(), None, Some(&head[..])))
            .collect();
        // It fails on a blob.
        medium.write(&rows(group + 1, &changes)).unwrap();
    }
    assert_eq!(names(&medium).len(), 800);
}

#[test]
fn what_becomes_of_bodies_outlives_the_handle() {
    let directory = tempfile::tempdir().unwrap();
    let place = |index| Place {
        revision: Revision::new(1),
        index,
        length: 20_000,
    };
    let write = |bodies: Vec<(Place, Body)>| {
        let mut writes = rows(1, &[]);
        writes.bodies.extend(bodies);
        let medium = opened(directory.path());
        medium.write(&writes).unwrap();
        let bodies = [0, 1, 2].map(|index| medium.body(place(index)).unwrap().is_some());
        (medium.orphans().unwrap(), bodies)
    };
    let stored = (0..3).map(|index| (place(index), Body::Store(vec![1; 20_000])));
    assert_eq!(write(stored.collect()), (vec![], [true, true, true]));
    let noted = [1, 2].map(|index| (place(index), Body::Orphan)).into();
    assert_eq!(write(noted), (vec![place(1), place(2)], [true, true, true]));
    let settled = vec![(place(1), Body::Keep), (place(2), Body::Remove)];
    assert_eq!(write(settled), (vec![], [true, true, false]));
}
