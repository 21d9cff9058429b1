//! `sys/mounts` and `sys/auth`.

use std::collections::BTreeMap;

use keyward_api::{
    coerce,
    sys::{
        DisableAuth, DisableMount, EnableAuth, EnableMount, ListAuth, ListMounts, MountConfigInput,
        MountOutput, ReadAuth, ReadAuthTune, ReadMount, ReadTune, Tune, TuneAuth, TuneOutput,
        UserLockoutInput,
    },
};

use super::{
    Sys,
    plugins::{builtin_version, check_version},
};
use crate::{
    Error, Response,
    engine::{Class, Context},
    mount::{MountConfig, MountEntry, UserLockout},
    mounts::{Mount, NewMount, is_builtin},
    token::TokenType,
};

/// Lists the secrets engines.
pub(super) async fn list(
    cx: Context<Sys>,
    _: ListMounts,
) -> Result<Response<BTreeMap<String, MountOutput>>, Error> {
    Ok(Response::data(all(&cx, Class::Secret)).at_top())
}

/// Lists the auth methods.
pub(super) async fn list_auth(
    cx: Context<Sys>,
    _: ListAuth,
) -> Result<Response<BTreeMap<String, MountOutput>>, Error> {
    Ok(Response::data(all(&cx, Class::Auth)).at_top())
}

/// Mounts a secrets engine.
pub(super) async fn enable(cx: Context<Sys>, request: EnableMount) -> Result<Response<()>, Error> {
    mount(&cx, Class::Secret, request).await
}

/// Mounts an auth method.
pub(super) async fn enable_auth(
    cx: Context<Sys>,
    request: EnableAuth,
) -> Result<Response<()>, Error> {
    mount(&cx, Class::Auth, request.0).await
}

/// Unmounts a secrets engine.
pub(super) async fn disable(
    cx: Context<Sys>,
    request: DisableMount,
) -> Result<Response<()>, Error> {
    let path = named(&request.path)?;
    let (mounts, leases) = (&cx.core().mounts, &cx.core().leases);
    let tokens = &cx.core().tokens;
    mounts
        .disable(Class::Secret, &path, tokens, leases, cx.now(), cx.view())
        .await?;
    cx.core().quotas.unmounted(&path, cx.view()).await?;
    Ok(Response::empty())
}

/// Unmounts an auth method.
pub(super) async fn disable_auth(
    cx: Context<Sys>,
    request: DisableAuth,
) -> Result<Response<()>, Error> {
    let path = named(&request.0.path)?;
    if path == "token/" {
        return Err(Error::invalid(
            "token credential backend cannot be disabled",
        ));
    }
    let (mounts, leases) = (&cx.core().mounts, &cx.core().leases);
    let tokens = &cx.core().tokens;
    mounts
        .disable(Class::Auth, &path, tokens, leases, cx.now(), cx.view())
        .await?;
    let path = format!("auth/{path}");
    cx.core().quotas.unmounted(&path, cx.view()).await?;
    Ok(Response::empty())
}

/// Reads one secrets engine's entry.
pub(super) async fn read(
    cx: Context<Sys>,
    request: ReadMount,
) -> Result<Response<MountOutput>, Error> {
    let path = named(&request.path)?;
    let mount = cx.core().mounts.at(Class::Secret, &path);
    let mount = mount.ok_or_else(|| Error::Invalid(format!("No secret engine mount at {path}")))?;
    Ok(Response::data(output(&mount.entry, cx.core().settings.version)).at_top())
}

/// Reads one auth method's entry.
pub(super) async fn read_auth(
    cx: Context<Sys>,
    request: ReadAuth,
) -> Result<Response<MountOutput>, Error> {
    let path = named(&request.0.path)?;
    let mount = cx.core().mounts.at(Class::Auth, &path);
    let mount = mount.ok_or_else(|| Error::Invalid(format!("No auth engine at {path}")))?;
    Ok(Response::data(output(&mount.entry, cx.core().settings.version)).at_top())
}

