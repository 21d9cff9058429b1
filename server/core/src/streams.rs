//! Answers that go on without an end, and end with the token that they were asked for with, or with
//! its right to them.
//!
//! Who may read is asked once, when a request comes. What then goes on would outlast a token that is
//! revoked or at its end, and a policy that was changed, so every stream is asked after again at each
//! tick.
//!
//! **Invariant:** a token that lives is answered from memory; the store is read once it does not, or
//! where so many tokens are in use that this one was forgotten.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    CanonicalPath, Error, LineSource, Lines, Timestamp, TokenId,
    lifecycle::Unsealed,
    policy::{Acl, Capability, Question},
};

/// The streams that go on.
#[derive(Default)]
pub(crate) struct Streams(Mutex<Vec<Arc<Stream>>>);

/// One of them: it ends when `end` is dropped.
struct Stream {
    token: TokenId,
    /// What is read.
    path: CanonicalPath,
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl Stream {
    fn is_allowed(&self, acl: &Acl) -> bool {
        let question = Question {
            capability: Capability::Read,
            path: self.path.as_str(),
            parameters: None,
            wrap_ttl: None,
        };
        acl.check(&question).allowed
    }

    /// Tells whether nobody reads it any more.
    fn is_left(&self) -> bool {
        self.end
            .lock()
            .as_ref()
            .is_none_or(oneshot::Sender::is_closed)
    }
}

impl Streams {
    /// Has lines end with the token of who reads them at a path.
    pub(crate) fn bound_to(&self, token: &TokenId, path: CanonicalPath, lines: Lines) -> Lines {
        let (end, ended) = oneshot::channel();
        let mut streams = self.0.lock();
        streams.retain(|stream| !stream.is_left());
        streams.push(Arc::new(Stream {
            token: token.duplicate(),
            path,
            end: Mutex::new(Some(end)),
        }));
        Lines::of(Bound {
            lines,
            ended: Some(ended),
        })
    }

    /// Ends the streams whose tokens are at their end, or may not read them any more.
    ///
    /// # Errors
    /// The store failed; those whose tokens it would know go on until it answers again.
    pub(crate) async fn tick(&self, core: &Unsealed, now: Timestamp) -> Result<(), Error> {
        let mut outcome = Ok(());
        let streams = self.0.lock().clone();
        for stream in streams {
            match core.principal(&stream.token, now).await {
                Ok(Some(principal)) if stream.is_allowed(&principal.acl) => {}
                Ok(_) => drop(stream.end.lock().take()),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        self.0.lock().retain(|stream| !stream.is_left());
        outcome
    }
}

/// Lines until somebody drops the other side.
struct Bound {
    lines: Lines,
    /// None once it is over.
    ended: Option<oneshot::Receiver<()>>,
}

impl LineSource for Bound {
    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        let Some(ended) = &mut self.ended else {
            return Poll::Ready(None);
        };
        if Pin::new(ended).poll(cx).is_ready() {
            self.ended = None;
            return Poll::Ready(None);
        }
        self.lines.poll_line(cx)
    }
}
