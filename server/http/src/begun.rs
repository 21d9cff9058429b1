//! Work that goes on to its end although nobody waits for it any more.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt as _, future::CatchUnwind};
use tokio::runtime::Handle;

/// A future that was begun. It runs where it is awaited, since a task of its own would cost every
/// request a way to another thread and back; only when it is dropped half done, because its client
/// hung up or its time is over, it moves to a task of its own and ends there.
///
/// A panic of the work is its outcome: [`None`].
pub(crate) struct Begun<F: Future<Output: Send> + Send + 'static>(
    Option<Pin<Box<CatchUnwind<AssertUnwindSafe<F>>>>>,
);

impl<F: Future<Output: Send> + Send + 'static> Begun<F> {
    /// Takes work; from here on it is done in any case.
    pub(crate) fn new(work: F) -> Self {
        Self(Some(Box::pin(AssertUnwindSafe(work).catch_unwind())))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Begun<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = self.0.as_mut() else {
            return Poll::Ready(None);
        };
        let outcome = ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(outcome.ok())
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Begun<F> {
    fn drop(&mut self) {
        // Without a runtime the process is at its end, and nothing can go on.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_awaited_ends_where_it_is() {
        assert_eq!(Begun::new(async { 7 }).await, Some(7));
    }

    #[tokio::test]
    async fn what_is_dropped_half_done_goes_on() {
        let (go, wait) = oneshot::channel::<()>();
        let (done, end) = oneshot::channel();
        let work = Begun::new(async move {
            wait.await.unwrap();
            done.send(()).unwrap();
        });
        let cut = tokio::time::timeout(Duration::ZERO, work).await;
        assert!(cut.is_err());
        go.send(()).unwrap();
        end.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_outcome() {
        let panics = async { panic!("on purpose") };
        assert_eq!(Begun::<_>::new(panics).await, None::<()>);
    }
}
