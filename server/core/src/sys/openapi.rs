//! `sys/internal/specs/openapi`: the API, for programs.

use keyward_api::sys::ReadOpenApi;
use serde_json::Value;

use super::Sys;
use crate::{Document, Error, Response, engine::Context, openapi};

/// Describes the mounts that the caller may use any of.
pub(super) async fn read(cx: Context<Sys>, request: ReadOpenApi) -> Result<Response<Value>, Error> {
    let mut mounts = cx.core().mounts.all();
    mounts.retain(|mount| {
        cx.principal()
            .is_some_and(|principal| principal.acl.reaches(&mount.full_path()))
    });
    let places = if request.generic_mount_paths == Some(true) {
        openapi::Places::Generic
    } else {
        openapi::Places::Real
    };
    let described = openapi::describe(&mounts, places, cx.core().settings.version);
    Ok(Response::document(Document::json(
        "application/json",
        &described,
    )?))
}
