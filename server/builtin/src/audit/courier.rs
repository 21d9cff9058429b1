//! Delivery of lines to somewhere that may be slow or away: what the devices share that write to a
//! socket.
//!
//! One task a device takes the lines of all requests that wait and hands them to its [`Carrier`],
//! in order and as few large batches. A request waits for its own lines only as long as the broker
//! lets it; they are delivered all the same.
//!
//! **Invariant:** what waits is bounded by its bytes; beyond that, requests wait before they queue.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use keyward_core::audit::{AuditDevice, AuditError, Lines};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// The lines of how many requests make one batch at most.
const BATCH: usize = 512;

/// How many bytes of lines may wait.
const QUEUE_BYTES: u32 = 16 << 20;

/// Takes batches of lines to where a device writes.
#[async_trait]
pub(super) trait Carrier: Send + 'static {
    /// Delivers the lines of several requests; one outcome for each, in their order.
    async fn deliver(&mut self, batch: &[Lines]) -> Vec<Result<(), AuditError>>;

    /// Lets go of its connection; the next delivery makes a new one.
    fn close(&mut self);
}

/// An audit device whose lines a task delivers. It ends with the device, once nothing waits.
pub(super) struct Courier {
    queue: mpsc::UnboundedSender<Parcel>,
    /// One permit per byte that may still wait.
    room: Arc<Semaphore>,
    /// Whether the next delivery shall be over a new connection.
    reopens: Arc<AtomicBool>,
}

/// The lines of one request, and who waits for them.
struct Parcel {
    lines: Lines,
    answer: oneshot::Sender<Result<(), AuditError>>,
    /// Given back when the lines are delivered, or are not going to be.
    _room: OwnedSemaphorePermit,
}

impl Courier {
    /// Starts the task of a device.
    pub(super) fn start(carrier: impl Carrier) -> Arc<dyn AuditDevice> {
        let (queue, parcels) = mpsc::unbounded_channel();
        let reopens = Arc::new(AtomicBool::new(false));
        tokio::spawn(run(carrier, parcels, Arc::clone(&reopens)));
        Arc::new(Self {
            queue,
            room: Arc::new(Semaphore::new(QUEUE_BYTES as usize)),
            reopens,
        })
    }
}

#[async_trait]
impl AuditDevice for Courier {
    async fn write(&self, lines: Lines) -> Result<(), AuditError> {
        let stopped = || AuditError::failed("the device has stopped");
        // Lines that are larger than the whole queue go alone.
        let bytes = u32::try_from(lines.size()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(bytes.min(QUEUE_BYTES))
            .await
            .map_err(|_| stopped())?;
        let (answer, outcome) = oneshot::channel();
        let parcel = Parcel {
            lines,
            answer,
            _room: room,
        };
        self.queue.send(parcel).map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }

    async fn reopen(&self) -> Result<(), AuditError> {
        self.reopens.store(true, Ordering::Relaxed);
        Ok(())
    }
}

async fn run(
    mut carrier: impl Carrier,
    mut queue: mpsc::UnboundedReceiver<Parcel>,
    reopens: Arc<AtomicBool>,
) {
    let mut parcels = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut parcels, BATCH).await > 0 {
        if reopens.swap(false, Ordering::Relaxed) {
            carrier.close();
        }
        let mut batch = Vec::with_capacity(parcels.len());
        let mut waiting = Vec::with_capacity(parcels.len());
        for parcel in parcels.drain(..) {
            batch.push(parcel.lines);
            waiting.push((parcel.answer, parcel._room));
        }
        let outcomes = carrier.deliver(&batch).await;
        assert_eq!(outcomes.len(), waiting.len(), "one outcome a request");
        for ((answer, room), outcome) in waiting.into_iter().zip(outcomes) {
            drop(room);
            // The request may wait no longer.
            let _ = answer.send(outcome);
        }
    }
}
