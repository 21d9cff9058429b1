//! The primitives of the client for browsers, Node and edge runtimes, compiled to WebAssembly: what
//! WebCrypto lacks, is slow at or is lax about.
//!
//! The npm package `@keyward/client` in `bindings/js` calls them. Everything is passed in, keys and
//! randomness too. What fails is thrown as an `Error` with one word:
//!
//! | word | means |
//! |---|---|
//! | `authentication` | what should be opened was not sealed so |
//! | `invalid_key` | the key is none of its kind |
//! | `invalid_length` | an input has another length than the algorithm says |
//!
//! **Invariant:** this crate converts and holds no logic. No entropy, no clock, no network, nothing
//! asynchronous, no standard library. No input makes an export panic: a trap leaves the instance
//! unusable.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use core::mem;

use keyward_crypto::hpke::{self, Kem};
use keyward_crypto::verify::{self, MlDsaSet};
use keyward_crypto::{Error, Secret, SecretBytes, xaes};
use wasm_bindgen::prelude::*;

/// The version of these functions; a script of another release must not call them.
const ABI: u32 = 1;

/// Tells the version of these functions.
#[wasm_bindgen]
pub fn abi() -> u32 {
    ABI
}

/// Seals with XAES-256-GCM (C2SP): 32 bytes of key, 24 of nonce; gives ciphertext and tag.
#[wasm_bindgen]
pub fn xaes_seal(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, JsError> {
    xaes::seal(&secret(key)?, array(nonce)?, aad, plaintext).map_err(|_| invalid_length())
}

/// Opens what [`xaes_seal`] made.
#[wasm_bindgen]
pub fn xaes_open(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<u8>, JsError> {
    let plaintext = xaes::open(&secret(key)?, array(nonce)?, aad, ciphertext);
    // EXPOSE: handed to the page, which asked for it.
    plaintext
        .map(|mut plaintext| mem::take(plaintext.expose_mut()))
        .map_err(failure)
}

/// Says whether a signature of Ed25519 (RFC 8032) fits, strictly.
#[wasm_bindgen]
pub fn ed25519_verify(public: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, JsError> {
    verify::ed25519(array(public)?, message, array(signature)?).map_err(failure)
}

/// Says whether a signature of ML-DSA (FIPS 204) fits, of the set 44, 65 or 87.
#[wasm_bindgen]
pub fn ml_dsa_verify(
    set: u32,
    public: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<bool, JsError> {
    let set = match set {
        44 => MlDsaSet::MlDsa44,
        65 => MlDsaSet::MlDsa65,
        87 => MlDsaSet::MlDsa87,
        _ => return Err(JsError::new("invalid_key")),
    };
    verify::ml_dsa(set, public, message, context, signature).map_err(failure)
}

/// Seals with HPKE (RFC 9180) to a public key of X25519 (`kem` 1) or X-Wing (`kem` 2), with AES-256-
/// GCM and no `info`; gives `enc ‖ ciphertext ‖ tag`. `seed` is 32 or 64 bytes of fresh randomness.
#[wasm_bindgen]
pub fn hpke_seal(
    kem: u32,
    public: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    seed: &[u8],
) -> Result<Vec<u8>, JsError> {
    let kem = match kem {
        1 => Kem::X25519,
        2 => Kem::XWing,
        _ => return Err(JsError::new("invalid_key")),
    };
    if seed.len() < kem.seed_len() {
        return Err(invalid_length());
    }
    hpke::seal(kem, public, b"", aad, plaintext, &SecretBytes::from(seed)).map_err(failure)
}

fn array<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], JsError> {
    bytes.try_into().map_err(|_| invalid_length())
}

fn secret<const N: usize>(bytes: &[u8]) -> Result<Secret<[u8; N]>, JsError> {
    array(bytes).map(|bytes| Secret::new(*bytes))
}

fn failure(error: Error) -> JsError {
    JsError::new(match error {
        Error::Decryption => "authentication",
        _ => "invalid_key",
    })
}

fn invalid_length() -> JsError {
    JsError::new("invalid_length")
}

/// Small: one list of free blocks for each size, where the standard library's allocator has trees.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// Without the standard library a panic has nowhere to go: it traps.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn trap(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
