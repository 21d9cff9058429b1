//! The leases whose secrets their engines did not take back although that was tried often: what an
//! operator must look after.
//!
//! They stand in the index of ends, at their next attempt, which is never far: so that part of the
//! index is read, and with it the leases that end within the longest wait.

use keyward_api::lease::LeaseRevocation;

use super::{Leases, SecretLeaseId, revoke::LONGEST_WAIT};
use crate::{Error, MountEntry, Timestamp, lifecycle::Unsealed};

/// How many attempts are often: as many as Vault makes before it calls a lease irrevocable.
const OFTEN: u32 = 6;

/// How many entries are read at once.
const PAGE: usize = 256;

/// One of them.
pub(crate) struct Failing {
    pub(crate) id: SecretLeaseId,
    /// The accessor of the mount whose engine gave the secret.
    pub(crate) mount: String,
    pub(crate) revocation: LeaseRevocation,
}

/// Lists at most so many, those of one mount by their next attempt.
///
/// # Errors
/// The store failed.
pub(crate) async fn failing(core: &Unsealed, most: usize) -> Result<Vec<Failing>, Error> {
    let until = core.clock.now().plus(LONGEST_WAIT);
    let leasing = core.leases.mounts().await?;
    let mut failing = Vec::new();
    for mount in core.mounts.all() {
        if leasing.contains(&mount.entry.uuid) {
            let of_mount = &mount.entry;
            add(&core.leases, of_mount, until, most, &mut failing).await?;
        }
    }
    Ok(failing)
}

async fn add(
    leases: &Leases,
    mount: &MountEntry,
    until: Timestamp,
    most: usize,
    failing: &mut Vec<Failing>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = leases
            .ends(&mount.uuid, after.as_deref(), until, PAGE)
            .await?;
        for key in &page {
            if failing.len() >= most {
                return Ok(());
            }
            let Some((_, Some(id))) = leases.follow(key).await? else {
                continue;
            };
            let record = leases.find(&id).await?;
            let revocation = record.and_then(|record| record.revocation());
            if let Some(revocation) = revocation.filter(|it| it.failures >= OFTEN) {
                failing.push(Failing {
                    id,
                    mount: mount.accessor.clone(),
                    revocation,
                });
            }
        }
        let Some(last) = page.into_iter().next_back() else {
            return Ok(());
        };
        after = last.rsplit_once('/').map(|(_, name)| name.to_owned());
    }
}
