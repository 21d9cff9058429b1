//! The engine at `identity/`, one file a resource.

mod aliases;
mod entities;
mod group_aliases;
mod groups;
mod lookup;
mod merge;
pub(super) mod mfa;
mod oidc;
mod oidc_flow;
mod oidc_provider;
mod personas;
mod show;

use std::sync::Arc;

use async_trait::async_trait;

use super::{IdentityStore, Mfa, MfaKind, Oidc};
use crate::{
    Error, Timestamp,
    engine::{Engine, Mounted, Routes},
    view::View,
};

/// What the engine works on; the core has it too.
pub(crate) struct Identities {
    pub(crate) store: IdentityStore,
    pub(crate) oidc: Oidc,
    pub(crate) mfa: Mfa,
}

impl Identities {
    /// Loads all that is kept below the view of the mount; `kinds` are the services that second
    /// factors can be.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn open(view: View, kinds: &'static [MfaKind]) -> Result<Self, Error> {
        Ok(Self {
            mfa: Mfa::open(&view, kinds).await?,
            oidc: Oidc::open(view.below("oidc/")).await?,
            store: IdentityStore::open(view).await?,
        })
    }
}

#[async_trait]
impl Engine for Identities {
    async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        self.mfa.tick(now);
        self.oidc.tick(now).await
    }
}

/// Builds the one mount of the engine.
pub(crate) fn mount(identities: Arc<Identities>) -> Mounted {
    let routes = Routes::of(Arc::clone(&identities))
        .on(aliases::delete)
        .on(aliases::delete_old)
        .on(aliases::list)
        .on(aliases::list_old)
        .on(aliases::read)
        .on(aliases::read_old)
        .on(aliases::write)
        .on(aliases::write_by_id)
        .on(aliases::write_old)
        .on(aliases::write_old_by_id)
        .on(entities::delete)
        .on(entities::delete_batch)
        .on(entities::delete_by_name)
        .on(entities::list)
        .on(entities::list_names)
        .on(entities::read)
        .on(entities::read_by_name)
        .on(entities::write)
        .on(entities::write_by_id)
        .on(entities::write_by_name)
        .on(group_aliases::delete)
        .on(group_aliases::list)
        .on(group_aliases::read)
        .on(group_aliases::write)
        .on(group_aliases::write_by_id)
        .on(groups::delete)
        .on(groups::delete_by_name)
        .on(groups::list)
        .on(groups::list_names)
        .on(groups::read)
        .on(groups::read_by_name)
        .on(groups::write)
        .on(groups::write_by_id)
        .on(groups::write_by_name)
        .on(lookup::entity)
        .on(lookup::group)
        .on(merge::merge)
        .on(mfa::admin_destroy)
        .on(mfa::admin_generate)
        .on(mfa::create_totp)
        .on(mfa::delete_enforcement)
        .on(mfa::delete_totp)
        .on(mfa::generate)
        .on(mfa::list)
        .on(mfa::list_enforcements)
        .on(mfa::list_totp)
        .on(mfa::read)
        .on(mfa::read_enforcement)
        .on(mfa::read_totp)
        .on(mfa::update_totp)
        .on(mfa::write_enforcement)
        .on(oidc::delete_key)
        .on(oidc::delete_role)
        .on(oidc::discovery)
        .on(oidc::introspect)
        .on(oidc::key_set)
        .on(oidc::list_keys)
        .on(oidc::list_roles)
        .on(oidc::read_config)
        .on(oidc::read_key)
        .on(oidc::read_role)
        .on(oidc::rotate_key)
        .on(oidc::token)
        .on(oidc::write_config)
        .on_upsert(oidc::write_key, oidc::key_exists)
        .on_upsert(oidc::write_role, oidc::role_exists)
        .on(oidc_flow::authorize)
        .on(oidc_flow::authorize_by_query)
        .on(oidc_flow::exchange)
        .on(oidc_flow::post_user_info)
        .on(oidc_flow::user_info)
        .on(oidc_provider::delete_assignment)
        .on(oidc_provider::delete_client)
        .on(oidc_provider::delete_provider)
        .on(oidc_provider::delete_scope)
        .on(oidc_provider::discovery)
        .on(oidc_provider::key_set)
        .on(oidc_provider::list_assignments)
        .on(oidc_provider::list_clients)
        .on(oidc_provider::list_providers)
        .on(oidc_provider::list_scopes)
        .on(oidc_provider::read_assignment)
        .on(oidc_provider::read_client)
        .on(oidc_provider::read_provider)
        .on(oidc_provider::read_scope)
        .on(personas::delete)
        .on(personas::list)
        .on(personas::read)
        .on(personas::write)
        .on(personas::write_by_id)
        .on_upsert(
            oidc_provider::write_assignment,
            oidc_provider::assignment_exists,
        )
        .on_upsert(oidc_provider::write_client, oidc_provider::client_exists)
        .on_upsert(
            oidc_provider::write_provider,
            oidc_provider::provider_exists,
        )
        .on_upsert(oidc_provider::write_scope, oidc_provider::scope_exists);
    let kinds = identities.mfa.kinds().iter();
    let routes = kinds.fold(routes, |routes, kind| kind.routes(routes));
    Mounted {
        routes: routes.build(),
        engine: identities,
    }
}

/// Takes a text that is given and not empty.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Puts policies into the form in which they are stored, and refuses those that none may give.
fn policies(names: &[String]) -> Result<Vec<String>, Error> {
    let names = crate::token::sanitize(names);
    if names.iter().any(|name| name == "root") {
        return Err(Error::invalid("policies cannot contain root"));
    }
    Ok(names)
}

/// Returns the name that a path captured, which is one and no folder.
fn named(name: Option<String>) -> Result<Option<String>, Error> {
    match name.as_deref() {
        None | Some("") => Err(Error::UnsupportedOperation),
        Some(folder) if folder.ends_with('/') => Err(Error::UnsupportedPath),
        Some(_) => Ok(name),
    }
}
