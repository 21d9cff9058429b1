//! Generating a root token: holders of the unseal shares make one when no token is left.
//!
//! ```text
//! encoded token = base64 without padding (token XOR one-time password)
//! ```
//!
//! The one who begins gets the password, the one who gives the last share the encoded token: it
//! takes both of them to know the token. Or the one who begins has an OpenPGP key, and the encoded
//! token is a message for it.
//!
//! **Invariant:** there is one attempt at a time, and it holds fewer shares than the threshold.

use keyward_api::{Sensitive, sys::RootGenerationStatus};
use keyward_crypto::{SecretBytes, SecretString, encoding, random};
use tokio::sync::Mutex;

use crate::{
    Error, PgpKey, SealConfig, Timestamp, TokenId,
    keys::Keys,
    quorum::{Given, Quorum},
    token::{TOKEN_LENGTH, TokenStore},
};

/// The state of generating a root token.
#[derive(Default)]
pub(crate) struct RootGeneration {
    /// Held over the whole of a step, so that steps come one after the other.
    attempt: Mutex<Option<Attempt>>,
}

struct Attempt {
    given: Quorum,
    hidden: Hidden,
}

/// Behind what a caller wants the token hidden.
#[derive(Debug)]
pub(crate) enum Hiding {
    /// A password that is made.
    Generated,
    /// An OpenPGP key.
    Key(Box<PgpKey>),
    /// A password of the caller's.
    Password(SecretString),
}

/// Behind what the token will be hidden.
enum Hidden {
    Key(Box<PgpKey>),
    Password(SecretString),
}

impl RootGeneration {
    /// Tells how far it is.
    pub(crate) async fn status(&self, keys: &Keys) -> RootGenerationStatus {
        status(self.attempt.lock().await.as_ref(), keys)
    }

    /// Begins an attempt; the answer carries the password if one is made.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is one, or the password is not as long as a token.
    pub(crate) async fn begin(
        &self,
        hiding: Hiding,
        keys: &Keys,
    ) -> Result<RootGenerationStatus, Error> {
        let (hidden, shown) = match hiding {
            // EXPOSE: only the length is looked at.
            Hiding::Password(password) if password.expose().len() != TOKEN_LENGTH => {
                return Err(Error::invalid("OTP string has incorrect length"));
            }
            Hiding::Password(password) => (Hidden::Password(password), None),
            Hiding::Key(key) => (Hidden::Key(key), None),
            Hiding::Generated => {
                let password = random::generate_text(TOKEN_LENGTH);
                let shown = password.duplicate();
                (Hidden::Password(password), Some(shown))
            }
        };
        if keys.seal_config() == SealConfig::NONE {
            return Err(Error::invalid(
                "there are no recovery keys that could agree; make some with \
                 sys/rotate/recovery/init",
            ));
        }
        let mut attempt = self.attempt.lock().await;
        if attempt.is_some() {
            return Err(Error::invalid("root generation already in progress"));
        }
        let begun = attempt.insert(Attempt {
            given: Quorum::begin(),
            hidden,
        });
        let mut status = status(Some(begun), keys);
        if let Some(shown) = shown {
            status.otp = shown.into();
        }
        Ok(status)
    }

    /// Forgets the attempt.
    pub(crate) async fn cancel(&self) {
        *self.attempt.lock().await = None;
    }

    /// Takes one share; with the last one needed, makes the token.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the share does not belong here, or the shares together are wrong;
    /// then the count begins anew. Otherwise the store failed.
    pub(crate) async fn update(
        &self,
        share: SecretBytes,
        nonce: &str,
        keys: &Keys,
        tokens: &TokenStore,
        now: Timestamp,
    ) -> Result<RootGenerationStatus, Error> {
        let seal_config = keys.seal_config();
        seal_config.check_share(&share)?;
        let mut held = self.attempt.lock().await;
        let attempt = held
            .as_mut()
            .ok_or_else(|| Error::invalid("no root generation in progress"))?;
        if nonce != attempt.given.nonce() {
            return Err(Error::Invalid(format!(
                "incorrect nonce supplied; nonce for this root generation operation is {:?}",
                attempt.given.nonce()
            )));
        }
        let shares = match attempt.given.give(share, seal_config.threshold) {
            Given::Again => {
                return Err(Error::invalid(
                    "given key has already been provided during this generation operation",
                ));
            }
            Given::More => return Ok(status(Some(attempt), keys)),
            Given::Enough(shares) => shares,
        };
        if !keys.opens(&shares).await? {
            return Err(Error::invalid(
                "root generation aborted: unable to authenticate: unable to retrieve stored keys: \
                 invalid key: failed to decrypt keys from storage: cipher: message authentication \
                 failed",
            ));
        }
        let token = tokens.create_root(now).await?;
        let encoded = attempt.hidden.hide(&token)?;
        let done = RootGenerationStatus {
            progress: shares.len(),
            complete: true,
            encoded_root_token: encoded.duplicate().into(),
            encoded_token: encoded.into(),
            otp_length: 0,
            ..status(Some(attempt), keys)
        };
        *held = None;
        Ok(done)
    }
}

