//! Rekeying: holders of the unseal shares make new ones.
//!
//! These paths answer without Vault's envelope.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Sensitive, coerce, endpoint};

/// `GET sys/rekey/init`: tells how far making new unseal shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRekey {}
endpoint!(ReadRekey {} => RekeyStatus: Read "rekey/init"; document);

/// `PUT sys/rekey/init`: begins to make new unseal shares.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct BeginRekey {
    /// Into how many shares the new key is split.
    #[serde(deserialize_with = "coerce::int")]
    pub secret_shares: Option<i64>,
    /// How many shares bring it back.
    #[serde(deserialize_with = "coerce::int")]
    pub secret_threshold: Option<i64>,
    /// The OpenPGP keys that the new shares are encrypted to, one a share: each as `gpg --export`
    /// writes it, in base64. An empty one is a bad key, not none.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub pgp_keys: Option<Vec<String>>,
    /// Whether the encrypted shares are kept at the server as well, until they are removed.
    #[serde(deserialize_with = "coerce::flag")]
    pub backup: Option<bool>,
    /// Whether the new shares become valid only after enough of them were given back.
    #[serde(deserialize_with = "coerce::flag")]
    pub require_verification: Option<bool>,
}
endpoint!(BeginRekey {} => RekeyProgress: Update "rekey/init"; document);

/// `DELETE sys/rekey/init`: gives up making new unseal shares; the present shares stay valid.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CancelRekey {}
endpoint!(CancelRekey {} => (): Delete "rekey/init");

/// What `sys/rekey/init` answers.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct RekeyStatus {
    /// The id of the attempt; empty without one.
    pub nonce: String,
    /// Whether there is an attempt.
    pub started: bool,
    /// How many of the new shares will bring the new key back.
    pub t: u8,
    /// How many new shares there will be.
    pub n: u8,
    /// How many of the present shares were given so far.
    pub progress: usize,
    /// How many of them are needed.
    pub required: u8,
    /// The fingerprints of the keys that the new shares will be encrypted to; none without keys.
    pub pgp_fingerprints: Option<Vec<String>>,
    /// Whether the encrypted shares will be kept.
    pub backup: bool,
    /// Whether the new shares are to be given back before they become valid.
    pub verification_required: bool,
    /// The id of the verification, while it runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verification_nonce: String,
}

/// `PUT sys/rekey/update`: gives one of the present unseal shares.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UpdateRekey {
    /// The share, in hexadecimal or base64.
    pub key: Option<Sensitive>,
    /// The id of the attempt.
    #[serde(deserialize_with = "coerce::text")]
    pub nonce: Option<String>,
}
endpoint!(UpdateRekey {} => RekeyProgress: Update "rekey/update"; document);

/// What `PUT sys/rekey/update` answers; `init` too, where no share is needed.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum RekeyProgress {
    /// All shares were given.
    Complete(NewShares),
    /// Others are needed.
    Going(RekeyStatus),
}

/// The new shares, shown once.
#[derive(Debug, Deserialize, Serialize)]
pub struct NewShares {
    /// The id of the attempt that made them.
    pub nonce: String,
    /// Always true.
    pub complete: bool,
    /// The shares in hexadecimal; encrypted, each is a message of the hexadecimal text of a share.
    pub keys: Vec<Sensitive>,
    /// The same shares in base64.
    pub keys_base64: Vec<Sensitive>,
    /// The fingerprints of the keys that they are encrypted to, in the same order; none without keys.
    pub pgp_fingerprints: Option<Vec<String>>,
    /// Whether they are kept as well.
    pub backup: bool,
    /// Whether they are to be given back before they become valid.
    pub verification_required: bool,
    /// The id under which they are given back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verification_nonce: String,
}

/// `GET sys/rekey/verify`: tells how far the verification of new unseal shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRekeyVerification {}
endpoint!(ReadRekeyVerification {} => RekeyVerificationStatus: Read "rekey/verify"; document);

/// `PUT sys/rekey/verify`: gives one of the new unseal shares back.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct VerifyRekey {
    /// The share, in hexadecimal or base64.
    pub key: Option<Sensitive>,
    /// The id of the verification.
    #[serde(deserialize_with = "coerce::text")]
    pub nonce: Option<String>,
}
endpoint!(VerifyRekey {} => RekeyVerification: Update "rekey/verify"; document);