/// Reads what is tuned of a mount.
pub(super) async fn read_tune(
    cx: Context<Sys>,
    request: ReadTune,
) -> Result<Response<TuneOutput>, Error> {
    let (class, path) = tuned(&request.path);
    let full = folder(&request.path);
    let mount = cx.core().mounts.at(class, &path);
    let mount =
        mount.ok_or_else(|| Error::Invalid(format!("cannot fetch sysview for path \"{full}\"")))?;
    let limits = mount.limits();
    let MountEntry {
        config,
        description,
        options,
        ..
    } = (*mount.entry).clone();
    let lockout = config.user_lockout_config;
    Ok(Response::data(TuneOutput {
        default_lease_ttl: limits.default.as_secs(),
        max_lease_ttl: limits.max.as_secs(),
        description,
        force_no_cache: config.force_no_cache,
        options: options.filter(|options| !options.is_empty()),
        listing_visibility: config.listing_visibility,
        audit_non_hmac_request_keys: config.audit_non_hmac_request_keys,
        audit_non_hmac_response_keys: config.audit_non_hmac_response_keys,
        passthrough_request_headers: config.passthrough_request_headers,
        allowed_response_headers: config.allowed_response_headers,
        token_type: config
            .token_type
            .map_or_else(String::new, |token_type| token_type.name().to_owned()),
        user_lockout_counter_reset_duration: lockout
            .map(|it| it.user_lockout_counter_reset_duration),
        user_lockout_disable: lockout.map(|it| it.user_lockout_disable),
        user_lockout_duration: lockout.map(|it| it.user_lockout_duration),
        user_lockout_threshold: lockout.map(|it| it.user_lockout_threshold),
    })
    .at_top())
}

/// Reads what is tuned of an auth method.
pub(super) async fn read_auth_tune(
    cx: Context<Sys>,
    request: ReadAuthTune,
) -> Result<Response<TuneOutput>, Error> {
    let path = format!("auth/{}", request.0.path);
    read_tune(cx, ReadTune { path }).await
}

/// Tunes a mount.
pub(super) async fn tune(cx: Context<Sys>, request: Tune) -> Result<Response<()>, Error> {
    let (class, path) = tuned(&request.path);
    let Some(mount) = cx.core().mounts.at(class, &path) else {
        return Err(Error::Invalid(format!(
            "tune of path \"{}\" failed: no mount entry found",
            folder(&request.path)
        )));
    };
    check_tunable(&mount, &request)?;
    if let Some(asked) = &request.plugin_version {
        check_version(&mount.entry.kind, asked, cx.core().settings.version)?;
    }
    let input = MountConfigInput {
        default_lease_ttl: request.default_lease_ttl,
        max_lease_ttl: request.max_lease_ttl,
        force_no_cache: None,
        listing_visibility: request.listing_visibility,
        audit_non_hmac_request_keys: request.audit_non_hmac_request_keys,
        audit_non_hmac_response_keys: request.audit_non_hmac_response_keys,
        passthrough_request_headers: request.passthrough_request_headers,
        allowed_response_headers: request.allowed_response_headers,
        token_type: request.token_type,
        user_lockout_config: request.user_lockout_config,
        plugin_name: None,
    };
    check_token_type(class, &mount.entry, input.token_type.as_deref())?;
    let config = apply(mount.entry.config.clone(), input)?;
    if config.max_lease_ttl != 0 && config.max_lease_ttl < config.default_lease_ttl {
        return Err(Error::Invalid(format!(
            "backend max lease TTL of {} would be less than backend default lease TTL of {}",
            config.max_lease_ttl, config.default_lease_ttl
        )));
    }
    let (description, options) = (request.description, request.options);
    // While it is held, it cannot be upgraded.
    drop(mount);
    cx.core()
        .mounts
        .tune(class, &path, cx.view(), cx.now(), |entry| {
            entry.config = config;
            if let Some(description) = description {
                entry.description = description;
            }
            if let Some(options) = options {
                entry.options.get_or_insert_default().extend(options);
            }
        })
        .await?;
    Ok(Response::empty())
}

/// Tunes an auth method.
pub(super) async fn tune_auth(cx: Context<Sys>, request: TuneAuth) -> Result<Response<()>, Error> {
    let path = format!("auth/{}", request.0.path);
    tune(cx, Tune { path, ..request.0 }).await
}

