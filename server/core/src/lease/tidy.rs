//! Tidying: entries that lead to no lease are removed, and leases whose token is gone end; see
//! [`tidy`](crate::tidy).
//!
//! The record of a lease says which entries lead to it; one that lacks such an entry gets it back,
//! or it would not end with its time or with its token.

use async_trait::async_trait;

use super::{
    Leases,
    record::{Reason, SecretLeaseId},
    revoke::mount_of,
    store::{DUE, IDS, TOKENS, name, named, update},
};
use crate::{
    Error,
    lifecycle::Unsealed,
    tidy::{Finding, Indexes},
    view::View,
};

impl Leases {
    /// Begins to tidy at the next tick; false if it is under way.
    pub(crate) fn start_tidying(&self) -> bool {
        self.tidying.start::<LeaseIndexes<'_>>()
    }
}

/// Tidies some more, if that is under way.
pub(crate) async fn tidy_some(core: &Unsealed) {
    core.leases.tidying.walk_on(&LeaseIndexes(core)).await;
}

/// The indexes of the leases of secrets, and what those end with.
struct LeaseIndexes<'a>(&'a Unsealed);

#[async_trait]
impl Indexes for LeaseIndexes<'_> {
    type Indexed = SecretLeaseId;

    const NAME: &'static str = "leases";
    // Records first: they say which entries are right.
    const FOLDERS: &'static [&'static str] = &[DUE, TOKENS, IDS];

    fn view(&self) -> &View {
        &self.0.leases.view
    }

    async fn examine(&self, folder: &str, name: &str) -> Result<Finding<SecretLeaseId>, Error> {
        let key = format!("{folder}{name}");
        match key.strip_prefix(IDS) {
            Some(id) => match id.parse() {
                Ok(id) => self.examine_record(id).await,
                Err(_) => Err(Error::internal("a record of a lease has no name")),
            },
            None => Ok(match self.0.leases.follow(&key).await? {
                Some((revision, None)) => Finding::Dangling(revision),
                _ => Finding::Good,
            }),
        }
    }

    async fn end(&self, abandoned: SecretLeaseId) -> Result<bool, Error> {
        self.0.leases.mark(&[abandoned], Reason::Asked).await
    }
}

impl LeaseIndexes<'_> {
    async fn examine_record(&self, id: SecretLeaseId) -> Result<Finding<SecretLeaseId>, Error> {
        let Some((record, revision)) = self.0.leases.read(&id).await? else {
            return Ok(Finding::Good);
        };
        let mut missing = Vec::new();
        for key in record.entries(&id) {
            let entry = self.view().get(&key).await?;
            let found = entry.and_then(|entry| named(&entry).ok());
            if found.as_ref() != Some(&id) {
                missing.push(name(key, &id));
            }
        }
        if !missing.is_empty() {
            missing.extend(update(&id, &record, record.due(), revision)?);
            return Ok(Finding::Torn(missing));
        }
        // One that is marked ends already, or is being made, and whoever makes it asks for the token.
        if record.revocation.is_none()
            && let Some(token) = record.token
            && self.0.tokens.is_gone(token).await?
        {
            return Ok(Finding::Abandoned(id));
        }
        mount_of(self.0, &id, &record).map(|_| Finding::Good)
    }
}
