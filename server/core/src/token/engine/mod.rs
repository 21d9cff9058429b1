//! The engine at `auth/token/`: tokens made, looked up, renewed and revoked by callers.
//!
//! Its engine is the [`TokenStore`] itself, which belongs to the core.

mod create;
mod lookup;
mod policies;
mod renew;
mod revoke;
mod roles;
mod tidy;

#[cfg(test)]
mod tests;

pub(crate) use roles::origins as role_origins;

use std::sync::Arc;

use async_trait::async_trait;
use keyward_crypto::SecretString;

use super::{Token, TokenStore};
use crate::{
    Denial, Error, Timestamp, TokenId,
    engine::{Context, Engine, Mounted, Routes},
    gate::Principal,
    policy::{Capability, Question},
};

#[async_trait]
impl Engine for TokenStore {
    /// Tidies; what ends by itself is in [`TokenStore::tick`], which the core calls first.
    async fn tick(&self, _: Timestamp) -> Result<(), Error> {
        self.tidy_some().await;
        Ok(())
    }
}

/// Builds the one mount of the token engine.
pub(crate) fn mount(store: Arc<TokenStore>) -> Mounted {
    let routes = Routes::of(Arc::clone(&store))
        .on(create::create)
        .on(create::create_by_role)
        .on(create::create_orphan)
        .on(lookup::accessors)
        .on(lookup::by_accessor)
        .on(lookup::own)
        .on(lookup::own_by_update)
        .on(lookup::read)
        .on(lookup::token)
        .on(renew::by_accessor)
        .on(renew::own)
        .on(renew::token)
        .on(revoke::by_accessor)
        .on(revoke::orphan)
        .on(revoke::own)
        .on(revoke::token)
        .on(roles::delete)
        .on(roles::list)
        .on(roles::read)
        .on_upsert(roles::write, roles::exists)
        .on(tidy::tidy)
        .build();
    Mounted {
        routes,
        engine: store,
    }
}

/// Returns who asks; no route here is public.
fn principal(cx: &Context<TokenStore>) -> Result<&Principal, Error> {
    cx.principal().ok_or(Error::Denied(Denial::Token))
}

/// Tells whether the caller has root or sudo on the path of the request.
fn has_sudo(cx: &Context<TokenStore>, principal: &Principal) -> bool {
    let question = Question {
        capability: Capability::Update,
        path: cx.request().path.as_str(),
        parameters: None,
        wrap_ttl: None,
    };
    principal.acl.check(&question).sudo
}

/// Finds the token behind an accessor that a request names.
pub(crate) async fn accessed(
    tokens: &TokenStore,
    accessor: Option<&str>,
    now: Timestamp,
) -> Result<Option<Arc<Token>>, Error> {
    match accessor {
        None | Some("") => Err(Error::fault("missing accessor")),
        Some(accessor) => tokens.by_accessor(accessor, now).await,
    }
}

/// Takes the token that a request names, if it names one.
pub(crate) fn named(token: Option<keyward_api::Sensitive>) -> Option<TokenId> {
    // EXPOSE: moved into the type that a token has inside.
    let text = token
        .as_ref()
        .map(keyward_api::Sensitive::expose)
        .filter(|text| !text.is_empty());
    text.map(|text| TokenId::new(SecretString::new(text.to_owned())))
}
