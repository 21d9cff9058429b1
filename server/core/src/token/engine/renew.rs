//! `auth/token/renew*`: the next term of a token.

use std::time::Duration;

use keyward_api::auth::{RenewAccessor, RenewSelf, RenewToken};

use super::{
    super::{Created, Token, TokenStore},
    accessed, fault, named, principal, roles,
};
use crate::{
    Error, Response, TokenId,
    engine::{Context, not_negative},
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
    let token = accessed(&cx, request.accessor).await?;
    let token = token.ok_or_else(|| fault("invalid accessor"))?;
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
    let role = match token.role() {
        "" => None,
        name => Some(roles::find(cx.view(), name).await?.ok_or_else(|| {
            fault(&format!(
                "failed to renew entry: original token role \"{name}\" could not be found, not \
                 renewing"
            ))
        })?),
    };
    cx.view().on_record().await?;
    let limits = cx.mount().config.limits();
    let renewed = cx
        .renew(
            token.digest(),
            Duration::from_secs(seconds),
            role.as_ref(),
            limits,
            cx.now(),
        )
        .await?;
    let identity = cx.core().identities.store.of(token.entity_id());
    Ok(Response::renewed(Created {
        id,
        identity,
        ..renewed
    }))
}
