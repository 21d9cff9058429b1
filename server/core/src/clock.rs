//! The only door to time.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment: nanoseconds since 1970-01-01 00:00 UTC.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Takes nanoseconds since 1970.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns nanoseconds since 1970.
    #[must_use]
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }

    /// Reads a moment in RFC 3339, or as whole seconds since 1970; none if the text is neither, or
    /// the moment lies before 1970. What lies beyond the end of time, in the year 2554, is that end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let nanos = match text.parse::<i64>() {
            Ok(seconds) => i128::from(seconds) * 1_000_000_000,
            Err(_) => OffsetDateTime::parse(text, &Rfc3339)
                .ok()?
                .unix_timestamp_nanos(),
        };
        u64::try_from(nanos.min(u64::MAX.into())).ok().map(Self)
    }

    /// Returns whole seconds since 1970.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// Returns the moment this much later, at most the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// Returns how long ago `earlier` was; zero if it is later than this.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the moment as a calendar date and time in UTC.
    #[must_use]
    pub fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0))
            .expect("64 bits of nanoseconds end in the year 2554, which the calendar holds")
    }
}

impl From<Timestamp> for keyward_crypto::Timestamp {
    fn from(moment: Timestamp) -> Self {
        Self::from_unix_nanos(moment.0)
    }
}

impl From<keyward_crypto::Timestamp> for Timestamp {
    fn from(moment: keyward_crypto::Timestamp) -> Self {
        Self(moment.unix_nanos())
    }
}

/// RFC 3339 in UTC with up to nine decimals, trailing zeros dropped, as Go prints it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.date_time().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to time")]
    fn now(&self) -> Timestamp {
        let since_1970 = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until it is told to go on; for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// Starts at the given moment.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// Goes on by `duration`.
    pub fn advance(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
