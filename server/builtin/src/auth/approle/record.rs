//! How secret ids are kept.

use std::{collections::BTreeMap, time::Duration};

use keyward_core::{Change, Error, Expect, Timestamp, View, storage::Revision};
use keyward_crypto::SecretBytes;
use serde::{Deserialize, Serialize};

const SECRET_IDS: &str = "secret_id/";
const ACCESSORS: &str = "accessor/";
const EXPIRIES: &str = "expiry/";

/// The stored form of a secret id.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct SecretId {
    pub(super) accessor: String,
    /// How many logins are left; 0 is without limit, since the last one removes it.
    pub(super) num_uses: u64,
    /// Seconds; 0 is without end.
    pub(super) ttl: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// From this moment on it is good for nothing.
    pub(super) expires: Option<Timestamp>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) cidr_list: Vec<String>,
    pub(super) token_bound_cidrs: Vec<String>,
}

impl SecretId {
    /// Tells whether its time is not over.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// Where a secret id is.
pub(super) struct Place {
    /// The shelf of its role.
    pub(super) shelf: String,
    /// The digest of the secret id, under the key of its role.
    pub(super) digest: String,
}

impl Place {
    /// Finds the secret id of an accessor, which is a name of a key.
    pub(super) async fn of_accessor(
        view: &View,
        shelf: &str,
        accessor: &str,
    ) -> Result<Option<Self>, Error> {
        let found = view.get_as(&accessor_key(shelf, accessor)).await?;
        Ok(found.map(|(digest, _)| Self {
            shelf: shelf.to_owned(),
            digest,
        }))
    }

    /// Reads the secret id there.
    pub(super) async fn read(&self, view: &View) -> Result<Option<(SecretId, Revision)>, Error> {
        view.get_as(&self.key()).await
    }

    /// Writes a new secret id; durable when it returns.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it is there already; else the store failed.
    pub(super) async fn insert(&self, view: &View, secret_id: &SecretId) -> Result<(), Error> {
        let accessor = accessor_key(&self.shelf, &secret_id.accessor);
        let mut changes = vec![
            Change::put_as(self.key(), secret_id)?.expecting(Expect::Absent),
            Change::put_as(accessor, &self.digest)?.expecting(Expect::Absent),
        ];
        let nothing = || SecretBytes::new(Vec::new());
        changes.extend(
            self.expiry_key(secret_id)
                .map(|key| Change::put(key, nothing())),
        );
        view.commit(changes).await.map(drop)
    }

