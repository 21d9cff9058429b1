//! Logins, and how long their tokens last on.

use std::collections::BTreeMap;

use keyward_api::{Sensitive, auth::approle as api};
use keyward_core::{
    AliasGrant, AuthGrant, BoundCidr, Error, Remote, Response, Token, View,
    engine::{Context, LoginClaim, LoginTerm},
};

use super::{
    Approle, blocks,
    role::{Found, Role},
};

/// Where a token says which role it is of.
const ROLE_NAME: &str = "role_name";

/// Returns as which role a request logs in. One without a secret id guesses at nothing, unless the
/// role asks for none: then there is nothing to guess at but the id itself.
pub(super) fn claim(request: &api::LogIn) -> LoginClaim {
    LoginClaim {
        alias: trimmed(request.role_id.as_ref())
            .unwrap_or_default()
            .to_owned(),
        guesses: trimmed(request.secret_id.as_ref()).is_some(),
    }
}

pub(super) async fn log_in(
    cx: Context<Approle>,
    request: api::LogIn,
) -> Result<Response<()>, Error> {
    let role_id = trimmed(request.role_id.as_ref());
    let role_id = role_id.ok_or_else(|| Error::invalid("missing role_id"))?;
    let found = Role::find_by_id(cx.view(), role_id).await?;
    let Found { name, role, .. } = found.ok_or_else(invalid)?;
    let remote = &cx.request().remote;
    // Before a use is counted: what cannot become a login shall not use a secret id up.
    let mut grant = role.tokens.grant(remote)?;
    let mut metadata = match role.bind_secret_id {
        true => {
            let secret_id = trimmed(request.secret_id.as_ref());
            let secret_id = secret_id.ok_or_else(|| Error::invalid("missing secret_id"))?;
            let place = role.place(secret_id)?;
            let known = place.read(cx.view()).await?;
            let known = known.filter(|(it, _)| it.is_good(cx.now()));
            let (secret_id, _) = known.ok_or_else(invalid)?;
            let bound = blocks(&secret_id.token_bound_cidrs)?;
            if !bound.is_empty() {
                grant.bound_cidrs = bound;
            }
            check(remote, &secret_id.cidr_list, "the secret ID")?;
            check(remote, &role.secret_id_bound_cidrs, "the role")?;
            if !place.consume(cx.view(), cx.now()).await? {
                return Err(invalid());
            }
            secret_id.metadata
        }
        false => {
            check(remote, &role.secret_id_bound_cidrs, "the role")?;
            BTreeMap::new()
        }
    };
    metadata.insert(ROLE_NAME.to_owned(), name);
    Ok(Response::auth(AuthGrant {
        meta: Some(metadata.clone()),
        alias: Some(AliasGrant {
            name: role.role_id,
            metadata,
            ..AliasGrant::default()
        }),
        ..grant
    }))
}

/// Says how long a token may last on: as its role says by now.
pub(super) async fn renew(view: &View, token: &Token) -> Result<LoginTerm, Error> {
    let name = token.meta().and_then(|meta| meta.get(ROLE_NAME));
    let name = name.ok_or_else(|| Error::internal("a token of a login has no role"))?;
    let found = Role::find(view, name).await?;
    let found = found
        .ok_or_else(|| Error::Invalid(format!("role {name:?} does not exist during renewal")))?;
    Ok(found.role.tokens.term())
}

/// Refuses a login from elsewhere, in a way that does not count as a guess: who has the secret id does
/// not lock out the role by using it at the wrong place.
fn check(remote: &Remote, cidrs: &[String], whose: &str) -> Result<(), Error> {
    let blocks = blocks(cidrs)?;
    let is_from = |block: &BoundCidr| block.contains(&remote.address);
    if blocks.is_empty() || blocks.iter().any(is_from) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "source address {:?} unauthorized by CIDR restrictions on {whose}",
        remote.address
    )))
}

/// Returns what was sent without the blanks around; none for nothing.
fn trimmed(sent: Option<&Sensitive>) -> Option<&str> {
    // EXPOSE: looked up, and hashed.
    let text = sent?.expose().trim();
    Some(text).filter(|text| !text.is_empty())
}

fn invalid() -> Error {
    Error::invalid("invalid role or secret ID")
}
