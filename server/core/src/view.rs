//! What engines see of storage: their own corner of it, behind the barrier.

use std::sync::Arc;

use keyward_crypto::SecretBytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error,
    audit::Ticket,
    barrier::{Barrier, Change, Entry},
    json,
    storage::{MAX_KEY_LENGTH, Revision},
};

/// A chroot of the barrier: every key is prefixed, nothing outside can be named.
///
/// A view that belongs to a request holds the request's audit ticket: nothing is changed
/// before the request is on record. A view without one serves the core's own upkeep.
#[derive(Clone)]
pub struct View {
    barrier: Arc<Barrier>,
    prefix: Arc<str>,
    ticket: Option<Arc<Ticket>>,
}

impl View {
    /// Makes the view below `prefix`, which is empty or ends in a slash.
    pub(crate) fn new(barrier: Arc<Barrier>, prefix: &str) -> Self {
        debug_assert!(
            prefix.is_empty() || prefix.ends_with('/'),
            "a prefix is a folder"
        );
        Self {
            barrier,
            prefix: prefix.into(),
            ticket: None,
        }
    }

    /// Makes the same view for one request.
    pub(crate) fn for_request(&self, ticket: Arc<Ticket>) -> Self {
        Self {
            ticket: Some(ticket),
            ..self.clone()
        }
    }

    /// Returns the view below `folder`, which ends in a slash, within this one.
    #[must_use]
    pub fn below(&self, folder: &str) -> Self {
        debug_assert!(folder.ends_with('/'), "a prefix is a folder");
        Self {
            prefix: format!("{}{folder}", self.prefix).into(),
            ..self.clone()
        }
    }

    /// Returns the view of all that lies behind the barrier, for the same request; engines never see
    /// it.
    pub(crate) fn whole(&self) -> Self {
        Self {
            prefix: "".into(),
            ..self.clone()
        }
    }

    /// Returns what all its keys begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Tells whether a key is short enough to be written.
    #[must_use]
    pub fn has_room_for(&self, key: &str) -> bool {
        self.prefix.len() + key.len() <= MAX_KEY_LENGTH
    }

