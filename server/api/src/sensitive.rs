//! The secrets that may travel: the only types here that hold a secret and serialize.

use std::fmt;

use keyward_crypto::{SecretBytes, SecretString, encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

/// A secret text that crosses the wire: a token, an unseal key, a backup.
#[derive(Debug, PartialEq, Eq)]
pub struct Sensitive(SecretString);

impl Sensitive {
    /// Takes a secret text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::new(text))
    }

    /// Opens the text; say why at the call.
    #[must_use]
    pub fn expose(&self) -> &str {
        // EXPOSE: this type is the door; its callers say why.
        self.0.expose()
    }

    /// Copies it; the copy is wiped too.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}

impl From<SecretString> for Sensitive {
    fn from(text: SecretString) -> Self {
        Self(text)
    }
}

impl Serialize for Sensitive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // EXPOSE: travels in a body that is wiped too.
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::coerce::any_text(deserializer, |text| Self::new(text.to_owned()))
    }
}

/// Secret bytes that travel as standard base64 (RFC 4648 section 4, with padding).
///
/// Reading decodes straight into a wiped buffer. A text that is no base64 is kept as its fault, so
/// that one bad item of a batch spoils only itself: [`bytes`](Self::bytes) tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Base64(Result<SecretBytes, encoding::DecodeError>);

impl Base64 {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: SecretBytes) -> Self {
        Self(Ok(bytes))
    }

    /// Returns the bytes.
    ///
    /// # Errors
    /// The text was no base64; the error names the offset of the first bad byte.
    pub fn bytes(&self) -> Result<&SecretBytes, encoding::DecodeError> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

impl From<&[u8]> for Base64 {
    fn from(bytes: &[u8]) -> Self {
        Self::new(SecretBytes::new(bytes.to_vec()))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.0.as_ref().map_err(serde::ser::Error::custom)?;
        let text = encoding::encode_secret(bytes);
        // EXPOSE: the caller asked for these bytes, and this is how they travel.
        serializer.serialize_str(text.expose())
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::coerce::any_text(deserializer, |text| Self(encoding::decode(text)))
    }
}

/// A JSON value that is secret as a whole, kept as its text: what a KV entry holds.
///
/// Numbers and the order of keys stay as they were sent.
#[derive(PartialEq, Eq)]
pub struct SensitiveJson(SecretString);

impl SensitiveJson {
    /// Takes the text of a JSON value.
    ///
    /// # Errors
    /// The text is no JSON.
    pub fn new(text: String) -> Result<Self, serde_json::Error> {
        let text = SecretString::new(text);
        // EXPOSE: checked, not kept.
        serde_json::from_str::<de::IgnoredAny>(text.expose())?;
        Ok(Self(text))
    }

    /// Opens the text; say why at the call.
    #[must_use]
    pub fn expose(&self) -> &str {
        // EXPOSE: this type is the door; its callers say why.
        self.0.expose()
    }

    /// Copies it; the copy is wiped too.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        // EXPOSE: copied into a secret again.
        Self(SecretString::new(self.expose().to_owned()))
    }
}

impl fmt::Debug for SensitiveJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SensitiveJson(***)")
    }
}

impl Serialize for SensitiveJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // EXPOSE: travels in a body that is wiped too.
        <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(self.expose()))
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SensitiveJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(Self(SecretString::new(raw.get().to_owned())))
    }
}
