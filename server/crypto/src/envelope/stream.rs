//! Streams: Tink's AES256_GCM_HKDF_1MB, one segment at a time.
//!
//! ```text
//! body    = 40 (1) ‖ salt (32) ‖ nonce prefix (7) ‖ segments
//! key     = HKDF-SHA-256(data key, salt, associated data, 32 bytes)
//! nonce   = nonce prefix ‖ number of the segment (4) ‖ 1 if it is the last, else 0 (1)
//! segment = AES-256-GCM(key, nonce, no associated data): ciphertext ‖ tag (16)
//! ```
//! The formal text is at <https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming>.
//! A segment moved, dropped or doubled has another number, and a stream that was cut ends in a
//! segment that is not the last.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::array::Array;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};

use super::layout::{TAG_LEN, plain_capacity};
use super::{Context, DataKey, HEAD_LEN, Header, associated_data, malformed};
use crate::{Error, HashAlgorithm, SecretBytes, derive};

const SALT_LEN: usize = 32;
const PREFIX_LEN: usize = 7;
/// What the HKDF of some runtimes takes; every client must be able to open what another sealed.
const MAX_ASSOCIATED_DATA: usize = 1024;

/// The key of one stream.
struct StreamKey {
    cipher: Aes256Gcm,
    prefix: [u8; PREFIX_LEN],
}

impl StreamKey {
    fn derive(
        key: &DataKey,
        associated_data: &[u8],
        salt: &[u8],
        prefix: [u8; PREFIX_LEN],
    ) -> Result<Self, Error> {
        // EXPOSE: copied into another secret, which HKDF reads.
        let bytes = SecretBytes::from(key.bytes().expose().as_slice());
        let derived = derive::hkdf(HashAlgorithm::Sha2_256, &bytes, salt, associated_data, 32)?;
        // EXPOSE: the key is expanded by the cipher, which wipes what it made of it.
        let cipher = Aes256Gcm::new_from_slice(derived.expose())
            .map_err(|_| Error::internal("HKDF made a key of 32 bytes"))?;
        Ok(Self { cipher, prefix })
    }

    fn nonce(&self, number: u32, is_last: bool) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..PREFIX_LEN].copy_from_slice(&self.prefix);
        nonce[PREFIX_LEN..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = is_last.into();
        nonce
    }

    fn open(&self, number: u32, is_last: bool, segment: &[u8]) -> Result<SecretBytes, Error> {
        let (text, tag) = segment
            .split_last_chunk::<TAG_LEN>()
            .ok_or(Error::Truncated)?;
        if text.len() > plain_capacity(number) {
            return Err(Error::Decryption);
        }
        let mut plaintext = SecretBytes::from(text);
        // EXPOSE: decrypted in the buffer that is wiped.
        let buffer = InOutBuf::from(plaintext.expose_mut().as_mut_slice());
        let nonce = Array(self.nonce(number, is_last));
        self.cipher
            .decrypt_inout_detached(&nonce, b"", buffer, &Array(*tag))
            .map_err(|_| Error::Decryption)?;
        Ok(plaintext)
    }
}

/// Seals a stream: [`head`](Self::head) first, then segments in order.
pub struct Sealer {
    key: StreamKey,
    head: [u8; HEAD_LEN],
    /// The number of the next segment; none when the last has been sealed.
    next: Option<u32>,
}

impl Sealer {
    /// Begins a stream. `random` is the salt and the nonce prefix, and must be fresh.
    ///
    /// # Errors
    /// [`Error::Decryption`] when the header is not that of the key; [`Error::Invalid`] when header
    /// and context are longer than 1,024 bytes together.
    pub fn new(
        key: &DataKey,
        header: &Header,
        context: Option<&Context>,
        random: &[u8; SALT_LEN + PREFIX_LEN],
    ) -> Result<Self, Error> {
        key.check(header)?;
        let associated_data = associated_data(header, context);
        if associated_data.len() > MAX_ASSOCIATED_DATA {
            return Err(Error::invalid(
                "key reference and context of a stream are longer than 1,024 bytes",
            ));
        }
        let (salt, prefix) = split_random(random);
        let mut head = [0; HEAD_LEN];
        head[0] = HEAD_LEN as u8;
        head[1..].copy_from_slice(random);
        Ok(Self {
            key: StreamKey::derive(key, &associated_data, salt, prefix)?,
            head,
            next: Some(0),
        })
    }

    /// What the body begins with.
    #[must_use]
    pub fn head(&self) -> &[u8; HEAD_LEN] {
        &self.head
    }

