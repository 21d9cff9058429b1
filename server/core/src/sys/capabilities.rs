//! `sys/capabilities*`: what a token may do.

use keyward_api::sys::{Capabilities, CapabilitiesAccessor, CapabilitiesReply, CapabilitiesSelf};

use super::Sys;
use crate::{Denial, Error, Response, TokenId, engine::Context, policy::Acl};

/// Tells what a given token may do.
pub(super) async fn of_token(
    cx: Context<Sys>,
    request: Capabilities,
) -> Result<Response<CapabilitiesReply>, Error> {
    // EXPOSE: whether it is empty is looked at.
    let token = request
        .token
        .filter(|token| !token.expose().is_empty())
        .ok_or_else(|| Error::invalid("no token found"))?;
    // EXPOSE: looked up, not kept.
    let id = TokenId::new(keyward_crypto::SecretString::new(token.expose().to_owned()));
    let principal = cx.core().principal(&id, cx.now()).await?;
    let principal = principal.ok_or_else(|| Error::invalid("invalid token"))?;
    answer(&cx, &principal.acl, [request.paths, request.path])
}

/// Tells what the token behind an accessor may do.
pub(super) async fn of_accessor(
    cx: Context<Sys>,
    request: CapabilitiesAccessor,
) -> Result<Response<CapabilitiesReply>, Error> {
    let accessor = request.accessor.filter(|accessor| !accessor.is_empty());
    let accessor = accessor.ok_or_else(|| Error::invalid("missing accessor"))?;
    let token = cx.core().tokens.by_accessor(&accessor, cx.now()).await?;
    let token = token.ok_or_else(|| Error::invalid("invalid accessor"))?;
    let holder = cx.core().holder(token, cx.now());
    let holder = holder.ok_or_else(|| Error::invalid("invalid accessor"))?;
    answer(&cx, &holder.acl, [request.paths, request.path])
}

/// Tells what the caller may do.
pub(super) async fn of_self(
    cx: Context<Sys>,
    request: CapabilitiesSelf,
) -> Result<Response<CapabilitiesReply>, Error> {
    let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
    answer(&cx, &principal.acl, [request.paths, request.path])
}

fn answer(
    cx: &Context<Sys>,
    acl: &Acl,
    either: [Option<Vec<String>>; 2],
) -> Result<Response<CapabilitiesReply>, Error> {
    let mut given = either.into_iter().flatten();
    let paths = given.find(|paths| !paths.is_empty());
    let paths = paths.ok_or_else(|| Error::invalid("paths must be supplied"))?;
    if paths.iter().any(String::is_empty) {
        return Err(Error::invalid("missing path"));
    }
    let names = |path: &str| {
        let path = path.strip_prefix('/').unwrap_or(path);
        let spellings = cx.core().mounts.spellings(path, acl.has_capitals());
        acl.capabilities_spelled(path, &spellings)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let mut reply: CapabilitiesReply = paths
        .iter()
        .map(|path| (path.clone(), names(path)))
        .collect();
    if let [only] = &paths[..] {
        reply.insert("capabilities".to_owned(), names(only));
    }
    Ok(Response::data(reply).at_top())
}
