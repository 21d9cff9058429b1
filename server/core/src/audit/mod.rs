//! The audit log: every request and every answer is on record before the caller hears of it.
//!
//! The gate makes a `Ticket` for each request. Before anything is changed the ticket's request
//! line is written (`Ticket::written`, which a request's view calls by itself), and before the
//! caller gets its answer the response line is (`Ticket::finish`). A request that changed nothing
//! writes both lines at once.
//!
//! Each enabled device gets lines of its own: `entry` writes them in Vault's JSON, with every
//! value that may be secret replaced by a hash under the device's salt (`redact`), and the device
//! closes them with its hash [`Chain`] as they go out. [`verify`] checks such a log.
//!
//! One device of several is enough: a request waits for those that work, and one that hangs or
//! fails gets its lines all the same (`device`).
//!
//! **Invariant:** with a device enabled, a request whose lines no device took fails, and changes
//! nothing that came after. With none, nothing is recorded and requests are served.

mod broker;
mod chain;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod device;
mod entry;
mod headers;
mod object;
mod options;
mod redact;
mod standing;
mod ticket;
mod value;
pub mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;

pub use broker::Broker;
pub(crate) use broker::{DeviceInfo, Surroundings};
pub use chain::{Chain, Head, Lines, Open, Resumed, Sought};
use headers::HeaderStore;
pub use options::{Options, flag};
pub use standing::Standing;
pub(crate) use ticket::{Answer, Facts, Ticket};

/// Takes lines of the log and keeps them.
#[async_trait]
pub trait AuditDevice: Send + Sync + 'static {
    /// Writes all of the lines, or none of them; they are kept when it returns.
    ///
    /// The lines take their place in the chain in the order in which this was first polled. Where
    /// the future is dropped they may still be written.
    ///
    /// # Errors
    /// The lines could not be written. Later ones may be: the device recovers by itself.
    async fn write(&self, lines: Lines) -> Result<(), AuditError>;

    /// Closes and opens again what it writes to, so that a log that was moved away is let go.
    ///
    /// # Errors
    /// It cannot be opened now; the next write tries again.
    async fn reopen(&self) -> Result<(), AuditError>;
}

/// A kind of device that can be enabled: one line in the registry.
#[derive(Clone, Copy)]
pub struct AuditKind {
    /// The `type` of the device: `file`.
    pub name: &'static str,
    /// The names of the options it knows, beside those that every device has.
    pub options: &'static [&'static str],
    /// Makes a device from its options, within a tokio runtime. It opens what it writes to when it
    /// first writes, so that a full disk does not keep a server from starting. It says after each
    /// batch of lines where its chain stands ([`Standing::note`]), if it has one.
    pub open: fn(&Options, &Arc<Standing>) -> Opened,
}

/// A device, or why its options make none.
pub type Opened = Result<Arc<dyn AuditDevice>, AuditError>;

/// Why a device cannot be made, or did not take lines.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    /// It cannot write; the sentence is for the operator.
    #[error("{0}")]
    Failed(Arc<str>),
    /// It did not write within its deadline.
    #[error("the device did not answer in time")]
    Late,
    /// Its options make no sense; the sentence is for who gave them.
    #[error("{0}")]
    Options(Arc<str>),
}

impl AuditError {
    /// Makes a [`Failed`](Self::Failed) from its cause.
    pub fn failed(cause: impl ToString) -> Self {
        Self::Failed(cause.to_string().into())
    }

    /// Makes an [`Options`](Self::Options) from the sentence.
    pub fn options(text: impl Into<Arc<str>>) -> Self {
        Self::Options(text.into())
    }
}
