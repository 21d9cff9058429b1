//! Identity tokens: JSON Web Tokens (RFC 7519) about entities, for those who trust this server.
//!
//! A [`NamedKey`] signs, is followed by its next key at times, and can be verified by everybody; a
//! [`Role`] says which key signs, for whom, and what is told; [`jwt`] makes and checks the tokens.
//!
//! Below the store's view:
//!
//! ```text
//! config         what all tokens have in common, as JSON
//! key/NAME       what a key is told, and the public halves of those that signed before, as JSON
//! private/KID    the private key that signs, or that will, as a keyring's durable form
//! role/NAME      a role, as JSON
//! …/NAME         see `provider`
//! ```
//!
//! **Invariant:** a key that signs was public before: caches of key sets know it when its first token
//! comes. The private half of a key goes when the next one takes its place.

mod algorithm;
pub(super) mod jwt;
mod key;
pub(super) mod provider;
mod role;
mod rotation;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use self::provider::Registry;
use super::load_all;
use crate::{Error, Timestamp, barrier::Change, view::View};

pub(super) use algorithm::{ALGORITHMS, Algorithm};
pub(super) use key::{KeyChange, NamedKey};
pub(super) use role::{Role, RoleChange};

/// The key that is there from the start.
const DEFAULT_KEY: &str = "default";

const CONFIG: &str = "config";
const KEYS: &str = "key/";
const PRIVATE: &str = "private/";
const ROLES: &str = "role/";

/// Keeps the keys and roles of identity tokens: in memory as a snapshot, behind the barrier in
/// storage.
pub(crate) struct Oidc {
    view: View,
    snapshot: ArcSwap<Known>,
    codes: provider::Codes,
    /// One change at a time; it awaits storage, and keys that are generated, in between.
    changing: tokio::sync::Mutex<()>,
}

/// All keys and roles of one moment.
#[derive(Clone, Default)]
pub(super) struct Known {
    pub(super) config: Config,
    pub(super) keys: BTreeMap<String, Arc<NamedKey>>,
    pub(super) roles: BTreeMap<String, Arc<Role>>,
    pub(super) registry: Registry,
}

/// What all tokens have in common.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Config {
    /// Scheme, host and port; empty for the address of the server.
    pub(super) issuer: String,
}