    /// Removes the secret id there, if there is one.
    ///
    /// # Errors
    /// The store failed.
    pub(super) async fn remove(&self, view: &View) -> Result<(), Error> {
        loop {
            let Some((secret_id, revision)) = self.read(view).await? else {
                return Ok(());
            };
            match view.commit(self.removal(&secret_id, revision)).await {
                Ok(_) => return Ok(()),
                // It was used in between, which ends, or removed.
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Counts one login with a secret id; false if none is left, or its time is over. What it
    /// returns is durable, and exact however many come at once.
    ///
    /// # Errors
    /// The store failed: there must be no login.
    pub(super) async fn consume(&self, view: &View, now: Timestamp) -> Result<bool, Error> {
        loop {
            let found = self.read(view).await?;
            let Some((mut secret_id, revision)) = found.filter(|(it, _)| it.is_good(now)) else {
                return Ok(false);
            };
            let changes = match secret_id.num_uses {
                0 => return Ok(true),
                1 => self.removal(&secret_id, revision),
                left => {
                    secret_id.num_uses = left - 1;
                    secret_id.updated = now;
                    let change = Change::put_as(self.key(), &secret_id)?;
                    vec![change.expecting(Expect::At(revision))]
                }
            };
            match view.commit(changes).await {
                Ok(_) => return Ok(true),
                // Another login was counted in between: there are fewer now, so that this ends.
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns what removes a secret id, if it is still what was read.
    fn removal(&self, secret_id: &SecretId, revision: Revision) -> Vec<Change> {
        let mut changes = vec![
            Change::delete(self.key()).expecting(Expect::At(revision)),
            Change::delete(accessor_key(&self.shelf, &secret_id.accessor)),
        ];
        changes.extend(self.expiry_key(secret_id).map(Change::delete));
        changes
    }

    fn key(&self) -> String {
        format!("{SECRET_IDS}{}/{}", self.shelf, self.digest)
    }

    fn expiry_key(&self, secret_id: &SecretId) -> Option<String> {
        let seconds = secret_id.expires?.unix_seconds();
        Some(format!(
            "{EXPIRIES}{seconds:020}/{}.{}",
            self.digest, self.shelf
        ))
    }

    /// Reads the last part of a key that tells an end.
    fn of_expiry(name: &str) -> Option<Self> {
        let (digest, shelf) = name.split_once('.')?;
        Some(Self {
            shelf: shelf.to_owned(),
            digest: digest.to_owned(),
        })
    }
}

fn accessor_key(shelf: &str, accessor: &str) -> String {
    format!("{ACCESSORS}{shelf}/{accessor}")
}

/// Lists the accessors of a shelf.
///
/// # Errors
/// The store failed.
pub(super) async fn accessors(
    view: &View,
    shelf: &str,
    after: Option<&str>,
    limit: Option<usize>,
) -> Result<Vec<String>, Error> {
    view.list(&format!("{ACCESSORS}{shelf}/"), after, limit)
        .await
}

/// Removes secret ids of a shelf, `most` at most; returns whether there were fewer.
///
/// # Errors
/// The store failed, or one of them was changed meanwhile: none is removed.
pub(super) async fn clear(view: &View, shelf: &str, most: usize) -> Result<bool, Error> {
    let folder = format!("{SECRET_IDS}{shelf}/");
    let digests = view.list(&folder, None, Some(most)).await?;
    let is_last = digests.len() < most;
    let mut changes = Vec::new();
    for digest in digests {
        let shelf = shelf.to_owned();
        let place = Place { shelf, digest };
        if let Some((secret_id, revision)) = place.read(view).await? {
            changes.extend(place.removal(&secret_id, revision));
        }
    }
    if !changes.is_empty() {
        view.commit(changes).await?;
    }
    Ok(is_last)
}

/// Removes secret ids whose time is over, about `most`.
///
/// # Errors
/// The store failed, or one of them was changed meanwhile: what is left is still due.
pub(super) async fn clear_ended(view: &View, now: Timestamp, most: usize) -> Result<(), Error> {
    let mut left = most;
    while left > 0 {
        let first = view.list(EXPIRIES, None, Some(1)).await?;
        let Some(folder) = first.first() else {
            return Ok(());
        };
        let seconds = folder.trim_end_matches('/').parse::<u64>();
        // A moment is over when its second is.
        if seconds.is_ok_and(|seconds| now.unix_seconds() <= seconds) {
            return Ok(());
        }
        let folder = format!("{EXPIRIES}{folder}");
        let names = view.list(&folder, None, Some(left)).await?;
        if names.is_empty() {
            // They went meanwhile.
            return Ok(());
        }
        left -= names.len();
        let mut changes = Vec::new();
        for name in names {
            let place = Place::of_expiry(&name);
            let found = match &place {
                Some(place) => place.read(view).await?,
                None => None,
            };
            match (place, found) {
                (Some(place), Some((secret_id, revision))) if !secret_id.is_good(now) => {
                    changes.extend(place.removal(&secret_id, revision));
                }
                // It leads to nothing, or to what lasts on.
                _ => changes.push(Change::delete(format!("{folder}{name}"))),
            }
        }
        view.commit(changes).await?;
    }
    Ok(())
}

/// Returns when a secret id ends that is made now for so many seconds; never for 0.
pub(super) fn end(ttl: u64, now: Timestamp) -> Option<Timestamp> {
    (ttl != 0).then(|| now.plus(Duration::from_secs(ttl)))
}
