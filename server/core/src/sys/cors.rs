//! `sys/config/cors`.

use keyward_api::sys::{Cors, DeleteCors, ReadCors, WriteCors};

use super::Sys;
use crate::{Error, Response, engine::Context};

/// Reads which pages may call.
pub(super) async fn read(cx: Context<Sys>, _: ReadCors) -> Result<Response<Cors>, Error> {
    Ok(Response::data(cx.core().cors.configured()).at_top())
}

/// Lets pages call.
pub(super) async fn write(cx: Context<Sys>, request: WriteCors) -> Result<Response<()>, Error> {
    let cors = &cx.core().cors;
    if request.enable == Some(false) {
        cors.disable(cx.view()).await?;
    } else {
        let origins = request.allowed_origins.unwrap_or_default();
        cors.enable(
            origins,
            request.allowed_headers.unwrap_or_default(),
            cx.view(),
        )
        .await?;
    }
    Ok(Response::empty())
}

/// Lets no page call.
pub(super) async fn delete(cx: Context<Sys>, _: DeleteCors) -> Result<Response<()>, Error> {
    cx.core().cors.disable(cx.view()).await?;
    Ok(Response::empty())
}