fn status(attempt: Option<&Attempt>, keys: &Keys) -> RootGenerationStatus {
    let nothing = || Sensitive::new(String::new());
    RootGenerationStatus {
        nonce: attempt.map_or("", |it| it.given.nonce()).to_owned(),
        started: attempt.is_some(),
        progress: attempt.map_or(0, |it| it.given.progress()),
        required: keys.seal_config().threshold,
        complete: false,
        encoded_token: nothing(),
        encoded_root_token: nothing(),
        pgp_fingerprint: attempt.map_or("", Attempt::fingerprint).to_owned(),
        otp: nothing(),
        otp_length: TOKEN_LENGTH,
    }
}

impl Attempt {
    /// Returns the fingerprint of the key that the token will be encrypted to; empty without one.
    fn fingerprint(&self) -> &str {
        match &self.hidden {
            Hidden::Key(key) => key.fingerprint(),
            Hidden::Password(_) => "",
        }
    }
}

impl Hidden {
    /// Hides the token: the text that is answered.
    fn hide(&self, token: &TokenId) -> Result<SecretString, Error> {
        match self {
            Self::Key(key) => {
                // EXPOSE: encrypted.
                let token = SecretBytes::new(token.expose().as_bytes().to_vec());
                Ok(SecretString::new(encoding::encode(&key.encrypt(&token)?)))
            }
            Self::Password(password) => Ok(encode(token, password)),
        }
    }
}

/// Hides a token behind a password of the same length.
fn encode(token: &TokenId, password: &SecretString) -> SecretString {
    // EXPOSE: hidden behind the password.
    let (token, password) = (token.expose().bytes(), password.expose().bytes());
    let hidden = token.zip(password).map(|(token, mask)| token ^ mask);
    let padded = encoding::encode_secret(&SecretBytes::new(hidden.collect()));
    // EXPOSE: copied into a secret again.
    SecretString::from(padded.expose().trim_end_matches('='))
}

/// Takes the password off what [`encode`] hid.
///
/// # Errors
/// It is no base64 or no text, or the two are not of one length.
pub(crate) fn decode(
    encoded: &SecretString,
    password: &SecretString,
) -> Result<SecretString, Error> {
    // EXPOSE: padded for the decoder, in a buffer that is wiped.
    let unpadded = encoded.expose().trim_end_matches('=');
    let padding = "=".repeat(unpadded.len().wrapping_neg() % 4);
    let padded = SecretString::from([unpadded, &padding].concat());
    // EXPOSE: decoded.
    let hidden = encoding::decode(padded.expose())
        .map_err(|error| Error::Invalid(format!("error decoding base64'd token: {error}")))?;
    // EXPOSE: combined into the token.
    let (hidden, password) = (hidden.expose(), password.expose().as_bytes());
    if hidden.len() != password.len() {
        return Err(Error::Invalid(format!(
            "error xoring token: length of byte slices is not equivalent: {} != {}",
            hidden.len(),
            password.len()
        )));
    }
    let token = hidden
        .iter()
        .zip(password)
        .map(|(hidden, mask)| hidden ^ mask);
    let token = SecretBytes::new(token.collect());
    // EXPOSE: read as text into a secret again.
    let text = std::str::from_utf8(token.expose());
    text.map(SecretString::from).map_err(|_| {
        Error::invalid("the encoded token and the one-time password do not belong together")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_token_opens_with_the_password_as_the_peer_does_it() {
        let token = TokenId::new(SecretString::from("s.17Qj8wa55WQnJpfZF5G4VuHw"));
        let password = SecretString::from("8NCu09t8ad9VvUK6aYP1f3cTr5");
        let encoded = encode(&token, &password);
        assert_eq!(encoded.expose(), "S2ByQmFTTE8AUQwBJzsBRgcDFgQhBzUhOkI");
    }

    #[test]
    fn an_encoded_token_loses_its_password_again() {
        let (text, password) = (
            SecretString::from("hvs.abcde"),
            SecretString::from("123456789"),
        );
        let encoded = encode(&TokenId::new(text.duplicate()), &password);
        assert_eq!(decode(&encoded, &password).unwrap().expose(), text.expose());
        for (encoded, refusal) in [
            (
                "AAAA",
                "error xoring token: length of byte slices is not equivalent: 3 != 9",
            ),
            (
                "!!",
                "error decoding base64'd token: illegal base64 data at input byte 0",
            ),
            (
                "////////////",
                "the encoded token and the one-time password do not belong together",
            ),
        ] {
            let error = decode(&SecretString::from(encoded), &password);
            assert_eq!(error.unwrap_err().to_string(), refusal);
        }
    }
}
