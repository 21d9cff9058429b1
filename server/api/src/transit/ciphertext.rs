//! The ciphertext of an answer.

use std::fmt;

use keyward_crypto::Encrypted;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A ciphertext on the wire: the JSON string `vault:vN:…`.
///
/// One that was just made goes into the answer in its parts, without a text in between.
#[derive(Clone, Debug)]
pub enum Ciphertext {
    /// Just made.
    Made(Encrypted),
    /// Read from an answer, as it stood there.
    Read(String),
}

impl Ciphertext {
    /// Returns how many bytes the text has.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Made(made) => made.text_len(),
            Self::Read(text) => text.len(),
        }
    }

    /// Tells whether the text is empty, as none is that was made.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Ciphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(made) => made.fmt(f),
            Self::Read(text) => f.write_str(text),
        }
    }
}

impl From<Encrypted> for Ciphertext {
    fn from(made: Encrypted) -> Self {
        Self::Made(made)
    }
}

impl From<Ciphertext> for String {
    fn from(ciphertext: Ciphertext) -> Self {
        match ciphertext {
            Ciphertext::Made(made) => made.text(),
            Ciphertext::Read(text) => text,
        }
    }
}

impl PartialEq for Ciphertext {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Ciphertext {}

impl Serialize for Ciphertext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ciphertext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::Read)
    }
}
