//! One enabled device: how lines reach it, and what is known of those that it did not take.
//!
//! ```text
//!            ┌ works: the request waits ───────────▶ taken, or not ─▶ missed
//! lines ─────┤
//!            └ did not take the lines before:
//!                the request goes on, unless
//!                no other device took them ─ behind ▶ taken, or not ─▶ missed
//! ```
//!
//! The order of lines is that in which they were begun, whether somebody waits for them or not. A
//! device that takes lines within the deadline again is waited for again.
//!
//! **Invariant:** lines that a device did not take are counted, and the next that it takes say how
//! many there were. What waits behind requests is bounded by its bytes; lines beyond that are not
//! taken.

use std::{
    future::Future as _,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use keyward_api::Base64;
use keyward_crypto::SecretBytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    AuditDevice, AuditError, AuditKind, Head, Lines, Standing,
    broker::{DeviceInfo, Surroundings},
    options::Format,
    redact::Salt,
};
use crate::engine::BoxFuture;

/// One enabled device.
pub(super) struct Device {
    pub(super) info: DeviceInfo,
    /// The key of its hashes: 32 random bytes.
    salt_key: SecretBytes,
    pub(super) salt: Salt,
    pub(super) format: Format,
    pub(super) device: Arc<dyn AuditDevice>,
    standing: Arc<Standing>,
    /// Whether it did not take the last lines, so that the log says it once.
    failing: AtomicBool,
    /// How many lines it did not take that none of its lines has told of yet.
    missed: AtomicU64,
    behind: Mutex<Behind>,
}

/// What a device has not answered yet and no request waits for.
#[derive(Default)]
struct Behind {
    writes: FuturesUnordered<Write>,
    bytes: usize,
}

/// Lines on their way to a device.
type Write = BoxFuture<'static, Written>;

/// What came of them.
struct Written {
    outcome: Result<(), AuditError>,
    /// How many lines they are, and those that they tell of.
    lines: u64,
    bytes: usize,
    begun: Instant,
}

/// What is stored of a device.
#[derive(Deserialize, Serialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    pub(super) info: DeviceInfo,
    pub(super) salt: Base64,
}

impl Device {
    /// Makes a device; `kept` is where its log ended when that was last kept.
    pub(super) fn open(
        info: DeviceInfo,
        salt_key: SecretBytes,
        kept: Option<Head>,
        kinds: &'static [AuditKind],
        surroundings: &Surroundings,
    ) -> Result<Self, AuditError> {
        let kind = kinds
            .iter()
            .find(|kind| kind.name == info.kind)
            .ok_or_else(|| {
                AuditError::options(format!("unknown backend type: \"{}\"", info.kind))
            })?;
        let format = Format::parse(&info.options)?;
        if format.shows_secrets && !surroundings.is_development {
            return Err(AuditError::options(
                "log_raw is for development servers alone: it writes every secret into the log",
            ));
        }
        let standing = Standing::new(&info.path, Arc::clone(&surroundings.clock), kept)
            .counting(surroundings.metrics.audit_shortened.clone());
        let standing = Arc::new(standing);
        let device = (kind.open)(&info.options, &standing)?;
        let salt = Salt::new(salt_key.duplicate(), format.shows_secrets);
        Ok(Self {
            info,
            salt_key,
            salt,
            format,
            device,
            standing,
            failing: AtomicBool::new(false),
            missed: AtomicU64::new(0),
            behind: Mutex::default(),
        })
    }

    /// Returns where its log ends; none if that is not known, or it keeps none.
    pub(super) fn head(&self) -> Option<Head> {
        self.standing.head()
    }

    /// Tells whether its log went on in another file since this was last asked.
    pub(super) fn takes_begun(&self) -> bool {
        self.standing.takes_begun()
    }

    /// Has that told again.
    pub(super) fn note_begun(&self) {
        self.standing.note_begun();
    }

