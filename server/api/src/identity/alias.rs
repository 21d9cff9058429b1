//! Aliases: the names of entities and of external groups at auth methods.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::in_path;
use crate::{coerce, endpoint};

/// `POST identity/entity-alias`: gives an entity a name at an auth method, or changes the alias of
/// this id, or of this name there.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteEntityAlias {
    /// The id of the alias to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub id: Option<String>,
    /// The name at the auth method.
    #[serde(deserialize_with = "coerce::text")]
    pub name: Option<String>,
    /// The accessor of the auth method.
    #[serde(deserialize_with = "coerce::text")]
    pub mount_accessor: Option<String>,
    /// The id of the entity; a new one is made where none is given.
    #[serde(deserialize_with = "coerce::text")]
    pub canonical_id: Option<String>,
    /// The older name of `canonical_id`.
    #[serde(deserialize_with = "coerce::text")]
    pub entity_id: Option<String>,
    /// What its keeper attaches; policies can refer to it. Where it is given, it is replaced as a whole.
    #[serde(deserialize_with = "coerce::pairs")]
    pub custom_metadata: Option<BTreeMap<String, String>>,
}
endpoint!(WriteEntityAlias {} => AliasWritten: Update "entity-alias");

/// `POST identity/entity-alias/id/:id`: changes an alias.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteEntityAliasById(
    /// What [`WriteEntityAlias`] takes.
    pub WriteEntityAlias,
);
in_path!(WriteEntityAliasById, id => AliasWritten, "entity-alias/id/{id}", "entity-alias/id/{}");

/// `POST identity/alias`: the older spelling of [`WriteEntityAlias`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WritePersona(
    /// What [`WriteEntityAlias`] takes.
    pub WriteEntityAlias,
);
endpoint!(WritePersona {} => AliasWritten: Update "alias");

/// `POST identity/alias/id/:id`: the older spelling of [`WriteEntityAliasById`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WritePersonaById(
    /// What [`WriteEntityAlias`] takes.
    pub WriteEntityAlias,
);
in_path!(WritePersonaById, id => AliasWritten, "alias/id/{id}", "alias/id/{}");

/// `GET identity/alias/id/:id`: the older spelling of [`ReadEntityAlias`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadPersona {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(ReadPersona { id } => AliasInfo: Read "alias/id/{id}");

/// `DELETE identity/alias/id/:id`: the older spelling of [`DeleteEntityAlias`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeletePersona {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(DeletePersona { id } => (): Delete "alias/id/{id}");

/// The alias that was written.
#[derive(Debug, Deserialize, Serialize)]
pub struct AliasWritten {
    /// The id of its entity or group.
    pub canonical_id: String,
    /// Its id.
    pub id: String,
}

/// `GET identity/entity-alias/id/:id`: tells what is known of an alias.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadEntityAlias {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(ReadEntityAlias { id } => AliasInfo: Read "entity-alias/id/{id}");

/// What is known of an alias. Times are RFC 3339.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct AliasInfo {
    /// The id of its entity or group.
    pub canonical_id: String,
    /// When it was made.
    pub creation_time: String,
    /// What its keeper attached.
    #[serialize_always]
    pub custom_metadata: Option<BTreeMap<String, String>>,
    /// Its id.
    pub id: String,
    /// When it was changed last.
    pub last_update_time: String,
    /// Always false: there is one cluster.
    pub local: bool,
    /// The entities that it belonged to before they were merged.
    #[serialize_always]
    pub merged_from_canonical_ids: Option<Vec<String>>,
    /// What the auth method attached.
    #[serialize_always]
    pub metadata: Option<BTreeMap<String, String>>,
    /// The accessor of the auth method.
    pub mount_accessor: String,
    /// Where the auth method is; empty if it is gone.
    pub mount_path: String,
    /// Its type; empty if it is gone.
    pub mount_type: String,
    /// The name.
    pub name: String,
    /// `root` where the alias alone is read.
    pub namespace_id: Option<String>,
}

