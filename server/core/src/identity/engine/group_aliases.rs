//! `identity/group-alias`: the names of external groups at auth methods.

use keyward_api::{
    ROOT_NAMESPACE_ID,
    identity::{
        AliasInfo, AliasKeys, AliasWritten, DeleteGroupAlias, ListGroupAliases, ReadGroupAlias,
        WriteGroupAlias, WriteGroupAliasById,
    },
};

use super::{
    super::{Alias, Draft, Group, GroupKind},
    Identities, aliases, given,
    show::{self, Places},
};
use crate::{Error, Response, Timestamp, engine::Context};

/// Gives a group its name at an auth method, or changes the alias with the id.
pub(super) async fn write(
    cx: Context<Identities>,
    request: WriteGroupAlias,
) -> Result<Response<AliasWritten>, Error> {
    let (now, places) = (cx.now(), Places::of(&cx));
    let change = |draft: &mut Draft| put(draft, request, &places, now);
    let written = cx.store.change(cx.view(), change).await?;
    Ok(Response::data(written))
}

/// Changes the alias with an id.
pub(super) async fn write_by_id(
    cx: Context<Identities>,
    WriteGroupAliasById(request): WriteGroupAliasById,
) -> Result<Response<AliasWritten>, Error> {
    write(cx, request).await
}

fn put(
    draft: &mut Draft,
    request: WriteGroupAlias,
    places: &Places,
    now: Timestamp,
) -> Result<AliasWritten, Error> {
    let known = match given(request.id) {
        None => None,
        Some(id) => {
            let group = draft.now().group_of_alias(&id);
            let group = group.ok_or_else(|| Error::invalid("invalid group alias ID"))?;
            Some((**group).clone())
        }
    };
    let name = given(request.name).ok_or_else(|| Error::invalid("missing alias name"))?;
    let accessor = given(request.mount_accessor);
    let accessor = accessor.ok_or_else(|| Error::invalid("missing mount_accessor"))?;
    if !places.knows(&accessor) {
        return Err(Error::Invalid(format!(
            "invalid mount accessor {accessor:?}"
        )));
    }
    let group = match given(request.canonical_id) {
        Some(id) => {
            let group = draft.now().group(&id);
            let fault = || Error::invalid("invalid group ID given in 'canonical_id'");
            (**group.ok_or_else(fault)?).clone()
        }
        None => match &known {
            Some(group) => group.clone(),
            None => Group::new(None, GroupKind::External, now),
        },
    };
    if group.kind == GroupKind::Internal {
        return Err(Error::invalid("alias can't be set on an internal group"));
    }
    let old = known.as_ref().and_then(|group| group.alias.clone());
    let namesake = draft.now().group_alias_named(&accessor, &name);
    let is_own =
        namesake.and_then(|it| it.alias.as_ref()).map(|it| &it.id) == old.as_ref().map(|it| &it.id);
    if namesake.is_some() && !is_own {
        return Err(Error::invalid(
            "combination of mount and group alias name is already in use",
        ));
    }
    let alias = match old {
        Some(old) => Alias {
            name,
            mount_accessor: accessor,
            updated: now,
            ..old
        },
        None => Alias::new(name, accessor, now),
    };
    let written = AliasWritten {
        canonical_id: group.id.clone(),
        id: alias.id.clone(),
    };
    if let Some(left) = known.filter(|known| known.id != group.id) {
        store(draft, left, None, now);
    }
    store(draft, group, Some(alias), now);
    Ok(written)
}

fn store(draft: &mut Draft, group: Group, alias: Option<Alias>, now: Timestamp) {
    draft.put_group(Group {
        alias,
        modify_index: group.modify_index + 1,
        updated: now,
        ..group
    });
}

/// Reads the alias of a group.
pub(super) async fn read(
    cx: Context<Identities>,
    request: ReadGroupAlias,
) -> Result<Response<AliasInfo>, Error> {
    let snapshot = cx.store.now();
    let group = snapshot.group_of_alias(&request.id);
    let group = group.ok_or_else(Error::not_found)?;
    let alias = group.alias.as_ref().ok_or_else(Error::not_found)?;
    Ok(Response::data(AliasInfo {
        namespace_id: Some(ROOT_NAMESPACE_ID.to_owned()),
        ..show::alias(alias, &group.id, &Places::of(&cx))
    }))
}

/// Removes the alias of a group.
pub(super) async fn delete(
    cx: Context<Identities>,
    request: DeleteGroupAlias,
) -> Result<Response<()>, Error> {
    let now = cx.now();
    let remove = |draft: &mut Draft| {
        let group = draft.now().group_of_alias(&request.id);
        if let Some(group) = group.map(|group| (**group).clone()) {
            store(draft, group, None, now);
        }
        Ok(())
    };
    cx.store.change(cx.view(), remove).await?;
    Ok(Response::empty())
}

/// Lists the ids of all aliases of groups.
pub(super) async fn list(
    cx: Context<Identities>,
    _: ListGroupAliases,
) -> Result<Response<AliasKeys>, Error> {
    let (snapshot, places) = (cx.store.now(), Places::of(&cx));
    let named = snapshot.groups().filter_map(|group| {
        let alias = group.alias.as_ref()?;
        let key = show::alias_key(alias, &group.id, &places);
        Some((alias.id.clone(), key))
    });
    aliases::keys(named.collect())
}
