//! `sys/generate-root/…` and `sys/generate-root-token/…`: a root token for unseal shares.
//!
//! The first needs no token, as in Vault before version 2, since it is the way back for those who
//! have none left, and a setting that must be changed for it first would come too late. It gives a
//! stranger little: without a quorum of shares no token is made, there is one attempt at a time,
//! and every call is on record. The second is where the command line of OpenBao asks.

use keyward_api::{
    Sensitive,
    sys::{
        BeginRootGeneration, BeginRootGenerationOld, BeginRootTokenGeneration,
        CancelRootGeneration, CancelRootGenerationOld, CancelRootTokenGeneration, DecodeToken,
        DecodedToken, ReadRootGeneration, ReadRootGenerationOld, ReadRootTokenGeneration,
        RootGenerationStatus, UpdateRootGeneration, UpdateRootTokenGeneration,
    },
};
use keyward_crypto::SecretString;

use super::{Sys, bare, share};
use crate::{
    Error, PgpKey, Response,
    engine::Context,
    generate_root::{Hiding, decode as decoded},
};

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

/// Tells it under the older path.
pub(super) async fn read_old(
    cx: Context<Sys>,
    _: ReadRootGenerationOld,
) -> Result<Response<RootGenerationStatus>, Error> {
    read(cx, ReadRootGeneration {}).await
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

/// Begins one under the older path.
pub(super) async fn begin_old(
    cx: Context<Sys>,
    BeginRootGenerationOld(request): BeginRootGenerationOld,
) -> Result<Response<RootGenerationStatus>, Error> {
    begin(cx, request).await
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

/// Gives it up under the older path.
pub(super) async fn cancel_old(
    cx: Context<Sys>,
    _: CancelRootGenerationOld,
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

/// Takes the password off a token.
pub(super) async fn decode(
    _: Context<Sys>,
    request: DecodeToken,
) -> Result<Response<DecodedToken>, Error> {
    let given = |secret: &Option<Sensitive>| {
        // EXPOSE: kept as a secret, to be combined into the token.
        let text = secret.as_ref().map(Sensitive::expose);
        text.filter(|text| !text.is_empty()).map(SecretString::from)
    };
    let (Some(encoded), Some(password)) = (given(&request.encoded_token), given(&request.otp))
    else {
        return Err(Error::invalid("provided 'encoded_token' or 'otp' is empty"));
    };
    let token = decoded(&encoded, &password)?.into();
    Ok(Response::data(DecodedToken { token }))
}

async fn status(cx: &Context<Sys>) -> RootGenerationStatus {
    let core = cx.core();
    core.root_generation.status(&core.keys).await
}

async fn begun(
    cx: &Context<Sys>,
    request: BeginRootGeneration,
) -> Result<RootGenerationStatus, Error> {
    // EXPOSE: kept until the token is made, to hide it.
    let password = request.otp.as_ref().map(|otp| otp.expose());
    let password = password.filter(|password| !password.is_empty());
    let key = request.pgp_key.filter(|key| !key.is_empty());
    let hiding = match (password, key) {
        (None, None) => Hiding::Generated,
        (Some(password), None) => Hiding::Password(SecretString::from(password)),
        (None, Some(key)) => {
            let key = PgpKey::read(key, cx.now()).await;
            let key =
                key.map_err(|error| Error::Invalid(format!("error parsing PGP key: {error}")))?;
            Hiding::Key(Box::new(key))
        }
        (Some(_), Some(_)) => {
            return Err(Error::invalid("give a PGP key or an OTP, and not both"));
        }
    };
    cx.view().on_record().await?;
    let core = cx.core();
    core.root_generation.begin(hiding, &core.keys).await
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
