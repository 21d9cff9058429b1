//! Response wrapping: an answer that is handed over as a token which opens it once.
//!
//! The whole envelope of the answer is laid into the cubbyhole of a new token that may do nothing
//! but unwrap it. The record of that token says all that can be asked about it: the path of the
//! answer, when it was made, how long it can be opened.

mod jwt;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use keyward_api::{Base64, Sensitive, WrapInfo};
use keyward_crypto::{SecretBytes, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    AuthGrant, Document, Done, Error, Outcome, RequestId, Timestamp, Token, TokenId, TtlLimits,
    WrapFormat, barrier::Change, json, lifecycle::Unsealed, policy::WRAPPING_POLICY_NAME,
    token::TokenStore,
};

pub(crate) use jwt::Jwts;

/// The entry of a cubbyhole that holds a wrapped answer.
pub(crate) const RESPONSE: &str = "response";
/// The entry beside it that holds what has no envelope.
const DOCUMENT: &str = "document";
/// The entry beside it that tells how the answer went, where it did not simply succeed.
const OUTCOME: &str = "outcome";

/// An answer as it is wrapped.
#[derive(Debug)]
pub(crate) struct Wrapped {
    /// The whole envelope.
    pub(crate) envelope: SecretBytes,
    /// How it went.
    pub(crate) outcome: Outcome,
    /// What is sent in the place of the envelope.
    pub(crate) document: Option<WrappedDocument>,
}

/// A document as it is wrapped; nobody's cache keeps what is unwrapped.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct WrappedDocument {
    content_type: String,
    body: Base64,
}

impl WrappedDocument {
    fn of(document: &Document) -> Result<Self, Error> {
        if document.lines.is_some() {
            return Err(Error::invalid(
                "an answer that goes on and on cannot be wrapped",
            ));
        }
        Ok(Self {
            content_type: document.content_type.clone().into_owned(),
            body: Base64::new(document.body.duplicate()),
        })
    }

    /// Makes it again.
    pub(crate) fn into_document(self) -> Result<Document, Error> {
        let body = self.body.bytes().map_err(Error::internal)?;
        Ok(Document {
            content_type: self.content_type.into(),
            ..Document::new("", body.duplicate())
        })
    }
}

/// How an answer shall be wrapped.
#[derive(Clone, Debug)]
pub(crate) struct WrapGrant {
    /// For how long it can be opened.
    pub(crate) ttl: Duration,
    /// What form the token has that opens it.
    pub(crate) format: WrapFormat,
    /// The path that answered.
    pub(crate) path: String,
}

/// What `cubbyhole/response` holds, in Vault's form.
#[derive(Deserialize, Serialize)]
struct Entry {
    response: Sensitive,
}

/// Wraps an answer; durable when it returns. The request must be on record.
///
/// # Errors
/// The store failed: nobody can open it.
pub(crate) async fn wrap(
    tokens: &TokenStore,
    wrapped: Wrapped,
    how: WrapGrant,
    now: Timestamp,
) -> Result<WrapInfo, Error> {
    hold(tokens, entries(&wrapped)?, how, now).await
}

/// Lays something into the cubbyhole of a new wrapping token; durable when it returns. The request
/// must be on record.
///
/// # Errors
/// The store failed: nobody can get at it.
pub(crate) async fn hold(
    tokens: &TokenStore,
    changes: Vec<Change>,
    WrapGrant { ttl, path, .. }: WrapGrant,
    now: Timestamp,
) -> Result<WrapInfo, Error> {
    let grant = AuthGrant {
        policies: vec![WRAPPING_POLICY_NAME.to_owned()],
        no_default_policy: true,
        display_name: "token".to_owned(),
        ttl,
        explicit_max_ttl: ttl,
        num_uses: 1,
        renewable: false,
        ..AuthGrant::default()
    };
    let limits = TtlLimits {
        default: ttl,
        max: ttl,
    };
    let created = tokens.create(grant, None, limits, &path, now).await?;
    let token = created.token;
    let cubbyhole = tokens.cubbyhole(token.digest());
    if let Err(error) = cubbyhole.commit(changes).await {
        // What opens to nothing must not be found; if this fails too, it ends by itself.
        let _ = tokens.revoke(token.digest()).await;
        return Err(error);
    }
    // EXPOSE: the caller is given the token that opens its answer.
    let id = created.id.as_ref().map_or("", TokenId::expose);
    Ok(WrapInfo {
        token: Sensitive::new(id.to_owned()),
        accessor: token.accessor().to_owned(),
        ttl: token.creation_ttl(),
        creation_time: token.created().to_string(),
        creation_path: path,
        wrapped_accessor: String::new(),
    })
}

