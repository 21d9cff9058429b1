//! Encrypting, decrypting, rewrapping: as text for transit, as bytes for the barrier.

use std::str::FromStr;

use super::rules::Purpose;
use super::version::Version;
use super::{Derivation, Keyring, rules};
use crate::ciphertext::{Ciphertext, Encrypted, Kind};
use crate::key_type::Encryptor;
use crate::{Error, SecretBytes};

/// How RSA pads a plaintext (RFC 8017 section 7); other types look away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// OAEP with SHA-256 and an empty label.
    #[default]
    Oaep,
    /// PKCS#1 version 1.5, for data that exists: who can ask for decryptions and sees which of them
    /// fail, can decrypt (Bleichenbacher 1998).
    Pkcs1v15,
}

impl FromStr for Padding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "oaep" => Ok(Self::Oaep),
            "pkcs1v15" => Ok(Self::Pkcs1v15),
            _ => Err(Error::invalid(format!("unknown padding scheme {name}"))),
        }
    }
}

/// What an encryption is bound to, beside its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope<'a> {
    /// What the working key is derived from; without effect on a key that is not derived.
    pub context: Option<&'a [u8]>,
    /// What is authenticated but not encrypted; the same must be given to decrypt.
    pub associated_data: &'a [u8],
    /// How the plaintext is padded, if the type pads it.
    pub padding: Padding,
}

impl Keyring {
    /// Encrypts with the latest version, or with another that may still encrypt.
    ///
    /// # Errors
    /// In Vault's words: [`Error::Invalid`] for a version that may not encrypt or a missing context,
    /// [`Error::Unsupported`] when the type does not encrypt. [`Error::Exhausted`] when the version
    /// must be rotated first.
    pub fn encrypt(
        &self,
        plaintext: &[u8],
        scope: &Scope<'_>,
        version: Option<u32>,
    ) -> Result<Encrypted, Error> {
        self.check_encrypts()?;
        let (number, version) = self.version_for(Purpose::Encryption, version)?;
        version.with_encryptor(scope.context, |encryptor| {
            count(encryptor, number, version)?;
            let len = encryptor.sealed_len(plaintext.len());
            Encrypted::seal(number, len, |payload| {
                encryptor.seal(plaintext, scope, payload)
            })
        })
    }

    /// Decrypts a text with the version it names.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the text is none, names a version that may not decrypt, or the
    /// context of a derived key is missing; [`Error::Decryption`] for whatever is wrong beyond.
    pub fn decrypt(&self, text: &str, scope: &Scope<'_>) -> Result<SecretBytes, Error> {
        self.check_decrypts()?;
        let parsed = Ciphertext::parse(Kind::Ciphertext, text)?;
        // Ciphertexts from before there were versions say 0.
        let number = parsed.version().max(i64::from(parsed.version() == 0));
        let version = self.version_named(number, || Kind::Ciphertext.too_new(), rules::too_old)?;
        parsed.with_payload(|payload| {
            version.with_cipher(scope.context, |cipher| cipher.open(payload, scope))
        })
    }

    /// Decrypts a text under one scope and encrypts it again under another, with the latest version
    /// unless another is asked for.
    ///
    /// # Errors
    /// As [`Self::decrypt`] and [`Self::encrypt`].
    pub fn rewrap(
        &self,
        text: &str,
        from: &Scope<'_>,
        to: &Scope<'_>,
        version: Option<u32>,
    ) -> Result<Encrypted, Error> {
        let plaintext = self.decrypt(text, from)?;
        // EXPOSE: encrypted again at once.
        self.encrypt(plaintext.expose(), to, version)
    }

    /// Encrypts with the latest version and appends the binary form to `out`:
    /// ```text
    /// version u32 BE ‖ payload
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type does not encrypt or the key is derived,
    /// [`Error::Exhausted`] when the version must be rotated first. `out` is then as it was.
    pub fn seal(
        &self,
        plaintext: &[u8],
        associated_data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.check_seals()?;
        let (number, version) = self.version_for(Purpose::Encryption, None)?;
        version.with_encryptor(None, |encryptor| {
            count(encryptor, number, version)?;
            let start = out.len();
            out.extend_from_slice(&number.to_be_bytes());
            let payload = out.len();
            out.resize(payload + encryptor.sealed_len(plaintext.len()), 0);
            let sealed = encryptor.seal(plaintext, &bound_to(associated_data), &mut out[payload..]);
            if sealed.is_err() {
                // What was left there may be plaintext.
                out[start..].fill(0);
                out.truncate(start);
            }
            sealed
        })
    }

    /// Decrypts what [`Self::seal`] made, with the version it names.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type does not encrypt or the key is derived, else
    /// [`Error::Decryption`], whatever is wrong.
    pub fn open(&self, sealed: &[u8], associated_data: &[u8]) -> Result<SecretBytes, Error> {
        self.check_seals()?;
        let (number, payload) = sealed.split_first_chunk().ok_or(Error::Decryption)?;
        let number = i64::from(u32::from_be_bytes(*number));
        let version = self.version_named(number, || Error::Decryption, || Error::Decryption)?;
        version.with_cipher(None, |cipher| {
            cipher.open(payload, &bound_to(associated_data))
        })
    }

    fn check_encrypts(&self) -> Result<(), Error> {
        self.check(self.key_type.supports_encryption(), "encryption")
    }

    fn check_decrypts(&self) -> Result<(), Error> {
        self.check(self.key_type.supports_decryption(), "decryption")
    }

    fn check(&self, supported: bool, doing: &str) -> Result<(), Error> {
        if supported {
            return Ok(());
        }
        let name = self.key_type.name();
        Err(Error::unsupported(format!(
            "message {doing} not supported for key type {name}"
        )))
    }

    fn check_seals(&self) -> Result<(), Error> {
        self.check_encrypts()?;
        if self.derivation == Derivation::None {
            return Ok(());
        }
        Err(Error::unsupported("a derived key has no binary form"))
    }
}

fn bound_to(associated_data: &[u8]) -> Scope<'_> {
    Scope {
        associated_data,
        ..Scope::default()
    }
}

/// Counts an encryption before it is made, and refuses the one over the limit.
fn count(encryptor: &dyn Encryptor, number: u32, version: &Version) -> Result<(), Error> {
    if version.count_encryptions(1) < encryptor.encryption_limit() {
        return Ok(());
    }
    Err(Error::Exhausted(number))
}
