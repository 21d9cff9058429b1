//! The OpenID Connect provider: people who have a token here log in elsewhere with it.
//!
//! A [`Client`] is who trusts this server, an [`Assignment`] says which people it may ask about, a
//! [`Scope`] what it is told of them, a [`Provider`] which clients and scopes belong together under
//! one issuer. [`authorize`] makes a [code](code) for somebody who holds a token, [`exchange`] takes
//! it for an identity token and an [access token](access_token), and [`user_info`] shows claims to
//! who brings the latter.
//!
//! Below the view of identity tokens:
//!
//! ```text
//! assignment/NAME   an assignment, as JSON
//! client/NAME       a client with its secret, as JSON
//! provider/NAME     a provider, as JSON
//! scope/NAME        a scope, as JSON
//! ```
//!
//! **Invariant:** codes are in memory alone, as hashes, and access tokens nowhere: what was issued
//! before a seal is an access token that still opens, or a code that no longer does.

mod access_token;
mod assignment;
mod authorize;
mod claims;
mod client;
mod code;
mod exchange;
mod fault;
mod pkce;
mod scope;
mod user_info;

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::identity::{OidcAssignment, OidcScope};
use serde::{Deserialize, Serialize};

pub(super) use self::code::Codes;
pub(in crate::identity) use self::{
    authorize::Asker,
    client::{Client, ClientChange},
    exchange::Shown,
    fault::{Fault, OAuthError},
};
use super::{super::load_all, DEFAULT_KEY, Known, Oidc};
use crate::{Error, Timestamp, barrier::Change, view::View};

/// The scope that every request names, and that stands for the identity token itself.
pub(in crate::identity) const OPENID: &str = "openid";

/// The provider that is there from the start.
const DEFAULT: &str = "default";

const ASSIGNMENTS: &str = "assignment/";
const CLIENTS: &str = "client/";
const PROVIDERS: &str = "provider/";
const SCOPES: &str = "scope/";

/// Whom a client may ask about.
pub(in crate::identity) type Assignment = OidcAssignment;

/// What a client is told.
pub(in crate::identity) type Scope = OidcScope;

/// Which clients and scopes belong together, and who speaks to them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(in crate::identity) struct Provider {
    /// Scheme, host and port; empty for the address of the server.
    pub(in crate::identity) issuer: String,
    pub(in crate::identity) allowed_client_ids: Vec<String>,
    pub(in crate::identity) scopes_supported: Vec<String>,
}

/// What a request says of a provider; what it does not say stays.
#[derive(Debug, Default)]
pub(in crate::identity) struct ProviderChange {
    pub(in crate::identity) issuer: Option<String>,
    pub(in crate::identity) allowed_client_ids: Option<Vec<String>>,
    pub(in crate::identity) scopes_supported: Option<Vec<String>>,
}

/// All that the provider knows of one moment, by name.
#[derive(Clone)]
pub(in crate::identity) struct Registry {
    pub(in crate::identity) assignments: BTreeMap<String, Arc<Assignment>>,
    pub(in crate::identity) clients: BTreeMap<String, Arc<Client>>,
    pub(in crate::identity) providers: BTreeMap<String, Arc<Provider>>,
    pub(in crate::identity) scopes: BTreeMap<String, Arc<Scope>>,
}

impl Default for Registry {
    /// What is there from the start: a provider for all clients, and an assignment of everybody.
    fn default() -> Self {
        let provider = Provider {
            allowed_client_ids: vec!["*".to_owned()],
            ..Provider::default()
        };
        let everybody = (assignment::ALLOW_ALL.to_owned(), assignment::everybody());
        Self {
            assignments: BTreeMap::from([everybody]),
            clients: BTreeMap::new(),
            providers: BTreeMap::from([(DEFAULT.to_owned(), Arc::new(provider))]),
            scopes: BTreeMap::new(),
        }
    }
}

impl Registry {
    /// Loads what is stored.
    ///
    /// # Errors
    /// The store below failed.
    pub(super) async fn load(view: &View) -> Result<Self, Error> {
        let mut registry = Self::default();
        load_all(view, ASSIGNMENTS, &mut registry.assignments).await?;
        load_all(view, CLIENTS, &mut registry.clients).await?;
        load_all(view, PROVIDERS, &mut registry.providers).await?;
        load_all(view, SCOPES, &mut registry.scopes).await?;
        Ok(registry)
    }

