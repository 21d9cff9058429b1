//! Keys that come from elsewhere and go there, wrapped (Vault: bring your own key).
//!
//! ```text
//! wrapped = RSA-OAEP(ephemeral AES-256 key) ‖ AES-KWP(ephemeral key, key)
//! ```
//! The first part is as long as the modulus of the RSA key (RFC 8017 section 7.1, empty label, the
//! same hash for the label and the mask); the second is RFC 5649. Of what is wrong with a wrapped
//! key nothing is told: whoever could tell the two parts apart could ask about each by itself.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384,
    OAEP_SHA512_MGF1SHA512, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use pkcs8::der::pem::{LineEnding, encode_string};
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use sha2::Sha224;

use crate::{Error, HashAlgorithm, Secret, SecretBytes, key_wrap, random};

const EPHEMERAL_LEN: usize = 32;

/// The RSA-4096 key under which others wrap keys for this server.
pub struct WrappingKey {
    pkcs8: SecretBytes,
    key: PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
}

impl WrappingKey {
    /// Generates a key. This takes about a second, so it does not belong on a thread that serves
    /// others.
    ///
    /// # Errors
    /// [`Error::Internal`] when the library finds no key.
    pub fn generate() -> Result<Self, Error> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa4096).map_err(|_| failed())?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| failed())?;
        Self::new(pkcs8.as_ref().into(), key)
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is damaged.
    pub fn decode(pkcs8: SecretBytes) -> Result<Self, Error> {
        // EXPOSE: read by the library alone.
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.expose());
        Self::new(pkcs8, key.map_err(|_| failed())?)
    }

    fn new(pkcs8: SecretBytes, key: PrivateDecryptingKey) -> Result<Self, Error> {
        let oaep = OaepPrivateDecryptingKey::new(key.clone()).map_err(|_| failed())?;
        Ok(Self { pkcs8, key, oaep })
    }

    /// The durable form, PKCS#8 DER: seal it before it is stored.
    pub const fn encode(&self) -> &SecretBytes {
        &self.pkcs8
    }

    /// The public half, PEM of a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`Error::Internal`] when the library refuses.
    pub fn public_key(&self) -> Result<String, Error> {
        let der: PublicKeyX509Der<'_> = self.key.public_key().as_der().map_err(|_| failed())?;
        encode_string("PUBLIC KEY", LineEnding::LF, der.as_ref()).map_err(|_| failed())
    }

    /// Unwraps a key that was wrapped for this one, OAEP being over `hash`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is too short to be a wrapped key, and for a hash that OAEP is
    /// not used with; [`Error::Decryption`] for whatever is wrong beyond.
    pub fn unwrap(&self, wrapped: &[u8], hash: HashAlgorithm) -> Result<SecretBytes, Error> {
        let oaep = Oaep::of(hash)?;
        let (ephemeral, key) = wrapped
            .split_at_checked(self.oaep.key_size_bytes())
            .ok_or_else(|| Error::invalid("provided ciphertext is too short"))?;
        let ephemeral = match oaep {
            Oaep::Library(algorithm) => {
                let mut buffer = Secret::new(vec![0; self.oaep.min_output_size()]);
                // EXPOSE: decrypted into the buffer that is wiped.
                let out = buffer.expose_mut();
                let decrypted = self.oaep.decrypt(algorithm, ephemeral, out, None);
                let length = decrypted.map_err(|_| Error::Decryption)?.len();
                out.truncate(length);
                buffer
            }
            Oaep::Sha224 => {
                // EXPOSE: read by the other library, which has this hash.
                let key = rsa::PrivateKey::from_pkcs8_der(self.pkcs8.expose());
                let decrypted = key.map_err(|_| failed())?.oaep_decrypt::<Sha224>(ephemeral);
                Secret::new(decrypted.map_err(|_| Error::Decryption)?)
            }
        };
        // EXPOSE: only its length. AES-KWP would take others, which no client sends.
        if ephemeral.expose().len() != EPHEMERAL_LEN {
            return Err(Error::Decryption);
        }
        key_wrap::unwrap(&ephemeral, key)
    }
}

/// Wraps a key for the owner of an RSA key, whose public half is SubjectPublicKeyInfo DER.
///
/// # Errors
/// [`Error::Invalid`] in OpenBao's words when the public half is not one of an RSA key, and for a
/// hash that OAEP is not used with.
pub fn wrap(public_key: &[u8], hash: HashAlgorithm, key: &SecretBytes) -> Result<Vec<u8>, Error> {
    let not_rsa = || Error::invalid("unsupported key type in use; must be a rsa key");
    let ephemeral = random::generate_bytes(EPHEMERAL_LEN);
    // EXPOSE: encrypted at once.
    let plaintext = ephemeral.expose();
    let mut wrapped = match Oaep::of(hash)? {
        Oaep::Library(algorithm) => {
            let public_key = PublicEncryptingKey::from_der(public_key).map_err(|_| not_rsa())?;
            let public_key = OaepPublicEncryptingKey::new(public_key).map_err(|_| not_rsa())?;
            let mut out = vec![0; public_key.ciphertext_size()];
            let encrypted = public_key.encrypt(algorithm, plaintext, &mut out, None);
            encrypted.map_err(|_| failed())?;
            out
        }
        Oaep::Sha224 => {
            let public_key = rsa::PublicKey::from_public_key_der(public_key);
            let public_key = public_key.map_err(|_| not_rsa())?;
            let encrypted = public_key.oaep_encrypt::<Sha224>(plaintext);
            encrypted.map_err(|_| failed())?
        }
    };
    wrapped.extend(key_wrap::wrap(&ephemeral, key)?);
    Ok(wrapped)
}

