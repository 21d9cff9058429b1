//! Signatures: PSS (RFC 8017 section 8.1), or PKCS#1 version 1.5 (section 8.2).
//!
//! aws-lc-rs signs with SHA-256, SHA-384 and SHA-512, the salt of PSS as long as the hash or as
//! there is room for. The rest is done by the crate `rsa`: other hashes, other lengths of salt, no
//! hash at all, and salts whose length the verifier does not know. Its private operations are
//! blinded, and a signature is no oracle for paddings, which the attacks on its decryption need.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaParameters, RsaPssSaltLength, RsaSignatureEncoding, UnparsedPublicKey,
};
use rsa::{Pkcs1v15Sign, Pss};

use super::{Private, Public};
use crate::hash::with_hash;
use crate::key_type::{Signer, Verifier};
use crate::keyring::{SaltLength, Scheme, SignRequest};
use crate::{Error, HashAlgorithm};

/// The least that PKCS#1 version 1.5 adds to what is signed.
const PKCS1_OVERHEAD: usize = 11;

/// What aws-lc-rs does with one hash.
struct Native {
    hash: &'static digest::Algorithm,
    sign_pkcs1: &'static RsaSignatureEncoding,
    sign_pss: &'static RsaSignatureEncoding,
    sign_pss_longest: &'static RsaSignatureEncoding,
    verify_pkcs1: &'static RsaParameters,
    verify_pss: &'static RsaParameters,
}

macro_rules! native {
    ($name:ident: $hash:ident, $sign_pkcs1:ident, $sign_pss:ident, $verify_pkcs1:ident, $verify_pss:ident) => {
        static $name: Native = Native {
            hash: &digest::$hash,
            sign_pkcs1: &$sign_pkcs1,
            sign_pss: &$sign_pss,
            sign_pss_longest: {
                static LONGEST: RsaSignatureEncoding =
                    $sign_pss.with_pss_salt_length(RsaPssSaltLength::Max);
                &LONGEST
            },
            verify_pkcs1: &$verify_pkcs1,
            verify_pss: &$verify_pss,
        };
    };
}

native!(SHA256: SHA256, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256);
native!(SHA384: SHA384, RSA_PKCS1_SHA384, RSA_PSS_SHA384, RSA_PKCS1_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA384);
native!(SHA512: SHA512, RSA_PKCS1_SHA512, RSA_PSS_SHA512, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA512);

impl Native {
    fn of(hash: HashAlgorithm) -> Option<&'static Self> {
        match hash {
            HashAlgorithm::Sha2_256 => Some(&SHA256),
            HashAlgorithm::Sha2_384 => Some(&SHA384),
            HashAlgorithm::Sha2_512 => Some(&SHA512),
            _ => None,
        }
    }

    fn import(&self, digest: &[u8]) -> Result<Digest, Error> {
        Digest::import_less_safe(digest, self.hash)
            .map_err(|_| Error::internal("a digest has the length of its hash"))
    }
}

impl Public {
    /// The longest salt there is room for.
    fn longest_salt(&self, hash: HashAlgorithm) -> usize {
        self.len.saturating_sub(hash.digest_len() + 2)
    }

    /// The length of a salt that is asked for; `None` when any is meant.
    fn salt_len(&self, hash: HashAlgorithm, asked: SaltLength) -> Result<Option<usize>, Error> {
        match asked {
            SaltLength::Auto => Ok(None),
            SaltLength::Bytes(len) if len > self.longest_salt(hash) => Err(Error::invalid(
                format!("requested salt length {len} is invalid"),
            )),
            SaltLength::Bytes(len) => Ok(Some(len)),
            SaltLength::Hash => Ok(Some(hash.digest_len())),
        }
    }
}

/// Refuses what cannot be a digest of the hash; PSS and PKCS#1 have each their sentence in Vault.
fn check_digest(hash: HashAlgorithm, digest: &[u8], refusal: &'static str) -> Result<(), Error> {
    if digest.len() == hash.digest_len() {
        return Ok(());
    }
    Err(Error::invalid(refusal))
}

const NOT_HASHED_PSS: &str = "crypto/rsa: input must be hashed with given hash";
const NOT_HASHED_PKCS1: &str = "crypto/rsa: input must be hashed message";

