//! Identity: who the holders of tokens are, whatever door they came through.
//!
//! An [`Entity`] is one person or machine, an [`Alias`] its name at one auth method, a [`Group`]
//! gives policies to many. The [`IdentityStore`] keeps them all in memory as one immutable
//! [`Snapshot`] and behind the barrier in storage; [`IdentityStore::of`] tells what a token's entity
//! brings to a request, [`template`] puts its values into the paths of policies, [`oidc`] signs
//! statements about it, and [`mfa`] asks it for a second factor. The endpoints below `identity/` are in [`engine`].
//!
//! Below the view of the mount:
//!
//! ```text
//! entity/ID         an entity with its aliases, as JSON
//! group/ID          a group with its alias, as JSON
//! mfa/…             see `mfa`
//! oidc/…            see `oidc`
//! ```
//!
//! **Invariant:** a request reads a snapshot and nothing else: no lock is waited for, no storage is
//! touched.

mod directive;
mod engine;
mod entity;
mod group;
mod login;
mod mfa;
mod oidc;
mod resolved;
mod snapshot;
mod store;
mod table;
mod template;

#[cfg(test)]
mod tests;

pub(crate) use engine::{Identities, mount};
use entity::{Alias, Entity, check_metadata};
use group::{Group, GroupKind};
pub use login::AliasGrant;
pub use mfa::{Asked, MfaCredentials, MfaKind, MfaService, Unconfirmed, ValidatedLogin};
pub(crate) use mfa::{Demanded, Login, Mfa, PendingLogin, Validation};
pub(crate) use oidc::Oidc;
pub use resolved::Identity;
use snapshot::{Draft, Snapshot};
pub(crate) use store::IdentityStore;

use std::{collections::BTreeMap, sync::Arc};

use serde::de::DeserializeOwned;

use crate::{Error, barrier::Barrier, view::View};

/// Returns the view of the one mount, which the store writes to on its own account.
pub(crate) fn view(barrier: &Arc<Barrier>) -> View {
    View::new(Arc::clone(barrier), "logical/identity/")
}

/// Reads all records of a folder, over those that are there from the start.
async fn load_all<T: DeserializeOwned>(
    view: &View,
    folder: &str,
    into: &mut BTreeMap<String, Arc<T>>,
) -> Result<(), Error> {
    let records = view.records(folder).await?.into_iter();
    into.extend(records.map(|(name, record)| (name, Arc::new(record))));
    Ok(())
}
