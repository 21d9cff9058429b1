//! Passwords: hashed, and compared in the same time whether there is such a user or not; a hash that
//! was made elsewhere with another cost takes its own time.

use std::{
    num::NonZero,
    sync::{Arc, LazyLock},
    thread,
};

use bcrypt::HashParts;
use keyward_api::Sensitive;
use keyward_core::Error;
use keyward_crypto::random;
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task};

/// The cost of the hashes that are made here: 2^10 rounds, as in Vault.
const COST: u32 = 10;

/// The costs of hashes that others made. With the highest, a login takes seconds already, and twice
/// as long with the next.
const COSTS: std::ops::RangeInclusive<u32> = 4..=16;

/// The longest password, in bytes: bcrypt does not look at the rest.
const LONGEST: usize = 72;

/// What is compared with where there is no user: a hash of the usual cost, all zero, of no password
/// that anybody knows.
const NOBODY: &str = "$2b$10$.....................................................";

/// What is stored of a password.
#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct PasswordHash(Sensitive);

impl PasswordHash {
    /// Takes a hash that others made.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words if it is none, or takes too long to compare with.
    pub(super) fn parse(text: Sensitive) -> Result<Self, Error> {
        // EXPOSE: its form is looked at.
        let parts = text.expose().parse::<HashParts>();
        match parts {
            Ok(parts) if COSTS.contains(&parts.get_cost()) => Ok(Self(text)),
            _ => Err(Error::invalid("password_hash is not a valid bcrypt hash")),
        }
    }
}

/// The work that bcrypt is, done off the threads that serve requests, and no more of it at once than
/// there are processors, at however many mounts: a flood of logins waits, rather than take every
/// thread there is.
pub(super) struct Hashing(Arc<Semaphore>);

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(processors))
});

impl Hashing {
    pub(super) fn new() -> Self {
        Self(Arc::clone(&TURNS))
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words if it is too long.
    pub(super) async fn hash(&self, password: Sensitive) -> Result<PasswordHash, Error> {
        // EXPOSE: its length is looked at.
        if password.expose().len() > LONGEST {
            return Err(Error::invalid(format!(
                "bcrypt: password length exceeds {LONGEST} bytes"
            )));
        }
        let salt = random::generate_nonce();
        let hashed = self.run(move || {
            // EXPOSE: hashed.
            bcrypt::hash_with_salt(password.expose(), COST, salt)
        });
        let parts = hashed.await?.map_err(Error::internal)?;
        Ok(PasswordHash(Sensitive::new(parts.to_string())))
    }

    /// Tells whether a password is the one that was hashed. Where there is nobody whose it could be,
    /// that takes as long as with a hash of the usual cost, and it is not.
    ///
    /// # Errors
    /// The stored hash is none.
    pub(super) async fn matches(
        &self,
        password: Sensitive,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        let compared = self.run(move || {
            let (text, is_somebody) = match &hash {
                // EXPOSE: compared with.
                Some(PasswordHash(hash)) => (hash.expose(), true),
                None => (NOBODY, false),
            };
            // EXPOSE: hashed and compared, in constant time.
            bcrypt::verify(password.expose(), text).map(|same| same && is_somebody)
        });
        compared.await?.map_err(Error::internal)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let turn = turn.map_err(Error::internal)?;
        let done = task::spawn_blocking(move || {
            let done = work();
            // Who asked may have gone meanwhile; the processor is free only now.
            drop(turn);
            done
        });
        done.await.map_err(|_| Error::panicked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Sensitive {
        Sensitive::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let hashing = Hashing::new();
        let hash = async |text: &str| Some(hashing.hash(secret(text)).await.unwrap());
        let matches = async |text: &str, hash| hashing.matches(secret(text), hash).await.unwrap();
        assert!(matches("right", hash("right").await).await);
        assert!(!matches("wrong", hash("right").await).await);
        assert!(!matches("", hash("right").await).await);
        assert!(!matches("right", None).await);
        let (one, two) = (hash("right").await.unwrap(), hash("right").await.unwrap());
        assert_ne!(one.0, two.0);
    }

    #[tokio::test]
    async fn a_hash_that_others_made_is_taken_if_it_is_one() {
        let good = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
        let hash = PasswordHash::parse(secret(good)).unwrap();
        assert!(
            Hashing::new()
                .matches(secret("password"), Some(hash))
                .await
                .is_ok()
        );
        PasswordHash::parse(secret(NOBODY)).unwrap();
        for bad in [
            "",
            "x",
            &good[1..],
            &good.replace("$2a", "$1a"),
            &good.replace("$10$", "$03$"),
            &good.replace("$10$", "$17$"),
            &good.replace("$10$", "$99$"),
            &good.replace("lhWy", "lhW!"),
        ] {
            let text = PasswordHash::parse(secret(bad)).unwrap_err().to_string();
            assert_eq!(text, "password_hash is not a valid bcrypt hash", "{bad}");
        }
    }

    #[tokio::test]
    async fn a_password_that_would_be_cut_is_refused() {
        let hashing = Hashing::new();
        let longest = "0".repeat(LONGEST);
        assert!(hashing.hash(secret(&longest)).await.is_ok());
        let error = hashing
            .hash(secret(&format!("{longest}0")))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "bcrypt: password length exceeds 72 bytes"
        );
    }
}