    /// Finds a client by what it calls itself.
    fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.values().find(|client| client.client_id == id)
    }

    /// Returns the names of the clients whose tokens a key signs.
    pub(super) fn clients_of_key(&self, key: &str) -> Vec<&str> {
        names_of(&self.clients, |client| client.key == key)
    }

    /// Returns the longest time that an identity token of a key lasts; none if no client has it.
    pub(super) fn longest_ttl(&self, key: &str) -> Option<u64> {
        let clients = self.clients.values().filter(|client| client.key == key);
        clients.map(|client| client.id_token_ttl).max()
    }

    /// Returns the names of the keys that sign for the clients of a provider.
    pub(in crate::identity) fn keys_of(&self, provider: &Provider) -> Vec<&str> {
        let clients = self.clients.values();
        let mut keys: Vec<&str> = clients
            .filter(|client| provider.allows(&client.client_id))
            .map(|client| client.key.as_str())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

impl Provider {
    /// Tells whether a client may use it.
    pub(in crate::identity) fn allows(&self, client_id: &str) -> bool {
        let mut allowed = self.allowed_client_ids.iter();
        allowed.any(|allowed| allowed == "*" || allowed == client_id)
    }
}

impl Oidc {
    /// Makes a provider, or changes it; returns what its keeper should know.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it names a scope that is not there.
    pub(in crate::identity) async fn write_provider(
        &self,
        name: &str,
        change: ProviderChange,
        request: &View,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let registry = &mut known.registry;
        let old = registry.providers.get(name);
        let mut provider = old.map(|it| (**it).clone()).unwrap_or_default();
        if let Some(issuer) = change.issuer {
            provider.issuer = issuer;
        }
        if let Some(ids) = change.allowed_client_ids {
            provider.allowed_client_ids = unique(ids);
        }
        if let Some(scopes) = change.scopes_supported {
            provider.scopes_supported = unique(scopes);
        }
        let warnings = registry.judge_scopes(&provider.scopes_supported, now)?;
        let change = Change::put_as(format!("{PROVIDERS}{name}"), &provider)?;
        registry
            .providers
            .insert(name.to_owned(), Arc::new(provider));
        self.store(known, vec![change], Some(request)).await?;
        Ok(warnings)
    }

    /// Removes a provider; its absence is no error.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the one that stays.
    pub(in crate::identity) async fn delete_provider(
        &self,
        name: &str,
        request: &View,
    ) -> Result<(), Error> {
        if name == DEFAULT {
            return Err(Error::Invalid(format!(
                "deletion of OIDC provider {name:?} not allowed"
            )));
        }
        let of = |known: &mut Known| known.registry.providers.remove(name).is_some();
        self.remove(PROVIDERS, name, of, request).await
    }

    /// Removes what `of` takes out of the registry, if there was something.
    async fn remove(
        &self,
        folder: &str,
        name: &str,
        of: impl FnOnce(&mut Known) -> bool,
        request: &View,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        if !of(&mut known) {
            return Ok(());
        }
        let change = Change::delete(format!("{folder}{name}"));
        self.store(known, vec![change], Some(request)).await
    }
}

fn names_of<T>(records: &BTreeMap<String, Arc<T>>, fits: impl Fn(&T) -> bool) -> Vec<&str> {
    let fitting = records.iter().filter(|(_, record)| fits(record));
    fitting.map(|(name, _)| name.as_str()).collect()
}

/// Puts a list into the form in which it is stored: sorted, each once.
fn unique(mut list: Vec<String>) -> Vec<String> {
    list.sort_unstable();
    list.dedup();
    list
}

/// Makes the refusal to remove what others refer to; the text is Vault's.
pub(super) fn in_use(kind: &str, name: &str, users: &str, names: &[&str]) -> Error {
    Error::Invalid(format!(
        "unable to delete {kind} {name:?} because it is currently referenced by these {users}: {}",
        names.join(", ")
    ))
}
