//! Data keys that are derived, so that they can be had again instead of being kept.

use super::rules::Purpose;
use super::{Derivation, Keyring};
use crate::derive::hkdf;
use crate::{Error, HashAlgorithm, SecretBytes};

/// Stands before the salt: with none, a derived key would derive its working keys as data keys.
const LABEL: &[u8] = b"keyward data key v1:";

/// Which data key of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataKeyRequest<'a> {
    /// The version to derive from; the latest if `None`.
    pub version: Option<u32>,
    /// What the working key is derived from; without effect on a key that is not derived.
    pub context: Option<&'a [u8]>,
    /// What separates one family of data keys from another; not empty.
    pub salt: &'a [u8],
    /// What else the data key is bound to.
    pub info: &'a [u8],
    /// Which one of its family.
    pub index: u32,
    /// Its length in bytes.
    pub len: usize,
}

impl Keyring {
    /// Derives a data key, the same one each time, and tells the version it comes from:
    /// ```text
    /// HKDF-SHA256(key, salt = "keyward data key v1:" ‖ salt, info = index u32 BE ‖ info)
    /// ```
    ///
    /// # Errors
    /// In Vault's words: [`Error::Invalid`] for a version that may not encrypt or a missing context,
    /// [`Error::Unsupported`] when the type is not symmetric.
    pub fn derive_data_key(
        &self,
        request: &DataKeyRequest<'_>,
    ) -> Result<(u32, SecretBytes), Error> {
        let Some(len) = self
            .key_type
            .derived_len()
            .filter(|_| self.key_type.cipher().is_some() && self.key_type.public().is_none())
        else {
            let name = self.key_type.name();
            return Err(Error::unsupported(format!(
                "data keys cannot be derived from keys of type {name}"
            )));
        };
        if request.salt.is_empty() {
            return Err(Error::invalid("missing 'salt' to derive data keys"));
        }
        let (number, version) = self.version_for(Purpose::Encryption, request.version)?;
        let derived;
        let key = match self.derivation {
            Derivation::None => version.private()?,
            Derivation::Convergent | Derivation::Derived => {
                derived = version.derive(request.context, len)?;
                &derived
            }
        };
        let salt = [LABEL, request.salt].concat();
        let info = [&request.index.to_be_bytes(), request.info].concat();
        let data_key = hkdf(HashAlgorithm::Sha2_256, key, &salt, &info, request.len)?;
        Ok((number, data_key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, key_type};

    fn keyring(derivation: Derivation) -> Keyring {
        let key_type = key_type("aes256-gcm96").unwrap();
        let key = SecretBytes::new(vec![7; 32]);
        Keyring::import(key_type, derivation, key, Timestamp::from_unix_nanos(0)).unwrap()
    }

    const REQUEST: DataKeyRequest<'_> = DataKeyRequest {
        version: None,
        context: None,
        salt: b"salt",
        info: b"info",
        index: 1,
        len: 32,
    };

    /// HMAC-SHA256 twice by hand (RFC 5869), with an independent implementation.
    #[test]
    fn a_data_key_is_what_its_formula_says() {
        let (version, key) = keyring(Derivation::None).derive_data_key(&REQUEST).unwrap();
        assert_eq!(version, 1);
        assert_eq!(
            crate::encoding::encode_hex(key.expose()),
            "49706ab3c776b8940ddbec8b3f3aee1901f823817279c1be9e042e3ce0726f1f"
        );
    }

    #[test]
    fn every_part_of_the_request_makes_another_key() {
        let keyring = keyring(Derivation::Derived);
        let derive = |request: DataKeyRequest<'_>| {
            let request = DataKeyRequest {
                context: request.context.or(Some(b"c")),
                ..request
            };
            let (_, key) = keyring.derive_data_key(&request).unwrap();
            key.expose().clone()
        };
        let mut keys = vec![
            derive(REQUEST),
            derive(DataKeyRequest {
                index: 2,
                ..REQUEST
            }),
            derive(DataKeyRequest {
                salt: b"other",
                ..REQUEST
            }),
            derive(DataKeyRequest {
                info: b"other",
                ..REQUEST
            }),
            derive(DataKeyRequest {
                context: Some(b"other"),
                ..REQUEST
            }),
        ];
        assert_eq!(derive(REQUEST), keys[0]);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 5);
    }

    #[test]
    fn what_is_missing_is_told() {
        let derived = keyring(Derivation::Derived);
        assert!(derived.derive_data_key(&REQUEST).is_err());
        let plain = keyring(Derivation::None);
        let no_salt = DataKeyRequest {
            salt: b"",
            ..REQUEST
        };
        assert!(plain.derive_data_key(&no_salt).is_err());
        let created = Timestamp::from_unix_nanos(0);
        let signing = key_type("ed25519").unwrap();
        let signing = Keyring::generate(signing, Derivation::None, created).unwrap();
        assert!(signing.derive_data_key(&REQUEST).is_err());
    }
}