/// Refuses to tune more of the server's own mounts than what the audit log shows of them as it is:
/// times, headers and whether it is listed are not for operators to choose there, as in Vault.
fn check_tunable(mount: &Mount, request: &Tune) -> Result<(), Error> {
    if mount.class == Class::Auth || !is_builtin(&mount.entry.kind) {
        return Ok(());
    }
    let given = [
        (
            "allowed_response_headers",
            request.allowed_response_headers.is_some(),
        ),
        ("default_lease_ttl", request.default_lease_ttl.is_some()),
        ("description", request.description.is_some()),
        ("listing_visibility", request.listing_visibility.is_some()),
        ("max_lease_ttl", request.max_lease_ttl.is_some()),
        ("options", request.options.is_some()),
        (
            "passthrough_request_headers",
            request.passthrough_request_headers.is_some(),
        ),
        ("plugin_version", request.plugin_version.is_some()),
        ("token_type", request.token_type.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(Error::Invalid(format!(
            "cannot tune parameter {name} of {}",
            mount.entry.path
        ))),
    }
}

/// Refuses a type of token where no login gives one, or where callers choose it themselves.
fn check_token_type(class: Class, entry: &MountEntry, given: Option<&str>) -> Result<(), Error> {
    match given {
        None => Ok(()),
        Some(_) if class == Class::Secret => Err(Error::invalid(
            "'token_type' can only be modified on auth mounts",
        )),
        Some(_) if entry.kind == "token" => Err(Error::invalid(
            "'token_type' cannot be set for 'token' or 'ns_token' auth mounts",
        )),
        Some(_) => Ok(()),
    }
}

/// Shows a mount entry on the wire.
pub(super) fn output(entry: &MountEntry, version: &str) -> MountOutput {
    let supported = !is_builtin(&entry.kind);
    MountOutput {
        kind: entry.kind.clone(),
        description: entry.description.clone(),
        accessor: entry.accessor.clone(),
        uuid: entry.uuid.clone(),
        config: serde_json::to_value(&entry.config).unwrap_or_default(),
        options: entry.options.clone(),
        local: entry.local,
        seal_wrap: entry.seal_wrap,
        external_entropy_access: false,
        plugin_version: String::new(),
        running_plugin_version: builtin_version(version),
        running_sha256: String::new(),
        deprecation_status: supported.then(|| "supported".to_owned()),
    }
}

fn all(cx: &Context<Sys>, class: Class) -> BTreeMap<String, MountOutput> {
    let version = cx.core().settings.version;
    let mounts = cx.core().mounts.all();
    let mounts = mounts.iter().filter(|mount| mount.class == class);
    mounts
        .map(|mount| (mount.entry.path.clone(), output(&mount.entry, version)))
        .collect()
}

/// The type of a mount whose engine is named beside it.
const PLUGIN: &str = "plugin";

async fn mount(
    cx: &Context<Sys>,
    class: Class,
    request: EnableMount,
) -> Result<Response<()>, Error> {
    let mut input = request.config.unwrap_or_default();
    let given = |name: Option<String>| name.filter(|name| !name.is_empty());
    let plugin = given(request.plugin_name).or(given(input.plugin_name.take()));
    let kind = match given(request.kind) {
        Some(kind) if kind == PLUGIN => {
            plugin.ok_or("plugin_name must be provided for plugin backend")
        }
        kind => kind.ok_or("backend type must be specified as a string"),
    };
    let kind = kind.map_err(Error::invalid)?;
    let mut before = MountConfig::default();
    match class {
        Class::Auth => before.token_type = Some(TokenType::default()),
        Class::Secret => input.token_type = None,
    }
    let config = apply(before, input)?;
    if config.max_lease_ttl != 0 && config.max_lease_ttl < config.default_lease_ttl {
        return Err(Error::invalid(
            "given default lease TTL greater than given max lease TTL",
        ));
    }
    let limits = config.limits(cx.core().lease_ttls);
    if config.default_lease_ttl > limits.max.as_secs() {
        return Err(Error::Invalid(format!(
            "given default lease TTL greater than system max lease TTL of {}",
            limits.max.as_secs()
        )));
    }
    let new = NewMount {
        class,
        path: folder(&request.path),
        kind,
        description: request.description.unwrap_or_default(),
        config,
        options: Some(request.options.unwrap_or_default()),
        local: request.local.unwrap_or_default(),
        seal_wrap: request.seal_wrap.unwrap_or_default(),
    };
    cx.core().mounts.enable(new, cx.view()).await?;
    Ok(Response::empty())
}

/// Overlays what was given on a configuration.
fn apply(mut config: MountConfig, input: MountConfigInput) -> Result<MountConfig, Error> {
    let seconds = |text: &str, which: &str| {
        let seconds = match text {
            "system" => Ok(0),
            text => coerce::parse_seconds(text),
        };
        let seconds = seconds.map_err(|error| {
            Error::Invalid(format!("unable to parse {which} TTL of {text}: {error}"))
        })?;
        u64::try_from(seconds)
            .map_err(|_| Error::Invalid(format!("{which} TTL of {text} is negative")))
    };
    if let Some(text) = &input.default_lease_ttl {
        config.default_lease_ttl = seconds(text, "default")?;
    }
    if let Some(text) = &input.max_lease_ttl {
        config.max_lease_ttl = seconds(text, "max")?;
    }
    if let Some(visibility) = input.listing_visibility {
        if !matches!(visibility.as_str(), "" | "hidden" | "unauth") {
            return Err(Error::Invalid(format!(
                "invalid listing_visibility {visibility}"
            )));
        }
        config.listing_visibility = visibility;
    }
    config.force_no_cache = input.force_no_cache.unwrap_or(config.force_no_cache);
    let set = |target: &mut Vec<String>, given: Option<Vec<String>>| {
        if let Some(given) = given {
            *target = given;
        }
    };
    set(
        &mut config.audit_non_hmac_request_keys,
        input.audit_non_hmac_request_keys,
    );
    set(
        &mut config.audit_non_hmac_response_keys,
        input.audit_non_hmac_response_keys,
    );
    set(
        &mut config.passthrough_request_headers,
        input.passthrough_request_headers,
    );
    set(
        &mut config.allowed_response_headers,
        input.allowed_response_headers,
    );
    if let Some(name) = input.token_type.filter(|name| !name.is_empty()) {
        let token_type = TokenType::parse(&name);
        config.token_type =
            Some(token_type.ok_or_else(|| Error::invalid("invalid value for 'token_type'"))?);
    }
    if let Some(input) = input.user_lockout_config {
        let before = config.user_lockout_config.unwrap_or_default();
        config.user_lockout_config = Some(tuned_lockout(before, input)?);
    }
    Ok(config)
}

/// Overlays what was given of lockouts.
fn tuned_lockout(mut lockout: UserLockout, input: UserLockoutInput) -> Result<UserLockout, Error> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let seconds = |text: String| {
        let seconds = coerce::parse_seconds(&text).map_err(Error::Invalid)?;
        u64::try_from(seconds)
            .map_err(|_| Error::Invalid(format!("user lockout duration of {text} is negative")))
    };
    if let Some(text) = given(input.lockout_threshold) {
        // The sentence of Go's parser of numbers, as the other errors of tuning.
        lockout.user_lockout_threshold = text.parse().map_err(|_| {
            Error::Invalid(format!(
                "unable to parse user lockout threshold: strconv.ParseUint: parsing {text:?}: \
                 invalid syntax"
            ))
        })?;
    }
    if let Some(text) = given(input.lockout_duration) {
        lockout.user_lockout_duration = seconds(text)?;
    }
    if let Some(text) = given(input.lockout_counter_reset_duration) {
        lockout.user_lockout_counter_reset_duration = seconds(text)?;
    }
    if let Some(disable) = input.lockout_disable {
        lockout.user_lockout_disable = disable;
    }
    Ok(lockout)
}

/// Returns a mount path with its slash.
fn folder(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

/// Returns the path of a mount with its slash; the folder of all is none.
fn named(path: &str) -> Result<String, Error> {
    match folder(path) {
        path if path == "/" => Err(Error::UnsupportedPath),
        path => Ok(path),
    }
}

/// Tells which mount `sys/mounts/PATH/tune` is about.
fn tuned(path: &str) -> (Class, String) {
    match path.strip_prefix("auth/") {
        Some(path) => (Class::Auth, folder(path)),
        None => (Class::Secret, folder(path)),
    }
}
