//! A further term for a lease.

use std::{sync::Arc, time::Duration};

use super::{record::SecretLeaseId, revoke::mount_of};
use crate::{Error, GrantedLease, lifecycle::Unsealed, token::Term};

/// Gives a lease its next term, from now on; durable when it returns. An increment of zero wishes
/// for none, and the engine decides. The request must be on record.
///
/// # Errors
/// [`Error::Invalid`] in Vault's words if the lease is gone or cannot be renewed; else the engine
/// or the store failed. The lease is then as it was, though the secret may last longer.
pub(crate) async fn renew(
    core: &Arc<Unsealed>,
    id: &SecretLeaseId,
    increment: Duration,
) -> Result<GrantedLease, Error> {
    loop {
        let now = core.clock.now();
        let Some((mut record, revision)) = core.leases.read(id).await? else {
            return Err(Error::invalid("lease not found"));
        };
        if !record.renewable {
            return Err(Error::invalid("lease is not renewable"));
        }
        if record.is_over(now) {
            return Err(Error::invalid("lease expired"));
        }
        let mount = mount_of(core, id, &record)?;
        let limits = mount.limits();
        let lease = record.lease(id, increment, limits, now);
        let term = mount.mounted.engine.renew(&lease).await?;
        let Term { length, warning } = term.terms(increment, record.issued).grant(limits, now);
        if length.is_zero() {
            return Err(Error::invalid("past the max TTL, cannot renew"));
        }
        let was_due = record.due();
        record.expires = record.bounded(now.plus(length));
        record.renewed = Some(now);
        match core.leases.update(id, &record, was_due, revision).await {
            Ok(()) => return Ok(record.granted(id, now, warning)),
            // It was revoked or renewed in between.
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
}
