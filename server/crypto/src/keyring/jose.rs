//! Public halves as JSON Web Keys (RFC 7517), and JSON Web Signatures (RFC 7515).

use super::{Derivation, Keyring, Marshaling, SaltLength, Scheme, SignRequest};
use crate::ciphertext::{Ciphertext, Kind};
use crate::key_type::Jwk;
use crate::{Error, encoding};

impl Keyring {
    /// The public half of a version as a JSON Web Key without `kid`; `None` when there is none for
    /// all contexts, or the type has no such form.
    pub fn jwk(&self, version: u32) -> Option<Jwk> {
        let public_key = self.version(version)?.public_key()?;
        self.key_type.public()?.jwk(&public_key)
    }

    /// The name of the algorithm of its JSON Web Signatures.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type makes none, or the key is derived: who verifies finds a
    /// key by its `kid` and knows of no context.
    pub fn jws_algorithm(&self) -> Result<&'static str, Error> {
        let algorithm = self.key_type.public().and_then(|public| public.jws());
        match algorithm {
            Some((name, _)) if self.derivation == Derivation::None => Ok(name),
            _ => Err(Error::unsupported(format!(
                "key type {} does not support signing of JWS",
                self.key_type.name()
            ))),
        }
    }

    /// Signs a payload as a JSON Web Signature in its compact form. `header` is the protected header
    /// as JSON; it must name the algorithm of [`Self::jws_algorithm`].
    ///
    /// # Errors
    /// As [`Self::jws_algorithm`] and [`Self::sign`].
    pub fn sign_jws(&self, header: &[u8], payload: &[u8], version: u32) -> Result<String, Error> {
        self.jws_algorithm()?;
        let hash_algorithm = self.key_type.public().and_then(|public| public.jws());
        let mut text = format!(
            "{}.{}",
            encoding::encode_url(header),
            encoding::encode_url(payload)
        );
        let signed = self.sign(
            text.as_bytes(),
            &SignRequest {
                version: Some(version),
                hash_algorithm: hash_algorithm.map(|(_, hash)| hash),
                marshaling: Marshaling::Jws,
                // RFC 7518 section 3.5 fixes the salt.
                scheme: Scheme::Pss(SaltLength::Hash),
                ..SignRequest::default()
            },
        )?;
        let signature = Ciphertext::parse(Kind::Signature, &signed.text)?;
        text.push('.');
        text.push_str(signature.payload());
        Ok(text)
    }
}
