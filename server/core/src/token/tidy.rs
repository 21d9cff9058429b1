//! Tidying: entries that lead to no token are removed; see [`tidy`](crate::tidy).

use async_trait::async_trait;

use super::{
    Digest, TokenStore, leases,
    revoke::parse_expiry,
    store::{ACCESSORS, CHILDREN, EXPIRIES, LEASES, lease_key},
};
use crate::{
    Error, json,
    tidy::{Finding, Indexes},
    view::View,
};

impl TokenStore {
    /// Begins to tidy at the next tick; false if it is under way.
    pub(crate) fn start_tidying(&self) -> bool {
        self.tidying.start::<Self>()
    }

    /// Tidies some more, if that is under way.
    pub(super) async fn tidy_some(&self) {
        self.tidying.walk_on(self).await;
    }
}

#[async_trait]
impl Indexes for TokenStore {
    type Indexed = Digest;

    const NAME: &'static str = "tokens";
    const FOLDERS: &'static [&'static str] = &[ACCESSORS, EXPIRIES, CHILDREN, LEASES];

    fn view(&self) -> &View {
        &self.view
    }

    async fn examine(&self, folder: &str, name: &str) -> Result<Finding<Digest>, Error> {
        let key = format!("{folder}{name}");
        let Some(entry) = self.view.get(&key).await? else {
            return Ok(Finding::Good);
        };
        let dangling = Finding::Dangling(entry.revision);
        let good_if = |good| if good { Finding::Good } else { dangling };
        match folder {
            ACCESSORS => {
                let record = self.read(json::from_secret(&entry.value)?).await?;
                Ok(good_if(
                    record.is_some_and(|(record, _)| record.accessor == name),
                ))
            }
            EXPIRIES => {
                let Some((expires, digest)) = parse_expiry(name) else {
                    return Ok(Finding::Good);
                };
                let record = self.read(digest).await?;
                Ok(good_if(record.is_some_and(|(record, _)| {
                    record.expires == Some(expires)
                })))
            }
            _ if folder.starts_with(LEASES) => {
                let Some(digest) = leases::parse(name) else {
                    return Ok(Finding::Good);
                };
                let record = self.read(digest).await?;
                let lease = record.and_then(|(record, _)| record.lease(digest));
                Ok(good_if(lease.is_some_and(|lease| lease_key(&lease) == key)))
            }
            _ => {
                let parent = folder.strip_prefix(CHILDREN).unwrap_or_default();
                let parent = parent.trim_end_matches('/').parse::<Digest>();
                let (Ok(parent), Ok(child)) = (parent, name.parse::<Digest>()) else {
                    return Ok(Finding::Good);
                };
                // In this order: a parent does not come back, a child is made while it is there.
                let orphaned = self.is_gone(parent).await?;
                let record = self.read(child).await?;
                let known = record.is_some_and(|(record, _)| record.parent == Some(parent));
                Ok(match (known, orphaned) {
                    (true, true) => Finding::Abandoned(child),
                    (known, _) => good_if(known),
                })
            }
        }
    }

    async fn end(&self, abandoned: Digest) -> Result<bool, Error> {
        self.revoke(abandoned).await
    }
}
