//! The password of the user that makes the others, given anew so that nobody but the server knows
//! it.
//!
//! The new password is stored beside the old one before the database is told, and takes its place
//! afterwards. Whatever fails or ends between, one of the two opens, and
//! [`Databases::reach`](super::Databases::reach) finds out which.

use std::time::Duration;

use keyward_api::{Sensitive, database as api};
use keyward_core::{Error, Expect, Response, engine::Context};

use super::{
    Databases,
    connections::{Config, Next, Reached},
    names,
    postgres::Fault,
    statement,
};

const ROTATION: &str = "ALTER ROLE \"{{username}}\" WITH PASSWORD '{{password}}'";

/// For how long another request is taken to be at it.
const UNDER_WAY: Duration = Duration::from_secs(120);

pub(super) async fn rotate(
    cx: Context<Databases>,
    request: api::RotateRoot,
) -> Result<Response<()>, Error> {
    let name = &request.name;
    Config::read(cx.view(), name).await?;
    cx.view().on_record().await?;
    let Reached {
        mut config,
        revision,
        database,
    } = cx.reach(name).await?;
    if config.username.is_empty() {
        return Err(Error::invalid(
            "unable to rotate root credentials: no username in configuration",
        ));
    }
    if !config.connection_url.contains("{{password}}") {
        return Err(Error::invalid(
            "unable to rotate root credentials: connection_url does not use {{password}}",
        ));
    }
    if config.username.contains(['"', '\\']) {
        return Err(Error::invalid(
            "unable to rotate root credentials: the username cannot stand in statements",
        ));
    }
    let is_busy = |next: &Next| cx.now().since(next.since) < UNDER_WAY;
    if config.next.as_ref().is_some_and(is_busy) {
        return Err(Error::Conflict(
            "the root credentials are being rotated".to_owned(),
        ));
    }
    let password = names::password(&cx, &config).await?;
    let mut statements = statement::read(&config.root_rotation_statements);
    if statements.is_empty() {
        statements.push(ROTATION.to_owned());
    }
    let username = config.username.clone();
    let statements = statements.iter().map(|text| {
        // EXPOSE: put into the statement that tells the database.
        let password = password.expose();
        let values = [
            ("name", &*username),
            ("username", &username),
            ("password", password),
        ];
        statement::fill(text, &values)
    });
    let statements = statements.collect::<Vec<_>>();
    // EXPOSE: copied into what the barrier seals.
    let next = || Sensitive::new(password.expose().clone());
    // Before anything is stored: a database that is away is not told.
    let session = database.session().await.map_err(Fault::into_error)?;
    config.next = Some(Next {
        password: next(),
        since: cx.now(),
    });
    let revision = config.store(cx.view(), name, Expect::At(revision)).await?;
    match session.run(&statements).await {
        Ok(()) => {
            config.password = Some(next());
            config.next = None;
        }
        // It was not done, and that is known.
        Err(fault @ Fault::Refused(_)) => {
            config.next = None;
            config.store(cx.view(), name, Expect::At(revision)).await?;
            return Err(fault.into_error());
        }
        Err(fault) => return Err(fault.into_error()),
    }
    match config.store(cx.view(), name, Expect::At(revision)).await {
        // Another request found the new password to be the one that opens, and stored it.
        Ok(_) | Err(Error::Conflict(_)) => Ok(Response::empty()),
        Err(error) => Err(error),
    }
}
