//! Answers on the wire: the only place that knows status codes.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use http_body::Frame;
use keyward_api::{Failure, proof::ProofError};
use keyward_core::{Denial, Document, Done, Error, Lines, Outcome, Rationed, RequestId};
use keyward_crypto::SecretBytes;
use serde::Serialize;

use crate::body::BodyError;

/// The header that names a request, in every answer.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The header that says of an answer that it is the one of an earlier request.
const REPLAYED: &str = "idempotency-replayed";

/// The header that says of an answer that it is the one of a login which came along with the request.
const LOGIN_FAILED: &str = "x-vault-inline-auth-failed";

/// The media type of the envelope, and of errors.
const JSON: &str = "application/json";

/// Writes the answer to a request that the core has handled.
pub(crate) fn done(id: RequestId, done: Done) -> Response {
    let status = match done.outcome {
        Outcome::Accepted => StatusCode::ACCEPTED,
        Outcome::Denied => StatusCode::FORBIDDEN,
        Outcome::Invalid => StatusCode::BAD_REQUEST,
        Outcome::NotFound => StatusCode::NOT_FOUND,
        Outcome::Partial(code) => StatusCode::from_u16(code).unwrap_or(StatusCode::OK),
        Outcome::Success => StatusCode::OK,
        Outcome::Unauthenticated => StatusCode::UNAUTHORIZED,
    };
    let (replayed, of_login) = (done.replayed, done.of_login);
    let mut response = if let Some(document) = done.document {
        whole(status, id, document)
    } else if done.is_empty() {
        let status = match done.outcome {
            Outcome::Accepted => status,
            _ => StatusCode::NO_CONTENT,
        };
        empty(status, id)
    } else {
        match done.envelope(id) {
            Ok(body) => secret_json(status, id, body),
            Err(error) => return failed(id, &error),
        }
    };
    for (name, is_so) in [(REPLAYED, replayed), (LOGIN_FAILED, of_login)] {
        if is_so {
            let headers = response.headers_mut();
            headers.insert(name, HeaderValue::from_static("true"));
        }
    }
    response
}

/// Writes the answer to a request that was refused or failed.
pub(crate) fn failed(id: RequestId, error: &Error) -> Response {
    let (status, text) = match error {
        Error::Busy(text) => return busy(id, text.clone()),
        Error::Contested { text, data } => {
            let failure = Failure {
                errors: vec![text.clone()],
                data: Some(data.clone()),
            };
            return json(StatusCode::BAD_REQUEST, id, &failure);
        }
        Error::Conflict(text) => (StatusCode::CONFLICT, Some(text.clone())),
        Error::Denied(Denial::Policy) => (StatusCode::FORBIDDEN, Some(multierror(error))),
        Error::Denied(Denial::Locked | Denial::Origin | Denial::Token) | Error::Refused(_) => {
            (StatusCode::FORBIDDEN, Some(error.to_string()))
        }
        Error::Internal(cause) => {
            tracing::error!(request_id = %id, cause = %cause, "request failed");
            (StatusCode::INTERNAL_SERVER_ERROR, Some(multierror(error)))
        }
        Error::Invalid(text) => (StatusCode::BAD_REQUEST, Some(text.clone())),
        Error::Limited(text) => (StatusCode::TOO_MANY_REQUESTS, Some(text.clone())),
        Error::Login(error) => {
            let mut response = failed(id, error);
            let headers = response.headers_mut();
            headers.insert(LOGIN_FAILED, HeaderValue::from_static("true"));
            return response;
        }
        Error::NoRoute(_) => (StatusCode::NOT_FOUND, Some(error.to_string())),
        Error::NotFound(text) => (StatusCode::NOT_FOUND, text.clone()),
        Error::SealUnavailable(cause) => {
            tracing::error!(request_id = %id, %cause, "the seal did not do its part");
            (StatusCode::SERVICE_UNAVAILABLE, Some(error.to_string()))
        }
        Error::Sealed => (StatusCode::SERVICE_UNAVAILABLE, Some(error.to_string())),
        Error::Unprocessable(text) => (StatusCode::UNPROCESSABLE_ENTITY, Some(text.clone())),
        Error::Unproven(why) => return unproven(id, *why),
        Error::UnsupportedOperation => (StatusCode::METHOD_NOT_ALLOWED, Some(multierror(error))),
        Error::UnsupportedPath => (StatusCode::NOT_FOUND, Some(multierror(error))),
    };
    errors(status, id, text)
}

