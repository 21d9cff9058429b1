//! A look-out for flushes that wait for a signal sled never gives.
//!
//! When a write of sled's log fails on one of sled's own threads, the thread notes the error and,
//! on one of its paths, wakes nobody: a flush that waits for that write waits for ever. Any flush
//! that begins after the error finds it, and wakes all that wait. So one is begun beside a flush
//! that takes long.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use keyward_core::storage::StorageError;
use parking_lot::{Condvar, Mutex};

/// How long a flush may take before another is begun beside it; then twice as long, and so on,
/// since on a disk that is only slow they all wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// Watches the flushes of one store. Dropping it ends its thread.
#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Signalled when a flush begins that the idle thread waits for, and at the end.
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many flushes have begun.
    begun: u64,
    flushing: bool,
    /// Whether the thread waits for a flush to begin.
    idle: bool,
    closed: bool,
}

impl Watch {
    /// Starts the thread; `flush` is what it begins beside a flush that takes long.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(super) fn start(flush: impl Fn() + Clone + Send + 'static) -> Result<Self, StorageError> {
        Self::with_patience(PATIENCE, flush)
    }

    fn with_patience(
        patience: Duration,
        flush: impl Fn() + Clone + Send + 'static,
    ) -> Result<Self, StorageError> {
        let shared = Arc::<Shared>::default();
        let thread = spawn({
            let shared = Arc::clone(&shared);
            move || shared.watch(patience, flush)
        });
        let thread = thread.map_err(|error| StorageError::Io(format!("no thread: {error}")))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Runs a flush under watch.
    pub(super) fn over<T>(&self, flush: impl FnOnce() -> T) -> T {
        {
            let mut state = self.shared.state.lock();
            state.begun += 1;
            state.flushing = true;
            if state.idle {
                self.shared.news.notify_one();
            }
        }
        let flushed = flush();
        self.shared.state.lock().flushing = false;
        flushed
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to panic at, and nothing to lose.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn watch(&self, patience: Duration, flush: impl Fn() + Clone + Send + 'static) {
        let mut state = self.state.lock();
        while !state.closed {
            if !state.flushing {
                state.idle = true;
                self.news.wait(&mut state);
                state.idle = false;
                continue;
            }
            let watched = state.begun;
            let (mut patience, mut beside) = (patience, Vec::new());
            loop {
                self.news.wait_for(&mut state, patience);
                if !state.flushing || state.begun != watched {
                    break;
                }
                // Without a thread now there may be one later.
                beside.extend(spawn(flush.clone()));
                patience = patience.saturating_mul(2);
            }
            // They hold the store open, and end with what they were begun for.
            parking_lot::MutexGuard::unlocked(&mut state, || {
                for thread in beside {
                    let _ = thread.join();
                }
            });
        }
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("sled-watch".to_owned())
        .spawn(work)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_flush_that_waits_for_ever_is_woken() {
        let (sender, receiver) = mpsc::channel();
        let watch = Watch::with_patience(Duration::from_millis(1), move || {
            let _already_woken = sender.send(());
        });
        let watch = watch.unwrap();
        for _ in 0..3 {
            // The first may be too early to be of use.
            watch.over(|| [receiver.recv().unwrap(), receiver.recv().unwrap()]);
        }
    }

    #[test]
    fn a_flush_that_ends_in_time_is_left_alone() {
        let watch = Watch::with_patience(Duration::from_secs(3600), || unreachable!());
        let watch = watch.unwrap();
        for round in 0..3 {
            assert_eq!(watch.over(|| round), round);
        }
    }
}
