//! All entities and groups of one moment, found by everything that names them.

use std::{collections::BTreeMap, sync::Arc};

use super::{Alias, Entity, Group, table::Table};
use crate::{Error, barrier::Change, json};

/// All entities and groups of one moment.
///
/// **Invariant:** names, aliases, members and parents are those of the entities and groups within:
/// [`Draft`] alone changes them, together.
#[derive(Clone, Default)]
pub(super) struct Snapshot {
    entities: Table<Arc<Entity>>,
    /// By the name in lower case: the id.
    entity_names: Table<Arc<str>>,
    /// By the id of an entity that was merged: the id of the one that it was merged into.
    merged: Table<Arc<str>>,
    /// By the id of an alias: that of its entity.
    aliases: Table<Arc<str>>,
    /// By auth method and name of an alias: the id of its entity.
    alias_names: Table<Arc<str>>,
    groups: Table<Arc<Group>>,
    group_names: Table<Arc<str>>,
    group_aliases: Table<Arc<str>>,
    group_alias_names: Table<Arc<str>>,
    /// By the id of an entity: the ids of the groups that list it, in order.
    memberships: Table<Vec<Arc<str>>>,
    /// By the id of a group: the ids of the groups that list it, in order.
    parents: Table<Vec<Arc<str>>>,
    /// How often a group was changed: what is known of the groups of an entity is true for one.
    pub(super) group_changes: u64,
}

/// What an alias is found by: its auth method and its name, in any case.
fn alias_name(accessor: &str, name: &str) -> String {
    format!("{accessor}\0{}", name.to_lowercase())
}

impl Snapshot {
    /// Finds an entity by its id. The id of one that was merged leads to none: who removes or
    /// changes what is gone must not hit the one that is left.
    pub(super) fn entity(&self, id: &str) -> Option<&Arc<Entity>> {
        self.entities.get(id)
    }

    /// Finds the entity that a token speaks for: the one of its id, or the one that this was merged
    /// into.
    pub(super) fn entity_of_token(&self, id: &str) -> Option<&Arc<Entity>> {
        self.entity(id)
            .or_else(|| self.entity(self.merged.get(id)?))
    }

    /// Finds an entity by its name, in any case.
    pub(super) fn entity_named(&self, name: &str) -> Option<&Arc<Entity>> {
        self.entities
            .get(self.entity_names.get(&name.to_lowercase())?)
    }

    /// Finds an alias of an entity, with the entity.
    pub(super) fn alias(&self, id: &str) -> Option<(&Arc<Entity>, &Alias)> {
        let entity = self.entities.get(self.aliases.get(id)?)?;
        let alias = entity.aliases.iter().find(|alias| alias.id == id)?;
        Some((entity, alias))
    }

    /// Finds an alias of an entity by its auth method and name, with the entity.
    pub(super) fn alias_named(&self, accessor: &str, name: &str) -> Option<(&Arc<Entity>, &Alias)> {
        let entity = self
            .entities
            .get(self.alias_names.get(&alias_name(accessor, name))?)?;
        let lower = name.to_lowercase();
        let mut aliases = entity.aliases.iter();
        let alias = aliases
            .find(|alias| alias.mount_accessor == accessor && alias.name.to_lowercase() == lower)?;
        Some((entity, alias))
    }

    /// Returns all entities, in the order of their ids.
    pub(super) fn entities(&self) -> impl Iterator<Item = &Arc<Entity>> {
        self.entities.sorted().into_iter().map(|(_, entity)| entity)
    }

    pub(super) fn group(&self, id: &str) -> Option<&Arc<Group>> {
        self.groups.get(id)
    }

    /// Finds a group by its name, in any case.
    pub(super) fn group_named(&self, name: &str) -> Option<&Arc<Group>> {
        self.groups.get(self.group_names.get(&name.to_lowercase())?)
    }

    /// Finds the group of an alias.
    pub(super) fn group_of_alias(&self, id: &str) -> Option<&Arc<Group>> {
        self.groups.get(self.group_aliases.get(id)?)
    }

