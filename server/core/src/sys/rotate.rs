//! `sys/rotate/root/…` and `sys/rotate/recovery/…`: rekeying as OpenBao's command line asks for it.

use keyward_api::sys::{
    BeginRecoveryRotation, BeginRootRotation, CancelRecoveryRotation, CancelRootRotation,
    DeleteRecoveryRotationBackup, DeleteRootRotationBackup, ReadRecoveryRotation,
    ReadRecoveryRotationBackup, ReadRecoveryRotationVerification, ReadRootRotation,
    ReadRootRotationBackup, ReadRootRotationVerification, RekeyBackup, RekeyProgress,
    RekeyVerification, RekeyVerificationStatus, RestartRecoveryRotationVerification,
    RestartRootRotationVerification, RotateRoot, RotationProgress, RotationStatus,
    UpdateRecoveryRotation, UpdateRootRotation, VerifyRecoveryRotation, VerifyRootRotation,
};

use super::{Sys, rekey};
use crate::{Error, Response, engine::Context, rekey::Words};

/// Makes the root key anew.
pub(super) async fn rotate_root(cx: Context<Sys>, _: RotateRoot) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    cx.core().keys.rotate_root().await?;
    Ok(Response::empty())
}

fn told(progress: RekeyProgress) -> Response<RotationProgress> {
    Response::data(match progress {
        RekeyProgress::Complete(made) => RotationProgress::Complete(made),
        RekeyProgress::Going(status) => RotationProgress::Going(status.into()),
    })
}

/// Tells how far it is.
pub(super) async fn read_root(
    cx: Context<Sys>,
    _: ReadRootRotation,
) -> Result<Response<RotationStatus>, Error> {
    let core = cx.core();
    Ok(Response::data(core.rekey.status(&core.keys).await.into()))
}

/// Begins an attempt.
pub(super) async fn begin_root(
    cx: Context<Sys>,
    BeginRootRotation(request): BeginRootRotation,
) -> Result<Response<RotationProgress>, Error> {
    rekey::begun(&cx, &cx.core().rekey, request, Words::Rotation)
        .await
        .map(told)
}

/// Gives the attempt up.
pub(super) async fn cancel_root(
    cx: Context<Sys>,
    _: CancelRootRotation,
) -> Result<Response<()>, Error> {
    rekey::cancelled(&cx, &cx.core().rekey).await
}

/// Takes one of the present shares.
pub(super) async fn update_root(
    cx: Context<Sys>,
    UpdateRootRotation(request): UpdateRootRotation,
) -> Result<Response<RotationProgress>, Error> {
    rekey::updated(&cx, &cx.core().rekey, request, Words::Rotation)
        .await
        .map(told)
}

/// Tells how far the verification is.
pub(super) async fn read_root_verification(
    cx: Context<Sys>,
    _: ReadRootRotationVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    cx.core()
        .rekey
        .verification(Words::Rotation)
        .await
        .map(Response::data)
}

/// Begins the verification anew.
pub(super) async fn restart_root_verification(
    cx: Context<Sys>,
    _: RestartRootRotationVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    rekey::restarted(&cx, &cx.core().rekey, Words::Rotation)
        .await
        .map(Response::data)
}

/// Takes one of the new shares back.
pub(super) async fn verify_root(
    cx: Context<Sys>,
    VerifyRootRotation(request): VerifyRootRotation,
) -> Result<Response<RekeyVerification>, Error> {
    rekey::verified(&cx, &cx.core().rekey, request, Words::Rotation)
        .await
        .map(Response::data)
}

/// Returns the encrypted shares that were kept.
pub(super) async fn read_root_backup(
    cx: Context<Sys>,
    _: ReadRootRotationBackup,
) -> Result<Response<RekeyBackup>, Error> {
    rekey::kept(&cx.core().rekey).await
}

/// Removes them.
pub(super) async fn delete_root_backup(
    cx: Context<Sys>,
    _: DeleteRootRotationBackup,
) -> Result<Response<()>, Error> {
    rekey::removed(&cx, &cx.core().rekey).await
}

/// Tells how far it is.
pub(super) async fn read_recovery(
    cx: Context<Sys>,
    _: ReadRecoveryRotation,
) -> Result<Response<RotationStatus>, Error> {
    let core = cx.core();
    if !core.keys.lock().is_auto() {
        return Err(Words::Rotation.no_recovery());
    }
    Ok(Response::data(
        core.recovery_rekey.status(&core.keys).await.into(),
    ))
}

/// Begins an attempt.
pub(super) async fn begin_recovery(
    cx: Context<Sys>,
    BeginRecoveryRotation(request): BeginRecoveryRotation,
) -> Result<Response<RotationProgress>, Error> {
    rekey::begun(&cx, &cx.core().recovery_rekey, request, Words::Rotation)
        .await
        .map(told)
}

/// Gives the attempt up.
pub(super) async fn cancel_recovery(
    cx: Context<Sys>,
    _: CancelRecoveryRotation,
) -> Result<Response<()>, Error> {
    rekey::cancelled(&cx, &cx.core().recovery_rekey).await
}

/// Takes one of the present shares.
pub(super) async fn update_recovery(
    cx: Context<Sys>,
    UpdateRecoveryRotation(request): UpdateRecoveryRotation,
) -> Result<Response<RotationProgress>, Error> {
    rekey::updated(&cx, &cx.core().recovery_rekey, request, Words::Rotation)
        .await
        .map(told)
}

/// Tells how far the verification is.
pub(super) async fn read_recovery_verification(
    cx: Context<Sys>,
    _: ReadRecoveryRotationVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    cx.core()
        .recovery_rekey
        .verification(Words::Rotation)
        .await
        .map(Response::data)
}

/// Begins the verification anew.
pub(super) async fn restart_recovery_verification(
    cx: Context<Sys>,
    _: RestartRecoveryRotationVerification,
) -> Result<Response<RekeyVerificationStatus>, Error> {
    rekey::restarted(&cx, &cx.core().recovery_rekey, Words::Rotation)
        .await
        .map(Response::data)
}

/// Takes one of the new shares back.
pub(super) async fn verify_recovery(
    cx: Context<Sys>,
    VerifyRecoveryRotation(request): VerifyRecoveryRotation,
) -> Result<Response<RekeyVerification>, Error> {
    rekey::verified(&cx, &cx.core().recovery_rekey, request, Words::Rotation)
        .await
        .map(Response::data)
}

/// Returns the encrypted shares that were kept.
pub(super) async fn read_recovery_backup(
    cx: Context<Sys>,
    _: ReadRecoveryRotationBackup,
) -> Result<Response<RekeyBackup>, Error> {
    rekey::kept(&cx.core().recovery_rekey).await
}

/// Removes them.
pub(super) async fn delete_recovery_backup(
    cx: Context<Sys>,
    _: DeleteRecoveryRotationBackup,
) -> Result<Response<()>, Error> {
    rekey::removed(&cx, &cx.core().recovery_rekey).await
}
