//! Access tokens: what opens the claims of one person to one client.
//!
//! ```text
//! hvo_access_ ‖ base64url, without padding, of the sealed claims
//! ```
//!
//! The claims are JSON, sealed by the barrier's keyring of terms under associated data of their own.
//! Nothing of them is stored. It is no token of this server: no policy hangs on it, and no request but
//! `userinfo` takes it.

use keyward_api::Sensitive;
use keyward_crypto::{SecretBytes, SecretString, encoding};
use serde::{Deserialize, Serialize};

use super::super::Oidc;
use crate::{Error, Timestamp, json};

/// How every access token begins, and no other token.
const PREFIX: &str = "hvo_access_";

/// The longest access token: what fits into the headers of a request everywhere.
const LONGEST: usize = 8 << 10;

/// What access tokens are sealed for.
const PURPOSE: &str = "access";

/// What an access token says.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Access {
    pub(super) provider: String,
    pub(super) client_id: String,
    pub(super) entity_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) end: Timestamp,
}

impl Oidc {
    /// Makes an access token.
    ///
    /// # Errors
    /// The barrier cannot seal, or too much is asked for.
    pub(super) fn seal_access(&self, access: &Access) -> Result<Sensitive, Error> {
        let sealed = SecretBytes::new(self.view.seal_for(PURPOSE, &json::to_secret(access)?)?);
        // EXPOSE: becomes the text of the token, in a buffer that is wiped.
        let body = SecretString::new(encoding::encode_url(sealed.expose()));
        // EXPOSE: copied into the token, which is wiped too; no buffer grows on the way.
        let token = Sensitive::new([PREFIX, body.expose()].concat());
        // EXPOSE: its length is looked at.
        if token.expose().len() > LONGEST {
            return Err(Error::Invalid(format!(
                "an access token with so many scopes is longer than {LONGEST} characters"
            )));
        }
        Ok(token)
    }

    /// Opens an access token; none if it was not made here, or its time is over.
    pub(super) fn open_access(&self, token: &str, now: Timestamp) -> Option<Access> {
        let body = token
            .strip_prefix(PREFIX)
            .filter(|_| token.len() <= LONGEST)?;
        let sealed = SecretBytes::new(encoding::decode_url(body)?);
        // EXPOSE: the seal is opened.
        let claims = self.view.open_for(PURPOSE, sealed.expose())?;
        let access: Access = json::from_secret(&claims).ok()?;
        (now < access.end).then_some(access)
    }
}