    /// Finds the group that has a name at an auth method.
    pub(super) fn group_alias_named(&self, accessor: &str, name: &str) -> Option<&Arc<Group>> {
        let id = self.group_alias_names.get(&alias_name(accessor, name))?;
        self.groups.get(id)
    }

    /// Returns all groups, in the order of their ids.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.sorted().into_iter().map(|(_, group)| group)
    }

    /// Returns the groups that list an entity, in the order of their ids.
    pub(super) fn direct_groups(&self, entity: &str) -> Vec<Arc<Group>> {
        self.found(self.memberships.get(entity))
    }

    /// Returns the groups that list a group, in the order of their ids.
    pub(super) fn parents(&self, group: &str) -> Vec<Arc<Group>> {
        self.found(self.parents.get(group))
    }

    /// Returns the groups that these are members of, however far up, without these themselves.
    pub(super) fn ancestors(&self, groups: &[Arc<Group>]) -> Vec<Arc<Group>> {
        let mut above: Vec<Arc<Group>> = Vec::new();
        let mut next = groups.to_vec();
        while let Some(group) = next.pop() {
            for parent in self.parents(&group.id) {
                let known = groups.iter().chain(&above).any(|it| it.id == parent.id);
                if !known {
                    above.push(Arc::clone(&parent));
                    next.push(parent);
                }
            }
        }
        above
    }

    fn found(&self, ids: Option<&Vec<Arc<str>>>) -> Vec<Arc<Group>> {
        let ids = ids.map_or(&[][..], Vec::as_slice);
        let groups = ids.iter().filter_map(|id| self.groups.get(id));
        groups.cloned().collect()
    }
}

/// A snapshot that is being changed, with what is to be stored of it.
pub(super) struct Draft {
    snapshot: Snapshot,
    /// By storage key: what shall stand there.
    stored: BTreeMap<String, Stored>,
}

enum Stored {
    Entity(Arc<Entity>),
    Group(Arc<Group>),
    Nothing,
    Other(Change),
}

pub(super) const ENTITIES: &str = "entity/";
pub(super) const GROUPS: &str = "group/";

