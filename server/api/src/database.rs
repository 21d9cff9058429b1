//! The database engine: users of databases that are made when they are asked for, and leased.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `POST database/config/:name`: says how a database is reached, or changes what is given of it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteConnection {
    /// The name of the connection.
    #[serde(skip_serializing)]
    pub name: String,
    /// The kind of database: `postgresql-database-plugin`.
    #[serde(deserialize_with = "coerce::text")]
    pub plugin_name: Option<String>,
    /// Where it is: a URL or key-value pairs as libpq reads them (PostgreSQL 15, section 34.1.1),
    /// in which `{{username}}` and `{{password}}` stand for those given beside it. `sslmode` is
    /// `disable`, `prefer`, `require`, `verify-ca` or `verify-full`; `prefer` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub connection_url: Option<String>,
    /// The user that makes the others.
    #[serde(deserialize_with = "coerce::text")]
    pub username: Option<String>,
    /// Its password, which no answer shows.
    pub password: Option<Sensitive>,
    /// The roles that may use it, in which `*` stands for any text; none if never given.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_roles: Option<Vec<String>>,
    /// Whether it is refused if the database cannot be reached now; true if not given.
    #[serde(deserialize_with = "coerce::flag")]
    pub verify_connection: Option<bool>,
    /// The password policy that passwords follow; without one they are 20 letters, digits and
    /// hyphens.
    #[serde(deserialize_with = "coerce::text")]
    pub password_policy: Option<String>,
    /// What changes the password of the user that makes the others.
    #[serde(deserialize_with = "coerce::texts")]
    pub root_rotation_statements: Option<Vec<String>>,
    /// How many requests use the database at once; 4 if never given or 0.
    #[serde(deserialize_with = "coerce::int")]
    pub max_open_connections: Option<i64>,
    /// How many connections stay open between requests; as many as may be used at once if never
    /// given or 0, none if negative.
    #[serde(deserialize_with = "coerce::int")]
    pub max_idle_connections: Option<i64>,
    /// The authorities that certificates of the database are trusted by, PEM; those of the system
    /// if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub tls_ca: Option<String>,
    /// The certificate that the server shows the database, PEM.
    #[serde(deserialize_with = "coerce::text")]
    pub tls_certificate: Option<String>,
    /// Its private key, PEM, which no answer shows.
    pub private_key: Option<Sensitive>,
}
endpoint!(WriteConnection { name } => (): Update "config/{name}");

/// `GET database/config/:name`: tells how a database is reached.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadConnection {
    /// The name of the connection.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadConnection { name } => Connection: Read "config/{name}");

/// How a database is reached.
#[derive(Debug, Deserialize, Serialize)]
pub struct Connection {
    /// The roles that may use it.
    pub allowed_roles: Vec<String>,
    /// What is particular to its kind.
    pub connection_details: ConnectionDetails,
    /// The password policy that passwords follow; empty without one.
    pub password_policy: String,
    /// The kind of database.
    pub plugin_name: String,
    /// Kept for clients that read it: every kind is part of the server.
    pub plugin_version: String,
    /// What changes the password of the user that makes the others; none does what is usual.
    pub root_credentials_rotate_statements: Vec<String>,
}

/// Where a database is, and who goes there; without what is secret.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct ConnectionDetails {
    /// Where it is. A password that stands in it is shown as `*****`.
    pub connection_url: String,
    /// How many requests use the database at once, if that was given.
    pub max_open_connections: Option<i64>,
    /// How many connections stay open between requests, if that was given.
    pub max_idle_connections: Option<i64>,
    /// The authorities that certificates of the database are trusted by, if some were given.
    pub tls_ca: Option<String>,
    /// The certificate that the server shows the database, if one was given.
    pub tls_certificate: Option<String>,
    /// The user that makes the others.
    pub username: String,
}

/// `DELETE database/config/:name`: removes a connection. Users that were made over it cannot be
/// taken back until it is there again.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteConnection {
    /// The name of the connection; one that is unknown is no error.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteConnection { name } => (): Delete "config/{name}");

