//! The engine at `cubbyhole/`: what each token keeps for itself.
//!
//! What a token writes only it can read, and it goes when the token goes. A response that was
//! wrapped lies here, as `response` in the cubbyhole of its wrapping token. The entries themselves
//! are kept by the [`TokenStore`](crate::token::TokenStore), so that a token and what it keeps
//! cannot be parted.

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::{
    SensitiveJson,
    kv::{
        Keys,
        v1::{Delete, List, Read, Scan, Write},
    },
};
use serde_json::value::RawValue;

use crate::{
    Denial, Error, Response, TokenKind, View,
    engine::{Asker, Context, Engine, Mounted, Routes, page},
    json,
    wrapping::RESPONSE,
};

/// The engine; what it works on is the caller's token.
struct Cubbyhole;

impl Engine for Cubbyhole {}

/// Builds the one mount of the engine.
pub(crate) fn mount() -> Mounted {
    let engine = Arc::new(Cubbyhole);
    let routes = Routes::of(Arc::clone(&engine))
        .on(read)
        .on_own_upsert(write, exists)
        .on(delete)
        .on(list)
        .on(scan)
        .build();
    Mounted { routes, engine }
}

async fn exists(asker: Asker, path: String) -> Result<bool, Error> {
    let own = asker.core.tokens.cubbyhole(asker.principal.token.digest());
    Ok(named(&path).is_ok() && own.get(&path).await?.is_some())
}

async fn read(cx: Context<Cubbyhole>, request: Read) -> Result<Response<SensitiveJson>, Error> {
    let entry = own(&cx)?.get(named(&request.path)?).await?;
    let entry = entry.ok_or_else(Error::not_found)?;
    let response = Response::data(json::from_secret(&entry.value)?);
    Ok(if request.path == RESPONSE {
        response.warn(
            "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to \
             unwrap responses, as it provides additional security checks and other benefits.",
        )
    } else {
        response
    })
}

async fn write(cx: Context<Cubbyhole>, request: Write) -> Result<Response<()>, Error> {
    let body = &cx.request().body;
    // EXPOSE: only whether there are fields is looked at.
    let fields = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body.expose());
    if fields.map_or(true, |fields| fields.is_empty()) {
        return Err(Error::invalid("missing data fields"));
    }
    let own = own(&cx)?;
    cx.view().on_record().await?;
    own.put(named(&request.path)?, body.duplicate()).await?;
    Ok(Response::empty())
}

async fn delete(cx: Context<Cubbyhole>, request: Delete) -> Result<Response<()>, Error> {
    let own = own(&cx)?;
    if let Ok(path) = named(&request.path) {
        cx.view().on_record().await?;
        own.delete(path).await?;
    }
    Ok(Response::empty())
}

async fn list(cx: Context<Cubbyhole>, request: List) -> Result<Response<Keys>, Error> {
    let folder = as_folder(&request.path);
    named_keys(own(&cx)?.list(&folder, None, None).await?)
}

async fn scan(cx: Context<Cubbyhole>, request: Scan) -> Result<Response<Keys>, Error> {
    let limit = page(request.limit);
    let folder = as_folder(&request.path);
    let own = own(&cx)?;
    named_keys(own.scan(&folder, request.after.as_deref(), limit).await?)
}

fn as_folder(path: &str) -> String {
    match path {
        "" => String::new(),
        path => format!("{path}/"),
    }
}

fn named_keys(keys: Vec<String>) -> Result<Response<Keys>, Error> {
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(Keys { keys }))
}

/// Returns the storage of the caller's token.
fn own(cx: &Context<Cubbyhole>) -> Result<View, Error> {
    let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
    match principal.token.kind() {
        TokenKind::Batch => Err(Error::invalid(
            "cubbyhole operations are only supported by 'service' type tokens",
        )),
        TokenKind::Service => Ok(cx.core().tokens.cubbyhole(principal.token.digest())),
    }
}

/// Checks that a path is that of an entry and not of a folder.
fn named(path: &str) -> Result<&str, Error> {
    match path {
        "" => Err(Error::invalid("missing path")),
        folder if folder.ends_with('/') => Err(Error::not_found()),
        path => Ok(path),
    }
}
