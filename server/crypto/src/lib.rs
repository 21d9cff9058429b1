//! Keys, ciphertexts and secrets: the pure cryptography under everything else.
//!
//! A [`Keyring`] is one named key with all its versions: it encrypts, decrypts, rewraps, signs,
//! verifies and authenticates, and holds the rules that say which version may do what. What an
//! algorithm can do is said by its [`KeyType`]; [`KEY_TYPES`] lists them all. Secret bytes live in
//! [`Secret`], randomness comes from [`random`] alone, and the text form `vault:vN:…` is read and
//! written in [`ciphertext`] alone.
//!
//! **Invariant:** no IO, no clock, no logging, no spawned work. The crate builds unchanged for
//! wasm32, where the feature `wasm` takes entropy from WebCrypto.

#[cfg(not(target_arch = "wasm32"))]
pub mod byok;
pub mod ciphertext;
pub mod derive;
pub mod encoding;
mod error;
mod hash;
pub mod hpke;
pub mod key_type;
pub mod key_wrap;
mod keyring;
mod mac;
pub mod proof;
pub mod random;
mod secret;
pub mod shamir;
pub mod verify;
#[cfg(not(target_arch = "wasm32"))]
pub mod x509;
pub mod xaes;

pub use error::Error;
pub use hash::HashAlgorithm;
pub use key_type::{KEY_TYPES, KeyForm, KeyType, Material, key_type};
pub use keyring::{
    Alphabet, DataKeyRequest, Derivation, Encrypted, Format, Keyring, Marshaling, Minimums,
    Padding, Part, Purpose, SaltLength, Scheme, Scope, SecretNumerals, SignRequest, Signed,
    Timestamp, VersionInfo,
};
pub use mac::{MacKey, Tag};
pub use secret::{Secret, SecretBytes, SecretString, Wipe};