/// `LIST database/config`: lists the names of all connections.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListConnections {}
endpoint!(ListConnections {} => Names: List "config");

/// Names.
#[derive(Debug, Deserialize, Serialize)]
pub struct Names {
    /// The names.
    pub keys: Vec<String>,
}

/// `POST database/roles/:name`: says what users of a database are like, or changes what is given of
/// it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteRole {
    /// The name of the role.
    #[serde(skip_serializing)]
    pub name: String,
    /// The name of the connection.
    #[serde(deserialize_with = "coerce::text")]
    pub db_name: Option<String>,
    /// What makes a user, all or nothing. In statements `{{name}}` (or `{{username}}`),
    /// `{{password}}` and `{{expiration}}` stand for those of the user; a statement may come in
    /// base64, and as the text of a JSON list of statements.
    #[serde(deserialize_with = "coerce::texts")]
    pub creation_statements: Option<Vec<String>>,
    /// What removes a user; without them its privileges and then the user itself are removed.
    #[serde(deserialize_with = "coerce::texts")]
    pub revocation_statements: Option<Vec<String>>,
    /// What lets a user last longer; without them its `VALID UNTIL` is set.
    #[serde(deserialize_with = "coerce::texts")]
    pub renew_statements: Option<Vec<String>>,
    /// Kept and shown: what makes a user does all or nothing.
    #[serde(deserialize_with = "coerce::texts")]
    pub rollback_statements: Option<Vec<String>>,
    /// How long a user lasts; the default of the mount if not given or 0.
    #[serde(deserialize_with = "coerce::seconds")]
    pub default_ttl: Option<i64>,
    /// How long it lasts at most, whatever is renewed; the maximum of the mount if not given or 0.
    #[serde(deserialize_with = "coerce::seconds")]
    pub max_ttl: Option<i64>,
    /// `password`, which is all there is.
    #[serde(deserialize_with = "coerce::text")]
    pub credential_type: Option<String>,
}
endpoint!(WriteRole { name } => (): Update "roles/{name}");

/// `GET database/roles/:name`: tells what users of a database are like.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRole {
    /// The name of the role.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadRole { name } => Role: Read "roles/{name}");

/// What users of a database are like. Durations are whole seconds; 0 is the mount's.
#[derive(Debug, Deserialize, Serialize)]
pub struct Role {
    /// What makes a user.
    pub creation_statements: Vec<String>,
    /// `password`.
    pub credential_type: String,
    /// The name of the connection.
    pub db_name: String,
    /// How long a user lasts.
    pub default_ttl: u64,
    /// How long it lasts at most.
    pub max_ttl: u64,
    /// What lets a user last longer.
    pub renew_statements: Vec<String>,
    /// What removes a user.
    pub revocation_statements: Vec<String>,
    /// Kept for clients that set it.
    pub rollback_statements: Vec<String>,
}

/// `DELETE database/roles/:name`: removes a role; its users live on until their leases end.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRole {
    /// The name of the role; one that is unknown is no error.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteRole { name } => (): Delete "roles/{name}");

/// `LIST database/roles`: lists the names of all roles.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListRoles {}
endpoint!(ListRoles {} => Names: List "roles");

/// `GET database/creds/:name`: makes a user of a database, and leases it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadCredentials {
    /// The name of the role.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadCredentials { name } => Credentials: Read "creds/{name}");

/// A user of a database, which nobody else has.
#[derive(Debug, Deserialize, Serialize)]
pub struct Credentials {
    /// Its password.
    pub password: Sensitive,
    /// Its name.
    pub username: String,
}

/// `POST database/reset/:name`: closes the connections to a database; the next request opens new
/// ones.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ResetConnection {
    /// The name of the connection.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ResetConnection { name } => (): Update "reset/{name}");

/// `POST database/rotate-root/:name`: gives the user that makes the others a password that nobody
/// but the server knows.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RotateRoot {
    /// The name of the connection.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(RotateRoot { name } => (): Update "rotate-root/{name}");
