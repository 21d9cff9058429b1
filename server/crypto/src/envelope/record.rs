//! Records: small data, sealed whole.
//!
//! ```text
//! body = nonce (24) ‖ XAES-256-GCM ciphertext ‖ tag (16)
//! text = "kwe:1:" ‖ Base64url of the container, without padding
//! ```

use super::{Context, DataKey, Header, associated_data, malformed};
use crate::{Error, SecretBytes, encoding, xaes};

const TEXT_PREFIX: &str = "kwe:1:";

/// Seals a record and returns the whole container. The nonce must be random.
///
/// # Errors
/// [`Error::Decryption`] when the header is not that of the key; [`Error::Invalid`] when the
/// plaintext is longer than XAES-256-GCM allows.
pub fn seal_record(
    key: &DataKey,
    header: &Header,
    context: Option<&Context>,
    nonce: &[u8; xaes::NONCE_LEN],
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    key.check(header)?;
    let sealed = xaes::seal(
        key.bytes(),
        nonce,
        &associated_data(header, context),
        plaintext,
    )?;
    Ok([&header.encode(), nonce.as_slice(), &sealed].concat())
}

/// Opens the body of a record.
///
/// # Errors
/// [`Error::Decryption`], whatever is wrong.
pub fn open_record(
    key: &DataKey,
    header: &Header,
    context: Option<&Context>,
    body: &[u8],
) -> Result<SecretBytes, Error> {
    key.check(header)?;
    let (nonce, sealed) = body.split_first_chunk().ok_or(Error::Decryption)?;
    xaes::open(
        key.bytes(),
        nonce,
        &associated_data(header, context),
        sealed,
    )
}

/// Writes a container as text, for columns and fields that hold no bytes.
#[must_use]
pub fn to_text(container: &[u8]) -> String {
    format!("{TEXT_PREFIX}{}", encoding::encode_url(container))
}

/// Reads what [`to_text`] wrote.
///
/// # Errors
/// [`Error::Invalid`] when it is not that.
pub fn from_text(text: &str) -> Result<Vec<u8>, Error> {
    text.strip_prefix(TEXT_PREFIX)
        .and_then(encoding::decode_url)
        .ok_or_else(|| malformed("its text is not kwe:1: and Base64url"))
}
