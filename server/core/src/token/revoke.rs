//! The end of tokens: revoked with all their children, or run out.
//!
//! A tree is revoked from the top. One commit removes a token and digs its grave, which says that
//! its children are still to be revoked; they are buried in the same way, page by page, and a grave
//! is cleared when nothing below it and nothing in its cubbyhole is left, and every lease of a secret
//! that it got is marked to end. So the token that was named is dead at once, a crash
//! in the middle leaves graves that [`TokenStore::tick`] finds, and no tree is too large for a
//! commit.

use super::{
    Digest, TokenStore,
    record::Record,
    store::{
        EXPIRIES, GRAVES, accessor_key, child_key, children, expiry_key, grave_key, id_key,
        lease_key, mark,
    },
};
use crate::{
    Error, Timestamp,
    barrier::Change,
    json,
    storage::{Expect, Revision},
};

/// How many tokens are listed and removed at once.
pub(super) const PAGE: usize = 256;

/// A token that is gone and whose grave is still to be cleared.
pub(super) struct Buried {
    digest: Digest,
    /// It surely got no lease of a secret; see [`Record::leaseless`].
    leaseless: bool,
}

impl Buried {
    /// One of which only the grave is known.
    pub(super) const fn unknown(digest: Digest) -> Self {
        Self {
            digest,
            leaseless: false,
        }
    }
}

impl TokenStore {
    /// Revokes a token and all below it; durable when it returns. False if it was not there.
    ///
    /// # Errors
    /// The store below failed. If the token is dead by then, what is left of its tree is revoked by
    /// [`tick`](Self::tick).
    pub(crate) async fn revoke(&self, digest: Digest) -> Result<bool, Error> {
        let buried = self.bury(&[digest], None).await?;
        let was_there = !buried.is_empty();
        self.clear(buried).await?;
        Ok(was_there)
    }

