//! Locks out for a while who fails to log in too often, whoever tries: passwords are not guessed.
//!
//! A route of an auth method says who a request would log in as
//! ([`on_login`](crate::engine::Routes)). So many failures in a row lock that name at that mount,
//! and the right password opens no more than a wrong one until the time is over or an operator
//! unlocks it; a request that gives no password is refused and not counted. Names that do not exist are counted too: nobody learns from a lock who exists.
//!
//! **Invariant:** what is known of failures is in memory, of bounded size, and of this server alone.
//! A restart forgets it: writing it down would have everybody who can send a request write to the
//! store.

mod book;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;

use self::book::{Book, Name};
use crate::{
    Denial, Error, Timestamp,
    engine::LoginClaim,
    mount::{MountEntry, UserLockout},
};

/// What the configuration says of every type of auth method.
pub const ALL_METHODS: &str = "all";

/// When who fails to log in is locked out; what is left out is said elsewhere, or Vault's: five
/// failures, each within 15 minutes of the one before, lock for 15 minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LockoutTerms {
    /// How many failures in a row lock.
    pub threshold: Option<u64>,
    /// For how long.
    pub duration: Option<Duration>,
    /// After how long without a failure the count begins anew.
    pub counter_reset: Option<Duration>,
    /// Whether nobody is locked out.
    pub disabled: Option<bool>,
}

/// What the configuration says of lockouts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockoutConfig {
    /// Whether nobody is locked out, whatever mounts say.
    pub off: bool,
    /// By type of auth method; [`ALL_METHODS`] is for every type that says nothing itself.
    pub terms: BTreeMap<String, LockoutTerms>,
}

/// What holds at one mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    threshold: u64,
    duration: Duration,
    counter_reset: Duration,
}

impl Terms {
    /// Puts together what the mount, the type of the method and the configuration as a whole say, in
    /// this order; none if nobody is locked out there.
    fn of(entry: &MountEntry, config: &LockoutConfig) -> Option<Self> {
        let said = [
            entry.config.user_lockout_config.map(tuned),
            config.terms.get(&entry.kind).copied(),
            config.terms.get(ALL_METHODS).copied(),
        ];
        let first =
            |disabled: fn(&LockoutTerms) -> Option<bool>| said.iter().flatten().find_map(disabled);
        let time = |time: fn(&LockoutTerms) -> Option<Duration>| {
            let given = said.iter().flatten().find_map(time);
            given.unwrap_or(Duration::from_secs(15 * 60))
        };
        if config.off || first(|terms| terms.disabled).unwrap_or_default() {
            return None;
        }
        Some(Self {
            threshold: said
                .iter()
                .flatten()
                .find_map(|terms| terms.threshold)
                .unwrap_or(5),
            duration: time(|terms| terms.duration),
            counter_reset: time(|terms| terms.counter_reset),
        })
    }
}

/// Reads what is tuned of a mount: 0 says nothing, and the flag always counts, as in Vault.
fn tuned(lockout: UserLockout) -> LockoutTerms {
    let given = |number: u64| (number != 0).then_some(number);
    LockoutTerms {
        threshold: given(lockout.user_lockout_threshold),
        duration: given(lockout.user_lockout_duration).map(Duration::from_secs),
        counter_reset: given(lockout.user_lockout_counter_reset_duration).map(Duration::from_secs),
        disabled: Some(lockout.user_lockout_disable),
    }
}

/// Who failed to log in lately, and who is locked out.
#[derive(Debug, Default)]
pub(crate) struct Lockouts {
    config: LockoutConfig,
    book: Mutex<Book>,
}

impl Lockouts {
    /// Begins without anybody locked out.
    pub(crate) fn new(config: LockoutConfig) -> Self {
        Self {
            config,
            book: Mutex::default(),
        }
    }

    /// Begins an attempt to log in; none where nobody is locked out.
    ///
    /// # Errors
    /// [`Denial::Locked`] if too many failed before.
    pub(crate) fn begin(
        self: &Arc<Self>,
        entry: &MountEntry,
        claim: &LoginClaim,
        now: Timestamp,
    ) -> Result<Option<Attempt>, Error> {
        let Some(terms) = Terms::of(entry, &self.config) else {
            return Ok(None);
        };
        let name = Name::new(&entry.accessor, &claim.alias);
        if self.book.lock().is_locked(&name, terms, now) {
            return Err(Error::Denied(Denial::Locked));
        }
        Ok(Some(Attempt {
            lockouts: Arc::clone(self),
            name,
            guesses: claim.guesses,
            terms,
        }))
    }

    /// Returns who is locked out at a mount, in order.
    pub(crate) fn locked(&self, entry: &MountEntry, now: Timestamp) -> Vec<String> {
        match Terms::of(entry, &self.config) {
            Some(terms) => self.book.lock().locked(&entry.accessor, terms, now),
            None => Vec::new(),
        }
    }

    /// Lets somebody try again; nobody is locked out is no error.
    pub(crate) fn unlock(&self, accessor: &str, alias: &str) {
        self.book.lock().forget(&Name::new(accessor, alias));
    }
}

/// One attempt to log in, while it runs.
pub(crate) struct Attempt {
    lockouts: Arc<Lockouts>,
    name: Name,
    guesses: bool,
    terms: Terms,
}

impl Attempt {
    /// Counts what the attempt came to, and returns it.
    ///
    /// # Errors
    /// It failed, or others failed too often meanwhile: else many attempts at once would be many
    /// guesses.
    pub(crate) fn finish<T>(self, came: Result<T, Error>, now: Timestamp) -> Result<T, Error> {
        let Self {
            lockouts,
            name,
            guesses,
            terms,
        } = self;
        let mut book = lockouts.book.lock();
        if book.is_locked(&name, terms, now) {
            return Err(Error::Denied(Denial::Locked));
        }
        match &came {
            Ok(_) => book.forget(&name),
            Err(error) if guesses && is_of_the_caller(error) => {
                let locks = book.fail(&name, terms, now);
                drop(book);
                if locks {
                    tracing::warn!(
                        accessor = name.accessor(),
                        "somebody failed to log in too often and is locked out; see sys/locked-users"
                    );
                }
            }
            Err(_) => {}
        }
        came
    }
}

/// Tells whether an error says that who tried is not who it was said to be. What the server could
/// not do just now tells nothing of that, and nor does who is refused with the right password, since
/// it comes from elsewhere than it may.
const fn is_of_the_caller(error: &Error) -> bool {
    match error {
        Error::Denied(_) | Error::Invalid(_) | Error::NotFound(_) => true,
        Error::Busy(_)
        | Error::Conflict(_)
        | Error::Contested { .. }
        | Error::Internal(_)
        | Error::Limited(_)
        | Error::Login(_)
        | Error::NoRoute(_)
        | Error::Refused(_)
        | Error::SealUnavailable(_)
        | Error::Sealed
        | Error::Unproven(_)
        | Error::Unprocessable(_)
        | Error::UnsupportedOperation
        | Error::UnsupportedPath => false,
    }
}
