//! The structured fields (RFC 9651) of the profile: written, and read in no other way than they are
//! written.

use keyward_crypto::{HashAlgorithm, encoding};

use super::ProofError;

/// The longest field that is read; what the profile writes has a third of this.
const LONGEST_FIELD: usize = 1024;

/// How `Content-Digest` begins: its one algorithm.
const SHA_256: &str = "sha-256";

/// Writes a `Content-Digest` (RFC 9530 section 2) of a SHA-256 digest.
#[must_use]
pub fn content_digest(digest: &[u8; 32]) -> String {
    dictionary(SHA_256, digest)
}

/// Computes the digest that [`content_digest`] writes.
pub(super) fn digest_of(body: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(&HashAlgorithm::Sha2_256.digest(body));
    digest
}

/// Reads a `Content-Digest` that has SHA-256 and nothing beside.
///
/// # Errors
/// [`ProofError::Malformed`] when it is anything else.
pub fn parse_content_digest(field: &str) -> Result<[u8; 32], ProofError> {
    let digest = bytes_of(SHA_256, field)?;
    digest.try_into().map_err(|_| ProofError::Malformed)
}

/// Writes a dictionary of one byte sequence: `name=:…:`.
pub(super) fn dictionary(name: &str, bytes: &[u8]) -> String {
    format!("{name}={}", sequence(bytes))
}

/// Writes a byte sequence (RFC 9651 section 4.1.8).
pub(super) fn sequence(bytes: &[u8]) -> String {
    format!(":{}:", encoding::encode(bytes))
}

/// Reads the byte sequence of a dictionary that has one member, of this name.
pub(super) fn bytes_of(name: &str, field: &str) -> Result<Vec<u8>, ProofError> {
    let value = member(name, field)?;
    let text = value
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'))
        .ok_or(ProofError::Malformed)?;
    let bytes = encoding::decode(text).map_err(|_| ProofError::Malformed)?;
    // EXPOSE: a digest or a signature is no secret.
    let bytes = bytes.expose();
    // Base64 has one form here: padded, with no line break and no stray bit.
    if encoding::encode(bytes) != text {
        return Err(ProofError::Malformed);
    }
    Ok(bytes.clone())
}

/// Finds the one member of a dictionary.
pub(super) fn member<'f>(name: &str, field: &'f str) -> Result<&'f str, ProofError> {
    if field.len() > LONGEST_FIELD {
        return Err(ProofError::Malformed);
    }
    // Neither a byte sequence nor any parameter of the profile has a comma in it.
    if field.contains(',') {
        return Err(ProofError::Several);
    }
    let value = field.strip_prefix(name);
    let value = value.and_then(|rest| rest.strip_prefix('='));
    value.ok_or(ProofError::Malformed)
}

/// The parameters of a signature (RFC 9421 section 2.3); which of them there must be, the profile
/// says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters<'f> {
    pub(super) created: Option<u64>,
    pub(super) expires: Option<u64>,
    pub(super) nonce: Option<&'f str>,
    pub(super) keyid: Option<&'f str>,
    pub(super) alg: Option<&'f str>,
    pub(super) tag: Option<&'f str>,
}

impl<'f> Parameters<'f> {
    /// Reads `;name=value` until the end, each name once.
    pub(super) fn parse(mut rest: &'f str) -> Result<Self, ProofError> {
        let mut read = Self::default();
        while !rest.is_empty() {
            let (name, value) = rest
                .strip_prefix(';')
                .and_then(|rest| rest.split_once('='))
                .ok_or(ProofError::Malformed)?;
            let is_new = match name {
                "created" => read.created.replace(number(value, &mut rest)?).is_none(),
                "expires" => read.expires.replace(number(value, &mut rest)?).is_none(),
                "nonce" => read.nonce.replace(string(value, &mut rest)?).is_none(),
                "keyid" => read.keyid.replace(string(value, &mut rest)?).is_none(),
                "alg" => read.alg.replace(string(value, &mut rest)?).is_none(),
                "tag" => read.tag.replace(string(value, &mut rest)?).is_none(),
                _ => return Err(ProofError::Malformed),
            };
            if !is_new {
                return Err(ProofError::Malformed);
            }
        }
        Ok(read)
    }

    /// Writes them as [`parse`](Self::parse) reads them, in the order of RFC 9421 section 2.3.
    pub(super) fn print(&self) -> String {
        let mut text = String::new();
        for (name, number) in [("created", self.created), ("expires", self.expires)] {
            if let Some(number) = number {
                text.push_str(&format!(";{name}={number}"));
            }
        }
        for (name, value) in [
            ("nonce", self.nonce),
            ("keyid", self.keyid),
            ("alg", self.alg),
            ("tag", self.tag),
        ] {
            if let Some(value) = value {
                text.push_str(&format!(";{name}=\"{value}\""));
            }
        }
        text
    }
}

