//! The one `/v1` route: from an HTTP request to a [`Request`] and back.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::Response,
};
use keyward_api::{Operation, coerce};
use keyward_core::{CanonicalPath, Error, Remote, Request, RequestId, TokenId};
use keyward_crypto::{SecretBytes, SecretString};

use crate::{
    App,
    body::{self, BodyError},
    cors::{self, Origin},
    respond, sealed,
};

/// Answers every request below `/v1/`.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
) -> Response {
    let id = RequestId::generate();
    let (parts, body) = request.into_parts();
    let cors = app.core.cors();
    if parts.method == Method::OPTIONS {
        return cors::preflight(id, cors.as_deref(), &parts.headers);
    }
    match cors::origin(cors.as_deref(), &parts.headers) {
        Origin::Refused => cors::refused(id),
        Origin::Unmarked => answer(&app, id, parts, body).await,
        Origin::Allowed(origin) => {
            let mut response = answer(&app, id, parts, body).await;
            cors::mark(&mut response, origin);
            response
        }
    }
}

async fn answer(app: &App, id: RequestId, parts: Parts, body: Body) -> Response {
    if let Some(face) = sealed::Face::of(parts.uri.path()) {
        return match body::read(body, app.limits.max_request_size).await {
            Ok(body) => face.answer(&app.core, id, &parts, &body).await,
            Err(error) => refuse_body(id, error),
        };
    }
    let query = parts.uri.query().unwrap_or("");
    let operation = match operation(&parts.method, query) {
        Ok(operation) => operation,
        Err(status) => return respond::errors(status, id, None),
    };
    let request = match parse(&parts, id, operation, query) {
        Ok(request) => request,
        Err(error) => return respond::failed(id, &error),
    };
    let body = match operation {
        Operation::Delete | Operation::List | Operation::Read => {
            Ok(body::pairs_to_json(query, |name| name != "list"))
        }
        Operation::Create | Operation::Patch | Operation::Update => {
            let read = body::read(body, app.limits.max_request_size).await;
            read.and_then(|body| body::to_json(&parts.method, &parts.headers, body))
        }
    };
    match body {
        Ok(body) => match app.core.handle(Request { body, ..request }).await {
            Ok(done) => respond::done(id, done),
            Err(error) => respond::failed(id, &error),
        },
        Err(error) => refuse_body(id, error),
    }
}

/// Reads all of a request but its body.
fn parse(
    parts: &Parts,
    id: RequestId,
    operation: Operation,
    query: &str,
) -> Result<Request, Error> {
    let path = parts.uri.path().strip_prefix("/v1/").unwrap_or_default();
    let path =
        CanonicalPath::parse_encoded(path).map_err(|error| Error::Invalid(error.to_string()))?;
    check_namespace(&parts.headers)?;
    if body::form_pairs(query).any(|(name, _)| name == "help") {
        return Err(Error::UnsupportedOperation);
    }
    let remote = parts.extensions.get::<SocketAddr>();
    let remote = remote.map_or_else(Remote::default, |address| Remote {
        address: address.ip().to_string(),
        port: address.port(),
    });
    Ok(Request {
        id,
        operation,
        path,
        body: SecretBytes::new(Vec::new()),
        token: token(&parts.headers)?,
        wrap_ttl: wrap_ttl(&parts.headers)?,
        remote,
        headers: BTreeMap::new(),
    })
}

/// Returns what a method means, or the status for one that means nothing here.
fn operation(method: &Method, query: &str) -> Result<Operation, StatusCode> {
    match method.as_str() {
        "DELETE" => Ok(Operation::Delete),
        "GET" => {
            let list = body::form_pairs(query).find(|(name, _)| name == "list");
            match list.as_ref().map_or("", |(_, value)| value.as_str()) {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Operation::List),
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Operation::Read),
                _ => Err(StatusCode::BAD_REQUEST),
            }
        }
        "LIST" => Ok(Operation::List),
        "PATCH" => Ok(Operation::Patch),
        "POST" | "PUT" => Ok(Operation::Update),
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Finds the token: `X-Vault-Token`, or `Authorization: Bearer`. Two that differ are refused, so
/// that nobody is served under another identity than meant.
fn token(headers: &HeaderMap) -> Result<Option<TokenId>, Error> {
    let unreadable = || Error::invalid("the token header is not readable text");
    let text =
        |value: &header::HeaderValue| value.to_str().map_err(|_| unreadable()).map(str::to_owned);
    let mut tokens = Vec::new();
    for value in headers.get_all("x-vault-token") {
        tokens.push(SecretString::new(text(value)?));
    }
    for value in headers.get_all(header::AUTHORIZATION) {
        if let Some(token) = value
            .to_str()
            .map_err(|_| unreadable())?
            .strip_prefix("Bearer ")
        {
            tokens.push(SecretString::new(token.trim().to_owned()));
        }
    }
    // EXPOSE: only emptiness is looked at.
    tokens.retain(|token| !token.expose().is_empty());
    let Some(token) = tokens.pop() else {
        return Ok(None);
    };
    if tokens.iter().any(|other| *other != token) {
        return Err(Error::invalid("the request carries two different tokens"));
    }
    Ok(Some(TokenId::new(token)))
}

/// There is one namespace, the root.
fn check_namespace(headers: &HeaderMap) -> Result<(), Error> {
    let namespace = headers
        .get("x-vault-namespace")
        .map(|value| value.to_str().unwrap_or("?"));
    match namespace.unwrap_or_default().trim_matches('/') {
        "" | "root" => Ok(()),
        _ => Err(Error::NotFound(Some("namespace not found".to_owned()))),
    }
}

/// Reads how long the answer shall stay wrapped.
fn wrap_ttl(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get("x-vault-wrap-ttl") else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| Error::invalid("invalid wrap TTL"))?;
    let fault = |why: &str| Error::Invalid(format!("error parsing X-Vault-Wrap-TTL header: {why}"));
    let seconds = coerce::parse_seconds(text).map_err(|why| fault(&why))?;
    let seconds =
        u64::try_from(seconds).map_err(|_| fault("requested wrap ttl cannot be negative"))?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

fn refuse_body(id: RequestId, error: BodyError) -> Response {
    let (status, text) = match error {
        BodyError::Malformed(text) => (StatusCode::BAD_REQUEST, text),
        BodyError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "http: request body too large".to_owned(),
        ),
        BodyError::UnsupportedType(text) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, text),
        BodyError::Unreadable => (
            StatusCode::BAD_REQUEST,
            "the request body could not be read".to_owned(),
        ),
    };
    respond::errors(status, id, Some(text))
}
