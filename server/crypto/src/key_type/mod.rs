//! Key types: what each algorithm can do, and keys of it made ready for use.
//!
//! A key type is one static object. It says by `Option` what it offers ([`KeyType::cipher`],
//! [`KeyType::signer`], [`KeyType::public`]), so that nobody asks which type it is. A new one is one
//! file here and one line in `table.rs`.
//!
//! An asymmetric key has two forms here. Its *material* is the private key as the type stores it
//! (PKCS#8 DER for RSA and ECDSA), and its *public half* is SubjectPublicKeyInfo DER, or raw bytes
//! where Vault shows raw bytes. A version may have the public half alone: it verifies, and encrypts
//! if the type encrypts with the public half; [`Encryptor`] and [`Verifier`] are what it can do, and
//! [`Cipher`] and [`Signer`] are what the whole key can do beyond.

mod aead;
mod aes_gcm;
mod chacha20_poly1305;
#[cfg(not(target_arch = "wasm32"))]
mod cmac;
pub(crate) mod der;
#[cfg(not(target_arch = "wasm32"))]
mod ecdsa;
mod ed25519;
#[cfg(not(target_arch = "wasm32"))]
mod ff1;
mod form;
mod hmac;
#[cfg(not(target_arch = "wasm32"))]
mod hpke;
#[cfg(not(target_arch = "wasm32"))]
mod mldsa;
#[cfg(not(target_arch = "wasm32"))]
mod rsa;
mod table;

use std::fmt;
use std::ops::RangeInclusive;

#[cfg(not(target_arch = "wasm32"))]
use pkcs8::spki::AlgorithmIdentifierRef;

pub use self::form::{KeyForm, Material};
pub use self::table::{KEY_TYPES, key_type};
use crate::{
    Error, HashAlgorithm, Scheme, Scope, SecretBytes, SecretNumerals, SecretString, SignRequest,
    encoding, random,
};

/// The length of a whole CMAC: a block of AES.
pub const CMAC_LEN: usize = 16;

/// One algorithm that keys can be of.
pub trait KeyType: fmt::Debug + Send + Sync {
    /// The name in Vault's API.
    fn name(&self) -> &'static str;

    /// Other names that mean the same.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// The family it belongs to and the parameter set it stands for there: Vault Enterprise names a
    /// type of a family by both.
    fn parameter_set(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Generates the material of a new key: the bytes that are stored. For RSA this may take a
    /// second, so it does not belong on a thread that serves others.
    ///
    /// # Errors
    /// [`Error::Internal`] when the algorithm fails to find a key.
    fn generate(&self) -> Result<SecretBytes, Error>;

    /// The sizes in bytes among which the creator of a key chooses, the least if nobody does; `None`
    /// when the type leaves no choice.
    fn key_sizes(&self) -> Option<RangeInclusive<usize>> {
        None
    }

    /// Generates the material of a new key of `size` bytes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] in Vault's words when the type leaves no choice, [`Error::Invalid`]
    /// when the size is not one of [`key_sizes`](Self::key_sizes).
    fn generate_sized(&self, size: usize) -> Result<SecretBytes, Error> {
        let name = self.name();
        let Some(sizes) = self.key_sizes() else {
            return Err(Error::unsupported(format!(
                "key_size is not valid for algorithm {name}"
            )));
        };
        if !sizes.contains(&size) {
            return Err(Error::invalid(format!("invalid key_size {size}")));
        }
        Ok(random::generate_bytes(size))
    }

    /// Checks material of which nothing is made ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of this type.
    fn check(&self, _material: &SecretBytes) -> Result<(), Error> {
        Ok(())
    }

    /// Whether the material itself is the key for HMACs, which other types have beside it.
    fn is_hmac_key(&self) -> bool {
        false
    }

    /// What it offers if it authenticates with a block cipher.
    fn authenticator(&self) -> Option<&dyn AuthenticatorType> {
        None
    }

    /// What it offers if it encrypts and keeps the format.
    fn format(&self) -> Option<&dyn FormatType> {
        None
    }

    /// What it offers if it encrypts.
    fn cipher(&self) -> Option<&dyn CipherType> {
        None
    }

    /// What it offers if it signs.
    fn signer(&self) -> Option<&dyn SignerType> {
        None
    }

    /// What it offers if two of its keys can agree on a secret.
    fn agreement(&self) -> Option<&dyn AgreementType> {
        None
    }

    /// What it offers if its keys have a public half.
    fn public(&self) -> Option<&dyn PublicType> {
        None
    }

    /// Makes material of a private key that came from elsewhere: the raw bytes of a symmetric key,
    /// PKCS#8 DER (RFC 5958) of an asymmetric one.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not the DER of a key of this type. Whether material is a key
    /// is found out when it is prepared.
    fn import(&self, key: SecretBytes) -> Result<SecretBytes, Error> {
        Ok(key)
    }

    /// Writes material as it leaves the server.
    ///
    /// # Errors
    /// [`Error::Invalid`] in OpenBao's words when the type has no such form.
    fn export(&self, material: &SecretBytes, form: KeyForm) -> Result<SecretString, Error> {
        match form {
            KeyForm::Default | KeyForm::Raw => Ok(encoding::encode_secret(material)),
            KeyForm::Der | KeyForm::Pem => Err(no_such_form()),
        }
    }

    /// How many bytes a derived key of it takes; `None` when none can be derived.
    fn derived_len(&self) -> Option<usize> {
        None
    }

    /// Whether keys of it can be derived from a context.
    fn supports_derivation(&self) -> bool {
        self.derived_len().is_some()
    }

    /// Whether encryption with it can be convergent.
    fn supports_convergent(&self) -> bool {
        self.supports_derivation()
            && self
                .cipher()
                .is_some_and(|cipher| cipher.convergent().is_some())
    }

    /// Whether what it encrypts can be bound to associated data.
    fn supports_associated_data(&self) -> bool {
        self.cipher().is_some()
    }

    /// Whether keys of it decrypt.
    fn supports_decryption(&self) -> bool {
        self.cipher().is_some()
    }

    /// Whether keys of it encrypt.
    fn supports_encryption(&self) -> bool {
        self.cipher().is_some()
    }

    /// Whether keys of it sign.
    fn supports_signing(&self) -> bool {
        self.signer().is_some()
    }
}

/// The authenticating half of a key type: CMAC (NIST SP 800-38B).
pub trait AuthenticatorType: Send + Sync {
    /// Makes key material ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of this type.
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Authenticator>, Error>;
}

/// A key that authenticates with a block cipher, ready for use.
pub trait Authenticator: Send + Sync {
    /// Computes the whole tag of `input`, as long as a block.
    fn compute(&self, input: &[u8]) -> [u8; CMAC_LEN];
}

/// The half of a key type that encrypts and keeps the format.
pub trait FormatType: Send + Sync {
    /// Makes key material ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of this type.
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn FormatCipher>, Error>;
}

/// A key that encrypts and keeps the format, ready for use.
pub trait FormatCipher: Send + Sync {
    /// Encrypts digits of the base `radix`, as many as go in, bound to `tweak`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are too few or too many of them.
    fn encipher(
        &self,
        numerals: &SecretNumerals,
        radix: u32,
        tweak: &[u8],
    ) -> Result<SecretNumerals, Error>;

