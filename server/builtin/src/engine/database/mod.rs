//! The database engine: users of databases that are made when they are asked for, leased, and
//! removed when their lease ends.
//!
//! | file | holds |
//! |---|---|
//! | `connections.rs` | how databases are reached; what is open to them |
//! | `roles.rs` | what users are like |
//! | `credentials.rs` | users made, renewed and removed |
//! | `root.rs` | the password of the user that makes the others |
//! | `statement.rs` `names.rs` | statements of operators; user names and passwords |
//! | `postgres/` | PostgreSQL, the one kind of database so far |
//!
//! **Invariant:** nothing is locked while a database is asked, and no answer of one is awaited
//! without an end.

mod connections;
mod credentials;
mod names;
mod postgres;
mod roles;
mod root;
mod statement;

use std::sync::Arc;

use async_trait::async_trait;
use keyward_core::{
    Error, View,
    engine::{Backing, Class, Engine, EngineKind, Lease, LeaseTerm, Mounted, Routes},
};

use self::connections::Pools;

/// The `database` engine.
pub const DATABASE: EngineKind = EngineKind {
    name: "database",
    aliases: &[],
    class: Class::Secret,
    build,
    upgrade: None,
};

/// One mount of the engine.
struct Databases {
    /// For what no request asks: renewals and revocations.
    view: View,
    pools: Pools,
}

fn build(backing: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Databases {
        view: backing.view,
        pools: Pools::default(),
    });
    let routes = Routes::of(Arc::clone(&engine))
        .on_upsert(connections::write, connections::exists)
        .on(connections::read)
        .on(connections::delete)
        .on(connections::list)
        .on(connections::reset)
        .on_upsert(roles::write, roles::exists)
        .on(roles::read)
        .on(roles::delete)
        .on(roles::list)
        .on(credentials::read)
        .on(root::rotate)
        .build();
    Ok(Mounted { routes, engine })
}

#[async_trait]
impl Engine for Databases {
    async fn renew(&self, lease: &Lease<'_>) -> Result<LeaseTerm, Error> {
        credentials::renew(self, lease).await
    }

    async fn revoke(&self, lease: &Lease<'_>) -> Result<(), Error> {
        credentials::revoke(self, lease).await
    }

    fn forget(&self, key: Option<&str>) {
        self.pools.forget(key);
    }
}

/// Lists the names in a folder.
async fn names(
    view: &View,
    folder: &str,
) -> Result<keyward_core::Response<keyward_api::database::Names>, Error> {
    let keys = view.list(folder, None, None).await?;
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    let names = keyward_api::database::Names { keys };
    Ok(keyward_core::Response::data(names))
}
