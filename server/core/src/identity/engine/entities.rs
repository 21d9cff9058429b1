//! `identity/entity`: made, changed, read, listed and removed.

use keyward_api::{
    Operation,
    identity::{
        BatchDeleteEntities, DeleteEntity, DeleteEntityByName, EntityInfo, EntityKey, EntityKeys,
        EntityWritten, ListEntities, ListEntityNames, Names, ReadEntity, ReadEntityByName,
        WriteEntity, WriteEntityById, WriteEntityByName,
    },
};

use super::{
    super::{Draft, Entity, Snapshot, check_metadata},
    Identities, given, named, policies,
    show::{self, Places},
};
use crate::{Denial, Error, Response, Timestamp, engine::Context};

/// Makes an entity, or changes the one with the id or name.
pub(super) async fn write(
    cx: Context<Identities>,
    request: WriteEntity,
) -> Result<Response<EntityWritten>, Error> {
    write_if(&cx, request, |_, _| true).await
}

/// Writes what is asked for, if the caller may change the entity with the id in the request.
async fn write_if(
    cx: &Context<Identities>,
    request: WriteEntity,
    may_change: impl Fn(&Snapshot, &str) -> bool,
) -> Result<Response<EntityWritten>, Error> {
    let now = cx.now();
    let made = cx.store.change(cx.view(), |draft| {
        let id = given(request.id.clone());
        if id.is_some_and(|id| !may_change(draft.now(), &id)) {
            return Err(Error::Denied(Denial::Policy));
        }
        put(draft, request, now)
    });
    Ok(match made.await? {
        None => Response::empty(),
        Some(Entity { id, name, .. }) => Response::data(EntityWritten {
            aliases: None,
            id,
            name,
        }),
    })
}

/// Changes the entity with an id.
pub(super) async fn write_by_id(
    cx: Context<Identities>,
    WriteEntityById(request): WriteEntityById,
) -> Result<Response<EntityWritten>, Error> {
    write(cx, request).await
}

/// Makes or changes the entity with a name, or gives the name to the one with the id in the body, if
/// the caller may change that one too: a rule for one name must not open all entities.
pub(super) async fn write_by_name(
    cx: Context<Identities>,
    WriteEntityByName(request): WriteEntityByName,
) -> Result<Response<EntityWritten>, Error> {
    let name = named(request.name)?;
    let permits = |id: &str| cx.permits(Operation::Update, &format!("entity/id/{id}"));
    let may_change = |now: &Snapshot, id: &str| {
        let named = name.as_deref().and_then(|name| now.entity_named(name));
        named.is_some_and(|entity| entity.id == id) || permits(id)
    };
    let request = WriteEntity {
        name: name.clone(),
        ..request
    };
    write_if(&cx, request, may_change).await
}

/// Writes what is asked for; returns an entity that was made.
fn put(draft: &mut Draft, request: WriteEntity, now: Timestamp) -> Result<Option<Entity>, Error> {
    let name = given(request.name);
    let known = match given(request.id) {
        Some(id) => Some(
            draft
                .now()
                .entity(&id)
                .ok_or_else(|| Error::invalid("entity not found from id"))?,
        ),
        None => name
            .as_deref()
            .and_then(|name| draft.now().entity_named(name)),
    };
    let is_new = known.is_none();
    let mut entity = match known {
        Some(entity) => (**entity).clone(),
        None => Entity::new(name.clone(), now),
    };
    if let Some(name) = name {
        let other = draft.now().entity_named(&name);
        if other.is_some_and(|other| other.id != entity.id) {
            return Err(Error::invalid("entity name is already in use"));
        }
        entity.name = name;
    }
    if let Some(names) = &request.policies {
        entity.policies = policies(names)?;
    }
    if let Some(disabled) = request.disabled {
        entity.disabled = disabled;
    }
    if let Some(metadata) = request.metadata {
        check_metadata("entity", &metadata)?;
        entity.metadata = Some(metadata);
    }
    entity.updated = now;
    draft.put_entity(entity.clone());
    Ok(is_new.then_some(entity))
}