    /// Undoes [`encipher`](Self::encipher). Nothing is authenticated.
    ///
    /// # Errors
    /// As [`encipher`](Self::encipher).
    fn decipher(
        &self,
        numerals: &SecretNumerals,
        radix: u32,
        tweak: &[u8],
    ) -> Result<SecretNumerals, Error>;
}

/// The encrypting half of a key type.
pub trait CipherType: Send + Sync {
    /// Makes key material ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of this type.
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Cipher>, Error>;

    /// Makes the public half alone ready for use, where that encrypts.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no public key of this type, [`Error::Unsupported`] when the
    /// type has none.
    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Encryptor>, Error> {
        let _ = public_key;
        Err(Error::unsupported("a symmetric key has no public half"))
    }

    /// What it offers if it encrypts convergently: equal plaintexts to equal ciphertexts.
    fn convergent(&self) -> Option<&dyn ConvergentType> {
        None
    }
}

/// The convergent mode of a key type (Vault's version 3).
pub trait ConvergentType: Send + Sync {
    /// Makes `key` ready for use, with nonces that are the front of the HMAC-SHA256 of the
    /// plaintext under `nonce_key`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `key` is no key of this type.
    fn prepare(&self, key: &SecretBytes, nonce_key: SecretBytes) -> Result<Box<dyn Cipher>, Error>;
}

/// A key that encrypts, ready for use.
pub trait Encryptor: Send + Sync {
    /// The length of the payload that a plaintext makes.
    fn sealed_len(&self, plaintext_len: usize) -> usize;

