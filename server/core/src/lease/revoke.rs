//! The end of a lease: its engine takes the secret back, however often that must be tried.
//!
//! A lease that is due is tried at once. After the n-th failure in a row the next attempt comes
//! after a wait drawn at random from the upper half of 2ⁿ⁻¹ seconds, and from the upper half of ten
//! minutes from the eleventh on, so that leases which failed together do not come together again.
//! Failures and the next attempt stand in the record: a restart changes nothing about them. There
//! is no last attempt.
//!
//! Attempts run beside requests and beside each other, so many of each mount at once; a mount whose
//! engine hangs holds up no other. Every node over the same store tries what is due, as it does
//! with tokens; engines bear being asked twice.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future, stream};
use keyward_crypto::random;

use super::{
    Leases,
    record::{Reason, Record, SecretLeaseId},
    register::mark_again,
};
use crate::{
    Error, Timestamp, engine::BoxFuture, lifecycle::Unsealed, mounts::Mount, panics::caught,
};

/// How many secrets of one mount are being taken back at once because they are due.
const AT_ONCE: usize = 32;

/// The longest wait for the next attempt.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Revokes what is due: of every mount until nothing is due any more or an attempt failed. What
/// another call is at is left to it.
///
/// # Errors
/// Leases could not be listed. Failures of engines are logged and stand in the records.
pub(crate) async fn tend(core: &Unsealed) -> Result<(), Error> {
    let marked = mark_again(&core.leases).await;
    let leasing = core.leases.mounts().await?;
    let mounts = core.mounts.all();
    let mounts = mounts
        .iter()
        .filter(|mount| leasing.contains(&mount.entry.uuid));
    let all = mounts.map(|mount| caught(tend_mount(core, mount)).boxed());
    let all: Vec<_> = all.collect();
    let tended = future::join_all(all).await.into_iter().collect();
    marked.and(tended)
}

/// How long a caller waits for the end of leases that shall end. It is asked after each page: an
/// engine that is asked to end one is waited for, as it promises not to wait without an end itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For as long as it takes.
    Endless,
    /// Until it is certain that they end.
    None,
    /// So much longer at most.
    Some(Duration),
}

impl Patience {
    fn is_over(self, begun: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Endless => false,
            Self::None => true,
            Self::Some(most) => now.since(begun) >= most,
        }
    }
}

/// How far leases are that shall end, and of which none can be kept from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// There are none any more.
    All,
    /// The rest ends by the next calls of [`tend`].
    Begun,
}

/// Ends one lease.
///
/// # Errors
/// Its engine could not take the secret back, or there is none, or the store failed: it is tried
/// again.
pub(crate) async fn end_one(
    core: &Unsealed,
    id: &SecretLeaseId,
    now: Timestamp,
) -> Result<(), Error> {
    let only = std::slice::from_ref(id);
    core.leases.mark(only, Reason::Asked).await?;
    attempt(core, id, now).await
}

/// Tries once to revoke a lease that was marked; see [`Leases::mark`].
async fn attempt(core: &Unsealed, id: &SecretLeaseId, now: Timestamp) -> Result<(), Error> {
    let Some(record) = core.leases.find(id).await? else {
        return Ok(());
    };
    let mount = mount_of(core, id, &record)?;
    attempt_with(&core.leases, &mount, id, now).await
}

/// Ends every lease of a path and of the paths below it, or the one that `prefix` names. When this
/// returns, each either is gone or is being tried for ever: marking is fast beside asking engines,
/// and comes first. The request must be on record.
///
/// # Errors
/// Some could not be revoked now, the first reason is told. After a page with such a one the rest
/// is left to the next [`tend`], so that a caller need not wait for an engine that hangs as often
/// as it leased something.
pub(crate) async fn end_below(
    core: &Unsealed,
    prefix: &str,
    patience: Patience,
) -> Result<Ended, Error> {
    let begun = core.clock.now();
    if let Some(id) = named(core, prefix).await? {
        let only = std::slice::from_ref(&id);
        core.leases.mark(only, Reason::Asked).await?;
        if patience == Patience::None {
            return Ok(Ended::Begun);
        }
        return attempt(core, &id, begun).await.map(|()| Ended::All);
    }
    mark_below(&core.leases, prefix, Reason::Asked).await?;
    let mut walk = core.leases.below(prefix);
    loop {
        let now = core.clock.now();
        if patience.is_over(begun, now) {
            return Ok(Ended::Begun);
        }
        let Some(page) = walk.next().await? else {
            return Ok(Ended::All);
        };
        let attempts = page.iter().map(|id| attempt(core, id, now).boxed());
        together(attempts.collect()).await?;
    }
}

