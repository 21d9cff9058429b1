//! What the workload tried and what it was promised, and whether a store keeps to it.
//!
//! ```text
//! try KEY SEQUENCE LENGTH     before a commit; LENGTH is `-` for a delete
//! ack KEY SEQUENCE REVISION   after it
//! ```
//!
//! Each key has one writer, which numbers its commits and waits for each.

use std::collections::{BTreeMap, BTreeSet};

use keyward_core::storage::{Batch, Expect, Revision, StorageError, Stored, conformance::Store};

#[derive(Default)]
pub(crate) struct Ledger {
    keys: BTreeMap<String, Promises>,
    last: u64,
}

#[derive(Default)]
struct Promises {
    /// By sequence number: the length that was tried.
    tried: Vec<Option<usize>>,
    /// The last that was acknowledged.
    acknowledged: Option<(usize, u64)>,
}

/// The value that a key gets with its commit number `sequence`.
pub(crate) fn value(key: &str, sequence: usize, length: usize) -> Vec<u8> {
    let seed = key.bytes().fold(sequence as u64 + 1, |seed, byte| {
        (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let mut chance = crate::Chance::new(seed);
    let mut value = Vec::with_capacity(length + 8);
    while value.len() < length {
        value.extend(chance.next().to_le_bytes());
    }
    value.truncate(length);
    value
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn note(&mut self, marks: &str) {
        for mark in marks.lines() {
            let words: Vec<&str> = mark.split(' ').collect();
            let [kind, key, sequence, detail] = words[..] else {
                panic!("{mark:?}")
            };
            let promises = self.keys.entry(key.to_owned()).or_default();
            let sequence = sequence.parse().unwrap();
            match kind {
                "try" => {
                    assert_eq!(promises.tried.len(), sequence, "{mark:?}");
                    promises.tried.push(detail.parse().ok());
                }
                "ack" => {
                    let revision = detail.parse().unwrap();
                    promises.acknowledged = Some((sequence, revision));
                    self.last = self.last.max(revision);
                }
                _ => panic!("{mark:?}"),
            }
        }
    }

    pub(crate) fn summary(&self) -> String {
        let tried = self
            .keys
            .values()
            .map(|promises| promises.tried.len())
            .sum::<usize>();
        format!(
            "{} keys, {tried} changes, {} commits",
            self.keys.len(),
            self.last
        )
    }

    /// Holds a store to every promise.
    pub(crate) async fn check(&self, store: &Store) -> Result<(), String> {
        let mut found = BTreeMap::new();
        for (key, promises) in &self.keys {
            let stored = store
                .get(key)
                .await
                .map_err(|error| format!("{key}: {error}"))?;
            let sequence = promises.check(key, stored.as_ref())?;
            found.insert(key.as_str(), (sequence, stored));
        }
        self.check_pairs(&found)?;
        self.check_list(store, &found).await?;
        self.check_going_on(store, &found).await
    }

    /// Keys that are only ever written together agree.
    fn check_pairs(&self, found: &BTreeMap<&str, (usize, Option<Stored>)>) -> Result<(), String> {
        for (key, (sequence, stored)) in found {
            let Some(other) = key.strip_suffix("left").map(|pair| format!("{pair}right")) else {
                continue;
            };
            let (other_sequence, other_stored) = &found[other.as_str()];
            let revision = |stored: &Option<Stored>| stored.as_ref().map(|stored| stored.revision);
            if (sequence, revision(stored)) != (other_sequence, revision(other_stored)) {
                return Err(format!("{key} was committed without {other}"));
            }
        }
        Ok(())
    }

    async fn check_list(
        &self,
        store: &Store,
        found: &BTreeMap<&str, (usize, Option<Stored>)>,
    ) -> Result<(), String> {
        let list = |prefix: String| async move {
            store
                .list(&prefix, None, None)
                .await
                .map_err(|error| format!("list: {error}"))
        };
        let mut listed = BTreeSet::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for name in list(folder.clone()).await? {
                let key = folder.clone() + &name;
                if name.ends_with('/') {
                    folders.push(key);
                } else {
                    listed.insert(key);
                }
            }
        }
        let present: BTreeSet<String> = found
            .iter()
            .filter(|(_, (_, stored))| stored.is_some())
            .map(|(key, _)| (*key).to_owned())
            .collect();
        match listed == present {
            true => Ok(()),
            false => Err(format!(
                "listed but not read, or the reverse: {listed:?} {present:?}"
            )),
        }
    }

    /// The store takes commits, under the rules it had.
    async fn check_going_on(
        &self,
        store: &Store,
        found: &BTreeMap<&str, (usize, Option<Stored>)>,
    ) -> Result<(), String> {
        let Some((key, stored)) = found
            .iter()
            .find_map(|(key, (_, stored))| Some((*key, stored.as_ref()?)))
        else {
            return store
                .probe()
                .await
                .map_err(|error| format!("probe: {error}"));
        };
        let put = |expect| Batch::new().put_if(key, stored.value.clone(), expect);
        for outdated in [Expect::Absent, Expect::At(Revision::new(0))] {
            let outcome = store.commit(put(outdated)).await;
            if !matches!(outcome, Err(StorageError::Conflict { .. })) {
                return Err(format!("{outdated:?} on {stored:?} gave {outcome:?}"));
            }
        }
        // As a delete of what is not there, it leaves the keys as they are for another check.
        let nothing = Batch::new().delete_if("never", Expect::Absent);
        let revision = store
            .commit(nothing)
            .await
            .map_err(|error| format!("commit: {error}"))?;
        let newest = found
            .values()
            .filter_map(|(_, stored)| Some(stored.as_ref()?.revision))
            .max();
        match revision.number() > self.last && Some(revision) > newest {
            true => Ok(()),
            false => Err(format!("{revision:?} was given out again")),
        }
    }
}

impl Promises {
    /// Finds which commit of `key` a store holds, if it may hold that one.
    fn check(&self, key: &str, stored: Option<&Stored>) -> Result<usize, String> {
        let first = self.acknowledged.map_or(0, |(sequence, _)| sequence);
        // Nothing at all may be there if nothing was promised.
        if stored.is_none() && self.acknowledged.is_none() {
            return Ok(0);
        }
        let sequence = (first..self.tried.len())
            .find(|sequence| match (stored, self.tried[*sequence]) {
                (None, None) => true,
                (Some(stored), Some(length)) => stored.value == value(key, *sequence, length),
                _ => false,
            })
            .ok_or_else(|| {
                let length = stored.map(|stored| (stored.value.len(), stored.revision));
                let (tried, acknowledged) = (&self.tried[first..], self.acknowledged);
                format!("{key} is {length:?}, of {tried:?} since {acknowledged:?}")
            })?;
        match (stored, self.acknowledged) {
            (Some(stored), Some((acknowledged, revision))) => {
                let number = stored.revision.number();
                let right = if sequence == acknowledged {
                    number == revision
                } else {
                    number > revision
                };
                if right {
                    Ok(sequence)
                } else {
                    Err(format!("{key} is of revision {number}"))
                }
            }
            _ => Ok(sequence),
        }
    }
}
