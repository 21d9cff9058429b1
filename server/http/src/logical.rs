//! The one route, `/v1`: from an HTTP request to a [`Request`] and back.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{Method, StatusCode, request::Parts},
    response::Response,
};
use keyward_api::{Operation, coerce, identity::ReadOidcUserInfo, sys::ReadMetrics};
use keyward_core::{
    CanonicalPath, Error, PageOrigin, Proof, Remote, Request, RequestId, WrapFormat,
};
use keyward_crypto::SecretBytes;

use crate::{
    App, asked, begun::Begun, body, completed::Completed, cors, head, inline, listen::Pending,
    open, proof, respond, sealed, ui, unread::Unread,
};

/// Answers every request.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
) -> Response {
    let id = RequestId::generate();
    let (parts, body) = request.into_parts();
    let (body, unread) = Unread::lend(&parts, body);
    let remote = remote(&app, &parts);
    let completed = Completed::begin(&app, id, &parts, remote.as_ref().ok());
    let mut response = match remote {
        Ok(remote) => from_origin(&app, id, remote, parts, body).await,
        Err(text) => respond::errors(StatusCode::BAD_REQUEST, id, Some(text)),
    };
    app.rules.headers.mark(&mut response);
    if let Some(unread) = unread {
        unread.dismiss(&app.rules.limits, &mut response);
    }
    if let Some(completed) = completed {
        completed.tell(&app, response.status());
    }
    response
}

/// Returns where a request came from.
fn remote(app: &App, parts: &Parts) -> Result<Remote, String> {
    let Some(peer) = parts.extensions.get::<SocketAddr>() else {
        return Ok(Remote::default());
    };
    // An IPv4 client of an IPv6 socket is an IPv4 client.
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let client = match &app.rules.forwarded {
        None => peer,
        Some(rules) => rules.client(peer, &parts.headers)?,
    };
    Ok(Remote {
        address: client.ip().to_string(),
        port: client.port(),
    })
}

async fn from_origin(
    app: &Arc<App>,
    id: RequestId,
    remote: Remote,
    parts: Parts,
    body: Body,
) -> Response {
    if let Some(refused) = head::refuse(id, &parts, &app.rules.limits) {
        return refused;
    }
    let below = parts.uri.path().strip_prefix("/v1/");
    if below.is_none_or(str::is_empty) {
        let mut response = respond::errors(StatusCode::NOT_FOUND, id, None);
        if parts.uri.path() == "/ui" || parts.uri.path().starts_with("/ui/") {
            ui::mark(&mut response, &app.core);
        }
        return response;
    }
    let origins = app.core.cors();
    let origins = origins.as_deref();
    let mut response = if parts.method == Method::OPTIONS {
        cors::preflight(id, origins, &parts.headers)
    } else {
        match cors::judge(origins, &parts.headers) {
            (PageOrigin::Refused, _) => cors::refused(id),
            (PageOrigin::Unmarked, _) | (_, None) => rationed(app, id, remote, parts, body).await,
            (PageOrigin::Allowed, Some(origin)) => {
                let origin = origin.clone();
                let mut response = rationed(app, id, remote, parts, body).await;
                cors::mark(&mut response, origin);
                response
            }
        }
    };
    cors::vary(&mut response, origins);
    response
}

/// Lets a request through that no rate limit refuses: before its body is read, or its token asked
/// after.
async fn rationed(
    app: &Arc<App>,
    id: RequestId,
    remote: Remote,
    parts: Parts,
    body: Body,
) -> Response {
    let path = parts.uri.path().strip_prefix("/v1/").unwrap_or_default();
    let path = CanonicalPath::parse_encoded(path);
    // What is no path is refused later, and counts for the limit of all.
    let named = path.as_ref().map_or("", CanonicalPath::as_str);
    let mut rationed = app.core.ration(named, &remote);
    let mut reason = None;
    if rationed.retry_after.is_some() {
        reason = Some(exceeded(named));
    } else if let Some(login) = inline::path(&parts.headers) {
        let of_login = app.core.ration(login.as_str(), &remote);
        if of_login.retry_after.is_some() {
            rationed = of_login;
            reason = Some(Error::Login(Box::new(exceeded(login.as_str()))));
        }
    }
    let mut response = if let Some(reason) = reason {
        let query = parts.uri.query().unwrap_or("");
        let request = operation(&parts.method, query)
            .ok()
            .filter(|_| rationed.audited)
            .and_then(|operation| parse(app, &parts, id, remote, operation, query).ok());
        match request {
            None => respond::failed(id, &reason),
            Some(request) => refuse(app, request, reason).await,
        }
    } else {
        answer(app, id, remote, parts, body).await
    };
    respond::mark_rationed(&mut response, &rationed);
    response
}

