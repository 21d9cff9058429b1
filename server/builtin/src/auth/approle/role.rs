//! Roles: who may log in, and what they get.

use std::sync::Arc;

use keyward_api::{
    Sensitive,
    auth::{OlderParameters, approle as api},
};
use keyward_core::{
    Change, Error, Expect, LoginTokens, OlderNames, Response, View,
    engine::{Context, not_negative, page},
    storage::Revision,
};
use keyward_crypto::{HashAlgorithm, MacKey, SecretBytes, encoding, random};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Approle, blocks, record::Place, upkeep};

const FOLDER: &str = "role/";
const IDS: &str = "role_id/";

/// The stored form of a role.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Role {
    pub(super) role_id: String,
    /// What its secret ids are hashed with, as hexadecimal digits.
    hash_key: Sensitive,
    /// Where its secret ids are: a name that is used once.
    pub(super) shelf: String,
    pub(super) bind_secret_id: bool,
    /// As they were given.
    pub(super) secret_id_bound_cidrs: Vec<String>,
    pub(super) secret_id_num_uses: u64,
    /// Seconds.
    pub(super) secret_id_ttl: u64,
    local_secret_ids: bool,
    pub(super) tokens: LoginTokens,
}

/// A role that was found, by its name in lower case.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) role: Role,
    revision: Revision,
}

/// What a change of a role replaces.
struct Before {
    role_id: String,
    revision: Revision,
}

impl Found {
    /// Returns the role, to be changed.
    fn before(self) -> (Role, Option<Before>) {
        let before = Before {
            role_id: self.role.role_id.clone(),
            revision: self.revision,
        };
        (self.role, Some(before))
    }
}

impl Role {
    fn new() -> Self {
        let key = random::generate_bytes(32);
        Self {
            role_id: generate_id(),
            shelf: generate_id(),
            // EXPOSE: becomes the text that is stored, behind the barrier.
            hash_key: Sensitive::new(encoding::encode_hex(key.expose())),
            bind_secret_id: true,
            secret_id_bound_cidrs: Vec::new(),
            secret_id_num_uses: 0,
            secret_id_ttl: 0,
            local_secret_ids: false,
            tokens: LoginTokens::default(),
        }
    }

    /// Reads a role by a name in any case.
    pub(super) async fn find(view: &View, name: &str) -> Result<Option<Found>, Error> {
        let name = name.to_ascii_lowercase();
        let found = view.get_as(&key(&name)).await?;
        Ok(found.map(|(role, revision)| Found {
            name,
            role,
            revision,
        }))
    }

    /// Reads a role by its id.
    pub(super) async fn find_by_id(view: &View, id: &str) -> Result<Option<Found>, Error> {
        let Some((name, _)) = view.get_as::<String>(&id_key(id)).await? else {
            return Ok(None);
        };
        let found = Self::find(view, &name).await?;
        // The id may have become another's in between.
        Ok(found.filter(|found| found.role.role_id == id))
    }

    /// Returns where a secret id is, if it is the role's.
    pub(super) fn place(&self, secret_id: &str) -> Result<Place, Error> {
        // EXPOSE: becomes a key again.
        let key = encoding::decode_hex(self.hash_key.expose());
        let key = key.ok_or_else(|| Error::internal("a role has no key"))?;
        Ok(Place {
            shelf: self.shelf.clone(),
            digest: digest(key, secret_id),
        })
    }

    /// Overlays what is given.
    ///
    /// # Errors
    /// [`Error::Invalid`], in Vault's words; the role is then to be thrown away.
    pub(super) fn update(&mut self, mut given: api::WriteRole) -> Result<(), Error> {
        self.local_secret_ids = given.local_secret_ids.unwrap_or(self.local_secret_ids);
        if let Some(id) = given.role_id.take() {
            self.role_id = id;
        }
        self.bind_secret_id = given.bind_secret_id.unwrap_or(self.bind_secret_id);
        let cidrs = given.secret_id_bound_cidrs.take();
        if let Some(cidrs) = cidrs.or(given.bound_cidr_list.take()) {
            check_blocks(&cidrs)?;
            self.secret_id_bound_cidrs = cidrs;
        }
        if let Some(uses) = given.secret_id_num_uses {
            self.secret_id_num_uses = u64::try_from(uses)
                .map_err(|_| Error::invalid("secret_id_num_uses cannot be negative"))?;
        }
        if let Some(ttl) = given.secret_id_ttl {
            self.secret_id_ttl = not_negative("secret_id_ttl", ttl)?;
        }
        let older = OlderParameters {
            policies: given.policies.take(),
            period: given.period,
            ..OlderParameters::default()
        };
        self.tokens.update(given.take_token_parameters(), older)
    }

