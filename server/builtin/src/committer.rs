//! Group commit: one thread that turns many small jobs into few large writes.
//!
//! Tasks [`submit`](Committer::submit) jobs; a dedicated OS thread takes whatever has gathered,
//! processes it in one go (one flush for all of it), and then answers each task. While one batch
//! is being written the next gathers by itself, so that no delay is ever added to fill one.
//!
//! **Invariant:** every submitted job gets exactly one answer: its result, or [`Stopped`] if the
//! thread is gone. A job whose answer is `Stopped` may or may not have been processed.

use std::{collections::VecDeque, sync::Arc, thread};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::{Semaphore, oneshot};

/// The committer's thread has ended: it was closed, or it panicked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the writer has stopped")]
pub(crate) struct Stopped;

/// How much a committer takes on at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most jobs in one batch.
    pub(crate) batch_jobs: usize,
    /// The most bytes in one batch, unless one job alone is larger.
    pub(crate) batch_bytes: usize,
    /// The bytes of all jobs waiting or being processed; beyond that, submitting waits.
    pub(crate) queue_bytes: u32,
}

/// The submitting end of a committer. Dropping it processes what is queued, and waits for that.
#[derive(Debug)]
pub(crate) struct Committer<Job, Outcome> {
    queue: Arc<Queue<Job, Outcome>>,
    queue_bytes: u32,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Queue<Job, Outcome> {
    state: Mutex<State<Job, Outcome>>,
    /// Signalled when a job arrives or the queue is closed.
    news: Condvar,
    /// One permit per byte that may still be queued.
    room: Semaphore,
}

#[derive(Debug)]
struct State<Job, Outcome> {
    waiting: VecDeque<Entry<Job, Outcome>>,
    closed: bool,
}

#[derive(Debug)]
struct Entry<Job, Outcome> {
    job: Job,
    bytes: u32,
    answer: oneshot::Sender<Outcome>,
}

impl<Job, Outcome> Committer<Job, Outcome>
where
    Job: Send + 'static,
    Outcome: Send + 'static,
{
    /// Starts the thread. `process` gets each batch in the order of submission and returns one
    /// outcome per job, in the same order. Should it panic, the committer stops.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn spawn(
        name: &str,
        limits: Limits,
        process: impl FnMut(Vec<Job>) -> Vec<Outcome> + Send + 'static,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                closed: false,
            }),
            news: Condvar::new(),
            room: Semaphore::new(limits.queue_bytes as usize),
        });
        let thread = thread::Builder::new().name(name.to_owned()).spawn({
            let queue = Arc::clone(&queue);
            move || run(&queue, limits, process)
        })?;
        Ok(Self {
            queue,
            queue_bytes: limits.queue_bytes,
            thread: Some(thread),
        })
    }

    /// Queues `job`, which holds about `bytes` bytes, and waits until its batch was processed.
    ///
    /// Dropping the future before the job is queued withdraws it; afterwards it is processed all
    /// the same.
    ///
    /// # Errors
    /// [`Stopped`] if the thread ended before it answered.
    pub(crate) async fn submit(&self, job: Job, bytes: usize) -> Result<Outcome, Stopped> {
        // A job larger than the whole queue goes alone. None is free, so that the queue is bounded.
        let bytes = u32::try_from(bytes)
            .unwrap_or(u32::MAX)
            .clamp(1, self.queue_bytes);
        let permit = self
            .queue
            .room
            .acquire_many(bytes)
            .await
            .map_err(|_| Stopped)?;
        let (answer, outcome) = oneshot::channel();
        {
            let mut state = self.queue.state.lock();
            // Checked under the lock that `End` clears the queue under: no entry slips in after.
            if state.closed {
                return Err(Stopped);
            }
            // The thread gives the room back once the job is done.
            permit.forget();
            state.waiting.push_back(Entry { job, bytes, answer });
        }
        self.queue.news.notify_one();
        outcome.await.map_err(|_| Stopped)
    }
}

impl<Job, Outcome> Drop for Committer<Job, Outcome> {
    fn drop(&mut self) {
        self.queue.state.lock().closed = true;
        self.queue.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported, and has been answered with `Stopped`.
            let _ = thread.join();
        }
    }
}

fn run<Job, Outcome>(
    queue: &Queue<Job, Outcome>,
    limits: Limits,
    mut process: impl FnMut(Vec<Job>) -> Vec<Outcome>,
) {
    let _end = End { queue };
    while let Some(batch) = queue.next_batch(limits) {
        let bytes: usize = batch.iter().map(|entry| entry.bytes as usize).sum();
        let (jobs, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|entry| (entry.job, entry.answer))
            .unzip();
        let outcomes = process(jobs);
        assert_eq!(outcomes.len(), answers.len(), "one outcome per job");
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // The task may have gone away.
            let _ = answer.send(outcome);
        }
        queue.room.add_permits(bytes);
    }
}

impl<Job, Outcome> Queue<Job, Outcome> {
    /// Waits for jobs and takes as many as one batch may hold; `None` once closed and drained.
    fn next_batch(&self, limits: Limits) -> Option<Vec<Entry<Job, Outcome>>> {
        let mut state = self.state.lock();
        if state.waiting.is_empty() && !state.closed {
            // Under load the tasks that were just answered are about to submit again. To let them
            // run first makes larger batches, and spares a sleep and a wake-up for each.
            MutexGuard::unlocked(&mut state, thread::yield_now);
        }
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            self.news.wait(&mut state);
        }
        let mut bytes = 0;
        let mut count = 0;
        for entry in state.waiting.iter().take(limits.batch_jobs) {
            bytes += entry.bytes as usize;
            if count > 0 && bytes > limits.batch_bytes {
                break;
            }
            count += 1;
        }
        Some(state.waiting.drain(..count).collect())
    }
}

/// Runs when the thread ends, however it does, so that nobody waits for an answer that cannot come.
struct End<'a, Job, Outcome> {
    queue: &'a Queue<Job, Outcome>,
}

impl<Job, Outcome> Drop for End<'_, Job, Outcome> {
    fn drop(&mut self) {
        let orphans = {
            let mut state = self.queue.state.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        // Their answers are dropped with them, which tells those who wait.
        drop(orphans);
        self.queue.room.close();
    }
}

#[cfg(test)]
mod tests;
