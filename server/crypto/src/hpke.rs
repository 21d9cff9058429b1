//! HPKE (RFC 9180), base mode with HKDF-SHA256: single-shot encryption to a public key.
//!
//! ```text
//! sealed = enc (32, or 1120) ‖ ciphertext ‖ tag (16)
//! ```
//! This is what the key types `hpke-x25519` and `hpke-xwing` are made of. It is apart from them so
//! that a client seals to them with the public half alone and with randomness that it is handed,
//! where it has none of its own.

use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::marker::PhantomData;

#[cfg(not(target_arch = "wasm32"))]
use hpke::aead::AeadTag;
use hpke::aead::{Aead, AesGcm256};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::rand_core::{CryptoRng, TryCryptoRng, TryRng};
use hpke::{Deserializable as _, OpModeS, Serializable, single_shot_seal_inout_detached_with_rng};
#[cfg(not(target_arch = "wasm32"))]
use hpke::{OpModeR, single_shot_open_inout_detached};

#[cfg(not(target_arch = "wasm32"))]
use crate::Secret;
use crate::{Error, SecretBytes};

const TAG_LEN: usize = 16;

/// A key encapsulation mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kem {
    /// DHKEM(X25519, HKDF-SHA256), 0x0020.
    X25519,
    /// X-Wing, 0x647a: X25519 with ML-KEM-768 (draft-connolly-cfrg-xwing-kem).
    XWing,
}

impl Kem {
    /// How many bytes of randomness one encapsulation takes.
    pub const fn seed_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 64,
        }
    }
}

/// Encrypts `plaintext` to a public key with AES-256-GCM, bound to `info` and `aad`.
///
/// The front of `seed` is the randomness: the key material of the ephemeral key for X25519 (RFC 9180
/// section 4), `eseed` for X-Wing. Equal seeds make equal keys and nonces, so each must be fresh,
/// from a generator for keys.
///
/// # Errors
/// [`Error::Invalid`] when the public key is none of its mechanism, or the seed is too short.
pub fn seal(
    kem: Kem,
    public_key: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    seed: &SecretBytes,
) -> Result<Vec<u8>, Error> {
    // EXPOSE: handed to the KEM.
    let seed = seed
        .expose()
        .get(..kem.seed_len())
        .ok_or_else(|| Error::invalid("the seed is too short"))?;
    match kem {
        Kem::X25519 => seal_to::<X25519HkdfSha256>(public_key, info, aad, plaintext, seed),
        Kem::XWing => seal_to::<XWing>(public_key, info, aad, plaintext, seed),
    }
}

fn seal_to<K: hpke::Kem>(
    public_key: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    seed: &[u8],
) -> Result<Vec<u8>, Error> {
    let public = K::PublicKey::from_bytes(public_key)
        .map_err(|_| Error::invalid("the public key is not one of its type"))?;
    let mut sealed = vec![0; K::EncappedKey::size() + plaintext.len() + TAG_LEN];
    Suite::<AesGcm256, K>::seal(&public, info, aad, plaintext, &mut sealed, &mut Seed(seed))?;
    Ok(sealed)
}

/// A KEM with HKDF-SHA256 and an AEAD: single-shot encryption of and to payloads.
pub(crate) struct Suite<A, K>(PhantomData<(A, K)>);

impl<A: Aead, K: hpke::Kem> Suite<A, K> {
    /// Fills `payload`, which is longer than `plaintext` by an encapsulated key and a tag.
    pub(crate) fn seal(
        public: &K::PublicKey,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        payload: &mut [u8],
        entropy: &mut impl CryptoRng,
    ) -> Result<(), Error> {
        let (enc, rest) = payload.split_at_mut(K::EncappedKey::size());
        let (text, tag) = rest.split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        let sealed = single_shot_seal_inout_detached_with_rng::<A, HkdfSha256, K>(
            &OpModeS::Base,
            public,
            info,
            InOutBuf::from(text),
            aad,
            entropy,
        );
        // A public key of small order was refused when it came in, or is here.
        let (made, made_tag) =
            sealed.map_err(|_| Error::invalid("the public key cannot be encrypted to"))?;
        made.write_exact(enc);
        made_tag.write_exact(tag);
        Ok(())
    }

    /// Decrypts what [`seal`](Self::seal) makes; a client holds no private key.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn open(
        private: &K::PrivateKey,
        info: &[u8],
        aad: &[u8],
        payload: &[u8],
    ) -> Result<SecretBytes, Error> {
        let (enc, rest) = payload
            .split_at_checked(K::EncappedKey::size())
            .ok_or(Error::Decryption)?;
        let text_len = rest.len().checked_sub(TAG_LEN).ok_or(Error::Decryption)?;
        let (text, tag) = rest.split_at(text_len);
        let enc = K::EncappedKey::from_bytes(enc).map_err(|_| Error::Decryption)?;
        let tag = AeadTag::from_bytes(tag).map_err(|_| Error::Decryption)?;
        let mut plaintext = Secret::new(vec![0; text_len]);
        // EXPOSE: to decrypt into the buffer that is wiped.
        let into = InOutBuf::new(text, plaintext.expose_mut()).map_err(|_| Error::Decryption)?;
        single_shot_open_inout_detached::<A, HkdfSha256, K>(
            &OpModeR::Base,
            private,
            &enc,
            info,
            into,
            aad,
            &tag,
        )
        .map_err(|_| Error::Decryption)?;
        Ok(plaintext)
    }
}

/// Randomness that was handed in, in the shape the KEMs want: they ask once, for all of it.
pub(crate) struct Seed<'a>(pub(crate) &'a [u8]);

impl TryRng for Seed<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut word = [0; 4];
        self.try_fill_bytes(&mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut word = [0; 8];
        self.try_fill_bytes(&mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        // A library that asked for more than its standard says gets a panic rather than a key that
        // can be guessed.
        let (taken, rest) = self.0.split_at(out.len());
        out.copy_from_slice(taken);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Seed<'_> {}

#[cfg(test)]
mod tests;