    /// How many bytes the next segment takes: just so many, unless it is the last.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.next.map_or(0, plain_capacity)
    }

    /// Seals a segment that another follows; it must be full.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not full, the last has been sealed, or there would be more than
    /// 2^32 of them.
    pub fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        if plaintext.len() != self.capacity() {
            return Err(Error::invalid(
                "a segment that is not the last must be full",
            ));
        }
        let number = self.next.ok_or_else(ended)?;
        let next = number.checked_add(1);
        let next = next.ok_or_else(|| Error::invalid("a stream has at most 2^32 segments"))?;
        let sealed = self.seal_as(number, false, plaintext)?;
        self.next = Some(next);
        Ok(sealed)
    }

    /// Seals the last segment. It may be short; it is empty only if the whole plaintext is.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is longer than a segment, empty where others stand before it, or
    /// has been sealed already.
    pub fn seal_last(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let number = self.next.ok_or_else(ended)?;
        if plaintext.len() > self.capacity() || (plaintext.is_empty() && number > 0) {
            return Err(Error::invalid("the last segment is too long, or empty"));
        }
        let sealed = self.seal_as(number, true, plaintext)?;
        self.next = None;
        Ok(sealed)
    }

    fn seal_as(&self, number: u32, is_last: bool, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        // Reserved whole, so that nothing is left behind by a buffer that grows.
        let mut sealed = Vec::with_capacity(plaintext.len() + TAG_LEN);
        sealed.extend_from_slice(plaintext);
        let nonce = Array(self.key.nonce(number, is_last));
        let buffer = InOutBuf::from(sealed.as_mut_slice());
        let tag = self
            .key
            .cipher
            .encrypt_inout_detached(&nonce, b"", buffer)
            .map_err(|_| Error::internal("a segment is not too long for AES-GCM"))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }
}

fn ended() -> Error {
    Error::invalid("the last segment of the stream has been sealed")
}

/// Opens a stream: segments in order by [`open`](Self::open), or any by
/// [`open_at`](Self::open_at).
pub struct Opener {
    key: StreamKey,
    next: Option<u32>,
}

impl Opener {
    /// Begins to open the body whose first [`HEAD_LEN`] bytes are `head`.
    ///
    /// # Errors
    /// [`Error::Decryption`] when the header is not that of the key; [`Error::Invalid`] when the
    /// head is none.
    pub fn new(
        key: &DataKey,
        header: &Header,
        context: Option<&Context>,
        head: &[u8; HEAD_LEN],
    ) -> Result<Self, Error> {
        key.check(header)?;
        let [len, random @ ..] = head;
        if usize::from(*len) != HEAD_LEN {
            return Err(malformed("its stream does not begin with 40"));
        }
        let (salt, prefix) = split_random(random);
        let associated_data = associated_data(header, context);
        Ok(Self {
            key: StreamKey::derive(key, &associated_data, salt, prefix)?,
            next: Some(0),
        })
    }

    /// How long the next segment is with its tag: just so long, unless it is the last.
    #[must_use]
    pub fn segment_len(&self) -> usize {
        self.next
            .map_or(0, |number| plain_capacity(number) + TAG_LEN)
    }

    /// Opens the next segment, which another follows.
    ///
    /// # Errors
    /// [`Error::Decryption`] when anything is wrong with it. The stream is to be given up then.
    pub fn open(&mut self, segment: &[u8]) -> Result<SecretBytes, Error> {
        let number = self.next.ok_or(Error::Decryption)?;
        if segment.len() != self.segment_len() {
            return Err(Error::Decryption);
        }
        let plaintext = self.key.open(number, false, segment)?;
        self.next = Some(number.checked_add(1).ok_or(Error::Decryption)?);
        Ok(plaintext)
    }

    /// Opens what the body ends with.
    ///
    /// # Errors
    /// [`Error::Truncated`] when it is a segment that others should follow, or no whole one: the
    /// stream was cut off. [`Error::Decryption`] when anything else is wrong with it.
    pub fn open_last(&mut self, segment: &[u8]) -> Result<SecretBytes, Error> {
        let number = self.next.ok_or(Error::Decryption)?;
        if segment.len() == TAG_LEN && number > 0 {
            return Err(Error::Decryption);
        }
        match self.key.open(number, true, segment) {
            Ok(plaintext) => {
                self.next = None;
                Ok(plaintext)
            }
            Err(Error::Decryption) if self.key.open(number, false, segment).is_ok() => {
                Err(Error::Truncated)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens any segment, as [`Layout::covering`](super::Layout::covering) names them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_at(&self, segment: &super::Segment, sealed: &[u8]) -> Result<SecretBytes, Error> {
        self.key.open(segment.number, segment.is_last, sealed)
    }
}

fn split_random(random: &[u8; SALT_LEN + PREFIX_LEN]) -> (&[u8], [u8; PREFIX_LEN]) {
    let mut prefix = [0; PREFIX_LEN];
    let (salt, rest) = random.split_at(SALT_LEN);
    prefix.copy_from_slice(rest);
    (salt, prefix)
}
