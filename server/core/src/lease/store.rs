//! Where the leases of secrets are kept and found.
//!
//! Below the store's view, with every value sealed by the barrier:
//!
//! ```text
//! id/PATH/RANDOM                 the record of the lease `PATH/RANDOM`
//! due/MOUNT/NANOSECONDS.RANDOM   its name: that it shall end then; 16 hexadecimal digits, so that
//!                                time sorts; MOUNT is a uuid, so that no mount holds up another
//! token/DIGEST/RANDOM            its name: that it ends with this token
//! ```
//!
//! Nothing of a lease stays in memory, so that a million cost none and no start waits for them.
//!
//! **Invariant:** the entries of a lease are written and removed in one commit.

use std::{
    collections::{HashMap, HashSet},
    iter,
    sync::Arc,
};

use keyward_crypto::SecretBytes;
use parking_lot::Mutex;

use super::record::{Reason, Record, SecretLeaseId};
use crate::{
    Error, Timestamp,
    barrier::{Change, Entry},
    json,
    storage::{Expect, Revision},
    tidy::Tidying,
    token::Digest,
    view::View,
};

/// How many leases are listed and marked at once.
const PAGE: usize = 256;

pub(super) const DUE: &str = "due/";
pub(super) const IDS: &str = "id/";
pub(super) const TOKENS: &str = "token/";

/// The leases of secrets.
///
/// The store reads and writes on its own account: a handler waits for [`View::on_record`] before it
/// calls anything that changes something.
pub(crate) struct Leases {
    pub(super) view: View,
    /// Those that this node is trying to revoke because they are due, with the uuids of their mounts.
    pub(super) running: Mutex<HashMap<SecretLeaseId, String>>,
    /// Those of secrets that nobody got, which the store did not let this node mark.
    pub(super) unmarked: Mutex<Vec<SecretLeaseId>>,
    pub(super) tidying: Tidying,
}

/// A walk over the leases below a path, page by page; leases may come and go meanwhile.
pub(super) struct Walk<'a> {
    leases: &'a Leases,
    /// The folders to be walked from the last on, each behind the name where the walk stands.
    folders: Vec<(String, Option<String>)>,
}

impl Leases {
    pub(crate) fn open(view: View) -> Arc<Self> {
        Arc::new(Self {
            view,
            running: Mutex::default(),
            unmarked: Mutex::default(),
            tidying: Tidying::default(),
        })
    }

