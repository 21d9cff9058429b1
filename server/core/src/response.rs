//! What an engine answers, before it becomes an envelope on the wire.

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use keyward_crypto::SecretBytes;
use serde::{Deserialize, Serialize};

use crate::{
    Done, Error, ValidatedLogin,
    engine::LeasedSecret,
    json,
    mounts::Mount,
    token::{Auth, AuthGrant, Created},
    wrapping::{WrapGrant, Wrapped},
};

/// How the answer went, where success or failure alone does not say it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// The work was begun, and goes on after the answer.
    Accepted,
    /// The document says that the caller may not, and why.
    Denied,
    /// The data is there, but the answer as a whole is a user error: a batch with a bad item.
    Invalid,
    /// The data tells about something that is gone: a deleted version.
    NotFound,
    /// All went well.
    #[default]
    Success,
    /// The document says that the caller did not prove who it is.
    Unauthenticated,
    /// The status that the caller asked for when only part of a batch succeeds.
    Partial(u16),
}

/// A successful answer of an engine.
///
/// `T` is the `data` of the reply: a struct of `keyward_api` in a handler, its JSON text in a wiped
/// buffer from there on.
#[derive(Debug)]
pub struct Response<T = SecretBytes> {
    /// The data; none answers without a body.
    pub data: Option<T>,
    /// What the caller should know although the call succeeded.
    pub warnings: Vec<String>,
    /// The token that the caller gets: one to be made, or one that was renewed.
    pub auth: Option<Box<Auth>>,
    /// What is said of a lease.
    pub lease: Option<Box<LeaseGrant>>,
    /// How it went.
    pub outcome: Outcome,
    /// Whether the fields of the data stand beside the envelope's once more, as Vault does for
    /// older paths of `sys/`.
    pub at_top: bool,
    /// What is sent in the place of data and envelope. Warnings have no place there.
    pub document: Option<Document>,
    /// The accessor of what the data holds, which is told outside if the answer is wrapped: whoever
    /// had it wrapped can end what is inside.
    pub accessor: Option<String>,
    /// An answer that was wrapped before, in the place of all the others.
    pub(crate) wrapped: Option<Box<Rewrapped>>,
}

/// An answer that was wrapped, and how it is to be wrapped again, if it is.
#[derive(Debug)]
pub(crate) struct Rewrapped {
    pub(crate) wrapped: Wrapped,
    pub(crate) again: Option<WrapGrant>,
}

impl Response {
    /// Tells whether it grants nothing and opens nothing.
    pub(crate) const fn is_plain(&self) -> bool {
        self.auth.is_none() && self.lease.is_none() && self.wrapped.is_none()
    }

    /// Makes the answer of it, but for what it grants and opens.
    pub(crate) fn into_done(self, mount: &Mount) -> Done {
        Done {
            data: self.data,
            outcome: self.outcome,
            warnings: self.warnings,
            at_top: self.at_top,
            document: self.document,
            ..Done::empty(Arc::clone(&mount.entry))
        }
    }
}

impl<T> Response<T> {
    /// Answers with data.
    #[must_use]
    pub const fn data(data: T) -> Self {
        Self {
            data: Some(data),
            warnings: Vec::new(),
            auth: None,
            lease: None,
            outcome: Outcome::Success,
            at_top: false,
            document: None,
            accessor: None,
            wrapped: None,
        }
    }

