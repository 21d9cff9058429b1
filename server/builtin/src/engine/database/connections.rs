//! Connections: how databases are reached, and what is open to them.

use std::{collections::HashMap, sync::Arc};

use keyward_api::{Sensitive, database as api};
use keyward_core::{
    Change, Error, Expect, Response, Timestamp, View,
    engine::{Context, globs},
    storage::Revision,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{
    Databases,
    postgres::{Fault, Postgres, Settings},
};

const FOLDER: &str = "config/";

/// The one kind of database that there is.
const POSTGRESQL: &str = "postgresql-database-plugin";

/// How many requests use a database at once where nobody says, as in Vault.
const USUAL_OPEN: u32 = 4;

/// The stored form of a connection.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) plugin_name: String,
    pub(super) connection_url: String,
    pub(super) username: String,
    pub(super) password: Option<Sensitive>,
    /// The password that is being given to the user; see [`root`](super::root).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
    pub(super) allowed_roles: Vec<String>,
    pub(super) password_policy: String,
    pub(super) root_rotation_statements: Vec<String>,
    pub(super) max_open_connections: Option<i64>,
    pub(super) max_idle_connections: Option<i64>,
    pub(super) tls_ca: Option<String>,
    pub(super) tls_certificate: Option<String>,
    pub(super) private_key: Option<Sensitive>,
}

/// A password that the user of a connection may have by now.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Next {
    pub(super) password: Sensitive,
    pub(super) since: Timestamp,
}

/// A database that can be asked.
pub(super) struct Reached {
    pub(super) config: Config,
    /// Under which the connection is stored.
    pub(super) revision: Revision,
    pub(super) database: Arc<Postgres>,
}

/// What is open, by the name of the connection; each was opened for one revision of it.
#[derive(Default)]
pub(super) struct Pools(Mutex<HashMap<String, (Revision, Arc<Postgres>)>>);

impl Pools {
    /// Drops what is open over a connection that was changed; what is being used is used to its
    /// end.
    pub(super) fn forget(&self, key: Option<&str>) {
        let mut pools = self.0.lock();
        match key.map(|key| key.strip_prefix(FOLDER)) {
            None => pools.clear(),
            Some(None) => {}
            Some(Some(name)) => drop(pools.remove(name)),
        }
    }

    fn of(&self, name: &str, config: &Config, revision: Revision) -> Result<Arc<Postgres>, Error> {
        let known = self.0.lock().get(name).cloned();
        if let Some((of, pool)) = known
            && of == revision
        {
            return Ok(pool);
        }
        let pool = Arc::new(config.open(config.password.as_ref())?);
        let opened = (revision, Arc::clone(&pool));
        self.0.lock().insert(name.to_owned(), opened);
        Ok(pool)
    }
}

impl Config {
    /// Reads a connection.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words if there is none.
    pub(super) async fn read(view: &View, name: &str) -> Result<(Self, Revision), Error> {
        let found = view.get_as(&key(name)).await?;
        found.ok_or_else(|| {
            Error::Invalid(format!(
                "failed to find entry for connection with name: {name:?}"
            ))
        })
    }

    /// Writes a connection again, if it is still what was read.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it is not; else the store failed.
    pub(super) async fn store(
        &self,
        view: &View,
        name: &str,
        expect: Expect,
    ) -> Result<Revision, Error> {
        let change = Change::put_as(key(name), self)?.expecting(expect);
        view.commit(vec![change]).await
    }

    /// Makes ready to reach the database with a password; nothing is sent yet.
    pub(super) fn open(&self, password: Option<&Sensitive>) -> Result<Postgres, Error> {
        let most = |given: Option<i64>| given.unwrap_or_default();
        let open = match u32::try_from(most(self.max_open_connections)) {
            Ok(0) | Err(_) => USUAL_OPEN,
            Ok(open) => open,
        };
        let idle = match most(self.max_idle_connections) {
            0 => open,
            idle => u32::try_from(idle).unwrap_or_default().min(open),
        };
        Postgres::new(&Settings {
            connection_url: &self.connection_url,
            username: &self.username,
            password,
            tls_ca: self.tls_ca.as_deref(),
            tls_certificate: self.tls_certificate.as_deref(),
            private_key: self.private_key.as_ref(),
            open,
            idle,
        })
        .map_err(|fault| Error::Invalid(format!("error creating database object: {fault}")))
    }

