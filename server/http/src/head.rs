//! Heads of requests that have more than they may.
//!
//! What reads heads has bounds too, for what nobody can take apart any more; it answers without a
//! body. These are stricter, so that who asks a little too much hears why.

use axum::{http::request::Parts, response::Response};
use keyward_core::RequestId;

use crate::{Limits, respond};

/// Refuses a head with too many headers or bytes.
pub(crate) fn refuse(id: RequestId, parts: &Parts, limits: &Limits) -> Option<Response> {
    let most = limits.headers;
    if parts.headers.len() > most {
        let text = format!("the request has more than {most} headers");
        return Some(respond::head_too_large(id, text));
    }
    let lines = parts.headers.iter();
    // As on the wire of HTTP/1.1: `name: value` and the end of the line.
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + 4);
    let target = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    let most = limits.header_bytes;
    if target + lines.sum::<usize>() > most {
        let text = format!("the head of the request has more than {most} bytes");
        return Some(respond::head_too_large(id, text));
    }
    None
}
