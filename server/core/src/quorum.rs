//! A quorum: shares that people give one by one until there are enough.

use std::mem;

use keyward_crypto::SecretBytes;
use uuid::Uuid;

/// The shares given so far in one attempt, which its nonce names.
///
/// **Invariant:** it never holds as many shares as the threshold, which is at most 255.
pub(crate) struct Quorum {
    nonce: String,
    shares: Vec<SecretBytes>,
}

/// What one more share came to.
#[derive(Debug)]
pub(crate) enum Given {
    /// It was given before, and counts once.
    Again,
    /// Here are all; the quorum is empty again.
    Enough(Vec<SecretBytes>),
    /// Others are still needed.
    More,
}

impl Quorum {
    /// Begins to gather.
    pub(crate) fn begin() -> Self {
        Self {
            nonce: Uuid::new_v4().to_string(),
            shares: Vec::new(),
        }
    }

    /// Returns the id of the attempt.
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Returns how many shares were given.
    pub(crate) const fn progress(&self) -> usize {
        self.shares.len()
    }

    /// Takes one share.
    pub(crate) fn give(&mut self, share: SecretBytes, threshold: u8) -> Given {
        if self.shares.contains(&share) {
            return Given::Again;
        }
        self.shares.push(share);
        if self.shares.len() < usize::from(threshold) {
            return Given::More;
        }
        Given::Enough(mem::take(&mut self.shares))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(byte: u8) -> SecretBytes {
        SecretBytes::new(vec![byte; 33])
    }

    #[test]
    fn a_share_counts_once_and_the_last_one_takes_all_out() {
        let mut quorum = Quorum::begin();
        assert!(matches!(quorum.give(share(1), 2), Given::More));
        assert!(matches!(quorum.give(share(1), 2), Given::Again));
        assert_eq!(quorum.progress(), 1);
        let Given::Enough(shares) = quorum.give(share(2), 2) else {
            panic!("two of two were given");
        };
        assert_eq!(shares, [share(1), share(2)]);
        assert_eq!(quorum.progress(), 0);
    }
}
