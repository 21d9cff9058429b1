//! `identity/group`: made, changed, read, listed and removed.

use std::sync::Arc;

use keyward_api::identity::{
    DeleteGroup, DeleteGroupByName, GroupInfo, GroupKey, GroupKeys, GroupWritten, ListGroupNames,
    ListGroups, Names, ReadGroup, ReadGroupByName, WriteGroup, WriteGroupById, WriteGroupByName,
};

use super::{
    super::{Draft, Group, GroupKind, Snapshot, check_metadata},
    Identities, given, named, policies,
    show::{self, Places},
};
use crate::{Error, Response, Timestamp, engine::Context};

/// Makes a group, or changes the one with the id or name.
pub(super) async fn write(
    cx: Context<Identities>,
    request: WriteGroup,
) -> Result<Response<GroupWritten>, Error> {
    let is_empty = |text: &Option<String>| text.as_deref() == Some("");
    for (text, what) in [(&request.id, "ID"), (&request.name, "name")] {
        if is_empty(text) {
            return Err(Error::Invalid(format!("empty group {what}")));
        }
    }
    let now = cx.now();
    let made = cx.store.change(cx.view(), |draft| put(draft, request, now));
    Ok(match made.await? {
        None => Response::empty(),
        Some(Group { id, name, .. }) => Response::data(GroupWritten { id, name }),
    })
}

/// Changes the group with an id.
pub(super) async fn write_by_id(
    cx: Context<Identities>,
    WriteGroupById(request): WriteGroupById,
) -> Result<Response<GroupWritten>, Error> {
    write(cx, request).await
}

/// Makes or changes the group with a name.
pub(super) async fn write_by_name(
    cx: Context<Identities>,
    WriteGroupByName(request): WriteGroupByName,
) -> Result<Response<GroupWritten>, Error> {
    let request = WriteGroup {
        id: None,
        name: named(request.name)?,
        ..request
    };
    write(cx, request).await
}

/// Writes what is asked for; returns a group that was made.
fn put(draft: &mut Draft, request: WriteGroup, now: Timestamp) -> Result<Option<Group>, Error> {
    let name = given(request.name);
    let known = match given(request.id) {
        Some(id) => Some(
            draft
                .now()
                .group(&id)
                .ok_or_else(|| Error::invalid("invalid group ID"))?,
        ),
        None => name
            .as_deref()
            .and_then(|name| draft.now().group_named(name)),
    };
    let known = known.map(|group| (**group).clone());
    let kind = match given(request.kind) {
        None => known.as_ref().map_or(GroupKind::Internal, |it| it.kind),
        Some(kind) => GroupKind::parse(&kind)
            .ok_or_else(|| Error::Invalid(format!("invalid group type {kind:?}")))?,
    };
    let is_new = known.is_none();
    let mut group = known.unwrap_or_else(|| Group::new(name.clone(), kind, now));
    if group.kind != kind {
        return Err(Error::invalid("group type cannot be changed"));
    }
    if let Some(name) = name {
        let other = draft.now().group_named(&name);
        if other.is_some_and(|other| other.id != group.id) {
            return Err(Error::invalid("group name is already in use"));
        }
        group.name = name;
    }
    if let Some(names) = &request.policies {
        group.policies = policies(names)?;
    }
    if let Some(metadata) = request.metadata {
        check_metadata("group", &metadata)?;
        group.metadata = Some(metadata);
    }
    if let Some(members) = request.member_entity_ids {
        group.member_entities = entities(&group, members, draft.now())?;
    }
    if let Some(members) = request.member_group_ids {
        group.member_groups = groups(&group, members, draft.now())?;
    }
    group.modify_index += 1;
    group.updated = now;
    draft.put_group(group.clone());
    Ok(is_new.then_some(group))
}

/// Checks the entities that shall be members.
fn entities(group: &Group, asked: Vec<String>, now: &Snapshot) -> Result<Vec<String>, Error> {
    if group.kind == GroupKind::External {
        return Err(Error::invalid(
            "member entities can't be set manually for external groups",
        ));
    }
    let mut members: Vec<String> = Vec::new();
    for id in asked {
        if now.entity(&id).is_none() {
            return Err(Error::fault(&format!("invalid entity ID {id:?}")));
        }
        if !members.contains(&id) {
            members.push(id);
        }
    }
    Ok(members)
}

