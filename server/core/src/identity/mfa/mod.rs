//! Login MFA: second factors, which logins need one, and the logins that wait for it.
//!
//! A [`Method`] says how codes are made, a [`TotpSecret`] is what one entity makes them from, an
//! [`Enforcement`] says which logins need one of some methods. [`login`] asks for it where a token
//! would be made, [`pending`] keeps the login meanwhile, [`verify`] takes the codes.
//!
//! Below the view of the mount:
//!
//! ```text
//! mfa/enforcement/NAME      an enforcement, as JSON
//! mfa/method/ID             a method, as JSON
//! mfa/secret/ID/ENTITY      the secret of an entity for a method, and which codes of it were used,
//!                           as JSON
//! ```
//!
//! TOTP is the one type of method. Duo, Okta and PingID are services of others, whom this server
//! does not call.
//!
//! **Invariant:** a code is used up, durably, before the token is made that it is for; no token is
//! made before all enforcements are met.

mod attempts;
mod barcode;
mod credentials;
mod enforcement;
mod login;
mod method;
mod pending;
mod secret;
mod verify;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;

use self::{attempts::Attempts, pending::PendingLogins};
use super::load_all;
use crate::{
    Error, Timestamp,
    barrier::{Change, Entry},
    view::View,
};

pub use self::{credentials::MfaCredentials, login::ValidatedLogin};
pub(super) use self::{
    enforcement::{Enforcement, EnforcementChange},
    method::{Method, MethodChange},
    secret::{Generated, TotpSecret},
};
pub(crate) use self::{
    login::{Demanded, Login, Validation},
    pending::PendingLogin,
};

/// Where all of this lies below the view of the mount.
const FOLDER: &str = "mfa/";
const ENFORCEMENTS: &str = "enforcement/";
const METHODS: &str = "method/";
const SECRETS: &str = "secret/";

/// Keeps methods and enforcements: in memory as a snapshot, behind the barrier in storage.
pub(crate) struct Mfa {
    view: View,
    snapshot: ArcSwap<Known>,
    attempts: Attempts,
    pending: PendingLogins,
    /// One change at a time; it awaits storage in between.
    changing: tokio::sync::Mutex<()>,
}

/// All methods and enforcements of one moment.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// By id.
    pub(super) methods: BTreeMap<String, Arc<Method>>,
    /// By name.
    pub(super) enforcements: BTreeMap<String, Arc<Enforcement>>,
}

impl Mfa {
    /// Loads all methods and enforcements; `mount` is the view of the mount.
    ///
    /// # Errors
    /// The store below failed.
    pub(super) async fn open(mount: &View) -> Result<Self, Error> {
        let view = mount.below(FOLDER);
        let mut known = Known::default();
        load_all(&view, METHODS, &mut known.methods).await?;
        load_all(&view, ENFORCEMENTS, &mut known.enforcements).await?;
        Ok(Self {
            view,
            snapshot: ArcSwap::from_pointee(known),
            attempts: Attempts::default(),
            pending: PendingLogins::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Returns all methods and enforcements as they are now.
    pub(super) fn now(&self) -> Arc<Known> {
        self.snapshot.load_full()
    }

    /// Makes a method, or changes the one with an id; returns its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such id, [`Error::Invalid`] if the method makes no sense or
    /// its name is taken.
    pub(super) async fn write_method(
        &self,
        id: Option<&str>,
        change: MethodChange,
        request: &View,
    ) -> Result<String, Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let named = change.name().and_then(|name| known.method_named(name));
        let old = match id {
            None => named.cloned(),
            Some(id) => Some(known.methods.get(id).ok_or_else(Error::not_found)?.clone()),
        };
        if let (Some(old), Some(named)) = (&old, named)
            && old.id != named.id
        {
            return Err(Error::Invalid(format!(
                "a login MFA method configuration with the method name {} already exists",
                named.name
            )));
        }
        let method = change.apply(old.as_deref())?;
        let id = method.id.clone();
        let change = Change::put_as(format!("{METHODS}{id}"), &method)?;
        known.methods.insert(id.clone(), Arc::new(method));
        self.store(known, vec![change], request).await?;
        Ok(id)
    }

    /// Removes a method with all its secrets; its absence is no error.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an enforcement names it.
    pub(super) async fn delete_method(&self, id: &str, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let mut enforcements = known.enforcements.values();
        if let Some(user) = enforcements.find(|it| it.methods.iter().any(|method| method == id)) {
            return Err(Error::Invalid(format!(
                "methodID is still used by an enforcement configuration with ID: {}",
                user.id
            )));
        }
        if known.methods.remove(id).is_none() {
            return Ok(());
        }
        let change = Change::delete(format!("{METHODS}{id}"));
        self.store(known, vec![change], request).await?;
        // What a crash leaves here opens nothing: without its method no secret is looked at.
        self.view.below(&format!("{SECRETS}{id}/")).clear().await
    }

    /// Makes an enforcement, or changes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it makes no sense.
    pub(super) async fn write_enforcement(
        &self,
        name: &str,
        change: EnforcementChange,
        request: &View,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let old = known.enforcements.get(name).map(|it| &**it);
        let enforcement = change.apply(name, old, &known.methods)?;
        let change = Change::put_as(format!("{ENFORCEMENTS}{name}"), &enforcement)?;
        known
            .enforcements
            .insert(name.to_owned(), Arc::new(enforcement));
        self.store(known, vec![change], request).await
    }

    /// Removes an enforcement; its absence is no error.
    pub(super) async fn delete_enforcement(&self, name: &str, request: &View) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        if known.enforcements.remove(name).is_none() {
            return Ok(());
        }
        let change = Change::delete(format!("{ENFORCEMENTS}{name}"));
        self.store(known, vec![change], request).await
    }

    /// Forgets logins and attempts whose time is over.
    pub(super) fn tick(&self, now: Timestamp) {
        self.attempts.prune(now);
        self.pending.prune(now);
    }

    /// Returns the keys, below the view of the mount, of all secrets that an entity can have.
    pub(super) fn secrets_of(&self, entity: &str) -> Vec<String> {
        let known = self.now();
        let methods = known.methods.keys();
        methods
            .map(|method| Self::secret_of(method, entity))
            .collect()
    }

    /// Returns the key, below the view of the mount, of the secret of an entity.
    pub(super) fn secret_of(method: &str, entity: &str) -> String {
        format!("{FOLDER}{}", secret::key(method, entity))
    }

    /// Reads the secrets of an entity as they are stored, by the ids of their methods.
    ///
    /// # Errors
    /// The store below failed.
    pub(super) async fn stored_secrets(&self, entity: &str) -> Result<Vec<(String, Entry)>, Error> {
        let mut secrets = Vec::new();
        for method in self.now().methods.keys() {
            let stored = self.view.get(&secret::key(method, entity)).await?;
            secrets.extend(stored.map(|entry| (method.clone(), entry)));
        }
        Ok(secrets)
    }

    async fn store(&self, known: Known, changes: Vec<Change>, request: &View) -> Result<(), Error> {
        request.on_record().await?;
        self.view.commit(changes).await?;
        self.snapshot.store(Arc::new(known));
        Ok(())
    }
}

impl Known {
    /// Finds a method by its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none; the text is Vault's.
    pub(super) fn method(&self, id: &str) -> Result<&Method, Error> {
        let method = self.methods.get(id).map(|method| &**method);
        method.ok_or_else(|| {
            Error::Invalid(format!("configuration for method ID {id:?} does not exist"))
        })
    }

    fn method_named(&self, name: &str) -> Option<&Arc<Method>> {
        self.methods.values().find(|method| method.name == name)
    }
}
