//! `identity/persona`: the names of entities at auth methods, under their oldest path.

use keyward_api::identity::{
    AliasInfo, AliasKeys, AliasWritten, DeleteEntityAlias, DeleteOldPersona, ListEntityAliases,
    ListOldPersonas, ReadEntityAlias, ReadOldPersona, WriteEntityAlias, WriteOldPersona,
    WriteOldPersonaById,
};

use super::{Identities, aliases};
use crate::{Error, Response, engine::Context};

/// Makes or changes an alias.
pub(super) async fn write(
    cx: Context<Identities>,
    request: WriteOldPersona,
) -> Result<Response<AliasWritten>, Error> {
    let WriteOldPersona {
        id,
        name,
        mount_accessor,
        entity_id,
        metadata,
    } = request;
    let request = WriteEntityAlias {
        id,
        name,
        mount_accessor,
        canonical_id: entity_id,
        custom_metadata: metadata,
        ..WriteEntityAlias::default()
    };
    aliases::write(cx, request).await
}

/// Changes the alias with an id.
pub(super) async fn write_by_id(
    cx: Context<Identities>,
    WriteOldPersonaById(request): WriteOldPersonaById,
) -> Result<Response<AliasWritten>, Error> {
    write(cx, request).await
}

/// Reads an alias.
pub(super) async fn read(
    cx: Context<Identities>,
    ReadOldPersona { id }: ReadOldPersona,
) -> Result<Response<AliasInfo>, Error> {
    aliases::read(cx, ReadEntityAlias { id }).await
}

/// Removes an alias.
pub(super) async fn delete(
    cx: Context<Identities>,
    DeleteOldPersona { id }: DeleteOldPersona,
) -> Result<Response<()>, Error> {
    aliases::delete(cx, DeleteEntityAlias { id }).await
}

/// Lists the ids of all aliases.
pub(super) async fn list(
    cx: Context<Identities>,
    _: ListOldPersonas,
) -> Result<Response<AliasKeys>, Error> {
    aliases::list(cx, ListEntityAliases {}).await
}
