//! Looking up entities and groups by what is known of them.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{EntityInfo, GroupInfo};
use crate::{coerce, endpoint};

/// `POST identity/lookup/entity`: finds an entity by one of: its id, its name, the id of an alias,
/// or the name and the auth method of an alias. Nothing found is an answer without a body.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupEntity {
    /// The id.
    #[serde(deserialize_with = "coerce::text")]
    pub id: Option<String>,
    /// The name.
    #[serde(deserialize_with = "coerce::text")]
    pub name: Option<String>,
    /// The id of an alias.
    #[serde(deserialize_with = "coerce::text")]
    pub alias_id: Option<String>,
    /// The name of an alias; with `alias_mount_accessor`.
    #[serde(deserialize_with = "coerce::text")]
    pub alias_name: Option<String>,
    /// The accessor of the auth method of an alias; with `alias_name`.
    #[serde(deserialize_with = "coerce::text")]
    pub alias_mount_accessor: Option<String>,
}
endpoint!(LookupEntity {} => EntityInfo: Update "lookup/entity"; optional);

/// `POST identity/lookup/group`: finds a group, as [`LookupEntity`] finds an entity.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct LookupGroup(
    /// What [`LookupEntity`] takes.
    pub LookupEntity,
);
endpoint!(LookupGroup {} => GroupInfo: Update "lookup/group"; optional);
