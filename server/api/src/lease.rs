//! Leases: the operations below `sys/leases/`, and their older spellings.

use serde::{Deserialize, Serialize};

use crate::{coerce, endpoint};

/// `POST sys/leases/lookup`: what is known of a lease.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupLease {
    /// The lease.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub lease_id: Option<String>,
}
endpoint!(LookupLease {} => LeaseInfo: Update "leases/lookup");

/// What is known of a lease.
#[derive(Debug, Deserialize, Serialize)]
pub struct LeaseInfo {
    /// When it ends (RFC 3339).
    pub expire_time: String,
    /// The lease.
    pub id: String,
    /// When it was made (RFC 3339).
    pub issue_time: String,
    /// When it was renewed last (RFC 3339).
    pub last_renewal: Option<String>,
    /// The path of the request that made it.
    pub path: String,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// The whole seconds that it has left.
    pub ttl: u64,
}

/// `POST sys/leases/renew[/:lease_id]`: gives a lease its next term.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RenewLease {
    /// The lease, in the path.
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// The lease, in the body.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub lease_id: Option<String>,
    /// How long it shall last from now on.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::seconds"
    )]
    pub increment: Option<i64>,
}
endpoint!(RenewLease { url_lease_id } => ():
    Update "leases/renew/{url_lease_id*}" as "leases/renew/{url_lease_id}");

/// `POST sys/leases/revoke[/:lease_id]`: ends a lease and what it stands for.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeLease {
    /// The lease, in the path.
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// The lease, in the body.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub lease_id: Option<String>,
    /// Kept for clients that set it: the lease has always ended when the answer comes.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::flag"
    )]
    pub sync: Option<bool>,
}
endpoint!(RevokeLease { url_lease_id } => ():
    Update "leases/revoke/{url_lease_id*}" as "leases/revoke/{url_lease_id}");

/// `POST sys/renew[/:lease_id]`: the older spelling of [`RenewLease`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RenewLeaseOld {
    /// As in [`RenewLease`].
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// As in [`RenewLease`].
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub lease_id: Option<String>,
    /// As in [`RenewLease`].
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::seconds"
    )]
    pub increment: Option<i64>,
}
endpoint!(RenewLeaseOld { url_lease_id } => ():
    Update "renew/{url_lease_id*}" as "renew/{url_lease_id}");

/// `POST sys/revoke[/:lease_id]`: the older spelling of [`RevokeLease`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeLeaseOld {
    /// As in [`RevokeLease`].
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// As in [`RevokeLease`].
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub lease_id: Option<String>,
    /// As in [`RevokeLease`].
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::flag"
    )]
    pub sync: Option<bool>,
}
endpoint!(RevokeLeaseOld { url_lease_id } => ():
    Update "revoke/{url_lease_id*}" as "revoke/{url_lease_id}");
