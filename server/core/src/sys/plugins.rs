//! `sys/plugins/catalog`: what can be mounted.

use keyward_api::sys::{
    ListPlugins, ListedPlugin, Plugin, PluginNames, Plugins, ReadPlugin, ReadPlugins,
};

use super::Sys;
use crate::{
    Error, Response,
    engine::{Class, Context},
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

/// Returns the version that what is part of the server has.
pub(super) fn builtin_version(version: &str) -> String {
    format!("v{version}+builtin.keyward")
}
