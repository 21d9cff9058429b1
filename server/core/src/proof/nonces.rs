//! The nonces of signed requests that were served, for as long as their signatures hold.
//!
//! They are in memory alone. What was signed before the server was unsealed is refused therefore:
//! nobody knows any more whether it was served. Where there is no room, a request is refused, and
//! no nonce forgotten.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

use keyward_api::proof::{ProofError, Verified};
use parking_lot::Mutex;

/// How many parts there are, each with a lock of its own; a power of two.
const SHARDS: usize = 64;
/// How many nonces are remembered at most: about 150 MB.
const MOST: usize = 1 << 22;
/// How many of one key: 8,700 requests a second whose signatures hold for a minute, and 15,000 if
/// they hold for ten seconds.
const MOST_OF_KEY: usize = 1 << 20;

/// The memory.
pub(super) struct Nonces {
    shards: [Mutex<Shard>; SHARDS],
    /// A nonce is known by 64 bits that nobody outside can compute, so that none is found that
    /// falls on another's; by chance one request in 10^12 is refused.
    hasher: RandomState,
    /// When it began to remember, in seconds since 1970.
    since: u64,
    most: Most,
}

/// How much there may be in one shard.
#[derive(Clone, Copy)]
struct Most {
    all: usize,
    of_key: usize,
}

#[derive(Default)]
struct Shard {
    seen: HashSet<u64>,
    of_key: HashMap<u64, usize>,
    /// When they may be forgotten: nonce and key by second.
    ends: BTreeMap<u64, Vec<(u64, u64)>>,
}

impl Nonces {
    /// Remembers from `now` on.
    pub(super) fn new(now: u64) -> Self {
        let most = Most {
            all: MOST / SHARDS,
            of_key: MOST_OF_KEY / SHARDS,
        };
        Self::with(now, most)
    }

    fn with(now: u64, most: Most) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            since: now,
            most,
        }
    }

    /// Takes the nonce of a verified request of a key, once: of many at the same time, one passes.
    ///
    /// # Errors
    /// [`ProofError::Replayed`] if it was taken before, [`ProofError::Older`] if that is not known,
    /// [`ProofError::Full`] if there is no room.
    pub(super) fn remember(
        &self,
        key: &str,
        verified: &Verified<'_>,
        now: u64,
    ) -> Result<(), ProofError> {
        if verified.created < self.since {
            return Err(ProofError::Older);
        }
        let nonce = self.hasher.hash_one((key, verified.nonce));
        let key = self.hasher.hash_one(key);
        // The remainder is below the number of shards.
        let mut shard = self.shards[(nonce % SHARDS as u64) as usize].lock();
        shard.forget(now);
        if shard.seen.contains(&nonce) {
            return Err(ProofError::Replayed);
        }
        let of_key = shard.of_key.get(&key).copied().unwrap_or_default();
        if shard.seen.len() >= self.most.all || of_key >= self.most.of_key {
            return Err(ProofError::Full);
        }
        shard.seen.insert(nonce);
        shard.of_key.insert(key, of_key + 1);
        let end = shard.ends.entry(verified.until).or_default();
        end.push((nonce, key));
        Ok(())
    }
}

impl Shard {
    /// Forgets what has ended by `now`.
    fn forget(&mut self, now: u64) {
        while let Some(end) = self.ends.first_entry()
            && *end.key() <= now
        {
            for (nonce, key) in end.remove() {
                self.seen.remove(&nonce);
                if let Some(count) = self.of_key.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        self.of_key.remove(&key);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use keyward_api::proof::Address;

    use super::*;

    const NOW: u64 = 1_000;

    fn address() -> Address {
        Address::parse("https://vault.example.com").unwrap()
    }

    fn remember(nonces: &Nonces, key: &str, nonce: &str, now: u64) -> Result<(), ProofError> {
        let verified = Verified {
            address: &address(),
            nonce,
            created: now,
            until: now + 100,
        };
        nonces.remember(key, &verified, now)
    }

    #[test]
    fn a_nonce_is_taken_once_until_it_ends() {
        let nonces = Nonces::new(NOW);
        assert_eq!(remember(&nonces, "key", "one", NOW), Ok(()));
        for now in [NOW, NOW + 99] {
            let again = remember(&nonces, "key", "one", now);
            assert_eq!(again, Err(ProofError::Replayed));
        }
        assert_eq!(remember(&nonces, "other", "one", NOW), Ok(()));
        assert_eq!(remember(&nonces, "key", "two", NOW), Ok(()));
        assert_eq!(remember(&nonces, "key", "one", NOW + 100), Ok(()));
    }

    #[test]
    fn what_was_signed_before_it_remembers_is_refused() {
        let nonces = Nonces::new(NOW);
        let older = remember(&nonces, "key", "one", NOW - 1);
        assert_eq!(older, Err(ProofError::Older));
    }

    #[test]
    fn of_many_at_once_one_passes() {
        let nonces = Nonces::new(NOW);
        let passed = std::thread::scope(|scope| {
            let ask = || scope.spawn(|| remember(&nonces, "key", "one", NOW).is_ok());
            let asked: Vec<_> = (0..16).map(|_| ask()).collect();
            let answers = asked.into_iter().map(|it| it.join().unwrap());
            answers.filter(|passed| *passed).count()
        });
        assert_eq!(passed, 1);
    }

    #[test]
    fn where_there_is_no_room_requests_are_refused_and_nothing_is_forgotten() {
        let nonces = Nonces::with(NOW, Most { all: 8, of_key: 4 });
        let fill = |key: &str, now| {
            let taken = (0..4_000).filter(|n| remember(&nonces, key, &n.to_string(), now).is_ok());
            taken.count()
        };
        // A greedy key takes its share, and leaves room for another.
        assert_eq!(fill("greedy", NOW), 4 * SHARDS);
        assert_eq!(fill("other", NOW), 4 * SHARDS);
        let full = remember(&nonces, "third", "one", NOW);
        assert_eq!(full, Err(ProofError::Full));
        assert_eq!(fill("greedy", NOW + 99), 0);
        assert_eq!(fill("greedy", NOW + 100), 4 * SHARDS);
    }
}
