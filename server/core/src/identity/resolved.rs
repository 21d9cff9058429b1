//! What an entity brings to a request.

use std::sync::Arc;

use keyward_api::{
    ROOT_NAMESPACE_ID,
    sys::{InspectedAlias, InspectedEntity, InspectedGroup},
};

use super::{Alias, Entity, Group, Snapshot};
use crate::{
    mounts::Mounts,
    policy::{ROOT_POLICY_NAME, WRAPPING_POLICY_NAME},
};

/// An entity with all its groups, as they are at one moment.
#[derive(Debug)]
pub struct Identity {
    /// Told apart from every other by it, of the same entity at another moment too.
    pub(crate) stamp: u64,
    pub(super) entity: Arc<Entity>,
    /// The groups that list it, then those above them; each once.
    pub(super) groups: Vec<Arc<Group>>,
    /// The entity's, then those of its groups; each once.
    policies: Vec<String>,
    group_changes: u64,
}

impl Identity {
    /// Walks through the groups of an entity.
    pub(super) fn resolve(snapshot: &Snapshot, entity: &Arc<Entity>, stamp: u64) -> Self {
        let mut groups = snapshot.direct_groups(&entity.id);
        groups.extend(snapshot.ancestors(&groups));
        let mut policies: Vec<String> = Vec::new();
        let of_groups = groups.iter().flat_map(|group| &group.policies);
        for policy in entity.policies.iter().chain(of_groups) {
            // Neither is ever stored; that no record of whatever origin brings them is checked here.
            let is_reserved = [ROOT_POLICY_NAME, WRAPPING_POLICY_NAME].contains(&policy.as_str());
            if !is_reserved && !policies.contains(policy) {
                policies.push(policy.clone());
            }
        }
        Self {
            stamp,
            entity: Arc::clone(entity),
            groups,
            policies,
            group_changes: snapshot.group_changes,
        }
    }

    /// Tells whether it is still what it was resolved from.
    pub(super) fn is_of(&self, entity: &Arc<Entity>, group_changes: u64) -> bool {
        Arc::ptr_eq(&self.entity, entity) && self.group_changes == group_changes
    }

    /// Returns the id of the entity. A token may carry that of one that was merged into it.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity.id
    }

    /// Returns the name of the entity.
    pub(crate) fn entity_name(&self) -> &str {
        &self.entity.name
    }

    /// Returns the names of all its groups.
    pub(crate) fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.name.as_str())
    }

    /// Shows the entity as engines see it.
    pub(crate) fn inspect(&self, mounts: &Mounts) -> InspectedEntity {
        let mounts = mounts.all();
        let alias = |alias: &Alias| {
            let accessor = &alias.mount_accessor;
            let mount = mounts.iter().find(|it| it.entry.accessor == *accessor);
            InspectedAlias {
                id: alias.id.clone(),
                mount_accessor: accessor.clone(),
                mount_type: mount.map_or_else(String::new, |mount| mount.entry.kind.clone()),
                name: alias.name.clone(),
                namespace_id: ROOT_NAMESPACE_ID.to_owned(),
            }
        };
        InspectedEntity {
            id: self.entity.id.clone(),
            aliases: self.entity.aliases.iter().map(alias).collect(),
            metadata: self.entity.metadata.clone(),
            name: self.entity.name.clone(),
        }
    }

    /// Shows its groups as engines see them.
    pub(crate) fn inspect_groups(&self) -> Vec<InspectedGroup> {
        let group = |group: &Arc<Group>| InspectedGroup {
            id: group.id.clone(),
            metadata: group.metadata.clone(),
            name: group.name.clone(),
            namespace_id: ROOT_NAMESPACE_ID.to_owned(),
        };
        self.groups.iter().map(group).collect()
    }

    /// Tells whether the tokens of the entity are refused.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.entity.disabled
    }

    /// Returns the policies of the entity, then those of its groups.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}
