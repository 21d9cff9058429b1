//! From a name at an auth method to an entity: what a login asks of identity.

use std::{collections::BTreeMap, sync::Arc};

use super::{Alias, Draft, Entity, Group, GroupKind, Identity, IdentityStore, Snapshot};
use crate::{Error, Timestamp, view::View};

/// Who came in, as an auth method knows it: a name that is the same at each login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AliasGrant {
    /// The name, unique at the auth method; compared in any case.
    pub name: String,
    /// What the auth method attaches; policies can refer to it.
    pub metadata: BTreeMap<String, String>,
    /// The groups that the auth method knows it in: the names of aliases of external groups. Of
    /// those that it is not in any more it is a member no longer.
    pub groups: Vec<String>,
}

impl IdentityStore {
    /// Finds the entity of a name at an auth method, or makes one, and brings it up to date with
    /// what the auth method says. One that is up to date is found without a write.
    ///
    /// # Errors
    /// [`Error::Refused`] if the entity is disabled; else the store below failed.
    pub(crate) async fn log_in(
        &self,
        accessor: &str,
        alias: &AliasGrant,
        request: &View,
        now: Timestamp,
    ) -> Result<Arc<Identity>, Error> {
        if alias.name.is_empty() {
            return Err(Error::internal("a login named no alias"));
        }
        let known = alias.up_to_date(&self.now(), accessor);
        let id = match known {
            Some(entity) => {
                refuse_disabled(&entity)?;
                entity.id.clone()
            }
            None => {
                let update = |draft: &mut Draft| alias.update(draft, accessor, now);
                self.change(request, update).await?
            }
        };
        // Removed in between: then this login came before that, and its token is good for nothing.
        self.of(&id).ok_or_else(Error::permission_denied)
    }
}

impl IdentityStore {
    /// Tells whether a name at an auth method is that of an entity which is disabled.
    pub(crate) fn refuses(&self, accessor: &str, name: &str) -> bool {
        let snapshot = self.now();
        let found = snapshot.alias_named(accessor, name);
        found.is_some_and(|(entity, _)| entity.disabled)
    }
}

impl AliasGrant {
    /// Returns the entity if there is nothing to change about it.
    fn up_to_date(&self, snapshot: &Snapshot, accessor: &str) -> Option<Arc<Entity>> {
        let (entity, alias) = snapshot.alias_named(accessor, &self.name)?;
        let same = alias.metadata.as_ref() == self.metadata();
        let (joined, left) = self.moves(snapshot, accessor, &entity.id);
        (same && joined.is_empty() && left.is_empty()).then(|| Arc::clone(entity))
    }

    fn metadata(&self) -> Option<&BTreeMap<String, String>> {
        Some(&self.metadata).filter(|metadata| !metadata.is_empty())
    }

    /// Writes down what is new, and returns the id of the entity.
    fn update(&self, draft: &mut Draft, accessor: &str, now: Timestamp) -> Result<String, Error> {
        let found = draft.now().alias_named(accessor, &self.name);
        let found = found.map(|(entity, alias)| ((**entity).clone(), alias.id.clone()));
        let entity = match found {
            Some((mut entity, alias)) => {
                refuse_disabled(&entity)?;
                let alias = entity.aliases.iter_mut().find(|it| it.id == alias);
                if let Some(alias) = alias.filter(|it| it.metadata.as_ref() != self.metadata()) {
                    alias.metadata = self.metadata().cloned();
                    alias.updated = now;
                    draft.put_entity(entity.clone());
                }
                entity
            }
            None => {
                let mut entity = Entity::new(None, now);
                let mut alias = Alias::new(self.name.clone(), accessor.to_owned(), now);
                alias.metadata = self.metadata().cloned();
                entity.aliases.push(alias);
                draft.put_entity(entity.clone());
                entity
            }
        };
        let (joined, left) = self.moves(draft.now(), accessor, &entity.id);
        for group in joined {
            let mut group = (*group).clone();
            group.member_entities.push(entity.id.clone());
            moved(draft, group, now);
        }
        for group in left {
            let mut group = (*group).clone();
            group.member_entities.retain(|member| *member != entity.id);
            moved(draft, group, now);
        }
        Ok(entity.id)
    }

    /// Tells which external groups the entity joins and which it leaves.
    fn moves(
        &self,
        snapshot: &Snapshot,
        accessor: &str,
        entity: &str,
    ) -> (Vec<Arc<Group>>, Vec<Arc<Group>>) {
        let named = self.groups.iter();
        let named = named.filter_map(|name| snapshot.group_alias_named(accessor, name));
        let mut wanted: Vec<Arc<Group>> = Vec::new();
        for group in named {
            if !wanted.iter().any(|it| it.id == group.id) {
                wanted.push(Arc::clone(group));
            }
        }
        let is_of_door = |group: &Arc<Group>| {
            group.kind == GroupKind::External
                && group
                    .alias
                    .as_ref()
                    .is_some_and(|alias| alias.mount_accessor == accessor)
        };
        let mut left = snapshot.direct_groups(entity);
        left.retain(|group| is_of_door(group) && !wanted.iter().any(|it| it.id == group.id));
        wanted.retain(|group| !group.member_entities.iter().any(|member| member == entity));
        (wanted, left)
    }
}

fn moved(draft: &mut Draft, mut group: Group, now: Timestamp) {
    group.modify_index += 1;
    group.updated = now;
    draft.put_group(group);
}

fn refuse_disabled(entity: &Entity) -> Result<(), Error> {
    match entity.disabled {
        true => Err(Error::permission_denied()),
        false => Ok(()),
    }
}
