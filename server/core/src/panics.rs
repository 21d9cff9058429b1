//! Panics are bugs; one costs the request or the call that it happened in, and nothing beside.
//!
//! **Invariant:** what a panic says is never read: it may quote a secret. The process tells where it
//! happened.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt as _;

use crate::Error;

/// Awaits work whose panic is its failure. What the work shares with others must bear to be left
/// half done, as it must where the work is dropped on its way.
///
/// # Errors
/// [`Error::Internal`] if the work panicked; else its own.
pub(crate) fn caught<T>(
    work: impl Future<Output = Result<T, Error>>,
) -> impl Future<Output = Result<T, Error>> {
    // No async block: each would keep, and copy, the whole of the work once more.
    let outcome = AssertUnwindSafe(work).catch_unwind();
    outcome.map(|outcome| outcome.unwrap_or_else(|_| Err(Error::panicked())))
}

#[cfg(test)]
mod tests;
