//! Calls from pages of other origins (the Fetch standard, section 3.2).

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use keyward_core::{Origins, PageOrigin, RequestId};

use crate::respond;

const METHODS: &str = "DELETE, GET, HEAD, LIST, OPTIONS, PATCH, POST, PUT, SCAN";

/// What a page may read of an answer beside its body.
const EXPOSED: &str = "Content-Digest, Idempotency-Replayed, Retry-After, Signature, Signature-Input, \
    WWW-Authenticate, X-Ratelimit-Limit, X-Ratelimit-Remaining, X-Ratelimit-Reset, X-Request-Id";

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

/// Looks at the origin of a request, if it has one; what is no text is an origin that nobody listed.
pub(crate) fn judge<'h>(
    origins: Option<&Origins>,
    headers: &'h HeaderMap,
) -> (PageOrigin, Option<&'h HeaderValue>) {
    let (Some(origins), Some(origin)) = (origins, headers.get(header::ORIGIN)) else {
        return (PageOrigin::Unmarked, None);
    };
    let text = origin.to_str().unwrap_or_default();
    (origins.judge(text), Some(origin))
}

/// Returns the origin of the page that a request comes from. Where the browser leaves it out, as it
/// does when a page reads from its own origin, the page's address tells it (RFC 9110 section 10.1.3).
pub(crate) fn of_page(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name)?.to_str().ok();
    if let Some(origin) = text(header::ORIGIN) {
        return Some(origin.to_owned());
    }
    let page: Uri = text(header::REFERER)?.parse().ok()?;
    Some(format!("{}://{}", page.scheme_str()?, page.authority()?))
}

/// Answers an OPTIONS request.
pub(crate) fn preflight(id: RequestId, origins: Option<&Origins>, headers: &HeaderMap) -> Response {
    match (judge(origins, headers), origins) {
        ((PageOrigin::Allowed, Some(origin)), Some(origins)) => {
            let mut response = respond::empty(StatusCode::OK, id);
            mark(&mut response, origin.clone());
            let headers = response.headers_mut();
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static(METHODS),
            );
            let names: Vec<_> = origins.allowed_headers().chain(ALWAYS).collect();
            if let Ok(allowed) = HeaderValue::from_str(&names.join(",")) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            }
            headers.insert(
                header::ACCESS_CONTROL_MAX_AGE,
                HeaderValue::from_static(MAX_AGE),
            );
            response
        }
        ((PageOrigin::Refused, _), _) => refused(id),
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
pub(crate) fn vary(response: &mut Response, origins: Option<&Origins>) {
    if origins.is_some_and(Origins::are_any) {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}
