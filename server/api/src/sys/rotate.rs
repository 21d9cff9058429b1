//! Rotating the keys above the barrier: what [`rekey`](super::rekey) does, under OpenBao's paths.
//!
//! These paths answer within the envelope. `root` is the unseal key, or the root key alone where a
//! seal keeps the unseal key; `recovery` is the recovery key.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{
    BeginRekey, NewShares, RekeyBackup, RekeyProgress, RekeyStatus, RekeyVerification,
    RekeyVerificationStatus, UpdateRekey, VerifyRekey,
};
use crate::endpoint;

/// `PUT sys/rotate/root`: makes the root key anew; the present shares and the seal stay valid.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RotateRoot {}
endpoint!(RotateRoot {} => (): Update "rotate/root", access Sudo);

/// What `sys/rotate/root/init` and `sys/rotate/recovery/init` answer.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct RotationStatus {
    /// Whether there is an attempt.
    pub started: bool,
    /// How many new shares there will be.
    pub n: u8,
    /// How many of the new shares will bring the new key back.
    pub t: u8,
    /// How many of the present shares are needed.
    pub required: u8,
    /// The id of the attempt; only while there is one, like what follows.
    pub nonce: Option<String>,
    /// How many of the present shares were given so far.
    pub progress: Option<usize>,
    /// Whether the new shares are to be given back before they become valid.
    pub verification_required: Option<bool>,
    /// The id of the verification; empty until it runs.
    pub verification_nonce: Option<String>,
    /// The fingerprints of the keys that the new shares will be encrypted to; only with keys, like
    /// what follows.
    pub pgp_fingerprints: Option<Vec<String>>,
    /// Whether the encrypted shares will be kept.
    pub backup: Option<bool>,
}

impl From<RekeyStatus> for RotationStatus {
    fn from(status: RekeyStatus) -> Self {
        let begun = status.started;
        Self {
            started: begun,
            n: status.n,
            t: status.t,
            required: status.required,
            nonce: begun.then_some(status.nonce),
            progress: begun.then_some(status.progress),
            verification_required: begun.then_some(status.verification_required),
            verification_nonce: begun.then_some(status.verification_nonce),
            backup: status.pgp_fingerprints.is_some().then_some(status.backup),
            pgp_fingerprints: status.pgp_fingerprints,
        }
    }
}

impl From<RotationStatus> for RekeyStatus {
    fn from(status: RotationStatus) -> Self {
        Self {
            nonce: status.nonce.unwrap_or_default(),
            started: status.started,
            t: status.t,
            n: status.n,
            progress: status.progress.unwrap_or_default(),
            required: status.required,
            verification_required: status.verification_required.unwrap_or_default(),
            verification_nonce: status.verification_nonce.unwrap_or_default(),
            pgp_fingerprints: status.pgp_fingerprints,
            backup: status.backup.unwrap_or_default(),
        }
    }
}

/// What gives a share, or begins where none is needed, is answered with.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum RotationProgress {
    /// All shares were given.
    Complete(NewShares),
    /// Others are needed.
    Going(RotationStatus),
}

impl From<RotationProgress> for RekeyProgress {
    fn from(progress: RotationProgress) -> Self {
        match progress {
            RotationProgress::Complete(made) => Self::Complete(made),
            RotationProgress::Going(status) => Self::Going(status.into()),
        }
    }
}

/// `GET sys/rotate/root/init`: tells how far making new unseal shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRootRotation {}
endpoint!(ReadRootRotation {} => RotationStatus: Read "rotate/root/init");

/// `PUT sys/rotate/root/init`: begins to make new unseal shares.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct BeginRootRotation(pub BeginRekey);
endpoint!(BeginRootRotation {} => RotationProgress: Update "rotate/root/init");

/// `DELETE sys/rotate/root/init`: gives up making new unseal shares; the present ones stay valid.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CancelRootRotation {}
endpoint!(CancelRootRotation {} => (): Delete "rotate/root/init");

/// `PUT sys/rotate/root/update`: gives one of the present unseal shares.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdateRootRotation(pub UpdateRekey);
endpoint!(UpdateRootRotation {} => RotationProgress: Update "rotate/root/update");

/// `GET sys/rotate/root/verify`: tells how far the verification of new unseal shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRootRotationVerification {}
endpoint!(ReadRootRotationVerification {} => RekeyVerificationStatus: Read "rotate/root/verify");

/// `PUT sys/rotate/root/verify`: gives one of the new unseal shares back.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct VerifyRootRotation(pub VerifyRekey);
endpoint!(VerifyRootRotation {} => RekeyVerification: Update "rotate/root/verify");

/// `DELETE sys/rotate/root/verify`: begins the verification of new unseal shares anew, under
/// another id.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RestartRootRotationVerification {}
endpoint!(RestartRootRotationVerification {} => RekeyVerificationStatus: Delete "rotate/root/verify");

/// `GET sys/rotate/root/backup`: reads the encrypted unseal shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRootRotationBackup {}
endpoint!(ReadRootRotationBackup {} => RekeyBackup: Read "rotate/root/backup");

/// `DELETE sys/rotate/root/backup`: removes the encrypted unseal shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRootRotationBackup {}
endpoint!(DeleteRootRotationBackup {} => (): Delete "rotate/root/backup");

/// `GET sys/rotate/recovery/init`: tells how far making new recovery shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRecoveryRotation {}
endpoint!(ReadRecoveryRotation {} => RotationStatus: Read "rotate/recovery/init");

/// `PUT sys/rotate/recovery/init`: begins to make new recovery shares; where there is no recovery
/// key yet, makes the first one.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct BeginRecoveryRotation(pub BeginRekey);
endpoint!(BeginRecoveryRotation {} => RotationProgress: Update "rotate/recovery/init");

/// `DELETE sys/rotate/recovery/init`: gives up making new recovery shares; the present ones stay
/// valid.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CancelRecoveryRotation {}
endpoint!(CancelRecoveryRotation {} => (): Delete "rotate/recovery/init");

/// `PUT sys/rotate/recovery/update`: gives one of the present recovery shares.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdateRecoveryRotation(pub UpdateRekey);
endpoint!(UpdateRecoveryRotation {} => RotationProgress: Update "rotate/recovery/update");

/// `GET sys/rotate/recovery/verify`: tells how far the verification of new recovery shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRecoveryRotationVerification {}
endpoint!(ReadRecoveryRotationVerification {} => RekeyVerificationStatus: Read "rotate/recovery/verify");

/// `PUT sys/rotate/recovery/verify`: gives one of the new recovery shares back.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct VerifyRecoveryRotation(pub VerifyRekey);
endpoint!(VerifyRecoveryRotation {} => RekeyVerification: Update "rotate/recovery/verify");

/// `DELETE sys/rotate/recovery/verify`: begins the verification of new recovery shares anew, under
/// another id.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RestartRecoveryRotationVerification {}
endpoint!(RestartRecoveryRotationVerification {} => RekeyVerificationStatus: Delete "rotate/recovery/verify");

/// `GET sys/rotate/recovery/backup`: reads the encrypted recovery shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRecoveryRotationBackup {}
endpoint!(ReadRecoveryRotationBackup {} => RekeyBackup: Read "rotate/recovery/backup");

/// `DELETE sys/rotate/recovery/backup`: removes the encrypted recovery shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRecoveryRotationBackup {}
endpoint!(DeleteRecoveryRotationBackup {} => (): Delete "rotate/recovery/backup");
