//! Version 2: versions of each secret, deletion that can be undone, labels.

mod config;
mod data;
mod metadata;
mod misplaced;
#[cfg(test)]
mod tests;
mod versions;

use std::sync::Arc;

use keyward_core::{
    Error, Outcome, Response, View,
    engine::{Engine, Mounted, Routes},
};

use super::record;

/// A mount of version 2; all it knows is in storage.
struct Kv;

impl Engine for Kv {}

pub(super) fn mount() -> Mounted {
    let engine = Arc::new(Kv);
    let routes = Routes::of(Arc::clone(&engine))
        .on(config::read)
        .on(config::write)
        .on(data::read)
        .on_upsert(data::write, has_versions)
        .on(data::patch)
        .on(data::delete)
        .on(data::subkeys)
        .on(versions::delete)
        .on(versions::undelete)
        .on(versions::destroy)
        .on(metadata::list)
        .on(metadata::scan)
        .on(metadata::list_detailed)
        .on(metadata::scan_detailed)
        .on(metadata::read)
        .on_upsert(metadata::write, exists)
        .on(metadata::patch)
        .on(metadata::delete)
        .on(misplaced::read)
        .on(misplaced::write)
        .on(misplaced::delete)
        .on(misplaced::list)
        .build();
    Mounted { routes, engine }
}

/// Answers what has no path, as Vault does.
fn at_root<T>() -> Response<T> {
    Response::empty()
        .warn("Non-listing operations on the root of a K/V v2 mount are not supported.")
        .outcome(Outcome::NotFound)
}

/// Tells whether there is anything under a path.
async fn exists(_: Arc<Kv>, view: View, path: String) -> Result<bool, Error> {
    Ok(record::read(&view, &path).await?.is_some())
}

/// Tells whether there is a version under a path.
async fn has_versions(_: Arc<Kv>, view: View, path: String) -> Result<bool, Error> {
    Ok(record::read(&view, &path)
        .await?
        .is_some_and(|record| record.current > 0))
}
