//! Logins that wait for a second factor.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use keyward_api::Sensitive;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{AuthGrant, Error, Timestamp, wrapping::WrapGrant};

/// A login that is good but for its second factor.
#[derive(Debug)]
pub(crate) struct PendingLogin {
    /// The token that it is to give; its entity is known.
    pub(crate) grant: AuthGrant,
    /// The path that it came to.
    pub(crate) path: String,
    /// The auth method.
    pub(super) accessor: String,
    /// How the token shall be wrapped; none if it shall not.
    pub(crate) wrap: Option<WrapGrant>,
    /// From when on it is forgotten.
    end: Timestamp,
}

/// The logins that wait, by the names that they were given. In memory alone: they are gone when the
/// server is sealed.
#[derive(Default)]
pub(super) struct PendingLogins(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    logins: HashMap<Uuid, PendingLogin>,
    /// Those of each entity, the oldest first.
    of: HashMap<String, VecDeque<Uuid>>,
}

/// How long a login waits, as in Vault.
const LIFE: Duration = Duration::from_secs(300);

/// The most logins that wait at a time: those who may log in must not fill the memory.
const MOST: usize = 1 << 14;

/// The most of one entity: the oldest gives way, so that nobody keeps others from logging in.
const MOST_OF_ONE: usize = 32;

impl PendingLogin {
    /// Makes one that begins to wait at `now`.
    pub(super) fn new(
        grant: AuthGrant,
        path: &str,
        accessor: &str,
        wrap: Option<WrapGrant>,
        now: Timestamp,
    ) -> Self {
        Self {
            grant,
            path: path.to_owned(),
            accessor: accessor.to_owned(),
            wrap,
            end: now.plus(LIFE),
        }
    }
}

impl PendingLogins {
    /// Keeps a login, and returns the name that it waits under.
    ///
    /// # Errors
    /// [`Error::Limited`] if there are too many.
    pub(super) fn add(&self, login: PendingLogin, now: Timestamp) -> Result<Sensitive, Error> {
        let id = Uuid::new_v4();
        let mut kept = self.0.lock();
        let own = kept.of.get(&login.grant.entity_id);
        if own.is_some_and(|own| own.len() >= MOST_OF_ONE) {
            kept.forget_oldest(&login.grant.entity_id);
        }
        if kept.logins.len() >= MOST {
            kept.prune(now);
        }
        if kept.logins.len() >= MOST {
            return Err(Error::Limited(
                "too many logins wait for MFA validation".to_owned(),
            ));
        }
        kept.insert(id, login);
        Ok(Sensitive::new(id.to_string()))
    }

    /// Takes a login out; none if there is none of the name, it was taken, or its time is over.
    pub(super) fn take(&self, name: &str, now: Timestamp) -> Option<(Uuid, PendingLogin)> {
        let id = Uuid::try_parse(name).ok()?;
        let mut kept = self.0.lock();
        let login = kept.logins.remove(&id)?;
        kept.drop_gone(&login.grant.entity_id);
        (now < login.end).then_some((id, login))
    }

    /// Lets a login that was taken wait on, for what is left of its time.
    pub(super) fn put_back(&self, id: Uuid, login: PendingLogin) {
        let mut kept = self.0.lock();
        if kept.logins.len() < MOST {
            kept.insert(id, login);
        }
    }

    /// Forgets those whose time is over.
    pub(super) fn prune(&self, now: Timestamp) {
        self.0.lock().prune(now);
    }
}

impl Kept {
    fn insert(&mut self, id: Uuid, login: PendingLogin) {
        let own = self.of.entry(login.grant.entity_id.clone()).or_default();
        own.push_back(id);
        self.logins.insert(id, login);
    }

    fn forget_oldest(&mut self, entity: &str) {
        let own = self.of.get_mut(entity);
        if let Some(oldest) = own.and_then(VecDeque::pop_front) {
            self.logins.remove(&oldest);
        }
    }

    fn prune(&mut self, now: Timestamp) {
        self.logins.retain(|_, login| now < login.end);
        let logins = &self.logins;
        self.of.retain(|_, own| {
            own.retain(|id| logins.contains_key(id));
            !own.is_empty()
        });
    }

    /// Drops the names of an entity's logins that are gone.
    fn drop_gone(&mut self, entity: &str) {
        if let Some(own) = self.of.get_mut(entity) {
            own.retain(|id| self.logins.contains_key(id));
            if own.is_empty() {
                self.of.remove(entity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_nanos(1);

    fn login(entity: &str, now: Timestamp) -> PendingLogin {
        let grant = AuthGrant {
            entity_id: entity.to_owned(),
            ..AuthGrant::default()
        };
        PendingLogin::new(grant, "auth/p/login", "p", None, now)
    }

    fn add(pending: &PendingLogins, entity: &str, now: Timestamp) -> Result<String, Error> {
        let name = pending.add(login(entity, now), now)?;
        // EXPOSE: asked for by it.
        Ok(name.expose().to_owned())
    }

    #[test]
    fn a_login_is_taken_once_unless_it_is_put_back() {
        let pending = PendingLogins::default();
        let name = add(&pending, "e", NOW).unwrap();
        let (id, login) = pending.take(&name, NOW).unwrap();
        assert!(pending.take(&name, NOW).is_none());
        pending.put_back(id, login);
        assert!(pending.take(&name, NOW).is_some());
        assert!(pending.take(&name, NOW).is_none());
        assert!(pending.take("no name", NOW).is_none());
        assert!(pending.0.lock().of.is_empty());
    }

    #[test]
    fn a_login_waits_five_minutes_be_it_put_back_or_not() {
        let pending = PendingLogins::default();
        let name = add(&pending, "e", NOW).unwrap();
        let late = NOW.plus(Duration::from_secs(299));
        pending.prune(late);
        let (id, login) = pending.take(&name, late).unwrap();
        pending.put_back(id, login);
        assert!(pending.take(&name, NOW.plus(LIFE)).is_none());
        add(&pending, "e", NOW).unwrap();
        pending.prune(NOW.plus(LIFE));
        assert!(pending.0.lock().logins.is_empty() && pending.0.lock().of.is_empty());
    }

    #[test]
    fn nobody_keeps_others_from_logging_in() {
        let pending = PendingLogins::default();
        let theirs = add(&pending, "b", NOW).unwrap();
        let oldest = add(&pending, "a", NOW).unwrap();
        for _ in 0..MOST_OF_ONE {
            add(&pending, "a", NOW).unwrap();
        }
        assert!(pending.take(&oldest, NOW).is_none());
        assert!(pending.take(&theirs, NOW).is_some());
        assert_eq!(pending.0.lock().logins.len(), MOST_OF_ONE);
    }

    #[test]
    fn only_so_many_wait_at_a_time() {
        let pending = PendingLogins::default();
        for number in 0..MOST {
            add(&pending, &number.to_string(), NOW).unwrap();
        }
        assert!(matches!(add(&pending, "e", NOW), Err(Error::Limited(_))));
        let later = NOW.plus(LIFE);
        let name = add(&pending, "e", later).unwrap();
        assert!(pending.take(&name, later).is_some());
    }
}
