//! Generating a root token out of the unseal shares.
//!
//! Each operation has two paths. Below `generate-root/` it answers as Vault does, without an
//! envelope, and needs no token: it is for those who have none left. Below `generate-root-token/`
//! it answers as OpenBao does, in the envelope, to those who have one.

use serde::{Deserialize, Serialize};

use crate::{Sensitive, coerce, endpoint};

/// `GET sys/generate-root/attempt`: tells how far the generation of a root token is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRootGeneration {}
endpoint!(ReadRootGeneration {} => RootGenerationStatus: Read "generate-root/attempt", access Public; document);

/// `GET sys/generate-root`: the older spelling of [`ReadRootGeneration`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRootGenerationOld {}
endpoint!(ReadRootGenerationOld {} => RootGenerationStatus: Read "generate-root", access Public; document);

/// `GET sys/generate-root-token/attempt`: tells how far the generation of a root token is, where
/// that takes a token that may.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRootTokenGeneration {}
endpoint!(ReadRootTokenGeneration {} => RootGenerationStatus: Read "generate-root-token/attempt");

/// `PUT sys/generate-root/attempt`: begins to generate a root token.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct BeginRootGeneration {
    /// The password behind which the token is hidden, as long as a token; made if not given.
    pub otp: Option<Sensitive>,
    /// The OpenPGP key that the token is encrypted to in the place of a password: as `gpg --export`
    /// writes it, in base64.
    #[serde(deserialize_with = "coerce::text")]
    pub pgp_key: Option<String>,
}
endpoint!(BeginRootGeneration {} => RootGenerationStatus: Update "generate-root/attempt", access Public; document);

/// `PUT sys/generate-root`: the older spelling of [`BeginRootGeneration`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct BeginRootGenerationOld(pub BeginRootGeneration);
endpoint!(BeginRootGenerationOld {} => RootGenerationStatus: Update "generate-root", access Public; document);

/// `PUT sys/generate-root-token/attempt`: begins to generate a root token, with a token that may.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct BeginRootTokenGeneration(pub BeginRootGeneration);
endpoint!(BeginRootTokenGeneration {} => RootGenerationStatus: Update "generate-root-token/attempt");

/// `DELETE sys/generate-root/attempt`: gives the generation of a root token up.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CancelRootGeneration {}
endpoint!(CancelRootGeneration {} => (): Delete "generate-root/attempt", access Public);

/// `DELETE sys/generate-root`: the older spelling of [`CancelRootGeneration`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CancelRootGenerationOld {}
endpoint!(CancelRootGenerationOld {} => (): Delete "generate-root", access Public);

/// `DELETE sys/generate-root-token/attempt`: gives the generation of a root token up, with a token
/// that may.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CancelRootTokenGeneration {}
endpoint!(CancelRootTokenGeneration {} => (): Delete "generate-root-token/attempt");

/// `PUT sys/generate-root/update`: gives one of the unseal shares to the generation of a root
/// token.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UpdateRootGeneration {
    /// The share, in hexadecimal or base64.
    pub key: Option<Sensitive>,
    /// The id of the attempt.
    #[serde(deserialize_with = "coerce::text")]
    pub nonce: Option<String>,
}
endpoint!(UpdateRootGeneration {} => RootGenerationStatus: Update "generate-root/update", access Public; document);

/// `PUT sys/generate-root-token/update`: gives one of the unseal shares to the generation of a root
/// token, with a token that may.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdateRootTokenGeneration(pub UpdateRootGeneration);
endpoint!(UpdateRootTokenGeneration {} => RootGenerationStatus: Update "generate-root-token/update");

/// `PUT sys/decode-token`: takes the password off a token that was generated, for who cannot do it at
/// home; it needs no token, and keeps none.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DecodeToken {
    /// The hidden token, in base64 without padding.
    pub encoded_token: Option<Sensitive>,
    /// The password, as long as the token.
    pub otp: Option<Sensitive>,
}
endpoint!(DecodeToken {} => DecodedToken: Update "decode-token", access Public);

/// A token without its password.
#[derive(Debug, Deserialize, Serialize)]
pub struct DecodedToken {
    /// The token.
    pub token: Sensitive,
}

/// How far generating a root token is.
#[derive(Debug, Deserialize, Serialize)]
pub struct RootGenerationStatus {
    /// The id of the attempt; empty without one.
    pub nonce: String,
    /// Whether there is an attempt.
    pub started: bool,
    /// How many shares were given so far.
    pub progress: usize,
    /// How many are needed.
    pub required: u8,
    /// Whether the token was made.
    pub complete: bool,
    /// The token, hidden behind the password, or in base64 a message of it; empty until it was made.
    pub encoded_token: Sensitive,
    /// The same under its older name.
    pub encoded_root_token: Sensitive,
    /// The fingerprint of the key that the token is encrypted to; empty without one.
    pub pgp_fingerprint: String,
    /// The password, told once to the one who begins; empty otherwise.
    pub otp: Sensitive,
    /// How long a password must be.
    pub otp_length: usize,
}