    /// Shows a role on the wire.
    pub(super) fn show(self) -> api::Role {
        let OlderNames {
            period, policies, ..
        } = self.tokens.show_older();
        let cidrs = self.secret_id_bound_cidrs;
        let shown = api::Role {
            bind_secret_id: self.bind_secret_id,
            local_secret_ids: self.local_secret_ids,
            period,
            policies,
            secret_id_bound_cidrs: Some(cidrs).filter(|cidrs| !cidrs.is_empty()),
            secret_id_num_uses: self.secret_id_num_uses,
            secret_id_ttl: self.secret_id_ttl,
            ..api::Role::default()
        };
        shown.with_tokens(self.tokens.show())
    }
}

fn digest(key: SecretBytes, text: &str) -> String {
    let tag = MacKey::new(key).compute(HashAlgorithm::Sha2_256, text.as_bytes());
    encoding::encode_hex(tag.as_ref())
}

/// Makes up an id of a role, or an accessor: a UUID (RFC 9562 section 5.4).
pub(super) fn generate_id() -> String {
    uuid::Builder::from_random_bytes(random::generate_nonce())
        .into_uuid()
        .to_string()
}

/// Makes up a secret id, a UUID as well.
pub(super) fn generate_secret_id() -> Sensitive {
    let bytes = random::generate_key::<16>();
    // EXPOSE: becomes the secret id.
    let id: Uuid = uuid::Builder::from_random_bytes(*bytes.expose()).into_uuid();
    Sensitive::new(id.to_string())
}

pub(super) async fn exists(_: Arc<Approle>, view: View, name: String) -> Result<bool, Error> {
    Ok(Role::find(&view, &name).await?.is_some())
}

pub(super) async fn write(
    cx: Context<Approle>,
    mut request: api::WriteRole,
) -> Result<Response<()>, Error> {
    let name = std::mem::take(&mut request.role_name).to_ascii_lowercase();
    let found = Role::find(cx.view(), &name).await?;
    if found.is_some() && request.local_secret_ids.is_some() {
        return Err(Error::invalid(
            "local_secret_ids can only be modified during role creation",
        ));
    }
    let (mut role, before) = match found {
        Some(found) => found.before(),
        None => (Role::new(), None),
    };
    let cidrs = request.secret_id_bound_cidrs.as_ref();
    if let Some(cidrs) = cidrs.or(request.bound_cidr_list.as_ref()) {
        check_blocks(cidrs).map_err(|error| fault(&error.to_string()))?;
    }
    role.update(request)?;
    if role.role_id.is_empty() {
        return Err(Error::invalid(
            "invalid role_id supplied, or failed to generate a role_id",
        ));
    }
    let max_ttl = role.tokens.term().max_ttl;
    store(cx.view(), &name, &role, before).await?;
    if max_ttl > cx.limits().max {
        return Ok(Response::empty().warn(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' \
             max TTL value will be truncated",
        ));
    }
    Ok(Response::empty())
}

/// Changes a role that is there.
///
/// # Errors
/// [`Error::Conflict`] if another request changed it meanwhile; [`Error::Invalid`], in Vault's words.
pub(super) async fn change(
    view: &View,
    found: Found,
    change: impl FnOnce(&mut Role) -> Result<(), Error>,
) -> Result<Response<()>, Error> {
    let name = found.name.clone();
    let (mut role, before) = found.before();
    change(&mut role)?;
    store(view, &name, &role, before).await?;
    Ok(Response::empty())
}