/// Ends every lease of a path and of the paths below it, or the one that `prefix` names, whether
/// their engines take the secrets back or not: none of them is tried twice. The request must be on
/// record.
///
/// # Errors
/// The store failed; what was marked ends all the same.
pub(crate) async fn force_below(
    core: &Unsealed,
    prefix: &str,
    patience: Patience,
) -> Result<Ended, Error> {
    let begun = core.clock.now();
    if let Some(id) = named(core, prefix).await? {
        let only = std::slice::from_ref(&id);
        core.leases.mark(only, Reason::Forced).await?;
        return force(core, &id).await.map(|()| Ended::All);
    }
    mark_below(&core.leases, prefix, Reason::Forced).await?;
    let mut walk = core.leases.below(prefix);
    loop {
        if patience.is_over(begun, core.clock.now()) {
            return Ok(Ended::Begun);
        }
        let Some(page) = walk.next().await? else {
            return Ok(Ended::All);
        };
        let forced = page.iter().map(|id| force(core, id).boxed());
        together(forced.collect()).await?;
    }
}

/// Ends every lease of a mount, which need not stand in the table any more. The request must be on
/// record.
///
/// # Errors
/// As [`end_below`]; [`Error::Busy`] if secrets are being made.
pub(crate) async fn end_mount(leases: &Leases, mount: &Mount, now: Timestamp) -> Result<(), Error> {
    let path = mount.full_path();
    mark_below(leases, &path, Reason::Asked).await?;
    let mut walk = leases.below(&path);
    while let Some(page) = walk.next().await? {
        let attempts = page
            .iter()
            .map(|id| attempt_with(leases, mount, id, now).boxed());
        together(attempts.collect()).await?;
    }
    match leases.below(&path).next().await? {
        None => Ok(()),
        Some(_) => Err(Error::Busy(format!(
            "secrets of {path:?} are being made; try again later"
        ))),
    }
}

/// Finds the mount whose engine gave a secret.
///
/// # Errors
/// It is gone, which does not happen before its leases are.
pub(super) fn mount_of(
    core: &Unsealed,
    id: &SecretLeaseId,
    record: &Record,
) -> Result<Arc<Mount>, Error> {
    let found = core.mounts.find(id.as_str()).map(|(mount, _)| mount);
    found
        .filter(|mount| mount.entry.uuid == record.mount)
        .ok_or_else(|| Error::internal(format!("no mount has the lease {id}")))
}

async fn tend_mount(core: &Unsealed, mount: &Mount) -> Result<(), Error> {
    let leases = &*core.leases;
    loop {
        let now = core.clock.now();
        // Those that are being worked on may stand first; they are no more than half of these.
        let due = leases.due(&mount.entry.uuid, now, 2 * AT_ONCE).await?;
        let begun = Begun::of(due, leases, &mount.entry.uuid);
        if begun.is_empty() {
            return Ok(());
        }
        let attempts = begun.into_iter().map(|begun| {
            let attempt = async move {
                let outcome = attempt_with(leases, mount, &begun.id, now).await;
                drop(begun);
                outcome
            };
            attempt.boxed()
        });
        // The failure is logged; the engine is left alone until the next call.
        if together(attempts.collect()).await.is_err() {
            return Ok(());
        }
    }
}

/// Waits for attempts, some at once; the first failure is told when all are over.
async fn together(attempts: Vec<BoxFuture<'_, Result<(), Error>>>) -> Result<(), Error> {
    let mut attempts = stream::iter(attempts).buffer_unordered(AT_ONCE);
    let mut outcome = Ok(());
    while let Some(one) = attempts.next().await {
        outcome = outcome.and(one);
    }
    outcome
}

/// As [`attempt`], with the mount whose engine gave the secret. One that is being made is left alone:
/// it would be made after it was taken back.
async fn attempt_with(
    leases: &Leases,
    mount: &Mount,
    id: &SecretLeaseId,
    now: Timestamp,
) -> Result<(), Error> {
    match leases.find(id).await? {
        Some(record) if record.is_being_made(now) => Ok(()),
        _ => take_back(leases, mount, id, now).await,
    }
}

