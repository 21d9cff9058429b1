//! `sys/loggers`: how much the process logs.

use keyward_api::sys::{
    DeleteLogger, DeleteLoggers, Loggers, ReadLogger, ReadLoggers, WriteLogger, WriteLoggers,
};

use super::Sys;
use crate::{Error, Response, engine::Context};

/// Reads all levels.
pub(super) async fn list(cx: Context<Sys>, _: ReadLoggers) -> Result<Response<Loggers>, Error> {
    Ok(Response::data(cx.core().host.loggers()))
}

/// Reads one level; a logger that is not there is no error, as in Vault.
pub(super) async fn read(
    cx: Context<Sys>,
    request: ReadLogger,
) -> Result<Response<Loggers>, Error> {
    let mut loggers = cx.core().host.loggers();
    loggers.retain(|name, _| *name == request.name);
    Ok(Response::data(loggers))
}

/// Sets all levels.
pub(super) async fn write_all(
    cx: Context<Sys>,
    request: WriteLoggers,
) -> Result<Response<()>, Error> {
    set(&cx, None, Some(required(request.level)?)).await
}

/// Sets one level.
pub(super) async fn write(cx: Context<Sys>, request: WriteLogger) -> Result<Response<()>, Error> {
    set(&cx, Some(request.name), Some(required(request.level)?)).await
}

/// Takes all levels back.
pub(super) async fn reset_all(cx: Context<Sys>, _: DeleteLoggers) -> Result<Response<()>, Error> {
    set(&cx, None, None).await
}

/// Takes one level back.
pub(super) async fn reset(cx: Context<Sys>, request: DeleteLogger) -> Result<Response<()>, Error> {
    set(&cx, Some(request.name), None).await
}

async fn set(
    cx: &Context<Sys>,
    logger: Option<String>,
    level: Option<String>,
) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    let host = &cx.core().host;
    host.set_level(logger.as_deref(), level.as_deref())?;
    Ok(Response::empty())
}

fn required(level: Option<String>) -> Result<String, Error> {
    match level {
        None => Err(Error::invalid("level is required")),
        Some(level) if level.is_empty() => Err(Error::invalid("level is empty")),
        Some(level) => Ok(level),
    }
}
