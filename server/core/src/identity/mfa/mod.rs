//! Login MFA: second factors, which logins need one, and the logins that wait for it.
//!
//! A [`Method`] is TOTP, which says how codes are made, or a service of others, which is asked
//! ([`service`]). A [`TotpSecret`] is what one entity makes its codes from, an [`Enforcement`] says
//! which logins need one of some methods. [`login`] asks for it where a token would be made,
//! [`pending`] keeps the login meanwhile, [`verify`] takes the codes and asks the services.
//!
//! Below the view of the mount:
//!
//! ```text
//! mfa/enforcement/NAME      an enforcement, as JSON
//! mfa/method/ID             a TOTP method, as JSON
//! mfa/service/ID            a method that is a service of others, as JSON
//! mfa/secret/ID/ENTITY      the secret of an entity for a method, and which codes of it were used,
//!                           as JSON
//! ```
//!
//! **Invariant:** a code is used up, durably, before the token is made that it is for; no token is
//! made before all enforcements are met. No lock is held while a service is asked.

mod attempts;
mod barcode;
mod credentials;
mod enforcement;
mod login;
mod method;
mod pending;
mod secret;
mod service;
mod totp;
mod verify;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use uuid::Uuid;

use self::{attempts::Attempts, pending::PendingLogins};
use super::load_all;
use crate::{
    Error, Timestamp,
    barrier::{Change, Entry},
    view::View,
};

pub use self::{
    credentials::MfaCredentials,
    login::ValidatedLogin,
    service::{Asked, MfaKind, MfaService, Unconfirmed},
};
pub(super) use self::{
    enforcement::{Enforcement, EnforcementChange},
    method::{Method, MethodChange},
    secret::{Generated, TotpSecret},
    service::ServiceChange,
    totp::{Totp, TotpChange},
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
const SERVICES: &str = "service/";

/// Keeps methods and enforcements: in memory as a snapshot, behind the barrier in storage.
pub(crate) struct Mfa {
    view: View,
    kinds: &'static [MfaKind],
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
    /// Loads all methods and enforcements; `mount` is the view of the mount, and `kinds` are all
    /// services that a method can be.
    ///
    /// # Errors
    /// The store below failed.
    pub(super) async fn open(mount: &View, kinds: &'static [MfaKind]) -> Result<Self, Error> {
        let view = mount.below(FOLDER);
        let mut known = Known::default();
        let totp = view.records::<Totp>(METHODS).await?.into_iter();
        let totp = totp.map(|(id, totp)| (id, Arc::new(Method::Totp(totp))));
        known.methods.extend(totp);
        service::load_services(&view, kinds, &mut known.methods).await?;
        load_all(&view, ENFORCEMENTS, &mut known.enforcements).await?;
        Ok(Self {
            view,
            kinds,
            snapshot: ArcSwap::from_pointee(known),
            attempts: Attempts::default(),
            pending: PendingLogins::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Returns all services that a method can be.
    pub(super) const fn kinds(&self) -> &'static [MfaKind] {
        self.kinds
    }

    /// Returns all methods and enforcements as they are now.
    pub(super) fn now(&self) -> Arc<Known> {
        self.snapshot.load_full()
    }

    /// Makes a method, or changes the one with an id; returns its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such id, [`Error::Invalid`] if the method makes no sense, its
    /// name is taken, or it is of another type.
    pub(super) async fn write_method(
        &self,
        id: Option<&str>,
        change: impl MethodChange,
        request: &View,
    ) -> Result<String, Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let name = change.name().unwrap_or_default().to_owned();
        let named = known.method_named(&name);
        let old = match id {
            None => named.filter(|named| named.kind() == change.kind()),
            Some(id) => Some(known.methods.get(id).ok_or_else(Error::not_found)?),
        };
        let old = old.cloned();
        if let Some(named) = named
            && old.as_ref().is_none_or(|old| old.id() != named.id())
        {
            return Err(Error::Invalid(format!(
                "a login MFA method configuration with the method name {name} already exists"
            )));
        }
        let (id, name) = match &old {
            None => (Uuid::new_v4().to_string(), name),
            Some(old) if old.kind() != change.kind() => return Err(no_method_of(change.kind())),
            Some(old) if name.is_empty() => (old.id().to_owned(), old.name().to_owned()),
            Some(old) => (old.id().to_owned(), name),
        };
        let method = change.apply(id.clone(), name, old.as_deref())?;
        let change = method.stored()?;
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
        let Some(method) = known.methods.remove(id) else {
            return Ok(());
        };
        let change = Change::delete(method.key());
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

    /// Finds a method by its id, which must be of a type.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, [`Error::Invalid`] if it is of another type.
    pub(super) fn method_of(&self, kind: &str, id: &str) -> Result<&Method, Error> {
        let method = self.methods.get(id).ok_or_else(Error::not_found)?;
        match method.kind() == kind {
            true => Ok(method),
            false => Err(no_method_of(kind)),
        }
    }

    fn method_named(&self, name: &str) -> Option<&Arc<Method>> {
        let mut methods = self.methods.values().filter(|_| !name.is_empty());
        methods.find(|method| method.name() == name)
    }
}

/// What Vault says of a method that is of another type.
fn no_method_of(kind: &str) -> Error {
    Error::Invalid(format!(
        "failed to find the method ID under MFA type {kind}."
    ))
}
