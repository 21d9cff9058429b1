//! Password policies: how long a made-up password is, and of which characters.
//!
//! ```text
//! length = 20
//! rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" }
//! rule "charset" { charset = "0123456789", min-chars = 2 }
//! ```
//!
//! A password is made of the characters of all rules together. Whole passwords that break a rule
//! are thrown away rather than mended, so that every password that follows the policy is equally
//! likely.

mod parse;

use keyward_crypto::{SecretString, random};

/// How many passwords are made up to find one that follows a policy.
pub(crate) const TRIES: usize = 20_000;

/// In how many of them one must be found for the policy to be taken: a tenth, so that a policy that
/// was taken does not fail later by bad luck.
pub(crate) const CHECKS: usize = TRIES / 10;

/// A policy that was read, and is not impossible at first sight.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PasswordPolicy {
    length: usize,
    rules: Vec<Charset>,
}

/// A `rule "charset"`: characters, and how many of them there must be at least.
#[derive(Debug, PartialEq, Eq)]
struct Charset {
    /// In order, each once.
    characters: Vec<char>,
    min_chars: usize,
}

impl PasswordPolicy {
    /// Makes up a password, in so many tries; none where each try broke a rule.
    pub(crate) fn generate(&self, tries: usize) -> Option<SecretString> {
        let characters = in_order(self.rules.iter().flat_map(|rule| &rule.characters).copied());
        (0..tries)
            .map(|_| random::generate_text_of(&characters, self.length))
            .find(|password| self.rules.iter().all(|rule| rule.holds(password)))
    }
}

impl Charset {
    fn holds(&self, password: &SecretString) -> bool {
        // EXPOSE: its characters are counted.
        let characters = password.expose().chars();
        let ours = characters.filter(|character| self.characters.binary_search(character).is_ok());
        ours.count() >= self.min_chars
    }
}

/// Sorts characters, and drops what is there twice.
fn in_order(characters: impl Iterator<Item = char>) -> Vec<char> {
    let mut characters: Vec<char> = characters.collect();
    characters.sort_unstable();
    characters.dedup();
    characters
}

#[cfg(test)]
mod tests;
