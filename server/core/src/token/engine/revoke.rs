//! `auth/token/revoke*`: the end of tokens.

use keyward_api::auth::{RevokeAccessor, RevokeOrphan, RevokeSelf, RevokeToken};

use super::{
    super::{Token, TokenStore},
    accessed, has_sudo, named, principal,
};
use crate::{Error, Response, engine::Context};

/// Revokes the token of the request and all that it made.
pub(super) async fn token(
    cx: Context<TokenStore>,
    request: RevokeToken,
) -> Result<Response<()>, Error> {
    let id = named(request.token).ok_or_else(|| Error::invalid("missing token ID"))?;
    if let Some(token) = cx.lookup(&id, cx.now()).await? {
        check_stored(&token)?;
        cx.view().on_record().await?;
        cx.revoke(token.digest()).await?;
    }
    Ok(Response::empty())
}

/// Revokes the caller's token and all that it made.
pub(super) async fn own(cx: Context<TokenStore>, _: RevokeSelf) -> Result<Response<()>, Error> {
    let token = &principal(&cx)?.token;
    check_stored(token)?;
    cx.view().on_record().await?;
    cx.revoke(token.digest()).await?;
    Ok(Response::empty())
}

/// Revokes the token behind an accessor and all that it made.
pub(super) async fn by_accessor(
    cx: Context<TokenStore>,
    request: RevokeAccessor,
) -> Result<Response<()>, Error> {
    let Some(token) = accessed(&cx.engine(), request.accessor.as_deref(), cx.now()).await? else {
        return Ok(Response::empty().warn("No token found with this accessor"));
    };
    cx.view().on_record().await?;
    cx.revoke(token.digest()).await?;
    Ok(Response::empty())
}

/// Revokes the token of the request alone; what it made become orphans.
pub(super) async fn orphan(
    cx: Context<TokenStore>,
    request: RevokeOrphan,
) -> Result<Response<()>, Error> {
    if !has_sudo(&cx, principal(&cx)?) {
        return Err(Error::invalid(
            "root or sudo privileges required to revoke and orphan",
        ));
    }
    let id = named(request.token).ok_or_else(|| Error::invalid("missing token ID"))?;
    let token = cx.lookup(&id, cx.now()).await?;
    let token = token.ok_or_else(|| Error::invalid("token to revoke not found"))?;
    check_stored(&token)?;
    cx.view().on_record().await?;
    cx.revoke_orphan(token.digest()).await?;
    Ok(Response::empty())
}

/// Refuses a token of which nothing is stored that could be removed.
fn check_stored(token: &Token) -> Result<(), Error> {
    if token.is_batch() {
        return Err(Error::invalid("batch tokens cannot be revoked"));
    }
    Ok(())
}
