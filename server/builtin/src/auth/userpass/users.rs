//! Users: who may log in, and what they get.

use std::sync::Arc;

use keyward_api::{
    Sensitive,
    auth::{OlderParameters, userpass as api},
};
use keyward_core::{
    Change, Error, Expect, LoginTokens, OlderNames, Response, View,
    engine::{Context, page},
};
use serde::{Deserialize, Serialize};

use super::{Userpass, password::PasswordHash};

const FOLDER: &str = "user/";

/// The stored form of a user.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct User {
    pub(super) password_hash: PasswordHash,
    pub(super) tokens: LoginTokens,
}

impl User {
    /// Reads a user by a name in any case.
    pub(super) async fn read(view: &View, name: &str) -> Result<Option<Self>, Error> {
        let found = view.get_as(&key(name)).await?;
        Ok(found.map(|(user, _)| user))
    }
}

pub(super) async fn exists(_: Arc<Userpass>, view: View, name: String) -> Result<bool, Error> {
    Ok(view.get(&key(&name)).await?.is_some())
}

pub(super) async fn write(
    cx: Context<Userpass>,
    mut request: api::WriteUser,
) -> Result<Response<()>, Error> {
    let key = key(&request.username);
    let found = cx.view().get_as::<User>(&key).await?;
    let given = given(request.password.take(), request.password_hash.take());
    if found.is_none() && given.is_none() {
        return Err(no_password());
    }
    let (known, mut tokens, expect) = match found {
        Some((user, revision)) => (Some(user.password_hash), user.tokens, Expect::At(revision)),
        None => (None, LoginTokens::default(), Expect::Absent),
    };
    let older = OlderParameters {
        policies: request.policies.take(),
        ttl: request.ttl,
        max_ttl: request.max_ttl,
        bound_cidrs: request.bound_cidrs.take(),
        ..OlderParameters::default()
    };
    tokens.update(request.take_token_parameters(), older)?;
    let hash = match given {
        Some(given) => Some(given.hash(&cx).await?),
        None => known,
    };
    let user = User {
        password_hash: hash.ok_or_else(no_password)?,
        tokens,
    };
    store(&cx, key, &user, expect).await
}

pub(super) async fn read(
    cx: Context<Userpass>,
    request: api::ReadUser,
) -> Result<Response<api::User>, Error> {
    let user = User::read(cx.view(), &request.username).await?;
    let tokens = user.ok_or_else(Error::not_found)?.tokens;
    let OlderNames {
        ttl,
        max_ttl,
        policies,
        bound_cidrs,
        ..
    } = tokens.show_older();
    let user = api::User {
        policies,
        ttl,
        max_ttl,
        bound_cidrs,
        ..api::User::default()
    };
    Ok(Response::data(user.with_tokens(tokens.show())))
}

pub(super) async fn delete(
    cx: Context<Userpass>,
    request: api::DeleteUser,
) -> Result<Response<()>, Error> {
    cx.view().delete(&key(&request.username)).await?;
    Ok(Response::empty())
}

pub(super) async fn list(
    cx: Context<Userpass>,
    request: api::ListUsers,
) -> Result<Response<api::Users>, Error> {
    let limit = page(request.limit);
    let after = request.after.as_deref();
    let keys = cx.view().list(FOLDER, after, limit).await?;
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(api::Users { keys }))
}

pub(super) async fn set_password(
    cx: Context<Userpass>,
    request: api::SetPassword,
) -> Result<Response<()>, Error> {
    let given = given(request.password, request.password_hash).ok_or_else(no_password)?;
    let key = key(&request.username);
    let (mut user, expect) = known(&cx, &key).await?;
    user.password_hash = given.hash(&cx).await?;
    store(&cx, key, &user, expect).await
}

pub(super) async fn set_policies(
    cx: Context<Userpass>,
    request: api::SetPolicies,
) -> Result<Response<()>, Error> {
    let key = key(&request.username);
    let (mut user, expect) = known(&cx, &key).await?;
    user.tokens
        .set_policies(request.token_policies, request.policies);
    store(&cx, key, &user, expect).await
}

/// A password as a request gives it.
struct Given {
    password: Option<Sensitive>,
    hash: Option<Sensitive>,
}

/// Returns what was given of a password; none for nothing, or empty texts.
fn given(password: Option<Sensitive>, hash: Option<Sensitive>) -> Option<Given> {
    // EXPOSE: whether they are empty is looked at.
    let is_given = |text: &Sensitive| !text.expose().is_empty();
    let (password, hash) = (password.filter(is_given), hash.filter(is_given));
    (password.is_some() || hash.is_some()).then_some(Given { password, hash })
}

impl Given {
    async fn hash(self, engine: &Userpass) -> Result<PasswordHash, Error> {
        match (self.password, self.hash) {
            (Some(_), Some(_)) => Err(Error::invalid(
                "only one of password or password_hash may be provided",
            )),
            (Some(password), None) => engine.hashing.hash(password).await,
            (None, Some(hash)) => PasswordHash::parse(hash),
            (None, None) => Err(no_password()),
        }
    }
}

/// Reads a user who is to be changed.
async fn known(cx: &Context<Userpass>, key: &str) -> Result<(User, Expect), Error> {
    let found = cx.view().get_as(key).await?;
    let (user, revision) = found.ok_or_else(|| {
        let text = "1 error occurred:\n\t* username does not exist\n\n";
        Error::invalid(text)
    })?;
    Ok((user, Expect::At(revision)))
}

/// Writes a user, if it is still what was read: what another request wrote in between is not lost,
/// and this one is refused.
async fn store(
    cx: &Context<Userpass>,
    key: String,
    user: &User,
    expect: Expect,
) -> Result<Response<()>, Error> {
    let change = Change::put_as(key, user)?.expecting(expect);
    cx.view().commit(vec![change]).await?;
    Ok(Response::empty())
}

fn no_password() -> Error {
    Error::invalid("must provide either password or password_hash")
}

/// Returns a name as it is kept: in lower case. The routes take ASCII letters alone, as Vault's do.
pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn key(name: &str) -> String {
    format!("{FOLDER}{}", folded(name))
}