    /// Tells whether a role may use the connection.
    pub(super) fn allows(&self, role: &str) -> bool {
        self.allowed_roles
            .iter()
            .any(|allowed| globs(allowed, role))
    }

    /// Overlays what was given.
    fn apply(&mut self, request: api::WriteConnection) {
        let given = |field: &mut String, given: Option<String>| {
            if let Some(given) = given {
                *field = given;
            }
        };
        given(&mut self.plugin_name, request.plugin_name);
        given(&mut self.connection_url, request.connection_url);
        given(&mut self.password_policy, request.password_policy);
        if request.username.is_some() || request.password.is_some() {
            self.next = None;
        }
        given(&mut self.username, request.username);
        self.password = request.password.or(self.password.take());
        self.allowed_roles = request
            .allowed_roles
            .unwrap_or_else(|| std::mem::take(&mut self.allowed_roles));
        self.root_rotation_statements = request
            .root_rotation_statements
            .unwrap_or_else(|| std::mem::take(&mut self.root_rotation_statements));
        self.max_open_connections = request.max_open_connections.or(self.max_open_connections);
        self.max_idle_connections = request.max_idle_connections.or(self.max_idle_connections);
        let text = |field: &mut Option<String>, given: Option<String>| {
            *field = given.or(field.take()).filter(|text| !text.is_empty());
        };
        text(&mut self.tls_ca, request.tls_ca);
        text(&mut self.tls_certificate, request.tls_certificate);
        self.private_key = request.private_key.or(self.private_key.take());
    }
}

