//! The text form `vault:vN:base64` of ciphertexts, signatures and HMACs, read and written here
//! alone.
//!
//! ```text
//! vault:v3:AbCd…==
//! └prefix │ └ payload, standard base64 (signatures in JWS marshaling: URL-safe, unpadded)
//!         └ version of the key, decimal
//! ```

use std::cell::RefCell;
use std::fmt;

use zeroize::Zeroize;

use crate::{Error, encoding};

const PREFIX: &str = "vault:v";

/// What a text is, for the sentences that refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message authentication code made with a block cipher.
    Cmac,
    /// The outcome of an encryption.
    Ciphertext,
    /// A message authentication code.
    Hmac,
    /// A signature.
    Signature,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Cmac => "CMAC",
            Self::Ciphertext => "ciphertext",
            Self::Hmac => "HMAC",
            Self::Signature => "signature",
        }
    }

    /// Refuses a text of this kind that names a version the key has not reached.
    pub(crate) fn too_new(self) -> Error {
        Error::invalid(format!("invalid {}: version is too new", self.name()))
    }
}

/// A parsed text form: which version made it, and its payload still in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ciphertext<'a> {
    version: i64,
    payload: &'a str,
}

impl<'a> Ciphertext<'a> {
    /// Takes a text apart. The payload is not decoded yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] with Vault's text: no prefix, no colon after the version, or a version
    /// that is no number of 64 bits.
    pub fn parse(kind: Kind, text: &'a str) -> Result<Self, Error> {
        let Some(rest) = text.strip_prefix(PREFIX) else {
            // Vault's sentence for an HMAC has two words more than its other sentences.
            let to_verify = if kind == Kind::Hmac { " to verify" } else { "" };
            return Err(Error::invalid(format!(
                "invalid {}{to_verify}: no prefix",
                kind.name()
            )));
        };
        let Some((version, payload)) = rest.split_once(':') else {
            return Err(Error::invalid(format!(
                "invalid {}: wrong number of fields",
                kind.name()
            )));
        };
        let Ok(version) = version.parse() else {
            let kind = kind.name();
            return Err(Error::invalid(format!(
                "invalid {kind}: version number could not be decoded"
            )));
        };
        Ok(Self { version, payload })
    }

    /// The version as it stands in the text. It may be one that no key has: zero, negative or
    /// beyond 32 bits.
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// The payload as it stands in the text.
    pub const fn payload(&self) -> &'a str {
        self.payload
    }

    /// Decodes the payload from standard base64, for `read` to make something of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not base64; those of `read`.
    pub(crate) fn with_payload<T>(
        &self,
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        with_kept_buffer(encoding::decoded_len(self.payload.len()), |buffer| {
            let payload = encoding::decode_into(self.payload, buffer)
                .map_err(|_| Error::invalid("invalid ciphertext: could not decode base64"))?;
            read(payload)
        })
    }
}

/// A ciphertext, and the version that made it. [`fmt::Display`] writes its text form.
///
/// The text is put together only where it is written to, such as an answer: to make a `String` of
/// it first would cost as much as a tenth of a short encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    version: u32,
    payload: String,
}

impl Encrypted {
    /// Encodes a payload of `payload_len` bytes that `seal` makes.
    pub(crate) fn seal(
        version: u32,
        payload_len: usize,
        seal: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        with_kept_buffer(payload_len, |payload| match seal(payload) {
            Ok(()) => Ok(Self {
                version,
                payload: encoding::encode(payload),
            }),
            // What was left there may be plaintext.
            Err(error) => {
                payload.zeroize();
                Err(error)
            }
        })
    }

    /// Returns the version that made it.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Returns the text form, `vault:vN:…`.
    #[must_use]
    pub fn text(&self) -> String {
        print(self.version, &self.payload)
    }

    /// Returns how many bytes the text form has.
    #[must_use]
    pub const fn text_len(&self) -> usize {
        PREFIX.len() + digits(self.version) + 1 + self.payload.len()
    }
}

impl fmt::Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}", self.version, self.payload)
    }
}

/// Writes a text form around a payload that is encoded already.
pub(crate) fn print(version: u32, payload: &str) -> String {
    format!("{PREFIX}{version}:{payload}")
}