/// `DELETE sys/rekey/verify`: begins the verification of new unseal shares anew, under another id.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RestartRekeyVerification {}
endpoint!(RestartRekeyVerification {} => RekeyVerificationStatus: Delete "rekey/verify"; document);

/// What `sys/rekey/verify` answers while shares are missing.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct RekeyVerificationStatus {
    /// The id of the verification.
    pub nonce: String,
    /// Always true.
    pub started: bool,
    /// How many of the new shares are needed.
    pub t: u8,
    /// How many new shares there are.
    pub n: u8,
    /// How many of them were given back so far.
    pub progress: usize,
}

/// What `PUT sys/rekey/verify` answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum RekeyVerification {
    /// The new shares are valid, the old ones no longer.
    Complete(RekeyVerified),
    /// Others are needed.
    Going(RekeyVerificationStatus),
}

/// What the last share of a verification is answered with.
#[derive(Debug, Deserialize, Serialize)]
pub struct RekeyVerified {
    /// The id of the verification.
    pub nonce: String,
    /// Always true.
    pub complete: bool,
}

/// What `GET sys/rekey/backup` and its kin answer: the encrypted shares that were made last.
#[derive(Debug, Deserialize, Serialize)]
pub struct RekeyBackup {
    /// The id of the attempt that made them.
    pub nonce: String,
    /// The shares in hexadecimal, by the fingerprint of the key that they are encrypted to.
    pub keys: BTreeMap<String, Vec<Sensitive>>,
    /// The same in base64.
    pub keys_base64: BTreeMap<String, Vec<Sensitive>>,
}

/// `GET sys/rekey/backup`: reads the encrypted unseal shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRekeyBackup {}
endpoint!(ReadRekeyBackup {} => RekeyBackup: Read "rekey/backup");

/// `DELETE sys/rekey/backup`: removes the encrypted unseal shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRekeyBackup {}
endpoint!(DeleteRekeyBackup {} => (): Delete "rekey/backup");

/// `GET sys/rekey-recovery-key/init`: tells how far making new recovery shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRecoveryRekey {}
endpoint!(ReadRecoveryRekey {} => RekeyStatus: Read "rekey-recovery-key/init"; document);

/// `PUT sys/rekey-recovery-key/init`: begins to make new recovery shares; the first ones at once.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct BeginRecoveryRekey(pub BeginRekey);
endpoint!(BeginRecoveryRekey {} => RekeyProgress: Update "rekey-recovery-key/init"; document);

/// `DELETE sys/rekey-recovery-key/init`: gives up making new recovery shares; the present ones stay
/// valid.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CancelRecoveryRekey {}
endpoint!(CancelRecoveryRekey {} => (): Delete "rekey-recovery-key/init");

/// `PUT sys/rekey-recovery-key/update`: gives one of the present recovery shares.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdateRecoveryRekey(pub UpdateRekey);
endpoint!(UpdateRecoveryRekey {} => RekeyProgress: Update "rekey-recovery-key/update"; document);

/// `GET sys/rekey-recovery-key/verify`: tells how far the verification of new recovery shares is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRecoveryRekeyVerification {}
endpoint!(ReadRecoveryRekeyVerification {} => RekeyVerificationStatus: Read "rekey-recovery-key/verify"; document);

/// `PUT sys/rekey-recovery-key/verify`: gives one of the new recovery shares back.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct VerifyRecoveryRekey(pub VerifyRekey);
endpoint!(VerifyRecoveryRekey {} => RekeyVerification: Update "rekey-recovery-key/verify"; document);

/// `DELETE sys/rekey-recovery-key/verify`: begins the verification of new recovery shares anew,
/// under another id.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RestartRecoveryRekeyVerification {}
endpoint!(RestartRecoveryRekeyVerification {} => RekeyVerificationStatus: Delete "rekey-recovery-key/verify"; document);

/// `GET sys/rekey/recovery-key-backup`: reads the encrypted recovery shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRecoveryRekeyBackup {}
endpoint!(ReadRecoveryRekeyBackup {} => RekeyBackup: Read "rekey/recovery-key-backup");

/// `DELETE sys/rekey/recovery-key-backup`: removes the encrypted recovery shares that were kept.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRecoveryRekeyBackup {}
endpoint!(DeleteRecoveryRekeyBackup {} => (): Delete "rekey/recovery-key-backup");
