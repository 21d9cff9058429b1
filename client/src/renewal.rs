//! When a token wants its next term.

use std::time::{Duration, SystemTime};

use keyward_api::GrantedAuth;

/// The term of a token: renewed at two thirds of it, give or take a tenth.
///
/// Nothing runs by itself: whoever drives the client asks [`due`](Self::due), or waits
/// [`until_due`](Self::until_due), and calls
/// [`Tokens::renew_self`](crate::Tokens::renew_self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    due: SystemTime,
    expires: SystemTime,
}

impl Renewal {
    /// Reads the term of what a login, a creation or a renewal granted at `now`; none if the token
    /// does not expire or cannot be renewed. `random` is evenly distributed: clients that began
    /// together renew apart.
    #[must_use]
    pub fn of(auth: &GrantedAuth, now: SystemTime, random: u32) -> Option<Self> {
        if !auth.renewable || auth.lease_duration == 0 {
            return None;
        }
        let term = Duration::from_secs(auth.lease_duration);
        let spread = f64::from(random) / f64::from(u32::MAX) * 0.2 - 0.1;
        Some(Self {
            due: now.checked_add(term.mul_f64(2.0 / 3.0 + spread))?,
            expires: now.checked_add(term)?,
        })
    }

    /// Whether the token should be renewed.
    #[must_use]
    pub fn due(&self, now: SystemTime) -> bool {
        now >= self.due
    }

    /// How long until then.
    #[must_use]
    pub fn until_due(&self, now: SystemTime) -> Duration {
        self.due.duration_since(now).unwrap_or_default()
    }

    /// When the token ends.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.expires
    }
}
