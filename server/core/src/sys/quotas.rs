//! `sys/quotas/`: rate limits.

use keyward_api::sys::{
    DeleteRateLimit, ListRateLimits, QuotaConfig, RateLimit, RateLimits, ReadQuotaConfig,
    ReadRateLimit, WriteQuotaConfig, WriteRateLimit,
};

use super::Sys;
use crate::{Error, Response, engine::Context, mounts::Mounts};

/// Lists the limits.
pub(super) async fn list(
    cx: Context<Sys>,
    _: ListRateLimits,
) -> Result<Response<RateLimits>, Error> {
    let keys = cx.core().quotas.names();
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(RateLimits { keys }))
}

/// Reads a limit.
pub(super) async fn read(
    cx: Context<Sys>,
    request: ReadRateLimit,
) -> Result<Response<RateLimit>, Error> {
    let limit = cx.core().quotas.limit(&request.name);
    limit.map(Response::data).ok_or_else(Error::not_found)
}

/// Makes a limit, or makes it another one.
pub(super) async fn write(
    cx: Context<Sys>,
    request: WriteRateLimit,
) -> Result<Response<()>, Error> {
    let rate = request.rate.filter(|rate| *rate > 0.0 && rate.is_finite());
    let rate = rate.ok_or_else(|| Error::invalid("'rate' is invalid"))?;
    let interval = seconds("interval", request.interval)?;
    let block_interval = seconds("block_interval", request.block_interval)?;
    let path = place(
        request.path.as_deref().unwrap_or_default(),
        &cx.core().mounts,
    )?;
    if request.role.is_some_and(|role| !role.is_empty()) {
        // No auth method here has roles whose logins could be told apart.
        let mount = cx.core().mounts.find(&path);
        let mount = mount.map_or_else(|| path.clone(), |(mount, _)| mount.full_path());
        let problem = if mount.starts_with("auth/") {
            "does not support use with role-based quotas"
        } else {
            "is not a valid auth method and therefore unsuitable for use with role-based quotas"
        };
        return Err(Error::Invalid(format!("Mount path {mount:?} {problem}")));
    }
    let limit = RateLimit {
        block_interval,
        inheritable: request.inheritable.unwrap_or(path.is_empty()),
        interval: interval.max(1),
        name: request.name,
        path,
        rate,
        role: String::new(),
        kind: "rate-limit".to_owned(),
    };
    cx.core().quotas.put(limit, cx.view()).await?;
    Ok(Response::empty())
}

/// Removes a limit.
pub(super) async fn delete(
    cx: Context<Sys>,
    request: DeleteRateLimit,
) -> Result<Response<()>, Error> {
    cx.core().quotas.remove(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Reads what holds for all limits.
pub(super) async fn read_config(
    cx: Context<Sys>,
    _: ReadQuotaConfig,
) -> Result<Response<QuotaConfig>, Error> {
    Ok(Response::data((*cx.core().quotas.config()).clone()))
}

/// Sets what holds for all limits; the switches are off unless the request says otherwise.
pub(super) async fn write_config(
    cx: Context<Sys>,
    request: WriteQuotaConfig,
) -> Result<Response<()>, Error> {
    let WriteQuotaConfig {
        rate_limit_exempt_paths,
        absolute_rate_limit_exempt_paths,
        enable_rate_limit_audit_logging,
        enable_rate_limit_response_headers,
    } = request;
    let change = |config: &mut QuotaConfig| {
        config.enable_rate_limit_audit_logging = enable_rate_limit_audit_logging == Some(true);
        config.enable_rate_limit_response_headers =
            enable_rate_limit_response_headers == Some(true);
        if let Some(paths) = rate_limit_exempt_paths {
            config.rate_limit_exempt_paths = paths;
        }
        if let Some(paths) = absolute_rate_limit_exempt_paths {
            config.absolute_rate_limit_exempt_paths = paths;
        }
    };
    cx.core().quotas.configure(change, cx.view()).await?;
    Ok(Response::empty())
}

/// Returns a path as limits keep it: a mount with its slash, anything below without.
fn place(path: &str, mounts: &Mounts) -> Result<String, Error> {
    let bare = path.trim_matches('/');
    if bare.is_empty() {
        return Ok(String::new());
    }
    let folder = format!("{bare}/");
    let (mount, _) = mounts
        .find(&folder)
        .ok_or_else(|| Error::Invalid(format!("invalid mount path {folder:?}")))?;
    Ok(if mount.full_path() == folder {
        folder
    } else {
        bare.to_owned()
    })
}

fn seconds(name: &str, given: Option<i64>) -> Result<u64, Error> {
    let given = given.unwrap_or_default();
    u64::try_from(given).map_err(|_| {
        Error::Invalid(format!(
            "Field validation failed: error converting input for field {name:?}: cannot provide \
             negative value '{given}'"
        ))
    })
}
