//! Authenticating with the HMAC key that every version of every type has.

use super::Keyring;
use super::rules::Purpose;
use crate::ciphertext::{self, Ciphertext, Kind};
use crate::{Error, HashAlgorithm, encoding};

impl Keyring {
    /// Authenticates `input` with the latest version, or with another that may still be used, and
    /// returns `vault:vN:…`.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words for a version that may not be used.
    pub fn hmac(
        &self,
        input: &[u8],
        algorithm: HashAlgorithm,
        version: Option<u32>,
    ) -> Result<String, Error> {
        let (number, version) = self.version_for(Purpose::Hmac, version)?;
        let tag = version.hmac_key().compute(algorithm, input);
        Ok(ciphertext::print(number, &encoding::encode(tag.as_ref())))
    }

    /// Says whether `text` is the HMAC of `input` by the version it names.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words when the text is no HMAC's or names a version that may
    /// not be used. An HMAC that is merely wrong is `false`.
    pub fn verify_hmac(
        &self,
        input: &[u8],
        algorithm: HashAlgorithm,
        text: &str,
    ) -> Result<bool, Error> {
        let parsed = Ciphertext::parse(Kind::Hmac, text)?;
        let too_old =
            || Error::invalid("cannot verify HMAC: version is too old (disallowed by policy)");
        let version = self.version_named(parsed.version(), || Kind::Hmac.too_new(), too_old)?;
        let tag = encoding::decode(parsed.payload()).map_err(|error| {
            Error::invalid(format!(
                "unable to decode verification HMAC as base64: {error}"
            ))
        })?;
        // EXPOSE: compared in constant time.
        Ok(version.hmac_key().verify(algorithm, input, tag.expose()))
    }
}
