//! Groups, by id and by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{GroupAlias, KeyAlias, Names, in_path};
use crate::{coerce, endpoint};

/// `POST identity/group`: makes a group, or changes the one that has this id or name.
///
/// What is not given stays as it is. An answer with data says that a group was made.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteGroup {
    /// The id of the group to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub id: Option<String>,
    /// Its name, unique whatever the case; made up where none is given.
    #[serde(deserialize_with = "coerce::text")]
    pub name: Option<String>,
    /// `internal`, whose members are listed here, or `external`, whose members an auth method tells
    /// at each login; it stays as it was made.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub kind: Option<String>,
    /// What its keeper attaches: 64 pairs at most.
    #[serde(deserialize_with = "coerce::pairs")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// What the tokens of its members may do beside what they may do anyway.
    #[serde(deserialize_with = "coerce::list")]
    pub policies: Option<Vec<String>>,
    /// The groups whose members are members of this one too; never in a circle.
    #[serde(deserialize_with = "coerce::list")]
    pub member_group_ids: Option<Vec<String>>,
    /// The entities that are members.
    #[serde(deserialize_with = "coerce::list")]
    pub member_entity_ids: Option<Vec<String>>,
}
endpoint!(WriteGroup {} => GroupWritten: Update "group"; optional);

/// `POST identity/group/id/:id`: changes a group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteGroupById(
    /// What [`WriteGroup`] takes.
    pub WriteGroup,
);
in_path!(WriteGroupById, id => GroupWritten, "group/id/{id}", "group/id/{}"; optional);

/// `POST identity/group/name/:name`: makes a group of a name, or changes it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteGroupByName(
    /// What [`WriteGroup`] takes.
    pub WriteGroup,
);
in_path!(WriteGroupByName, name => GroupWritten, "group/name/{name*}", "group/name/{}"; optional, any_case);

/// The group that was made.
#[derive(Debug, Deserialize, Serialize)]
pub struct GroupWritten {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// `GET identity/group/id/:id`: tells what is known of a group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadGroup {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(ReadGroup { id } => GroupInfo: Read "group/id/{id}");

/// `GET identity/group/name/:name`: tells what is known of a group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadGroupByName {
    /// The name, in any case.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadGroupByName { name } => GroupInfo: Read "group/name/{name*}" as "group/name/{name}"; any_case);

/// What is known of a group. Times are RFC 3339.
#[derive(Debug, Deserialize, Serialize)]
pub struct GroupInfo {
    /// The name of an external group at its auth method.
    pub alias: GroupAlias,
    /// When it was made.
    pub creation_time: String,
    /// Its id.
    pub id: String,
    /// When it was changed last.
    pub last_update_time: String,
    /// The entities that are members.
    pub member_entity_ids: Option<Vec<String>>,
    /// The groups whose members are members of this one too.
    pub member_group_ids: Option<Vec<String>>,
    /// What its keeper attached.
    pub metadata: Option<BTreeMap<String, String>>,
    /// How often it was written.
    pub modify_index: u64,
    /// Its name.
    pub name: String,
    /// `root`: there is one namespace.
    pub namespace_id: String,
    /// The groups that it is a member of.
    pub parent_group_ids: Option<Vec<String>>,
    /// What the tokens of its members may do beside what they may do anyway.
    pub policies: Option<Vec<String>>,
    /// `internal` or `external`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// `DELETE identity/group/id/:id`: removes a group.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteGroup {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(DeleteGroup { id } => (): Delete "group/id/{id}");

/// `DELETE identity/group/name/:name`: removes a group by its name.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteGroupByName {
    /// The name, in any case.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteGroupByName { name } => (): Delete "group/name/{name*}" as "group/name/{name}"; any_case);

/// `LIST identity/group/id`: lists the ids of all groups.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListGroups {}
endpoint!(ListGroups {} => GroupKeys: List "group/id");

/// The ids of groups.
#[derive(Debug, Deserialize, Serialize)]
pub struct GroupKeys {
    /// About each.
    pub key_info: BTreeMap<String, GroupKey>,
    /// The ids.
    pub keys: Vec<String>,
}

/// What a list tells of a group.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct GroupKey {
    /// Its name at an auth method, where it has one.
    pub alias: Option<KeyAlias>,
    /// Its name.
    pub name: String,
    /// How many entities are members.
    pub num_member_entities: u64,
    /// How many groups it is a member of.
    pub num_parent_groups: u64,
}

/// `LIST identity/group/name`: lists the names of all groups.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListGroupNames {}
endpoint!(ListGroupNames {} => Names: List "group/name");
