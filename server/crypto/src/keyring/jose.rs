//! Public halves as JSON Web Keys (RFC 7517), and JSON Web Signatures (RFC 7515).

use super::{Derivation, Keyring, Marshaling, SaltLength, Scheme, SignRequest};
use crate::ciphertext::{Ciphertext, Kind};
use crate::key_type::{Jwk, JwsAlgorithm};
use crate::{Error, HashAlgorithm, encoding};

impl Keyring {
    /// The public half of a version as a JSON Web Key without `kid`; `None` when there is none for
    /// all contexts, the type has no such form, or the version is out of use.
    pub fn jwk(&self, version: u32) -> Option<Jwk> {
        self.check_enabled(version).ok()?;
        let public_key = self.version(version)?.public_key()?;
        self.key_type.public()?.jwk(&public_key)
    }

    /// Chooses the algorithm of a JSON Web Signature: the first that the type makes with the hash, if
    /// one is asked for, and, for RSA, in the asked way. The choice of a salt is the standard's.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type makes none, or the key is derived: who verifies finds a
    /// key by its `kid` and knows of no context. [`Error::Invalid`] when the type makes others.
    pub fn jws_algorithm(
        &self,
        hash: Option<HashAlgorithm>,
        scheme: Scheme,
    ) -> Result<JwsAlgorithm, Error> {
        let public = self.key_type.public();
        let made = public.map_or(&[][..], |public| public.jws());
        let name = self.key_type.name();
        if made.is_empty() || self.derivation != Derivation::None {
            return Err(Error::unsupported(format!(
                "key type {name} does not support signing of JWS"
            )));
        }
        let chosen = made.iter().find(|made| {
            (hash.is_none() || hash == made.hash)
                && made.scheme.is_none_or(|way| allows(way, made.hash, scheme))
        });
        chosen.copied().ok_or_else(|| {
            let made: Vec<_> = made.iter().map(|made| made.name).collect();
            Error::invalid(format!(
                "no JWS algorithm of key type {name} has this hash_algorithm, signature_algorithm \
                 and salt_length: there is {}",
                made.join(", ")
            ))
        })
    }

    /// Signs a payload as a JSON Web Signature in its compact form. `header` is the protected header
    /// as JSON; it must name `algorithm`, which [`Self::jws_algorithm`] chose.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_jws(
        &self,
        header: &[u8],
        payload: &[u8],
        version: u32,
        algorithm: JwsAlgorithm,
    ) -> Result<String, Error> {
        let mut text = format!(
            "{}.{}",
            encoding::encode_url(header),
            encoding::encode_url(payload)
        );
        let default = SignRequest::default();
        let signed = self.sign(
            text.as_bytes(),
            &SignRequest {
                version: Some(version),
                hash_algorithm: algorithm.hash.or(default.hash_algorithm),
                marshaling: Marshaling::Jws,
                scheme: algorithm.scheme.unwrap_or(default.scheme),
                ..default
            },
        )?;
        let signature = Ciphertext::parse(Kind::Signature, &signed.text)?;
        text.push('.');
        text.push_str(signature.payload());
        Ok(text)
    }

    /// Tells whether `signature`, the last part of a JSON Web Signature in its compact form, is one
    /// of `signed`, the parts before it, by version 1 of a key that is not derived. What the header
    /// says of the algorithm is not looked at.
    #[must_use]
    pub fn verify_jws(&self, signed: &[u8], signature: &str, algorithm: JwsAlgorithm) -> bool {
        let default = SignRequest::default();
        let request = SignRequest {
            hash_algorithm: algorithm.hash.or(default.hash_algorithm),
            marshaling: Marshaling::Jws,
            scheme: algorithm.scheme.unwrap_or(default.scheme),
            ..default
        };
        let text = format!("vault:v1:{signature}");
        self.verify(signed, &text, &request).unwrap_or(false)
    }
}

/// Tells whether what is asked for leaves room for the `way` of an algorithm with `hash`: a number
/// for the salt must be the one that the standard fixes, and words leave it to the standard.
fn allows(way: Scheme, hash: Option<HashAlgorithm>, asked: Scheme) -> bool {
    match (way, asked) {
        (Scheme::Pkcs1v15, Scheme::Pkcs1v15) => true,
        (Scheme::Pss(_), Scheme::Pss(SaltLength::Bytes(len))) => {
            hash.is_some_and(|hash| hash.digest_len() == len)
        }
        (Scheme::Pss(_), Scheme::Pss(_)) => true,
        _ => false,
    }
}