/// Has the engine take back a secret whose lease is over, and removes the lease.
pub(super) async fn take_back(
    leases: &Leases,
    mount: &Mount,
    id: &SecretLeaseId,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(record) = leases.find(id).await? else {
        return Ok(());
    };
    // It was renewed in between; or its mount was moved, which took its leases along.
    if !record.is_over(now) || record.mount != mount.entry.uuid {
        return Ok(());
    }
    let limits = mount.limits();
    let lease = record.lease(id, Duration::ZERO, limits, now);
    match caught(mount.mounted.engine.revoke(&lease)).await {
        Ok(()) => leases.remove(id).await,
        Err(error) if record.revocation.is_some_and(|it| it.forced) => {
            drop_by_force(leases, id, &error).await
        }
        Err(error) => leases.postpone(id, error, now).await,
    }
}

async fn drop_by_force(leases: &Leases, id: &SecretLeaseId, error: &Error) -> Result<(), Error> {
    tracing::warn!(lease = %id, ?error, "a lease is dropped by force, its secret may still be good");
    leases.remove(id).await
}

async fn force(core: &Unsealed, id: &SecretLeaseId) -> Result<(), Error> {
    match attempt(core, id, core.clock.now()).await {
        Ok(()) => Ok(()),
        // Its mount is gone, or its record cannot be read.
        Err(error) => drop_by_force(&core.leases, id, &error).await,
    }
}

/// Reads a prefix that is the name of one lease.
async fn named(core: &Unsealed, prefix: &str) -> Result<Option<SecretLeaseId>, Error> {
    let Ok(id) = prefix.parse::<SecretLeaseId>() else {
        return Ok(None);
    };
    Ok(core.leases.find(&id).await?.map(|_| id))
}

async fn mark_below(leases: &Leases, prefix: &str, reason: Reason) -> Result<(), Error> {
    let mut walk = leases.below(prefix);
    while let Some(page) = walk.next().await? {
        leases.mark(&page, reason).await?;
    }
    Ok(())
}

/// An attempt of this node to revoke a lease that is due.
struct Begun<'a> {
    leases: &'a Leases,
    id: SecretLeaseId,
}

impl<'a> Begun<'a> {
    /// Begins as many attempts as there is room for, of those that nobody is at.
    fn of(due: Vec<SecretLeaseId>, leases: &'a Leases, mount: &str) -> Vec<Self> {
        let mut running = leases.running.lock();
        let busy = running.values().filter(|of| *of == mount).count();
        let mut begun = Vec::new();
        for id in due {
            if busy + begun.len() < AT_ONCE && !running.contains_key(&id) {
                running.insert(id.clone(), mount.to_owned());
                begun.push(Self { leases, id });
            }
        }
        begun
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.leases.running.lock().remove(&self.id);
    }
}

impl Leases {
    /// Writes down that an attempt failed, and when the next one comes; returns the failure. A lease
    /// that is gone by now was revoked by somebody else.
    async fn postpone(
        &self,
        id: &SecretLeaseId,
        error: Error,
        now: Timestamp,
    ) -> Result<(), Error> {
        loop {
            let Some((mut record, revision)) = self.read(id).await? else {
                return Ok(());
            };
            let was_due = record.due();
            let revocation = record.revocation.get_or_insert_default();
            revocation.failures = revocation.failures.saturating_add(1);
            revocation.next = now.plus(wait(revocation.failures));
            let (failures, next) = (revocation.failures, revocation.next);
            match self.update(id, &record, was_due, revision).await {
                Ok(()) => {
                    tracing::warn!(
                        lease = %id,
                        failures,
                        next = %next,
                        cause = ?error,
                        "a secret could not be taken back, it is tried again"
                    );
                    return Err(error);
                }
                Err(Error::Conflict(_)) => {}
                Err(store) => return Err(store),
            }
        }
    }
}

/// Draws the wait after so many failures in a row.
fn wait(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let most = Duration::from_secs(1 << doublings).min(LONGEST_WAIT);
    let fraction = u16::from_be_bytes(random::generate_nonce());
    most / 2 + most.mul_f64(f64::from(fraction) / f64::from(u16::MAX) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_ten_minutes_and_are_drawn_from_the_upper_half() {
        for (failures, most) in [
            (1, 1),
            (2, 2),
            (5, 16),
            (10, 512),
            (11, 600),
            (u32::MAX, 600),
        ] {
            let most = Duration::from_secs(most);
            for _ in 0..100 {
                let wait = wait(failures);
                assert!(most / 2 <= wait && wait <= most, "{failures}: {wait:?}");
            }
        }
    }
}