impl Oidc {
    /// Loads all keys and roles.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let mut known = Known {
            registry: Registry::load(&view).await?,
            ..Known::default()
        };
        if let Some((config, _)) = view.get_as(CONFIG).await? {
            known.config = config;
        }
        known
            .keys
            .insert(DEFAULT_KEY.to_owned(), Arc::new(NamedKey::default_key()));
        for name in view.list(KEYS, None, None).await? {
            if let Some(key) = NamedKey::load(&view, &name).await? {
                known.keys.insert(name, Arc::new(key));
            }
        }
        load_all(&view, ROLES, &mut known.roles).await?;
        Ok(Self {
            view,
            codes: provider::Codes::default(),
            snapshot: ArcSwap::from_pointee(known),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Returns all keys and roles as they are now.
    pub(super) fn now(&self) -> Arc<Known> {
        self.snapshot.load_full()
    }

    /// Sets what all tokens have in common.
    pub(super) async fn configure(&self, config: Config, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let change = Change::put_as(CONFIG, &config)?;
        known.config = config;
        self.store(known, vec![change], Some(request)).await
    }

    /// Makes a key, or changes it.
    pub(super) async fn write_key(
        &self,
        name: &str,
        change: KeyChange,
        request: &View,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let old = known.keys.get(name).cloned();
        let changed = change.apply(old.as_deref(), now)?;
        let most = changed.settings.verification_ttl;
        for (longest, users) in [
            (known.longest_ttl(name), "roles with a token ttl"),
            (
                known.registry.longest_ttl(name),
                "clients with an id_token_ttl",
            ),
        ] {
            if longest.is_some_and(|seconds| seconds > most) {
                return Err(Error::Invalid(format!(
                    "unable to update key {name:?} because it is currently referenced by one or \
                     more {users} greater than {most} seconds"
                )));
            }
        }
        // Another algorithm needs other keys, at once: who changes it has a reason.
        let key = match &old {
            Some(old) if old.settings.algorithm == changed.settings.algorithm => changed,
            _ => changed.renewed(now).await?,
        };
        let mut changes = key.changes(name)?;
        changes.extend(old.iter().flat_map(|old| old.left_behind(&key)));
        known.keys.insert(name.to_owned(), Arc::new(key));
        self.store(known, changes, Some(request)).await
    }

    /// Removes a key that no role and no client refers to; its absence is no error.
    pub(super) async fn delete_key(&self, name: &str, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        if name == DEFAULT_KEY {
            return Err(Error::Invalid(format!(
                "deletion of key {name:?} not allowed"
            )));
        }
        for (users, names) in [
            ("roles", known.users(name)),
            ("clients", known.registry.clients_of_key(name)),
        ] {
            if !names.is_empty() {
                return Err(provider::in_use("key", name, users, &names));
            }
        }
        let Some(key) = known.keys.remove(name) else {
            return Ok(());
        };
        self.store(known, key.removal(name), Some(request)).await
    }

    /// Signs with the next key from now on.
    pub(super) async fn rotate_key(
        &self,
        name: &str,
        verification_ttl: Option<Duration>,
        request: &View,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let known = (*self.now()).clone();
        let key = known.keys.get(name).cloned();
        let key = key.ok_or_else(|| Error::Invalid(format!("no named key found at {name:?}")))?;
        let rotated = key.rotated(verification_ttl, now).await?;
        self.replace(known, name, &key, rotated, Some(request))
            .await
    }

    /// Makes a role, or changes it.
    pub(super) async fn write_role(
        &self,
        name: &str,
        change: RoleChange,
        request: &View,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let role = change.apply(known.roles.get(name).map(|role| &**role), now)?;
        let key = known.keys.get(&role.key).cloned();
        let key = key.ok_or_else(|| Error::Invalid(format!("cannot find key {:?}", role.key)))?;
        if role.ttl > key.settings.verification_ttl {
            return Err(Error::invalid(
                "a role's token ttl cannot be longer than the verification_ttl of the key it \
                 references",
            ));
        }
        let mut changes = vec![Change::put_as(format!("{ROLES}{name}"), &role)?];
        changes.extend(known.made(&role.key, now).await?);
        known.roles.insert(name.to_owned(), Arc::new(role));
        self.store(known, changes, Some(request)).await
    }

    /// Removes a role; its absence is no error.
    pub(super) async fn delete_role(&self, name: &str, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        if known.roles.remove(name).is_none() {
            return Ok(());
        }
        let change = Change::delete(format!("{ROLES}{name}"));
        self.store(known, vec![change], Some(request)).await
    }

    /// Puts a key in the place of what it was.
    async fn replace(
        &self,
        mut known: Known,
        name: &str,
        old: &NamedKey,
        new: NamedKey,
        request: Option<&View>,
    ) -> Result<(), Error> {
        let mut changes = new.changes(name)?;
        changes.extend(old.left_behind(&new));
        known.keys.insert(name.to_owned(), Arc::new(new));
        self.store(known, changes, request).await
    }

    async fn store(
        &self,
        known: Known,
        changes: Vec<Change>,
        request: Option<&View>,
    ) -> Result<(), Error> {
        if let Some(request) = request {
            request.on_record().await?;
        }
        self.view.commit(changes).await?;
        self.snapshot.store(Arc::new(known));
        Ok(())
    }
}

impl Known {
    /// Makes the default key, which is made when it is first referred to; returns what writes it.
    async fn made(&mut self, name: &str, now: Timestamp) -> Result<Vec<Change>, Error> {
        let Some(key) = self.keys.get(name).filter(|key| !key.is_made()) else {
            return Ok(Vec::new());
        };
        let made = (**key).clone().renewed(now).await?;
        let changes = made.changes(name)?;
        self.keys.insert(name.to_owned(), Arc::new(made));
        Ok(changes)
    }

    /// Returns the names of the roles that refer to a key.
    fn users(&self, key: &str) -> Vec<&str> {
        let roles = self.roles.iter().filter(|(_, role)| role.key == key);
        roles.map(|(name, _)| name.as_str()).collect()
    }

    /// Returns the longest time that a token of a key lasts; none if no role refers to it.
    fn longest_ttl(&self, key: &str) -> Option<u64> {
        let roles = self.roles.values().filter(|role| role.key == key);
        roles.map(|role| role.ttl).max()
    }
}
