//! `auth/token/roles`: the token roles, each below `role/` in the mount's own storage.

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::auth::{
    DeleteTokenRole, ListTokenRoles, ReadTokenRole, TokenRole, TokenRoles, WriteTokenRole,
};

use super::super::{TokenStore, role::Role};
use crate::{Error, Response, barrier::Change, engine::Context, storage::Expect, view::View};

const FOLDER: &str = "role/";

fn key(name: &str) -> String {
    format!("{FOLDER}{name}")
}

/// Reads a role; none if there is none of that name.
pub(super) async fn find(view: &View, name: &str) -> Result<Option<Role>, Error> {
    let found = view.get_as(&key(name)).await?;
    Ok(found.map(|(role, _)| role))
}

/// Reads which origins each role is bound to, of those that are.
pub(crate) async fn origins(view: &View) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let mut origins = BTreeMap::new();
    for name in view.list(FOLDER, None, None).await? {
        let bound = origins_of(view, &name).await?;
        if !bound.is_empty() {
            origins.insert(name, bound);
        }
    }
    Ok(origins)
}

/// Reads which origins a role is bound to; none if it is gone.
async fn origins_of(view: &View, name: &str) -> Result<Vec<String>, Error> {
    let role = find(view, name).await?;
    Ok(role
        .map(|role| role.caveat.bound_origins)
        .unwrap_or_default())
}

/// Tells whether there is a role of that name.
pub(super) async fn exists(_: Arc<TokenStore>, view: View, name: String) -> Result<bool, Error> {
    Ok(view.get(&key(&name)).await?.is_some())
}

/// Lists the names of all roles.
pub(super) async fn list(
    cx: Context<TokenStore>,
    _: ListTokenRoles,
) -> Result<Response<TokenRoles>, Error> {
    let keys = cx.view().list(FOLDER, None, None).await?;
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(TokenRoles { keys }))
}

/// Shows a role.
pub(super) async fn read(
    cx: Context<TokenStore>,
    ReadTokenRole { role_name }: ReadTokenRole,
) -> Result<Response<TokenRole>, Error> {
    let role = find(cx.view(), &role_name).await?;
    let role = role.ok_or_else(Error::not_found)?;
    Ok(Response::data(role.show(role_name)))
}

/// Makes a role, or changes what is given of it.
pub(super) async fn write(
    cx: Context<TokenStore>,
    request: WriteTokenRole,
) -> Result<Response<()>, Error> {
    let key = key(&request.role_name);
    loop {
        let (mut role, expect) = match cx.view().get_as::<Role>(&key).await? {
            Some((role, revision)) => (role, Expect::At(revision)),
            None => (Role::default(), Expect::Absent),
        };
        let warnings = role.update(request.clone(), cx.limits())?;
        let change = Change::put_as(key.as_str(), &role)?.expecting(expect);
        match cx.view().commit(vec![change]).await {
            Ok(_) => {
                note(&cx, &request.role_name).await?;
                let mut response = Response::empty();
                response.warnings = warnings;
                return Ok(response);
            }
            // Another change came in between: this one is laid over it.
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes a role; the tokens that were made under it live on.
pub(super) async fn delete(
    cx: Context<TokenStore>,
    request: DeleteTokenRole,
) -> Result<Response<()>, Error> {
    cx.view().delete(&key(&request.role_name)).await?;
    note(&cx, &request.role_name).await?;
    Ok(Response::empty())
}

/// Has the pages of a role's origins call, or not any more.
async fn note(cx: &Context<TokenStore>, name: &str) -> Result<(), Error> {
    let cors = &cx.core().cors;
    cors.note_role(name, origins_of(cx.view(), name)).await
}
