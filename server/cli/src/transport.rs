//! Requests over HTTP, to a server of Vault's API.
//!
//! **Invariant:** a token goes to the server that it is meant for and to no other: a redirect may
//! not leave TLS, and a server on this machine is never asked through a proxy.

mod address;
mod preview;
mod tls;

use std::{cell::RefCell, fmt, time::Duration};

use anyhow::{Context as _, Result};
use keyward_api::{
    client::{HttpRequest, HttpResponse, Transport},
    coerce,
};
use keyward_crypto::{SecretBytes, SecretString};
use reqwest::{Method, StatusCode, Url, header::HeaderValue, redirect};

pub(crate) use self::preview::Preview;
use self::{address::Address, preview::Whose};
use crate::{Environment, arguments::Connection, config::DEFAULT_ADDRESS};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a request is sent again that met a server in trouble.
const RETRIES: u32 = 2;

/// One server, and what every request to it carries.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// Where the user says that it is.
    address: Url,
    /// The same, with the name that its certificate must hold for.
    base: Url,
    token: Option<SecretString>,
    whose: Whose,
    namespace: Option<String>,
    /// How long answers shall stay wrapped, if they shall be wrapped.
    pub(crate) wrap_ttl: Option<String>,
    retries: u32,
    last: RefCell<Exchange>,
    /// How a request is shown in the place of being sent, if it is.
    pub(crate) preview: Option<Preview>,
    /// The first request that was.
    shown: RefCell<Option<String>>,
    /// What of a command line of curl leads to the server.
    curl: String,
}

/// What is told of the last request when it failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    /// The method that was sent.
    pub(crate) method: &'static str,
    /// The whole address.
    pub(crate) url: String,
    /// A refusal that is not of the API, such as the page of a proxy.
    pub(crate) raw: Option<String>,
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) struct Unreachable(String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

impl Unreachable {
    /// Takes the innermost cause: the outer ones repeat the address.
    fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self("no answer within the time limit".to_owned());
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self(explained(cause.to_string()))
    }
}

/// Says what to do about a certificate as `openssl req -x509` makes it unless told otherwise.
fn explained(cause: String) -> String {
    if !cause.contains("CaUsedAsEndEntity") {
        return cause;
    }
    "the certificate of the server is that of an authority, which no server may show: make it with \
     -addext basicConstraints=critical,CA:FALSE, or have an authority sign one for the server"
        .to_owned()
}

impl Http {
    /// Prepares to talk to the server that the flags, or else the environment, name.
    pub(crate) fn new(
        flags: &Connection,
        environment: &Environment,
        token: Option<SecretString>,
    ) -> Result<Self> {
        let setting = |flag: &Option<String>, name| {
            flag.clone()
                .or_else(|| environment.setting(name).map(str::to_owned))
        };
        let address = setting(&flags.address, "ADDR");
        // Without TLS, as a development server listens; nothing leaves this machine.
        let address = address.unwrap_or_else(|| format!("http://{DEFAULT_ADDRESS}"));
        let address = Address::parse(&address)?;
        let builder = reqwest::Client::builder()
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .redirect(redirects())
            .timeout(timeout(environment)?);
        let curl = preview::connection(flags, environment, &address)?;
        let server_name = setting(&flags.tls_server_name, "TLS_SERVER_NAME");
        let (builder, base) = address.connect(builder, server_name.as_deref())?;
        let client = tls::settings(builder, flags, environment)?.build();
        Ok(Self {
            client: client.context("cannot set up TLS")?,
            address: address.url,
            base,
            whose: token.as_ref().map_or(Whose::Nobodys, |_| Whose::Kept),
            token,
            namespace: setting(&flags.namespace, "NAMESPACE"),
            wrap_ttl: setting(&flags.wrap_ttl, "WRAP_TTL"),
            retries: retries(environment)?,
            last: RefCell::default(),
            preview: flags.preview(),
            shown: RefCell::default(),
            curl,
        })
    }

    /// Returns what was sent last.
    pub(crate) fn last(&self) -> Exchange {
        self.last.borrow().clone()
    }

