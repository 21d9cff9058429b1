//! Tokens by the path of the request that made them: the names of their leases, and their end all
//! together.

use super::{Digest, TokenStore, revoke::PAGE, store::LEASES};
use crate::{Error, Timestamp, lease::TokenLeaseId};

impl TokenStore {
    /// Lists what lies one level below a path: folders, which end in a slash, and the last part of
    /// the names of leases. An empty path is the top.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn leases(&self, path: &str) -> Result<Vec<String>, Error> {
        self.view.list(&folder(path), None, None).await
    }

    /// Counts the stored tokens, page by page.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn count(&self) -> Result<u64, Error> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.accessors(after.as_deref(), Some(PAGE)).await?;
            count += page.len() as u64;
            if page.len() < PAGE {
                return Ok(count);
            }
            after = page.into_iter().next_back();
        }
    }

    /// Revokes every token that a request to `prefix` or to a path below it made, and all that
    /// those made; or the one whose lease `prefix` names. Each is dead when this returns.
    ///
    /// The index is walked page by page, and each page is buried in one commit: a crash in the
    /// middle leaves graves, which [`tick`](Self::tick) clears, and tokens that another call
    /// revokes.
    ///
    /// # Errors
    /// Some tokens could not be revoked, the first reason is told. One that fails does not hold up
    /// the others.
    pub(crate) async fn revoke_prefix(&self, prefix: &str, now: Timestamp) -> Result<(), Error> {
        if let Ok(lease) = prefix.parse::<TokenLeaseId>()
            && let Some(token) = lease.find(self, now).await?
        {
            return self.revoke(token.digest).await.map(drop);
        }
        let mut outcome = Ok(());
        let mut folders = vec![folder(prefix)];
        while let Some(folder) = folders.pop() {
            let mut after = None;
            loop {
                let names = self
                    .view
                    .list(&folder, after.as_deref(), Some(PAGE))
                    .await?;
                let Some(last) = names.last().cloned() else {
                    break;
                };
                let below = names.iter().filter(|name| name.ends_with('/'));
                folders.extend(below.map(|name| format!("{folder}{name}")));
                let page: Vec<Digest> = names.iter().filter_map(|name| parse(name)).collect();
                let (buried, result) = self.bury_page(&page, None).await;
                outcome = outcome.and(result).and(self.clear(buried).await);
                after = Some(last);
            }
        }
        outcome
    }
}

fn folder(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => LEASES.to_owned(),
        path => format!("{LEASES}{path}/"),
    }
}

/// Reads the last part of the name of a lease.
pub(super) fn parse(name: &str) -> Option<Digest> {
    name.strip_prefix('h')?.parse().ok()
}
