//! The list of all key types.

use super::{KeyType, aes_gcm, chacha20_poly1305, ed25519, hmac};
#[cfg(not(target_arch = "wasm32"))]
use super::{cmac, ecdsa, ff1, hpke, mldsa, rsa};

/// Every key type there is, in the order of their names. A browser, which has no private keys to
/// keep, goes without those that would make its module large.
pub const KEY_TYPES: &[&dyn KeyType] = &[
    #[cfg(not(target_arch = "wasm32"))]
    &cmac::AES128_CMAC,
    &aes_gcm::AES128_GCM96,
    #[cfg(not(target_arch = "wasm32"))]
    &cmac::AES192_CMAC,
    #[cfg(not(target_arch = "wasm32"))]
    &cmac::AES256_CMAC,
    &aes_gcm::AES256_GCM96,
    &chacha20_poly1305::CHACHA20_POLY1305,
    #[cfg(not(target_arch = "wasm32"))]
    &ecdsa::P256,
    #[cfg(not(target_arch = "wasm32"))]
    &ecdsa::P384,
    #[cfg(not(target_arch = "wasm32"))]
    &ecdsa::P521,
    &ed25519::Ed25519,
    #[cfg(not(target_arch = "wasm32"))]
    &ff1::Ff1,
    &hmac::Hmac,
    #[cfg(not(target_arch = "wasm32"))]
    &hpke::HPKE_X25519,
    #[cfg(not(target_arch = "wasm32"))]
    &hpke::HPKE_XWING,
    #[cfg(not(target_arch = "wasm32"))]
    &mldsa::MLDSA_44,
    #[cfg(not(target_arch = "wasm32"))]
    &mldsa::MLDSA_65,
    #[cfg(not(target_arch = "wasm32"))]
    &mldsa::MLDSA_87,
    #[cfg(not(target_arch = "wasm32"))]
    &rsa::RSA_2048,
    #[cfg(not(target_arch = "wasm32"))]
    &rsa::RSA_3072,
    #[cfg(not(target_arch = "wasm32"))]
    &rsa::RSA_4096,
    &chacha20_poly1305::XCHACHA20_POLY1305,
];

/// Finds a key type by its name in Vault's API or by another name for the same.
pub fn key_type(name: &str) -> Option<&'static dyn KeyType> {
    KEY_TYPES
        .iter()
        .copied()
        .find(|key_type| key_type.name() == name || key_type.aliases().contains(&name))
}