fn exceeded(path: &str) -> Error {
    Error::Limited(format!("request path {path:?}: rate limit quota exceeded"))
}

async fn answer(
    app: &Arc<App>,
    id: RequestId,
    remote: Remote,
    parts: Parts,
    body: Body,
) -> Response {
    let limits = &app.rules.limits;
    if let Some(response) = open::answer(app, id, &parts) {
        return response;
    }
    let pending = parts.extensions.get::<Pending>().cloned();
    let most = limits.max_request_duration;
    let query = parts.uri.query().unwrap_or("");
    if let Some(face) = sealed::face(&parts)
        && !asks_for_help(query)
    {
        let (face, operation) = match face {
            Ok(found) => found,
            Err(status) => return respond::errors(status, id, None),
        };
        let read = body::read(body, limits).await;
        return match read.and_then(|body| body::within(&limits.json, body)) {
            Ok(body) => {
                let request = match asked_of_face(app, &parts, id, remote, operation, &body) {
                    Ok(request) => request,
                    Err(error) => return respond::failed(id, &error),
                };
                let (app, query) = (Arc::clone(app), query.to_owned());
                let work = async move {
                    let work = sealed::answer(face, &app, id, &query, &body);
                    let answered = app.core.on_record(face, request, work).await;
                    answered.unwrap_or_else(|error| respond::failed(id, &error))
                };
                finish(id, most, pending, work).await
            }
            Err(error) => respond::bad_body(id, error),
        };
    }
    let operation = match operation(&parts.method, query) {
        Ok(operation) => operation,
        Err(status) => return respond::errors(status, id, None),
    };
    let request = match parse(app, &parts, id, remote, operation, query) {
        Ok(request) => request,
        Err(error) => return respond::failed(id, &error),
    };
    if app.rules.root_generation_is_closed && open::generates_root(&request) {
        return refuse(app, request, Error::UnsupportedOperation).await;
    }
    // EXPOSE: only the length is looked at.
    let token_size = request.token.as_ref().map_or(0, |it| it.expose().len());
    if token_size > limits.max_token_size {
        return respond::errors(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, id, None);
    }
    let mut claim = proof::of(&parts);
    let body = match operation {
        Operation::Delete | Operation::List | Operation::Read | Operation::Scan => {
            Ok(body::pairs_to_json(query, |name| {
                !matches!(name, "help" | "list" | "scan")
            }))
        }
        Operation::Create | Operation::Patch | Operation::Update => {
            let read = body::read(body, limits).await;
            if let Ok(body) = &read {
                proof::digest(&mut claim, body);
            }
            read.and_then(|body| body::to_json(&parts.method, &parts.headers, body))
                .and_then(|body| body::within(&limits.json, body))
        }
    };
    match body {
        Ok(body) => {
            let proof = claim.map(|claim| Arc::new(Proof::new(claim)));
            let request = Request {
                body,
                proof: proof.clone(),
                ..request
            };
            let core = Arc::clone(&app.core);
            let is_done = sealed::is_done(&request);
            let work = async move {
                match core.handle(request).await {
                    Ok(done) => respond::done(id, done),
                    Err(Error::Sealed) if is_done => respond::empty(StatusCode::NO_CONTENT, id),
                    Err(error) => respond::failed(id, &error),
                }
            };
            let response = finish(id, most, pending, work).await;
            proof::sign(&app.core, id, proof, response).await
        }
        Err(error) => respond::bad_body(id, error),
    }
}

/// Refuses a request, on record.
async fn refuse(app: &App, request: Request, reason: Error) -> Response {
    let id = request.id;
    match app.core.refuse(request, reason).await {
        Ok(done) => respond::done(id, done),
        Err(error) => respond::failed(id, &error),
    }
}

/// Waits for work until its time is over. What was begun goes on to its end in any case, and onto
/// the record, even if the client hangs up: half a change would be worse than one nobody waits for.
/// Until then a listener that stops has something to wait for.
pub(crate) async fn finish(
    id: RequestId,
    most: Duration,
    pending: Option<Pending>,
    work: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let work = async move {
        let response = work.await;
        drop(pending);
        response
    };
    match tokio::time::timeout(most, Begun::new(work)).await {
        Ok(Some(response)) => response,
        Ok(None) => respond::failed(id, &Error::internal("the request panicked")),
        Err(_) => respond::overdue(id),
    }
}

/// Reads the path below `/v1/`.
fn path_of(parts: &Parts) -> Result<CanonicalPath, Error> {
    let path = parts.uri.path().strip_prefix("/v1/").unwrap_or_default();
    CanonicalPath::parse_encoded(path).map_err(|error| Error::Invalid(error.to_string()))
}

