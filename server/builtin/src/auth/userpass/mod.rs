//! The auth method `userpass`: people who log in with a name and a password.
//!
//! | file | holds |
//! |---|---|
//! | `users.rs` | who may log in, and what they get |
//! | `login.rs` | logins, and how long their tokens last on |
//! | `password.rs` | passwords: hashed, and compared as slowly where there is no such user |
//!
//! **Invariant:** a password is nowhere stored, and no answer shows its hash.

mod login;
mod password;
mod users;

use std::sync::Arc;

use async_trait::async_trait;
use keyward_core::{
    Error, Token, View,
    engine::{Backing, Class, Engine, EngineKind, LoginTerm, Mounted, Routes},
};

use self::password::Hashing;

/// The `userpass` auth method.
pub const USERPASS: EngineKind = EngineKind {
    name: "userpass",
    aliases: &[],
    class: Class::Auth,
    build,
    upgrade: None,
};

/// One mount of the auth method.
struct Userpass {
    /// For what no request to the mount asks: renewals.
    view: View,
    hashing: Hashing,
}

fn build(backing: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Userpass {
        view: backing.view,
        hashing: Hashing::new(),
    });
    let routes = Routes::of(Arc::clone(&engine))
        .on_upsert(users::write, users::exists)
        .on(users::read)
        .on(users::delete)
        .on(users::list)
        .on(users::set_password)
        .on(users::set_policies)
        .on_login(login::log_in, login::claim)
        .build();
    Ok(Mounted { routes, engine })
}

#[async_trait]
impl Engine for Userpass {
    async fn renew_login(&self, token: &Token) -> Result<Option<LoginTerm>, Error> {
        login::renew(&self.view, token).await
    }
}