/// Writes the refusal of a request that is being worked on already.
fn busy(id: RequestId, text: String) -> Response {
    let mut response = errors(StatusCode::CONFLICT, id, Some(text));
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Writes the refusal of a request that does not prove what its token asks for (RFC 9110
/// section 15.5.2).
fn unproven(id: RequestId, why: ProofError) -> Response {
    let text = why.to_string();
    let mut response = errors(StatusCode::UNAUTHORIZED, id, Some(text));
    let scheme = HeaderValue::from_static("Signature");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    response
}

/// Says what is left of a rate limit, and when a request that it refused may be tried again.
pub(crate) fn mark_rationed(response: &mut Response, rationed: &Rationed) {
    let headers = response.headers_mut();
    if let Some(seconds) = rationed.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(told) = rationed.told {
        headers.insert("x-ratelimit-limit", told.limit.into());
        headers.insert("x-ratelimit-remaining", told.remaining.into());
        headers.insert("x-ratelimit-reset", told.reset.into());
    }
}

/// Writes a failure that was found before the core was asked.
pub(crate) fn errors(status: StatusCode, id: RequestId, text: Option<String>) -> Response {
    json(
        status,
        id,
        &Failure {
            errors: text.into_iter().collect(),
            data: None,
        },
    )
}

/// Writes the refusal of a body that was not taken.
pub(crate) fn bad_body(id: RequestId, error: BodyError) -> Response {
    let (status, text) = match error {
        BodyError::Malformed(text) => (StatusCode::BAD_REQUEST, text),
        BodyError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "http: request body too large".to_owned(),
        ),
        BodyError::TooSlow => {
            let text = "the request body did not arrive in time".to_owned();
            (StatusCode::REQUEST_TIMEOUT, text)
        }
        BodyError::UnsupportedType(text) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, text),
        BodyError::Unreadable => (
            StatusCode::BAD_REQUEST,
            "the request body could not be read".to_owned(),
        ),
    };
    errors(status, id, Some(text))
}

/// Writes the refusal of a head that has more than it may (RFC 6585 section 5).
pub(crate) fn head_too_large(id: RequestId, text: String) -> Response {
    errors(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, id, Some(text))
}

/// Writes a JSON answer without an envelope, with nothing secret in it.
pub(crate) fn json<T: Serialize>(status: StatusCode, id: RequestId, value: &T) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    with_headers(status, id, Body::from(body), Some(JSON))
}

/// Writes a JSON answer that is wiped once it is sent.
pub(crate) fn secret_json(status: StatusCode, id: RequestId, body: SecretBytes) -> Response {
    let body = Body::from(Bytes::from_owner(Wiped(body)));
    with_headers(status, id, body, Some(JSON))
}

/// Writes a document as it is, with its own media type.
pub(crate) fn whole(status: StatusCode, id: RequestId, document: Document) -> Response {
    let Document {
        content_type,
        max_age,
        challenge,
        body,
        lines,
    } = document;
    let body = match lines {
        Some(lines) => Body::new(Growing(lines)),
        None => Body::from(Bytes::from_owner(Wiped(body))),
    };
    let mut response = with_headers(status, id, body, None);
    if let Ok(content_type) = HeaderValue::from_str(&content_type) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if let Some(max_age) = max_age {
        let value = format!("public, max-age={}", max_age.as_secs());
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(header::CACHE_CONTROL, value);
        }
    } else {
        // What caches of HTTP/1.0 understand, which OAuth still asks for (RFC 6749 section 5.1).
        let value = HeaderValue::from_static("no-cache");
        response.headers_mut().insert(header::PRAGMA, value);
    }
    if let Some(challenge) = challenge
        && let Ok(value) = HeaderValue::try_from(challenge)
    {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// Writes an answer without a body.
pub(crate) fn empty(status: StatusCode, id: RequestId) -> Response {
    with_headers(status, id, Body::empty(), None)
}

/// Writes the answer to a request whose time is over, in Vault's words.
pub(crate) fn overdue(id: RequestId) -> Response {
    tracing::warn!(request_id = %id, "a request took longer than max_request_duration");
    let text = "1 error occurred:\n\t* context canceled\n\n".to_owned();
    errors(StatusCode::INTERNAL_SERVER_ERROR, id, Some(text))
}

fn with_headers(
    status: StatusCode,
    id: RequestId,
    body: Body,
    content_type: Option<&'static str>,
) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Returns the text in the shape that Vault gives errors of its core.
fn multierror(error: &Error) -> String {
    format!("1 error occurred:\n\t* {error}\n\n")
}

/// A body that is wiped when the last part of it was sent.
struct Wiped(SecretBytes);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        // EXPOSE: sent to the caller.
        self.0.expose()
    }
}

/// A body that is sent line by line, as they come.
struct Growing(Lines);

impl http_body::Body for Growing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let line = self.0.poll_line(cx);
        line.map(|line| line.map(|line| Ok(Frame::data(Bytes::from(line)))))
    }
}
