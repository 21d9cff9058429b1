//! Encrypting, decrypting, rewrapping: as text for transit, as bytes for the barrier.

use super::rules::Purpose;
use super::version::Version;
use super::{Derivation, Keyring, rules};
use crate::ciphertext::{self, Ciphertext, Kind};
use crate::key_type::Cipher;
use crate::{Error, SecretBytes};

/// What an encryption is bound to, beside its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope<'a> {
    /// What the working key is derived from; without effect on a key that is not derived.
    pub context: Option<&'a [u8]>,
    /// What is authenticated but not encrypted; the same must be given to decrypt.
    pub associated_data: &'a [u8],
}

/// A ciphertext as text, and the version that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// `vault:vN:…`
    pub text: String,
    /// The version in it.
    pub version: u32,
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
        self.check_encrypts("encryption")?;
        let (number, version) = self.version_for(Purpose::Encryption, version)?;
        let text = version.with_cipher(scope.context, |cipher| {
            count(cipher, number, version)?;
            ciphertext::print_sealed(number, cipher.sealed_len(plaintext.len()), |payload| {
                cipher.seal(plaintext, scope.associated_data, payload)
            })
        })?;
        Ok(Encrypted {
            text,
            version: number,
        })
    }

    /// Decrypts a text with the version it names.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the text is none, names a version that may not decrypt, or the
    /// context of a derived key is missing; [`Error::Decryption`] for whatever is wrong beyond.
    pub fn decrypt(&self, text: &str, scope: &Scope<'_>) -> Result<SecretBytes, Error> {
        self.check_encrypts("decryption")?;
        let parsed = Ciphertext::parse(Kind::Ciphertext, text)?;
        // Ciphertexts from before there were versions say 0.
        let number = parsed.version().max(i64::from(parsed.version() == 0));
        let version = self.version_named(number, || Kind::Ciphertext.too_new(), rules::too_old)?;
        let payload = parsed.decode()?;
        version.with_cipher(scope.context, |cipher| {
            cipher.open(payload, scope.associated_data)
        })
    }

    /// Decrypts a text and encrypts it again, with the latest version unless another is asked for.
    ///
    /// # Errors
    /// As [`Self::decrypt`] and [`Self::encrypt`].
    pub fn rewrap(
        &self,
        text: &str,
        scope: &Scope<'_>,
        version: Option<u32>,
    ) -> Result<Encrypted, Error> {
        let plaintext = self.decrypt(text, scope)?;
        // EXPOSE: encrypted again at once.
        self.encrypt(plaintext.expose(), scope, version)
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
        version.with_cipher(None, |cipher| {
            count(cipher, number, version)?;
            let start = out.len();
            out.extend_from_slice(&number.to_be_bytes());
            let payload = out.len();
            out.resize(payload + cipher.sealed_len(plaintext.len()), 0);
            let sealed = cipher.seal(plaintext, associated_data, &mut out[payload..]);
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
        version.with_cipher(None, |cipher| cipher.open(payload.into(), associated_data))
    }

    fn check_encrypts(&self, doing: &str) -> Result<(), Error> {
        if self.key_type.supports_encryption() {
            return Ok(());
        }
        let name = self.key_type.name();
        Err(Error::unsupported(format!(
            "message {doing} not supported for key type {name}"
        )))
    }

    fn check_seals(&self) -> Result<(), Error> {
        self.check_encrypts("encryption")?;
        if self.derivation == Derivation::None {
            return Ok(());
        }
        Err(Error::unsupported("a derived key has no binary form"))
    }
}

/// Counts an encryption before it is made, and refuses the one over the limit.
fn count(cipher: &dyn Cipher, number: u32, version: &Version) -> Result<(), Error> {
    if version.count_encryptions(1) < cipher.encryption_limit() {
        return Ok(());
    }
    Err(Error::Exhausted(number))
}
