//! PostgreSQL: connections that are kept open for the next request, and what is done over them.

mod address;
mod tls;

use std::{fmt, future::Future, time::Duration};

use keyward_api::Sensitive;
use keyward_core::Error;
use keyward_crypto::SecretString;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, error::SqlState, types::ToSql};

use self::tls::Tls;

/// How long it may take to reach a database, its answer to the password included.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long the work over a connection may take.
const WORKING: Duration = Duration::from_secs(30);

/// How often a transaction is begun that others keep from being done.
const TRIES: usize = 20;

/// How a database is reached, as an operator says it.
pub(super) struct Settings<'a> {
    pub(super) connection_url: &'a str,
    pub(super) username: &'a str,
    pub(super) password: Option<&'a Sensitive>,
    pub(super) tls_ca: Option<&'a str>,
    pub(super) tls_certificate: Option<&'a str>,
    pub(super) private_key: Option<&'a Sensitive>,
    /// How many requests use it at once.
    pub(super) open: u32,
    /// How many connections stay open between requests.
    pub(super) idle: u32,
}

/// One database.
pub(super) struct Postgres {
    config: tokio_postgres::Config,
    tls: Tls,
    room: Semaphore,
    idle: Mutex<Vec<Client>>,
    most_idle: usize,
}

/// One connection, for one piece of work.
pub(super) struct Session<'a> {
    client: Client,
    database: &'a Postgres,
    _room: SemaphorePermit<'a>,
}

/// Why a database did not do its part.
#[derive(Debug)]
pub(super) enum Fault {
    /// It cannot be reached, or did not answer in time: nobody knows whether it was done.
    Away(String),
    /// It refuses the user or the password.
    Login(String),
    /// It refuses a statement, and nothing was changed; or it is described in a way that cannot be.
    Refused(String),
}

impl Postgres {
    /// Makes ready to reach a database.
    ///
    /// # Errors
    /// The settings make no sense.
    pub(super) fn new(settings: &Settings<'_>) -> Result<Self, Fault> {
        let (config, mode) = address::parse(settings)?;
        Ok(Self {
            tls: Tls::new(mode, settings)?,
            config,
            room: Semaphore::new(settings.open as usize),
            idle: Mutex::default(),
            most_idle: settings.idle as usize,
        })
    }

    /// Tells whether the database can be reached and takes the password.
    pub(super) async fn verify(&self) -> Result<(), Fault> {
        let client = self.connect().await?;
        in_time(WORKING, client.batch_execute("SELECT 1")).await
    }

    /// Takes a connection, or makes one.
    pub(super) async fn session(&self) -> Result<Session<'_>, Fault> {
        let room = tokio::time::timeout(WORKING, self.room.acquire()).await;
        let busy = |_| Fault::Away("all connections to the database are in use".to_owned());
        let room = room
            .map_err(busy)?
            .map_err(|error| Fault::Away(error.to_string()))?;
        let client = loop {
            let Some(client) = self.idle.lock().pop() else {
                break self.connect().await?;
            };
            // One that the database closed is noticed by asking.
            if in_time(WORKING, client.batch_execute("")).await.is_ok() {
                break client;
            }
        };
        Ok(Session {
            client,
            database: self,
            _room: room,
        })
    }

    async fn connect(&self) -> Result<Client, Fault> {
        let (client, connection) =
            in_time(CONNECTING, self.config.connect(self.tls.clone())).await?;
        // It ends when the client is dropped.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a database ended");
            }
        });
        Ok(client)
    }
}