impl Draft {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            snapshot: snapshot.clone(),
            stored: BTreeMap::new(),
        }
    }

    /// Returns it as it stands now.
    pub(super) const fn now(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Puts an entity in the place of the one with its id, or beside the others.
    pub(super) fn put_entity(&mut self, entity: Entity) {
        self.unlist_entity(&entity.id);
        let id: Arc<str> = entity.id.as_str().into();
        let it = &mut self.snapshot;
        it.entity_names
            .insert(&entity.name.to_lowercase(), Arc::clone(&id));
        for merged in &entity.merged {
            it.merged.insert(merged, Arc::clone(&id));
        }
        for alias in &entity.aliases {
            it.aliases.insert(&alias.id, Arc::clone(&id));
            let name = alias_name(&alias.mount_accessor, &alias.name);
            it.alias_names.insert(&name, Arc::clone(&id));
        }
        let entity = Arc::new(entity);
        it.entities.insert(&id, Arc::clone(&entity));
        let key = format!("{ENTITIES}{id}");
        self.stored.insert(key, Stored::Entity(entity));
    }

    /// Removes an entity, from its groups too.
    pub(super) fn remove_entity(&mut self, id: &str) {
        for group in self.snapshot.direct_groups(id) {
            let mut group = (*group).clone();
            group.member_entities.retain(|member| member != id);
            group.modify_index += 1;
            self.put_group(group);
        }
        self.unlist_entity(id);
        self.snapshot.entities.remove(id);
        self.stored
            .insert(format!("{ENTITIES}{id}"), Stored::Nothing);
    }

    /// Puts a group in the place of the one with its id, or beside the others.
    pub(super) fn put_group(&mut self, group: Group) {
        self.unlist_group(&group.id);
        let id: Arc<str> = group.id.as_str().into();
        let it = &mut self.snapshot;
        it.group_names
            .insert(&group.name.to_lowercase(), Arc::clone(&id));
        if let Some(alias) = &group.alias {
            it.group_aliases.insert(&alias.id, Arc::clone(&id));
            let name = alias_name(&alias.mount_accessor, &alias.name);
            it.group_alias_names.insert(&name, Arc::clone(&id));
        }
        for entity in &group.member_entities {
            list(&mut it.memberships, entity, &id);
        }
        for member in &group.member_groups {
            list(&mut it.parents, member, &id);
        }
        it.group_changes += 1;
        let group = Arc::new(group);
        it.groups.insert(&id, Arc::clone(&group));
        self.stored
            .insert(format!("{GROUPS}{id}"), Stored::Group(group));
    }

    /// Removes a group, from the groups that it is a member of too.
    pub(super) fn remove_group(&mut self, id: &str) {
        for parent in self.snapshot.parents(id) {
            let mut parent = (*parent).clone();
            parent.member_groups.retain(|member| member != id);
            parent.modify_index += 1;
            self.put_group(parent);
        }
        self.unlist_group(id);
        self.snapshot.groups.remove(id);
        self.snapshot.group_changes += 1;
        self.stored.insert(format!("{GROUPS}{id}"), Stored::Nothing);
    }

    /// Removes what else is kept of an entity that goes, with it.
    pub(super) fn erase(&mut self, key: String) {
        self.stored.insert(key, Stored::Nothing);
    }

    /// Changes what else is kept of an entity. It changes meanwhile without the entities, so that
    /// the change says what it expects.
    pub(super) fn also(&mut self, change: Change) {
        self.stored
            .insert(change.key.clone(), Stored::Other(change));
    }

    fn unlist_entity(&mut self, id: &str) {
        let it = &mut self.snapshot;
        let Some(old) = it.entities.get(id).cloned() else {
            return;
        };
        it.entity_names.remove(&old.name.to_lowercase());
        for merged in &old.merged {
            it.merged.remove(merged);
        }
        for alias in &old.aliases {
            it.aliases.remove(&alias.id);
            it.alias_names
                .remove(&alias_name(&alias.mount_accessor, &alias.name));
        }
    }

    fn unlist_group(&mut self, id: &str) {
        let it = &mut self.snapshot;
        let Some(old) = it.groups.get(id).cloned() else {
            return;
        };
        it.group_names.remove(&old.name.to_lowercase());
        if let Some(alias) = &old.alias {
            it.group_aliases.remove(&alias.id);
            it.group_alias_names
                .remove(&alias_name(&alias.mount_accessor, &alias.name));
        }
        for entity in &old.member_entities {
            unlist(&mut it.memberships, entity, id);
        }
        for member in &old.member_groups {
            unlist(&mut it.parents, member, id);
        }
    }

    /// Ends the change: the snapshot, and what is to be stored, all or nothing of it.
    ///
    /// # Errors
    /// A record refuses to serialize.
    pub(super) fn finish(self) -> Result<(Snapshot, Vec<Change>), Error> {
        let changes = self.stored.into_iter().map(|(key, stored)| match stored {
            Stored::Entity(entity) => Ok(Change::put(key, json::to_secret(&*entity)?)),
            Stored::Group(group) => Ok(Change::put(key, json::to_secret(&*group)?)),
            Stored::Nothing => Ok(Change::delete(key)),
            Stored::Other(change) => Ok(change),
        });
        let changes: Result<_, Error> = changes.collect();
        Ok((self.snapshot, changes?))
    }
}

fn list(table: &mut Table<Vec<Arc<str>>>, key: &str, id: &Arc<str>) {
    let mut ids = table.get(key).cloned().unwrap_or_default();
    if let Err(place) = ids.binary_search(id) {
        ids.insert(place, Arc::clone(id));
        table.insert(key, ids);
    }
}

fn unlist(table: &mut Table<Vec<Arc<str>>>, key: &str, id: &str) {
    let Some(mut ids) = table.get(key).cloned() else {
        return;
    };
    ids.retain(|known| **known != *id);
    if ids.is_empty() {
        table.remove(key);
    } else {
        table.insert(key, ids);
    }
}
