//! `auth/token/renew*`: the next term of a token.

use std::{sync::Arc, time::Duration};

use keyward_api::auth::{RenewAccessor, RenewSelf, RenewToken};

use super::{
    super::{Created, Token, TokenStore, renew::Renewal, role::Role},
    accessed, named, principal, roles,
};
use crate::{
    Error, Response, TokenId,
    engine::{Context, not_negative},
    mounts::Mount,
};

/// Renews the token of the request.
pub(super) async fn token(
    cx: Context<TokenStore>,
    request: RenewToken,
) -> Result<Response<()>, Error> {
    let id = named(request.token).ok_or_else(|| Error::invalid("missing token ID"))?;
    let token = cx.lookup(&id, cx.now()).await?;
    let token = token.ok_or_else(|| Error::invalid("token not found"))?;
    renew(&cx, &token, Some(id), request.increment).await
}

/// Renews the caller's token.
pub(super) async fn own(
    cx: Context<TokenStore>,
    request: RenewSelf,
) -> Result<Response<()>, Error> {
    let id = cx.request().token.as_ref().map(TokenId::duplicate);
    renew(&cx, &principal(&cx)?.token, id, request.increment).await
}

/// Renews the token behind an accessor, without showing it.
pub(super) async fn by_accessor(
    cx: Context<TokenStore>,
    request: RenewAccessor,
) -> Result<Response<()>, Error> {
    let token = accessed(&cx.engine(), request.accessor.as_deref(), cx.now()).await?;
    let token = token.ok_or_else(|| Error::fault("invalid accessor"))?;
    renew(&cx, &token, None, request.increment).await
}

async fn renew(
    cx: &Context<TokenStore>,
    token: &Token,
    id: Option<TokenId>,
    increment: Option<i64>,
) -> Result<Response<()>, Error> {
    let increment = increment.unwrap_or_default();
    let seconds = not_negative("increment", increment)?;
    if token.is_batch() {
        return Err(Error::invalid("batch tokens cannot be renewed"));
    }
    if !token.renewable() {
        return Err(Error::invalid("lease is not renewable"));
    }
    let role;
    let (renewal, limits) = match login_mount(cx, token)? {
        Some(mount) => {
            let term = mount.mounted.engine.renew_login(token).await;
            // Whoever logged in is gone: the answer is as empty as Vault's, and the token ends with
            // its time.
            let Some(term) = term.map_err(unrenewed)? else {
                return Ok(Response::empty());
            };
            (Renewal::Login(term), mount.limits())
        }
        None => {
            role = made_under(cx, token).await?;
            let renewal = role.as_ref().map_or(Renewal::AsMade, Renewal::Role);
            (renewal, cx.limits())
        }
    };
    cx.view().on_record().await?;
    let increment = Duration::from_secs(seconds);
    let renewed = cx
        .renew(token.digest(), increment, renewal, limits, cx.now())
        .await?;
    let identity = cx.core().identities.store.of(token.entity_id());
    Ok(Response::renewed(Created {
        id,
        identity,
        ..renewed
    }))
}

/// Returns the role that a token was made under, as it is now.
async fn made_under(cx: &Context<TokenStore>, token: &Token) -> Result<Option<Role>, Error> {
    let name = token.role();
    if name.is_empty() {
        return Ok(None);
    }
    let role = roles::find(cx.view(), name).await?;
    role.map(Some).ok_or_else(|| {
        let text = format!("original token role \"{name}\" could not be found, not renewing");
        unrenewed(Error::Invalid(text))
    })
}

/// Says in Vault's words that who decides on a renewal refuses it.
fn unrenewed(error: Error) -> Error {
    match error {
        Error::Invalid(text) => Error::fault(&format!("failed to renew entry: {text}")),
        other => other,
    }
}

/// Returns the auth method that gave the token for a login; none if no login did.
fn login_mount(cx: &Context<TokenStore>, token: &Token) -> Result<Option<Arc<Mount>>, Error> {
    let path = token.path();
    match cx.core().mounts.find(path) {
        Some((mount, _)) => Ok(Some(mount).filter(|mount| mount.gives_logins())),
        // It is being unmounted, and the token ends with it.
        None => Err(Error::invalid("lease is not renewable")),
    }
}
