//! Ed25519ctx (RFC 8032 section 5.1): a signature that is bound to a context.
//!
//! It differs from Ed25519 in what is hashed alone: a head stands before it.
//!
//! ```text
//! dom2(0, C) = "SigEd25519 no Ed25519 collisions" ‖ 0 ‖ length of C ‖ C
//! nonce      = SHA-512(dom2(0, C) ‖ prefix ‖ M)
//! challenge  = SHA-512(dom2(0, C) ‖ R ‖ A ‖ M)
//! ```
//! The library signs with any hash, but has no place for the head. So the hashes are made here, and
//! it is handed [`Passed`], a hash that computes nothing: what goes in comes out.
//!
//! **Invariant:** nothing here computes with points or scalars.

use digest::consts::U64;
use digest::{Digest, FixedOutput, HashMarker, Output, OutputSizeUser, Update};
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign_byupdate, raw_verify};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use sha2::Sha512;

use crate::{Error, Secret};

const DIGEST_LEN: usize = 64;

/// Signs `message` in a context of 1 to 255 bytes.
///
/// # Errors
/// [`Error::Internal`]: none that could be met.
pub(super) fn sign(key: &SigningKey, message: &[u8], context: &[u8]) -> Result<Signature, Error> {
    let expanded = ExpandedSecretKey::from(key.as_bytes());
    // Called once for the nonce and once for the challenge; what went in before tells them apart.
    let hash = |passed: &mut Passed| {
        // EXPOSE: goes into another buffer that is wiped.
        *passed = Passed::of(digest(context, passed.so_far(), message).expose());
        Ok(())
    };
    raw_sign_byupdate(&expanded, hash, &key.verifying_key())
        .map_err(|_| Error::internal("Ed25519ctx fails where its hash fails"))
}

/// Says whether `signature` is one of `message` in the context; strict, as the library is elsewhere.
pub(super) fn verify(
    key: &VerifyingKey,
    message: &[u8],
    context: &[u8],
    signature: &Signature,
) -> bool {
    // Points of small order verify under messages nobody signed, as the key or in the signature.
    let nonce = signature.r_bytes();
    let is_strong = VerifyingKey::from_bytes(nonce).is_ok_and(|point| !point.is_weak());
    if key.is_weak() || !is_strong {
        return false;
    }
    let head = [*nonce, *key.as_bytes()].concat();
    let challenge = digest(context, &head, message);
    // EXPOSE: the hash of a signature, a public key and a message that the caller knows.
    raw_verify::<Passed>(key, challenge.expose(), signature).is_ok()
}

/// Hashes what Ed25519ctx hashes. Of the nonce the key could be computed, so it is wiped.
fn digest(context: &[u8], before: &[u8], message: &[u8]) -> Secret<[u8; DIGEST_LEN]> {
    let hash = Sha512::new()
        .chain_update(b"SigEd25519 no Ed25519 collisions")
        .chain_update([0, context.len() as u8])
        .chain_update(context)
        .chain_update(before)
        .chain_update(message);
    let mut digest = Secret::new([0; DIGEST_LEN]);
    // EXPOSE: filled.
    Digest::finalize_into(hash, digest.expose_mut().into());
    digest
}

/// A digest made elsewhere, in the shape the library wants: of what goes in, the last 64 bytes come
/// out.
pub(super) struct Passed {
    /// Room for a nonce, a public key and a digest; wiped, since the prefix of a private key goes in
    /// when that signs.
    bytes: Secret<[u8; 2 * DIGEST_LEN]>,
    filled: usize,
}

impl Passed {
    /// Lets a digest pass.
    pub(super) fn of(digest: &[u8; DIGEST_LEN]) -> Self {
        Self::default().chain_update(digest)
    }

    fn so_far(&self) -> &[u8] {
        // EXPOSE: hashed.
        &self.bytes.expose()[..self.filled]
    }
}

impl Default for Passed {
    fn default() -> Self {
        Self {
            bytes: Secret::new([0; 2 * DIGEST_LEN]),
            filled: 0,
        }
    }
}

impl HashMarker for Passed {}

impl OutputSizeUser for Passed {
    type OutputSize = U64;
}

impl Update for Passed {
    fn update(&mut self, data: &[u8]) {
        // EXPOSE: filled.
        let free = &mut self.bytes.expose_mut()[self.filled..];
        let taken = free.len().min(data.len());
        free[..taken].copy_from_slice(&data[..taken]);
        self.filled += taken;
    }
}

impl FixedOutput for Passed {
    fn finalize_into(self, out: &mut Output<Self>) {
        let start = self.filled.saturating_sub(DIGEST_LEN);
        // EXPOSE: handed to the library, which makes a scalar of it and wipes that.
        out.copy_from_slice(&self.bytes.expose()[start..start + DIGEST_LEN]);
    }
}
