//! `sys/loggers` and `sys/monitor`: how much the process logs, and what.

use keyward_api::sys::{
    DeleteLogger, DeleteLoggers, Loggers, Monitor, ReadLogger, ReadLoggers, WriteLogger,
    WriteLoggers,
};

use serde_json::Value;

use super::Sys;
use crate::{Document, Error, Response, engine::Context};

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

/// Shows what is logged from now on.
pub(super) async fn monitor(cx: Context<Sys>, request: Monitor) -> Result<Response<Value>, Error> {
    if cx.request().proof.is_some() {
        return Err(Error::invalid(
            "what goes on without an end cannot be signed, as answers to signed requests are",
        ));
    }
    if cx.principal().is_some_and(|principal| principal.is_passing) {
        return Err(Error::invalid(
            "what goes on without an end needs a token, not inline authentication",
        ));
    }
    let given = |text: Option<String>, usual: &str| {
        text.filter(|text| !text.is_empty())
            .unwrap_or_else(|| usual.to_owned())
    };
    let format = given(request.log_format, "standard");
    let level = given(request.log_level, "info");
    let mut lines = cx.core().host.monitor(&level, &format)?;
    if let Some(token) = &cx.request().token {
        let path = cx.request().path.clone();
        lines = cx.core().streams.bound_to(token, path, lines);
    }
    let content_type = match &*format {
        "json" => "application/x-ndjson",
        _ => "text/plain; charset=utf-8",
    };
    Ok(Response::document(Document::growing(content_type, lines)))
}
