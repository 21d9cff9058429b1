//! Calls from pages of other origins (the Fetch standard, section 3.2).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use keyward_api::sys::Cors;
use keyward_core::RequestId;

use crate::respond;

const METHODS: &str = "DELETE, GET, HEAD, LIST, OPTIONS, PATCH, POST, PUT";

/// What a page may read of an answer beside its body.
const EXPOSED: &str = "Content-Digest, Idempotency-Replayed, Retry-After, Signature, Signature-Input, X-Ratelimit-Limit, \
    X-Ratelimit-Remaining, X-Ratelimit-Reset, X-Request-Id";

/// What a page may send beside the headers that `sys/config/cors` lists: the proof that it holds the
/// key of its token, and the name of a change.
const ALWAYS: [&str; 5] = [
    "Accept-Signature",
    "Content-Digest",
    "Idempotency-Key",
    "Signature",
    "Signature-Input",
];

/// For how many seconds a browser may remember a preflight.
const MAX_AGE: &str = "7200";

/// What the origin of a request means for its answer.
pub(crate) enum Origin {
    /// A page of this origin may call; the answer says so.
    Allowed(HeaderValue),
    /// A page of another origin.
    Refused,
    /// No page, or no page may call and the browser keeps the answer from it.
    Unmarked,
}

/// Looks at the origin of a request.
pub(crate) fn origin(cors: Option<&Cors>, headers: &HeaderMap) -> Origin {
    let (Some(cors), Some(origin)) = (cors, headers.get(header::ORIGIN)) else {
        return Origin::Unmarked;
    };
    if !cors.enabled {
        return Origin::Unmarked;
    }
    let allowed = cors.allowed_origins.iter();
    if allowed
        .clone()
        .any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    {
        Origin::Allowed(origin.clone())
    } else {
        Origin::Refused
    }
}

/// Answers an OPTIONS request.
pub(crate) fn preflight(id: RequestId, cors: Option<&Cors>, headers: &HeaderMap) -> Response {
    match (origin(cors, headers), cors) {
        (Origin::Allowed(origin), Some(cors)) => {
            let mut response = respond::empty(StatusCode::OK, id);
            mark(&mut response, origin);
            let headers = response.headers_mut();
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static(METHODS),
            );
            let names = cors.allowed_headers.iter().map(String::as_str);
            let names: Vec<_> = names.chain(ALWAYS).collect();
            if let Ok(allowed) = HeaderValue::from_str(&names.join(",")) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            }
            headers.insert(
                header::ACCESS_CONTROL_MAX_AGE,
                HeaderValue::from_static(MAX_AGE),
            );
            response
        }
        (Origin::Refused, _) => refused(id),
        _ => {
            let text = "cannot handle internal-only request operation".to_owned();
            respond::errors(StatusCode::BAD_REQUEST, id, Some(text))
        }
    }
}

/// Answers a call from an origin that may not.
pub(crate) fn refused(id: RequestId) -> Response {
    respond::errors(
        StatusCode::FORBIDDEN,
        id,
        Some("origin not allowed".to_owned()),
    )
}

/// Lets the page of `origin` read an answer.
pub(crate) fn mark(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
}

/// Says that an answer depends on the origin of its request, whoever asked and whatever came of it,
/// while any origin may call.
///
/// Without it a cache could give a page the answer that it kept from a request without an origin,
/// and the browser would keep that from the page.
pub(crate) fn vary(response: &mut Response, cors: Option<&Cors>) {
    if cors.is_some_and(|cors| cors.enabled) {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}