    /// Returns where the user says that the server is.
    pub(crate) fn address(&self) -> &str {
        self.address.as_str().trim_end_matches('/')
    }

    /// Takes what is shown of the first request that was not sent.
    pub(crate) fn take_shown(&self) -> Option<String> {
        self.shown.take()
    }

    /// Tells whether requests carry a token.
    pub(crate) fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// Sends the requests that follow with another token, or with none.
    pub(crate) fn set_token(&mut self, token: Option<SecretString>) {
        self.whose = token.as_ref().map_or(Whose::Nobodys, |_| Whose::Other);
        self.token = token;
    }

    /// Sends a request whose answer may go on however long. A refusal is read whole.
    pub(crate) async fn open(
        &self,
        request: &HttpRequest,
    ) -> Result<Result<Parts, HttpResponse>, Unreachable> {
        let (method, url) = self.begin(request)?;
        let sending = self.prepare(method, &url, request).timeout(Duration::MAX);
        let unreachable = |error| Unreachable::of(&error);
        let answer = sending.send().await.map_err(unreachable)?;
        if answer.status().is_success() {
            return Ok(Ok(Parts(answer)));
        }
        let refusal = read(answer).await.map_err(unreachable)?;
        self.last.borrow_mut().raw = foreign_refusal(&refusal);
        Ok(Err(refusal))
    }

    /// Notes what is about to be sent, and returns how and where to.
    fn begin(&self, request: &HttpRequest) -> Result<(Method, Url), Unreachable> {
        let join = |base: &Url| {
            let joined = base.join(&request.target);
            joined.map_err(|error| Unreachable(error.to_string()))
        };
        let url = join(&self.base)?;
        let method = Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|error| Unreachable(error.to_string()))?;
        *self.last.borrow_mut() = Exchange {
            method: request.method,
            url: join(&self.address)?.to_string(),
            raw: None,
        };
        if let Some(preview) = self.preview {
            let shown = match preview {
                Preview::Curl => {
                    preview::curl(&self.curl, request, &url, self.whose, &self.headers())
                }
                Preview::Policy => preview::policy(request),
            };
            self.shown.borrow_mut().get_or_insert(shown);
            return Err(Unreachable("it is shown, and not sent".to_owned()));
        }
        Ok((method, url))
    }

    /// Returns the headers of every request, but for the token.
    fn headers(&self) -> Vec<(&'static str, &str)> {
        let namespace = self.namespace.as_deref();
        let namespace = namespace.map(|name| ("x-vault-namespace", name));
        let wrap_ttl = self
            .wrap_ttl
            .as_deref()
            .map(|ttl| ("x-vault-wrap-ttl", ttl));
        namespace.into_iter().chain(wrap_ttl).collect()
    }

    /// Makes a request ready to be sent once.
    fn prepare(&self, method: Method, url: &Url, request: &HttpRequest) -> reqwest::RequestBuilder {
        let mut sending = self.client.request(method, url.clone());
        if let Some(token) = &self.token {
            sending = sending.header("x-vault-token", secret_header(token));
        }
        for (name, value) in self.headers() {
            sending = sending.header(name, value);
        }
        for (name, value) in &request.headers {
            sending = sending.header(*name, secret_header(value));
        }
        if let Some(body) = &request.body {
            // EXPOSE: this is the way to the server.
            sending = sending.body(body.expose().clone());
        }
        sending
    }
}

/// A good answer that comes in parts.
pub(crate) struct Parts(reqwest::Response);

impl Parts {
    /// Hands the parts on as they come, until there are no more.
    pub(crate) async fn hand_on(mut self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let unreachable = |error| anyhow::anyhow!("{}", Unreachable::of(&error));
        while let Some(part) = self.0.chunk().await.map_err(unreachable)? {
            each(&part)?;
        }
        Ok(())
    }
}

/// Reads an answer to its end.
async fn read(answer: reqwest::Response) -> reqwest::Result<HttpResponse> {
    let status = answer.status().as_u16();
    let request_id = answer.headers().get("x-request-id");
    let request_id = request_id.and_then(|id| Some(id.to_str().ok()?.to_owned()));
    let body = SecretBytes::new(answer.bytes().await?.to_vec());
    Ok(HttpResponse {
        status,
        request_id,
        body,
    })
}

