//! Leases of secrets.

use std::time::Duration;

use keyward_api::lease::{LeaseInfo, LookupLease, RenewLease, RevokeLease};

use crate::{Effect, Error, Keyward, Transport};

/// The leases of secrets.
pub struct Leases<'a, T> {
    pub(crate) client: &'a Keyward<T>,
}

impl<T: Transport> Leases<'_, T> {
    /// Reads what is known of a lease.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn lookup(&self, lease_id: &str) -> Result<LeaseInfo, Error> {
        let request = LookupLease {
            lease_id: Some(lease_id.to_owned()),
        };
        self.client.data("sys", &request, Effect::Computes).await
    }

    /// Gives a lease its next term, which may be shorter than asked for; returns it.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn renew(
        &self,
        lease_id: &str,
        increment: Option<Duration>,
    ) -> Result<Duration, Error> {
        let request = RenewLease {
            lease_id: Some(lease_id.to_owned()),
            increment: increment.and_then(|increment| increment.as_secs().try_into().ok()),
            ..RenewLease::default()
        };
        let renewed = self.client.call("sys", &request, Effect::Changes).await?;
        Ok(Duration::from_secs(renewed.lease_duration))
    }

    /// Ends a lease and what it gave.
    ///
    /// # Errors
    /// As of [`Keyward::call`].
    pub async fn revoke(&self, lease_id: &str) -> Result<(), Error> {
        let request = RevokeLease {
            lease_id: Some(lease_id.to_owned()),
            ..RevokeLease::default()
        };
        let revoked = self.client.call("sys", &request, Effect::Changes);
        revoked.await.map(drop)
    }
}
