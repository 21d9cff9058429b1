//! Sign, verify, HMAC.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::{Answer, batch, given};
use crate::{Base64, coerce, endpoint};

/// `POST sign/:name[/:hash_algorithm]` signs data.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Sign {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// What to sign; the empty text if not given.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// The hash, for types that leave the choice: `sha2-256` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub hash_algorithm: Option<String>,
    /// The old name of `hash_algorithm`, which wins.
    #[serde(deserialize_with = "coerce::text")]
    pub algorithm: Option<String>,
    /// Whether the input is the hash already.
    #[serde(deserialize_with = "coerce::flag")]
    pub prehashed: Option<bool>,
    /// `asn1` (if not given), `jws`, or `jws-compact`: then the signature is a whole JSON Web
    /// Signature (RFC 7515), with the input as its payload and `NAME:vN` as its `kid`. Its algorithm
    /// is that of the key's type (RFC 7518, RFC 8037). RSA has six: `signature_algorithm` and
    /// `hash_algorithm` choose among PS256 (if nothing is chosen), PS384, PS512, RS256, RS384 and
    /// RS512. What contradicts the algorithm is refused.
    #[serde(deserialize_with = "coerce::text")]
    pub marshaling_algorithm: Option<String>,
    /// What the signature is bound to beside its message, for Ed25519 (which is Ed25519ctx then, or
    /// Ed25519ph if the input is hashed) and ML-DSA; 255 bytes at most.
    #[serde(deserialize_with = "given")]
    pub signature_context: Option<Base64>,
    /// What the header of a compact JWS holds beside `alg` and `kid`, as in `{"typ": "JWT"}`.
    pub jws_header: Option<Map<String, Value>>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The version to use; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// Many inputs in place of one.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<SignItem>>,
    /// How RSA signs, `pss` or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub signature_algorithm: Option<String>,
    /// The salt of RSA-PSS: `auto`, `hash` or a number of bytes; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub salt_length: Option<String>,
}
endpoint!(Sign { name } => Answer<Signed, SignedItem>: Update "sign/{name}/{hash_algorithm?}"
    as "sign/{name}"; keyed);

/// One input of a batch to sign.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SignItem {
    /// What to sign.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
}

/// What signing gives.
#[skip_serializing_none]
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// The signature, `vault:vN:…`.
    pub signature: String,
    /// The version that signed.
    pub key_version: u32,
    /// The public key that verifies it, of derived keys.
    pub public_key: Option<String>,
}

/// What signing gives for one item of a batch.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct SignedItem {
    /// The signature.
    pub signature: Option<String>,
    /// The version that signed; 0 on failure.
    #[serde(default)]
    pub key_version: u32,
    /// The public key that verifies it, of derived keys.
    #[serde(rename = "publickey")]
    pub public_key: Option<String>,
    /// Why there is no signature.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}

/// `POST verify/:name[/:hash_algorithm]` verifies a signature, an HMAC or a CMAC.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Verify {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// What was signed; the empty text if not given.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// The signature, `vault:vN:…`; it wins over the others.
    #[serde(deserialize_with = "coerce::text")]
    pub signature: Option<String>,
    /// The HMAC, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub hmac: Option<String>,
    /// The CMAC, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub cmac: Option<String>,
    /// How many bytes of the CMAC were kept: all 16 if not given or 0.
    #[serde(deserialize_with = "coerce::int")]
    pub mac_length: Option<i64>,
    /// The hash of the signature or HMAC: `sha2-256` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub hash_algorithm: Option<String>,
    /// The old name of `hash_algorithm`, which wins.
    #[serde(deserialize_with = "coerce::text")]
    pub algorithm: Option<String>,
    /// Whether the input is the hash already.
    #[serde(deserialize_with = "coerce::flag")]
    pub prehashed: Option<bool>,
    /// `asn1` (if not given) or `jws`.
    #[serde(deserialize_with = "coerce::text")]
    pub marshaling_algorithm: Option<String>,
    /// What the signature is bound to beside its message, for Ed25519 (which is Ed25519ctx then, or
    /// Ed25519ph if the input is hashed) and ML-DSA; 255 bytes at most.
    #[serde(deserialize_with = "given")]
    pub signature_context: Option<Base64>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// Many inputs in place of one: all with a signature, all with an HMAC, or all with a CMAC.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<VerifyItem>>,
    /// How RSA signed, `pss` or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub signature_algorithm: Option<String>,
    /// The salt of RSA-PSS: `auto`, `hash` or a number of bytes; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub salt_length: Option<String>,
}
endpoint!(Verify { name } => Answer<Verified, VerifiedItem>:
    Update "verify/{name}/{hash_algorithm?}" as "verify/{name}"; keyed);

/// One input of a batch to verify.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct VerifyItem {
    /// What was signed.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// The signature, `vault:vN:…`; it wins over the others.
    #[serde(deserialize_with = "coerce::text")]
    pub signature: Option<String>,
    /// The HMAC, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub hmac: Option<String>,
    /// The CMAC, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub cmac: Option<String>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
}

/// Whether a signature or HMAC fits.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Whether it fits the input.
    pub valid: bool,
}

/// Whether one signature or HMAC of a batch fits.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct VerifiedItem {
    /// Whether it fits the input; false on failure.
    #[serde(default)]
    pub valid: bool,
    /// Why it could not be verified.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}

/// `POST hmac/:name[/:algorithm]` makes an HMAC (RFC 2104) with a key of its own beside the named
/// one.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Authenticate {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// What to authenticate; may be empty.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// The hash: `sha2-256` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub algorithm: Option<String>,
    /// The version to use; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// Many inputs in place of one.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<AuthenticateItem>>,
}
endpoint!(Authenticate { name } => Answer<Authenticated, AuthenticatedItem>:
    Update "hmac/{name}/{algorithm?}" as "hmac/{name}"; keyed);

/// One input of a batch to authenticate.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct AuthenticateItem {
    /// What to authenticate; may be empty.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
}

/// An HMAC.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Authenticated {
    /// The HMAC, `vault:vN:…`.
    pub hmac: String,
}

/// The HMAC of one item of a batch.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct AuthenticatedItem {
    /// The HMAC.
    pub hmac: Option<String>,
    /// Why there is no HMAC.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}
