//! What changes in the life of a token: its uses and its end.

use std::{sync::Arc, time::Duration};

use super::{
    Created, Digest, Token, TokenStore,
    record::Record,
    role::Role,
    store::{expiry_key, grave_key, id_key, mark},
    ttl::{Term, Terms},
};
use crate::{
    Error, Timestamp, TtlLimits,
    barrier::Change,
    engine::LoginTerm,
    json,
    storage::{Expect, Revision},
};

/// For how long the request that had the last use of a token may work with what the token kept.
const LAST_REQUEST: Duration = Duration::from_secs(300);

/// Who decides on the next term of a token.
#[derive(Clone, Copy)]
pub(super) enum Renewal<'a> {
    /// What it was made with.
    AsMade,
    /// The auth method that it is from.
    Login(LoginTerm),
    /// The role that it was made under, as it is now.
    Role(&'a Role),
}

impl TokenStore {
    /// Counts one use of a token that has only so many; false if none is left.
    ///
    /// The count is durable before this returns, and exact however many callers come at once. The
    /// last use removes the token: the request that has it goes on and finds what the token keeps
    /// for itself, no other comes in.
    ///
    /// # Errors
    /// The store below failed: the request must not go on.
    pub(crate) async fn consume(&self, token: &Token, now: Timestamp) -> Result<bool, Error> {
        loop {
            let Some((mut record, revision)) = self.read(token.digest).await? else {
                return Ok(false);
            };
            let counted = match record.num_uses {
                0 => return Ok(true),
                1 => {
                    let mut changes = record.removal(token.digest, revision);
                    let rest = now.plus(LAST_REQUEST);
                    changes.push(Change::put_as(grave_key(token.digest), &rest)?);
                    self.view.commit(changes).await
                }
                left => {
                    record.num_uses = left - 1;
                    self.view
                        .commit(vec![record.update(token.digest, revision)?])
                        .await
                }
            };
            self.cache.remove(&token.digest);
            match counted {
                Ok(_) => return Ok(true),
                // Another use was counted in between: there are fewer now, so that this ends.
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives a token its next term, from `now` on; durable when it returns. An increment of zero
    /// asks for the same term as last time, or for the one that the auth method now gives.
    ///
    /// A token that was made under a role gets the period that the role has by now, and no more
    /// than its explicit maximum; the one that the token was made with stays as well.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token is gone or can not be renewed; else the store below failed.
    pub(super) async fn renew(
        &self,
        digest: Digest,
        increment: Duration,
        renewal: Renewal<'_>,
        limits: TtlLimits,
        now: Timestamp,
    ) -> Result<Created, Error> {
        loop {
            let Some((mut record, revision)) = self.read(digest).await? else {
                return Err(Error::invalid("token not found"));
            };
            let Some(expires) = record.expires.filter(|_| record.renewable) else {
                return Err(Error::invalid("lease is not renewable"));
            };
            if expires <= now {
                return Err(Error::invalid("token not found"));
            }
            let term = record.next_term(renewal, increment, limits, now);
            if term.length.is_zero() {
                return Err(Error::invalid("past the max TTL, cannot renew"));
            }
            let renewed = now.plus(term.length);
            record.ttl = term.length.as_secs();
            record.renewed = Some(now);
            record.expires = Some(renewed);
            let mut changes = vec![record.update(digest, revision)?];
            if renewed != expires {
                changes.push(Change::delete(expiry_key(expires, digest)));
                changes.push(mark(expiry_key(renewed, digest)));
            }
            let outcome = self.view.commit(changes).await;
            self.cache.remove(&digest);
            match outcome {
                Ok(_) => {
                    let token = Arc::new(Token { digest, record });
                    let warnings = term.warning.into_iter().collect();
                    return Ok(Created {
                        id: None,
                        token,
                        identity: None,
                        warnings,
                    });
                }
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Record {
    /// Takes over what the role says by now about renewals.
    fn follow(&mut self, role: &Role) {
        self.period = role.period.value;
        self.explicit_max_ttl = match (self.explicit_max_ttl, role.explicit_max_ttl.value) {
            (own, 0) => own,
            (0, of_role) => of_role,
            (own, of_role) => own.min(of_role),
        };
    }

    fn next_term(
        &mut self,
        renewal: Renewal<'_>,
        increment: Duration,
        limits: TtlLimits,
        now: Timestamp,
    ) -> Term {
        if let Renewal::Role(role) = renewal {
            self.follow(role);
        }
        let (usual, period, limits) = match renewal {
            Renewal::AsMade | Renewal::Role(_) => {
                let seconds = Duration::from_secs;
                (seconds(self.ttl), seconds(self.period), limits)
            }
            Renewal::Login(LoginTerm {
                ttl,
                max_ttl,
                period,
            }) => (ttl, period, limits.capped(max_ttl)),
        };
        let terms = Terms {
            asked: if increment.is_zero() {
                usual
            } else {
                increment
            },
            period,
            explicit_max: Duration::from_secs(self.explicit_max_ttl),
            created: self.created,
        };
        terms.grant(limits, now)
    }

    /// Writes the record again, if it is still what was read.
    pub(super) fn update(&self, digest: Digest, revision: Revision) -> Result<Change, Error> {
        let record = json::to_secret(self)?;
        Ok(Change::put(id_key(digest), record).expecting(Expect::At(revision)))
    }
}
