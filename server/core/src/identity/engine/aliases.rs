//! `identity/entity-alias`: the names of entities at auth methods.

use std::collections::BTreeMap;

use keyward_api::{
    ROOT_NAMESPACE_ID,
    identity::{
        AliasInfo, AliasKey, AliasKeys, AliasWritten, DeleteEntityAlias, DeletePersona,
        ListEntityAliases, ListPersonas, ReadEntityAlias, ReadPersona, WriteEntityAlias,
        WriteEntityAliasById, WritePersona, WritePersonaById,
    },
};

use super::{
    super::{Alias, Draft, Entity, entity::check_custom_metadata},
    Identities, given,
    show::{self, Places},
};
use crate::{Error, Response, Timestamp, engine::Context};

/// Makes an alias, or changes the one with the id, or with the name at the auth method.
pub(super) async fn write(
    cx: Context<Identities>,
    request: WriteEntityAlias,
) -> Result<Response<AliasWritten>, Error> {
    let (now, places) = (cx.now(), Places::of(&cx));
    let change = |draft: &mut Draft| put(draft, request, &places, now);
    let written = cx.store.change(cx.view(), change).await?;
    Ok(Response::data(written))
}

/// Changes the alias with an id.
pub(super) async fn write_by_id(
    cx: Context<Identities>,
    WriteEntityAliasById(request): WriteEntityAliasById,
) -> Result<Response<AliasWritten>, Error> {
    write(cx, request).await
}

/// Makes or changes an alias under the older path.
pub(super) async fn write_old(
    cx: Context<Identities>,
    WritePersona(request): WritePersona,
) -> Result<Response<AliasWritten>, Error> {
    write(cx, request).await
}

/// Changes the alias with an id under the older path.
pub(super) async fn write_old_by_id(
    cx: Context<Identities>,
    WritePersonaById(request): WritePersonaById,
) -> Result<Response<AliasWritten>, Error> {
    write(cx, request).await
}

fn put(
    draft: &mut Draft,
    request: WriteEntityAlias,
    places: &Places,
    now: Timestamp,
) -> Result<AliasWritten, Error> {
    let (name, accessor) = (given(request.name), given(request.mount_accessor));
    let owner = given(request.canonical_id).or_else(|| given(request.entity_id));
    let custom = request.custom_metadata;
    if let Some(custom) = &custom {
        check_custom_metadata(custom)?;
    }
    let (known, name, accessor) = match given(request.id) {
        Some(id) => {
            let found = draft.now().alias(&id);
            let (entity, alias) =
                found.ok_or_else(|| Error::invalid("invalid alias ID provided"))?;
            let name = name.unwrap_or_else(|| alias.name.clone());
            let accessor = accessor.unwrap_or_else(|| alias.mount_accessor.clone());
            (Some(((**entity).clone(), alias.clone())), name, accessor)
        }
        None => {
            let (Some(name), Some(accessor)) = (name, accessor) else {
                return Err(Error::invalid(
                    "'id' or 'mount_accessor' and 'name' must be provided",
                ));
            };
            let found = draft.now().alias_named(&accessor, &name);
            let known = found.map(|(entity, alias)| ((**entity).clone(), alias.clone()));
            (known, name, accessor)
        }
    };
    if !places.knows(&accessor) {
        return Err(Error::Invalid(format!(
            "invalid mount accessor {accessor:?}"
        )));
    }
    let target = match &owner {
        None => None,
        Some(id) => {
            let entity = draft.now().entity(id);
            let entity = entity.ok_or_else(|| {
                Error::invalid(match known {
                    None => "invalid canonical ID",
                    Some(_) => "given 'canonical_id' is not associated with an entity",
                })
            })?;
            Some((**entity).clone())
        }
    };
    match known {
        None => Ok(create(draft, target, name, accessor, custom, now)?),
        Some((entity, alias)) => {
            let alias = Alias {
                name,
                mount_accessor: accessor,
                custom_metadata: custom.or(alias.custom_metadata),
                updated: now,
                ..alias
            };
            update(draft, entity, target, alias)
        }
    }
}

fn create(
    draft: &mut Draft,
    target: Option<Entity>,
    name: String,
    accessor: String,
    custom: Option<BTreeMap<String, String>>,
    now: Timestamp,
) -> Result<AliasWritten, Error> {
    let mut entity = target.unwrap_or_else(|| Entity::new(None, now));
    refuse_second(&entity, &accessor, "")?;
    let mut alias = Alias::new(name, accessor, now);
    alias.custom_metadata = custom;
    let written = written(&entity, &alias);
    entity.aliases.push(alias);
    draft.put_entity(entity);
    Ok(written)
}

