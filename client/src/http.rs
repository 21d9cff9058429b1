//! The transport over HTTP.

use std::time::{Duration, SystemTime};

use keyward_crypto::SecretBytes;
use reqwest::header::HeaderValue;
use reqwest::{Method, redirect};

use crate::{Error, Request, Response, Transport, Unreachable};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// HTTP over sockets of tokio, with TLS by rustls.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// Makes a transport that trusts the authorities of the system.
    ///
    /// # Errors
    /// [`Error::Invalid`] when TLS cannot be set up.
    pub fn new() -> Result<Self, Error> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("keyward-client/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT);
        Self::from_builder(builder)
    }

    /// Makes a transport with settings of your own: authorities, a client certificate, time limits.
    /// Redirects are not followed, whatever it says.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the settings do not fit.
    pub fn from_builder(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        let client = builder.redirect(redirect::Policy::none()).build();
        let client = client.map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: &Request) -> Result<Response, reqwest::Error> {
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::POST);
        let mut sending = self.client.request(method, &request.url);
        for (name, value) in &request.headers {
            // EXPOSE: this is the way to the server.
            if let Ok(mut value) = HeaderValue::from_str(value.expose()) {
                value.set_sensitive(true);
                sending = sending.header(*name, value);
            }
        }
        if let Some(body) = &request.body {
            // EXPOSE: as above.
            sending = sending.body(body.expose().clone());
        }
        let answer = sending.send().await?;
        let headers = Response::READ_HEADERS.iter().filter_map(|name| {
            let value = answer.headers().get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        });
        Ok(Response {
            status: answer.status().as_u16(),
            headers: headers.collect(),
            body: SecretBytes::new(answer.bytes().await?.into()),
        })
    }
}

impl Transport for Http {
    async fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        self.exchange(request).await.map_err(Unreachable::new)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "time passes between two attempts"
    )]
    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the time of the world enters here"
    )]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