impl Databases {
    /// Returns the way to a database, and the connection that leads there as it is stored. Where its
    /// user may have another password by now, the one that opens is found out first.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such connection; [`Error::Internal`] if the database is away.
    pub(super) async fn reach(&self, name: &str) -> Result<Reached, Error> {
        loop {
            let (mut config, revision) = Config::read(&self.view, name).await?;
            let database = self.pools.of(name, &config, revision)?;
            let opens = match &config.next {
                Some(_) => !matches!(database.verify().await, Err(Fault::Login(_))),
                None => true,
            };
            let Some(next) = config.next.take_if(|_| !opens) else {
                return Ok(Reached {
                    config,
                    revision,
                    database,
                });
            };
            let other = config.open(Some(&next.password))?;
            other.verify().await.map_err(Fault::into_error)?;
            config.password = Some(next.password);
            let stored = config.store(&self.view, name, Expect::At(revision)).await;
            match stored {
                // It is opened anew, with what is stored now; another request may have been first.
                Ok(_) | Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

pub(super) async fn exists(_: Arc<Databases>, view: View, name: String) -> Result<bool, Error> {
    Ok(view.get(&key(&name)).await?.is_some())
}

pub(super) async fn write(
    cx: Context<Databases>,
    request: api::WriteConnection,
) -> Result<Response<()>, Error> {
    let name = request.name.clone();
    let found = cx.view().get_as::<Config>(&key(&name)).await?;
    let (mut config, expect) = match found {
        Some((config, revision)) => (config, Expect::At(revision)),
        None => (Config::default(), Expect::Absent),
    };
    let verifies = request.verify_connection.unwrap_or(true);
    config.apply(request);
    match config.plugin_name.as_str() {
        POSTGRESQL => {}
        "" => return Err(Error::invalid("empty plugin name")),
        other => {
            return Err(Error::Invalid(format!(
                "error creating database object: plugin not found in the catalog: {other}"
            )));
        }
    }
    if config.connection_url.is_empty() {
        return Err(Error::invalid(
            "error creating database object: connection_url cannot be empty",
        ));
    }
    let database = config.open(config.password.as_ref())?;
    if verifies {
        cx.view().on_record().await?;
        database.verify().await.map_err(|fault| {
            Error::Invalid(format!(
                "error creating database object: error verifying connection: {fault}"
            ))
        })?;
    }
    config.store(cx.view(), &name, expect).await?;
    let response = Response::empty();
    if shown(&config.connection_url) != config.connection_url {
        return Ok(response.warn(
            "Password found in connection_url, use a templated url to enable root rotation and \
             prevent read access to password information.",
        ));
    }
    Ok(response)
}

pub(super) async fn read(
    cx: Context<Databases>,
    request: api::ReadConnection,
) -> Result<Response<api::Connection>, Error> {
    let found = cx.view().get_as::<Config>(&key(&request.name)).await?;
    let (config, _) = found.ok_or_else(Error::not_found)?;
    Ok(Response::data(api::Connection {
        allowed_roles: config.allowed_roles,
        connection_details: api::ConnectionDetails {
            connection_url: shown(&config.connection_url),
            max_open_connections: config.max_open_connections,
            max_idle_connections: config.max_idle_connections,
            tls_ca: config.tls_ca,
            tls_certificate: config.tls_certificate,
            username: config.username,
        },
        password_policy: config.password_policy,
        plugin_name: config.plugin_name,
        plugin_version: String::new(),
        root_credentials_rotate_statements: config.root_rotation_statements,
    }))
}

pub(super) async fn delete(
    cx: Context<Databases>,
    request: api::DeleteConnection,
) -> Result<Response<()>, Error> {
    cx.view().delete(&key(&request.name)).await?;
    cx.pools.forget(Some(&key(&request.name)));
    Ok(Response::empty())
}

pub(super) async fn list(
    cx: Context<Databases>,
    _: api::ListConnections,
) -> Result<Response<api::Names>, Error> {
    super::names(cx.view(), FOLDER).await
}

pub(super) async fn reset(
    cx: Context<Databases>,
    request: api::ResetConnection,
) -> Result<Response<()>, Error> {
    Config::read(cx.view(), &request.name).await?;
    cx.view().on_record().await?;
    cx.pools.forget(Some(&key(&request.name)));
    Ok(Response::empty())
}

fn key(name: &str) -> String {
    format!("{FOLDER}{name}")
}

/// Hides a password that stands in a connection URL, in either of its forms.
fn shown(url: &str) -> String {
    if let Some((scheme, rest)) = url.split_once("://") {
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let password = authority
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'));
        if let Some((user, password)) = password
            && !matches!(password, "" | "{{password}}")
        {
            let after = &rest[user.len() + 1 + password.len()..];
            return hide_parameter(&format!("{scheme}://{user}:*****{after}"));
        }
    }
    hide_parameter(url)
}

fn hide_parameter(url: &str) -> String {
    let Some(at) = url.find("password=") else {
        return url.to_owned();
    };
    let (before, value) = url.split_at(at + "password=".len());
    if value.starts_with("{{password}}") {
        return url.to_owned();
    }
    let end = match value.strip_prefix('\'') {
        Some(quoted) => quoted.find('\'').map(|end| end + 2),
        None => value.find([' ', '&']),
    };
    format!("{before}*****{}", &value[end.unwrap_or(value.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, seen) in [
            (
                "postgresql://u:p@ss@h/d?x=y",
                "postgresql://u:*****@h/d?x=y",
            ),
            (
                "postgresql://h/d?user=u&password=p&x=y",
                "postgresql://h/d?user=u&password=*****&x=y",
            ),
            (
                "host=h password='a b' user=u",
                "host=h password=***** user=u",
            ),
            ("host=h password=p", "host=h password=*****"),
            (
                "postgresql://{{username}}:{{password}}@h/d",
                "postgresql://{{username}}:{{password}}@h/d",
            ),
            (
                "host=h password={{password}}",
                "host=h password={{password}}",
            ),
        ] {
            assert_eq!(shown(url), seen);
        }
    }
}
