//! When a request is sent again.

use std::time::Duration;

/// How often a request is sent, and how long is waited between.
///
/// The wait before attempt `n + 1` is a random part of `base * 2^n`, at most `cap` (full jitter):
/// clients that failed together come back apart. Where the server says `Retry-After`, it is that
/// and the random part; a server that wants to be left alone for longer than `patience` ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most attempts, the first included; 4.
    pub attempts: u32,
    /// The first wait at most; 100 ms.
    pub base: Duration,
    /// Every wait at most; 5 s.
    pub cap: Duration,
    /// The longest `Retry-After` that is waited for; 30 s.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(5),
            patience: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// Sends everything once.
    #[must_use]
    pub fn never() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// Tells how long to wait before the next attempt after `attempt` (from 1) failed in a way that
    /// may pass; none if it was the last. `random` is evenly distributed.
    #[must_use]
    pub fn wait(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        random: u32,
    ) -> Option<Duration> {
        let asked = retry_after.unwrap_or_default();
        if attempt >= self.attempts || asked > self.patience {
            return None;
        }
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        let most = self.base.saturating_mul(doubled).min(self.cap);
        Some(asked + most.mul_f64(f64::from(random) / f64::from(u32::MAX)))
    }
}

/// Whether a status tells of trouble that passes: too many requests, a proxy without a server, a
/// server that is sealed or stands by.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// Reads the seconds of a `Retry-After` (RFC 9110 section 10.2.3); a date is not read.
pub(crate) fn retry_after(value: Option<&str>) -> Option<Duration> {
    value?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_end() {
        let policy = RetryPolicy {
            attempts: 9,
            ..RetryPolicy::default()
        };
        let waits: Vec<_> = (1..=9)
            .map(|attempt| policy.wait(attempt, None, u32::MAX))
            .map(|wait| wait.map(|wait| wait.as_millis()))
            .collect();
        let expected = [100, 200, 400, 800, 1600, 3200, 5000, 5000];
        assert_eq!(waits[..8], expected.map(Some));
        assert_eq!(waits[8], None);
        assert_eq!(policy.wait(3, None, 0), Some(Duration::ZERO));
        assert_eq!(RetryPolicy::never().wait(1, None, 0), None);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for_within_limits() {
        let policy = RetryPolicy::default();
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(policy.wait(1, asked(7), 0), asked(7));
        assert_eq!(policy.wait(1, asked(31), 0), None);
        assert_eq!(retry_after(Some(" 7 ")), asked(7));
        for text in [None, Some("-1"), Some("Sat, 28 Nov 2026 06:00:00 GMT")] {
            assert_eq!(retry_after(text), None);
        }
    }
}