/// Makes what is put on record of a request that no mount answers; its token counts for nothing.
fn asked_of_face(
    app: &App,
    parts: &Parts,
    id: RequestId,
    remote: Remote,
    operation: Operation,
    body: &SecretBytes,
) -> Result<Request, Error> {
    Ok(Request {
        id,
        remote,
        headers: asked::audited(&app.core, &parts.headers),
        ..Request::new(operation, path_of(parts)?, body.duplicate())
    })
}

/// Reads all of a request but its body.
fn parse(
    app: &App,
    parts: &Parts,
    id: RequestId,
    remote: Remote,
    operation: Operation,
    query: &str,
) -> Result<Request, Error> {
    let path = path_of(parts)?;
    asked::check_namespace(&parts.headers)?;
    let (operation, path) = match (operation, asks_for_help(query)) {
        (operation, false) => (operation, path),
        // Whatever the method, nothing is done but that.
        (_, true) => (Operation::Read, helped(&path)?),
    };
    let scheme = match ReadOidcUserInfo::is_at(path.as_str()) {
        true => asked::Scheme::OfOAuth,
        false => asked::Scheme::OfVault,
    };
    let wrap_format = parts.headers.get("x-vault-wrap-format");
    let token = asked::token(&parts.headers, scheme)?;
    let login = inline::login(&parts.headers, token.is_some(), &app.rules.limits.json)?;
    let accept = ReadMetrics::is_at(path.as_str()).then(|| asked::accepted(&parts.headers));
    Ok(Request {
        id,
        operation,
        path,
        body: SecretBytes::new(Vec::new()),
        token,
        credentials: asked::credentials(&parts.headers),
        mfa: asked::mfa(&parts.headers)?,
        proof: None,
        idempotency_key: asked::idempotency_key(&parts.headers)?,
        wrap_ttl: asked::wrap_ttl(&parts.headers)?,
        wrap_format: WrapFormat::named(wrap_format.map(|format| format.as_bytes())),
        remote,
        origin: cors::of_page(&parts.headers),
        accept,
        headers: asked::audited(&app.core, &parts.headers),
        login,
    })
}

fn asks_for_help(query: &str) -> bool {
    body::form_pairs(query).any(|(name, value)| name == "help" && !value.is_empty())
}

/// Returns where a path is explained.
fn helped(path: &CanonicalPath) -> Result<CanonicalPath, Error> {
    let path = format!("sys/internal/help/{}", path.as_str());
    CanonicalPath::parse(&path).map_err(|error| Error::Invalid(error.to_string()))
}

/// Returns what a method means, or the status for one that means nothing here.
fn operation(method: &Method, query: &str) -> Result<Operation, StatusCode> {
    match method.as_str() {
        "DELETE" => Ok(Operation::Delete),
        "GET" => match (flag(query, "list")?, flag(query, "scan")?) {
            (false, false) => Ok(Operation::Read),
            (true, false) => Ok(Operation::List),
            (false, true) => Ok(Operation::Scan),
            (true, true) => Err(StatusCode::BAD_REQUEST),
        },
        "LIST" => Ok(Operation::List),
        "PATCH" => Ok(Operation::Patch),
        "POST" | "PUT" => Ok(Operation::Update),
        "SCAN" => Ok(Operation::Scan),
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Reads a parameter that is true or false; one that is not there is false.
fn flag(query: &str, name: &str) -> Result<bool, StatusCode> {
    let given = body::form_pairs(query).find(|(given, _)| given == name);
    match given.as_ref().map_or("", |(_, value)| value.as_str()) {
        "" => Ok(false),
        text => coerce::parse_flag(text).ok_or(StatusCode::BAD_REQUEST),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_takes_too_long_is_answered_and_goes_on() {
        let (go_on, told) = oneshot::channel::<()>();
        let (ended, end) = oneshot::channel();
        let id = RequestId::generate();
        let answer = finish(id, Duration::from_millis(10), None, async move {
            told.await.unwrap();
            ended.send(()).unwrap();
            respond::empty(StatusCode::NO_CONTENT, id)
        });
        assert_eq!(answer.await.status(), StatusCode::INTERNAL_SERVER_ERROR);
        go_on.send(()).unwrap();
        end.await.unwrap();
    }

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it() {
        let (go_on, told) = oneshot::channel::<()>();
        let (ended, end) = oneshot::channel();
        let id = RequestId::generate();
        let mut answer = Box::pin(finish(id, Duration::from_secs(60), None, async move {
            told.await.unwrap();
            ended.send(()).unwrap();
            respond::empty(StatusCode::NO_CONTENT, id)
        }));
        let hung_up = tokio::time::timeout(Duration::from_millis(10), &mut answer).await;
        assert!(hung_up.is_err());
        drop(answer);
        go_on.send(()).unwrap();
        end.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer() {
        let id = RequestId::generate();
        let answer = finish(id, Duration::from_secs(60), None, async { panic!("a bug") });
        assert_eq!(answer.await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
