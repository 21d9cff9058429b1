//! Groups, as they are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Alias, entity::made_up};
use crate::Timestamp;

/// Entities that have something in common.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: GroupKind,
    pub(super) metadata: Option<BTreeMap<String, String>>,
    /// Lower case, sorted, each once; never `root`.
    pub(super) policies: Vec<String>,
    /// The entities that are members, each once.
    pub(super) member_entities: Vec<String>,
    /// The groups whose members are members of this one too, each once.
    pub(super) member_groups: Vec<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) modify_index: u64,
    /// The name of an external group at its auth method.
    pub(super) alias: Option<Alias>,
}

/// Who says which entities are members.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GroupKind {
    /// An auth method, at each login.
    External,
    /// The keeper of the group.
    Internal,
}

impl GroupKind {
    /// Reads the name on the wire.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::External, Self::Internal]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// Returns the name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Internal => "internal",
        }
    }
}

impl Group {
    /// Makes a group with a name of its own.
    pub(super) fn new(name: Option<String>, kind: GroupKind, now: Timestamp) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            name: name.unwrap_or_else(|| made_up("group")),
            kind,
            metadata: None,
            policies: Vec::new(),
            member_entities: Vec::new(),
            member_groups: Vec::new(),
            created: now,
            updated: now,
            modify_index: 0,
            alias: None,
        }
    }
}
