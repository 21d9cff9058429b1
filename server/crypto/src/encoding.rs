//! Base64 (RFC 4648) as Go reads it, straight into buffers that are wiped.
//!
//! Vault's clients meet Go's decoder: the standard alphabet with padding required, line breaks
//! ignored wherever they stand, unused bits of the last character not looked at, and an error that
//! names the offset where Go stopped. Clients compare that text, so the offset is Go's.

#[cfg(target_arch = "wasm32")]
use base64::Engine as _;
#[cfg(target_arch = "wasm32")]
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
#[cfg(not(target_arch = "wasm32"))]
use base64_turbo::{STANDARD, URL_SAFE_NO_PAD};

use crate::{Error, Secret, SecretBytes, SecretString};

/// Text that is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal base64 data at input byte {offset}")]
pub struct DecodeError {
    /// The offset Go's decoder names.
    pub offset: usize,
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Encodes with the standard alphabet and padding.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// How many bytes [`decode`] makes of so many characters, at most.
pub(crate) const fn decoded_len(len: usize) -> usize {
    len.div_ceil(4) * 3
}

/// Encodes a secret with the standard alphabet and padding, into a buffer that is wiped.
pub fn encode_secret(secret: &SecretBytes) -> SecretString {
    // EXPOSE: the bytes go from one secret into another.
    Secret::new(STANDARD.encode(secret.expose()))
}

/// Encodes with the URL-safe alphabet and no padding (RFC 7515 section 2).
pub fn encode_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Encodes as hexadecimal in lower case, into a buffer that is reserved whole.
pub fn encode_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Reads hexadecimal text, in either case; none if it is not.
pub fn decode_hex(text: &str) -> Option<SecretBytes> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect();
    bytes.map(SecretBytes::new)
}

/// Decodes the standard alphabet with padding, as Go does.
///
/// # Errors
/// [`DecodeError`] with the offset Go names.
pub fn decode(text: impl AsRef<[u8]>) -> Result<SecretBytes, DecodeError> {
    let text = text.as_ref();
    // Reserved whole, so that no half-filled buffer is left behind unwiped.
    let mut out = Secret::new(Vec::with_capacity(decoded_len(text.len())));
    // EXPOSE: to decode into the buffer that is wiped.
    let bytes = out.expose_mut();
    if STANDARD.decode_vec(text, bytes).is_err() {
        // Line breaks, unused bits or a mistake: rare, so this way may be slow, and it alone knows
        // Go's offsets.
        decode_as_go(text, bytes)?;
    }
    Ok(out)
}

/// Decodes as [`decode`] does what is no secret, into the front of a buffer of [`decoded_len`].
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_into(text: impl AsRef<[u8]>, out: &mut [u8]) -> Result<&[u8], DecodeError> {
    let text = text.as_ref();
    let len = match STANDARD.decode_slice(text, out) {
        Ok(len) => len,
        Err(_) => {
            let mut bytes = Vec::with_capacity(out.len());
            decode_as_go(text, &mut bytes)?;
            out[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }
    };
    Ok(&out[..len])
}

/// Decodes the URL-safe alphabet without padding (RFC 7515 section 2); `None` when it is not that.
pub fn decode_url(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes four characters at a time, with the offsets of Go's `base64.StdEncoding`.
fn decode_as_go(text: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let fail = |offset| Err(DecodeError { offset });
    let after_breaks = |mut at: usize| {
        while matches!(text.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    let mut at = 0;
    loop {
        let mut quantum = [0; 4];
        let mut filled = 0;
        while filled < 4 {
            at = after_breaks(at);
            let Some(&character) = text.get(at) else {
                // Go names the start of the unfinished quantum, counting no line breaks.
                return if filled == 0 {
                    Ok(())
                } else {
                    fail(at - filled)
                };
            };
            at += 1;
            if character == b'=' {
                break;
            }
            let Some(digit) = digit(character) else {
                return fail(at - 1);
            };
            quantum[filled] = digit;
            filled += 1;
        }
        let [a, b, c, d] = quantum;
        let bytes = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
        if filled == 4 {
            out.extend_from_slice(&bytes);
            continue;
        }
        // A `=` ended the quantum: after two digits another must follow, and then nothing.
        if filled < 2 {
            return fail(at - 1);
        }
        if filled == 2 {
            at = after_breaks(at);
            match text.get(at) {
                None => return fail(text.len()),
                Some(b'=') => at += 1,
                Some(_) => return fail(at - 1),
            }
        }
        at = after_breaks(at);
        if at < text.len() {
            return fail(at);
        }
        out.extend_from_slice(&bytes[..filled - 1]);
        return Ok(());
    }
}

/// The value of a character of the standard alphabet.
fn digit(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each offset was given by a running peer, whose decoder is Go's.
    #[test]
    fn mistakes_are_named_at_the_offset_of_go() {
        for (text, offset) in [
            ("!", 0),
            ("A", 0),
            ("AA", 0),
            ("AAA", 0),
            ("A:B", 1),
            ("AAAA!", 4),
            ("AAAAA", 4),
            ("=", 0),
            ("A=", 1),
            ("A===", 1),
            ("AA=", 3),
            ("AA=A", 2),
            ("AA==A", 4),
            ("AA==AA==", 4),
            ("AAA=A", 4),
            ("AA-_", 2),
            ("AA\n", 1),
            ("A\nAA", 1),
            ("AA\n=\n", 5),
            ("AA=\nA", 3),
            ("AA A", 2),
        ] {
            assert_eq!(decode(text), Err(DecodeError { offset }), "{text:?}");
        }
        assert_eq!(
            decode("!").unwrap_err().to_string(),
            "illegal base64 data at input byte 0"
        );
    }

    #[test]
    fn line_breaks_and_unused_bits_are_accepted() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("\r\n", b""),
            ("aGVs\nbG8=", b"hello"),
            ("aGVsbG8\r\n=\r\n", b"hello"),
            ("a\nGVsbG9v", b"helloo"),
            ("aA\n=\n=\n", b"h"),
            ("aH==", b"h"),
            ("aGV=", b"he"),
        ] {
            assert_eq!(decode(text), Ok(SecretBytes::from(bytes)), "{text:?}");
        }
    }

    #[test]
    fn hexadecimal_is_in_lower_case() {
        assert_eq!(encode_hex(&[0x00, 0x1f, 0xa0, 0xff]), "001fa0ff");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(bytes: Vec<u8>) {
            prop_assert_eq!(decode(encode(&bytes)), Ok(SecretBytes::from(&bytes[..])));
            prop_assert_eq!(decode_url(encode_url(&bytes)), Some(bytes));
        }

        #[test]
        fn line_breaks_change_nothing(bytes: Vec<u8>, breaks in prop::collection::vec(0usize..200, 0..8)) {
            let mut text = encode(&bytes).into_bytes();
            for at in breaks {
                text.insert(at.min(text.len()), if at % 2 == 0 { b'\n' } else { b'\r' });
            }
            prop_assert_eq!(decode(&text), Ok(SecretBytes::from(&bytes[..])));
        }

        /// The fast ways and the slow way accept the same texts and make the same bytes of them.
        #[test]
        fn both_ways_agree(text in "[AZaz09+/=\n-]{0,24}") {
            let mut slow = Vec::new();
            let slow = decode_as_go(text.as_bytes(), &mut slow).map(|()| SecretBytes::new(slow));
            let mut out = [0; 18];
            let public = decode_into(&text, &mut out[..decoded_len(text.len())]);
            prop_assert_eq!(public.map(SecretBytes::from), decode(&text));
            prop_assert_eq!(decode(&text), slow);
        }
    }
}
