//! Users: made, renewed and removed.

use std::time::Duration;

use keyward_api::{Sensitive, database as api};
use keyward_core::{
    Error, LeaseGrant, Response, Timestamp,
    engine::{Context, Lease, LeaseData, LeaseTerm, LeasedSecret},
};

use super::{Databases, connections::Reached, names, postgres::Fault, roles::Role, statement};

/// How much longer than its lease a user is good by itself: nobody shall lose it early because its
/// making took a while.
const GRACE: Duration = Duration::from_secs(5);

const USERNAME: &str = "username";
const ROLE: &str = "role";
const DB_NAME: &str = "db_name";
/// What removes the user should its role be gone: the text of a JSON list.
const REVOCATION: &str = "revocation_statements";

/// What lets a user last longer where the role does not say.
const RENEWAL: &str = "ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}'";

pub(super) async fn read(
    cx: Context<Databases>,
    request: api::ReadCredentials,
) -> Result<Response<api::Credentials>, Error> {
    let name = &request.name;
    let role = Role::read(cx.view(), name).await?;
    let role = role.ok_or_else(|| Error::Invalid(format!("unknown role: {name}")))?;
    // A user would be made: on record before the database hears of it.
    cx.view().on_record().await?;
    let Reached {
        config, database, ..
    } = cx.reach(&role.db_name).await?;
    if !config.allows(name) {
        return Err(Error::Invalid(format!("{name:?} is not an allowed role")));
    }
    let statements = statement::read(&role.creation_statements);
    if statements.is_empty() {
        return Err(Error::invalid("empty creation statements"));
    }
    let now = cx.now();
    let display_name = cx.principal().map_or("", |it| it.token.display_name());
    let username = names::user(display_name, name, now);
    let password = names::password(&cx, &config).await?;
    let expiration = expiration(now, role.term().granted(cx.limits()));
    // A database that is away must not leave a user behind that is to be removed.
    let session = database.session().await.map_err(Fault::into_error)?;
    let revocation = serde_json::to_string(&role.revocation_statements);
    let kept = [
        (USERNAME, username.clone()),
        (ROLE, name.clone()),
        (DB_NAME, role.db_name.clone()),
        (REVOCATION, revocation.map_err(Error::internal)?),
    ];
    let kept = kept.map(|(key, text)| (key.to_owned(), Sensitive::new(text)));
    cx.prepare_secret(LeaseData::from(kept)).await?;
    let statements = statements.iter().map(|text| {
        // EXPOSE: put into the statements that make the user.
        let password = password.expose();
        let values = [
            ("name", &*username),
            ("username", &username),
            ("password", password),
            ("expiration", &expiration),
        ];
        statement::fill(text, &values)
    });
    let made = session.run(&statements.collect::<Vec<_>>()).await;
    made.map_err(Fault::into_error)?;
    let credentials = api::Credentials {
        password: password.into(),
        username,
    };
    Ok(
        Response::data(credentials).lease(LeaseGrant::Secret(LeasedSecret {
            term: role.term(),
            renewable: true,
        })),
    )
}

pub(super) async fn renew(engine: &Databases, lease: &Lease<'_>) -> Result<LeaseTerm, Error> {
    let (username, role_name) = (kept(lease, USERNAME)?, kept(lease, ROLE)?);
    let role = Role::read(&engine.view, role_name).await?;
    let role = role.ok_or_else(|| {
        Error::Invalid(format!(
            "error during renew: could not find role with name {role_name:?}"
        ))
    })?;
    let granted = lease.granted(role.term());
    if granted.is_zero() {
        return Ok(role.term());
    }
    let mut statements = statement::read(&role.renew_statements);
    if statements.is_empty() {
        statements.push(RENEWAL.to_owned());
    }
    let expiration = expiration(lease.now, granted);
    let values = [
        ("name", username),
        ("username", username),
        ("expiration", &expiration),
    ];
    let statements = statements.iter().map(|text| statement::fill(text, &values));
    let statements = statements.collect::<Vec<_>>();
    let Reached { database, .. } = engine.reach(kept(lease, DB_NAME)?).await?;
    let renewed = async { database.session().await?.run(&statements).await };
    renewed.await.map_err(Fault::into_error)?;
    Ok(role.term())
}

pub(super) async fn revoke(engine: &Databases, lease: &Lease<'_>) -> Result<(), Error> {
    let (username, db_name) = (kept(lease, USERNAME)?, kept(lease, DB_NAME)?);
    let role = Role::read(&engine.view, kept(lease, ROLE)?).await?;
    let written = match role {
        // A role that makes users elsewhere by now knows nothing of those that it made here.
        Some(role) if role.db_name == db_name => role.revocation_statements,
        _ => serde_json::from_str(kept(lease, REVOCATION)?).map_err(Error::internal)?,
    };
    let values = [("name", username), ("username", username)];
    let statements = statement::read(&written);
    let statements = statements.iter().map(|text| statement::fill(text, &values));
    let statements = statements.collect::<Vec<_>>();
    let Reached { database, .. } = engine.reach(db_name).await?;
    let removed = async {
        let session = database.session().await?;
        if statements.is_empty() {
            session.drop_user(username).await
        } else if session.has_user(username).await? {
            session.run(&statements).await
        } else {
            Ok(())
        }
    };
    removed.await.map_err(Fault::into_error)
}

/// Writes the moment from which a user is no good by itself, as PostgreSQL reads it.
fn expiration(now: Timestamp, term: Duration) -> String {
    let end = now.plus(term).plus(GRACE).date_time();
    let (date, time) = (end.date(), end.time());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{date} {hour:02}:{minute:02}:{second:02}+0000")
}

fn kept<'a>(lease: &Lease<'a>, key: &str) -> Result<&'a str, Error> {
    let kept = lease.internal.get(key);
    // EXPOSE: what the lease keeps of its user is read; no password is among it.
    kept.map(Sensitive::expose)
        .ok_or_else(|| Error::internal(format!("a lease keeps no {key}")))
}
