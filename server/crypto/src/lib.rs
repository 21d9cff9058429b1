//! Keys, ciphertexts and secrets: the pure cryptography under everything else.
//!
//! A [`Keyring`] is one named key with all its versions: it encrypts, decrypts, rewraps, signs,
//! verifies and authenticates, and holds the rules that say which version may do what. What an
//! algorithm can do is said by its [`KeyType`]; [`KEY_TYPES`] lists them all. Secret bytes live in
//! [`Secret`], randomness comes from [`random`] alone, and the text form `vault:vN:…` is read and
//! written in [`ciphertext`] alone.
//!
//! Without the feature `keyring`, which is on by default, what is left is what clients need: [`hpke`],
//! [`verify`] and [`xaes`]. It wants neither the standard library nor entropy.
//!
//! **Invariant:** no IO, no clock, no logging, no spawned work. The crate builds unchanged for
//! wasm32, where the feature `wasm` takes entropy from WebCrypto.

#![cfg_attr(not(feature = "keyring"), no_std)]

extern crate alloc;

#[cfg(all(feature = "keyring", not(target_arch = "wasm32")))]
pub mod byok;
#[cfg(feature = "keyring")]
pub mod ciphertext;
#[cfg(feature = "keyring")]
pub mod derive;
#[cfg(feature = "keyring")]
pub mod encoding;
#[cfg(feature = "keyring")]
pub mod envelope;
mod error;
#[cfg(feature = "keyring")]
mod hash;
pub mod hpke;
#[cfg(feature = "keyring")]
pub mod key_type;
#[cfg(feature = "keyring")]
pub mod key_wrap;
#[cfg(feature = "keyring")]
mod keyring;
#[cfg(feature = "keyring")]
mod mac;
#[cfg(all(feature = "keyring", not(target_arch = "wasm32")))]
pub mod otp;
#[cfg(all(feature = "keyring", not(target_arch = "wasm32")))]
pub mod proof;
#[cfg(feature = "keyring")]
pub mod random;
mod secret;
#[cfg(feature = "keyring")]
pub mod shamir;
pub mod verify;
#[cfg(all(feature = "keyring", not(target_arch = "wasm32")))]
pub mod x509;
pub mod xaes;

#[cfg(feature = "keyring")]
pub use ciphertext::Encrypted;
pub use error::Error;
#[cfg(feature = "keyring")]
pub use hash::HashAlgorithm;
#[cfg(feature = "keyring")]
pub use key_type::{KEY_TYPES, KeyForm, KeyType, Material, key_type};
#[cfg(feature = "keyring")]
pub use keyring::{
    Alphabet, DataKeyRequest, Derivation, Format, Keyring, Marshaling, Minimums, Padding, Part,
    Purpose, SaltLength, Scheme, Scope, SecretNumerals, SignRequest, Signed, Timestamp,
    VersionInfo,
};
#[cfg(feature = "keyring")]
pub use mac::{MacKey, Tag};
pub use secret::{Secret, SecretBytes, SecretString, Wipe};
