//! How many codes were tried lately.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

use crate::Timestamp;

/// Counts what each entity tries with each method. In memory alone: to seal the server is no way
/// that an attacker has to begin anew.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<Tried, Count>>);

/// The ids of a method and of an entity.
type Tried = (String, String);

struct Count {
    /// The refused ones included.
    attempts: u32,
    /// From when on it is forgotten.
    end: Timestamp,
}

impl Attempts {
    /// Counts one more; refuses it once there were `most` since the first one in a period.
    ///
    /// # Errors
    /// How many there were then.
    pub(super) fn count(
        &self,
        method: &str,
        entity: &str,
        most: u32,
        period: Duration,
        now: Timestamp,
    ) -> Result<(), u32> {
        let mut counts = self.0.lock();
        let tried = (method.to_owned(), entity.to_owned());
        let fresh = || Count {
            attempts: 0,
            end: now.plus(period),
        };
        let count = counts.entry(tried).or_insert_with(fresh);
        if count.end <= now {
            *count = fresh();
        }
        count.attempts = count.attempts.saturating_add(1);
        match count.attempts > most {
            true => Err(count.attempts),
            false => Ok(()),
        }
    }

    /// Forgets those of an entity that has proven who it is.
    pub(super) fn forget(&self, method: &str, entity: &str) {
        let tried = (method.to_owned(), entity.to_owned());
        self.0.lock().remove(&tried);
    }

    /// Forgets those whose period is over.
    pub(super) fn prune(&self, now: Timestamp) {
        self.0.lock().retain(|_, count| now < count.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(30);

    #[test]
    fn so_many_are_allowed_in_a_period_for_each_method_and_entity() {
        let (attempts, now) = (Attempts::default(), Timestamp::default());
        let count = |entity: &str, now| attempts.count("m", entity, 2, PERIOD, now);
        assert_eq!(count("a", now), Ok(()));
        let later = now.plus(Duration::from_secs(29));
        assert_eq!(count("a", later), Ok(()));
        assert_eq!(count("a", later), Err(3));
        assert_eq!(count("a", later), Err(4));
        assert_eq!(count("b", later), Ok(()));
        assert_eq!(attempts.count("n", "a", 2, PERIOD, later), Ok(()));
        assert_eq!(count("a", now.plus(PERIOD)), Ok(()));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (attempts, now) = (Attempts::default(), Timestamp::default());
        for entity in ["a", "b"] {
            attempts.count("m", entity, 1, PERIOD, now).unwrap();
        }
        attempts.forget("m", "a");
        assert_eq!(attempts.count("m", "a", 1, PERIOD, now), Ok(()));
        attempts.prune(now.plus(PERIOD));
        assert!(attempts.0.lock().is_empty());
    }
}
