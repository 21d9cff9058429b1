//! The beginning of a lease: it is written down before the engine makes the secret, and again before
//! the caller has it.
//!
//! What is prepared is a lease that shall end soon. Registering gives it its term; where that does
//! not happen, because the engine or the server failed or the process ended on the way, the secret
//! is taken back, whether it was made or not.

use std::{mem, sync::Arc, time::Duration};

use super::{
    Leases,
    record::{Reason, Record, Revocation, SecretLeaseId},
    revoke::{mount_of, take_back},
};
use crate::{
    Denial, Error, GrantedLease, MountEntry, Principal, Request, Timestamp,
    engine::{LeaseData, LeasedSecret},
    lifecycle::Unsealed,
    mounts::Mount,
    token::{Digest, Term, Token},
};

/// After how long the secret of a request that has not ended is taken back, since its process may
/// have.
const PREPARED: Duration = Duration::from_secs(300);

/// A lease that was prepared.
pub(crate) struct Prepared {
    id: SecretLeaseId,
    record: Record,
}

/// Writes down a secret that is about to be made; durable when it returns. The request must be on
/// record.
///
/// It ends with the caller's token; that of a batch token ends with the token's parent.
///
/// # Errors
/// The secret must not be made: [`Error::Invalid`] in Vault's words if the token has but this use
/// left; else the store failed, or there is no token.
pub(crate) async fn prepare(
    core: &Unsealed,
    mount: &MountEntry,
    request: &Request,
    principal: Option<&Principal>,
    internal: LeaseData,
) -> Result<Prepared, Error> {
    let Some(Principal {
        token, is_passing, ..
    }) = principal
    else {
        return Err(Error::internal("a secret would be made for nobody"));
    };
    if *is_passing {
        return Err(Error::invalid(
            "requests with inline authentication cannot generate leases",
        ));
    }
    if token.num_uses() == 1 {
        return Err(Error::invalid(
            "Secret cannot be returned; token had one use left, so leased credentials were \
             immediately revoked.",
        ));
    }
    let id = SecretLeaseId::generate(request.path.as_str());
    let now = core.clock.now();
    let record = Record {
        mount: mount.uuid.clone(),
        token: token.takes_along(),
        token_expires: token.expires().filter(|_| token.is_batch()),
        internal,
        issued: now,
        expires: now,
        renewed: None,
        renewable: false,
        revocation: Some(Revocation {
            failures: 0,
            next: now.plus(PREPARED),
            orphaned: false,
            forced: false,
        }),
    };
    if let Some(token) = record.token {
        core.tokens.expect_leases(token).await?;
    }
    core.leases.insert(&id, &record).await?;
    if let Err(error) = outlived(core, &id, &record).await {
        core.leases.remove(&id).await?;
        return Err(error);
    }
    Ok(Prepared { id, record })
}

/// Gives a lease that was prepared its first term, from now on; durable when it returns. That of a
/// batch token ends no later than the token.
///
/// # Errors
/// Nobody may have the secret: the store failed, or what the lease ends with is gone. It is to be
/// [ended](end).
pub(crate) async fn register(
    core: &Arc<Unsealed>,
    mount: &Mount,
    Prepared { id, .. }: &Prepared,
    secret: LeasedSecret,
) -> Result<GrantedLease, Error> {
    let found = core.leases.read(id).await?;
    let (mut record, revision) =
        found.ok_or_else(|| Error::internal("a lease is gone that was being made"))?;
    if record.revocation.is_some_and(|it| it.orphaned) {
        return Err(Error::Denied(Denial::Token));
    }
    let now = core.clock.now();
    let terms = secret.term.terms(Duration::ZERO, now);
    let Term { length, warning } = terms.grant(mount.limits(), now);
    let was_due = record.due();
    record.issued = now;
    record.expires = record.bounded(now.plus(length));
    record.renewable = secret.renewable;
    record.revocation = None;
    core.leases.update(id, &record, was_due, revision).await?;
    outlived(core, id, &record).await?;
    Ok(record.granted(id, now, warning))
}

/// Has a lease end whose secret nobody got. What fails now is tried again.
pub(crate) async fn end(core: &Unsealed, mount: &Mount, prepared: &Prepared) {
    let id = &prepared.id;
    let marked = mark(&core.leases, prepared).await;
    if marked.is_err() {
        core.leases.unmarked.lock().push(id.clone());
    }
    // It may be over without a mark. The mount need not stand in the table any more.
    let taken = take_back(&core.leases, mount, id, core.clock.now()).await;
    if let Err(error) = marked.and(taken) {
        tracing::warn!(lease = %id, ?error, "a secret that nobody got is not taken back yet");
    }
}

async fn mark(leases: &Leases, Prepared { id, record }: &Prepared) -> Result<(), Error> {
    if leases.find(id).await?.is_none() {
        // The engine took so long that its secret was taken back before it was made.
        leases.insert(id, record).await?;
    }
    let id = std::slice::from_ref(id);
    leases.mark(id, Reason::Asked).await.map(drop)
}

/// Marks those that [`end`] could not mark.
///
/// # Errors
/// The store still fails; they stay.
pub(super) async fn mark_again(leases: &Leases) -> Result<(), Error> {
    let unmarked = mem::take(&mut *leases.unmarked.lock());
    if unmarked.is_empty() {
        return Ok(());
    }
    let marked = leases.mark(&unmarked, Reason::Asked).await;
    if marked.is_err() {
        leases.unmarked.lock().extend(unmarked);
    }
    marked.map(drop)
}

/// Fails if what a lease ends with is gone. Whoever takes it away looks for leases afterwards, so
/// that one of the two sees the other.
async fn outlived(core: &Unsealed, id: &SecretLeaseId, record: &Record) -> Result<(), Error> {
    if mount_of(core, id, record).is_err() {
        return Err(Error::NoRoute(id.path().to_owned()));
    }
    match record.token {
        Some(token) if !core.tokens.expects_leases(token).await? => {
            Err(Error::Denied(Denial::Token))
        }
        _ => Ok(()),
    }
}

impl Token {
    /// Returns the token that takes along the leases of this one when it ends.
    fn takes_along(&self) -> Option<Digest> {
        if self.is_batch() {
            self.parent()
        } else {
            Some(self.digest())
        }
    }
}

impl Record {
    /// Returns the end that a lease may have at most where it would end at `expires`.
    pub(super) fn bounded(&self, expires: Timestamp) -> Timestamp {
        self.token_expires.map_or(expires, |end| expires.min(end))
    }

    /// Returns what its caller is told of it.
    pub(super) fn granted(
        &self,
        id: &SecretLeaseId,
        now: Timestamp,
        warning: Option<String>,
    ) -> GrantedLease {
        GrantedLease {
            id: id.to_string(),
            ttl: self.expires.since(now),
            renewable: self.renewable,
            warnings: warning.into_iter().collect(),
        }
    }
}
