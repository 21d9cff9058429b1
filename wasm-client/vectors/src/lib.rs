//! Outside vectors of the crypto crate, as WebAssembly: the checks are those that run natively.
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
#[path = "../../../server/crypto/tests/primitives/hpke.rs"]
mod hpke;
#[path = "../../../server/crypto/tests/wycheproof/signature.rs"]
mod signature;
#[path = "../../../server/crypto/tests/wycheproof/verify.rs"]
mod verify;
#[path = "../../../server/crypto/tests/primitives/xaes.rs"]
mod xaes;

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
    let tests = signature::ed25519(file.as_bytes());
    assert_eq!(verify::ed25519(file.as_bytes()), tests);
    tests
}

/// Seals with the randomness of RFC 9180's vectors.
#[wasm_bindgen]
pub fn hpke_rfc_9180(file: &str) -> usize {
    throw_panics();
    hpke::rfc_9180(file.as_bytes())
}

/// Seals with the randomness of X-Wing's vectors.
#[wasm_bindgen]
pub fn hpke_x_wing(file: &str) -> usize {
    throw_panics();
    hpke::x_wing(file.as_bytes())
}

/// Runs the file of ML-DSA's signatures, of one parameter set.
#[wasm_bindgen]
pub fn ml_dsa(set: u32, file: &str) -> usize {
    throw_panics();
    verify::ml_dsa(set, file.as_bytes())
}

/// Runs XAES-256-GCM's vectors, and the shorter of its accumulated ones.
#[wasm_bindgen]
pub fn xaes_256_gcm(file: &str) -> usize {
    throw_panics();
    xaes::accumulated(file.as_bytes(), 10_000);
    xaes::given(file.as_bytes())
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
