//! ChaCha20-Poly1305 (RFC 8439).

use chacha20poly1305::ChaCha20Poly1305;

use super::aead::AeadKeyType;

pub(super) static CHACHA20_POLY1305: AeadKeyType<ChaCha20Poly1305> =
    AeadKeyType::new("chacha20-poly1305");
