//! `sys/internal/ui/`: what command lines and pages ask before they show or call a mount.

use keyward_api::sys::{
    ReadResultantAcl, ResultantAcl, ShownMount, UiMount, UiMountOutput, UiMounts, UiMountsReply,
    UiNamespaces, UiNamespacesReply,
};

use super::{Sys, mounts::output};
use crate::{
    Denial, Error, Principal, Response,
    engine::{Class, Context},
    mounts::Mount,
    policy::{Acl, Capability},
};

/// Lists the mounts that the caller may use any of.
pub(super) async fn mounts(
    cx: Context<Sys>,
    _: UiMounts,
) -> Result<Response<UiMountsReply>, Error> {
    let caller = caller(&cx)?;
    let mut reply = UiMountsReply::default();
    for mount in cx.core().mounts.all() {
        let shown = mount.entry.config.listing_visibility == "unauth"
            || caller.is_some_and(|principal| may_use(&principal.acl, &mount));
        if shown {
            let list = match mount.class {
                Class::Auth => &mut reply.auth,
                Class::Secret => &mut reply.secret,
            };
            let entry = &mount.entry;
            let shown = if caller.is_some() {
                ShownMount::Whole(Box::new(output(entry, cx.core().settings.version)))
            } else {
                ShownMount::Brief {
                    kind: entry.kind.clone(),
                    description: entry.description.clone(),
                    options: entry.options.clone(),
                }
            };
            list.insert(entry.path.clone(), shown);
        }
    }
    Ok(Response::data(reply))
}

/// Returns who asks where anybody may, and is shown less without a token.
///
/// # Errors
/// A token was sent and is no good: whoever thinks to be known must not take what strangers see for
/// all there is.
pub(super) fn caller(cx: &Context<Sys>) -> Result<Option<&Principal>, Error> {
    match cx.principal() {
        None if cx.request().token.is_some() => Err(Error::Denied(Denial::Token)),
        caller => Ok(caller),
    }
}

/// Tells which mount a path belongs to.
pub(super) async fn mount(
    cx: Context<Sys>,
    request: UiMount,
) -> Result<Response<UiMountOutput>, Error> {
    let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
    let path = format!("{}/", request.path.trim_end_matches('/'));
    let refused = || {
        Error::Refused(format!(
            "preflight capability check returned 403, please ensure client's policies grant access \
             to path \"{path}\""
        ))
    };
    let (mount, _) = cx.core().mounts.find(&path).ok_or_else(refused)?;
    if !may_use(&principal.acl, &mount) && !may_touch(&principal.acl, &path) {
        return Err(refused());
    }
    Ok(Response::data(UiMountOutput {
        path: mount.entry.path.clone(),
        mount: output(&mount.entry, cx.core().settings.version),
    }))
}

/// Lists the namespaces beside the one there is.
pub(super) async fn namespaces(
    cx: Context<Sys>,
    _: UiNamespaces,
) -> Result<Response<UiNamespacesReply>, Error> {
    cx.principal().ok_or(Error::Denied(Denial::Token))?;
    Ok(Response::data(UiNamespacesReply {}))
}

/// Tells what the caller's policies come to.
pub(super) async fn resultant_acl(
    cx: Context<Sys>,
    _: ReadResultantAcl,
) -> Result<Response<ResultantAcl>, Error> {
    let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
    let acl = &principal.acl;
    if acl.is_root() {
        return Ok(Response::data(ResultantAcl {
            root: true,
            ..ResultantAcl::default()
        }));
    }
    Ok(Response::data(ResultantAcl {
        root: false,
        exact_paths: Some(acl.exact_rules().collect()),
        glob_paths: Some(acl.prefix_rules().collect()),
    }))
}

/// Tells whether a rule grants anything on or below a mount.
fn may_use(acl: &Acl, mount: &Mount) -> bool {
    acl.reaches(&mount.full_path())
}

/// Tells whether anything is granted on just this path.
fn may_touch(acl: &Acl, path: &str) -> bool {
    acl.capabilities(path) != [Capability::Deny]
}