    /// Encrypts `plaintext` and fills `payload`, which has just [`sealed_len`](Self::sealed_len).
    /// The context of the scope has done its work before.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the plaintext is too long for the algorithm, [`Error::Unsupported`]
    /// when the scope has associated data and the algorithm cannot authenticate it.
    fn seal(&self, plaintext: &[u8], scope: &Scope<'_>, payload: &mut [u8]) -> Result<(), Error>;

    /// How many encryptions one key may make before its nonces are likely to repeat.
    fn encryption_limit(&self) -> u64;

    /// The public half, if it has one.
    fn public_key(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A key that decrypts too, ready for use.
pub trait Cipher: Encryptor {
    /// Decrypts a payload.
    ///
    /// # Errors
    /// [`Error::Decryption`], whatever is wrong with it; [`Error::Unsupported`] as
    /// [`seal`](Encryptor::seal).
    fn open(&self, payload: &[u8], scope: &Scope<'_>) -> Result<SecretBytes, Error>;
}

/// The members of a JSON Web Key, in order.
pub type Jwk = Vec<(&'static str, String)>;

/// An algorithm of JSON Web Signatures (RFC 7518 section 3.1), and how a key signs for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwsAlgorithm {
    /// Its name, as in `ES256`.
    pub name: &'static str,
    /// The hash that it brings; `None` where it brings none that Vault has a name for.
    pub hash: Option<HashAlgorithm>,
    /// How RSA signs; `None` for other types, which know one way.
    pub scheme: Option<Scheme>,
}

/// The public side of a key type whose keys have a public half.
pub trait PublicType: Send + Sync {
    /// The name Vault gives to the key beside its public half, as in `P-256`.
    fn key_name(&self) -> &'static str;

    /// Reads a public half from the text it is imported as: PEM of a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no public key of this type.
    fn parse(&self, text: &str) -> Result<Vec<u8>, Error>;

    /// Writes a public half as SubjectPublicKeyInfo DER (RFC 5280 section 4.1.2.7).
    ///
    /// # Errors
    /// [`Error::Internal`] when DER refuses it.
    fn spki(&self, public_key: &[u8]) -> Result<Vec<u8>, Error>;

    /// Writes a public half; [`KeyForm::Default`] is what Vault shows.
    ///
    /// # Errors
    /// [`Error::Invalid`] in OpenBao's words when the type has no such form.
    fn print(&self, public_key: &[u8], form: KeyForm) -> Result<String, Error>;

    /// The members of a public half as a JSON Web Key (RFC 7517), without `kid`; `None` when the
    /// type has no such form.
    fn jwk(&self, public_key: &[u8]) -> Option<Jwk> {
        let _ = public_key;
        None
    }

    /// The algorithms of the JSON Web Signatures (RFC 7515) that it makes; the first is what is
    /// made if nobody chooses. A public half names its algorithm if there is but one.
    fn jws(&self) -> &[JwsAlgorithm] {
        &[]
    }
}

/// The agreeing side of a key type: one private key and another's public key make one secret.
pub trait AgreementType: Send + Sync {
    /// Makes the secret of `material` and of a public key in PEM. It is not uniform: derive from it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when either is no key of this type.
    fn agree(&self, material: &SecretBytes, peer_public_key: &str) -> Result<SecretBytes, Error>;
}

/// The signing half of a key type.
pub trait SignerType: Send + Sync {
    /// Whether what is signed is a digest, so that the request's hash algorithm matters.
    fn hashes(&self) -> bool {
        false
    }

    /// Whether there is more than one way to sign, among which the request's scheme chooses.
    fn has_schemes(&self) -> bool {
        false
    }

    /// Makes key material, stored or derived, ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of this type.
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Signer>, Error>;

    /// Makes the public half alone ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no public key of this type.
    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Verifier>, Error>;

    /// Whether a signature can be bound to a context string.
    fn supports_context(&self) -> bool {
        false
    }

    /// How its signatures are made where X.509 wants one; `None` when X.509 has no name for them.
    #[cfg(not(target_arch = "wasm32"))]
    fn x509(&self) -> Option<X509Signature> {
        None
    }
}

/// A way to sign certificate requests (RFC 2986) and certificates (RFC 5280).
#[cfg(not(target_arch = "wasm32"))]
pub struct X509Signature {
    /// What such a signature is called.
    pub algorithm: AlgorithmIdentifierRef<'static>,
    /// How it is made.
    pub request: SignRequest<'static>,
}

/// A key that verifies, ready for use.
pub trait Verifier: Send + Sync {
    /// Says whether `signature` is one of `message`, or of the digest that `message` is.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the request does not fit the algorithm.
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error>;

    /// The public half, as [`PublicType::print`] takes it.
    fn public_key(&self) -> Vec<u8>;
}

/// A key that signs too, ready for use.
pub trait Signer: Verifier {
    /// Signs `message`, or the digest that `message` is.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the request does not fit the algorithm.
    fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Vec<u8>, Error>;
}

/// Refuses a context of a signature that is longer than the standards allow; RFC 8032 section 2 and
/// FIPS 204 section 5.2 have the same limit.
fn check_context(context: &[u8]) -> Result<(), Error> {
    const MAX: usize = 255;
    if context.len() <= MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "signature_context is longer than {MAX} bytes"
    )))
}

/// Refuses the forms of asymmetric keys for a key that is bare bytes, in OpenBao's words.
pub(crate) fn no_such_form() -> Error {
    Error::invalid("unknown format for HMAC key; supported values are `` or `raw`")
}