/// What is done in one transaction.
#[derive(Clone, Copy)]
enum Task<'a> {
    Drop(&'a str),
    Run(&'a [SecretString]),
}

impl Session<'_> {
    /// Runs statements, all or nothing.
    pub(super) async fn run(self, statements: &[SecretString]) -> Result<(), Fault> {
        self.work(Task::Run(statements)).await
    }

    /// Tells whether there is a user of this name.
    pub(super) async fn has_user(&self, name: &str) -> Result<bool, Fault> {
        let of: [&(dyn ToSql + Sync); 1] = [&name];
        let found = self
            .client
            .query("SELECT FROM pg_roles WHERE rolname = $1", &of);
        Ok(!in_time(WORKING, found).await?.is_empty())
    }

    /// Removes a user with all privileges that it has in this database; one that is gone is no
    /// fault. What it owns keeps it from being removed: data is nobody's to lose.
    pub(super) async fn drop_user(self, name: &str) -> Result<(), Fault> {
        self.work(Task::Drop(name)).await
    }

    /// Does a task in one transaction; again, where another undid it.
    async fn work(mut self, task: Task<'_>) -> Result<(), Fault> {
        let work = async {
            let mut tries = 1;
            loop {
                let done = match task {
                    Task::Run(statements) => self.try_to_run(statements).await,
                    Task::Drop(name) => self.try_to_drop(name).await,
                };
                match done {
                    Err(error) if tries < TRIES && is_contended(&error) => tries += 1,
                    done => return done,
                }
            }
        };
        in_time(WORKING, work).await?;
        self.give_back();
        Ok(())
    }

    async fn try_to_run(
        &mut self,
        statements: &[SecretString],
    ) -> Result<(), tokio_postgres::Error> {
        let transaction = self.client.transaction().await?;
        for statement in statements {
            // EXPOSE: sent to the database, which makes or removes a user by it.
            transaction.batch_execute(statement.expose()).await?;
        }
        transaction.commit().await
    }

    async fn try_to_drop(&mut self, name: &str) -> Result<(), tokio_postgres::Error> {
        let transaction = self.client.transaction().await?;
        let user = quoted(name);
        for row in transaction.query(PRIVILEGES, &[&name]).await? {
            let on: &str = row.try_get(0)?;
            let revoke = format!("REVOKE ALL PRIVILEGES ON {on} FROM {user}");
            transaction.batch_execute(&revoke).await?;
        }
        let drop_user = format!("DROP ROLE IF EXISTS {user}");
        transaction.batch_execute(&drop_user).await?;
        transaction.commit().await
    }

    /// Keeps the connection for the next request. What failed or was given up is closed instead.
    fn give_back(self) {
        let mut idle = self.database.idle.lock();
        if idle.len() < self.database.most_idle {
            idle.push(self.client);
        }
    }
}

/// Lists what a user has privileges on, each as `REVOKE` names it.
const PRIVILEGES: &str = "
    WITH role AS (SELECT oid FROM pg_roles WHERE rolname = $1)
    SELECT format('DATABASE %I', d.datname) FROM pg_database d, role
        WHERE EXISTS (SELECT FROM aclexplode(d.datacl) a WHERE a.grantee = role.oid)
    UNION ALL
    SELECT format('SCHEMA %I', n.nspname) FROM pg_namespace n, role
        WHERE EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = role.oid)
    UNION ALL
    SELECT format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            n.nspname, c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, role
        WHERE EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = role.oid)
            OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) a
                WHERE t.attrelid = c.oid AND a.grantee = role.oid)
    UNION ALL
    SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p, role
        WHERE EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = role.oid)";

/// Tells whether a transaction was undone because another changed the same thing: a privilege on
/// the same table, which has no error code of its own.
fn is_contended(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|refusal| {
        let code = refusal.code();
        *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::T_R_DEADLOCK_DETECTED
            || *code == SqlState::INTERNAL_ERROR
                && refusal.message().starts_with("tuple concurrently")
    })
}

/// Writes a name as it stands in a statement.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn in_time<T>(
    most: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(most, work).await {
        Ok(done) => done.map_err(Fault::from),
        Err(_) => Err(Fault::Away(
            "the database did not answer in time".to_owned(),
        )),
    }
}

impl Fault {
    /// Returns the error for who asked: what the database refuses is theirs to mend.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Refused(text) => Error::Invalid(format!("failed to execute query: {text}")),
            Self::Away(_) | Self::Login(_) => Error::internal(self.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            let code = refusal.code();
            let text = format!(
                "{}: {} (SQLSTATE {})",
                refusal.severity(),
                refusal.message(),
                code.code()
            );
            return match code.code().get(..2) {
                // Invalid authorization.
                Some("28") => Self::Login(text),
                // The connection failed, the server has no room, is going down or coming up.
                Some("08" | "53" | "57" | "58") if *code != SqlState::QUERY_CANCELED => {
                    Self::Away(text)
                }
                _ => Self::Refused(text),
            };
        }
        let causes =
            std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        Self::Away(text)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(text) | Self::Login(text) | Self::Refused(text)) = self;
        f.write_str(text)
    }
}