    /// Revokes a token alone; its children become orphans. False if it was not there.
    ///
    /// # Errors
    /// The store below failed; some children may be orphans by then.
    pub(crate) async fn revoke_orphan(&self, digest: Digest) -> Result<bool, Error> {
        if self.read(digest).await?.is_none() {
            return Ok(false);
        }
        let folder = children(digest);
        let mut after = None;
        loop {
            let names = self
                .view
                .list(&folder, after.as_deref(), Some(PAGE))
                .await?;
            for child in digests(&names) {
                self.release(child, digest).await?;
            }
            match names.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return self.revoke(digest).await,
            }
        }
    }

    /// Revokes what is due at `now`, and what earlier revocations left.
    ///
    /// The store's own index is walked in the order of time, so that nothing is kept in memory for
    /// tokens that live, and every node over the same store sees the same ends. A token ends no
    /// earlier than its record says; [`find`](Self::find) refuses it from then on in any case.
    ///
    /// # Errors
    /// Some tokens could not be revoked now, the first reason is told; they stay due. One that
    /// fails does not hold up the others.
    pub(crate) async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        let mut outcome = self.clear_all(now).await;
        let mut after = None;
        loop {
            let names = self
                .view
                .list(EXPIRIES, after.as_deref(), Some(PAGE))
                .await?;
            let is_due = |(expires, digest)| (expires <= now).then_some(digest);
            let due: Vec<_> = names
                .iter()
                .filter_map(|name| parse_expiry(name))
                .map_while(is_due)
                .collect();
            let (buried, result) = self.bury_page(&due, Some(now)).await;
            outcome = outcome.and(result).and(self.clear(buried).await);
            match names.into_iter().next_back() {
                Some(last) if !due.is_empty() => after = Some(last),
                _ => return outcome,
            }
        }
    }

    /// Clears the graves of these tokens, after burying all that is below them, removing what they
    /// kept and having the leases end that they got.
    pub(super) async fn clear(&self, mut pending: Vec<Buried>) -> Result<(), Error> {
        let mut outcome = Ok(());
        let mut cleared = Vec::new();
        while let Some(Buried { digest, leaseless }) = pending.pop() {
            let (buried, mut result) = self.bury_children(digest).await;
            pending.extend(buried);
            if !leaseless {
                result = result.and(self.leases.release(digest).await);
            }
            match result.and(self.cubbyhole(digest).clear().await) {
                Ok(()) => cleared.push(digest),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        for page in cleared.chunks(PAGE) {
            let graves = page.iter().map(|digest| Change::delete(grave_key(*digest)));
            self.view.commit(graves.collect()).await?;
        }
        outcome
    }

    /// Clears every grave that a crash, a failure or a last use left.
    async fn clear_all(&self, now: Timestamp) -> Result<(), Error> {
        let mut outcome = Ok(());
        let mut after = None;
        loop {
            let names = self.view.list(GRAVES, after.as_deref(), Some(PAGE)).await?;
            let mut due = Vec::with_capacity(names.len());
            for digest in digests(&names) {
                match self.rests_until(digest).await {
                    Ok(moment) => due.extend((moment <= now).then_some(Buried::unknown(digest))),
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
            outcome = outcome.and(self.clear(due).await);
            match names.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return outcome,
            }
        }
    }

    /// Reads from when on a grave may be cleared.
    async fn rests_until(&self, digest: Digest) -> Result<Timestamp, Error> {
        let grave = self.view.get(&grave_key(digest)).await?;
        // EXPOSE: only whether a moment stands there is looked at.
        match grave.filter(|grave| !grave.value.expose().is_empty()) {
            Some(grave) => json::from_secret(&grave.value),
            None => Ok(Timestamp::default()),
        }
    }

    async fn bury_children(&self, parent: Digest) -> (Vec<Buried>, Result<(), Error>) {
        let folder = children(parent);
        let mut all = Vec::new();
        let mut outcome = Ok(());
        let mut after = None;
        loop {
            let names = match self.view.list(&folder, after.as_deref(), Some(PAGE)).await {
                Ok(names) => names,
                Err(error) => return (all, outcome.and(Err(error))),
            };
            let page: Vec<_> = digests(&names).collect();
            let (buried, result) = self.bury_page(&page, None).await;
            all.extend(buried);
            outcome = outcome.and(result);
            match names.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return (all, outcome),
            }
        }
    }

    /// Buries a page at once, or, where that fails, one by one: a record that cannot be read must
    /// not keep its neighbours alive.
    pub(super) async fn bury_page(
        &self,
        page: &[Digest],
        due: Option<Timestamp>,
    ) -> (Vec<Buried>, Result<(), Error>) {
        if let Ok(buried) = self.bury(page, due).await {
            return (buried, Ok(()));
        }
        let mut all = Vec::new();
        let mut outcome = Ok(());
        for digest in page {
            match self.bury(&[*digest], due).await {
                Ok(buried) => all.extend(buried),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        (all, outcome)
    }

    /// Removes tokens and digs their graves, in one commit; returns those that were there. With
    /// `due`, only those whose time is over then.
    async fn bury(&self, digests: &[Digest], due: Option<Timestamp>) -> Result<Vec<Buried>, Error> {
        loop {
            let mut buried = Vec::with_capacity(digests.len());
            let mut changes = Vec::with_capacity(5 * digests.len());
            for &digest in digests {
                let Some((record, revision)) = self.read(digest).await? else {
                    continue;
                };
                if due.is_some_and(|now| record.expires.is_none_or(|expires| expires > now)) {
                    continue;
                }
                changes.extend(record.removal(digest, revision));
                changes.push(mark(grave_key(digest)));
                buried.push(Buried {
                    digest,
                    leaseless: record.leaseless,
                });
            }
            if buried.is_empty() {
                return Ok(buried);
            }
            let outcome = self.view.commit(changes).await;
            for Buried { digest, .. } in &buried {
                self.cache.remove(digest);
            }
            match outcome {
                Ok(_) => return Ok(buried),
                // One was renewed, used or revoked in between.
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes a child an orphan.
    async fn release(&self, child: Digest, parent: Digest) -> Result<(), Error> {
        loop {
            let Some((mut record, revision)) = self.read(child).await? else {
                return Ok(());
            };
            record.parent = None;
            let changes = vec![
                record.update(child, revision)?,
                Change::delete(child_key(parent, child)),
            ];
            let outcome = self.view.commit(changes).await;
            self.cache.remove(&child);
            match outcome {
                Ok(_) => return Ok(()),
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Record {
    /// Removes all entries of the token, if its record is still what was read.
    pub(super) fn removal(&self, digest: Digest, revision: Revision) -> Vec<Change> {
        let mut changes = vec![
            Change::delete(id_key(digest)).expecting(Expect::At(revision)),
            Change::delete(accessor_key(&self.accessor)),
        ];
        changes.extend(
            self.parent
                .map(|parent| Change::delete(child_key(parent, digest))),
        );
        changes.extend(
            self.expires
                .map(|expires| Change::delete(expiry_key(expires, digest))),
        );
        changes.extend(
            self.lease(digest)
                .map(|lease| Change::delete(lease_key(&lease))),
        );
        changes
    }
}

/// Reads the names of entries that are named by a digest. Any other name was not written by this
/// store and leads to no token.
fn digests(names: &[String]) -> impl Iterator<Item = Digest> {
    names.iter().filter_map(|name| name.parse().ok())
}

/// Reads the name of an entry of the index of ends; see [`store`](super::store).
pub(super) fn parse_expiry(name: &str) -> Option<(Timestamp, Digest)> {
    let (time, digest) = name.split_once('.')?;
    let nanos = u64::from_str_radix(time, 16).ok()?;
    Some((Timestamp::from_unix_nanos(nanos), digest.parse().ok()?))
}
