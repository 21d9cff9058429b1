//! Clients: who trusts this server.

use std::{sync::Arc, time::Duration};

use keyward_api::Sensitive;
use keyward_crypto::{SecretString, random};
use serde::{Deserialize, Serialize};

use super::{
    super::{Known, Oidc},
    CLIENTS, DEFAULT_KEY, unique,
};
use crate::{Error, Timestamp, barrier::Change, view::View};

/// A client.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::identity) struct Client {
    pub(in crate::identity) redirect_uris: Vec<String>,
    pub(in crate::identity) assignments: Vec<String>,
    /// The name of the key that signs its identity tokens.
    pub(in crate::identity) key: String,
    /// In seconds.
    pub(in crate::identity) id_token_ttl: u64,
    /// In seconds.
    pub(in crate::identity) access_token_ttl: u64,
    pub(in crate::identity) client_id: String,
    /// What it proves that it is itself with; a public client has none.
    pub(in crate::identity) secret: Option<Sensitive>,
}

/// What a request says of a client; what it does not say stays.
#[derive(Debug, Default)]
pub(in crate::identity) struct ClientChange {
    pub(in crate::identity) redirect_uris: Option<Vec<String>>,
    pub(in crate::identity) assignments: Option<Vec<String>>,
    pub(in crate::identity) key: Option<String>,
    pub(in crate::identity) client_type: Option<String>,
    pub(in crate::identity) id_token_ttl: Option<u64>,
    pub(in crate::identity) access_token_ttl: Option<u64>,
}

const CONFIDENTIAL: &str = "confidential";
const PUBLIC: &str = "public";

/// How long tokens last where nothing is said: a day.
const DEFAULT_TTL: u64 = 24 * 3600;

/// Characters of a client id, and of a secret after its prefix.
const ID_LENGTH: usize = 32;
const SECRET_LENGTH: usize = 64;

/// How every client secret begins, and no other secret.
const SECRET_PREFIX: &str = "hvo_secret_";

impl Client {
    /// Returns the word for what it can keep secret (RFC 6749 section 2.1).
    pub(in crate::identity) const fn kind(&self) -> &'static str {
        match self.secret {
            None => PUBLIC,
            Some(_) => CONFIDENTIAL,
        }
    }

    /// Returns how long its access tokens last.
    pub(super) const fn access_ttl(&self) -> Duration {
        Duration::from_secs(self.access_token_ttl)
    }

    /// Makes a client that may do nothing yet.
    fn new() -> Self {
        Self {
            redirect_uris: Vec::new(),
            assignments: Vec::new(),
            key: DEFAULT_KEY.to_owned(),
            id_token_ttl: DEFAULT_TTL,
            access_token_ttl: DEFAULT_TTL,
            // EXPOSE: a name, which every request shows.
            client_id: random::generate_text(ID_LENGTH).expose().clone(),
            secret: None,
        }
    }

    fn duplicate(&self) -> Self {
        Self {
            redirect_uris: self.redirect_uris.clone(),
            assignments: self.assignments.clone(),
            key: self.key.clone(),
            client_id: self.client_id.clone(),
            secret: self.secret.as_ref().map(Sensitive::duplicate),
            ..*self
        }
    }
}

impl ClientChange {
    /// Lays the change over a client, or over a new one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the whole makes no sense; the texts are Vault's, and their order.
    fn apply(self, old: Option<&Client>, known: &Known) -> Result<Client, Error> {
        let mut client = old.map_or_else(Client::new, Client::duplicate);
        if let Some(uris) = self.redirect_uris {
            client.redirect_uris = unique(uris);
        }
        if let Some(names) = self.assignments {
            client.assignments = unique(names);
        }
        let assignments = &known.registry.assignments;
        if let Some(name) = client
            .assignments
            .iter()
            .find(|name| !assignments.contains_key(*name))
        {
            return Err(Error::Invalid(format!(
                "assignment {name:?} does not exist"
            )));
        }
        if let Some(key) = self.key {
            if old.is_some_and(|old| old.key != key) {
                return Err(Error::invalid("key modification is not allowed"));
            }
            client.key = key;
        }
        let key = known.keys.get(&client.key);
        let key =
            key.ok_or_else(|| Error::Invalid(format!("key {:?} does not exist", client.key)))?;
        if let Some(seconds) = self.id_token_ttl {
            client.id_token_ttl = seconds;
        }
        if client.id_token_ttl > key.settings.verification_ttl {
            return Err(Error::invalid(
                "a client's id_token_ttl cannot be greater than the verification_ttl of the key it \
                 references",
            ));
        }
        if let Some(seconds) = self.access_token_ttl {
            client.access_token_ttl = seconds;
        }
        match (old, self.client_type.as_deref()) {
            (None, None | Some(CONFIDENTIAL)) => client.secret = Some(generate_secret()),
            (None, Some(PUBLIC)) | (Some(_), None) => {}
            (None, Some(other)) => {
                return Err(Error::Invalid(format!("invalid client_type {other:?}")));
            }
            (Some(old), Some(kind)) if old.kind() == kind => {}
            (Some(_), Some(_)) => {
                return Err(Error::invalid("client_type modification is not allowed"));
            }
        }
        Ok(client)
    }
}

fn generate_secret() -> Sensitive {
    let body = random::generate_text(SECRET_LENGTH);
    // EXPOSE: copied into the secret, which is wiped too; no buffer grows on the way.
    let secret = [SECRET_PREFIX, body.expose()].concat();
    Sensitive::from(SecretString::new(secret))
}

impl Oidc {
    /// Registers a client, or changes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the whole makes no sense.
    pub(in crate::identity) async fn write_client(
        &self,
        name: &str,
        change: ClientChange,
        request: &View,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let old = known.registry.clients.get(name).map(|client| &**client);
        let client = change.apply(old, &known)?;
        let mut changes = vec![Change::put_as(format!("{CLIENTS}{name}"), &client)?];
        changes.extend(known.made(&client.key, now).await?);
        known
            .registry
            .clients
            .insert(name.to_owned(), Arc::new(client));
        self.store(known, changes, Some(request)).await
    }

    /// Removes a client; its absence is no error.
    pub(in crate::identity) async fn delete_client(
        &self,
        name: &str,
        request: &View,
    ) -> Result<(), Error> {
        let of = |known: &mut Known| known.registry.clients.remove(name).is_some();
        self.remove(CLIENTS, name, of, request).await
    }
}
