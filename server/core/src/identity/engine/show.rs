//! Entities, groups and aliases as the wire shows them.

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::{
    ROOT_NAMESPACE_ID,
    identity::{AliasInfo, AliasKey, EntityInfo, GroupAlias, GroupAliasInfo, GroupInfo, KeyAlias},
};

use super::super::{Alias, Entity, Group, Snapshot};
use crate::{engine::Context, mounts::Mounts};

/// Where the auth methods are that aliases refer to, by accessor: path and type.
pub(super) struct Places(BTreeMap<String, (String, String)>);

impl Places {
    pub(super) fn of<E>(cx: &Context<E>) -> Self {
        Self::all(&cx.core().mounts)
    }

    fn all(mounts: &Mounts) -> Self {
        let place = |mount: &Arc<crate::mounts::Mount>| {
            let entry = &mount.entry;
            (
                entry.accessor.clone(),
                (mount.full_path(), entry.kind.clone()),
            )
        };
        Self(mounts.all().iter().map(place).collect())
    }

    pub(super) fn knows(&self, accessor: &str) -> bool {
        self.0.contains_key(accessor)
    }

    /// Returns path and type; empty if the mount is gone.
    fn find(&self, accessor: &str) -> (String, String) {
        self.0.get(accessor).cloned().unwrap_or_default()
    }
}

pub(super) fn alias(alias: &Alias, canonical_id: &str, places: &Places) -> AliasInfo {
    let (mount_path, mount_type) = places.find(&alias.mount_accessor);
    AliasInfo {
        canonical_id: canonical_id.to_owned(),
        creation_time: alias.created.to_string(),
        custom_metadata: alias.custom_metadata.clone(),
        id: alias.id.clone(),
        last_update_time: alias.updated.to_string(),
        local: false,
        merged_from_canonical_ids: listed(&alias.merged_from),
        metadata: alias.metadata.clone(),
        mount_accessor: alias.mount_accessor.clone(),
        mount_path,
        mount_type,
        name: alias.name.clone(),
        namespace_id: None,
    }
}

pub(super) fn alias_key(alias: &Alias, canonical_id: &str, places: &Places) -> AliasKey {
    let (mount_path, mount_type) = places.find(&alias.mount_accessor);
    AliasKey {
        canonical_id: canonical_id.to_owned(),
        custom_metadata: alias.custom_metadata.clone(),
        local: false,
        metadata: alias.metadata.clone(),
        mount_accessor: alias.mount_accessor.clone(),
        mount_path,
        mount_type,
        name: alias.name.clone(),
    }
}

pub(super) fn key_alias(alias: &Alias, places: &Places) -> KeyAlias {
    let (mount_path, mount_type) = places.find(&alias.mount_accessor);
    KeyAlias {
        id: alias.id.clone(),
        mount_accessor: alias.mount_accessor.clone(),
        mount_path,
        mount_type,
        name: alias.name.clone(),
    }
}

pub(super) fn entity(entity: &Entity, snapshot: &Snapshot, places: &Places) -> EntityInfo {
    let direct = snapshot.direct_groups(&entity.id);
    let inherited = ids(&snapshot.ancestors(&direct));
    let direct = ids(&direct);
    let aliases = entity.aliases.iter();
    EntityInfo {
        aliases: aliases.map(|it| alias(it, &entity.id, places)).collect(),
        creation_time: entity.created.to_string(),
        group_ids: direct.iter().chain(&inherited).cloned().collect(),
        direct_group_ids: direct,
        disabled: entity.disabled,
        id: entity.id.clone(),
        inherited_group_ids: inherited,
        last_update_time: entity.updated.to_string(),
        merged_entity_ids: listed(&entity.merged),
        metadata: entity.metadata.clone(),
        name: entity.name.clone(),
        namespace_id: ROOT_NAMESPACE_ID.to_owned(),
        policies: entity.policies.clone(),
    }
}

pub(super) fn group(group: &Group, snapshot: &Snapshot, places: &Places) -> GroupInfo {
    GroupInfo {
        alias: match &group.alias {
            None => GroupAlias::None {},
            Some(it) => group_alias(alias(it, &group.id, places)),
        },
        creation_time: group.created.to_string(),
        id: group.id.clone(),
        last_update_time: group.updated.to_string(),
        member_entity_ids: listed(&group.member_entities),
        member_group_ids: listed(&group.member_groups),
        metadata: group.metadata.clone(),
        modify_index: group.modify_index,
        name: group.name.clone(),
        namespace_id: ROOT_NAMESPACE_ID.to_owned(),
        parent_group_ids: listed(&ids(&snapshot.parents(&group.id))),
        policies: listed(&group.policies),
        kind: group.kind.name().to_owned(),
    }
}

fn group_alias(alias: AliasInfo) -> GroupAlias {
    GroupAlias::Named(Box::new(GroupAliasInfo {
        canonical_id: alias.canonical_id,
        creation_time: alias.creation_time,
        id: alias.id,
        last_update_time: alias.last_update_time,
        merged_from_canonical_ids: None,
        metadata: alias.metadata,
        mount_accessor: alias.mount_accessor,
        mount_path: alias.mount_path,
        mount_type: alias.mount_type,
        name: alias.name,
    }))
}

fn ids(groups: &[Arc<Group>]) -> Vec<String> {
    groups.iter().map(|group| group.id.clone()).collect()
}

/// Shows a list, and null for an empty one, as Vault does.
fn listed(items: &[String]) -> Option<Vec<String>> {
    (!items.is_empty()).then(|| items.to_vec())
}
