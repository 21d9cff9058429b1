//! Roles: what users of a database are like.

use std::{sync::Arc, time::Duration};

use keyward_api::database as api;
use keyward_core::{
    Change, Error, Expect, Response, View,
    engine::{Context, LeaseTerm, not_negative},
};
use serde::{Deserialize, Serialize};

use super::Databases;

const FOLDER: &str = "role/";

/// The one type of credential that there is.
const PASSWORD: &str = "password";

/// The stored form of a role. Durations are whole seconds; 0 is the mount's.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Role {
    pub(super) db_name: String,
    pub(super) creation_statements: Vec<String>,
    pub(super) revocation_statements: Vec<String>,
    pub(super) renew_statements: Vec<String>,
    pub(super) rollback_statements: Vec<String>,
    pub(super) default_ttl: u64,
    pub(super) max_ttl: u64,
}

impl Role {
    pub(super) async fn read(view: &View, name: &str) -> Result<Option<Self>, Error> {
        let found = view.get_as(&key(name)).await?;
        Ok(found.map(|(role, _)| role))
    }

    pub(super) fn term(&self) -> LeaseTerm {
        LeaseTerm {
            ttl: Duration::from_secs(self.default_ttl),
            max_ttl: Duration::from_secs(self.max_ttl),
        }
    }
}

pub(super) async fn exists(_: Arc<Databases>, view: View, name: String) -> Result<bool, Error> {
    Ok(view.get(&key(&name)).await?.is_some())
}

pub(super) async fn write(
    cx: Context<Databases>,
    request: api::WriteRole,
) -> Result<Response<()>, Error> {
    let key = key(&request.name);
    let (mut role, expect) = match cx.view().get_as::<Role>(&key).await? {
        Some((role, revision)) => (role, Expect::At(revision)),
        None => (Role::default(), Expect::Absent),
    };
    match request.credential_type.as_deref() {
        None | Some("" | PASSWORD) => {}
        Some(other) => return Err(Error::Invalid(format!("invalid credential_type {other:?}"))),
    }
    let set = |field: &mut Vec<String>, given: Option<Vec<String>>| {
        if let Some(given) = given {
            *field = given;
        }
    };
    set(&mut role.creation_statements, request.creation_statements);
    set(
        &mut role.revocation_statements,
        request.revocation_statements,
    );
    set(&mut role.renew_statements, request.renew_statements);
    set(&mut role.rollback_statements, request.rollback_statements);
    role.db_name = request.db_name.unwrap_or(role.db_name);
    if let Some(given) = request.default_ttl {
        role.default_ttl = not_negative("default_ttl", given)?;
    }
    if let Some(given) = request.max_ttl {
        role.max_ttl = not_negative("max_ttl", given)?;
    }
    if role.db_name.is_empty() {
        return Err(Error::invalid("database name is required"));
    }
    // What another request wrote in between is not lost: this one is refused.
    let change = Change::put_as(key, &role)?.expecting(expect);
    cx.view().commit(vec![change]).await?;
    Ok(Response::empty())
}

pub(super) async fn read(
    cx: Context<Databases>,
    request: api::ReadRole,
) -> Result<Response<api::Role>, Error> {
    let role = Role::read(cx.view(), &request.name).await?;
    let role = role.ok_or_else(Error::not_found)?;
    Ok(Response::data(api::Role {
        creation_statements: role.creation_statements,
        credential_type: PASSWORD.to_owned(),
        db_name: role.db_name,
        default_ttl: role.default_ttl,
        max_ttl: role.max_ttl,
        renew_statements: role.renew_statements,
        revocation_statements: role.revocation_statements,
        rollback_statements: role.rollback_statements,
    }))
}

pub(super) async fn delete(
    cx: Context<Databases>,
    request: api::DeleteRole,
) -> Result<Response<()>, Error> {
    cx.view().delete(&key(&request.name)).await?;
    Ok(Response::empty())
}

pub(super) async fn list(
    cx: Context<Databases>,
    _: api::ListRoles,
) -> Result<Response<api::Names>, Error> {
    super::names(cx.view(), FOLDER).await
}

fn key(name: &str) -> String {
    format!("{FOLDER}{name}")
}
