//! One request's place in the log.

use std::{sync::Arc, time::Duration};

use keyward_api::Operation;
use tokio::sync::OnceCell;

use super::{Broker, broker::Line, entry::Entry};
use crate::{Done, Error, MountEntry, Principal, Request, Timestamp, policy::Verdict};

/// What was learnt of a request by the time that it was let in or turned away.
pub(crate) struct Facts {
    /// The request as it came.
    pub(crate) request: Arc<Request>,
    /// What it does.
    pub(crate) operation: Operation,
    /// Who asks; none on public paths and where the token is not good.
    pub(crate) principal: Option<Arc<Principal>>,
    /// What the policies say, or that they need not be asked; none where it did not come to that.
    pub(crate) verdict: Option<Verdict>,
    /// The mount that the path leads to.
    pub(crate) mount: Option<Arc<MountEntry>>,
    /// When it came.
    pub(crate) time: Timestamp,
}

/// What a request came to.
pub(crate) enum Answer<'a> {
    /// The engine answered.
    Done(&'a Done),
    /// It was refused, or failed.
    Failed(&'a Error),
}

/// The right to go on with a request, and the duty to write down how it ended.
pub(crate) struct Ticket {
    broker: Arc<Broker>,
    facts: Facts,
    /// Set once the line of the request is on record.
    written: OnceCell<()>,
}

impl Ticket {
    pub(super) fn new(broker: Arc<Broker>, facts: Facts) -> Self {
        Self {
            broker,
            facts,
            written: OnceCell::new(),
        }
    }

    /// Puts the request on record, unless it is there already. To be awaited before any change.
    ///
    /// # Errors
    /// [`Error::Internal`]: devices are enabled, and none took the line. Nothing must be changed.
    pub(crate) async fn written(&self) -> Result<(), Error> {
        let write = || {
            let (broker, patience) = (&self.broker, Duration::MAX);
            broker.record(Line::Request, patience, |format, salt, headers| {
                let mut entry = Entry::new(format, salt, headers, &self.facts);
                entry.request(None);
                entry.finish()
            })
        };
        self.written.get_or_try_init(write).await.copied()
    }

    /// Puts the answer on record; together with the request, if that is not there yet.
    ///
    /// # Errors
    /// [`Error::Internal`]: devices are enabled, and none took the lines. The caller must get
    /// nothing of the answer.
    pub(crate) async fn finish(&self, answer: Answer<'_>) -> Result<(), Error> {
        self.finish_within(Duration::MAX, answer).await
    }

    /// As [`finish`](Self::finish), of what is answered though no device takes its lines: it waits
    /// no longer than so, and the lines have their place by then.
    ///
    /// # Errors
    /// [`Error::Internal`]: devices are enabled, and none took the lines in time.
    pub(crate) async fn finish_within(
        &self,
        patience: Duration,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let is_written = self.written.initialized();
        let now = self.broker.now();
        self.broker
            .record(Line::Response, patience, |format, salt, headers| {
                let mut entry = Entry::new(format, salt, headers, &self.facts);
                if !is_written {
                    entry.request(Some(&answer));
                }
                entry.response(&answer, now);
                entry.finish()
            })
            .await
    }
}
