//! AES-GCM (NIST SP 800-38D) with 96-bit nonces.

use aes_gcm::{Aes128Gcm, Aes256Gcm};

use super::aead::AeadKeyType;

pub(super) static AES128_GCM96: AeadKeyType<Aes128Gcm> = AeadKeyType::new("aes128-gcm96");
pub(super) static AES256_GCM96: AeadKeyType<Aes256Gcm> = AeadKeyType::new("aes256-gcm96");
