//! How long a token lasts: what was asked, against what is allowed.

use std::time::Duration;

use crate::{Timestamp, TtlLimits};

/// What decides on the next term of a token or a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// What is asked; zero asks for the default.
    pub(crate) asked: Duration,
    /// What each renewal of a periodic token gives; zero if it is none.
    pub(crate) period: Duration,
    /// What the token's creator allows from creation on; zero is no bound.
    pub(crate) explicit_max: Duration,
    /// When the token was made.
    pub(crate) created: Timestamp,
}

/// A term: whole seconds from now on, and what the caller should know about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) length: Duration,
    pub(crate) warning: Option<String>,
}

impl Terms {
    /// Grants the next term.
    ///
    /// The mount's maximum and the token's own count from creation, so that renewals end there; a
    /// period is held against the mount's maximum as such, so that periodic tokens go on for ever.
    pub(crate) fn grant(&self, limits: TtlLimits, now: Timestamp) -> Term {
        // Counted in whole seconds, the finest that a term is asked in: what was made a moment ago
        // can still have all that it may.
        let age = now
            .unix_seconds()
            .saturating_sub(self.created.unix_seconds());
        let age = Duration::from_secs(age);
        let left = |max: Duration| max.saturating_sub(age);
        let periodic = !self.period.is_zero();
        let (word, wanted, mut most) = if periodic {
            ("period", self.period, limits.max)
        } else if self.asked.is_zero() {
            ("TTL", limits.default, left(limits.max))
        } else {
            ("TTL", self.asked, left(limits.max))
        };
        if !self.explicit_max.is_zero() {
            most = most.min(left(self.explicit_max));
        }
        if wanted <= most {
            return Term {
                length: wanted,
                warning: None,
            };
        }
        let most = Duration::from_secs(most.as_secs());
        let warning = format!(
            "{word} of \"{}\" exceeded the effective max_ttl of \"{}\"; {word} value is capped \
             accordingly",
            print(wanted),
            print(most)
        );
        Term {
            length: most,
            warning: Some(warning),
        }
    }
}

/// Writes whole seconds as Go does, without the units at the end that are zero: `1h`, `767h59m59s`.
fn print(duration: Duration) -> String {
    let (hours, minutes, seconds) = (
        duration.as_secs() / 3600,
        duration.as_secs() / 60 % 60,
        duration.as_secs() % 60,
    );
    match (hours, minutes, seconds) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, 0, 0) => format!("{h}h"),
        (h, m, 0) => format!("{h}h{m}m"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 3600;
    const LIMITS: TtlLimits = TtlLimits {
        default: Duration::from_secs(768 * HOUR),
        max: Duration::from_secs(768 * HOUR),
    };

    fn terms(asked: u64, period: u64, explicit_max: u64) -> Terms {
        let hours = |hours| Duration::from_secs(hours * HOUR);
        Terms {
            asked: hours(asked),
            period: hours(period),
            explicit_max: hours(explicit_max),
            created: Timestamp::default(),
        }
    }

    fn granted(terms: Terms, seconds_later: u64) -> (u64, Option<String>) {
        let now = Timestamp::default().plus(Duration::from_secs(seconds_later));
        let term = terms.grant(LIMITS, now);
        (term.length.as_secs(), term.warning)
    }

    #[test]
    fn a_term_that_fits_is_granted_as_asked() {
        assert_eq!(granted(terms(1, 0, 0), 0), (HOUR, None));
        assert_eq!(granted(terms(0, 0, 0), 0), (768 * HOUR, None));
        assert_eq!(granted(terms(5, 2, 0), 0), (2 * HOUR, None));
        assert_eq!(granted(terms(0, 2, 3), 1), (2 * HOUR, None));
    }

    #[test]
    fn a_term_that_is_too_long_is_capped_with_a_warning() {
        let capped = |word: &str, wanted: &str, most: &str| {
            Some(format!(
                "{word} of \"{wanted}\" exceeded the effective max_ttl of \"{most}\"; {word} value \
                 is capped accordingly"
            ))
        };
        assert_eq!(
            granted(terms(100_000, 0, 0), 0),
            (768 * HOUR, capped("TTL", "100000h", "768h"))
        );
        assert_eq!(
            granted(terms(1000, 0, 0), 1),
            (768 * HOUR - 1, capped("TTL", "1000h", "767h59m59s"))
        );
        assert_eq!(
            granted(terms(0, 0, 1), 0),
            (HOUR, capped("TTL", "768h", "1h"))
        );
        assert_eq!(
            granted(terms(0, 5, 1), 0),
            (HOUR, capped("period", "5h", "1h"))
        );
        assert_eq!(
            granted(terms(0, 2000, 0), 0),
            (768 * HOUR, capped("period", "2000h", "768h"))
        );
    }

    #[test]
    fn a_period_goes_on_beyond_the_maximum_and_a_ttl_does_not() {
        assert_eq!(granted(terms(0, 2, 0), 1000 * HOUR), (2 * HOUR, None));
        assert_eq!(granted(terms(2, 0, 0), 1000 * HOUR).0, 0);
        assert_eq!(granted(terms(0, 2, 3), 2 * HOUR).0, HOUR);
    }

    #[test]
    fn a_term_right_after_the_beginning_is_a_whole_one() {
        let just_made = Terms {
            created: Timestamp::from_unix_nanos(1_000_000_000),
            ..terms(768, 0, 768)
        };
        for (nanos, seconds, warns) in [
            (1_999_999_999, 768 * HOUR, false),
            (2_000_000_000, 768 * HOUR - 1, true),
        ] {
            let term = just_made.grant(LIMITS, Timestamp::from_unix_nanos(nanos));
            assert_eq!(term.length.as_secs(), seconds);
            assert_eq!(term.warning.is_some(), warns);
        }
    }

    proptest! {
        #[test]
        fn no_term_reaches_beyond_a_maximum(
            asked in 0u64..2000, period in 0u64..2000, explicit_max in 0u64..2000,
            later in 0u64..2000 * HOUR,
        ) {
            let (length, warning) = granted(terms(asked, period, explicit_max), later);
            prop_assert!(length <= 768 * HOUR);
            if period == 0 {
                prop_assert!(length == 0 || later + length <= 768 * HOUR);
            }
            if explicit_max != 0 {
                prop_assert!(length == 0 || later + length <= explicit_max * HOUR);
            }
            let wanted = [period, asked, 768].into_iter().find(|hours| *hours != 0).unwrap() * HOUR;
            prop_assert_eq!(warning.is_some(), length != wanted);
        }
    }
}
