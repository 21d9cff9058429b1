//! How services of others are called: by HTTPS, for a bounded time, for an answer of bounded size.
//!
//! Certificates are checked against those that the operating system trusts.
//!
//! **Invariant:** no redirect is followed, and nothing but HTTPS is spoken: what is secret goes to the
//! host that the method names, or nowhere.

use std::{sync::OnceLock, time::Duration};

use keyward_core::{Error, Unconfirmed};
use keyward_crypto::{SecretBytes, SecretString};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect::Policy};
use serde::de::DeserializeOwned;

/// How long a login may wait for its second factor: as long as the services let a push wait.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long it may take to reach a service.
const CONNECT: Duration = Duration::from_secs(10);

/// The most bytes of an answer that are read.
const ANSWER: usize = 64 << 10;

/// What calls one service.
pub(super) struct Caller {
    client: OnceLock<Client>,
    deadline: Duration,
}

/// Why a call gave nothing; the sentence is for the log, and holds nothing secret.
#[derive(Debug)]
pub(super) struct Failed(pub(super) String);

impl Default for Caller {
    fn default() -> Self {
        Self {
            client: OnceLock::new(),
            deadline: DEADLINE,
        }
    }
}

impl Caller {
    /// Makes one that gives up earlier.
    #[cfg(test)]
    pub(super) fn hasty(deadline: Duration) -> Self {
        Self {
            deadline,
            ..Self::default()
        }
    }

    /// Does all that one verification takes, and gives up when its time is over.
    ///
    /// # Errors
    /// The login is not confirmed. What went wrong with a call is for the log; who logs in is told
    /// that something did.
    pub(super) async fn within(
        &self,
        service: &'static str,
        verification: impl Future<Output = Result<(), Stop>>,
    ) -> Result<(), Unconfirmed> {
        let failed = match tokio::time::timeout(self.deadline, verification).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Stop::Refused(text))) => return Err(Unconfirmed(text)),
            Ok(Err(Stop::Failed(Failed(why)))) => why,
            Err(_) => "nobody answered in time".to_owned(),
        };
        tracing::warn!(service, why = ?failed, "a second factor could not be verified");
        Err(Unconfirmed(format!(
            "the second factor could not be verified with {service}; the log of the server says why"
        )))
    }

    /// Returns the client that requests are built with.
    pub(super) fn client(&self) -> Result<&Client, Failed> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let builder = Client::builder().redirect(Policy::none()).https_only(true);
        let client = builder.connect_timeout(CONNECT).build();
        let client = client.map_err(|error| Failed(cause(&error)))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Why a verification ends without success.
#[derive(Debug)]
pub(super) enum Stop {
    /// A call gave nothing.
    Failed(Failed),
    /// The service, or the entity, said no; the sentence is for who logs in.
    Refused(String),
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// Waits a moment before a service is asked again whether an entity has answered.
#[expect(
    clippy::disallowed_methods,
    reason = "the service tells of no event, it can only be asked again"
)]
pub(super) async fn pause(how_long: Duration) {
    tokio::time::sleep(how_long).await;
}

/// Sends a request and reads an answer that is not too long.
///
/// # Errors
/// Nobody answered, or too much.
pub(super) async fn answer(request: RequestBuilder) -> Result<(StatusCode, SecretBytes), Failed> {
    let away = |error: reqwest::Error| Failed(cause(&error));
    let mut response = request.send().await.map_err(away)?;
    let mut body = SecretBytes::new(Vec::with_capacity(ANSWER));
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        // EXPOSE: to fill the buffer that is wiped.
        let body = body.expose_mut();
        if body.len() + chunk.len() > ANSWER {
            return Err(Failed("its answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

/// Reads an answer as JSON; what is wrong with it is not repeated.
///
/// # Errors
/// It is not what the service documents.
pub(super) fn read<T: DeserializeOwned>(
    status: StatusCode,
    body: &SecretBytes,
) -> Result<T, Failed> {
    // EXPOSE: parsed, and dropped.
    let parsed = serde_json::from_slice(body.expose());
    parsed.map_err(|_| {
        Failed(format!(
            "its answer with status {status} is not as documented"
        ))
    })
}

/// What a service says of a fault, as far as it is read by people.
pub(super) fn shortened(message: &str) -> String {
    message.chars().take(100).collect()
}

/// A body that is wiped when it was sent.
pub(super) struct Body(pub(super) SecretString);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        // EXPOSE: sent to the service that the method names.
        self.0.expose().as_bytes()
    }
}

/// Reads the host of a service, perhaps with a port, as the address of its root.
///
/// # Errors
/// [`Error::Invalid`] if it is anything more: a path, a query, credentials.
pub(super) fn https(field: &str, host: &str) -> Result<Url, Error> {
    let refused = || Error::Invalid(format!("{field} is no hostname"));
    let is_more = |c: char| matches!(c, '/' | '\\' | '?' | '#' | '@') || c.is_whitespace();
    if host.is_empty() || host.contains(is_more) {
        return Err(refused());
    }
    Url::parse(&format!("https://{host}/")).map_err(|_| refused())
}

/// Returns the host of an address as it is sent in `Host`: in lower case, with a port that is not
/// the usual one.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        None => host.to_owned(),
        Some(port) => format!("{host}:{port}"),
    }
}

/// The innermost cause, which alone says what is wrong and quotes no address.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for (host, authority) in [
            ("API-1.duosecurity.com", "api-1.duosecurity.com"),
            ("api-1.duosecurity.com:443", "api-1.duosecurity.com"),
            ("localhost:8443", "localhost:8443"),
            ("[::1]:1", "[::1]:1"),
        ] {
            let url = https("api_hostname", host).unwrap();
            assert_eq!(url.scheme(), "https");
            assert_eq!(super::authority(&url), authority);
        }
        for host in [
            "", "/", "a/b", "a?b", "a#b", "u@a", "http://a", "a b", "a\\b", ":1", "a:b", "a:99999",
            "[::1", "a\n",
        ] {
            let refused = https("api_hostname", host).unwrap_err().to_string();
            assert_eq!(refused, "api_hostname is no hostname", "{host:?}");
        }
    }

    #[tokio::test]
    async fn who_waits_for_a_service_waits_no_longer_than_its_deadline() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let caller = Caller::hasty(Duration::from_millis(50));
        // The connection stands, and nobody says a word.
        let call = async {
            answer(caller.client()?.get(url)).await?;
            Ok(())
        };
        let unconfirmed = caller.within("duo", call).await.unwrap_err();
        assert_eq!(
            unconfirmed.to_string(),
            "the second factor could not be verified with duo; the log of the server says why"
        );
    }

    #[tokio::test]
    async fn nothing_is_called_without_tls() {
        let caller = Caller::default();
        let Failed(why) = answer(caller.client().unwrap().get("http://127.0.0.1:1/"))
            .await
            .unwrap_err();
        assert!(why.contains("URL scheme"), "{why}");
    }
}
