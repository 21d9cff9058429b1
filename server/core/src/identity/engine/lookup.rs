//! `identity/lookup`: entities and groups by what is known of them.

use keyward_api::identity::{EntityInfo, GroupInfo, LookupEntity, LookupGroup};

use super::{
    Identities, given,
    show::{self, Places},
};
use crate::{Error, Response, engine::Context};

/// Finds an entity.
pub(super) async fn entity(
    cx: Context<Identities>,
    request: LookupEntity,
) -> Result<Response<EntityInfo>, Error> {
    let snapshot = cx.store.now();
    let found = match By::asked(request)? {
        By::Alias(id) => snapshot.alias(&id).map(|(entity, _)| entity),
        By::AliasName(accessor, name) => {
            let found = snapshot.alias_named(&accessor, &name);
            found.map(|(entity, _)| entity)
        }
        By::Id(id) => snapshot.entity(&id),
        By::Name(name) => snapshot.entity_named(&name),
    };
    Ok(found.map_or_else(Response::empty, |entity| {
        Response::data(show::entity(entity, &snapshot, &Places::of(&cx)))
    }))
}

/// Finds a group.
pub(super) async fn group(
    cx: Context<Identities>,
    LookupGroup(request): LookupGroup,
) -> Result<Response<GroupInfo>, Error> {
    let snapshot = cx.store.now();
    let found = match By::asked(request)? {
        By::Alias(id) => snapshot.group_of_alias(&id),
        By::AliasName(accessor, name) => snapshot.group_alias_named(&accessor, &name),
        By::Id(id) => snapshot.group(&id),
        By::Name(name) => snapshot.group_named(&name),
    };
    Ok(found.map_or_else(Response::empty, |group| {
        Response::data(show::group(group, &snapshot, &Places::of(&cx)))
    }))
}

/// What is known of what is looked up: one thing.
enum By {
    Alias(String),
    /// Auth method and name.
    AliasName(String, String),
    Id(String),
    Name(String),
}

impl By {
    fn asked(request: LookupEntity) -> Result<Self, Error> {
        let names = [&request.id, &request.name, &request.alias_id];
        let is_asked = names.into_iter().any(Option::is_some);
        let alias = match (
            given(request.alias_mount_accessor),
            given(request.alias_name),
        ) {
            (None, None) => None,
            (Some(accessor), Some(name)) => Some(Self::AliasName(accessor, name)),
            _ => {
                return Err(Error::invalid(
                    "both 'alias_name' and 'alias_mount_accessor' needs to be set",
                ));
            }
        };
        let mut asked = [
            given(request.id).map(Self::Id),
            given(request.name).map(Self::Name),
            given(request.alias_id).map(Self::Alias),
            alias,
        ]
        .into_iter()
        .flatten();
        match (asked.next(), asked.next()) {
            (Some(by), None) => Ok(by),
            // Nothing has an empty name.
            (None, _) if is_asked => Ok(Self::Id(String::new())),
            (None, _) => Err(Error::invalid("query parameter not supplied")),
            (Some(_), Some(_)) => Err(Error::invalid(
                "query parameter conflict; please supply distinct set of query parameters",
            )),
        }
    }
}