    /// Reads one entry.
    ///
    /// # Errors
    /// The store failed, or the entry does not open.
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.barrier.get(&self.key(key)).await
    }

    /// Reads one entry as JSON of type `T`, with its revision.
    ///
    /// # Errors
    /// As [`get`](Self::get), or the entry is not of this type.
    pub async fn get_as<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<(T, Revision)>, Error> {
        match self.get(key).await? {
            Some(entry) => Ok(Some((json::from_secret(&entry.value)?, entry.revision))),
            None => Ok(None),
        }
    }

    /// Reads all entries one level below `folder` as JSON of type `T`, with their names.
    ///
    /// # Errors
    /// As [`get_as`](Self::get_as).
    pub(crate) async fn records<T: DeserializeOwned>(
        &self,
        folder: &str,
    ) -> Result<Vec<(String, T)>, Error> {
        let mut records = Vec::new();
        for name in self.list(folder, None, None).await? {
            let record = self.get_as(&format!("{folder}{name}")).await?;
            records.extend(record.map(|(record, _)| (name, record)));
        }
        Ok(records)
    }

    /// Lists what lies one level below `folder` (empty, or ending in a slash), in byte order;
    /// folders end in a slash. `after` and `limit` page.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list(
        &self,
        folder: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, Error> {
        self.barrier.list(&self.key(folder), after, limit).await
    }

    /// Lists what lies below `folder` at all depths, entries alone, in byte order of their paths below
    /// it. `after`, which need not exist, and `limit` page. Beside what it returns it holds a page of
    /// one folder in memory.
    ///
    /// # Errors
    /// The store failed.
    pub async fn scan(
        &self,
        folder: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, Error> {
        let limit = limit.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        // From the first folder down to the one that is read now.
        let mut open = Vec::new();
        let mut below = String::new();
        for name in after.unwrap_or_default().split_inclusive('/') {
            open.push(Level::behind(below.clone(), Some(name.to_owned())));
            below.push_str(name);
        }
        if below.is_empty() || below.ends_with('/') {
            open.push(Level::behind(below, None));
        }
        while let Some(level) = open.last_mut() {
            let Some(name) = level.names.next() else {
                if level.has_more {
                    level.read(self, folder).await?;
                } else {
                    open.pop();
                }
                continue;
            };
            let path = format!("{}{name}", level.below);
            if name.ends_with('/') {
                open.push(Level::behind(path, None));
                continue;
            }
            found.push(path);
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Lists every key of the view, however deep, in byte order: for folders that hold few.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn keys(&self) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for name in self.list(&folder, None, None).await? {
                let is_folder = name.ends_with('/');
                let found = if is_folder { &mut folders } else { &mut keys };
                found.push(format!("{folder}{name}"));
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Writes one entry, whatever stood there.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn put(&self, key: &str, value: SecretBytes) -> Result<(), Error> {
        self.commit(vec![Change::put(key, value)]).await.map(drop)
    }

    /// Writes one entry as JSON, whatever stood there.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn put_as<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.put(key, json::to_secret(value)?).await
    }

    /// Removes one entry; its absence is no error.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.commit(vec![Change::delete(key)]).await.map(drop)
    }

    /// Removes every entry, page by page; what a failure leaves can be removed by another call.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        const PAGE: usize = 256;
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let mut after = None;
            loop {
                let names = self.list(&folder, after.as_deref(), Some(PAGE)).await?;
                let Some(last) = names.last().cloned() else {
                    break;
                };
                let (below, entries): (Vec<_>, Vec<_>) =
                    names.iter().partition(|name| name.ends_with('/'));
                folders.extend(below.into_iter().map(|name| format!("{folder}{name}")));
                let deletes = entries
                    .into_iter()
                    .map(|name| Change::delete(format!("{folder}{name}")));
                self.commit(deletes.collect()).await?;
                after = Some(last);
            }
        }
        Ok(())
    }

    /// Makes all changes, or none; durable when it returns. The changes may expect revisions.
    ///
    /// # Errors
    /// The request could not be put on record, an expectation does not hold
    /// ([`Error::Conflict`]), or the store failed.
    pub async fn commit(&self, mut changes: Vec<Change>) -> Result<Revision, Error> {
        self.on_record().await?;
        for change in &mut changes {
            change.key.insert_str(0, &self.prefix);
        }
        self.barrier.commit(changes).await
    }

    /// Seals a value that the caller of the server keeps, for a purpose of this view alone.
    ///
    /// # Errors
    /// The barrier cannot seal.
    pub(crate) fn seal_for(&self, purpose: &str, value: &SecretBytes) -> Result<Vec<u8>, Error> {
        self.barrier.seal_for(&self.key(purpose), value)
    }

    /// Opens what [`seal_for`](Self::seal_for) made for the same purpose; none, whatever is wrong
    /// with it.
    pub(crate) fn open_for(&self, purpose: &str, sealed: &[u8]) -> Option<SecretBytes> {
        self.barrier.open_for(&self.key(purpose), sealed)
    }

    /// Waits until the request is on record. Call it before an effect that is not a write here.
    ///
    /// # Errors
    /// No audit device took the entry: the effect must not happen.
    pub async fn on_record(&self) -> Result<(), Error> {
        match &self.ticket {
            Some(ticket) => ticket.written().await,
            None => Ok(()),
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// One folder of a scan.
struct Level {
    /// Its path below the folder that is scanned.
    below: String,
    /// The name behind which the next page begins.
    after: Option<String>,
    names: std::vec::IntoIter<String>,
    has_more: bool,
}

impl Level {
    fn behind(below: String, after: Option<String>) -> Self {
        Self {
            below,
            after,
            names: Vec::new().into_iter(),
            has_more: true,
        }
    }

    async fn read(&mut self, view: &View, folder: &str) -> Result<(), Error> {
        const PAGE: usize = 256;
        let folder = format!("{folder}{}", self.below);
        let names = view
            .list(&folder, self.after.as_deref(), Some(PAGE))
            .await?;
        self.has_more = names.len() == PAGE;
        self.after = names.last().cloned();
        self.names = names.into_iter();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