/// Checks the groups that shall be members: each exists, and none leads back to this one.
fn groups(group: &Group, asked: Vec<String>, now: &Snapshot) -> Result<Vec<String>, Error> {
    if group.kind == GroupKind::External {
        return Err(Error::invalid(
            "member groups can't be set for external groups",
        ));
    }
    let above: Vec<Arc<Group>> = match now.group(&group.id) {
        Some(known) => now.ancestors(&[Arc::clone(known)]),
        None => Vec::new(),
    };
    let mut members: Vec<String> = Vec::new();
    for id in asked {
        if id == group.id {
            return Err(Error::fault(&format!(
                "member group ID {id:?} is same as the ID of the group"
            )));
        }
        if now.group(&id).is_none() {
            return Err(Error::fault(&format!("invalid member group ID {id:?}")));
        }
        if above.iter().any(|above| above.id == id) {
            return Err(Error::Invalid(format!(
                "cyclic relationship detected for member group ID {id:?}"
            )));
        }
        if !members.contains(&id) {
            members.push(id);
        }
    }
    Ok(members)
}

/// Reads a group by its id.
pub(super) async fn read(
    cx: Context<Identities>,
    request: ReadGroup,
) -> Result<Response<GroupInfo>, Error> {
    let snapshot = cx.store.now();
    let group = snapshot.group(&request.id).ok_or_else(Error::not_found)?;
    Ok(Response::data(show::group(
        group,
        &snapshot,
        &Places::of(&cx),
    )))
}

/// Reads a group by its name.
pub(super) async fn read_by_name(
    cx: Context<Identities>,
    request: ReadGroupByName,
) -> Result<Response<GroupInfo>, Error> {
    let name = named(Some(request.name))?.unwrap_or_default();
    let snapshot = cx.store.now();
    let group = snapshot.group_named(&name).ok_or_else(Error::not_found)?;
    Ok(Response::data(show::group(
        group,
        &snapshot,
        &Places::of(&cx),
    )))
}

/// Removes a group by its id.
pub(super) async fn delete(
    cx: Context<Identities>,
    request: DeleteGroup,
) -> Result<Response<()>, Error> {
    remove(&cx, |now| now.group(&request.id)).await
}

/// Removes a group by its name.
pub(super) async fn delete_by_name(
    cx: Context<Identities>,
    request: DeleteGroupByName,
) -> Result<Response<()>, Error> {
    let name = named(Some(request.name))?.unwrap_or_default();
    remove(&cx, |now| now.group_named(&name)).await
}

async fn remove(
    cx: &Context<Identities>,
    find: impl FnOnce(&Snapshot) -> Option<&Arc<Group>>,
) -> Result<Response<()>, Error> {
    let remove = |draft: &mut Draft| {
        if let Some(group) = find(draft.now()).cloned() {
            draft.remove_group(&group.id);
        }
        Ok(())
    };
    cx.store.change(cx.view(), remove).await?;
    Ok(Response::empty())
}

/// Lists the ids of all groups.
pub(super) async fn list(
    cx: Context<Identities>,
    _: ListGroups,
) -> Result<Response<GroupKeys>, Error> {
    let (snapshot, places) = (cx.store.now(), Places::of(&cx));
    let key = |group: &Group| GroupKey {
        alias: group
            .alias
            .as_ref()
            .map(|alias| show::key_alias(alias, &places)),
        name: group.name.clone(),
        num_member_entities: group.member_entities.len() as u64,
        num_parent_groups: snapshot.parents(&group.id).len() as u64,
    };
    let keys: Vec<_> = snapshot.groups().map(|it| it.id.clone()).collect();
    let key_info = snapshot.groups().map(|it| (it.id.clone(), key(it)));
    match keys.is_empty() {
        true => Err(Error::not_found()),
        false => Ok(Response::data(GroupKeys {
            key_info: key_info.collect(),
            keys,
        })),
    }
}

/// Lists the names of all groups.
pub(super) async fn list_names(
    cx: Context<Identities>,
    _: ListGroupNames,
) -> Result<Response<Names>, Error> {
    let snapshot = cx.store.now();
    let mut keys: Vec<_> = snapshot.groups().map(|it| it.name.clone()).collect();
    keys.sort_unstable();
    match keys.is_empty() {
        true => Err(Error::not_found()),
        false => Ok(Response::data(Names { keys })),
    }
}