impl Transport for &Http {
    type Error = Unreachable;

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unreachable> {
        let (method, url) = self.begin(&request)?;
        let mut left = self.retries;
        loop {
            let sending = self.prepare(method.clone(), &url, &request);
            let answer = match sending.send().await {
                Ok(answer) => read(answer).await,
                Err(error) => Err(error),
            };
            let answer = answer.map_err(|error| Unreachable::of(&error))?;
            if left > 0 && is_in_trouble(&answer) {
                left -= 1;
                pause().await;
                continue;
            }
            self.last.borrow_mut().raw = foreign_refusal(&answer);
            return Ok(answer);
        }
    }
}

/// Makes a header that no log shows.
fn secret_header(value: &SecretString) -> HeaderValue {
    // EXPOSE: this is the way to the server. A token with control characters can be none.
    let header = HeaderValue::from_str(value.expose());
    let mut header = header.unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// Tells whether the same request may succeed soon. A sealed server stays sealed.
fn is_in_trouble(answer: &HttpResponse) -> bool {
    let again = answer.status == 412 || (answer.status >= 500 && answer.status != 501);
    again
        && refusal(answer)
            .is_none_or(|errors| errors.iter().all(|error| error != "Vault is sealed"))
}

/// Reads the errors of a refusal, if it is one of the API.
fn refusal(answer: &HttpResponse) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        errors: Vec<String>,
    }
    // EXPOSE: a refusal holds no secret.
    let parsed = serde_json::from_slice::<Refusal>(answer.body.expose());
    parsed.ok().map(|refusal| refusal.errors)
}

/// Returns the text of an answer that refuses in other words than the API's.
fn foreign_refusal(answer: &HttpResponse) -> Option<String> {
    let refused = !StatusCode::from_u16(answer.status).is_ok_and(|status| status.is_success());
    // EXPOSE: whatever answered here refused, and the user must see what it was.
    let body = answer.body.expose();
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    (refused && !is_json).then(|| String::from_utf8_lossy(body).trim().to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server in trouble sends no event when it is over"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Follows one redirect, as a standby node sends it, unless it leaves TLS.
fn redirects() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let from = attempt.previous().last().map(Url::scheme);
        if attempt.previous().len() > 1
            || (from == Some("https") && attempt.url().scheme() != "https")
        {
            return attempt.stop();
        }
        attempt.follow()
    })
}

fn timeout(environment: &Environment) -> Result<Duration> {
    let Some((name, text)) = environment.named("CLIENT_TIMEOUT") else {
        return Ok(TIMEOUT);
    };
    let seconds = coerce::parse_seconds(text)
        .ok()
        .and_then(|seconds| u64::try_from(seconds).ok());
    seconds
        .map(Duration::from_secs)
        .with_context(|| format!("{name} is no duration, such as 30s"))
}

fn retries(environment: &Environment) -> Result<u32> {
    let Some((name, text)) = environment.named("MAX_RETRIES") else {
        return Ok(RETRIES);
    };
    text.parse().with_context(|| format!("{name} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            request_id: None,
            body: body.as_bytes().into(),
        }
    }

    #[test]
    fn only_a_server_in_trouble_is_asked_again() {
        for (status, body, again) in [
            (200, "{}", false),
            (400, r#"{"errors":["no"]}"#, false),
            (412, r#"{"errors":["too early"]}"#, true),
            (501, r#"{"errors":[]}"#, false),
            (502, "<html>", true),
            (503, r#"{"errors":["Vault is sealed"]}"#, false),
            (503, r#"{"errors":["overloaded"]}"#, true),
        ] {
            assert_eq!(
                is_in_trouble(&answer(status, body)),
                again,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn a_refusal_in_other_words_than_the_apis_is_kept() {
        let page = "<html>bad gateway</html>\n";
        assert_eq!(
            foreign_refusal(&answer(502, page)).as_deref(),
            Some(page.trim())
        );
        assert_eq!(foreign_refusal(&answer(502, r#"{"errors":[]}"#)), None);
        assert_eq!(foreign_refusal(&answer(200, "plain")), None);
    }
}
