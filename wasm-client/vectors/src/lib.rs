//! Wycheproof's tests of the crypto crate, as WebAssembly: the checks are those that run natively.
//!
//! Each function takes the text of a file, runs every test in it and returns how many there were; a
//! test that fails throws.

#![allow(clippy::unwrap_used, reason = "the whole crate is a test")]

#[path = "../../../server/crypto/tests/wycheproof/aead.rs"]
mod aead;
#[expect(
    dead_code,
    reason = "the sizes of tags are for MACs, which run natively alone"
)]
#[path = "../../../server/crypto/tests/wycheproof/file.rs"]
mod file;
#[path = "../../../server/crypto/tests/wycheproof/signature.rs"]
mod signature;

use std::panic;

use wasm_bindgen::prelude::*;

/// Runs the file of AES-GCM.
#[wasm_bindgen]
pub fn aes_gcm(file: &str) -> usize {
    throw_panics();
    aead::aes_gcm(file.as_bytes())
}

/// Runs the file of ChaCha20-Poly1305.
#[wasm_bindgen]
pub fn chacha20_poly1305(file: &str) -> usize {
    throw_panics();
    aead::chacha20_poly1305(file.as_bytes())
}

/// Runs the file of Ed25519.
#[wasm_bindgen]
pub fn ed25519(file: &str) -> usize {
    throw_panics();
    signature::ed25519(file.as_bytes())
}

/// Runs the file of XChaCha20-Poly1305.
#[wasm_bindgen]
pub fn xchacha20_poly1305(file: &str) -> usize {
    throw_panics();
    aead::xchacha20_poly1305(file.as_bytes())
}

/// Makes an assertion that fails an error with its text, where it would be a trap without one.
fn throw_panics() {
    panic::set_hook(Box::new(|fault| {
        wasm_bindgen::throw_str(&fault.to_string())
    }));
}
