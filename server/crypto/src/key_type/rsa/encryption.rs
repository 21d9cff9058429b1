//! Encryption: OAEP with SHA-256 and an empty label (RFC 8017 section 7.1), or PKCS#1 version 1.5
//! (section 7.2) where the caller asks for it. Both by aws-lc-rs alone: the crate `rsa` takes OAEP
//! whose first byte is not zero.

use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256 as OAEP;

use super::{Private, Public};
use crate::key_type::{Cipher, Encryptor};
use crate::keyring::{Padding, Scope};
use crate::{Error, Secret, SecretBytes};

impl Public {
    /// Refuses what RSA has no place for.
    fn check_scope(&self, scope: &Scope<'_>) -> Result<(), Error> {
        if scope.associated_data.is_empty() {
            return Ok(());
        }
        let name = self.name;
        Err(Error::invalid(format!(
            "'associated_data' provided for non-AEAD cipher suite {name}"
        )))
    }
}

impl Encryptor for Public {
    fn sealed_len(&self, _: usize) -> usize {
        self.len
    }

    fn seal(&self, plaintext: &[u8], scope: &Scope<'_>, payload: &mut [u8]) -> Result<(), Error> {
        self.check_scope(scope)?;
        let longest = match scope.padding {
            Padding::Oaep => self.oaep.max_plaintext_size(&OAEP),
            Padding::Pkcs1v15 => self.pkcs1.max_plaintext_size(),
        };
        if plaintext.len() > longest {
            return Err(Error::invalid(
                "failed to RSA encrypt the plaintext: crypto/rsa: message too long for RSA key \
                 size",
            ));
        }
        match scope.padding {
            Padding::Oaep => self.oaep.encrypt(&OAEP, plaintext, payload, None),
            Padding::Pkcs1v15 => self.pkcs1.encrypt(plaintext, payload),
        }
        .map(drop)
        .map_err(|_| Error::internal("RSA could not encrypt"))
    }

    fn encryption_limit(&self) -> u64 {
        // It has no nonces.
        u64::MAX
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        Some(self.spki.clone())
    }
}

impl Encryptor for Private {
    fn sealed_len(&self, plaintext_len: usize) -> usize {
        self.public.sealed_len(plaintext_len)
    }

    fn seal(&self, plaintext: &[u8], scope: &Scope<'_>, payload: &mut [u8]) -> Result<(), Error> {
        self.public.seal(plaintext, scope, payload)
    }

    fn encryption_limit(&self) -> u64 {
        self.public.encryption_limit()
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        Encryptor::public_key(&self.public)
    }
}

impl Cipher for Private {
    fn open(&self, payload: &[u8], scope: &Scope<'_>) -> Result<SecretBytes, Error> {
        self.public.check_scope(scope)?;
        let mut plaintext = Secret::new(vec![0; self.public.len]);
        // EXPOSE: to decrypt into the buffer that is wiped.
        let out = plaintext.expose_mut();
        let len = match scope.padding {
            Padding::Oaep => self.oaep.decrypt(&OAEP, payload, out, None),
            Padding::Pkcs1v15 => self.pkcs1.decrypt(payload, out),
        }
        .map_err(|_| Error::Decryption)?
        .len();
        out.truncate(len);
        Ok(plaintext)
    }
}
