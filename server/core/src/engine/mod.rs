//! Secrets engines and auth methods: one trait, a list of typed routes each.

mod context;
mod extract;
mod lease;
mod login;
mod routes;
mod values;

use std::{future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;

pub use context::{Call, Context};
pub use extract::Fields;
pub use lease::{Lease, LeaseData, LeaseTerm, LeasedSecret};
pub use login::{LoginClaim, LoginTerm};
pub(crate) use routes::Asker;
pub use routes::{Builder, Described, Matched, Routes, is_name};
pub use values::{globs, not_negative, page};

use crate::{Error, Timestamp, Token, mount::MountEntry, view::View};

/// A boxed future, as erased handlers return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether an engine answers below `/v1/<mount>/` or below `/v1/auth/<mount>/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An auth method: its public login route returns an `Auth`.
    Auth,
    /// A secrets engine.
    Secret,
}

/// What a mounted engine is built from.
#[derive(Clone)]
pub struct Backing {
    /// The entry of the mount table.
    pub entry: Arc<MountEntry>,
    /// The storage of this mount alone; writes through it are not tied to a request.
    pub view: View,
}

/// A kind of engine that can be mounted: one line in the registry.
#[derive(Clone, Copy)]
pub struct EngineKind {
    /// The `type` of the mount: `transit`, `kv`, `userpass`.
    pub name: &'static str,
    /// Where it may be mounted.
    pub class: Class,
    /// Other types that mean this one with certain options, as `kv-v2` is a `kv` of version 2.
    pub aliases: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    /// Builds one mount's engine and its routes.
    pub build: fn(Backing) -> Result<Mounted, Error>,
    /// Makes the data of a mount over when its option `version` rises from 1 to 2; none where there
    /// is but one version.
    pub upgrade: Option<Upgrade>,
}

/// Makes the data in a mount's view over for the next version of its engine. No request reaches the
/// mount meanwhile. It is called again after it failed or the process ended on the way; with
/// [`Error::Invalid`], before anything is changed, it refuses for good.
pub type Upgrade = fn(View, Timestamp) -> BoxFuture<'static, Result<(), Error>>;

/// A mounted engine: its routes, and its reaction to time and to the end of its mount.
pub struct Mounted {
    /// The routes, bound to the engine.
    pub routes: Routes,
    /// The engine itself.
    pub engine: Arc<dyn Engine>,
}

/// What every engine can be asked beside its routes.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Does what is due at `now`: rotation periods, tidying. Called every second or more often.
    ///
    /// # Errors
    /// The work could not be done now; it is tried again at the next tick.
    async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        let _ = now;
        Ok(())
    }

    /// Lets a secret that this engine leased last on, and says how long it may. The request is on
    /// record, and the lease's time is not over.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the secret cannot last on; else the engine failed. The lease stays as
    /// it was.
    async fn renew(&self, lease: &Lease<'_>) -> Result<LeaseTerm, Error> {
        let _ = lease;
        Err(Error::invalid("lease is not renewable"))
    }

    /// Takes back a secret that this engine leased, so that it opens nothing more.
    ///
    /// It may be called again for a secret that was taken back before, after a crash or by another
    /// node, and twice at once: what is gone is no error. It must not wait without an end.
    ///
    /// # Errors
    /// The secret may still be good. The lease stays, and this is called again, later and later
    /// and for ever.
    async fn revoke(&self, lease: &Lease<'_>) -> Result<(), Error> {
        let _ = lease;
        Err(Error::internal("the engine takes no secrets back"))
    }

    /// Says how long a token that a login here gave may last on, and renews nothing itself; none if
    /// whoever logged in is not known any more. The request is not yet on record, and the token's
    /// time is not over.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token cannot last on; else the engine failed.
    async fn renew_login(&self, token: &Token) -> Result<Option<LoginTerm>, Error> {
        let _ = token;
        Err(Error::invalid("this auth type doesn't support renew"))
    }

    /// Drops what is cached of the named storage key, relative to the mount's view, because
    /// another node changed it; `None` drops all.
    fn forget(&self, key: Option<&str>) {
        let _ = key;
    }
}
