//! Aliases of entities under their oldest path and names, which Vault keeps for old clients.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{AliasInfo, AliasKeys, AliasWritten, in_path};
use crate::{coerce, endpoint};

/// `POST identity/persona`: the oldest spelling of [`WriteEntityAlias`](super::WriteEntityAlias).
///
/// Unlike in Vault and OpenBao, where it makes an entity of that name, it does what it is for.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOldPersona {
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
    pub entity_id: Option<String>,
    /// What its keeper attaches: the `custom_metadata` of the alias. Where it is given, it is replaced
    /// as a whole.
    #[serde(deserialize_with = "coerce::pairs")]
    pub metadata: Option<BTreeMap<String, String>>,
}
endpoint!(WriteOldPersona {} => AliasWritten: Update "persona");

/// `POST identity/persona/id/:id`: the oldest spelling of
/// [`WriteEntityAliasById`](super::WriteEntityAliasById).
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WriteOldPersonaById(
    /// What [`WriteOldPersona`] takes.
    pub WriteOldPersona,
);
in_path!(WriteOldPersonaById, id => AliasWritten, "persona/id/{id}", "persona/id/{}");

/// `GET identity/persona/id/:id`: the oldest spelling of [`ReadEntityAlias`](super::ReadEntityAlias).
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOldPersona {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(ReadOldPersona { id } => AliasInfo: Read "persona/id/{id}");

/// `DELETE identity/persona/id/:id`: the oldest spelling of
/// [`DeleteEntityAlias`](super::DeleteEntityAlias).
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOldPersona {
    /// The id.
    #[serde(skip_serializing)]
    pub id: String,
}
endpoint!(DeleteOldPersona { id } => (): Delete "persona/id/{id}");

/// `LIST identity/persona/id`: the oldest spelling of
/// [`ListEntityAliases`](super::ListEntityAliases).
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOldPersonas {}
endpoint!(ListOldPersonas {} => AliasKeys: List "persona/id");
