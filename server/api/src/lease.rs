//! Leases: the operations below `sys/leases/`, and their older spellings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `POST sys/leases/lookup`: tells what is known of a lease.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupLease {
    /// The lease.
    #[serde(deserialize_with = "coerce::text")]
    pub lease_id: Option<String>,
}
endpoint!(LookupLease {} => LeaseInfo: Update "leases/lookup");

/// What is known of a lease.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct LeaseInfo {
    /// When it ends (RFC 3339); none if it has no end.
    #[serialize_always]
    pub expire_time: Option<String>,
    /// The lease.
    pub id: String,
    /// When it was made (RFC 3339).
    pub issue_time: String,
    /// When it was renewed last (RFC 3339).
    #[serialize_always]
    pub last_renewal: Option<String>,
    /// The path of the request that made it.
    pub path: String,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// The whole seconds that it has left.
    pub ttl: u64,
    /// How its revocation fares; none before that has failed.
    pub revocation: Option<LeaseRevocation>,
}

/// A revocation that failed, and is tried again until it succeeds.
#[derive(Debug, Deserialize, Serialize)]
pub struct LeaseRevocation {
    /// How often it failed.
    pub failures: u32,
    /// When it is tried again (RFC 3339).
    pub next_attempt: String,
}

/// `LIST sys/leases/lookup`: lists the mounts that hold leases.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListLeases {}
endpoint!(ListLeases {} => LeaseNames: List "leases/lookup", access Sudo);

/// `LIST sys/leases/lookup/:prefix`: lists the leases of a path, and the paths below it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListLeasesBelow {
    /// The path of the requests that made them.
    #[serde(skip_serializing)]
    pub prefix: String,
}
endpoint!(ListLeasesBelow { prefix } => LeaseNames:
    List "leases/lookup/{prefix*}" as "leases/lookup/{prefix}", access Sudo);

/// What is one level below a path.
#[derive(Debug, Deserialize, Serialize)]
pub struct LeaseNames {
    /// The last part of each lease; a slash ends what is a path.
    pub keys: Vec<String>,
}

/// `GET sys/leases`: lists the leases that could not be revoked in six attempts or more. Unlike in
/// Vault that is tried on, later and later and for ever.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadLeases {
    /// `irrevocable`, the one type that can be asked for.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub kind: Option<String>,
    /// At most so many, 10000 unless given; `none` is all.
    #[serde(deserialize_with = "coerce::text")]
    pub limit: Option<String>,
    /// Kept for clients that set it: there is one namespace.
    #[serde(deserialize_with = "coerce::flag")]
    pub include_child_namespaces: Option<bool>,
}
endpoint!(ReadLeases {} => Leases: Read "leases", access Sudo);

/// Leases that could not be revoked.
#[derive(Debug, Deserialize, Serialize)]
pub struct Leases {
    /// How many there are.
    pub lease_count: u64,
    /// Which they are.
    pub leases: Vec<FailingLease>,
}

/// A lease that could not be revoked.
#[derive(Debug, Deserialize, Serialize)]
pub struct FailingLease {
    /// How often that was tried, and when it is again; the log of the server says why it failed.
    pub error: String,
    /// The lease.
    pub lease_id: String,
    /// The accessor of the mount whose engine must take the secret back.
    pub mount_id: String,
}

/// `GET sys/leases/count`: tells how many leases could not be revoked in six attempts or more.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CountLeases {
    /// `irrevocable`, the one type that can be asked for.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub kind: Option<String>,
    /// Kept for clients that set it: there is one namespace.
    #[serde(deserialize_with = "coerce::flag")]
    pub include_child_namespaces: Option<bool>,
}
endpoint!(CountLeases {} => LeaseCount: Read "leases/count");

/// How many leases could not be revoked.
#[derive(Debug, Deserialize, Serialize)]
pub struct LeaseCount {
    /// How many of each mount, by its accessor.
    pub counts: BTreeMap<String, u64>,
    /// How many in all.
    pub lease_count: u64,
}

/// `POST sys/leases/tidy`: removes what leads to no lease, and ends leases whose token is gone, after
/// it has answered.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TidyLeases {}
endpoint!(TidyLeases {} => (): Update "leases/tidy");

