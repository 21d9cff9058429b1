//! Settings that have an older name on the wire.

use serde::{Deserialize, Serialize};

/// A setting with an older name on the wire, which shows it only if it was given by that name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct TwoNamed<T> {
    pub(super) value: T,
    by_older_name: bool,
}

impl<T> TwoNamed<T> {
    /// Takes what was given by either name; returns a warning if it was given by both.
    pub(super) fn set(
        &mut self,
        name: &str,
        given: Option<T>,
        by_older_name: Option<T>,
    ) -> Option<String> {
        let both = given.is_some() && by_older_name.is_some();
        if let Some(value) = given {
            *self = Self {
                value,
                by_older_name: false,
            };
        } else if let Some(value) = by_older_name {
            *self = Self {
                value,
                by_older_name: true,
            };
        }
        both.then(|| {
            format!(
                "Both 'token_{name}' and deprecated '{name}' value supplied, ignoring the \
                 deprecated value"
            )
        })
    }

    /// Takes what was given by the newer name.
    pub(super) fn set_newer(&mut self, given: Option<T>) {
        if let Some(value) = given {
            *self = Self {
                value,
                by_older_name: false,
            };
        }
    }

    /// Takes what was given by the older name, after the newer one had its turn: where that named a
    /// value too, this one is passed over, and the value is known by both names.
    pub(super) fn set_older(&mut self, given: Option<T>, newer_was_given: bool) {
        let Some(value) = given else {
            return;
        };
        if !newer_was_given {
            self.value = value;
        }
        self.by_older_name = true;
    }

    pub(super) fn older(&self) -> Option<&T> {
        self.by_older_name.then_some(&self.value)
    }
}
