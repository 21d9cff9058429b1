//! `sys/rekey/…` and `sys/rekey-recovery-key/…`: new unseal shares or recovery shares for the old.
//!
//! All of it needs a token, as in Vault from version 2: strangers who begin and cancel attempts, or
//! spoil them with wrong shares, could keep a team from rekeying for ever. Those who rekey have a
//! server in good order and tokens for it, and Vault's command line sends them.

use std::sync::Arc;

use keyward_api::{
    Sensitive,
    sys::{
        BeginRecoveryRekey, BeginRekey, CancelRecoveryRekey, CancelRekey,
        DeleteRecoveryRekeyBackup, DeleteRekeyBackup, ReadRecoveryRekey, ReadRecoveryRekeyBackup,
        ReadRecoveryRekeyVerification, ReadRekey, ReadRekeyBackup, ReadRekeyVerification,
        RekeyBackup, RekeyProgress, RekeyStatus, RekeyVerification, RekeyVerificationStatus,
        RestartRecoveryRekeyVerification, RestartRekeyVerification, UpdateRecoveryRekey,
        UpdateRekey, VerifyRecoveryRekey, VerifyRekey,
    },
};
use keyward_crypto::SecretBytes;

use super::{Sys, bare, share};
use crate::{
    Error, Holders, Response, SealConfig, Timestamp,
    engine::Context,
    rekey::{Plan, Rekey, Words},
};

/// Reads what a caller asks for.
async fn plan(request: BeginRekey, now: Timestamp, words: Words) -> Result<Plan, Error> {
    let keys = request.pgp_keys.unwrap_or_default();
    let backup = request.backup.unwrap_or_default();
    if backup && keys.is_empty() {
        return Err(Error::invalid(
            "cannot request a backup of the new keys without providing PGP keys for encryption",
        ));
    }
    let split = SealConfig::parse(
        request.secret_shares.unwrap_or_default(),
        request.secret_threshold.unwrap_or_default(),
    )
    .map_err(|error| words.bad_plan(&error))?;
    let holders = Holders::read(keys, split.shares, now).await;
    Ok(Plan {
        split,
        verification_required: request.require_verification.unwrap_or_default(),
        holders: Arc::new(holders.map_err(|error| words.bad_plan(&error))?),
        backup,
    })
}

/// Begins an attempt.
pub(super) async fn begun(
    cx: &Context<Sys>,
    rekey: &Rekey,
    request: BeginRekey,
    words: Words,
) -> Result<RekeyProgress, Error> {
    let plan = plan(request, cx.now(), words).await?;
    cx.view().on_record().await?;
    rekey.begin(plan, &cx.core().keys, words).await
}

/// Reads the share that is given.
fn given(key: Option<&Sensitive>, words: Words) -> Result<SecretBytes, Error> {
    match (key, words) {
        (None, Words::Rotation) => Err(Error::invalid("missing required field 'key'")),
        (key, _) => share(key),
    }
}

/// Gives an attempt up.
pub(super) async fn cancelled(cx: &Context<Sys>, rekey: &Rekey) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    rekey.cancel().await;
    Ok(Response::empty())
}

/// Takes one of the present shares.
pub(super) async fn updated(
    cx: &Context<Sys>,
    rekey: &Rekey,
    request: UpdateRekey,
    words: Words,
) -> Result<RekeyProgress, Error> {
    let share = given(request.key.as_ref(), words)?;
    let nonce = request.nonce.unwrap_or_default();
    cx.view().on_record().await?;
    rekey.update(share, &nonce, &cx.core().keys, words).await
}

/// Begins a verification anew.
pub(super) async fn restarted(
    cx: &Context<Sys>,
    rekey: &Rekey,
    words: Words,
) -> Result<RekeyVerificationStatus, Error> {
    cx.view().on_record().await?;
    rekey.restart_verification(words).await
}

/// Takes one of the new shares back.
pub(super) async fn verified(
    cx: &Context<Sys>,
    rekey: &Rekey,
    request: VerifyRekey,
    words: Words,
) -> Result<RekeyVerification, Error> {
    let share = given(request.key.as_ref(), words)?;
    let nonce = request.nonce.unwrap_or_default();
    cx.view().on_record().await?;
    rekey.verify(share, &nonce, &cx.core().keys, words).await
}

/// Returns the encrypted shares that were kept.
pub(super) async fn kept(rekey: &Rekey) -> Result<Response<RekeyBackup>, Error> {
    Ok(Response {
        at_top: true,
        ..Response::data(rekey.backup().await?)
    })
}

/// Removes them.
pub(super) async fn removed(cx: &Context<Sys>, rekey: &Rekey) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    rekey.remove_backup().await?;
    Ok(Response::empty())
}

