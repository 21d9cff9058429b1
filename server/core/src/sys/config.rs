//! `sys/config`: what the server was told, files read anew, headers of the user interface.

use keyward_api::sys::{
    DeleteUiHeader, ListUiHeaders, ReadSanitizedConfig, ReadUiHeader, ReloadConfig, UiHeader,
    UiHeaderNames, WriteUiHeader,
};
use serde_json::{Map, Value};

use super::Sys;
use crate::{Error, Response, engine::Context, ui_headers};

/// Reads the configuration.
pub(super) async fn read(
    cx: Context<Sys>,
    _: ReadSanitizedConfig,
) -> Result<Response<Map<String, Value>>, Error> {
    Ok(Response::data(cx.core().host.configuration()))
}

/// Reads files anew.
pub(super) async fn reload(cx: Context<Sys>, request: ReloadConfig) -> Result<Response<()>, Error> {
    let core = cx.core();
    match request.subsystem.as_str() {
        "audit" => {
            cx.view().on_record().await?;
            core.audit.reopen().await;
        }
        "listener" => {
            cx.view().on_record().await?;
            core.host.reload_certificates();
        }
        _ => return Err(Error::UnsupportedPath),
    }
    Ok(Response::empty())
}

/// Lists the names of the headers.
pub(super) async fn list_ui_headers(
    cx: Context<Sys>,
    _: ListUiHeaders,
) -> Result<Response<UiHeaderNames>, Error> {
    let keys: Vec<_> = cx.core().ui_headers.current().keys().cloned().collect();
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(UiHeaderNames { keys }))
}

/// Reads a header.
pub(super) async fn read_ui_header(
    cx: Context<Sys>,
    request: ReadUiHeader,
) -> Result<Response<UiHeader>, Error> {
    let headers = cx.core().ui_headers.current();
    let values = headers.get(&ui_headers::canonical(&request.header));
    let values = values.ok_or_else(Error::not_found)?;
    Ok(Response::data(match request.multivalue {
        Some(true) => UiHeader {
            values: Some(values.clone()),
            value: None,
        },
        _ => UiHeader {
            value: values.first().cloned(),
            values: None,
        },
    }))
}

/// Sets a header.
pub(super) async fn write_ui_header(
    cx: Context<Sys>,
    request: WriteUiHeader,
) -> Result<Response<()>, Error> {
    let values = request.values.unwrap_or_default();
    let headers = &cx.core().ui_headers;
    headers.set(&request.header, values, cx.view()).await?;
    // Not 204: Vault answers with an envelope around nothing.
    let done = Response::data(());
    Ok(match ui_headers::canonical(&request.header).as_str() {
        name @ "Content-Security-Policy" => done.warn(format!(
            "overriding default {name} which is secure by default, proceed with caution"
        )),
        _ => done,
    })
}

/// Removes a header.
pub(super) async fn delete_ui_header(
    cx: Context<Sys>,
    request: DeleteUiHeader,
) -> Result<Response<()>, Error> {
    let headers = &cx.core().ui_headers;
    headers.remove(&request.header, cx.view()).await?;
    Ok(Response::empty())
}
