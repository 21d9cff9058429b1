//! `sys/locked-users`: who failed to log in too often.

use keyward_api::{
    ROOT_NAMESPACE_ID,
    sys::{LockedAtMount, LockedInNamespace, LockedUsers, ReadLockedUsers, UnlockUser},
};

use super::Sys;
use crate::{Error, Response, engine::Context};

/// Lists who is locked out, by mount.
pub(super) async fn list(
    cx: Context<Sys>,
    request: ReadLockedUsers,
) -> Result<Response<LockedUsers>, Error> {
    let asked = request.mount_accessor.filter(|asked| !asked.is_empty());
    let mut mount_accessors = Vec::new();
    for mount in cx.core().mounts.all() {
        let accessor = &mount.entry.accessor;
        if !mount.mounted.routes.have_logins() || asked.as_ref().is_some_and(|it| it != accessor) {
            continue;
        }
        let locked = cx.core().lockouts.locked(&mount.entry, cx.now());
        if !locked.is_empty() {
            mount_accessors.push(LockedAtMount {
                mount_accessor: accessor.clone(),
                counts: locked.len(),
                alias_identifiers: Some(locked),
            });
        }
    }
    mount_accessors.sort_by(|a, b| a.mount_accessor.cmp(&b.mount_accessor));
    let total = mount_accessors.iter().map(|mount| mount.counts).sum();
    // Whom a mount is asked for is told of it, as in Vault, even if there is no such mount.
    if let (Some(mount_accessor), true) = (asked, mount_accessors.is_empty()) {
        mount_accessors.push(LockedAtMount {
            mount_accessor,
            counts: 0,
            alias_identifiers: None,
        });
    }
    Ok(Response::data(LockedUsers {
        by_namespace: vec![LockedInNamespace {
            namespace_id: ROOT_NAMESPACE_ID.to_owned(),
            namespace_path: String::new(),
            counts: total,
            mount_accessors,
        }],
        total,
    }))
}

/// Lets somebody try again.
pub(super) async fn unlock(cx: Context<Sys>, request: UnlockUser) -> Result<Response<()>, Error> {
    // It changes what the server lets through: on record first, as every change.
    cx.view().on_record().await?;
    let lockouts = &cx.core().lockouts;
    lockouts.unlock(&request.mount_accessor, &request.alias_identifier);
    Ok(Response::empty())
}