/// `DELETE identity/entity-alias/id/:id`: removes an alias.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteEntityAlias {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(DeleteEntityAlias { id } => (): Delete "entity-alias/id/{id}");

/// `LIST identity/entity-alias/id`: lists the ids of all aliases of entities.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListEntityAliases {}
endpoint!(ListEntityAliases {} => AliasKeys: List "entity-alias/id");

/// `LIST identity/alias/id`: the older spelling of [`ListEntityAliases`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListPersonas {}
endpoint!(ListPersonas {} => AliasKeys: List "alias/id");

/// The ids of aliases.
#[derive(Debug, Deserialize, Serialize)]
pub struct AliasKeys {
    /// About each.
    pub key_info: BTreeMap<String, AliasKey>,
    /// The ids.
    pub keys: Vec<String>,
}

/// What a list tells of an alias.
#[derive(Debug, Deserialize, Serialize)]
pub struct AliasKey {
    /// The id of its entity or group.
    pub canonical_id: String,
    /// What its keeper attached.
    pub custom_metadata: Option<BTreeMap<String, String>>,
    /// Always false: there is one cluster.
    pub local: bool,
    /// What the auth method attached.
    pub metadata: Option<BTreeMap<String, String>>,
    /// The accessor of the auth method.
    pub mount_accessor: String,
    /// Where the auth method is; empty if it is gone.
    pub mount_path: String,
    /// Its type; empty if it is gone.
    pub mount_type: String,
    /// The name.
    pub name: String,
}

/// `POST identity/group-alias`: gives an external group its name at an auth method; a group has one.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteGroupAlias {
    /// The id of the alias to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub id: Option<String>,
    /// The name that the auth method tells of.
    #[serde(deserialize_with = "coerce::text")]
    pub name: Option<String>,
    /// The accessor of the auth method.
    #[serde(deserialize_with = "coerce::text")]
    pub mount_accessor: Option<String>,
    /// The id of the group; a new one is made where none is given.
    #[serde(deserialize_with = "coerce::text")]
    pub canonical_id: Option<String>,
}
endpoint!(WriteGroupAlias {} => AliasWritten: Update "group-alias");

/// `POST identity/group-alias/id/:id`: changes the alias of a group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteGroupAliasById(
    /// What [`WriteGroupAlias`] takes.
    pub WriteGroupAlias,
);
in_path!(WriteGroupAliasById, id => AliasWritten, "group-alias/id/{id}", "group-alias/id/{}");

/// `GET identity/group-alias/id/:id`: tells what is known of the alias of a group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadGroupAlias {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(ReadGroupAlias { id } => AliasInfo: Read "group-alias/id/{id}");

/// `DELETE identity/group-alias/id/:id`: removes the alias of a group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteGroupAlias {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(DeleteGroupAlias { id } => (): Delete "group-alias/id/{id}");

/// `LIST identity/group-alias/id`: lists the ids of all aliases of groups.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListGroupAliases {}
endpoint!(ListGroupAliases {} => AliasKeys: List "group-alias/id");

/// The alias of a group, or an empty object.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum GroupAlias {
    /// The name at an auth method.
    Named(Box<GroupAliasInfo>),
    /// There is none.
    None {},
}

/// What is known of the alias of a group. Times are RFC 3339.
#[derive(Debug, Deserialize, Serialize)]
pub struct GroupAliasInfo {
    /// The id of the group.
    pub canonical_id: String,
    /// When it was made.
    pub creation_time: String,
    /// Its id.
    pub id: String,
    /// When it was changed last.
    pub last_update_time: String,
    /// Always null: groups are not merged.
    pub merged_from_canonical_ids: Option<Vec<String>>,
    /// What the auth method attached.
    pub metadata: Option<BTreeMap<String, String>>,
    /// The accessor of the auth method.
    pub mount_accessor: String,
    /// Where the auth method is; empty if it is gone.
    pub mount_path: String,
    /// Its type; empty if it is gone.
    pub mount_type: String,
    /// The name.
    pub name: String,
}
