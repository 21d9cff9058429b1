//! One client's requests under one limit: how many are left, and when there are more.
//!
//! Vault's windows: the first request of a client begins one, so many are let through in each, and
//! the next begins where the last one ends. A client that goes over a limit that blocks gets
//! nothing until the block is over.

use std::{cmp::Ordering, time::Duration};

use crate::Timestamp;

/// What a limit is, in the terms of this file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many requests a window lets through; at least 1.
    pub(super) requests: u64,
    /// How long a window lasts; more than nothing.
    pub(super) interval: Duration,
    /// How long a block lasts; nothing for none.
    pub(super) block: Duration,
}

impl Bounds {
    /// Orders what lets less through in the long run, and then blocks for longer, before the rest.
    pub(super) fn strictness(&self, other: &Self) -> Ordering {
        let per = |it: &Self, over: &Self| {
            u128::from(it.requests).saturating_mul(over.interval.as_nanos())
        };
        let rates = per(self, other).cmp(&per(other, self));
        rates.then(other.block.cmp(&self.block))
    }
}

/// What one request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is let through.
    Within { remaining: u64, reset: Duration },
    /// It came too early, and may be tried again after so long.
    Over { retry: Duration, reset: Duration },
    /// It came during a block.
    Blocked { retry: Duration },
}

/// The state of one client.
#[derive(Debug)]
pub(super) struct Window {
    start: Timestamp,
    used: u64,
    /// When a block ends; in the past where there is none.
    blocked: Timestamp,
}

impl Window {
    pub(super) fn begin(now: Timestamp) -> Self {
        Self {
            start: now,
            used: 0,
            blocked: Timestamp::default(),
        }
    }

    /// Counts one request.
    pub(super) fn take(&mut self, bounds: Bounds, now: Timestamp) -> Taken {
        if self.blocked > now {
            let retry = self.blocked.since(now);
            return Taken::Blocked { retry };
        }
        let elapsed = now.since(self.start).as_nanos();
        let interval = bounds.interval.as_nanos().max(1);
        let over = elapsed / interval;
        if over > 0 {
            let whole = u64::try_from(over * interval).unwrap_or(u64::MAX);
            self.start = self.start.plus(Duration::from_nanos(whole));
            self.used = 0;
        }
        let reset = self.start.plus(bounds.interval).since(now);
        if self.used < bounds.requests {
            self.used += 1;
            let remaining = bounds.requests - self.used;
            return Taken::Within { remaining, reset };
        }
        if bounds.block.is_zero() {
            return Taken::Over {
                retry: reset,
                reset,
            };
        }
        self.blocked = now.plus(bounds.block);
        Taken::Over {
            retry: bounds.block,
            reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bounds(requests: u64, block: u64) -> Bounds {
        Bounds {
            requests,
            interval: 10 * SECOND,
            block: Duration::from_secs(block),
        }
    }

    #[test]
    fn a_window_lets_so_many_through_and_the_next_one_as_many() {
        let start = Timestamp::from_unix_nanos(5_000_000_000);
        let mut window = Window::begin(start);
        let at = |seconds| start.plus(Duration::from_secs(seconds));
        let within = |remaining, reset| Taken::Within {
            remaining,
            reset: Duration::from_secs(reset),
        };
        let bounds = bounds(2, 0);
        assert_eq!(window.take(bounds, at(0)), within(1, 10));
        assert_eq!(window.take(bounds, at(3)), within(0, 7));
        let seven = Duration::from_secs(7);
        let over = Taken::Over {
            retry: seven,
            reset: seven,
        };
        assert_eq!(window.take(bounds, at(3)), over);
        assert_eq!(window.take(bounds, at(10)), within(1, 10));
        assert_eq!(window.take(bounds, at(35)), within(1, 5));
    }

    #[test]
    fn a_block_lasts_longer_than_a_window() {
        let start = Timestamp::from_unix_nanos(5_000_000_000);
        let mut window = Window::begin(start);
        let at = |seconds| start.plus(Duration::from_secs(seconds));
        let bounds = bounds(1, 30);
        window.take(bounds, at(0));
        let over = Taken::Over {
            retry: 30 * SECOND,
            reset: 9 * SECOND,
        };
        assert_eq!(window.take(bounds, at(1)), over);
        let blocked = Taken::Blocked { retry: 10 * SECOND };
        assert_eq!(window.take(bounds, at(21)), blocked);
        assert!(matches!(window.take(bounds, at(31)), Taken::Within { .. }));
    }

    proptest! {
        /// Whatever comes when, no window lets through more than it may.
        #[test]
        fn no_window_lets_more_through(
            requests in 1u64..5,
            steps in proptest::collection::vec(0u64..4_000_000_000, 1..60),
        ) {
            let bounds = bounds(requests, 0);
            let start = Timestamp::from_unix_nanos(1);
            let (mut window, mut now) = (Window::begin(start), start);
            let mut counts = std::collections::BTreeMap::<u128, u64>::new();
            for step in steps {
                now = now.plus(Duration::from_nanos(step));
                if let Taken::Within { .. } = window.take(bounds, now) {
                    let index = now.since(start).as_nanos() / bounds.interval.as_nanos();
                    *counts.entry(index).or_default() += 1;
                }
            }
            prop_assert!(counts.values().all(|&count| count <= requests));
        }
    }
}