/// Reads an integer that is not negative (RFC 9651 section 3.3.1) and leaves what follows.
fn number<'f>(text: &'f str, rest: &mut &'f str) -> Result<u64, ProofError> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = text.split_at(end);
    let is_plain = digits == "0" || !digits.starts_with('0');
    if digits.is_empty() || digits.len() > 15 || !is_plain {
        return Err(ProofError::Malformed);
    }
    *rest = after;
    digits.parse().map_err(|_| ProofError::Malformed)
}

/// Reads a string (RFC 9651 section 3.3.3) of letters, digits, `-` and `_`, which is all that the
/// profile has in strings, and leaves what follows.
fn string<'f>(text: &'f str, rest: &mut &'f str) -> Result<&'f str, ProofError> {
    let text = text.strip_prefix('"').ok_or(ProofError::Malformed)?;
    let (value, after) = text.split_once('"').ok_or(ProofError::Malformed)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !value.bytes().all(plain) {
        return Err(ProofError::Malformed);
    }
    *rest = after;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 9530 appendix B.1: the digest of a JSON text.
    #[test]
    fn a_digest_is_that_of_the_standard() {
        let digest = digest_of(b"{\"hello\": \"world\"}\n");
        let field = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(content_digest(&digest), field);
        assert_eq!(parse_content_digest(field), Ok(digest));
    }

    #[test]
    fn a_digest_has_one_form() {
        let good = content_digest(&[7; 32]);
        assert_eq!(parse_content_digest(&good), Ok([7; 32]));
        for (bad, why) in [
            (format!(" {good}"), ProofError::Malformed),
            (format!("{good} "), ProofError::Malformed),
            (format!("{good};a=1"), ProofError::Malformed),
            (format!("{good}, sha-512=:AA==:"), ProofError::Several),
            (format!("{good}, {good}"), ProofError::Several),
            (good.replace("sha-256", "SHA-256"), ProofError::Malformed),
            (good.replace("sha-256", "sha-512"), ProofError::Malformed),
            (good.replace("=:", ":"), ProofError::Malformed),
            // A stray bit, a missing padding, another alphabet, another length.
            (good.replace("c=:", "d=:"), ProofError::Malformed),
            (good.replace("=:", "="), ProofError::Malformed),
            ("sha-256=:____:".to_owned(), ProofError::Malformed),
            ("sha-256=:AAAA:".to_owned(), ProofError::Malformed),
            ("sha-256=::".to_owned(), ProofError::Malformed),
            ("sha-256=:".to_owned(), ProofError::Malformed),
            (String::new(), ProofError::Malformed),
        ] {
            assert_eq!(parse_content_digest(&bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn parameters_have_one_form() {
        for bad in [
            "created=1",
            ";created=01",
            ";created=-1",
            ";created=1.0",
            ";created=",
            ";created=\"1\"",
            ";created=1234567890123456",
            ";created=1;created=1",
            "; created=1",
            ";created =1",
            ";created=1 ",
            ";created=1;",
            ";created",
            ";nonce=abc",
            ";nonce=\"a\\\"b\"",
            ";nonce=\"a b\"",
            ";nonce=\"abc",
            ";nonce=:YWJj:",
            ";other=1",
            ";Tag=\"x\"",
        ] {
            assert_eq!(Parameters::parse(bad), Err(ProofError::Malformed), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parameters_read_back(
            created in prop::option::of(0..1_000_000_000_000_000u64),
            expires in prop::option::of(0..1_000_000_000_000_000u64),
            nonce in prop::option::of("[A-Za-z0-9_-]{0,40}"),
            keyid in prop::option::of("[A-Za-z0-9_-]{0,40}"),
            alg in prop::option::of("[a-z0-9-]{0,20}"),
            tag in prop::option::of("[a-z-]{0,20}"),
        ) {
            let parameters = Parameters {
                created,
                expires,
                nonce: nonce.as_deref(),
                keyid: keyid.as_deref(),
                alg: alg.as_deref(),
                tag: tag.as_deref(),
            };
            let text = parameters.print();
            prop_assert_eq!(Parameters::parse(&text), Ok(parameters));
        }

        #[test]
        fn a_digest_reads_back(digest: [u8; 32]) {
            prop_assert_eq!(parse_content_digest(&content_digest(&digest)), Ok(digest));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}", like in "([;=\":, ()]|created|nonce|sha-256|[0-9A-z]){0,30}") {
            for text in [&text, &like] {
                let _ = Parameters::parse(text);
                let _ = bytes_of("pop", &format!("pop={text}"));
                // What is read is what would be written.
                if let Ok(digest) = parse_content_digest(text) {
                    prop_assert_eq!(&content_digest(&digest), text);
                }
            }
        }
    }
}
