//! What batches share: their refusals, their outcome, and fairness to other requests.

use keyward_api::Base64;
use keyward_core::{Error, Outcome, Response};

use super::input;

/// Refuses a batch without items.
pub(super) fn not_empty<T>(items: &[T]) -> Result<(), Error> {
    if items.is_empty() {
        return Err(Error::invalid("missing batch input to process"));
    }
    Ok(())
}

/// Refuses a batch in which some items have a context and others have none: the key is either
/// derived or not.
pub(super) fn uniform_context<'a>(
    mut contexts: impl Iterator<Item = Option<&'a Base64>>,
) -> Result<(), Error> {
    let first = contexts.next().is_some_and(input::is_given);
    if contexts.any(|context| input::is_given(context) != first) {
        let text = "context should be set either in all the request blocks or in none";
        return Err(Error::invalid(text));
    }
    Ok(())
}

/// Refuses a batch in which an item lacks the field that the operation is about.
pub(super) fn complete<'a, T: 'a>(
    mut fields: impl Iterator<Item = &'a Option<T>>,
    field: &str,
    missing: &str,
) -> Result<(), Error> {
    match fields.position(Option::is_none) {
        None => Ok(()),
        Some(index) => Err(Error::invalid(format!(
            "failed to parse batch input: '[{index}].{field}' {missing}"
        ))),
    }
}

/// Takes what is the item's own fault as the item's result; anything else ends the whole request.
pub(super) fn of_item<T>(result: Result<T, Error>) -> Result<Result<T, String>, Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Invalid(text)) => Ok(Err(text)),
        Err(other) => Err(other),
    }
}

/// Marks the answer to a batch of which `failed` items of `all` failed: a user error, or the status
/// that the caller prefers if some succeeded.
pub(super) fn judge<T>(
    answer: Response<T>,
    all: usize,
    failed: usize,
    preferred: Option<i64>,
) -> Response<T> {
    if failed == 0 {
        return answer;
    }
    if failed == all {
        return answer.outcome(Outcome::Invalid);
    }
    match preferred.map(|code| u16::try_from(code).ok().filter(|&code| carries_data(code))) {
        None => answer.outcome(Outcome::Invalid),
        Some(Some(code)) => answer.outcome(Outcome::Partial(code)),
        Some(None) => answer.outcome(Outcome::Invalid).warn(
            "invalid HTTP response code override from partial_failure_response_code, \
             reverting to 400",
        ),
    }
}

/// Tells whether an answer of this status can have a body (RFC 9110 section 6.4.1): the results.
const fn carries_data(status: u16) -> bool {
    matches!(status, 200..=599) && !matches!(status, 204 | 205 | 304)
}

/// Lets other requests run between the items of a long batch.
///
/// A batch is pure computation, and one that ran through would hold up every request that waits for
/// the same thread. It gives way after a slice of about 100 microseconds: 64 KiB of AES-GCM, or a
/// handful of signatures. Threads of its own would bring nothing, since there is no more than one
/// batch on a core at a time either way, and they would have to be bounded too.
#[derive(Default)]
pub(super) struct Pace(usize);

impl Pace {
    const SLICE: usize = 64 << 10;

    /// What an item costs beside its bytes, for parsing, allocation and answer, in bytes of AES-GCM.
    pub(super) const CIPHER: usize = 512;
    /// The same for a signature, which is hundreds of times dearer.
    pub(super) const SIGNATURE: usize = 16 << 10;

    /// Accounts for an item; gives way if the slice is used up.
    pub(super) async fn spend(&mut self, cost: usize) {
        self.0 += cost;
        if self.0 >= Self::SLICE {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(all: usize, failed: usize, preferred: Option<i64>) -> (Outcome, usize) {
        let answer = judge(Response::data(()), all, failed, preferred);
        (answer.outcome, answer.warnings.len())
    }

    #[test]
    fn the_preferred_status_needs_a_success_and_a_failure() {
        assert_eq!(outcome(2, 0, Some(207)), (Outcome::Success, 0));
        assert_eq!(outcome(2, 1, Some(207)), (Outcome::Partial(207), 0));
        assert_eq!(outcome(2, 2, Some(207)), (Outcome::Invalid, 0));
        assert_eq!(outcome(2, 1, None), (Outcome::Invalid, 0));
    }

    #[test]
    fn a_status_that_carries_no_results_is_refused_with_a_warning() {
        for code in [-1, 0, 12, 100, 204, 304, 600, 70_000] {
            assert_eq!(outcome(2, 1, Some(code)), (Outcome::Invalid, 1), "{code}");
        }
    }

    #[test]
    fn contexts_are_all_or_none_and_an_empty_one_is_none() {
        let (context, empty) = (Base64::from(b"c".as_slice()), Base64::from(b"".as_slice()));
        let uniform = |contexts: &[Option<&Base64>]| uniform_context(contexts.iter().copied());
        assert!(uniform(&[Some(&context), Some(&context)]).is_ok());
        assert!(uniform(&[None, Some(&empty)]).is_ok());
        assert!(uniform(&[Some(&context), None]).is_err());
        assert!(uniform(&[Some(&empty), Some(&context)]).is_err());
    }

    #[tokio::test]
    async fn a_long_batch_gives_way() {
        let other = tokio::spawn(async {});
        let mut pace = Pace::default();
        for _ in 0..Pace::SLICE / Pace::SIGNATURE {
            pace.spend(Pace::SIGNATURE).await;
        }
        assert!(other.is_finished());
    }
}
