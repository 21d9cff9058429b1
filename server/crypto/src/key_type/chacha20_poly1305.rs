//! ChaCha20-Poly1305 (RFC 8439), and XChaCha20-Poly1305 with nonces of 192 bits
//! (draft-irtf-cfrg-xchacha-03).

use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};

use super::aead::AeadKeyType;

pub(super) static CHACHA20_POLY1305: AeadKeyType<ChaCha20Poly1305> =
    AeadKeyType::new("chacha20-poly1305");
pub(super) static XCHACHA20_POLY1305: AeadKeyType<XChaCha20Poly1305> =
    AeadKeyType::new("xchacha20-poly1305");
