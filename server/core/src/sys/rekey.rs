//! `sys/rekey/…`: new unseal shares for the old ones.
//!
//! All of it needs a token, as in Vault from version 2: strangers who begin and cancel attempts, or
//! spoil them with wrong shares, could keep a team from rekeying for ever. Those who rekey have a
//! server in good order and tokens for it, and Vault's command line sends them.

use keyward_api::sys::{
    BeginRekey, CancelRekey, DeleteRekeyBackup, ReadRekey, ReadRekeyBackup, ReadRekeyVerification,
    RekeyProgress, RekeyStatus, RekeyVerification, RekeyVerificationStatus,
    RestartRekeyVerification, UpdateRekey, VerifyRekey,
};

use super::{Sys, bare, share};
use crate::{Error, Response, SealConfig, engine::Context, rekey::Plan};

/// Tells how far it is.
pub(super) async fn read(cx: Context<Sys>, _: ReadRekey) -> Result<Response<RekeyStatus>, Error> {
    let core = cx.core();
    bare(&core.rekey.status(&core.keys).await)
}

/// Begins an attempt.
pub(super) async fn begin(
    cx: Context<Sys>,
    request: BeginRekey,
) -> Result<Response<RekeyStatus>, Error> {
    let encrypted = request.pgp_keys.is_some_and(|keys| !keys.is_empty());
    if encrypted {
        return Err(Error::invalid(
            "pgp_keys is not supported: the new shares are answered as they are",
        ));
    }
    if request.backup == Some(true) {
        return Err(Error::invalid(
            "cannot request a backup of the new keys without providing PGP keys for encryption",
        ));
    }
    if cx.core().keys.lock().is_auto() {
        return Err(Error::invalid(
            "the seal opens by itself: there is no unseal key to make anew",
        ));
    }
    let split = SealConfig::parse(
        request.secret_shares.unwrap_or_default(),
        request.secret_threshold.unwrap_or_default(),
    )
    .map_err(|error| Error::Invalid(format!("invalid rekey seal configuration: {error}")))?;
    let plan = Plan {
        split,
        verification_required: request.require_verification.unwrap_or_default(),
    };
    cx.view().on_record().await?;
    let core = cx.core();
    bare(&core.rekey.begin(plan, &core.keys).await?)
}

/// Gives the attempt up.
pub(super) async fn cancel(cx: Context<Sys>, _: CancelRekey) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    cx.core().rekey.cancel().await;
    Ok(Response::empty())
}

/// Takes one of the present shares.
pub(super) async fn update(
    cx: Context<Sys>,
    request: UpdateRekey,
) -> Result<Response<RekeyProgress>, Error> {
    let share = share(request.key.as_ref())?;
    let nonce = request.nonce.unwrap_or_default();
    cx.view().on_record().await?;
    let core = cx.core();
    bare(&core.rekey.update(share, &nonce, &core.keys).await?)
}

/// Tells how far the verification is.
pub(super) async fn read_verification(
    cx: Context<Sys>,
    _: ReadRekeyVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    bare(&cx.core().rekey.verification().await?)
}

/// Begins the verification anew.
pub(super) async fn restart_verification(
    cx: Context<Sys>,
    _: RestartRekeyVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    cx.view().on_record().await?;
    bare(&cx.core().rekey.restart_verification().await?)
}

/// Takes one of the new shares back.
pub(super) async fn verify(
    cx: Context<Sys>,
    request: VerifyRekey,
) -> Result<Response<RekeyVerification>, Error> {
    let share = share(request.key.as_ref())?;
    let nonce = request.nonce.unwrap_or_default();
    cx.view().on_record().await?;
    let core = cx.core();
    bare(&core.rekey.verify(share, &nonce, &core.keys).await?)
}

/// Says that no shares were kept.
pub(super) async fn read_backup(
    _: Context<Sys>,
    _: ReadRekeyBackup,
) -> Result<Response<()>, Error> {
    Err(Error::invalid("no backed-up keys found"))
}

/// Removes the shares that were not kept.
pub(super) async fn delete_backup(
    _: Context<Sys>,
    _: DeleteRekeyBackup,
) -> Result<Response<()>, Error> {
    Ok(Response::empty())
}