/// Finds a wrapping token, in whichever form it is given.
///
/// # Errors
/// [`Error::Invalid`] in Vault's words when there is no such token, or it wraps nothing;
/// [`Error::Refused`] when it is a JWT that this store has not signed.
pub(crate) async fn find(
    core: &Unsealed,
    id: &TokenId,
    now: Timestamp,
) -> Result<Arc<Token>, Error> {
    let inside = core.wrapping_jwts.open(id).await?;
    let id = inside.as_ref().unwrap_or(id);
    let token = core.tokens.lookup(id, now).await?;
    let wraps = |token: &Arc<Token>| token.policies() == [WRAPPING_POLICY_NAME];
    token.filter(wraps).ok_or_else(no_such_token)
}

/// Opens what a wrapping token wraps, once: however many ask at the same time, one gets it. The
/// request must be on record.
///
/// # Errors
/// [`Error::Invalid`] as [`find`], or when another request was first; else the store failed.
pub(crate) async fn open(tokens: &TokenStore, token: &Token) -> Result<Wrapped, Error> {
    let cubbyhole = tokens.cubbyhole(token.digest());
    let entry = cubbyhole.get_as::<Entry>(RESPONSE).await?;
    let outcome = cubbyhole.get_as::<Outcome>(OUTCOME).await?;
    let document = cubbyhole.get_as::<WrappedDocument>(DOCUMENT).await?;
    let (entry, _) = entry.ok_or_else(no_such_token)?;
    use_up(tokens, token).await?;
    Ok(Wrapped {
        // EXPOSE: copied into a buffer that is wiped too.
        envelope: SecretBytes::new(entry.response.expose().as_bytes().to_vec()),
        outcome: outcome.map(|(outcome, _)| outcome).unwrap_or_default(),
        document: document.map(|(document, _)| document),
    })
}

/// Ends a wrapping token: only who does so has what it holds. The request must be on record.
///
/// # Errors
/// [`Error::Invalid`] when another request was first; else the store failed.
pub(crate) async fn use_up(tokens: &TokenStore, token: &Token) -> Result<(), Error> {
    match tokens.revoke(token.digest()).await? {
        true => Ok(()),
        false => Err(no_such_token()),
    }
}

impl Wrapped {
    /// Takes an answer.
    pub(crate) fn of(done: &Done, request_id: RequestId) -> Result<Self, Error> {
        Ok(Self {
            envelope: done.envelope(request_id)?,
            outcome: done.outcome,
            document: done
                .document
                .as_ref()
                .map(WrappedDocument::of)
                .transpose()?,
        })
    }
}

/// The text of every refusal, which must not tell a used token from one that never was.
fn no_such_token() -> Error {
    Error::invalid("wrapping token is not valid or does not exist")
}

fn entries(wrapped: &Wrapped) -> Result<Vec<Change>, Error> {
    // EXPOSE: becomes a text in an entry that the barrier seals.
    let envelope = String::from_utf8(wrapped.envelope.expose().clone());
    let response = SecretString::new(envelope.map_err(Error::internal)?);
    let entry = Entry {
        response: Sensitive::from(response),
    };
    let mut changes = vec![Change::put(RESPONSE, json::to_secret(&entry)?)];
    if wrapped.outcome != Outcome::Success {
        changes.push(Change::put_as(OUTCOME, &wrapped.outcome)?);
    }
    if let Some(document) = &wrapped.document {
        changes.push(Change::put(DOCUMENT, json::to_secret(document)?));
    }
    Ok(changes)
}
