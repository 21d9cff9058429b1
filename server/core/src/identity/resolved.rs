//! What an entity brings to a request.

use std::sync::Arc;

use super::{Entity, Group, Snapshot};
use crate::policy::{ROOT_POLICY_NAME, WRAPPING_POLICY_NAME};

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
