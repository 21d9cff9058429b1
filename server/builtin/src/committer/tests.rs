//! Order, grouping, bounds, shutdown and death of the committer.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Waker},
};

use super::*;

const LIMITS: Limits = Limits {
    batch_jobs: 4,
    batch_bytes: 100,
    queue_bytes: 1000,
};

/// A committer that processes a batch only when told to, and tells what it got.
struct Stepped {
    committer: Committer<u32, u32>,
    go: mpsc::Sender<()>,
    batches: mpsc::Receiver<Vec<u32>>,
}

fn stepped(limits: Limits) -> Stepped {
    let (go, may_go) = mpsc::channel();
    let (seen, batches) = mpsc::channel();
    let committer = Committer::spawn("stepped", limits, move |jobs: Vec<u32>| {
        seen.send(jobs.clone()).unwrap();
        // Once the test has let go of its end, nothing is held back any more.
        let _ = may_go.recv();
        jobs.into_iter().map(|job| job * 10).collect()
    })
    .unwrap();
    Stepped {
        committer,
        go,
        batches,
    }
}

type Submission<'a> = Pin<Box<dyn Future<Output = Result<u32, Stopped>> + Send + 'a>>;

/// Submits without waiting for the answer: polls once, which queues the job if there is room.
fn submit(committer: &Committer<u32, u32>, job: u32, bytes: usize) -> Submission<'_> {
    let mut submission: Submission<'_> = Box::pin(committer.submit(job, bytes));
    let polled = submission
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    submission
}

#[tokio::test]
async fn jobs_that_gather_during_a_batch_share_the_next_one_in_order() {
    let Stepped {
        committer,
        go,
        batches,
    } = stepped(LIMITS);
    let first = submit(&committer, 1, 1);
    assert_eq!(batches.recv().unwrap(), [1]);
    let others: Vec<_> = (2..=7).map(|job| submit(&committer, job, 1)).collect();
    drop(go);
    assert_eq!(batches.recv().unwrap(), [2, 3, 4, 5]);
    assert_eq!(batches.recv().unwrap(), [6, 7]);
    assert_eq!(first.await, Ok(10));
    for (job, submission) in (2..).zip(others) {
        assert_eq!(submission.await, Ok(job * 10));
    }
}

#[tokio::test]
async fn a_batch_holds_no_more_bytes_than_allowed_unless_one_job_does() {
    let Stepped {
        committer,
        go,
        batches,
    } = stepped(LIMITS);
    let first = submit(&committer, 1, 1);
    assert_eq!(batches.recv().unwrap(), [1]);
    let others: Vec<_> = [(2, 60), (3, 40), (4, 1), (5, 500), (6, 1)]
        .map(|(j, b)| submit(&committer, j, b))
        .into();
    drop(go);
    assert_eq!(batches.recv().unwrap(), [2, 3]);
    assert_eq!(batches.recv().unwrap(), [4]);
    assert_eq!(batches.recv().unwrap(), [5]);
    assert_eq!(batches.recv().unwrap(), [6]);
    first.await.unwrap();
    for submission in others {
        submission.await.unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_makes_submitters_wait_until_a_batch_is_done() {
    let Stepped {
        committer,
        go,
        batches,
    } = stepped(LIMITS);
    let first = submit(&committer, 1, 600);
    assert_eq!(batches.recv().unwrap(), [1]);
    let second = submit(&committer, 2, 600);
    let oversized = submit(&committer, 3, usize::MAX);
    assert!(
        committer.queue.state.lock().waiting.is_empty(),
        "the second had no room yet"
    );

    go.send(()).unwrap();
    assert_eq!(first.await, Ok(10));
    drop(go);
    assert_eq!(second.await, Ok(20));
    assert_eq!(oversized.await, Ok(30));
    assert_eq!(batches.iter().take(2).collect::<Vec<_>>(), [[2], [3]]);
}

#[tokio::test]
async fn a_submitter_that_goes_away_while_waiting_for_room_withdraws_its_job() {
    let Stepped {
        committer,
        go,
        batches,
    } = stepped(LIMITS);
    let first = submit(&committer, 1, 1000);
    drop(submit(&committer, 2, 1));
    drop(go);
    assert_eq!(first.await, Ok(10));
    drop(committer);
    assert_eq!(batches.iter().collect::<Vec<_>>(), [[1]]);
}

#[test]
fn dropping_the_committer_processes_what_is_queued() {
    let Stepped {
        committer,
        go,
        batches,
    } = stepped(LIMITS);
    for job in 1..=10 {
        // Nobody waits for the answers, which changes nothing.
        drop(submit(&committer, job, 1));
    }
    drop(go);
    drop(committer);
    assert_eq!(
        batches.iter().flatten().collect::<Vec<_>>(),
        (1..=10).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_panic_answers_those_processed_those_queued_and_those_waiting_for_room() {
    let (go, may_go) = mpsc::channel::<()>();
    let committer = Committer::spawn("panics", LIMITS, move |_: Vec<u32>| -> Vec<u32> {
        let _ = may_go.recv();
        panic!("the medium is gone (this panic is part of a test)")
    })
    .unwrap();
    let mut submissions = vec![submit(&committer, 1, 300), submit(&committer, 2, 300)];
    submissions.push(submit(&committer, 3, 900));
    drop(go);
    for submission in submissions {
        assert_eq!(submission.await, Err(Stopped));
    }
    assert_eq!(committer.submit(4, 1).await, Err(Stopped));
}

#[tokio::test]
async fn a_wrong_number_of_outcomes_is_no_answer_to_anybody() {
    let committer = Committer::spawn("short", LIMITS, |_: Vec<u32>| Vec::<u32>::new()).unwrap();
    assert_eq!(committer.submit(1, 1).await, Err(Stopped));
    assert_eq!(committer.submit(2, 1).await, Err(Stopped));
}

#[test]
fn no_answer_is_lost_when_the_thread_dies_under_load() {
    for round in 0..50 {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .build()
            .unwrap();
        let processed = Arc::new(AtomicUsize::new(0));
        let committer = Arc::new(
            Committer::spawn("dies", LIMITS, {
                let processed = Arc::clone(&processed);
                move |jobs: Vec<usize>| {
                    let count = processed.fetch_add(jobs.len(), Ordering::SeqCst);
                    assert!(count < 20 * round, "part of a test");
                    jobs
                }
            })
            .unwrap(),
        );
        let tasks: Vec<_> = (0..400)
            .map(|job| {
                let committer = Arc::clone(&committer);
                runtime.spawn(async move { (job, committer.submit(job, 7).await) })
            })
            .collect();
        let mut answered = 0;
        for task in tasks {
            let (job, outcome) = runtime.block_on(task).unwrap();
            if let Ok(outcome) = outcome {
                assert_eq!(outcome, job);
                answered += 1;
            }
        }
        // What was answered was processed; what was not may have been in the last batch.
        let processed = processed.load(Ordering::SeqCst);
        assert!(answered <= processed && processed - answered <= LIMITS.batch_jobs);
    }
}