/// Tells how far making new unseal shares is.
pub(super) async fn read(cx: Context<Sys>, _: ReadRekey) -> Result<Response<RekeyStatus>, Error> {
    let core = cx.core();
    bare(&core.rekey.status(&core.keys).await)
}

/// Begins to make new unseal shares.
pub(super) async fn begin(
    cx: Context<Sys>,
    request: BeginRekey,
) -> Result<Response<RekeyProgress>, Error> {
    bare(&begun(&cx, &cx.core().rekey, request, Words::Rekey).await?)
}

/// Gives it up.
pub(super) async fn cancel(cx: Context<Sys>, _: CancelRekey) -> Result<Response<()>, Error> {
    cancelled(&cx, &cx.core().rekey).await
}

/// Takes one of the present shares.
pub(super) async fn update(
    cx: Context<Sys>,
    request: UpdateRekey,
) -> Result<Response<RekeyProgress>, Error> {
    bare(&updated(&cx, &cx.core().rekey, request, Words::Rekey).await?)
}

/// Tells how far the verification is.
pub(super) async fn read_verification(
    cx: Context<Sys>,
    _: ReadRekeyVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    bare(&cx.core().rekey.verification(Words::Rekey).await?)
}

/// Begins the verification anew.
pub(super) async fn restart_verification(
    cx: Context<Sys>,
    _: RestartRekeyVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    bare(&restarted(&cx, &cx.core().rekey, Words::Rekey).await?)
}

/// Takes one of the new shares back.
pub(super) async fn verify(
    cx: Context<Sys>,
    request: VerifyRekey,
) -> Result<Response<RekeyVerification>, Error> {
    bare(&verified(&cx, &cx.core().rekey, request, Words::Rekey).await?)
}

/// Returns the encrypted shares that were kept.
pub(super) async fn read_backup(
    cx: Context<Sys>,
    _: ReadRekeyBackup,
) -> Result<Response<RekeyBackup>, Error> {
    kept(&cx.core().rekey).await
}

/// Removes them.
pub(super) async fn delete_backup(
    cx: Context<Sys>,
    _: DeleteRekeyBackup,
) -> Result<Response<()>, Error> {
    removed(&cx, &cx.core().rekey).await
}

/// Tells how far making new recovery shares is.
pub(super) async fn read_recovery(
    cx: Context<Sys>,
    _: ReadRecoveryRekey,
) -> Result<Response<RekeyStatus>, Error> {
    let core = cx.core();
    bare(&core.recovery_rekey.status(&core.keys).await)
}

/// Begins to make new recovery shares.
pub(super) async fn begin_recovery(
    cx: Context<Sys>,
    BeginRecoveryRekey(request): BeginRecoveryRekey,
) -> Result<Response<RekeyProgress>, Error> {
    bare(&begun(&cx, &cx.core().recovery_rekey, request, Words::Rekey).await?)
}

/// Gives it up.
pub(super) async fn cancel_recovery(
    cx: Context<Sys>,
    _: CancelRecoveryRekey,
) -> Result<Response<()>, Error> {
    cancelled(&cx, &cx.core().recovery_rekey).await
}

/// Takes one of the present shares.
pub(super) async fn update_recovery(
    cx: Context<Sys>,
    UpdateRecoveryRekey(request): UpdateRecoveryRekey,
) -> Result<Response<RekeyProgress>, Error> {
    bare(&updated(&cx, &cx.core().recovery_rekey, request, Words::Rekey).await?)
}

/// Tells how far the verification is.
pub(super) async fn read_recovery_verification(
    cx: Context<Sys>,
    _: ReadRecoveryRekeyVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    bare(&cx.core().recovery_rekey.verification(Words::Rekey).await?)
}

/// Begins the verification anew.
pub(super) async fn restart_recovery_verification(
    cx: Context<Sys>,
    _: RestartRecoveryRekeyVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    bare(&restarted(&cx, &cx.core().recovery_rekey, Words::Rekey).await?)
}

/// Takes one of the new shares back.
pub(super) async fn verify_recovery(
    cx: Context<Sys>,
    VerifyRecoveryRekey(request): VerifyRecoveryRekey,
) -> Result<Response<RekeyVerification>, Error> {
    bare(&verified(&cx, &cx.core().recovery_rekey, request, Words::Rekey).await?)
}

/// Returns the encrypted recovery shares that were kept.
pub(super) async fn read_recovery_backup(
    cx: Context<Sys>,
    _: ReadRecoveryRekeyBackup,
) -> Result<Response<RekeyBackup>, Error> {
    kept(&cx.core().recovery_rekey).await
}

/// Removes them.
pub(super) async fn delete_recovery_backup(
    cx: Context<Sys>,
    _: DeleteRecoveryRekeyBackup,
) -> Result<Response<()>, Error> {
    removed(&cx, &cx.core().recovery_rekey).await
}
