//! The news of a store: which keys changed, by whom, in commit order.

use std::sync::Arc;

use tokio::sync::broadcast;
use uuid::Uuid;

use super::Revision;

/// How many commits a subscriber may fall behind before it is told that it missed some.
const BACKLOG: usize = 1024;

/// Identifies one open handle of a store, so that a node can tell its own commits from others'.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct WriterId(Uuid);

impl WriterId {
    /// Makes an identity that no other handle has.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

/// One commit, as the others hear of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The commit.
    pub revision: Revision,
    /// Who made it.
    pub writer: WriterId,
    /// The keys it put or deleted.
    pub keys: Vec<String>,
}

/// What a subscriber hears next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// The store is gone: nothing more will come.
    Closed,
    /// A commit.
    Commit(Arc<Change>),
    /// Commits were missed: everything cached must be dropped.
    Lagged,
}

/// A subscription to the commits of a store.
#[derive(Debug)]
pub struct Changes {
    receiver: broadcast::Receiver<Arc<Change>>,
}

impl Changes {
    /// Waits for the next notice. Dropping the future loses none.
    pub async fn next(&mut self) -> Notice {
        match self.receiver.recv().await {
            Ok(change) => Notice::Commit(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Notice::Lagged,
            Err(broadcast::error::RecvError::Closed) => Notice::Closed,
        }
    }

    /// Takes the next notice if one is there already.
    pub fn try_next(&mut self) -> Option<Notice> {
        match self.receiver.try_recv() {
            Ok(change) => Some(Notice::Commit(change)),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Notice::Lagged),
            Err(broadcast::error::TryRecvError::Closed) => Some(Notice::Closed),
            Err(broadcast::error::TryRecvError::Empty) => None,
        }
    }
}

/// The sending end of [`Changes`], which a backend keeps.
#[derive(Clone, Debug)]
pub struct Announcer {
    sender: broadcast::Sender<Arc<Change>>,
}

impl Announcer {
    /// Starts without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(BACKLOG),
        }
    }

    /// Adds a subscriber to what is announced from now on.
    #[must_use]
    pub fn subscribe(&self) -> Changes {
        Changes {
            receiver: self.sender.subscribe(),
        }
    }

    /// Tells every subscriber. The caller keeps commit order.
    pub fn announce(&self, change: Change) {
        // An error only says that nobody listens.
        let _ = self.sender.send(Arc::new(change));
    }
}

impl Default for Announcer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subscriber_that_falls_behind_is_told_so_once_and_then_goes_on() {
        let announcer = Announcer::new();
        let mut changes = announcer.subscribe();
        let writer = WriterId::generate();
        let total = BACKLOG as u64 + 10;
        for number in 1..=total {
            announcer.announce(Change {
                revision: Revision::new(number),
                writer,
                keys: vec![],
            });
        }

        assert_eq!(changes.next().await, Notice::Lagged);
        let mut last = None;
        while let Some(notice) = changes.try_next() {
            let Notice::Commit(change) = notice else {
                panic!("{notice:?}")
            };
            assert!(last < Some(change.revision));
            last = Some(change.revision);
        }
        assert_eq!(last, Some(Revision::new(total)));

        drop(announcer);
        assert_eq!(changes.next().await, Notice::Closed);
    }
}
