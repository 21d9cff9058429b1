//! Proof Key for Code Exchange (RFC 7636): a code is good only for who asked for it.

use keyward_api::Sensitive;
use keyward_crypto::{HashAlgorithm, encoding};

use super::{Fault, OAuthError};

/// What a code is bound to.
#[derive(Debug)]
pub(super) struct Challenge {
    method: Method,
    /// With `plain` it is the verifier itself.
    text: Sensitive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Plain,
    S256,
}

impl Challenge {
    /// Reads what `authorize` was sent; none if that is nothing.
    ///
    /// # Errors
    /// The challenge is none (RFC 7636 section 4.2), or its method is unknown.
    pub(super) fn parse(
        text: Option<Sensitive>,
        method: Option<&str>,
    ) -> Result<Option<Self>, Fault> {
        let Some(text) = text else {
            return Ok(None);
        };
        let invalid =
            |what: &str| Fault::new(OAuthError::InvalidRequest, format!("invalid {what}"));
        let method = match method {
            None | Some("" | "plain") => Method::Plain,
            Some("S256") => Method::S256,
            Some(_) => return Err(invalid("code_challenge_method")),
        };
        // EXPOSE: only its form is looked at.
        if !is_unreserved(text.expose()) {
            return Err(invalid("code_challenge"));
        }
        Ok(Some(Self { method, text }))
    }

    /// Tells whether this is what the challenge was made of, in constant time.
    pub(super) fn is_met_by(&self, verifier: &Sensitive) -> bool {
        // EXPOSE: its form is looked at, and it is hashed.
        let text = verifier.expose();
        is_unreserved(text)
            && match self.method {
                Method::Plain => self.text == *verifier,
                Method::S256 => {
                    let digest = HashAlgorithm::Sha2_256.digest(text.as_bytes());
                    self.text == Sensitive::new(encoding::encode_url(&digest))
                }
            }
    }
}

/// Tells whether a text is 43 to 128 unreserved characters, as challenge and verifier are.
fn is_unreserved(text: &str) -> bool {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(belongs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_met(challenge: &str, method: Option<&str>, verifier: &str) -> bool {
        let challenge = Sensitive::new(challenge.to_owned());
        let challenge = Challenge::parse(Some(challenge), method).unwrap().unwrap();
        challenge.is_met_by(&Sensitive::new(verifier.to_owned()))
    }

    /// RFC 7636 appendix B.
    #[test]
    fn the_example_of_the_standard_is_met() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_met(challenge, Some("S256"), verifier));
        assert!(!is_met(challenge, Some("S256"), challenge));
        assert!(!is_met(challenge, None, verifier));
        for plain in [None, Some(""), Some("plain")] {
            assert!(is_met(verifier, plain, verifier));
        }
    }

    #[test]
    fn what_is_no_challenge_is_refused() {
        let parse = |text: &str, method| {
            let text = Sensitive::new(text.to_owned());
            let parsed = Challenge::parse(Some(text), method);
            parsed.err().map(|fault| fault.description)
        };
        let good = "a".repeat(43);
        assert!(Challenge::parse(None, Some("S512")).unwrap().is_none());
        assert_eq!(parse(&good, None), None);
        assert_eq!(parse(&"a".repeat(128), Some("S256")), None);
        let method = Some("invalid code_challenge_method".to_owned());
        assert_eq!(parse(&good, Some("s256")), method);
        let challenge = Some("invalid code_challenge".to_owned());
        for text in [
            "",
            &"a".repeat(42),
            &"a".repeat(129),
            &"$".repeat(43),
            &"ä".repeat(43),
        ] {
            assert_eq!(parse(text, Some("S256")), challenge);
        }
    }
}
