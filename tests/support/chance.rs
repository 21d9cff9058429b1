//! Repeatable chance: SplitMix64 (Steele, Lea, Flood 2014), which needs no crate.

use std::{
    env,
    hash::{BuildHasher, RandomState},
};

/// Set to repeat a failure.
const SEED: &str = "KEYWARD_TEST_SEED";

/// A source of numbers that depends on its seed alone.
pub(crate) struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// One with the seed that is asked for, or else one that differs from run to run; the seed is
    /// printed.
    pub(crate) fn new() -> Self {
        let seed = env::var(SEED).map_or_else(
            |_| RandomState::new().hash_one(0) >> 16,
            |seed| seed.parse().unwrap(),
        );
        println!("{SEED}={seed}");
        Self { seed, state: seed }
    }

    /// The seed, for a program that has chance of its own.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// How to repeat what follows from it.
    pub(crate) fn how_to_repeat(&self) -> String {
        format!("repeat with {SEED}={}", self.seed)
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end` - 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// One of several things.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