/// Writes a role with the way from its id to it, if it is still what was read: what another request
/// wrote in between is not lost, and this one is refused.
async fn store(view: &View, name: &str, role: &Role, before: Option<Before>) -> Result<(), Error> {
    if !role.bind_secret_id
        && role.secret_id_bound_cidrs.is_empty()
        && role.tokens.show().token_bound_cidrs.is_empty()
    {
        return Err(fault(
            "at least one constraint should be enabled on the role",
        ));
    }
    let expect = before
        .as_ref()
        .map_or(Expect::Absent, |before| Expect::At(before.revision));
    let mut changes = vec![Change::put_as(key(name), role)?.expecting(expect)];
    let old = before.map(|before| before.role_id);
    if old.as_ref() != Some(&role.role_id) {
        if view.get(&id_key(&role.role_id)).await?.is_some() {
            return Err(fault("role_id already in use"));
        }
        let name = name.to_owned();
        changes.push(Change::put_as(id_key(&role.role_id), &name)?.expecting(Expect::Absent));
        changes.extend(old.map(|old| Change::delete(id_key(&old))));
    }
    view.commit(changes).await.map(drop)
}

pub(super) async fn read(
    cx: Context<Approle>,
    request: api::ReadRole,
) -> Result<Response<api::Role>, Error> {
    let found = Role::find(cx.view(), &request.role_name).await?;
    let role = found.ok_or_else(Error::not_found)?.role;
    Ok(Response::data(role.show()))
}

/// Removes a role. Its secret ids are good for nothing from then on; the ticks remove them.
pub(super) async fn delete(
    cx: Context<Approle>,
    request: api::DeleteRole,
) -> Result<Response<()>, Error> {
    let Some(found) = Role::find(cx.view(), &request.role_name).await? else {
        return Ok(Response::empty());
    };
    let changes = vec![
        Change::delete(key(&found.name)).expecting(Expect::At(found.revision)),
        Change::delete(id_key(&found.role.role_id)),
        upkeep::leave(&found.role.shelf),
    ];
    cx.view().commit(changes).await?;
    Ok(Response::empty())
}

pub(super) async fn list(
    cx: Context<Approle>,
    request: api::ListRoles,
) -> Result<Response<api::Keys>, Error> {
    let limit = page(request.limit);
    let after = request.after.as_deref();
    let keys = cx.view().list(FOLDER, after, limit).await?;
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(api::Keys { keys }))
}

pub(super) async fn read_id(
    cx: Context<Approle>,
    request: api::ReadRoleId,
) -> Result<Response<api::RoleId>, Error> {
    let found = Role::find(cx.view(), &request.role_name).await?;
    let role_id = found.ok_or_else(Error::not_found)?.role.role_id;
    Ok(Response::data(api::RoleId { role_id }))
}

pub(super) async fn set_id(
    cx: Context<Approle>,
    request: api::SetRoleId,
) -> Result<Response<()>, Error> {
    let found = Role::find(cx.view(), &request.role_name).await?;
    let found = found.ok_or(Error::UnsupportedPath)?;
    let id = request.role_id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Error::invalid("missing role_id"))?;
    let rename = |role: &mut Role| {
        role.role_id = id;
        Ok(())
    };
    change(cx.view(), found, rename).await
}

/// Refuses addresses that are none.
pub(super) fn check_blocks(cidrs: &[String]) -> Result<(), Error> {
    let checked = blocks(cidrs).map(drop);
    checked.map_err(|error| Error::Invalid(format!("failed to validate CIDR blocks: {error}")))
}

/// Makes an error whose text Vault gives inside a list of its faults.
pub(super) fn fault(text: &str) -> Error {
    Error::Invalid(format!("1 error occurred:\n\t* {text}\n\n"))
}

fn key(name: &str) -> String {
    format!("{FOLDER}{name}")
}

/// Returns where the name of the role with an id is: an id may be any text, a key may not.
fn id_key(id: &str) -> String {
    let key = SecretBytes::new(IDS.as_bytes().to_vec());
    format!("{IDS}{}", digest(key, id))
}
