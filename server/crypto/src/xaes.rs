//! XAES-256-GCM (C2SP, <https://c2sp.org/XAES-256-GCM>): AES-256-GCM whose nonces may be random.
//!
//! ```text
//! key = 32 bytes, nonce = 24 bytes
//! sealed = ciphertext ‖ tag (16)
//! ```
//! Of the key and the first half of the nonce a key is derived that serves this message alone; the
//! second half is its nonce. So one key seals 2^80 messages before random nonces are likely to meet
//! (chance 2^-32), where AES-GCM's own nonces allow 2^32.
//!
//! Envelopes seal small records with it. The nonce comes from the caller, as where this runs in
//! WebAssembly there is no entropy: it must be random, and never used twice with one key.

use alloc::vec::Vec;

use aes_gcm::aead::array::Array;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use xaes_256_gcm::Xaes256Gcm;

use crate::{Error, Secret, SecretBytes};

/// The length of a key.
pub const KEY_LEN: usize = 32;
/// The length of a nonce.
pub const NONCE_LEN: usize = 24;
/// The length of a tag, by which a ciphertext is longer than its plaintext.
pub const TAG_LEN: usize = 16;

/// Encrypts `plaintext`, bound to `aad`.
///
/// # Errors
/// [`Error::Invalid`] when the plaintext is longer than 64 GiB less 32 bytes.
pub fn seal(
    key: &Secret<[u8; KEY_LEN]>,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    // Reserved whole, so that nothing is left behind by a buffer that grows.
    let mut sealed = Vec::with_capacity(plaintext.len() + TAG_LEN);
    sealed.extend_from_slice(plaintext);
    let tag = cipher(key)
        .encrypt_inout_detached(&Array(*nonce), aad, InOutBuf::from(sealed.as_mut_slice()))
        .map_err(|_| Error::invalid("the plaintext is too long for XAES-256-GCM"))?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Decrypts what [`seal`] makes.
///
/// # Errors
/// [`Error::Decryption`], whatever is wrong with it.
pub fn open(
    key: &Secret<[u8; KEY_LEN]>,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    sealed: &[u8],
) -> Result<SecretBytes, Error> {
    let (text, tag) = sealed
        .split_last_chunk::<TAG_LEN>()
        .ok_or(Error::Decryption)?;
    let mut plaintext = SecretBytes::from(text);
    // EXPOSE: decrypted in the buffer that is wiped.
    let buffer = InOutBuf::from(plaintext.expose_mut().as_mut_slice());
    cipher(key)
        .decrypt_inout_detached(&Array(*nonce), aad, buffer, &Array(*tag))
        .map_err(|_| Error::Decryption)?;
    Ok(plaintext)
}

fn cipher(key: &Secret<[u8; KEY_LEN]>) -> Xaes256Gcm {
    // EXPOSE: the key is expanded by the cipher, which wipes what it made of it.
    Xaes256Gcm::new(key.expose().into())
}