    /// Answers without a body.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            data: None,
            warnings: Vec::new(),
            auth: None,
            lease: None,
            outcome: Outcome::Success,
            at_top: false,
            document: None,
            accessor: None,
            wrapped: None,
        }
    }

    /// Answers with a document in the place of the envelope, where the client is not one of Vault's.
    #[must_use]
    pub fn document(document: Document) -> Self {
        Self {
            document: Some(document),
            ..Self::empty()
        }
    }

    /// Answers with a token to be made.
    #[must_use]
    pub fn auth(grant: AuthGrant) -> Self {
        Self {
            auth: Some(Box::new(Auth::Asked(grant))),
            ..Self::empty()
        }
    }

    /// Answers with a token that was renewed.
    #[must_use]
    pub fn renewed(token: Created) -> Self {
        Self {
            auth: Some(Box::new(Auth::Renewed(token))),
            ..Self::empty()
        }
    }

    /// Answers with the token of a login that waited for its second factor.
    pub(crate) fn validated(login: ValidatedLogin) -> Self {
        Self {
            auth: Some(Box::new(Auth::Validated(login))),
            ..Self::empty()
        }
    }

    /// Answers with an answer that was wrapped before.
    pub(crate) fn unwrapped(wrapped: Wrapped) -> Self {
        Self {
            wrapped: Some(Box::new(Rewrapped {
                wrapped,
                again: None,
            })),
            ..Self::empty()
        }
    }

    /// Answers with a new wrapping of an answer that was wrapped before.
    pub(crate) fn rewrapped(wrapped: Wrapped, again: WrapGrant) -> Self {
        Self {
            wrapped: Some(Box::new(Rewrapped {
                wrapped,
                again: Some(again),
            })),
            ..Self::empty()
        }
    }

    /// Adds a warning.
    #[must_use]
    pub fn warn(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }

    /// Names the accessor of what the data holds.
    #[must_use]
    pub fn accessor(mut self, accessor: impl Into<String>) -> Self {
        self.accessor = Some(accessor.into());
        self
    }

    /// Repeats the fields of the data beside those of the envelope.
    #[must_use]
    pub const fn at_top(mut self) -> Self {
        self.at_top = true;
        self
    }

    /// Sets how it went.
    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Sets what is said of a lease.
    #[must_use]
    pub fn lease(mut self, lease: LeaseGrant) -> Self {
        self.lease = Some(Box::new(lease));
        self
    }
}

/// A whole body of a media type of its own: a key set, a certificate, metrics.
#[derive(Debug)]
pub struct Document {
    /// The media type (RFC 9110 section 8.3).
    pub content_type: Cow<'static, str>,
    /// How long anybody's cache may keep it; `None` for not at all. Only for what is public.
    pub max_age: Option<Duration>,
    /// How the caller may prove who it is, where it did not (RFC 9110 section 11.6.1).
    pub challenge: Option<String>,
    /// The bytes that are sent.
    pub body: SecretBytes,
    /// What is sent after them, as it comes; none for a document that is whole.
    pub lines: Option<Lines>,
}

/// A source of lines that come when they come.
pub trait LineSource: Send + Sync {
    /// Returns the next line, with its line feed; none once there will be no more.
    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>>;
}

/// Lines that come when they come; whoever drops this wants no more.
pub struct Lines(Box<dyn LineSource>);

impl Lines {
    /// Takes them from a source.
    #[must_use]
    pub fn of(source: impl LineSource + 'static) -> Self {
        Self(Box::new(source))
    }

    /// Returns the next line, with its line feed; none once there will be no more.
    pub fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.0.poll_line(cx)
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

impl Document {
    /// Makes a document that nobody keeps.
    #[must_use]
    pub const fn new(content_type: &'static str, body: SecretBytes) -> Self {
        Self {
            content_type: Cow::Borrowed(content_type),
            max_age: None,
            challenge: None,
            body,
            lines: None,
        }
    }

    /// Makes a document that grows for as long as somebody reads it.
    #[must_use]
    pub fn growing(content_type: &'static str, lines: Lines) -> Self {
        Self {
            lines: Some(lines),
            ..Self::new(content_type, SecretBytes::new(Vec::new()))
        }
    }

    /// Makes a document that is the JSON text of a value.
    ///
    /// # Errors
    /// The value refuses to serialize.
    pub fn json<T: Serialize>(content_type: &'static str, value: &T) -> Result<Self, Error> {
        Ok(Self::new(content_type, json::to_secret(value)?))
    }

    /// Lets anybody's cache keep it for so long.
    #[must_use]
    pub const fn cached_for(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Says how the caller may prove who it is.
    #[must_use]
    pub fn challenging(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }
}

/// What an answer says of a lease.
#[derive(Debug)]
pub enum LeaseGrant {
    /// For how long the data may be used; KV version 1 gives this as a hint, with no lease behind it.
    Hint(Duration),
    /// A lease that was renewed.
    Renewed(GrantedLease),
    /// A secret that was made for the caller: a lease to be registered.
    Secret(LeasedSecret),
}

/// A lease that was registered or renewed.
#[derive(Debug)]
pub struct GrantedLease {
    /// Its name.
    pub id: String,
    /// How long it lasts from now on.
    pub ttl: Duration,
    /// Whether it may be renewed.
    pub renewable: bool,
    /// What the caller should know.
    pub warnings: Vec<String>,
}