/// Puts an alias in the place of what it was, and moves it to another entity if that is asked.
fn update(
    draft: &mut Draft,
    mut entity: Entity,
    target: Option<Entity>,
    alias: Alias,
) -> Result<AliasWritten, Error> {
    let namesake = draft.now().alias_named(&alias.mount_accessor, &alias.name);
    if namesake.is_some_and(|(_, other)| other.id != alias.id) {
        return Err(Error::invalid(
            "alias with combination of mount accessor and name already exists",
        ));
    }
    match target.filter(|target| target.id != entity.id) {
        Some(mut target) => {
            refuse_second(&target, &alias.mount_accessor, &alias.id)?;
            let written = written(&target, &alias);
            entity.aliases.retain(|it| it.id != alias.id);
            target.aliases.push(alias);
            draft.put_entity(entity);
            draft.put_entity(target);
            Ok(written)
        }
        None => {
            refuse_second(&entity, &alias.mount_accessor, &alias.id)?;
            let written = written(&entity, &alias);
            if let Some(place) = entity.aliases.iter_mut().find(|it| it.id == alias.id) {
                *place = alias;
            }
            draft.put_entity(entity);
            Ok(written)
        }
    }
}

/// Refuses a second name of an entity at one auth method: who logs in there is one.
fn refuse_second(entity: &Entity, accessor: &str, alias: &str) -> Result<(), Error> {
    let mut others = entity.aliases.iter().filter(|other| other.id != alias);
    if others.any(|other| other.mount_accessor == accessor) {
        return Err(Error::invalid(
            "Alias already exists for requested entity and mount accessor",
        ));
    }
    Ok(())
}

fn written(entity: &Entity, alias: &Alias) -> AliasWritten {
    AliasWritten {
        canonical_id: entity.id.clone(),
        id: alias.id.clone(),
    }
}

/// Reads an alias.
pub(super) async fn read(
    cx: Context<Identities>,
    request: ReadEntityAlias,
) -> Result<Response<AliasInfo>, Error> {
    let snapshot = cx.store.now();
    let (entity, alias) = snapshot.alias(&request.id).ok_or_else(Error::not_found)?;
    Ok(Response::data(AliasInfo {
        namespace_id: Some(ROOT_NAMESPACE_ID.to_owned()),
        ..show::alias(alias, &entity.id, &Places::of(&cx))
    }))
}

/// Reads an alias under the older path.
pub(super) async fn read_old(
    cx: Context<Identities>,
    ReadPersona { id }: ReadPersona,
) -> Result<Response<AliasInfo>, Error> {
    read(cx, ReadEntityAlias { id }).await
}

/// Removes an alias under the older path.
pub(super) async fn delete_old(
    cx: Context<Identities>,
    DeletePersona { id }: DeletePersona,
) -> Result<Response<()>, Error> {
    delete(cx, DeleteEntityAlias { id }).await
}

/// Removes an alias.
pub(super) async fn delete(
    cx: Context<Identities>,
    request: DeleteEntityAlias,
) -> Result<Response<()>, Error> {
    let now = cx.now();
    let remove = |draft: &mut Draft| {
        let found = draft.now().alias(&request.id);
        if let Some(mut entity) = found.map(|(entity, _)| (**entity).clone()) {
            entity.aliases.retain(|alias| alias.id != request.id);
            entity.updated = now;
            draft.put_entity(entity);
        }
        Ok(())
    };
    cx.store.change(cx.view(), remove).await?;
    Ok(Response::empty())
}

/// Lists the ids of all aliases.
pub(super) async fn list(
    cx: Context<Identities>,
    _: ListEntityAliases,
) -> Result<Response<AliasKeys>, Error> {
    let (snapshot, places) = (cx.store.now(), Places::of(&cx));
    let aliases = snapshot.entities().flat_map(|entity| {
        let key = |alias: &Alias| show::alias_key(alias, &entity.id, &places);
        entity
            .aliases
            .iter()
            .map(move |alias| (alias.id.clone(), key(alias)))
    });
    keys(aliases.collect())
}

/// Lists them under the older path.
pub(super) async fn list_old(
    cx: Context<Identities>,
    _: ListPersonas,
) -> Result<Response<AliasKeys>, Error> {
    list(cx, ListEntityAliases {}).await
}

pub(super) fn keys(key_info: BTreeMap<String, AliasKey>) -> Result<Response<AliasKeys>, Error> {
    let keys: Vec<_> = key_info.keys().cloned().collect();
    match keys.is_empty() {
        true => Err(Error::not_found()),
        false => Ok(Response::data(AliasKeys { key_info, keys })),
    }
}
