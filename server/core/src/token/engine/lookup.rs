//! `auth/token/lookup*` and `accessors`: what is known of tokens.

use std::collections::BTreeMap;

use keyward_api::{
    Sensitive,
    auth::{
        Accessors, Confirmation, ListAccessors, LookupAccessor, LookupSelf, LookupSelfByUpdate,
        LookupToken, ReadToken, TokenInfo,
    },
};

use super::{
    super::{Token, TokenStore},
    accessed, named, principal,
};
use crate::{
    Denial, Error, Response, Timestamp, TokenId,
    engine::{Context, page},
};

/// Lists the accessors of all tokens.
pub(super) async fn accessors(
    cx: Context<TokenStore>,
    request: ListAccessors,
) -> Result<Response<Accessors>, Error> {
    let limit = page(request.limit);
    let keys = cx.accessors(request.after.as_deref(), limit).await?;
    if keys.is_empty() {
        Err(Error::not_found())
    } else {
        Ok(Response::data(Accessors { keys }))
    }
}

/// Tells about the token of the request, or the caller's own.
pub(super) async fn token(
    cx: Context<TokenStore>,
    request: LookupToken,
) -> Result<Response<TokenInfo>, Error> {
    match named(request.token) {
        Some(id) => match cx.lookup(&id, cx.now()).await? {
            Some(token) => Ok(Response::data(info(&cx, &token, Some(&id)))),
            None => Err(Error::Refused("bad token".to_owned())),
        },
        None => about_caller(&cx).await,
    }
}

/// Tells about the token of the query, or the caller's own.
pub(super) async fn read(
    cx: Context<TokenStore>,
    ReadToken(request): ReadToken,
) -> Result<Response<TokenInfo>, Error> {
    token(cx, request).await
}

/// Tells about the caller's token.
pub(super) async fn own(
    cx: Context<TokenStore>,
    _: LookupSelf,
) -> Result<Response<TokenInfo>, Error> {
    about_caller(&cx).await
}

/// Tells about the caller's token.
pub(super) async fn own_by_update(
    cx: Context<TokenStore>,
    _: LookupSelfByUpdate,
) -> Result<Response<TokenInfo>, Error> {
    about_caller(&cx).await
}

/// Tells about the token behind an accessor, without the token.
pub(super) async fn by_accessor(
    cx: Context<TokenStore>,
    request: LookupAccessor,
) -> Result<Response<TokenInfo>, Error> {
    let token = accessed(&cx.engine(), request.accessor.as_deref(), cx.now()).await?;
    let token = token.ok_or_else(|| Error::fault("invalid accessor"))?;
    Ok(Response::data(info(&cx, &token, None)))
}

async fn about_caller(cx: &Context<TokenStore>) -> Result<Response<TokenInfo>, Error> {
    let token = &principal(cx)?.token;
    let id = cx.request().token.as_ref();
    if token.is_batch() {
        return Ok(Response::data(info(cx, token, id)));
    }
    // Read again, since this very request may have used it up in part.
    let info = match cx.find(token.digest(), cx.now()).await? {
        Some(token) => info(cx, &token, id),
        None if token.num_uses() != 0 => TokenInfo {
            num_uses: -1,
            ..info(cx, token, id)
        },
        None => return Err(Error::Denied(Denial::Token)),
    };
    Ok(Response::data(info))
}

fn info(cx: &Context<TokenStore>, token: &Token, id: Option<&TokenId>) -> TokenInfo {
    let now = cx.now();
    let identity = cx.core().identities.store.of(token.entity_id());
    let identity_policies = identity
        .map(|identity| identity.policies().to_vec())
        .filter(|policies| !policies.is_empty());
    TokenInfo {
        accessor: token.accessor().to_owned(),
        bound_cidrs: token
            .bound_cidrs()
            .iter()
            .map(ToString::to_string)
            .collect(),
        caveats: token.caveats().show(),
        cnf: token.client_key().map(|key| Confirmation {
            jkt: key.thumbprint().to_owned(),
        }),
        creation_time: token.created().unix_seconds(),
        creation_ttl: token.creation_ttl(),
        display_name: token.display_name().to_owned(),
        entity_id: token.entity_id().to_owned(),
        expire_time: token.expires().map(|expires| expires.to_string()),
        explicit_max_ttl: token.explicit_max_ttl(),
        external_namespace_policies: identity_policies.as_ref().map(|_| BTreeMap::new()),
        // EXPOSE: told to a caller who knows it.
        id: Sensitive::new(id.map_or("", TokenId::expose).to_owned()),
        identity_policies,
        issue_time: token.created().to_string(),
        last_renewal: token.renewed().map(|renewed| renewed.to_string()),
        last_renewal_time: token.renewed().map(Timestamp::unix_seconds),
        meta: token.meta().cloned(),
        num_uses: i64::try_from(token.num_uses()).unwrap_or(i64::MAX),
        orphan: token.orphan(),
        path: token.path().to_owned(),
        period: Some(token.period()).filter(|period| *period != 0),
        policies: token.policies().to_vec(),
        renewable: token.renewable(),
        role: token.role().to_owned(),
        ttl: token.remaining(now),
        kind: token.kind().name().to_owned(),
    }
}
