//! What is on record of the use of a key: how often each version encrypted, when it was last used.
//!
//! The record stands beside the key, so that using the key does not change it:
//! ```text
//! usage/NAME = {"1": {"encryptions": 4096, "used_until": 1795464000}, "2": 1024}   as JSON
//! ```
//! A number alone is a count of encryptions, as it was written before there were moments.

use std::{cmp::max, collections::BTreeMap};

use keyward_core::{Change, Error, View, storage::Expect};
use keyward_crypto::SecretBytes;
use serde::{Deserialize, Serialize};

/// The use of every version of one key.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Record(pub(super) BTreeMap<u32, Use>);

/// The use of one version. Both numbers run ahead of the truth, and never behind it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(from = "Stored")]
pub(super) struct Use {
    pub(super) encryptions: u64,
    /// The second, since 1970, before which the version was last used; 0 if it never was.
    pub(super) used_until: u64,
}

/// The forms that were ever written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Count(u64),
    Use { encryptions: u64, used_until: u64 },
}

impl From<Stored> for Use {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Count(encryptions) => Self {
                encryptions,
                used_until: 0,
            },
            Stored::Use {
                encryptions,
                used_until,
            } => Self {
                encryptions,
                used_until,
            },
        }
    }
}

impl Record {
    /// Reads the record of a key, with what a change of it must expect.
    pub(super) async fn read(view: &View, name: &str) -> Result<(Self, Expect), Error> {
        Ok(match view.get(&path(name)).await? {
            Some(entry) => (decode(&entry.value)?, Expect::At(entry.revision)),
            None => (Self::default(), Expect::Absent),
        })
    }

    /// Returns the change that writes the record, whatever stood there.
    pub(super) fn put(&self, name: &str) -> Change {
        let record = serde_json::to_vec(self).expect("numbers serialize");
        Change::put(path(name), SecretBytes::new(record))
    }

    /// Returns the change that removes the record.
    pub(super) fn erase(name: &str) -> Change {
        Change::delete(path(name))
    }

    /// Takes the larger numbers of both.
    pub(super) fn united(mut self, other: &Self) -> Self {
        for (&version, &other) in &other.0 {
            let one = self.0.entry(version).or_default();
            one.encryptions = max(one.encryptions, other.encryptions);
            one.used_until = max(one.used_until, other.used_until);
        }
        self
    }
}

fn path(name: &str) -> String {
    format!("usage/{name}")
}

fn decode(record: &SecretBytes) -> Result<Record, Error> {
    // EXPOSE: counts and moments are not secret.
    serde_json::from_slice(record.expose()).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn used(encryptions: u64, used_until: u64) -> Use {
        Use {
            encryptions,
            used_until,
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written_and_as_it_was_written_before() {
        let record = Record(BTreeMap::from([(1, used(4096, 7)), (12, used(1, 0))]));
        let json = serde_json::to_vec(&record).unwrap();
        assert_eq!(decode(&SecretBytes::new(json)).unwrap(), record);
        let old = SecretBytes::from(
            br#"{"1": 4096, "12": {"encryptions": 1, "used_until": 0}}"#.as_slice(),
        );
        let record = Record(BTreeMap::from([(1, used(4096, 0)), (12, used(1, 0))]));
        assert_eq!(decode(&old).unwrap(), record);
    }

    #[test]
    fn what_is_united_is_never_less_than_either() {
        let one = Record(BTreeMap::from([(1, used(5, 9)), (2, used(1, 1))]));
        let two = Record(BTreeMap::from([(1, used(7, 3)), (3, used(2, 2))]));
        let united = BTreeMap::from([(1, used(7, 9)), (2, used(1, 1)), (3, used(2, 2))]);
        assert_eq!(one.united(&two), Record(united));
    }
}
