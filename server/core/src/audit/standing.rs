//! Where the log of a device ends, as the server knows it: what shows that lines were taken off it.
//!
//! A device says where its chain stands after each batch that it wrote. The broker keeps that in the
//! barrier, where nobody who can write the log can change it: at most a minute late, at most a
//! second late when the log goes on in another file, and when the server seals or stops. A device
//! that opens its log looks for the line there ([`Head::seek`]).
//!
//! What can be told: that a log ends before the line that was kept, and that another line, or none
//! that follows it, stands in its place. Such a log goes on after a gap that never verifies. What
//! cannot be told: that lines were taken off which came after the head was last kept, before a
//! crash; and that a whole file went, since one that was moved away on purpose looks alike: the next
//! file then begins with what it follows. Of receivers of lines nothing is told: their chain begins
//! anew when the server is unsealed.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use prometheus::IntCounter;

use super::chain::{Chain, Head};
use crate::Clock;

/// Where the log of one device stands: the device says so, and others read it.
pub struct Standing {
    device: String,
    clock: Arc<dyn Clock>,
    head: Mutex<Option<Head>>,
    /// Whether the log went on in another file.
    begun: AtomicBool,
    /// How often a log was found shortened.
    shortened: Option<IntCounter>,
}

impl Standing {
    /// Makes that of a device by its name, from what was kept of its log.
    pub fn new(device: impl Into<String>, clock: Arc<dyn Clock>, kept: Option<Head>) -> Self {
        Self {
            device: device.into(),
            clock,
            head: Mutex::new(kept),
            begun: AtomicBool::new(false),
            shortened: None,
        }
    }

    pub(super) fn counting(self, shortened: IntCounter) -> Self {
        Self {
            shortened: Some(shortened),
            ..self
        }
    }

    /// Returns the clock of the server.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the last line that the device is known to have written; none if none is known.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        *self.head.lock()
    }

    /// Takes notice of lines that the device wrote, after which its chain stands so.
    pub fn note(&self, chain: &Chain) {
        let (sequence, chain) = chain.last();
        *self.head.lock() = Some(Head {
            sequence,
            chain,
            time: self.clock.now(),
        });
    }

    /// Says that the log goes on in a file that has none of the lines that are known.
    pub fn note_begun(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Tells whether that was said since this was last asked.
    pub(super) fn takes_begun(&self) -> bool {
        self.begun.swap(false, Ordering::AcqRel)
    }

    /// Says that the log does not have the line of `head`, and ends with line `found`.
    pub fn note_shortened(&self, head: &Head, found: u64) {
        if let Some(shortened) = &self.shortened {
            shortened.inc();
        }
        tracing::error!(
            device = self.device,
            known_sequence = head.sequence,
            known_chain = %head.chain,
            known_time = %head.time,
            found_sequence = found,
            "the audit log does not have the last line that is known of it: it was shortened, or \
             is another one, or lost lines with the power, or the store is an older copy; it goes on \
             after a gap, which `keyward audit verify` shows"
        );
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("device", &self.device)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}