impl Signer for Private {
    fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Vec<u8>, Error> {
        let digest = request.digest_of(message)?;
        match (request.scheme, request.hash_algorithm) {
            (Scheme::Pss(asked), Some(hash)) => {
                let salt_len = self.public.salt_len(hash, asked)?;
                check_digest(hash, &digest, NOT_HASHED_PSS)?;
                self.sign_pss(hash, &digest, salt_len)
            }
            (Scheme::Pkcs1v15, Some(hash)) => {
                check_digest(hash, &digest, NOT_HASHED_PKCS1)?;
                self.sign_pkcs1(hash, &digest)
            }
            (_, None) if digest.len() + PKCS1_OVERHEAD > self.public.len => Err(Error::invalid(
                "crypto/rsa: message too long for RSA key size",
            )),
            (_, None) => refused(self.other()?.sign(Pkcs1v15Sign::new_unprefixed(), &digest)),
        }
    }
}

impl Private {
    fn sign_pss(
        &self,
        hash: HashAlgorithm,
        digest: &[u8],
        salt_len: Option<usize>,
    ) -> Result<Vec<u8>, Error> {
        let longest = self.public.longest_salt(hash);
        let salt_len = salt_len.unwrap_or(longest);
        match Native::of(hash) {
            Some(native) if salt_len == longest => {
                self.sign_native(native, native.sign_pss_longest, digest)
            }
            Some(native) if salt_len == hash.digest_len() => {
                self.sign_native(native, native.sign_pss, digest)
            }
            _ => with_hash!(hash, |H, M| refused(
                self.other()?
                    .sign(Pss::<H>::new_with_salt(salt_len), digest)
            )),
        }
    }

    fn sign_pkcs1(&self, hash: HashAlgorithm, digest: &[u8]) -> Result<Vec<u8>, Error> {
        match Native::of(hash) {
            Some(native) => self.sign_native(native, native.sign_pkcs1, digest),
            None => with_hash!(hash, |H, M| refused(
                self.other()?.pkcs1v15_sign_prehash::<H>(digest)
            )),
        }
    }

    fn sign_native(
        &self,
        native: &Native,
        encoding: &'static RsaSignatureEncoding,
        digest: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.public.len];
        self.pair
            .sign_digest(encoding, &native.import(digest)?, &mut signature)
            .map_err(|_| Error::internal("RSA could not sign"))?;
        Ok(signature)
    }
}

fn refused<T>(result: Result<T, rsa::Error>) -> Result<T, Error> {
    result.map_err(|_| Error::internal("RSA could not sign"))
}

impl Verifier for Public {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        let digest = request.digest_of(message)?;
        // Whatever the library says of another length, RFC 8017 sections 8.1.2 and 8.2.2 refuse it.
        if signature.len() != self.len {
            return Ok(false);
        }
        match (request.scheme, request.hash_algorithm) {
            (Scheme::Pss(asked), Some(hash)) => {
                let salt_len = self.salt_len(hash, asked)?;
                self.verify_pss(hash, &digest, salt_len, signature)
            }
            (Scheme::Pkcs1v15, Some(hash)) => self.verify_pkcs1(hash, &digest, signature),
            (_, None) => {
                let scheme = Pkcs1v15Sign::new_unprefixed();
                Ok(self.other.verify(scheme, &digest, signature).is_ok())
            }
        }
    }

    fn public_key(&self) -> Vec<u8> {
        self.spki.clone()
    }
}

impl Public {
    fn verify_pss(
        &self,
        hash: HashAlgorithm,
        digest: &[u8],
        salt_len: Option<usize>,
        signature: &[u8],
    ) -> Result<bool, Error> {
        if digest.len() != hash.digest_len() {
            return Ok(false);
        }
        match Native::of(hash) {
            Some(native) if salt_len == Some(hash.digest_len()) => {
                self.verify_native(native, native.verify_pss, digest, signature)
            }
            _ => with_hash!(hash, |H, M| {
                let scheme = Pss::<H> {
                    salt_len,
                    ..Pss::new()
                };
                Ok(self.other.verify(scheme, digest, signature).is_ok())
            }),
        }
    }

    fn verify_pkcs1(
        &self,
        hash: HashAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        if digest.len() != hash.digest_len() {
            return Ok(false);
        }
        match Native::of(hash) {
            Some(native) => self.verify_native(native, native.verify_pkcs1, digest, signature),
            None => with_hash!(hash, |H, M| {
                let verdict = self.other.pkcs1v15_verify_prehash::<H>(digest, signature);
                Ok(verdict.is_ok())
            }),
        }
    }

    fn verify_native(
        &self,
        native: &Native,
        parameters: &'static RsaParameters,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        let key = UnparsedPublicKey::new(parameters, &self.spki);
        Ok(key
            .verify_digest(&native.import(digest)?, signature)
            .is_ok())
    }
}

impl Verifier for Private {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        self.public.verify(message, signature, request)
    }

    fn public_key(&self) -> Vec<u8> {
        Verifier::public_key(&self.public)
    }
}
