//! Version 1: one value under each path, replaced by every write.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{
    SensitiveJson, coerce,
    kv::{Keys, v1},
};
use keyward_core::{
    Error, LeaseGrant, Response, View,
    engine::{Context, Engine, Mounted, Routes, page},
};
use keyward_crypto::SecretBytes;
use serde_json::value::RawValue;

use super::record;

/// A mount of version 1.
struct Kv;

impl Engine for Kv {}

pub(super) fn mount() -> Mounted {
    let engine = Arc::new(Kv);
    let routes = Routes::of(Arc::clone(&engine))
        .on(read)
        .on_upsert(write, exists)
        .on(delete)
        .on(list)
        .on(scan)
        .build();
    Mounted { routes, engine }
}

async fn exists(_: Arc<Kv>, view: View, path: String) -> Result<bool, Error> {
    Ok(!is_folder(&path) && view.get(&path).await?.is_some())
}

async fn read(cx: Context<Kv>, request: v1::Read) -> Result<Response<SensitiveJson>, Error> {
    if is_folder(&request.path) {
        return Err(Error::not_found());
    }
    let Some(entry) = cx.view().get(&request.path).await? else {
        return Err(Error::not_found());
    };
    // EXPOSE: this is the secret that the caller reads.
    let text = std::str::from_utf8(entry.value.expose()).map_err(Error::internal)?;
    let lease = LeaseGrant::Hint(ttl(text).unwrap_or_else(|| cx.limits().default));
    let data = SensitiveJson::new(text.to_owned()).map_err(Error::internal)?;
    Ok(Response::data(data).lease(lease))
}

async fn write(cx: Context<Kv>, request: v1::Write) -> Result<Response<()>, Error> {
    // EXPOSE: the body is the value; it is stored as it came.
    let body = cx.request().body.expose();
    let fields = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body);
    if fields.map_or(true, |fields| fields.is_empty()) {
        return Err(Error::invalid("missing data fields"));
    }
    if request.path.is_empty() {
        return Err(Error::UnsupportedOperation);
    }
    cx.view()
        .put(&request.path, SecretBytes::new(body.clone()))
        .await?;
    Ok(Response::empty())
}

async fn delete(cx: Context<Kv>, request: v1::Delete) -> Result<Response<()>, Error> {
    if !is_folder(&request.path) {
        cx.view().delete(&request.path).await?;
    }
    Ok(Response::empty())
}

async fn list(cx: Context<Kv>, request: v1::List) -> Result<Response<Keys>, Error> {
    record::list(cx.view(), &request.path, None, None).await
}

async fn scan(cx: Context<Kv>, request: v1::Scan) -> Result<Response<Keys>, Error> {
    let limit = page(request.limit);
    record::scan(cx.view(), &request.path, request.after.as_deref(), limit).await
}

/// Tells whether a path cannot be that of a secret.
fn is_folder(path: &str) -> bool {
    path.is_empty() || path.ends_with('/')
}

/// Returns how long the value itself says that it may be used.
fn ttl(value: &str) -> Option<Duration> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(value).ok()?;
    let field = fields.get("ttl").or_else(|| fields.get("lease"))?;
    let seconds = coerce::seconds(&mut serde_json::Deserializer::from_str(field.get())).ok()??;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}
