//! Who failed to log in too often (`sys/locked-users`).

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET sys/locked-users`: tells who is locked out, at which mount.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadLockedUsers {
    /// The accessor of the only mount to tell of.
    #[serde(deserialize_with = "coerce::text")]
    pub mount_accessor: Option<String>,
}
endpoint!(ReadLockedUsers {} => LockedUsers: Read "locked-users");

/// Who is locked out.
#[derive(Debug, Deserialize, Serialize)]
pub struct LockedUsers {
    /// By namespace, of which there is one.
    pub by_namespace: Vec<LockedInNamespace>,
    /// How many in all.
    pub total: usize,
}

/// Who is locked out in a namespace.
#[derive(Debug, Deserialize, Serialize)]
pub struct LockedInNamespace {
    /// Always `root`.
    pub namespace_id: String,
    /// Always empty.
    pub namespace_path: String,
    /// How many in this namespace.
    pub counts: usize,
    /// The mounts with somebody locked out, and the one that was asked for.
    pub mount_accessors: Vec<LockedAtMount>,
}

/// Who is locked out at a mount.
#[derive(Debug, Deserialize, Serialize)]
pub struct LockedAtMount {
    /// The accessor of the mount.
    pub mount_accessor: String,
    /// How many.
    pub counts: usize,
    /// The names that they log in with; null for none.
    pub alias_identifiers: Option<Vec<String>>,
}

/// `POST sys/locked-users/:mount_accessor/unlock/:alias_identifier`: lets somebody try again; who is
/// not locked out is no error.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UnlockUser {
    /// The accessor of the mount.
    #[serde(skip_serializing)]
    pub mount_accessor: String,
    /// The name to log in with: a user of `userpass`, a role id of `approle`.
    #[serde(skip_serializing)]
    pub alias_identifier: String,
}
endpoint!(UnlockUser { mount_accessor, alias_identifier } => (): Update
    "locked-users/{mount_accessor}/unlock/{alias_identifier*}"
    as "locked-users/{mount_accessor}/unlock/{alias_identifier}");
