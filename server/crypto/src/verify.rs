//! Signatures verified with a public half alone: what a client needs to check what a server signed.
//!
//! Strict: what the standards call invalid is not valid here, so that every client of a signature
//! comes to the same verdict. A signature that does not fit is `false`; an error is a key that is
//! none.

use ed25519_dalek::{Signature as Ed25519Signature, VerifyingKey as Ed25519Key};
use ml_dsa::{
    EncodedVerifyingKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, VerifyingKey,
};

use crate::Error;

/// A parameter set of ML-DSA (FIPS 204 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlDsaSet {
    /// Category 2: public halves of 1312 bytes, signatures of 2420.
    MlDsa44,
    /// Category 3: public halves of 1952 bytes, signatures of 3309.
    MlDsa65,
    /// Category 5: public halves of 2592 bytes, signatures of 4627.
    MlDsa87,
}

/// Says whether `signature` is one of `message` with Ed25519 (RFC 8032 section 5.1.7).
///
/// Points must be encoded canonically and not be of small order, and the scalar must be reduced.
///
/// # Errors
/// [`Error::Invalid`] when the public half is no point, or none that a key may be.
pub fn ed25519(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<bool, Error> {
    let key = Ed25519Key::from_bytes(public_key)
        .ok()
        .filter(|key| is_canonical(public_key) && !key.is_weak())
        .ok_or_else(no_key)?;
    let signature = Ed25519Signature::from_bytes(signature);
    // The point of the signature is compared as bytes with one that the library encoded, so that
    // it is canonical.
    Ok(key.verify_strict(message, &signature).is_ok())
}

/// Whether a point's coordinate is less than the field's prime, 2^255 - 19 (RFC 8032 section
/// 5.1.3). The library reduces it.
fn is_canonical(point: &[u8; 32]) -> bool {
    let [low, rest @ .., high] = point;
    *low < 0xed || *high & 0x7f != 0x7f || rest.iter().any(|byte| *byte != 0xff)
}

/// Says whether `signature` is one of `message` with ML-DSA in a context (FIPS 204 section 5.3).
///
/// # Errors
/// [`Error::Invalid`] when the public half has not the length of its set.
pub fn ml_dsa(
    set: MlDsaSet,
    public_key: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<bool, Error> {
    match set {
        MlDsaSet::MlDsa44 => ml_dsa_of::<MlDsa44>(public_key, message, context, signature),
        MlDsaSet::MlDsa65 => ml_dsa_of::<MlDsa65>(public_key, message, context, signature),
        MlDsaSet::MlDsa87 => ml_dsa_of::<MlDsa87>(public_key, message, context, signature),
    }
}

fn ml_dsa_of<P: MlDsaParams>(
    public_key: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<bool, Error> {
    let key: &EncodedVerifyingKey<P> = public_key.try_into().map_err(|_| no_key())?;
    let Ok(signature) = Signature::<P>::try_from(signature) else {
        return Ok(false);
    };
    Ok(VerifyingKey::decode(key).verify_with_context(message, context, &signature))
}

fn no_key() -> Error {
    Error::invalid("the public key is not one of its type")
}
