//! When the barrier's keyring gets a new term by itself.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::{Error, Timestamp, view::View};

const KEY: &str = "rotation";

/// The settings of `sys/rotate/config`.
pub(crate) struct RotationStore {
    view: View,
    rotation: ArcSwap<Rotation>,
}

/// After what a term is worn.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Rotation {
    /// Whether the two below count; the most that a term may seal counts in any case.
    pub(crate) enabled: bool,
    /// After how many encryptions.
    pub(crate) max_operations: u64,
    /// After what time, in whole seconds; 0 for never.
    pub(crate) interval: u64,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            enabled: true,
            max_operations: Self::MOST,
            interval: 0,
        }
    }
}

impl Rotation {
    /// Nine tenths of the 2^32 that NIST SP 800-38D section 8.3 allows for random nonces.
    pub(crate) const MOST: u64 = 3_865_470_566;
    /// Fewer would make terms without end.
    const FEWEST: u64 = 1_000_000;
    const DAY: u64 = 24 * 3600;

    /// Overlays what is given, as the caller wrote it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a number is out of its range; the texts are Vault's.
    pub(crate) fn changed(
        self,
        enabled: Option<bool>,
        max_operations: Option<i64>,
        interval: Option<i64>,
    ) -> Result<Self, Error> {
        let max_operations = match max_operations.map(u64::try_from) {
            None => self.max_operations,
            Some(Ok(number @ Self::FEWEST..=Self::MOST)) => number,
            Some(_) => {
                return Err(Error::Invalid(format!(
                    "max_operations must be in the range [{},{}]",
                    Self::FEWEST,
                    Self::MOST
                )));
            }
        };
        let interval = match interval.map(u64::try_from) {
            None => self.interval,
            Some(Ok(seconds @ (0 | Self::DAY..))) => seconds,
            Some(_) => {
                return Err(Error::invalid(
                    "interval must be greater or equal to 24h0m0s",
                ));
            }
        };
        Ok(Self {
            enabled: enabled.unwrap_or(self.enabled),
            max_operations,
            interval,
        })
    }

    /// Tells whether a term that was made then and sealed so much is to be followed by another.
    pub(crate) fn is_due(self, encryptions: u64, made: Timestamp, now: Timestamp) -> bool {
        let interval = Duration::from_secs(self.interval);
        let is_old = !interval.is_zero() && made.plus(interval) <= now;
        encryptions >= Self::MOST || self.enabled && (encryptions >= self.max_operations || is_old)
    }
}

impl RotationStore {
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let stored = view.get_as::<Rotation>(KEY).await?;
        let rotation = stored.map(|(rotation, _)| rotation).unwrap_or_default();
        Ok(Self {
            view,
            rotation: ArcSwap::from_pointee(rotation),
        })
    }

    pub(crate) fn current(&self) -> Rotation {
        **self.rotation.load()
    }

    /// Replaces the settings; durable when it returns.
    pub(crate) async fn store(&self, rotation: Rotation, request: &View) -> Result<(), Error> {
        request.on_record().await?;
        self.view.put_as(KEY, &rotation).await?;
        self.rotation.store(Arc::new(rotation));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn at(days: u64) -> Timestamp {
        Timestamp::default().plus(Duration::from_secs(days * 24 * 3600))
    }

    #[test]
    fn numbers_out_of_range_are_refused_and_change_nothing_else() {
        let rotation = Rotation::default();
        for number in [-1, 0, 999_999, 3_865_470_567] {
            assert!(rotation.changed(None, Some(number), None).is_err());
        }
        for seconds in [-1, 1, DAY - 1] {
            assert!(rotation.changed(None, None, Some(seconds)).is_err());
        }
        let changed = rotation.changed(Some(false), Some(1_000_000), Some(DAY));
        let changed = changed.unwrap();
        assert_eq!(changed.changed(None, None, None).unwrap(), changed);
        assert_eq!(changed.changed(None, None, Some(0)).unwrap().interval, 0);
    }

    #[test]
    fn a_term_is_due_by_count_or_age_and_at_the_most_even_when_disabled() {
        let on = Rotation::default();
        let on = on.changed(None, Some(1_000_000), Some(2 * DAY)).unwrap();
        assert!(!on.is_due(999_999, at(1), at(2)));
        assert!(on.is_due(1_000_000, at(1), at(1)));
        assert!(on.is_due(0, at(1), at(3)));
        let off = on.changed(Some(false), None, None).unwrap();
        assert!(!off.is_due(1_000_000, at(1), at(9)));
        assert!(off.is_due(Rotation::MOST, at(1), at(1)));
    }
}
