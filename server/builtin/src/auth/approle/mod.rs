//! The auth method `approle`: machines that log in with the id of a role and a secret id.
//!
//! ```text
//! role/NAME                      Role, which names its shelf
//! role_id/DIGEST                 the name of the role with this id
//! secret_id/SHELF/DIGEST         SecretId; the digest is keyed with what the role keeps for itself
//! accessor/SHELF/ACCESSOR        the digest of its secret id
//! expiry/SECONDS/DIGEST.SHELF    a secret id that ends then
//! left/SHELF                     a role was removed, and its secret ids are not yet
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `role.rs` `property.rs` | roles, as a whole and by single properties |
//! | `secret_id.rs` `metadata.rs` `record.rs` | secret ids: what callers ask about them, how they are kept |
//! | `login.rs` | logins, and how long their tokens last on |
//! | `upkeep.rs` | the end of secret ids, and of what removed roles leave |
//!
//! A role has a key and a shelf of its own, both made up and never used again: with the role all of
//! its secret ids are good for nothing, however long it takes to remove them, and another role of the
//! same name knows none of them.
//!
//! **Invariant:** no secret id is stored, only its keyed digest, and none is compared: it is looked up
//! by that. A use of one is durable before the token is given.

mod login;
mod metadata;
mod property;
mod record;
mod role;
mod secret_id;
#[cfg(test)]
mod tests;
mod upkeep;

use std::sync::Arc;

use async_trait::async_trait;
use keyward_core::{
    BoundCidr, Error, Timestamp, Token, View,
    engine::{Backing, Class, Engine, EngineKind, LoginTerm, Mounted, Routes},
};

/// The `approle` auth method.
pub const APPROLE: EngineKind = EngineKind {
    name: "approle",
    aliases: &[],
    class: Class::Auth,
    build,
    upgrade: None,
};

/// One mount of the auth method.
struct Approle {
    /// For what no request to the mount asks: renewals, and the end of secret ids.
    view: View,
}

fn build(backing: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Approle { view: backing.view });
    let routes = Routes::of(Arc::clone(&engine))
        .on_upsert(role::write, role::exists)
        .on(role::read)
        .on(role::delete)
        .on(role::list)
        .on(role::read_id)
        .on(role::set_id)
        .on(secret_id::generate)
        .on(secret_id::take)
        .on(secret_id::list)
        .on(secret_id::lookup)
        .on(secret_id::destroy)
        .on(secret_id::delete)
        .on(secret_id::lookup_accessor)
        .on(secret_id::destroy_accessor)
        .on(secret_id::delete_accessor)
        .on(upkeep::tidy)
        .on_login(login::log_in, login::claim);
    let routes = property::routes(routes).build();
    Ok(Mounted { routes, engine })
}

#[async_trait]
impl Engine for Approle {
    async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        upkeep::remove_due(&self.view, now).await
    }

    async fn renew_login(&self, token: &Token) -> Result<Option<LoginTerm>, Error> {
        login::renew(&self.view, token).await.map(Some)
    }
}

/// Reads addresses in the form `a.b.c.d/n`.
///
/// # Errors
/// [`Error::Invalid`], in Vault's words.
fn blocks(texts: &[String]) -> Result<Vec<BoundCidr>, Error> {
    let block = |text: &String| {
        let parsed = text.contains('/').then(|| text.parse().ok()).flatten();
        parsed.ok_or_else(|| Error::Invalid(format!("invalid CIDR address: {text}")))
    };
    texts.iter().map(block).collect()
}
