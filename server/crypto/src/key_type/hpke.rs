//! HPKE (RFC 9180), base mode: who knows the public half encrypts, only the key here decrypts.
//!
//! ```text
//! material    = private key (32): of X25519, or the seed of X-Wing
//! public half = the bytes that the KEM calls its public key (32, or 1216)
//! payload     = enc (32, or 1120) ‖ ciphertext ‖ tag (16)
//! ```
//! | key type | KEM | KDF | AEAD |
//! |---|---|---|---|
//! | `hpke-x25519` | DHKEM(X25519, HKDF-SHA256), 0x0020 | HKDF-SHA256 | AES-256-GCM |
//! | `hpke-xwing` | X-Wing, X25519 with ML-KEM-768, 0x647a (draft-connolly-cfrg-xwing-kem) | HKDF-SHA256 | AES-256-GCM |
//!
//! The `info` is empty and the associated data of the request is the `aad`, so that a single-shot
//! seal of any HPKE library makes a payload. The AEAD is AES-256-GCM because a browser has it without
//! a library of its own (WebCrypto).
//!
//! Each payload has a key of its own, so nonces never meet, however many payloads there are.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

use hpke::aead::AesGcm256;
use hpke::kem::{Kem, X25519HkdfSha256, XWing};
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Serializable};
use pkcs8::ObjectIdentifier;

use super::{Cipher, CipherType, Encryptor, Jwk, KeyForm, KeyType, PublicType, der};
use crate::hpke::Suite;
use crate::{Error, Scope, Secret, SecretBytes, SecretString, encoding, random};

const PRIVATE_LEN: usize = 32;
const TAG_LEN: usize = 16;
/// What both sides agree on beside the keys: nothing.
const INFO: &[u8] = b"";

pub(super) static HPKE_X25519: HpkeKeyType<X25519HkdfSha256> = HpkeKeyType {
    name: "hpke-x25519",
    key_name: "x25519",
    // id-X25519 (RFC 8410 section 3); its private key is an octet string inside (section 7).
    oid: ObjectIdentifier::new_unwrap("1.3.101.110"),
    head: &[4, 32],
    kem: PhantomData,
};

pub(super) static HPKE_XWING: HpkeKeyType<XWing> = HpkeKeyType {
    name: "hpke-xwing",
    key_name: "x-wing",
    // id-XWing of the draft; its private key is the bare seed.
    oid: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.62253.25722"),
    head: &[],
    kem: PhantomData,
};

/// A KEM whose keys may be shared between threads.
pub(super) trait SharedKem:
    Kem<PublicKey: Send + Sync, PrivateKey: Send + Sync> + 'static
{
}

impl<K: Kem<PublicKey: Send + Sync, PrivateKey: Send + Sync> + 'static> SharedKem for K {}

/// The key type of one KEM.
pub(super) struct HpkeKeyType<K> {
    name: &'static str,
    key_name: &'static str,
    oid: ObjectIdentifier,
    /// What stands before the private key in PKCS#8.
    head: &'static [u8],
    kem: PhantomData<fn() -> K>,
}

impl<K> fmt::Debug for HpkeKeyType<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HpkeKeyType").field(&self.name).finish()
    }
}

impl<K: SharedKem> KeyType for HpkeKeyType<K> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        Ok(random::generate_bytes(PRIVATE_LEN))
    }

    fn cipher(&self) -> Option<&dyn CipherType> {
        Some(self)
    }

    fn public(&self) -> Option<&dyn PublicType> {
        Some(self)
    }

    fn import(&self, key: SecretBytes) -> Result<SecretBytes, Error> {
        let key = der::private_key(&key, self.oid)?;
        // EXPOSE: the key is taken out of its wrapping.
        let key = key.expose().strip_prefix(self.head);
        key.filter(|key| key.len() == PRIVATE_LEN)
            .map(SecretBytes::from)
            .ok_or_else(|| Error::invalid("the key has the wrong length for its type"))
    }

    fn export(&self, material: &SecretBytes, form: KeyForm) -> Result<SecretString, Error> {
        if matches!(form, KeyForm::Default | KeyForm::Raw) {
            return Ok(encoding::encode_secret(material));
        }
        // EXPOSE: the key is put into PKCS#8, in buffers that are wiped.
        let inner = Secret::new([self.head, material.expose().as_slice()].concat());
        // EXPOSE: as above.
        let pkcs8 = der::pkcs8(self.oid, inner.expose())?;
        match form {
            KeyForm::Pem => der::secret_pem(der::PRIVATE, pkcs8.as_bytes()),
            _ => Ok(Secret::new(encoding::encode(pkcs8.as_bytes()))),
        }
    }
}

