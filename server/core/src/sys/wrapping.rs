//! `sys/wrapping/`: answers that are handed over as a token which opens them once.

use std::sync::Arc;

use keyward_api::{
    Operation, Sensitive, SensitiveJson,
    sys::{LookupWrapping, ReadWrapping, Rewrap, Unwrap, Wrap, WrappingInfo},
};

use super::Sys;
use crate::{
    Denial, Error, Response, Token, TokenId,
    control::{self, Waiting},
    engine::Context,
    pipeline, token,
    wrapping::{self, WrapGrant, Wrapped},
};

/// Answers what it was sent, to be wrapped.
pub(super) async fn wrap(cx: Context<Sys>, _: Wrap) -> Result<Response<SensitiveJson>, Error> {
    let request = cx.request();
    if request.wrap_ttl.is_none() {
        return Err(Error::invalid(
            "endpoint requires response wrapping to be used",
        ));
    }
    // EXPOSE: the caller's own data, which is wrapped.
    let body = str::from_utf8(request.body.expose()).map_err(Error::internal)?;
    let body = if body.is_empty() { "{}" } else { body };
    Ok(Response::data(
        SensitiveJson::new(body.to_owned()).map_err(Error::internal)?,
    ))
}

/// Tells where a wrapped answer comes from.
pub(super) async fn lookup(
    cx: Context<Sys>,
    request: LookupWrapping,
) -> Result<Response<WrappingInfo>, Error> {
    let named = named(request.token)?;
    let token = wrapping::find(cx.core(), meant(&cx, named.as_ref())?, cx.now()).await?;
    Ok(Response::data(WrappingInfo {
        creation_path: token.path().to_owned(),
        creation_time: token.created().to_string(),
        creation_ttl: token.creation_ttl(),
    }))
}

/// As [`lookup`].
pub(super) async fn read(
    cx: Context<Sys>,
    ReadWrapping { token }: ReadWrapping,
) -> Result<Response<WrappingInfo>, Error> {
    lookup(cx, LookupWrapping { token }).await
}

/// Opens a wrapped answer, once; what it wraps may be a request that is done now.
///
/// Whoever has the wrapping token as its own needs no other. Who names it in the body must be
/// allowed to unwrap, so that a token found in a log is worth nothing by itself.
pub(super) async fn unwrap(
    cx: Context<Sys>,
    request: Unwrap,
) -> Result<Response<SensitiveJson>, Error> {
    let (token, is_own) = wrapping_token(&cx, request.token).await?;
    if !is_own {
        let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
        if principal.token.num_uses() != 0 {
            cx.view().on_record().await?;
            let tokens = &cx.core().tokens;
            if !tokens.consume(&principal.token, cx.now()).await? {
                return Err(Error::Denied(Denial::Token));
            }
        }
        if !cx.permits(Operation::Update, "wrapping/unwrap") {
            return Err(Error::Denied(Denial::Policy));
        }
    }
    if let Some((waiting, _)) = control::find(&cx.core().tokens, &token).await? {
        return perform(&cx, &token, waiting).await;
    }
    cx.view().on_record().await?;
    let wrapped = wrapping::open(&cx.core().tokens, &token).await?;
    Ok(Response::unwrapped(wrapped))
}

/// Does the request that waited behind a wrapping token, once, and answers what it comes to.
async fn perform(
    cx: &Context<Sys>,
    token: &Token,
    waiting: Waiting,
) -> Result<Response<SensitiveJson>, Error> {
    let core = cx.core();
    if !waiting.is_approved(cx.now()) {
        return Err(control::needs_approval());
    }
    cx.view().on_record().await?;
    wrapping::use_up(&core.tokens, token).await?;
    let (request, approved) = waiting.into_request()?;
    let id = request.id;
    let mut done = pipeline::perform(core, request, &approved).await?;
    if let Some(document) = done.document {
        return Ok(Response::document(document));
    }
    if done.is_empty() {
        return Ok(Response::empty());
    }
    done.at_top = false;
    Ok(Response::unwrapped(Wrapped::of(&done, id)?))
}

/// Moves a wrapped answer under a new wrapping token.
pub(super) async fn rewrap(cx: Context<Sys>, request: Rewrap) -> Result<Response<()>, Error> {
    let (token, _) = wrapping_token(&cx, request.token).await?;
    cx.view().on_record().await?;
    let wrapped = wrapping::open(&cx.core().tokens, &token).await?;
    let grant = WrapGrant {
        ttl: std::time::Duration::from_secs(token.creation_ttl()),
        format: cx.request().wrap_format,
        path: token.path().to_owned(),
    };
    Ok(Response::rewrapped(wrapped, grant))
}

/// Finds the wrapping token that a request is about, and tells whether it is the caller's own.
async fn wrapping_token(
    cx: &Context<Sys>,
    given: Option<Sensitive>,
) -> Result<(Arc<Token>, bool), Error> {
    let named = named(given)?;
    let meant = meant(cx, named.as_ref())?;
    let token = wrapping::find(cx.core(), meant, cx.now()).await?;
    let is_own = cx.request().token.as_ref() == Some(meant);
    Ok((token, is_own))
}

/// Takes the token that a request names, if it names one, which is not the empty one.
fn named(given: Option<Sensitive>) -> Result<Option<TokenId>, Error> {
    let is_given = given.is_some();
    let named = token::named(given);
    if is_given && named.is_none() {
        let text = "error validating wrapping token: empty token in request body";
        return Err(Error::Refused(text.to_owned()));
    }
    Ok(named)
}

/// Returns the token that is named, or else the caller's own.
fn meant<'a>(cx: &'a Context<Sys>, named: Option<&'a TokenId>) -> Result<&'a TokenId, Error> {
    let meant = named.or(cx.request().token.as_ref());
    meant
        .ok_or_else(|| Error::Refused("error validating wrapping token: token is empty".to_owned()))
}