/// Reads an entity by its id.
pub(super) async fn read(
    cx: Context<Identities>,
    request: ReadEntity,
) -> Result<Response<EntityInfo>, Error> {
    let snapshot = cx.store.now();
    let entity = snapshot.entity(&request.id).ok_or_else(Error::not_found)?;
    Ok(Response::data(show::entity(
        entity,
        &snapshot,
        &Places::of(&cx),
    )))
}

/// Reads an entity by its name.
pub(super) async fn read_by_name(
    cx: Context<Identities>,
    request: ReadEntityByName,
) -> Result<Response<EntityInfo>, Error> {
    let name = named(Some(request.name))?.unwrap_or_default();
    let snapshot = cx.store.now();
    let entity = snapshot.entity_named(&name).ok_or_else(Error::not_found)?;
    Ok(Response::data(show::entity(
        entity,
        &snapshot,
        &Places::of(&cx),
    )))
}

/// Removes an entity by its id.
pub(super) async fn delete(
    cx: Context<Identities>,
    request: DeleteEntity,
) -> Result<Response<()>, Error> {
    remove(&cx, &[request.id]).await
}

/// Removes an entity by its name.
pub(super) async fn delete_by_name(
    cx: Context<Identities>,
    request: DeleteEntityByName,
) -> Result<Response<()>, Error> {
    let name = named(Some(request.name))?.unwrap_or_default();
    let snapshot = cx.store.now();
    match snapshot.entity_named(&name) {
        Some(entity) => remove(&cx, std::slice::from_ref(&entity.id)).await,
        None => Ok(Response::empty()),
    }
}

/// Removes entities, all or none.
pub(super) async fn delete_batch(
    cx: Context<Identities>,
    request: BatchDeleteEntities,
) -> Result<Response<()>, Error> {
    let ids = request.entity_ids.filter(|ids| !ids.is_empty());
    let ids = ids.ok_or_else(|| Error::invalid("missing entity ids to delete"))?;
    remove(&cx, &ids).await
}

async fn remove(cx: &Context<Identities>, ids: &[String]) -> Result<Response<()>, Error> {
    let remove = |draft: &mut Draft| {
        for id in ids {
            if draft.now().entity(id).is_some() {
                draft.remove_entity(id);
                for secret in cx.mfa.secrets_of(id) {
                    draft.erase(secret);
                }
            }
        }
        Ok(())
    };
    cx.store.change(cx.view(), remove).await?;
    Ok(Response::empty())
}

/// Lists the ids of all entities.
pub(super) async fn list(
    cx: Context<Identities>,
    _: ListEntities,
) -> Result<Response<EntityKeys>, Error> {
    let (snapshot, places) = (cx.store.now(), Places::of(&cx));
    let key = |entity: &Entity| EntityKey {
        aliases: entity
            .aliases
            .iter()
            .map(|alias| show::key_alias(alias, &places))
            .collect(),
        name: entity.name.clone(),
    };
    let keys: Vec<_> = snapshot.entities().map(|it| it.id.clone()).collect();
    let key_info = snapshot.entities().map(|it| (it.id.clone(), key(it)));
    match keys.is_empty() {
        true => Err(Error::not_found()),
        false => Ok(Response::data(EntityKeys {
            key_info: key_info.collect(),
            keys,
        })),
    }
}

/// Lists the names of all entities.
pub(super) async fn list_names(
    cx: Context<Identities>,
    _: ListEntityNames,
) -> Result<Response<Names>, Error> {
    let snapshot = cx.store.now();
    let mut keys: Vec<_> = snapshot.entities().map(|it| it.name.clone()).collect();
    keys.sort_unstable();
    match keys.is_empty() {
        true => Err(Error::not_found()),
        false => Ok(Response::data(Names { keys })),
    }
}
