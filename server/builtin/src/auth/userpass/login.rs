//! Logins, and how long their tokens last on.

use std::collections::BTreeMap;

use keyward_api::{Sensitive, auth::userpass as api};
use keyward_core::{
    AliasGrant, AuthGrant, Error, Response, Token, View,
    engine::{Context, LoginClaim, LoginTerm},
};

use super::{
    Userpass,
    users::{User, folded},
};

/// Where a token says whose it is.
const USERNAME: &str = "username";

/// Returns as whom a request logs in.
pub(super) fn claim(request: &api::LogIn) -> LoginClaim {
    LoginClaim {
        alias: folded(&request.username),
        guesses: request.password.as_ref().is_some_and(is_some),
    }
}

fn is_some(password: &Sensitive) -> bool {
    // EXPOSE: whether it is empty is looked at.
    !password.expose().is_empty()
}

pub(super) async fn log_in(
    cx: Context<Userpass>,
    request: api::LogIn,
) -> Result<Response<()>, Error> {
    let name = folded(&request.username);
    let password = request.password.filter(is_some);
    let password = password.ok_or_else(|| Error::invalid("missing password"))?;
    let (hash, tokens) = match User::read(cx.view(), &name).await? {
        Some(user) => (Some(user.password_hash), Some(user.tokens)),
        None => (None, None),
    };
    let matches = cx.hashing.matches(password, hash).await?;
    let tokens = tokens.filter(|_| matches);
    let tokens = tokens.ok_or_else(|| Error::invalid("invalid username or password"))?;
    let remote = &cx.request().remote;
    if !tokens.admits(remote) {
        return Err(Error::permission_denied());
    }
    Ok(Response::auth(AuthGrant {
        meta: Some(BTreeMap::from([(USERNAME.to_owned(), name.clone())])),
        display_name: name.clone(),
        alias: Some(AliasGrant {
            name,
            ..AliasGrant::default()
        }),
        ..tokens.grant(remote)?
    }))
}

/// Says how long a token may last on: as its user's settings say by now. A token of other policies
/// than the user's is not renewed.
pub(super) async fn renew(view: &View, token: &Token) -> Result<Option<LoginTerm>, Error> {
    let name = token.meta().and_then(|meta| meta.get(USERNAME));
    let name = name.ok_or_else(|| Error::internal("a token of a login has no user"))?;
    let Some(User { tokens, .. }) = User::read(view, name).await? else {
        return Ok(None);
    };
    if !tokens.grants(token.policies()) {
        return Err(Error::invalid("policies have changed, not renewing"));
    }
    Ok(Some(tokens.term()))
}