    /// Reads what is known of a lease, be its time over or not.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn find(&self, id: &SecretLeaseId) -> Result<Option<Record>, Error> {
        Ok(self.read(id).await?.map(|(record, _)| record))
    }

    /// Lists what lies one level below a path: folders, which end in a slash, and the last part of
    /// the names of leases. An empty path is the top.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        self.view.list(&folder(path), None, None).await
    }

    /// Counts the leases, page by page.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn count(&self) -> Result<u64, Error> {
        let (mut count, mut walk) = (0, self.below(""));
        while let Some(page) = walk.next().await? {
            count += page.len() as u64;
        }
        Ok(count)
    }

    /// Has every lease end that ends with a token; durable when it returns, and done soon after.
    ///
    /// # Errors
    /// Some could not be marked, the first reason is told.
    pub(crate) async fn release(&self, token: Digest) -> Result<(), Error> {
        let folder = token_folder(token);
        let mut after = None;
        let mut outcome = Ok(());
        loop {
            let names = self
                .view
                .list(&folder, after.as_deref(), Some(PAGE))
                .await?;
            let mut page = Vec::with_capacity(names.len());
            for name in &names {
                match self.named_by(&format!("{folder}{name}")).await {
                    Ok(id) => page.extend(id),
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
            outcome = outcome.and(self.mark(&page, Reason::Orphaned).await.map(drop));
            match names.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return outcome,
            }
        }
    }

    /// Says of leases that they shall end, which nothing takes back; those that are gone are no
    /// error. In one commit, or, where that fails, one by one: a record that cannot be read must
    /// not keep its neighbours. Tells whether it was said of one for the first time.
    ///
    /// # Errors
    /// Some could not be marked, the first reason is told.
    pub(super) async fn mark(&self, ids: &[SecretLeaseId], reason: Reason) -> Result<bool, Error> {
        let mut outcome = self.mark_page(ids, reason).await;
        if outcome.is_err() && ids.len() > 1 {
            outcome = Ok(false);
            for id in ids {
                let marked = self.mark_page(std::slice::from_ref(id), reason).await;
                outcome = outcome.and_then(|before| marked.map(|marked| before || marked));
            }
        }
        outcome
    }

    async fn mark_page(&self, ids: &[SecretLeaseId], reason: Reason) -> Result<bool, Error> {
        loop {
            let mut changes = Vec::new();
            for id in ids {
                let Some((mut record, revision)) = self.read(id).await? else {
                    continue;
                };
                let (before, was_due) = (record.revocation, record.due());
                record.revocation.get_or_insert_default().add(reason);
                if record.revocation != before {
                    changes.extend(update(id, &record, was_due, revision)?);
                }
            }
            if changes.is_empty() {
                return Ok(false);
            }
            match self.view.commit(changes).await {
                Ok(_) => return Ok(true),
                // One was renewed or revoked in between.
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a record, with the revision that a change to it expects.
    pub(super) async fn read(
        &self,
        id: &SecretLeaseId,
    ) -> Result<Option<(Record, Revision)>, Error> {
        let key = id_key(id);
        if !self.view.has_room_for(&key) {
            return Ok(None);
        }
        self.view.get_as(&key).await
    }

    /// Writes a new lease; durable when it returns.
    pub(super) async fn insert(&self, id: &SecretLeaseId, record: &Record) -> Result<(), Error> {
        let mut changes = vec![Change::put_as(id_key(id), record)?.expecting(Expect::Absent)];
        changes.extend(record.entries(id).map(|key| name(key, id)));
        self.view.commit(changes).await.map(drop)
    }

    /// Writes a lease again, if it is still what was read.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it is not; else the store below failed.
    pub(super) async fn update(
        &self,
        id: &SecretLeaseId,
        record: &Record,
        was_due: Timestamp,
        revision: Revision,
    ) -> Result<(), Error> {
        let changes = update(id, record, was_due, revision)?;
        self.view.commit(changes).await.map(drop)
    }

    /// Removes a lease, whatever has become of it; its absence is no error.
    pub(super) async fn remove(&self, id: &SecretLeaseId) -> Result<(), Error> {
        loop {
            let Some((record, revision)) = self.read(id).await? else {
                return Ok(());
            };
            let mut changes = vec![Change::delete(id_key(id)).expecting(Expect::At(revision))];
            changes.extend(record.entries(id).map(Change::delete));
            match self.view.commit(changes).await {
                Ok(_) => return Ok(()),
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the uuids of the mounts that have leases.
    pub(super) async fn mounts(&self) -> Result<HashSet<String>, Error> {
        let folders = self.view.list(DUE, None, None).await?.into_iter();
        Ok(folders
            .filter_map(|folder| Some(folder.strip_suffix('/')?.to_owned()))
            .collect())
    }

    /// Lists the first leases of a mount that are due at `now`, at most so many. An entry that leads to
    /// no lease which is due then is removed, so that it is not found for ever.
    pub(super) async fn due(
        &self,
        mount: &str,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<SecretLeaseId>, Error> {
        let folder = due_folder(mount);
        let (mut due, mut after) = (Vec::new(), None);
        while due.len() < most {
            let names = self
                .view
                .list(&folder, after.as_deref(), Some(most))
                .await?;
            for name in &names {
                if parse_due(name).is_none_or(|moment| moment > now) {
                    return Ok(due);
                }
                match self.due_by(&format!("{folder}{name}")).await {
                    Ok(id) => due.extend(id),
                    Err(error) => tracing::error!(?error, mount, name, "a lease cannot be read"),
                }
            }
            match names.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        Ok(due)
    }

    /// Lists the entries of the index of ends of a mount up to a moment, at most so many, behind the
    /// one of this name: their keys, of which one may lead to no lease.
    pub(super) async fn ends(
        &self,
        mount: &str,
        after: Option<&str>,
        until: Timestamp,
        most: usize,
    ) -> Result<Vec<String>, Error> {
        let folder = due_folder(mount);
        let names = self.view.list(&folder, after, Some(most)).await?;
        let ends = names
            .iter()
            .take_while(|name| parse_due(name).is_some_and(|moment| moment <= until));
        Ok(ends.map(|name| format!("{folder}{name}")).collect())
    }

    /// Reads where an entry of the index of ends leads; one that leads to no lease is removed.
    async fn due_by(&self, key: &str) -> Result<Option<SecretLeaseId>, Error> {
        let revision = match self.follow(key).await? {
            None => return Ok(None),
            Some((_, Some(id))) => return Ok(Some(id)),
            Some((revision, None)) => revision,
        };
        let change = Change::delete(key).expecting(Expect::At(revision));
        match self.view.commit(vec![change]).await {
            Ok(_) | Err(Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads an entry of an index, and the lease that it leads to if that knows of it. The revision of
    /// the entry is read before the record, so that what comes in between is seen when it is removed.
    pub(super) async fn follow(
        &self,
        key: &str,
    ) -> Result<Option<(Revision, Option<SecretLeaseId>)>, Error> {
        let Some(entry) = self.view.get(key).await? else {
            return Ok(None);
        };
        let id = named(&entry)?;
        let record = self.find(&id).await?;
        let known = record.is_some_and(|record| record.entries(&id).any(|entry| entry == key));
        Ok(Some((entry.revision, known.then_some(id))))
    }

    /// Begins a walk over the leases of a path and of the paths below it.
    pub(super) fn below(&self, prefix: &str) -> Walk<'_> {
        Walk {
            leases: self,
            folders: vec![(folder(prefix), None)],
        }
    }

    /// Reads the name of a lease that an entry of an index leads to.
    async fn named_by(&self, key: &str) -> Result<Option<SecretLeaseId>, Error> {
        let entry = self.view.get(key).await?;
        entry.as_ref().map(named).transpose()
    }
}

pub(super) fn named(entry: &Entry) -> Result<SecretLeaseId, Error> {
    // EXPOSE: the name of a lease is no secret.
    let text = std::str::from_utf8(entry.value.expose()).unwrap_or_default();
    let no_name = |_| Error::internal("an index of leases leads to no name");
    text.parse().map_err(no_name)
}

impl Walk<'_> {
    /// Returns the next leases; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<SecretLeaseId>>, Error> {
        while let Some((folder, after)) = self.folders.pop() {
            let view = &self.leases.view;
            let names = view.list(&folder, after.as_deref(), Some(PAGE)).await?;
            let Some(last) = names.last().cloned() else {
                continue;
            };
            self.folders.push((folder.clone(), Some(last)));
            let below = names.iter().filter(|name| name.ends_with('/'));
            self.folders
                .extend(below.map(|name| (format!("{folder}{name}"), None)));
            let path = folder.strip_prefix(IDS).unwrap_or_default();
            let ids = names.iter().map(|name| format!("{path}{name}").parse());
            let page: Vec<_> = ids.filter_map(Result::ok).collect();
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }
}

impl Record {
    /// Returns the keys of the entries that lead to the lease.
    pub(super) fn entries(&self, id: &SecretLeaseId) -> impl Iterator<Item = String> {
        let token = self.token.map(|token| token_key(token, id));
        iter::once(due_key(&self.mount, self.due(), id)).chain(token)
    }
}

pub(super) fn update(
    id: &SecretLeaseId,
    record: &Record,
    was_due: Timestamp,
    revision: Revision,
) -> Result<Vec<Change>, Error> {
    let stored = json::to_secret(record)?;
    let mut changes = vec![Change::put(id_key(id), stored).expecting(Expect::At(revision))];
    if record.due() != was_due {
        changes.push(Change::delete(due_key(&record.mount, was_due, id)));
        changes.push(name(due_key(&record.mount, record.due(), id), id));
    }
    Ok(changes)
}

fn id_key(id: &SecretLeaseId) -> String {
    format!("{IDS}{id}")
}

fn folder(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => IDS.to_owned(),
        path => format!("{IDS}{path}/"),
    }
}

fn due_folder(mount: &str) -> String {
    format!("{DUE}{mount}/")
}

fn due_key(mount: &str, due: Timestamp, id: &SecretLeaseId) -> String {
    let (folder, nanos) = (due_folder(mount), due.unix_nanos());
    format!("{folder}{nanos:016x}.{}", id.random())
}

/// Reads when the lease of an entry of the index of ends is due.
fn parse_due(name: &str) -> Option<Timestamp> {
    let (nanos, _) = name.split_once('.')?;
    let nanos = u64::from_str_radix(nanos, 16).ok()?;
    Some(Timestamp::from_unix_nanos(nanos))
}

fn token_folder(token: Digest) -> String {
    format!("{TOKENS}{token}/")
}

fn token_key(token: Digest, id: &SecretLeaseId) -> String {
    format!("{}{}", token_folder(token), id.random())
}

/// Writes an entry of an index that leads to a lease.
pub(super) fn name(key: String, id: &SecretLeaseId) -> Change {
    Change::put(key, SecretBytes::from(id.as_str().as_bytes()))
}
