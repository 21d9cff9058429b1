//! `sys/plugins`: what can be mounted, and is to read its storage anew.

use std::sync::Arc;

use keyward_api::sys::{
    DeregisterPlugin, ListPlugins, ListedPlugin, Plugin, PluginNames, Plugins, ReadPlugin,
    ReadPlugins, RegisterPlugin, ReloadPlugin, Reloaded,
};

use super::Sys;
use crate::{
    Error, Response,
    engine::{Class, Context},
    mounts::{Mount, is_builtin},
};

/// Tells of all.
pub(super) async fn read_all(cx: Context<Sys>, _: ReadPlugins) -> Result<Response<Plugins>, Error> {
    let (auth, secret) = (names(&cx, Class::Auth), names(&cx, Class::Secret));
    let listed = |name: &String, kind: &str| ListedPlugin {
        builtin: true,
        deprecation_status: "supported".to_owned(),
        name: name.clone(),
        kind: kind.to_owned(),
        version: version(&cx),
    };
    let detailed = auth.iter().map(|name| listed(name, "auth"));
    let detailed = detailed.chain(secret.iter().map(|name| listed(name, "secret")));
    Ok(Response::data(Plugins {
        detailed: detailed.collect(),
        auth,
        secret,
    }))
}

/// Names those of one type.
pub(super) async fn list(
    cx: Context<Sys>,
    request: ListPlugins,
) -> Result<Response<PluginNames>, Error> {
    let keys = class(&request.kind).map(|class| names(&cx, class));
    let keys = keys.filter(|keys| !keys.is_empty());
    Ok(Response::data(PluginNames {
        keys: keys.ok_or_else(Error::not_found)?,
    }))
}

/// Tells of one.
pub(super) async fn read(cx: Context<Sys>, request: ReadPlugin) -> Result<Response<Plugin>, Error> {
    let ReadPlugin { kind, name } = request;
    let names = class(&kind).map(|class| names(&cx, class));
    if !names.is_some_and(|names| names.contains(&name)) {
        return Err(Error::not_found());
    }
    Ok(Response::data(Plugin {
        args: None,
        builtin: true,
        command: String::new(),
        deprecation_status: "supported".to_owned(),
        name,
        sha256: String::new(),
        version: version(&cx),
    }))
}

/// Refuses to add one.
pub(super) async fn register(_: Context<Sys>, _: RegisterPlugin) -> Result<Response<()>, Error> {
    Err(unchanging())
}

/// Refuses to remove one.
pub(super) async fn deregister(
    _: Context<Sys>,
    _: DeregisterPlugin,
) -> Result<Response<()>, Error> {
    Err(unchanging())
}

fn unchanging() -> Error {
    Error::invalid(
        "this server runs no external plugins: its catalog holds what is part of it, and does not \
         change",
    )
}

/// Has mounts drop what they keep in memory; what is asked for next is read from their storage.
pub(super) async fn reload(
    cx: Context<Sys>,
    request: ReloadPlugin,
) -> Result<Response<Reloaded>, Error> {
    let ReloadPlugin {
        plugin,
        mounts,
        scope,
    } = request;
    let plugin = plugin.unwrap_or_default();
    let mounts = mounts.unwrap_or_default();
    let meant = match (plugin.is_empty(), mounts.is_empty()) {
        (true, true) => return Err(Error::invalid("plugin or mounts must be provided")),
        (false, false) => {
            return Err(Error::invalid(
                "plugin and mounts cannot be set at the same time",
            ));
        }
        (false, true) => of_type(&cx, &plugin),
        (true, false) => at_paths(&cx, &mounts),
    };
    if !matches!(scope.as_deref(), None | Some("" | "global")) {
        return Err(Error::invalid("scope must be unset or \"global\""));
    }
    let meant = meant?;
    cx.view().on_record().await?;
    for mount in meant {
        mount.mounted.engine.forget(None);
        tracing::info!(mount = mount.full_path(), "a mount reads its storage anew");
    }
    let reload_id = cx.request().id.to_string();
    Ok(Response::data(Reloaded { reload_id }))
}