impl<K: SharedKem> PublicType for HpkeKeyType<K> {
    fn key_name(&self) -> &'static str {
        self.key_name
    }

    fn parse(&self, text: &str) -> Result<Vec<u8>, Error> {
        der::public_key(&der::public_from_pem(text)?, self.oid)
    }

    fn spki(&self, public_key: &[u8]) -> Result<Vec<u8>, Error> {
        der::spki(self.oid, public_key)
    }

    fn print(&self, public_key: &[u8], form: KeyForm) -> Result<String, Error> {
        match form {
            KeyForm::Default | KeyForm::Raw => Ok(encoding::encode(public_key)),
            KeyForm::Der => Ok(encoding::encode(&self.spki(public_key)?)),
            KeyForm::Pem => der::pem(der::PUBLIC, &self.spki(public_key)?),
        }
    }

    /// RFC 8037. X-Wing has none: a key of the family `AKP` names one algorithm
    /// (draft-ietf-cose-dilithium), and those that are drafted for X-Wing (`HPKE-10`,
    /// draft-skokan-jose-hpke-pq-pqt) derive with SHAKE256 where ours derives with HKDF-SHA256.
    /// What is encrypted as they say would not open here.
    fn jwk(&self, public_key: &[u8]) -> Option<Jwk> {
        (self.key_name == HPKE_X25519.key_name).then(|| {
            vec![
                ("kty", "OKP".to_owned()),
                ("crv", "X25519".to_owned()),
                ("x", encoding::encode_url(public_key)),
                ("use", "enc".to_owned()),
            ]
        })
    }
}

impl<K: SharedKem> CipherType for HpkeKeyType<K> {
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Cipher>, Error> {
        // EXPOSE: the key is expanded by the KEM, which wipes what it made of it.
        let private = K::PrivateKey::from_bytes(material.expose())
            .map_err(|_| Error::invalid("the key has the wrong length for its type"))?;
        Ok(Box::new(Recipient::<K> {
            sender: Sender(K::sk_to_pk(&private)),
            private,
        }))
    }

    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Encryptor>, Error> {
        let public = K::PublicKey::from_bytes(public_key)
            .map_err(|_| Error::invalid("the public key is not one of its type"))?;
        Ok(Box::new(Sender::<K>(public)))
    }
}

/// A whole key, which opens.
struct Recipient<K: SharedKem> {
    sender: Sender<K>,
    private: K::PrivateKey,
}

/// The public half, which seals.
struct Sender<K: SharedKem>(K::PublicKey);

impl<K: SharedKem> Encryptor for Sender<K> {
    fn sealed_len(&self, plaintext_len: usize) -> usize {
        K::EncappedKey::size() + plaintext_len + TAG_LEN
    }

    fn seal(&self, plaintext: &[u8], scope: &Scope<'_>, payload: &mut [u8]) -> Result<(), Error> {
        let aad = scope.associated_data;
        Suite::<AesGcm256, K>::seal(&self.0, INFO, aad, plaintext, payload, &mut Entropy)
    }

    fn encryption_limit(&self) -> u64 {
        u64::MAX
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        Some(self.0.to_bytes().to_vec())
    }
}

impl<K: SharedKem> Encryptor for Recipient<K> {
    fn sealed_len(&self, plaintext_len: usize) -> usize {
        self.sender.sealed_len(plaintext_len)
    }

    fn seal(&self, plaintext: &[u8], scope: &Scope<'_>, payload: &mut [u8]) -> Result<(), Error> {
        self.sender.seal(plaintext, scope, payload)
    }

    fn encryption_limit(&self) -> u64 {
        self.sender.encryption_limit()
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        self.sender.public_key()
    }
}

impl<K: SharedKem> Cipher for Recipient<K> {
    fn open(&self, payload: &[u8], scope: &Scope<'_>) -> Result<SecretBytes, Error> {
        Suite::<AesGcm256, K>::open(&self.private, INFO, scope.associated_data, payload)
    }
}

/// The door to entropy, in the shape the KEMs want.
struct Entropy;

impl TryRng for Entropy {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let word = random::generate_key();
        // EXPOSE: handed to the KEM, as every other byte of it.
        Ok(u32::from_le_bytes(*word.expose()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let word = random::generate_key();
        // EXPOSE: as above.
        Ok(u64::from_le_bytes(*word.expose()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        // EXPOSE: as above.
        out.copy_from_slice(random::generate_bytes(out.len()).expose());
        Ok(())
    }
}

impl TryCryptoRng for Entropy {}
