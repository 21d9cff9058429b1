//! Entities, by id and by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{AliasInfo, in_path};
use crate::{coerce, endpoint};

/// `POST identity/entity`: makes an entity, or changes the one that has this id or name.
///
/// What is not given stays as it is. An answer with data says that an entity was made.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteEntity {
    /// The id of the entity to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub id: Option<String>,
    /// Its name, unique whatever the case; made up where none is given.
    #[serde(deserialize_with = "coerce::text")]
    pub name: Option<String>,
    /// What its keeper attaches: 64 pairs at most.
    #[serde(deserialize_with = "coerce::pairs")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// What its tokens may do beside what they may do anyway.
    #[serde(deserialize_with = "coerce::list")]
    pub policies: Option<Vec<String>>,
    /// Whether its tokens are refused.
    #[serde(deserialize_with = "coerce::flag")]
    pub disabled: Option<bool>,
}
endpoint!(WriteEntity {} => EntityWritten: Update "entity"; optional);

/// `POST identity/entity/id/:id`: changes an entity.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteEntityById(
    /// What [`WriteEntity`] takes.
    pub WriteEntity,
);
in_path!(WriteEntityById, id => EntityWritten, "entity/id/{id}", "entity/id/{}"; optional);

/// `POST identity/entity/name/:name`: makes an entity of a name, or changes it; with an `id`, gives
/// the name to the entity that has this id.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteEntityByName(
    /// What [`WriteEntity`] takes.
    pub WriteEntity,
);
in_path!(WriteEntityByName, name => EntityWritten, "entity/name/{name*}", "entity/name/{}"; optional, any_case);

/// The entity that was made.
#[derive(Debug, Deserialize, Serialize)]
pub struct EntityWritten {
    /// Null: a new entity has no aliases.
    pub aliases: Option<Vec<String>>,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// `GET identity/entity/id/:id`: tells what is known of an entity.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadEntity {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(ReadEntity { id } => EntityInfo: Read "entity/id/{id}");

/// `GET identity/entity/name/:name`: tells what is known of an entity.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadEntityByName {
    /// The name, in any case.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadEntityByName { name } => EntityInfo: Read "entity/name/{name*}" as "entity/name/{name}"; any_case);

/// What is known of an entity. Times are RFC 3339.
#[derive(Debug, Deserialize, Serialize)]
pub struct EntityInfo {
    /// Its names at auth methods.
    pub aliases: Vec<AliasInfo>,
    /// When it was made.
    pub creation_time: String,
    /// The groups that it is a member of.
    pub direct_group_ids: Vec<String>,
    /// Whether its tokens are refused.
    pub disabled: bool,
    /// All its groups, direct and inherited.
    pub group_ids: Vec<String>,
    /// Its id.
    pub id: String,
    /// The groups that a group of it is a member of.
    pub inherited_group_ids: Vec<String>,
    /// When it was changed last.
    pub last_update_time: String,
    /// The entities that were merged into it.
    pub merged_entity_ids: Option<Vec<String>>,
    /// What its keeper attached.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Its name.
    pub name: String,
    /// `root`: there is one namespace.
    pub namespace_id: String,
    /// What its tokens may do beside what they may do anyway.
    pub policies: Vec<String>,
}

/// `DELETE identity/entity/id/:id`: removes an entity with its aliases; its tokens are refused from
/// then on.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteEntity {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(DeleteEntity { id } => (): Delete "entity/id/{id}");

/// `DELETE identity/entity/name/:name`: removes an entity by its name.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteEntityByName {
    /// The name, in any case.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteEntityByName { name } => (): Delete "entity/name/{name*}" as "entity/name/{name}"; any_case);

/// `POST identity/entity/batch-delete`: removes entities, all or none.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct BatchDeleteEntities {
    /// Their ids; an unknown one is no error.
    #[serde(deserialize_with = "coerce::list")]
    pub entity_ids: Option<Vec<String>>,
}
endpoint!(BatchDeleteEntities {} => (): Update "entity/batch-delete");

/// `LIST identity/entity/id`: lists the ids of all entities.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListEntities {}
endpoint!(ListEntities {} => EntityKeys: List "entity/id");

/// The ids of entities.
#[derive(Debug, Deserialize, Serialize)]
pub struct EntityKeys {
    /// About each.
    pub key_info: BTreeMap<String, EntityKey>,
    /// The ids.
    pub keys: Vec<String>,
}

/// What a list tells of an entity.
#[derive(Debug, Deserialize, Serialize)]
pub struct EntityKey {
    /// Its names at auth methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<KeyAlias>,
    /// Its name.
    pub name: String,
}

/// What a list tells of a name of an entity or a group.
#[derive(Debug, Deserialize, Serialize)]
pub struct KeyAlias {
    /// The id of the alias.
    pub id: String,
    /// The accessor of the auth method.
    pub mount_accessor: String,
    /// Where the auth method is; empty if it is gone.
    pub mount_path: String,
    /// Its type; empty if it is gone.
    pub mount_type: String,
    /// The name.
    pub name: String,
}

/// One side of a merge that two names at one auth method keep from being done: what stands in the
/// `data` beside the error.
#[derive(Debug, Deserialize, Serialize)]
pub struct MergeConflict {
    /// The name at the auth method.
    pub alias: String,
    /// The name of the entity.
    pub entity: String,
    /// Its id.
    pub entity_id: String,
    /// The type of the auth method; empty if it is gone.
    pub mount: String,
    /// Where the auth method is; empty if it is gone.
    pub mount_path: String,
}

/// `LIST identity/entity/name`: lists the names of all entities.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListEntityNames {}
endpoint!(ListEntityNames {} => Names: List "entity/name");

/// Names.
#[derive(Debug, Deserialize, Serialize)]
pub struct Names {
    /// The names.
    pub keys: Vec<String>,
}

/// `POST identity/entity/merge`: makes one entity of several. The first keeps its name, metadata and
/// policies, and gets the aliases and the groups of the others; their tokens go on as its own.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MergeEntities {
    /// The ids of the entities that go.
    #[serde(deserialize_with = "coerce::list")]
    pub from_entity_ids: Option<Vec<String>>,
    /// The id of the entity that stays.
    #[serde(deserialize_with = "coerce::text")]
    pub to_entity_id: Option<String>,
    /// Which aliases stay where two are of the same auth method; then there must be one entity that
    /// goes.
    #[serde(deserialize_with = "coerce::list")]
    pub conflicting_alias_ids_to_keep: Option<Vec<String>>,
    /// Whether the secret of the entity that stays is kept where others have one of the same MFA
    /// method; without it they are refused.
    #[serde(deserialize_with = "coerce::flag")]
    pub force: Option<bool>,
}
endpoint!(MergeEntities {} => (): Update "entity/merge");
