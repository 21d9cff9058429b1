//! The header of the container KWE1.

use super::malformed;
use crate::{Error, encoding};

const MAGIC: &[u8; 4] = b"KWE1";
const COMMITMENT_LEN: usize = 32;
/// Where the key reference begins, after its length.
const KEY_AT: usize = MAGIC.len() + 1 + 2;

/// How a body is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// 3: a record, XAES-256-GCM with its nonce before it.
    Record,
    /// 1: a stream, Tink's AES256_GCM_HKDF_1MB.
    Stream,
}

impl Suite {
    /// Its number in the header; 2 is reserved.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Record => 3,
            Self::Stream => 1,
        }
    }

    fn of(number: u8) -> Result<Self, Error> {
        match number {
            1 => Ok(Self::Stream),
            3 => Ok(Self::Record),
            other => Err(malformed(&format!("suite {other} is unknown"))),
        }
    }
}

/// Everything that opening needs but the key and the context.
///
/// ```text
/// magic "KWE1" (4) ‖ suite (1) ‖ key reference: length (2), UTF-8 "mount/name" ‖ commitment (32)
///   ‖ wrapped key: length (2), ASCII "vault:vN:…" ‖ body
/// ```
/// Lengths are big-endian. What stands before the wrapped key is the bound part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    suite: Suite,
    key: String,
    commitment: [u8; COMMITMENT_LEN],
    wrapped_key: String,
}

/// What the beginning of a container holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// So far it is one; at least so many bytes are needed to say more.
    Needs(usize),
    /// The header, and its length: where the body begins.
    Whole(Header, usize),
}

impl Header {
    /// Makes the header of what will be sealed with a data key.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `key` is not `mount/name`, `wrapped_key` is no ciphertext, or either
    /// is longer than 65,535 bytes.
    pub fn new(
        suite: Suite,
        key: &str,
        commitment: [u8; 32],
        wrapped_key: &str,
    ) -> Result<Self, Error> {
        check_key(key)?;
        check_wrapped_key(wrapped_key)?;
        let longest = key.len().max(wrapped_key.len());
        if longest > usize::from(u16::MAX) {
            return Err(Error::invalid("a part of the header is too long"));
        }
        Ok(Self {
            suite,
            key: key.to_owned(),
            commitment,
            wrapped_key: wrapped_key.to_owned(),
        })
    }

    /// Reads the header that `bytes` begins with. What is no container is said to be none at its
    /// first byte, not when enough have come.
    ///
    /// # Errors
    /// [`Error::Invalid`], saying which part is none of the format.
    pub fn parse(bytes: &[u8]) -> Result<Parsed, Error> {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            return Err(malformed("it does not begin with KWE1"));
        }
        let Some((start, rest)) = bytes.split_first_chunk::<KEY_AT>() else {
            return Ok(Parsed::Needs(KEY_AT));
        };
        let [.., suite, high, low] = *start;
        let suite = Suite::of(suite)?;
        let key_len = usize::from(u16::from_be_bytes([high, low]));
        let wrapped_at = KEY_AT + key_len + COMMITMENT_LEN + 2;
        let Some((key, rest)) = rest.split_at_checked(key_len) else {
            return Ok(Parsed::Needs(wrapped_at));
        };
        let Some((commitment, rest)) = rest.split_first_chunk::<COMMITMENT_LEN>() else {
            return Ok(Parsed::Needs(wrapped_at));
        };
        let Some((wrapped_len, rest)) = rest.split_first_chunk::<2>() else {
            return Ok(Parsed::Needs(wrapped_at));
        };
        let wrapped_len = usize::from(u16::from_be_bytes(*wrapped_len));
        let len = wrapped_at + wrapped_len;
        let Some(wrapped_key) = rest.get(..wrapped_len) else {
            return Ok(Parsed::Needs(len));
        };
        let key = str::from_utf8(key).map_err(|_| malformed("its key reference is not UTF-8"))?;
        let wrapped_key = str::from_utf8(wrapped_key)
            .map_err(|_| malformed("its wrapped key is not vault:vN:…"))?;
        Ok(Parsed::Whole(
            Self::new(suite, key, *commitment, wrapped_key)?,
            len,
        ))
    }

    /// Takes a whole container apart: its header, and its body.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); [`Error::Truncated`] when it ends inside its header.
    pub fn split(container: &[u8]) -> Result<(Self, &[u8]), Error> {
        match Self::parse(container)? {
            Parsed::Needs(_) => Err(Error::Truncated),
            Parsed::Whole(header, len) => Ok((header, &container[len..])),
        }
    }

    /// Writes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.bound();
        push_counted(&mut bytes, self.wrapped_key.as_bytes());
        bytes
    }

    /// Writes the part that the body is bound to.
    #[must_use]
    pub fn bound(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(self.suite.number());
        push_counted(&mut bytes, self.key.as_bytes());
        bytes.extend_from_slice(&self.commitment);
        bytes
    }

    /// The same header with the data key wrapped anew, as by `MOUNT/rewrap/NAME`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn rewrapped(&self, wrapped_key: &str) -> Result<Self, Error> {
        Self::new(self.suite, &self.key, self.commitment, wrapped_key)
    }

    /// How the body is sealed.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The named key, as `mount/name`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What the data key must derive.
    #[must_use]
    pub fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// The data key as the named key wrapped it: `vault:vN:…`.
    #[must_use]
    pub fn wrapped_key(&self) -> &str {
        &self.wrapped_key
    }
}

/// Writes the length of `part`, which [`Header::new`] has limited, and the part.
fn push_counted(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u16).to_be_bytes());
    bytes.extend_from_slice(part);
}

/// A mount may have slashes inside; no part is empty.
fn check_key(key: &str) -> Result<(), Error> {
    let mut parts = key.split('/');
    if key.contains('/') && parts.all(|part| !part.is_empty()) {
        return Ok(());
    }
    Err(malformed("its key reference is not mount/name"))
}

/// Stricter than [`ciphertext`](crate::ciphertext), so that there is one text of one wrapped key: a
/// version without leading zeros and Base64 in the one form that RFC 4648 gives (section 3.5).
fn check_wrapped_key(text: &str) -> Result<(), Error> {
    let parts = text.strip_prefix("vault:v");
    let parts = parts.and_then(|rest| rest.split_once(':'));
    let (version, payload) = parts
        .filter(|(version, payload)| is_version(version) && !payload.is_empty())
        .ok_or_else(|| malformed("its wrapped key is not vault:vN:…"))?;
    let _ = version;
    let decoded = encoding::decode(payload);
    // EXPOSE: a ciphertext is public.
    let canonical = decoded.is_ok_and(|bytes| encoding::encode(bytes.expose()) == payload);
    if canonical {
        return Ok(());
    }
    Err(malformed("its wrapped key is not Base64"))
}

fn is_version(text: &str) -> bool {
    (1..=10).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
}