/// Lends a buffer that the thread keeps from one payload to the next: payloads are public, and to
/// allocate and clear one each time costs as much as a short encryption.
fn with_kept_buffer<T>(len: usize, use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    /// What the payload of a plaintext of one mebibyte needs.
    const KEPT: usize = (1 << 20) + (1 << 12);
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        let outcome = use_it(&mut buffer[..len]);
        if buffer.len() > KEPT {
            *buffer = Vec::new();
        }
        outcome
    })
}

const fn digits(number: u32) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn malformed_texts_are_refused_in_the_words_of_vault() {
        for (text, ending) in [
            ("foo", ": no prefix"),
            ("", ": no prefix"),
            ("VAULT:v1:AA==", ": no prefix"),
            ("vault: v1:AA==", ": no prefix"),
            ("vault:v", ": wrong number of fields"),
            ("vault:v1", ": wrong number of fields"),
            ("vault:v:AAAA", ": version number could not be decoded"),
            ("vault:vx:AAAA", ": version number could not be decoded"),
            ("vault:v 1:AAAA", ": version number could not be decoded"),
            ("vault:v1_0:AAAA", ": version number could not be decoded"),
            ("vault:v0x1:AAAA", ": version number could not be decoded"),
            (
                "vault:v99999999999999999999:AAAA",
                ": version number could not be decoded",
            ),
        ] {
            for (kind, start) in [
                (Kind::Ciphertext, "invalid ciphertext"),
                (Kind::Hmac, "invalid HMAC"),
                (Kind::Signature, "invalid signature"),
            ] {
                let words = Ciphertext::parse(kind, text).unwrap_err().to_string();
                let words = words.replace(
                    "invalid HMAC to verify: no prefix",
                    "invalid HMAC: no prefix",
                );
                assert_eq!(words, format!("{start}{ending}"), "{text:?}");
            }
        }
        assert_eq!(
            Ciphertext::parse(Kind::Hmac, "foo")
                .unwrap_err()
                .to_string(),
            "invalid HMAC to verify: no prefix"
        );
    }

    #[test]
    fn versions_read_as_go_reads_them() {
        for (text, version) in [
            ("vault:v1:AA", 1),
            ("vault:v0:AA", 0),
            ("vault:v+1:AA", 1),
            ("vault:v01:AA", 1),
            ("vault:v-1:AA", -1),
            ("vault:v4294967297:AA", 4_294_967_297),
        ] {
            let parsed = Ciphertext::parse(Kind::Ciphertext, text).unwrap();
            assert_eq!(
                (parsed.version(), parsed.payload()),
                (version, "AA"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_failed_seal_leaves_no_text() {
        let refused = Encrypted::seal(1, 5, |payload| {
            payload.fill(b'p');
            Err(Error::Decryption)
        });
        assert_eq!(refused, Err(Error::Decryption));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,40}", kind in prop::sample::select(
            vec![Kind::Cmac, Kind::Ciphertext, Kind::Hmac, Kind::Signature])) {
            let _ = Ciphertext::parse(kind, &text).and_then(|parsed| parsed.with_payload(|_| Ok(())));
        }

        #[test]
        fn near_misses_never_panic(text in "vault:v[-+0-9]{0,4}:?[A-Za-z0-9+/=\n]{0,12}") {
            let _ = Ciphertext::parse(Kind::Ciphertext, &text).and_then(|parsed| parsed.with_payload(|_| Ok(())));
        }

        #[test]
        fn what_is_printed_parses(version: u32, payload in prop::collection::vec(any::<u8>(), 0..2000)) {
            let made = Encrypted::seal(version, payload.len(), |out| {
                out.copy_from_slice(&payload);
                Ok(())
            }).unwrap();
            let text = made.to_string();
            prop_assert_eq!(&text, &made.text());
            prop_assert_eq!(text.len(), made.text_len());
            let parsed = Ciphertext::parse(Kind::Ciphertext, &text).unwrap();
            prop_assert_eq!(parsed.version(), i64::from(version));
            prop_assert!(parsed.with_payload(|read| Ok(read == payload)).unwrap());
        }
    }
}
