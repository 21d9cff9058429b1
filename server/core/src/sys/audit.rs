//! `sys/audit` and `sys/audit-hash`.

use std::collections::BTreeMap;

use keyward_api::sys::{
    AuditDevice, AuditHash, DisableAuditDevice, EnableAuditDevice, HashForAudit, ListAuditDevices,
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
    let hash = hash.ok_or_else(|| Error::Invalid(format!("unknown audit backend \"{path}\"")))?;
    Ok(Response::data(AuditHash { hash }).at_top())
}

/// Returns the name of a device as it is kept, with one slash at the end.
fn folder(path: &str) -> Result<String, Error> {
    match path.strip_suffix('/').unwrap_or(path) {
        "" => Err(Error::UnsupportedOperation),
        name => Ok(format!("{name}/")),
    }
}
