//! Batch tokens: nothing of them is stored, they say themselves what they may do.
//!
//! ```text
//! hvb. ‖ base64url, without padding, of: term u32 BE ‖ nonce 12 ‖ ciphertext ‖ tag 16
//! ```
//!
//! The ciphertext holds what [`form`] draws, sealed by the barrier's keyring of terms under
//! associated data of its own, so that such a token lives through a restart and a rotation, and
//! nobody without the keyring makes or changes one. One that was opened stays open in memory.
//!
//! It ends with its time, with its parent, or with its term. It cannot be revoked, and therefore
//! has no accessor and no uses to count, is not renewed, and is never a root token.

mod form;

use std::sync::Arc;

use form::Claims;
use keyward_crypto::{SecretBytes, SecretString, encoding};
use quick_cache::sync::Cache;

use super::{Digest, Token, TokenKind, TokenStore, record::Record};
use crate::{Error, Timestamp, TokenId};

/// How every batch token begins, and no other token.
const PREFIX: &str = "hvb.";

/// The longest batch token: what fits into the headers of a request everywhere.
const LONGEST: usize = 8 << 10;

/// How many batch tokens stay open in memory. They are apart from stored tokens, which a flood of
/// these must not push out.
const OPENED: usize = 1 << 14;

/// What batch tokens are sealed for.
const PURPOSE: &str = "batch";

/// The batch tokens that were opened before.
pub(super) struct Opened(Cache<Digest, Batch>);

/// A batch token whose seal was good.
#[derive(Clone)]
enum Batch {
    /// Its parent is gone, which comes back under no circumstances.
    Dead,
    /// It lives until its time is over, or its parent's.
    Living {
        token: Arc<Token>,
        parent_created: Option<Timestamp>,
    },
}

impl Opened {
    pub(super) fn new() -> Self {
        Self(Cache::new(OPENED))
    }
}

/// Tells whether a text has the form of a batch token.
pub(super) fn is_batch(id: &TokenId) -> bool {
    // EXPOSE: its form is looked at.
    id.expose().starts_with(PREFIX)
}

impl TokenStore {
    /// Opens a batch token; none if it was not made here, or its time or its parent's is over at
    /// `now`. One that was opened before is answered from memory, and so is its parent.
    pub(super) async fn find_batch(
        &self,
        id: &TokenId,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, Error> {
        let Some(Batch::Living {
            token,
            parent_created,
        }) = self.opened(id, digest, now)
        else {
            return Ok(None);
        };
        if !token.is_alive(now) {
            return Ok(None);
        }
        let Some(parent) = token.record.parent else {
            return Ok(Some(token));
        };
        match self.stored(parent).await? {
            Some(parent) if Some(parent.created()) == parent_created => {
                Ok(parent.is_alive(now).then_some(token))
            }
            // It was revoked, or ran out and was removed.
            _ => {
                self.opened.0.insert(digest, Batch::Dead);
                Ok(None)
            }
        }
    }

    /// Finds what is known of a batch token, or opens it.
    fn opened(&self, id: &TokenId, digest: Digest, now: Timestamp) -> Option<Batch> {
        if let Some(known) = self.opened.0.get(&digest) {
            return Some(known);
        }
        let Claims {
            record,
            parent_created,
        } = self.open_batch(id)?;
        let token = Arc::new(Token { digest, record });
        let is_alive = token.is_alive(now);
        let batch = Batch::Living {
            token,
            parent_created,
        };
        // One that is over is not worth the room.
        if is_alive {
            self.opened.0.insert(digest, batch.clone());
        }
        Some(batch)
    }

    /// Makes a batch token of what would be stored of a service token.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it asks for what such a token cannot have.
    pub(super) fn seal_batch(
        &self,
        record: Record,
        parent: Option<&Token>,
    ) -> Result<(TokenId, Arc<Token>), Error> {
        can_be_batch(&record)?;
        let claims = Claims {
            record,
            parent_created: parent.map(Token::created),
        };
        let bytes = claims.encode();
        let sealed = SecretBytes::new(self.view.seal_for(PURPOSE, &bytes)?);
        // EXPOSE: becomes the text of the token, in a buffer that is wiped.
        let body = SecretString::new(encoding::encode_url(sealed.expose()));
        // EXPOSE: copied into the token, which is wiped too; no buffer grows on the way.
        let id = TokenId::new(SecretString::new([PREFIX, body.expose()].concat()));
        // EXPOSE: its length is looked at.
        if id.expose().len() > LONGEST {
            return Err(Error::Invalid(format!(
                "a batch token with so much in it is longer than {LONGEST} characters"
            )));
        }
        // EXPOSE: read back, so that the first answer tells what every later one does.
        let Some(Claims { record, .. }) = Claims::decode(bytes.expose()) else {
            return Err(Error::internal("a batch token does not read back"));
        };
        let digest = Digest::of(&self.salt, &id);
        Ok((id, Arc::new(Token { digest, record })))
    }

    /// Opens the seal of a batch token.
    fn open_batch(&self, id: &TokenId) -> Option<Claims> {
        // EXPOSE: decoded and opened; what is too long was not made here.
        let text = id.expose();
        let body = text
            .strip_prefix(PREFIX)
            .filter(|_| text.len() <= LONGEST)?;
        let sealed = SecretBytes::new(encoding::decode_url(body)?);
        // EXPOSE: the seal is opened.
        let bytes = self.view.open_for(PURPOSE, sealed.expose())?;
        // EXPOSE: read into the record of the token.
        Claims::decode(bytes.expose())
    }
}

/// Makes of a record what a batch token keeps of it.
///
/// # Errors
/// [`Error::Invalid`] if it asks for what such a token cannot have.
pub(super) fn kept_of(record: Record) -> Result<Record, Error> {
    can_be_batch(&record)?;
    let claims = Claims {
        record,
        parent_created: None,
    };
    // EXPOSE: read back.
    let kept = Claims::decode(claims.encode().expose());
    kept.map(|claims| claims.record)
        .ok_or_else(|| Error::internal("a batch token does not read back"))
}

/// Refuses what no batch token can be.
fn can_be_batch(record: &Record) -> Result<(), Error> {
    if record.policies.iter().any(|policy| policy == "root") {
        return Err(Error::invalid("batch tokens cannot be root tokens"));
    }
    if record.num_uses != 0 {
        return Err(cannot_have("num_uses"));
    }
    Ok(())
}

/// Makes the error for a setting that a batch token cannot have.
pub(super) fn cannot_have(setting: &str) -> Error {
    Error::Invalid(format!("batch tokens cannot have \"{setting}\" set"))
}

impl Token {
    /// Tells whether it is a batch token.
    pub(crate) const fn is_batch(&self) -> bool {
        matches!(self.record.kind, TokenKind::Batch)
    }
}
