//! HMAC (RFC 2104) keys of a chosen size, for HMACs alone.
//!
//! ```text
//! material = key (32 to 512)
//! ```
//! Every other key type authenticates too, with a key of 32 bytes beside its own; here the key
//! itself does.

use std::ops::RangeInclusive;

use super::KeyType;
use crate::{Error, SecretBytes};

const SIZES: RangeInclusive<usize> = 32..=512;

#[derive(Debug)]
pub(super) struct Hmac;

impl KeyType for Hmac {
    fn name(&self) -> &'static str {
        "hmac"
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        self.generate_sized(*SIZES.start())
    }

    fn key_sizes(&self) -> Option<RangeInclusive<usize>> {
        Some(SIZES)
    }

    fn is_hmac_key(&self) -> bool {
        true
    }

    fn check(&self, material: &SecretBytes) -> Result<(), Error> {
        // EXPOSE: only the length matters here.
        if SIZES.contains(&material.expose().len()) {
            return Ok(());
        }
        Err(Error::invalid("the key has the wrong length for its type"))
    }
}
