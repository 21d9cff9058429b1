//! Requests that failed, by who must act.

use prometheus::{IntCounter, IntCounterVec};

use crate::Error;

/// A counter for each kind of failure.
pub(crate) struct Failures {
    conflict: IntCounter,
    denied: IntCounter,
    internal: IntCounter,
    invalid: IntCounter,
    limited: IntCounter,
    not_found: IntCounter,
    sealed: IntCounter,
    unsupported: IntCounter,
}

impl Failures {
    pub(super) fn new(family: IntCounterVec) -> Self {
        let of = |failure: &str| family.with_label_values(&[failure]);
        Self {
            conflict: of("conflict"),
            denied: of("denied"),
            internal: of("internal"),
            invalid: of("invalid"),
            limited: of("limited"),
            not_found: of("not_found"),
            sealed: of("sealed"),
            unsupported: of("unsupported"),
        }
    }

    /// Counts a failure.
    pub(crate) fn count(&self, error: &Error) {
        let counter = match error {
            Error::Busy(_) | Error::Conflict(_) => &self.conflict,
            Error::Denied(_) | Error::Refused(_) | Error::Unproven(_) => &self.denied,
            Error::Internal(_) | Error::SealUnavailable(_) => &self.internal,
            Error::Contested { .. } | Error::Invalid(_) | Error::Unprocessable(_) => &self.invalid,
            Error::Limited(_) => &self.limited,
            Error::Login(error) => return self.count(error),
            Error::NotFound(_) => &self.not_found,
            Error::Sealed => &self.sealed,
            Error::NoRoute(_) | Error::UnsupportedOperation | Error::UnsupportedPath => {
                &self.unsupported
            }
        };
        counter.inc();
    }
}
