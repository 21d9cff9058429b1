//! `sys/audit`, `sys/audit-hash`, `sys/audit-head` and `sys/config/auditing`.

use std::collections::BTreeMap;

use keyward_api::sys::{
    AuditDevice, AuditHash, AuditHead, AuditedHeader, AuditedHeaders, DeleteAuditedHeader,
    DisableAuditDevice, EnableAuditDevice, HashForAudit, ListAuditDevices, ListAuditedHeaders,
    ReadAuditHead, ReadAuditedHeader, WriteAuditedHeader,
};

use super::Sys;
use crate::{Error, Response, audit::DeviceInfo, engine::Context};

/// Lists the enabled devices.
pub(super) async fn list(
    cx: Context<Sys>,
    _: ListAuditDevices,
) -> Result<Response<BTreeMap<String, AuditDevice>>, Error> {
    let devices = cx.core().audit.list().into_iter().map(|(key, device)| {
        let DeviceInfo {
            path,
            kind,
            description,
            local,
            options,
        } = device;
        (
            key,
            AuditDevice {
                path,
                kind,
                description,
                local,
                options,
            },
        )
    });
    Ok(Response::data(devices.collect()).at_top())
}

/// Enables a device.
pub(super) async fn enable(
    cx: Context<Sys>,
    request: EnableAuditDevice,
) -> Result<Response<()>, Error> {
    let EnableAuditDevice {
        path,
        kind,
        description,
        local,
        options,
    } = request;
    let new = DeviceInfo {
        path: folder(&path)?,
        kind: kind.unwrap_or_default(),
        description: description.unwrap_or_default(),
        local: local.unwrap_or_default(),
        options: options.unwrap_or_default(),
    };
    let unknown = cx.core().audit.enable(new, cx.view()).await?;
    if unknown.is_empty() {
        return Ok(Response::empty());
    }
    let names = unknown.join(" ");
    Ok(Response::empty().warn(format!(
        "The device ignored these unrecognized options: [{names}]"
    )))
}

/// Disables a device.
pub(super) async fn disable(
    cx: Context<Sys>,
    request: DisableAuditDevice,
) -> Result<Response<()>, Error> {
    cx.core()
        .audit
        .disable(&folder(&request.path)?, cx.view())
        .await?;
    Ok(Response::empty())
}

/// Hashes a value as a device does.
pub(super) async fn hash(
    cx: Context<Sys>,
    request: HashForAudit,
) -> Result<Response<AuditHash>, Error> {
    let path = folder(&request.path)?;
    let input = request.input.as_ref().map_or("", |input| {
        // EXPOSE: hashed.
        input.expose()
    });
    if input.is_empty() {
        return Err(Error::invalid("the \"input\" parameter is empty"));
    }
    let hash = cx.core().audit.hash(&path, input);
    let hash = hash.ok_or_else(|| unknown(&path))?;
    Ok(Response::data(AuditHash { hash }).at_top())
}

/// Tells where the log of a device ends.
pub(super) async fn head(
    cx: Context<Sys>,
    request: ReadAuditHead,
) -> Result<Response<AuditHead>, Error> {
    let path = folder(&request.path)?;
    let audit = &cx.core().audit;
    if !audit.list().contains_key(&path) {
        return Err(unknown(&path));
    }
    // So that it is known also where nothing was written since the server was unsealed.
    cx.view().on_record().await?;
    let head = audit
        .head(&path)
        .ok_or_else(|| Error::Invalid(format!("the audit backend \"{path}\" has kept no line")))?;
    Ok(Response::data(AuditHead {
        path,
        sequence: head.sequence,
        chain: head.chain.to_string(),
        time: head.time.to_string(),
    })
    .at_top())
}

/// Lists the request headers that the log shows.
pub(super) async fn list_headers(
    cx: Context<Sys>,
    _: ListAuditedHeaders,
) -> Result<Response<AuditedHeaders>, Error> {
    let headers = cx.core().audit.headers.current();
    Ok(Response::data((*headers).clone()).at_top())
}

/// Reads how the log shows a request header.
pub(super) async fn read_header(
    cx: Context<Sys>,
    request: ReadAuditedHeader,
) -> Result<Response<BTreeMap<String, AuditedHeader>>, Error> {
    let headers = cx.core().audit.headers.current();
    let header = headers
        .headers
        .get(&request.header.to_ascii_lowercase())
        .ok_or_else(|| Error::invalid("Could not find header in config"))?;
    Ok(Response::data(BTreeMap::from([(request.header, *header)])).at_top())
}

/// Lets the log show a request header.
pub(super) async fn write_header(
    cx: Context<Sys>,
    request: WriteAuditedHeader,
) -> Result<Response<()>, Error> {
    let hmac = request.hmac.unwrap_or_default();
    let header = AuditedHeader { hmac };
    let headers = &cx.core().audit.headers;
    headers.add(&request.header, header, cx.view()).await?;
    Ok(Response::empty())
}

/// Keeps a request header out of the log.
pub(super) async fn delete_header(
    cx: Context<Sys>,
    request: DeleteAuditedHeader,
) -> Result<Response<()>, Error> {
    let headers = &cx.core().audit.headers;
    headers.remove(&request.header, cx.view()).await?;
    Ok(Response::empty())
}

fn unknown(path: &str) -> Error {
    Error::Invalid(format!("unknown audit backend \"{path}\""))
}

/// Returns the name of a device as it is kept, with one slash at the end.
fn folder(path: &str) -> Result<String, Error> {
    match path.strip_suffix('/').unwrap_or(path) {
        "" => Err(Error::UnsupportedOperation),
        name => Ok(format!("{name}/")),
    }
}
