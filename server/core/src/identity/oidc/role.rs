//! What identity tokens tell, for whom, and for how long.

use keyward_crypto::random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{Entity, Identity, Snapshot, template};
use crate::{Error, Timestamp, policy::decode_text};

/// A role.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(in super::super) struct Role {
    /// The name of the key that signs.
    pub(in super::super) key: String,
    /// The claims beside the standard ones: JSON with templates; empty for none.
    pub(in super::super) template: String,
    /// How long its tokens last, in seconds.
    pub(in super::super) ttl: u64,
    /// The audience.
    pub(in super::super) client_id: String,
}

/// What a request says of a role; what it does not say stays.
#[derive(Debug, Default)]
pub(in super::super) struct RoleChange {
    pub(in super::super) key: Option<String>,
    pub(in super::super) template: Option<String>,
    pub(in super::super) ttl: Option<u64>,
    pub(in super::super) client_id: Option<String>,
}

/// The claims that the server makes itself, or may some day.
const RESERVED: [&str; 10] = [
    "iat",
    "aud",
    "exp",
    "iss",
    "sub",
    "namespace",
    "nonce",
    "auth_time",
    "at_hash",
    "c_hash",
];

/// How long tokens last where nothing is said: a day.
const DEFAULT_TTL: u64 = 24 * 3600;

/// Characters of an audience that is made up.
const CLIENT_ID_LENGTH: usize = 26;

impl RoleChange {
    /// Lays the change over a role, or over what a new one has.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no key is named, or the template makes no sense; the texts are Vault's.
    pub(super) fn apply(self, old: Option<&Role>, now: Timestamp) -> Result<Role, Error> {
        let mut role = old.cloned().unwrap_or_else(|| Role {
            ttl: DEFAULT_TTL,
            ..Role::default()
        });
        if let Some(key) = self.key {
            role.key = key;
        }
        if role.key.is_empty() {
            return Err(Error::invalid("the key parameter is required"));
        }
        if let Some(template) = self.template {
            let template = decode_text(&template).into_owned();
            check(&template, now)?;
            role.template = template;
        }
        if let Some(seconds) = self.ttl {
            role.ttl = seconds;
        }
        if let Some(client_id) = self.client_id {
            role.client_id = client_id;
        }
        if role.client_id.is_empty() {
            // EXPOSE: an audience is a name, which every token shows.
            role.client_id = random::generate_text(CLIENT_ID_LENGTH).expose().clone();
        }
        Ok(role)
    }
}

/// Leaves out the claims that the server makes itself: the name of a claim may be a template too,
/// and what it becomes is known only once it is filled.
pub(super) fn without_reserved(
    claims: Map<String, Value>,
) -> impl Iterator<Item = (String, Value)> {
    let claims = claims.into_iter();
    claims.filter(|(name, _)| !RESERVED.contains(&name.as_str()))
}

/// Refuses a template that no entity could fill, or that speaks for the server.
///
/// # Errors
/// [`Error::Invalid`]; the texts are Vault's.
pub(super) fn check(template: &str, now: Timestamp) -> Result<(), Error> {
    let claimed = claimed(template, now)?;
    match RESERVED
        .into_iter()
        .find(|name| claimed.iter().any(|claim| claim == name))
    {
        None => Ok(()),
        Some(name) => Err(Error::Invalid(format!(
            "top level key {name:?} not allowed. Restricted keys: {}",
            RESERVED.join(", ")
        ))),
    }
}

/// Returns the names of the claims that a template makes.
///
/// # Errors
/// [`Error::Invalid`] if no entity could fill it.
pub(super) fn claimed(template: &str, now: Timestamp) -> Result<Vec<String>, Error> {
    if template.is_empty() {
        return Ok(Vec::new());
    }
    let nobody = Entity::new(Some(String::new()), now).into();
    let nobody = Identity::resolve(&Snapshot::default(), &nobody, 0);
    let claims = template::claims(template, &nobody, now).map_err(Error::Invalid)?;
    Ok(claims.into_iter().map(|(name, _)| name).collect())
}