/// Who computes OAEP over a hash.
enum Oaep {
    Library(&'static OaepAlgorithm),
    /// The one hash of Vault's that the library lacks.
    Sha224,
}

impl Oaep {
    fn of(hash: HashAlgorithm) -> Result<Self, Error> {
        Ok(match hash {
            HashAlgorithm::Sha1 => Self::Library(&OAEP_SHA1_MGF1SHA1),
            HashAlgorithm::Sha2_224 => Self::Sha224,
            HashAlgorithm::Sha2_256 => Self::Library(&OAEP_SHA256_MGF1SHA256),
            HashAlgorithm::Sha2_384 => Self::Library(&OAEP_SHA384_MGF1SHA384),
            HashAlgorithm::Sha2_512 => Self::Library(&OAEP_SHA512_MGF1SHA512),
            HashAlgorithm::Sha3_224
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_384
            | HashAlgorithm::Sha3_512 => {
                return Err(Error::invalid(format!("unknown hash function: {hash}")));
            }
        })
    }
}

fn failed() -> Error {
    Error::internal("the RSA wrapping key failed")
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    const HASHES: [HashAlgorithm; 5] = [
        HashAlgorithm::Sha1,
        HashAlgorithm::Sha2_224,
        HashAlgorithm::Sha2_256,
        HashAlgorithm::Sha2_384,
        HashAlgorithm::Sha2_512,
    ];

    /// One key for all tests: they are dear.
    static KEY: LazyLock<WrappingKey> = LazyLock::new(|| WrappingKey::generate().unwrap());

    fn public_key() -> Vec<u8> {
        let pem = KEY.public_key().unwrap();
        let (label, der) = pkcs8::der::pem::decode_vec(pem.as_bytes()).unwrap();
        assert_eq!(label, "PUBLIC KEY");
        der
    }

    #[test]
    fn what_is_wrapped_unwraps_with_the_same_hash_alone() {
        let key = random::generate_bytes(37);
        for hash in HASHES {
            let wrapped = wrap(&public_key(), hash, &key).unwrap();
            for other in HASHES {
                let unwrapped = KEY.unwrap(&wrapped, other);
                if other == hash {
                    assert_eq!(unwrapped.unwrap(), key, "{hash}");
                } else {
                    assert_eq!(unwrapped.unwrap_err(), Error::Decryption, "{hash} {other}");
                }
            }
        }
    }

    #[test]
    fn every_change_is_refused_alike() {
        let hash = HashAlgorithm::Sha2_256;
        let wrapped = wrap(&public_key(), hash, &random::generate_bytes(32)).unwrap();
        assert_eq!(wrapped.len(), 512 + 40);
        for at in (0..wrapped.len()).step_by(37).chain([511, 512, 551]) {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert_eq!(KEY.unwrap(&changed, hash), Err(Error::Decryption), "{at}");
        }
        for length in [512, 513, 536, 544, 551] {
            let cut = KEY.unwrap(&wrapped[..length], hash);
            assert_eq!(cut, Err(Error::Decryption), "{length}");
        }
        assert_eq!(
            KEY.unwrap(&wrapped[..511], hash).unwrap_err().to_string(),
            "provided ciphertext is too short"
        );
    }

    #[test]
    fn an_ephemeral_key_of_another_length_is_refused() {
        let public_key = PublicEncryptingKey::from_der(&public_key()).unwrap();
        let public_key = OaepPublicEncryptingKey::new(public_key).unwrap();
        let ephemeral = random::generate_bytes(16);
        let mut wrapped = vec![0; 512];
        let algorithm = &OAEP_SHA256_MGF1SHA256;
        public_key
            .encrypt(algorithm, ephemeral.expose(), &mut wrapped, None)
            .unwrap();
        wrapped.extend(key_wrap::wrap(&ephemeral, &random::generate_bytes(32)).unwrap());
        let refused = KEY.unwrap(&wrapped, HashAlgorithm::Sha2_256);
        assert_eq!(refused, Err(Error::Decryption));
    }

    #[test]
    fn a_wrapping_key_reads_as_it_was_written() {
        let read = WrappingKey::decode(KEY.encode().duplicate()).unwrap();
        assert_eq!(read.public_key().unwrap(), KEY.public_key().unwrap());
        assert!(WrappingKey::decode(random::generate_bytes(9)).is_err());
    }

    #[test]
    fn only_rsa_keys_and_their_hashes_wrap() {
        let key = random::generate_bytes(32);
        for hash in HASHES {
            assert!(wrap(b"no key", hash, &key).is_err());
        }
        assert!(wrap(&public_key(), HashAlgorithm::Sha3_256, &key).is_err());
    }
}