    /// Begins to write; the lines take their place when this is first polled.
    pub(super) fn begin(&self, mut lines: Lines, most_behind: usize) -> Writing<'_> {
        let is_awaited = !self.failing.load(Ordering::Relaxed);
        let (mut count, bytes) = (lines.iter().count() as u64, lines.size());
        let is_full = || {
            let waiting = self.behind.lock().bytes;
            waiting > 0 && waiting.saturating_add(bytes) > most_behind
        };
        if is_full() {
            self.missed.fetch_add(count, Ordering::Relaxed);
            self.note_failure(&AuditError::Late);
            return Writing {
                device: self,
                is_awaited,
                state: State::Refused,
            };
        }
        // Nearly always there are none, and then nothing is changed.
        if self.missed.load(Ordering::Relaxed) > 0 {
            let missed = self.missed.swap(0, Ordering::Relaxed);
            lines.note_missed(missed);
            count += missed;
        }
        let (device, begun) = (Arc::clone(&self.device), Instant::now());
        let write = Box::pin(async move {
            Written {
                outcome: device.write(lines).await,
                lines: count,
                bytes,
                begun,
            }
        });
        Writing {
            device: self,
            is_awaited,
            state: State::Running(write, bytes),
        }
    }

    fn is_behind(&self) -> bool {
        self.behind.lock().bytes > 0
    }

    /// Takes notice of what was taken, or was not, behind its request.
    pub(super) fn catch_up(&self, cx: &mut Context<'_>, deadline: Duration) {
        let mut behind = self.behind.lock();
        while let Poll::Ready(Some(written)) = behind.writes.poll_next_unpin(cx) {
            behind.bytes = behind.bytes.saturating_sub(written.bytes);
            self.note(&written, deadline);
        }
    }

    /// Returns whether the lines were taken.
    fn note(&self, written: &Written, deadline: Duration) -> bool {
        match &written.outcome {
            Ok(()) if written.begun.elapsed() <= deadline => self.note_success(),
            // Whoever waited for it that long has said so; else nobody looked before.
            Ok(()) => {}
            Err(error) => {
                self.missed.fetch_add(written.lines, Ordering::Relaxed);
                self.note_failure(error);
            }
        }
        written.outcome.is_ok()
    }

    fn note_success(&self) {
        if self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!(
                device = self.info.path,
                "the audit device takes entries again"
            );
        }
    }

    pub(super) fn note_failure(&self, error: &AuditError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::error!(device = self.info.path, %error, "the audit device takes no entries");
        }
    }

    pub(super) fn unknown_options(&self, kinds: &[AuditKind]) -> Vec<String> {
        let own = kinds.iter().filter(|kind| kind.name == self.info.kind);
        let known: Vec<_> = own
            .flat_map(|kind| kind.options)
            .chain(&Format::NAMES)
            .collect();
        let names = self.info.options.keys();
        names
            .filter(|name| !known.iter().any(|known| known == name))
            .cloned()
            .collect()
    }

    pub(super) fn stored(&self) -> Stored {
        Stored {
            info: self.info.clone(),
            salt: Base64::new(self.salt_key.duplicate()),
        }
    }
}

/// The lines of one request on their way to one device.
pub(super) struct Writing<'d> {
    device: &'d Device,
    /// Whether the request waits for them in any case.
    pub(super) is_awaited: bool,
    state: State,
}

enum State {
    Refused,
    /// The write, and its bytes.
    Running(Write, usize),
    Taken,
}

impl Writing<'_> {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Duration) {
        // What waits behind may hold the place that these lines wait for.
        if !self.is_awaited || self.device.is_behind() {
            self.device.catch_up(cx, deadline);
        }
        let State::Running(write, _) = &mut self.state else {
            return;
        };
        if let Poll::Ready(written) = Pin::new(write).poll(cx) {
            self.state = match self.device.note(&written, deadline) {
                true => State::Taken,
                false => State::Refused,
            };
        }
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(self.state, State::Running(..))
    }

    pub(super) const fn is_taken(&self) -> bool {
        matches!(self.state, State::Taken)
    }

    /// Lets it go on without its request, if it is not over. Where that waited for the device until
    /// the deadline, the device is late.
    pub(super) fn leave(self, is_late: bool) {
        if let State::Running(write, bytes) = self.state {
            // Others were left before, and may be taken in time.
            if self.is_awaited && is_late {
                self.device.note_failure(&AuditError::Late);
            }
            let mut behind = self.device.behind.lock();
            behind.bytes += bytes;
            behind.writes.push(write);
        }
    }
}