/// Finds the mounts of a type.
fn of_type(cx: &Context<Sys>, kind: &str) -> Result<Vec<Arc<Mount>>, Error> {
    let core = cx.core();
    if is_builtin(kind) {
        return Err(Error::Invalid(singleton(kind)));
    }
    if !core.mounts.kinds().iter().any(|known| known.name == kind) {
        return Err(Error::Invalid(format!(
            "plugin not found in the catalog: {kind:?}"
        )));
    }
    let mut mounts = core.mounts.all();
    mounts.retain(|mount| mount.entry.kind == kind);
    Ok(mounts)
}

/// Finds the mounts at paths; all of them, or none.
fn at_paths(cx: &Context<Sys>, paths: &[String]) -> Result<Vec<Arc<Mount>>, Error> {
    let (mut mounts, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let path = format!("{}/", path.trim_end_matches('/'));
        match cx.core().mounts.find(&path) {
            Some((mount, "")) if is_builtin(&mount.entry.kind) => faults.push(format!(
                "cannot reload plugin on {path:?}: {}",
                singleton(&mount.entry.kind)
            )),
            Some((mount, "")) => mounts.push(mount),
            _ => faults.push(format!("cannot fetch mount entry on {path:?}")),
        }
    }
    match faults.len() {
        0 => Ok(mounts),
        1 => Err(Error::fault(&faults.concat())),
        all => Err(Error::Invalid(format!(
            "{all} errors occurred:\n\t* {}\n\n",
            faults.join("\n\t* ")
        ))),
    }
}

fn singleton(kind: &str) -> String {
    format!("singleton plugin cannot be reloaded: {kind:?}")
}

fn class(kind: &str) -> Option<Class> {
    match kind {
        "auth" => Some(Class::Auth),
        "secret" => Some(Class::Secret),
        _ => None,
    }
}

fn names(cx: &Context<Sys>, class: Class) -> Vec<String> {
    let kinds = cx.core().mounts.kinds().iter();
    let names = kinds.filter(|kind| kind.class == class);
    let mut names: Vec<String> = names.map(|kind| kind.name.to_owned()).collect();
    names.sort();
    names
}

fn version(cx: &Context<Sys>) -> String {
    builtin_version(cx.core().settings.version)
}

/// Checks that a version that is asked for is the one there is.
///
/// # Errors
/// [`Error::Invalid`], in Vault's words: it is no version, or another.
pub(super) fn check_version(kind: &str, asked: &str, version: &str) -> Result<(), Error> {
    let canonical = canonical(asked).ok_or_else(|| {
        Error::Invalid(format!(
            "version {asked:?} is not a valid semantic version: malformed version: {asked}"
        ))
    })?;
    if canonical == builtin_version(version) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "plugin not found in the catalog: {kind}, version={canonical}"
    )))
}

/// Writes a version (Semantic Versioning 2.0.0) in full: with its `v`, and at least three numbers.
fn canonical(version: &str) -> Option<String> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let (numbers, rest) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
    let numbers = numbers.split('.').map(str::parse::<u64>);
    let mut numbers: Vec<u64> = numbers.collect::<Result<_, _>>().ok()?;
    numbers.resize(numbers.len().max(3), 0);
    let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
    Some(format!("v{}{rest}", numbers.join(".")))
}

/// Returns the version that what is part of the server has.
pub(super) fn builtin_version(version: &str) -> String {
    format!("v{version}+builtin.keyward")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_the_server_however_it_is_written() {
        let check = |asked| check_version("kv", asked, "2.0.0").map_err(|error| error.to_string());
        for own in ["v2.0.0+builtin.keyward", "2+builtin.keyward"] {
            assert_eq!(check(own), Ok(()));
        }
        for (other, written) in [
            ("v3", "v3.0.0"),
            ("2.0.0", "v2.0.0"),
            ("1.2-rc1", "v1.2.0-rc1"),
        ] {
            let text = format!("plugin not found in the catalog: kv, version={written}");
            assert_eq!(check(other), Err(text));
        }
        for none in ["", "abc", "v", "1..2"] {
            let text = format!(
                "version {none:?} is not a valid semantic version: malformed version: {none}"
            );
            assert_eq!(check(none), Err(text));
        }
    }
}
