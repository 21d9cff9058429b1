//! The primitives that clients use, against the vectors of their standards.
//!
//! What takes the text of a file is in files of its own, which `wasm-client/vectors` compiles too.

#![allow(clippy::unwrap_used, reason = "the whole file is a test")]

mod hpke;
mod xaes;

#[test]
fn xaes_256_gcm() {
    assert_eq!(
        xaes::given(include_bytes!("../vectors/xaes_256_gcm.json")),
        2
    );
}

#[test]
fn xaes_256_gcm_accumulated() {
    xaes::accumulated(include_bytes!("../vectors/xaes_256_gcm.json"), 1_000_000);
}

#[test]
fn hpke_rfc_9180() {
    assert_eq!(hpke::rfc_9180(include_bytes!("../vectors/rfc9180.json")), 1);
}

#[test]
fn hpke_x_wing() {
    assert_eq!(hpke::x_wing(include_bytes!("../vectors/x_wing.json")), 3);
}
