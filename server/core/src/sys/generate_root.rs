//! `sys/generate-root/…` and `sys/generate-root-token/…`: a root token for unseal shares.
//!
//! The first needs no token, as in Vault before version 2, since it is the way back for those who
//! have none left, and a setting that must be changed for it first would come too late. It gives a
//! stranger little: without a quorum of shares no token is made, there is one attempt at a time,
//! and every call is on record. The second is where the command line of OpenBao asks.

use keyward_api::sys::{
    BeginRootGeneration, BeginRootTokenGeneration, CancelRootGeneration, CancelRootTokenGeneration,
    ReadRootGeneration, ReadRootTokenGeneration, RootGenerationStatus, UpdateRootGeneration,
    UpdateRootTokenGeneration,
};
use keyward_crypto::SecretString;

use super::{Sys, bare, share};
use crate::{Error, Response, engine::Context};

/// Tells how far it is.
pub(super) async fn read(
    cx: Context<Sys>,
    _: ReadRootGeneration,
) -> Result<Response<RootGenerationStatus>, Error> {
    bare(&status(&cx).await)
}

/// Tells the same to those who have a token.
pub(super) async fn read_with_token(
    cx: Context<Sys>,
    _: ReadRootTokenGeneration,
) -> Result<Response<RootGenerationStatus>, Error> {
    Ok(Response::data(status(&cx).await))
}

/// Begins an attempt.
pub(super) async fn begin(
    cx: Context<Sys>,
    request: BeginRootGeneration,
) -> Result<Response<RootGenerationStatus>, Error> {
    bare(&begun(&cx, request).await?)
}

/// Begins one for those who have a token.
pub(super) async fn begin_with_token(
    cx: Context<Sys>,
    BeginRootTokenGeneration(request): BeginRootTokenGeneration,
) -> Result<Response<RootGenerationStatus>, Error> {
    begun(&cx, request).await.map(Response::data)
}

/// Gives the attempt up.
pub(super) async fn cancel(
    cx: Context<Sys>,
    _: CancelRootGeneration,
) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    cx.core().root_generation.cancel().await;
    Ok(Response::empty())
}

/// Gives it up for those who have a token.
pub(super) async fn cancel_with_token(
    cx: Context<Sys>,
    _: CancelRootTokenGeneration,
) -> Result<Response<()>, Error> {
    cancel(cx, CancelRootGeneration {}).await
}

/// Takes one share.
pub(super) async fn update(
    cx: Context<Sys>,
    request: UpdateRootGeneration,
) -> Result<Response<RootGenerationStatus>, Error> {
    bare(&updated(&cx, request).await?)
}

/// Takes one from those who have a token.
pub(super) async fn update_with_token(
    cx: Context<Sys>,
    UpdateRootTokenGeneration(request): UpdateRootTokenGeneration,
) -> Result<Response<RootGenerationStatus>, Error> {
    updated(&cx, request).await.map(Response::data)
}

async fn status(cx: &Context<Sys>) -> RootGenerationStatus {
    let core = cx.core();
    core.root_generation.status(&core.keys).await
}

async fn begun(
    cx: &Context<Sys>,
    request: BeginRootGeneration,
) -> Result<RootGenerationStatus, Error> {
    if request.pgp_key.is_some_and(|key| !key.is_empty()) {
        return Err(Error::invalid(
            "pgp_key is not supported: leave it out, and the answer carries a one-time password",
        ));
    }
    // EXPOSE: kept until the token is made, to hide it.
    let password = request.otp.as_ref().map(|otp| otp.expose());
    let password = password.filter(|password| !password.is_empty());
    cx.view().on_record().await?;
    let core = cx.core();
    core.root_generation
        .begin(password.map(SecretString::from), &core.keys)
        .await
}

async fn updated(
    cx: &Context<Sys>,
    request: UpdateRootGeneration,
) -> Result<RootGenerationStatus, Error> {
    let share = share(request.key.as_ref())?;
    let nonce = request.nonce.unwrap_or_default();
    cx.view().on_record().await?;
    let core = cx.core();
    core.root_generation
        .update(share, &nonce, &core.keys, &core.tokens, cx.now())
        .await
}
