//! Authenticating with a block cipher: CMAC (NIST SP 800-38B).

use subtle::ConstantTimeEq;

use super::Keyring;
use super::rules::Purpose;
use crate::ciphertext::{self, Ciphertext, Kind};
use crate::key_type::CMAC_LEN;
use crate::{Error, encoding};

/// The shortest tag: half a block. A shorter one is guessed too soon (NIST SP 800-38B appendix A).
const LEAST: usize = CMAC_LEN / 2;

impl Keyring {
    /// Authenticates `input` with the latest version, or with another that may still be used, and
    /// returns `vault:vN:…` with the first `len` bytes of the tag, or with all of it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type does not authenticate so, [`Error::Invalid`] for a
    /// version that may not be used or a length that no tag has.
    pub fn cmac(
        &self,
        input: &[u8],
        len: Option<usize>,
        version: Option<u32>,
    ) -> Result<String, Error> {
        self.check_authenticates()?;
        let len = tag_len(len)?;
        let (number, version) = self.version_for(Purpose::Cmac, version)?;
        let tag = version.authenticator()?.compute(input);
        Ok(ciphertext::print(number, &encoding::encode(&tag[..len])))
    }

    /// Says whether `text` is the CMAC of `input` by the version it names, with a tag of `len`
    /// bytes, or a whole one: the length is the caller's choice and never the text's.
    ///
    /// # Errors
    /// As [`Self::cmac`], and [`Error::Invalid`] when the text is no CMAC's or names a version that
    /// may not be used. A CMAC that is merely wrong is `false`.
    pub fn verify_cmac(&self, input: &[u8], len: Option<usize>, text: &str) -> Result<bool, Error> {
        self.check_authenticates()?;
        let len = tag_len(len)?;
        let parsed = Ciphertext::parse(Kind::Cmac, text)?;
        let too_old =
            || Error::invalid("cannot verify CMAC: version is too old (disallowed by policy)");
        let version = self.version_named(parsed.version(), || Kind::Cmac.too_new(), too_old)?;
        let given = encoding::decode(parsed.payload()).map_err(|error| {
            Error::invalid(format!(
                "unable to decode verification CMAC as base64: {error}"
            ))
        })?;
        let tag = version.authenticator()?.compute(input);
        // EXPOSE: compared in constant time.
        Ok(tag[..len].ct_eq(given.expose()).into())
    }

    fn check_authenticates(&self) -> Result<(), Error> {
        Purpose::Cmac.check(self.key_type)
    }
}

fn tag_len(asked: Option<usize>) -> Result<usize, Error> {
    match asked {
        None => Ok(CMAC_LEN),
        Some(len @ LEAST..=CMAC_LEN) => Ok(len),
        Some(len) => Err(Error::invalid(format!(
            "invalid mac_length {len}: must be between {LEAST} and {CMAC_LEN}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Derivation, Timestamp};
    use super::*;
    use crate::{SecretBytes, key_type};

    /// RFC 4493 section 4, and NIST SP 800-38B appendix D.
    const KEY: [u8; 16] = [
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
        0x3c,
    ];
    const TAG_OF_NOTHING: [u8; 16] = [
        0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28, 0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67,
        0x46,
    ];

    fn keyring(name: &str) -> Keyring {
        let now = Timestamp::from_unix_nanos(0);
        Keyring::generate(key_type(name).unwrap(), Derivation::None, now).unwrap()
    }

    #[test]
    fn tags_are_those_of_the_standard() {
        let key_type = key_type("aes128-cmac").unwrap();
        let (material, now) = (SecretBytes::from(&KEY[..]), Timestamp::from_unix_nanos(0));
        let keyring = Keyring::import(key_type, Derivation::None, material, now).unwrap();
        for len in LEAST..=CMAC_LEN {
            let text = keyring.cmac(b"", Some(len), None).unwrap();
            let expected = encoding::encode(&TAG_OF_NOTHING[..len]);
            assert_eq!(text, format!("vault:v1:{expected}"));
        }
    }

    #[test]
    fn only_the_right_tag_of_the_right_length_verifies() {
        for name in ["aes128-cmac", "aes192-cmac", "aes256-cmac"] {
            let mut keyring = keyring(name);
            let (whole, short) = (
                keyring.cmac(b"input", None, None).unwrap(),
                keyring.cmac(b"input", Some(8), None).unwrap(),
            );
            keyring.rotate(Timestamp::from_unix_nanos(1)).unwrap();
            assert_eq!(keyring.verify_cmac(b"input", None, &whole), Ok(true));
            assert_eq!(keyring.verify_cmac(b"input", Some(16), &whole), Ok(true));
            assert_eq!(keyring.verify_cmac(b"input", Some(8), &short), Ok(true));
            // What a forger would cut is not accepted in place of a whole tag.
            assert_eq!(keyring.verify_cmac(b"input", None, &short), Ok(false));
            assert_eq!(keyring.verify_cmac(b"input", Some(8), &whole), Ok(false));
            assert_eq!(keyring.verify_cmac(b"other", None, &whole), Ok(false));
            let newer = whole.replace("v1", "v2");
            assert_eq!(keyring.verify_cmac(b"input", None, &newer), Ok(false));
        }
    }

    #[test]
    fn what_no_tag_can_be_is_refused() {
        let keyring = keyring("aes256-cmac");
        for len in [0, 1, 7, 17] {
            let refused = keyring.cmac(b"", Some(len), None).unwrap_err().to_string();
            let sentence = format!("invalid mac_length {len}: must be between 8 and 16");
            assert_eq!(refused, sentence);
            assert!(keyring.verify_cmac(b"", Some(len), "vault:v1:").is_err());
        }
        for (text, sentence) in [
            ("foo", "invalid CMAC: no prefix"),
            ("vault:v2:AAAA", "invalid CMAC: version is too new"),
            (
                "vault:v0:AAAA",
                "cannot verify CMAC: version is too old (disallowed by policy)",
            ),
            (
                "vault:v1:!",
                "unable to decode verification CMAC as base64: illegal base64 data at input byte 0",
            ),
        ] {
            let refused = keyring.verify_cmac(b"", None, text).unwrap_err();
            assert_eq!(refused.to_string(), sentence);
        }
        let other = self::keyring("aes256-gcm96");
        let sentence = "key type aes256-gcm96 does not support CMAC";
        assert_eq!(
            other.cmac(b"", None, None).unwrap_err().to_string(),
            sentence
        );
    }
}
