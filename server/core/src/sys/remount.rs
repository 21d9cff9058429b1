//! `sys/remount`: a mount at another path.

use keyward_api::sys::{ReadRemount, Remount, RemountStatus, Remounted};

use super::Sys;
use crate::{CanonicalPath, Error, Response, engine::Context};

/// Moves a mount, with all that it holds.
pub(super) async fn remount(
    cx: Context<Sys>,
    request: Remount,
) -> Result<Response<Remounted>, Error> {
    let given = |path: Option<String>| path.filter(|path| !path.is_empty());
    let (Some(from), Some(to)) = (given(request.from), given(request.to)) else {
        return Err(Error::invalid(
            "both 'from' and 'to' path must be specified as a string",
        ));
    };
    let (from, to) = (folder(&from, "from")?, folder(&to, "to")?);
    let core = cx.core();
    let migration_id = core
        .mounts
        .remount(&from, &to, &core.tokens, &core.leases, cx.now(), cx.view())
        .await?;
    core.quotas.moved(&from, &to, cx.view()).await?;
    Ok(Response::data(Remounted { migration_id }).at_top())
}

/// Tells how far a move is.
pub(super) async fn status(
    cx: Context<Sys>,
    request: ReadRemount,
) -> Result<Response<RemountStatus>, Error> {
    let ReadRemount { migration_id } = request;
    let migration = cx.core().mounts.migration(&migration_id);
    Ok(Response::data(RemountStatus {
        migration_info: migration.ok_or_else(Error::not_found)?,
        migration_id,
    }))
}

/// Returns a path of a body with its slash; it must be one that could be called.
fn folder(path: &str, which: &str) -> Result<String, Error> {
    if path.ends_with(char::is_whitespace) {
        return Err(Error::Invalid(format!(
            "'{which}' path cannot contain trailing whitespace"
        )));
    }
    let folder = format!("{}/", path.trim_matches('/'));
    if folder == "/" {
        return Ok(folder);
    }
    let path = CanonicalPath::parse(&folder);
    path.map_err(|error| Error::Invalid(format!("invalid '{which}' path {folder:?}: {error}")))?;
    Ok(folder)
}
