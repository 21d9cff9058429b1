//! `sys/internal/specs/openapi`: the API, for programs. `sys/internal/help`: for people.

use keyward_api::sys::{Help, QueryOpenApi, ReadHelp, ReadOpenApi};
use serde_json::Value;

use super::{Sys, ui::caller};
use crate::{Denial, Document, Error, Response, engine::Context, openapi};

/// Describes the mounts that the caller may use any of.
pub(super) async fn read(cx: Context<Sys>, request: ReadOpenApi) -> Result<Response<Value>, Error> {
    let caller = caller(&cx)?;
    let mut mounts = cx.core().mounts.all();
    mounts
        .retain(|mount| caller.is_some_and(|principal| principal.acl.reaches(&mount.full_path())));
    let places = if request.generic_mount_paths == Some(true) {
        openapi::Places::Generic
    } else {
        openapi::Places::Real
    };
    // A listener may keep the version from who has no token, and this is for them too.
    let version = caller.map_or("", |_| cx.core().settings.version);
    let described = openapi::describe(&mounts, places, version);
    Ok(Response::document(Document::json(
        "application/json",
        &described,
    )?))
}

/// The same, where it is asked for in a body.
pub(super) async fn query(
    cx: Context<Sys>,
    QueryOpenApi(request): QueryOpenApi,
) -> Result<Response<Value>, Error> {
    read(cx, request).await
}

/// Tells what can be done at a path. Anybody with a token may know: it is in the handbook.
pub(super) async fn help(cx: Context<Sys>, request: ReadHelp) -> Result<Response<Help>, Error> {
    if cx.principal().is_none() {
        return Err(Error::Denied(Denial::Token));
    }
    let core = cx.core();
    let path = request.path;
    // The path of a mount means all of it, with its slash or without.
    let whole = format!("{}/", path.trim_end_matches('/'));
    let found = core.mounts.find(&whole).filter(|(_, rest)| rest.is_empty());
    let (mount, rest) = found
        .or_else(|| core.mounts.find(&path))
        .ok_or_else(|| Error::NoRoute(path.clone()))?;
    let help = openapi::help(&mount, rest, core.settings.version)?;
    Ok(Response::document(Document::json(
        "application/json",
        &help,
    )?))
}