/// `POST sys/leases/renew[/:lease_id]`: gives a lease its next term.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RenewLease {
    /// The lease, in the path; a typed client has it in the body.
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// The lease, in the body.
    #[serde(deserialize_with = "coerce::text")]
    pub lease_id: Option<String>,
    /// How long it shall last from now on.
    #[serde(deserialize_with = "coerce::seconds")]
    pub increment: Option<i64>,
}
endpoint!(RenewLease {} => ():
    Update "leases/renew/{url_lease_id*}" as "leases/renew");

/// `POST sys/leases/renew`: gives the lease in the body its next term.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct RenewLeaseInBody(
    /// What [`RenewLease`] takes.
    pub RenewLease,
);
endpoint!(RenewLeaseInBody {} => (): Update "leases/renew");

/// `POST sys/leases/revoke[/:lease_id]`: ends a lease and what it stands for.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeLease {
    /// The lease, in the path; a typed client has it in the body.
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// The lease, in the body.
    #[serde(deserialize_with = "coerce::text")]
    pub lease_id: Option<String>,
    /// Whether it is an error if the lease cannot end now; else that is tried again after the answer.
    #[serde(deserialize_with = "coerce::flag")]
    pub sync: Option<bool>,
}
endpoint!(RevokeLease {} => ():
    Update "leases/revoke/{url_lease_id*}" as "leases/revoke");

/// `POST sys/leases/revoke`: ends the lease in the body and what it stands for.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct RevokeLeaseInBody(
    /// What [`RevokeLease`] takes.
    pub RevokeLease,
);
endpoint!(RevokeLeaseInBody {} => (): Update "leases/revoke");

/// `POST sys/renew[/:lease_id]`: the older spelling of [`RenewLease`].
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RenewLeaseOld {
    /// As in [`RenewLease`].
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// As in [`RenewLease`].
    #[serde(deserialize_with = "coerce::text")]
    pub lease_id: Option<String>,
    /// As in [`RenewLease`].
    #[serde(deserialize_with = "coerce::seconds")]
    pub increment: Option<i64>,
}
endpoint!(RenewLeaseOld {} => ():
    Update "renew/{url_lease_id*}" as "renew");

/// `POST sys/revoke[/:lease_id]`: the older spelling of [`RevokeLease`].
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeLeaseOld {
    /// As in [`RevokeLease`].
    #[serde(skip_serializing)]
    pub url_lease_id: String,
    /// As in [`RevokeLease`].
    #[serde(deserialize_with = "coerce::text")]
    pub lease_id: Option<String>,
    /// As in [`RevokeLease`].
    #[serde(deserialize_with = "coerce::flag")]
    pub sync: Option<bool>,
}
endpoint!(RevokeLeaseOld {} => ():
    Update "revoke/{url_lease_id*}" as "revoke");

/// Defines a request that ends all leases below a path.
macro_rules! revocation {
    ($name:ident { $prefix:ident }, $doc:literal, $path:literal, $format:literal) => {
        #[doc = $doc]
        #[skip_serializing_none]
        #[derive(Debug, Default, Deserialize, Serialize)]
        #[serde(default)]
        pub struct $name {
            /// The path of the requests that made them, or one lease.
            #[serde(skip_serializing)]
            pub $prefix: String,
            /// True waits for the end, and it is an error if one cannot end now; false waits until it
            /// is certain that all of them end. If left out, half a minute is waited at most. What has
            /// not ended by the answer, which then is 202, ends afterwards.
            #[serde(deserialize_with = "coerce::flag")]
            pub sync: Option<bool>,
        }
        endpoint!($name { $prefix } => (): Update $path as $format, access Sudo);
    };
}

revocation!(
    RevokePrefix { prefix },
    "`POST sys/leases/revoke-prefix/:prefix`: ends all leases below a path.",
    "leases/revoke-prefix/{prefix+}",
    "leases/revoke-prefix/{prefix}"
);
revocation!(
    RevokePrefixOld { prefix },
    "`POST sys/revoke-prefix/:prefix`: the older spelling of [`RevokePrefix`].",
    "revoke-prefix/{prefix+}",
    "revoke-prefix/{prefix}"
);
revocation!(
    RevokeForce { prefix },
    "`POST sys/leases/revoke-force/:prefix`: ends all leases below a path, even those whose engine \
     fails to take back what it gave.",
    "leases/revoke-force/{prefix+}",
    "leases/revoke-force/{prefix}"
);
revocation!(
    RevokeForceOld { prefix },
    "`POST sys/revoke-force/:prefix`: the older spelling of [`RevokeForce`].",
    "revoke-force/{prefix+}",
    "revoke-force/{prefix}"
);
