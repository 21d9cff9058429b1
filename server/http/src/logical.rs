//! The one route, `/v1`: from an HTTP request to a [`Request`] and back.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::Response,
};
use keyward_api::{
    Operation, ROOT_NAMESPACE_ID, coerce, identity::ReadOidcUserInfo, sys::ReadMetrics,
};
use keyward_core::{
    CanonicalPath, Core, Credentials, Error, IdempotencyKey, MfaCredentials, PageOrigin, Proof,
    Remote, Request, RequestId, TokenId, WrapFormat,
};
use keyward_crypto::{SecretBytes, SecretString, encoding};

use crate::{
    App, begun::Begun, body, completed::Completed, cors, head, listen::Pending, open, proof,
    respond, sealed, ui, unread::Unread,
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
    let rationed = app.core.ration(named, &remote);
    let mut response = if rationed.retry_after.is_some() {
        let text = format!("request path {named:?}: rate limit quota exceeded");
        let reason = Error::Limited(text);
        let query = parts.uri.query().unwrap_or("");
        let request = operation(&parts.method, query)
            .ok()
            .filter(|_| rationed.audited)
            .and_then(|operation| parse(app, &parts, id, remote, operation, query).ok());
        match request {
            None => respond::failed(id, &reason),
            Some(request) => match app.core.refuse(request, reason).await {
                Ok(done) => respond::done(id, done),
                Err(error) => respond::failed(id, &error),
            },
        }
    } else {
        answer(app, id, remote, parts, body).await
    };
    respond::mark_rationed(&mut response, &rationed);
    response
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
                    let core = &app.core;
                    let work = sealed::answer(face, core, id, &query, &body);
                    let answered = core.on_record(face, request, work).await;
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

/// Makes what is put on record of a request that no mount answers; its token counts for nothing.
fn asked_of_face(
    app: &App,
    parts: &Parts,
    id: RequestId,
    remote: Remote,
    operation: Operation,
    body: &SecretBytes,
) -> Result<Request, Error> {
    let path = parts.uri.path().strip_prefix("/v1/").unwrap_or_default();
    let path =
        CanonicalPath::parse_encoded(path).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(Request {
        id,
        remote,
        headers: audited(&app.core, &parts.headers),
        ..Request::new(operation, path, body.duplicate())
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
    let path = parts.uri.path().strip_prefix("/v1/").unwrap_or_default();
    let path =
        CanonicalPath::parse_encoded(path).map_err(|error| Error::Invalid(error.to_string()))?;
    check_namespace(&parts.headers)?;
    let (operation, path) = match (operation, asks_for_help(query)) {
        (operation, false) => (operation, path),
        (Operation::List | Operation::Read | Operation::Scan, true) => {
            (Operation::Read, helped(&path)?)
        }
        (_, true) => return Err(Error::UnsupportedOperation),
    };
    let scheme = match ReadOidcUserInfo::is_at(path.as_str()) {
        true => Scheme::OfOAuth,
        false => Scheme::OfVault,
    };
    let wrap_format = parts.headers.get("x-vault-wrap-format");
    let accept = ReadMetrics::is_at(path.as_str()).then(|| accepted(&parts.headers));
    Ok(Request {
        id,
        operation,
        path,
        body: SecretBytes::new(Vec::new()),
        token: token(&parts.headers, scheme)?,
        credentials: credentials(&parts.headers),
        mfa: mfa(&parts.headers)?,
        proof: None,
        idempotency_key: idempotency_key(&parts.headers)?,
        wrap_ttl: wrap_ttl(&parts.headers)?,
        wrap_format: WrapFormat::named(wrap_format.map(|format| format.as_bytes())),
        remote,
        origin: cors::of_page(&parts.headers),
        accept,
        headers: audited(&app.core, &parts.headers),
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

/// The headers that hold a token or a passcode.
const HOLD_SECRETS: [&str; 3] = ["authorization", "x-vault-mfa", "x-vault-token"];

/// Takes those headers that the audit log shows, but never one that holds a secret.
fn audited(core: &Core, headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let Some(shown) = core.audited_headers() else {
        return BTreeMap::new();
    };
    let values = |name: &str| {
        let values = headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    };
    let names = shown.headers.keys();
    names
        .filter(|name| !HOLD_SECRETS.contains(&name.as_str()))
        .filter(|name| headers.contains_key(name.as_str()))
        .map(|name| (name.clone(), values(name)))
        .collect()
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

/// How `Bearer` may be spelled before a token.
#[derive(Clone, Copy)]
enum Scheme {
    /// In any case (RFC 9110 section 11.1).
    OfOAuth,
    /// As Vault reads it.
    OfVault,
}

impl Scheme {
    /// Returns the token of a line; none if its scheme is another one.
    fn token_of(self, line: &str) -> Option<&str> {
        let (scheme, token) = line.split_once(' ')?;
        let is_bearer = match self {
            Self::OfOAuth => scheme.eq_ignore_ascii_case("bearer"),
            Self::OfVault => scheme == "Bearer",
        };
        is_bearer.then(|| token.trim())
    }
}

/// Finds the token: `X-Vault-Token`, or `Authorization: Bearer`. Two that differ are refused, so
/// that nobody is served under another identity than meant.
fn token(headers: &HeaderMap, scheme: Scheme) -> Result<Option<TokenId>, Error> {
    let unreadable = || Error::invalid("the token header is not readable text");
    let text =
        |value: &header::HeaderValue| value.to_str().map_err(|_| unreadable()).map(str::to_owned);
    let mut tokens = Vec::new();
    for value in headers.get_all("x-vault-token") {
        tokens.push(SecretString::new(text(value)?));
    }
    for value in headers.get_all(header::AUTHORIZATION) {
        let line = value.to_str().map_err(|_| unreadable())?;
        if let Some(token) = scheme.token_of(line) {
            tokens.push(SecretString::from(token));
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

/// Reads `Authorization: Basic`; none if it is not readable, as nothing but a client of OAuth sends
/// it. Both parts are encoded as in a form (RFC 6749 section 2.3.1).
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let line = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = line.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = encoding::decode(encoded.trim()).ok()?;
    // EXPOSE: taken apart; the secret goes into a wiped buffer again.
    let (name, secret) = std::str::from_utf8(decoded.expose())
        .ok()?
        .split_once(':')?;
    Some(Credentials {
        name: body::form_decode(name),
        secret: SecretString::new(body::form_decode(secret)),
    })
}

/// Reads the second factors that a login brings along.
fn mfa(headers: &HeaderMap) -> Result<MfaCredentials, Error> {
    let lines = headers.get_all("x-vault-mfa").iter();
    let lines = lines.map(|line| {
        let unreadable = || Error::invalid("the X-Vault-MFA header is not readable text");
        line.to_str().map_err(|_| unreadable())
    });
    MfaCredentials::parse(lines.collect::<Result<Vec<_>, _>>()?)
}

/// Reads the name of a change.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Error> {
    let mut lines = headers.get_all("idempotency-key").iter();
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let text = line.to_str().ok().filter(|_| lines.next().is_none());
    IdempotencyKey::parse(text.unwrap_or_default()).map(Some)
}

/// There is one namespace, the root.
fn check_namespace(headers: &HeaderMap) -> Result<(), Error> {
    let namespace = headers
        .get("x-vault-namespace")
        .map(|value| value.to_str().unwrap_or("?"));
    match namespace.unwrap_or_default().trim_matches('/') {
        "" | ROOT_NAMESPACE_ID => Ok(()),
        _ => Err(Error::NotFound(Some("namespace not found".to_owned()))),
    }
}

/// Reads which media types the caller takes, all lines as one (RFC 9110 section 5.3).
pub(crate) fn accepted(headers: &HeaderMap) -> String {
    let lines = headers.get_all(header::ACCEPT).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    lines.join(", ")
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
    let seconds = coerce::parse_duration(text).map_err(|why| fault(&why))?;
    let exact = Duration::try_from_secs_f64(seconds)
        .map_err(|_| fault("requested wrap ttl cannot be negative"))?;
    // Rounded up: who asks for a wrapped answer must not get a bare one.
    let whole = exact.as_secs() + u64::from(exact.subsec_nanos() > 0);
    Ok((whole > 0).then(|| Duration::from_secs(whole)))
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// RFC 6749 section 2.3.1: both parts are encoded as in a form, then put together.
    #[test]
    fn credentials_are_those_of_a_client_of_oauth() {
        let read = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, line.parse().unwrap());
            credentials(&headers)
        };
        let encoded = encoding::encode(b"an+id%3A:hvo%5Fsecret:%zz");
        for scheme in ["Basic", "basic", "BASIC"] {
            let wanted = Credentials {
                name: "an id:".to_owned(),
                secret: SecretString::from("hvo_secret:%zz"),
            };
            assert_eq!(read(&format!("{scheme} {encoded}")), Some(wanted));
        }
        let nameless = encoding::encode(b"nothing between");
        for line in ["Basic", "Basic !", "Bearer a", &format!("Basic {nameless}")] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(credentials(&HeaderMap::new()), None);
    }

    #[test]
    fn a_scheme_is_spelled_in_any_case_where_libraries_of_oauth_call() {
        for (line, of_oauth, of_vault) in [
            ("Bearer hvs.a ", Some("hvs.a"), Some("hvs.a")),
            ("bearer hvs.a", Some("hvs.a"), None),
            ("BEARER hvs.a", Some("hvs.a"), None),
            ("Basic hvs.a", None, None),
            ("bearer", None, None),
        ] {
            assert_eq!(Scheme::OfOAuth.token_of(line), of_oauth, "{line}");
            assert_eq!(Scheme::OfVault.token_of(line), of_vault, "{line}");
        }
        let info = "identity/oidc/provider/default/userinfo";
        assert!(ReadOidcUserInfo::is_at(info));
        for other in [
            "identity/oidc/provider/userinfo",
            "kv/userinfo",
            "x/",
            &info[1..],
        ] {
            assert!(!ReadOidcUserInfo::is_at(other), "{other}");
        }
        let elsewhere = "identity/oidc/provider/a/b/userinfo";
        assert!(!ReadOidcUserInfo::is_at(elsewhere));
    }

    #[test]
    fn an_answer_is_wrapped_for_whole_seconds_rounded_up() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-vault-wrap-ttl", text.parse().unwrap());
            let read = wrap_ttl(&headers).map_err(|error| error.to_string())?;
            Ok::<_, String>(read.map(|ttl| ttl.as_secs()))
        };
        for (text, wanted) in [
            ("60", Some(60)),
            ("1m", Some(60)),
            ("1500ms", Some(2)),
            ("1ms", Some(1)),
            ("7000000000ns", Some(7)),
            ("0", None),
            ("-0s", None),
            ("", None),
        ] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
        for text in ["-1", "-1ms", "-1h"] {
            let why = read(text).unwrap_err();
            assert!(why.contains("wrap ttl cannot be negative"), "{text}: {why}");
        }
        assert!(read("1x").is_err_and(|why| why.contains("unknown unit \"x\"")));
    }

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
