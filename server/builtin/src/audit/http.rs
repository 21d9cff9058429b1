//! The `http` audit device: lines posted to an HTTP server.
//!
//! The lines of all requests that wait make one body, a line each, up to some size; whatever status
//! but 2xx it is answered with, they have failed on this device. A post that could not be sent is
//! sent once more, and then the receiver may have lines twice, alike to the last byte: `sequence`
//! and `chain` tell them.
//!
//! **Invariant:** no redirect is followed: lines go where the operator said, or nowhere.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use keyward_core::audit::{AuditDevice, AuditError, AuditKind, Chain, Lines, Options, Standing};
use reqwest::{
    Client, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

use super::courier::{Carrier, Courier};

/// The line of the registry.
///
/// Options: `uri`, where to post; `headers`, a JSON object with a list of values for each name.
pub const HTTP: AuditKind = AuditKind {
    name: "http",
    options: &["headers", "uri"],
    open,
};

/// How long one post may take, its answer included.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The most bytes in one body, unless the lines of one request alone are more: what the servers in
/// front of log collectors take by default.
const BODY: usize = 512 << 10;

fn open(options: &Options, standing: &Arc<Standing>) -> Result<Arc<dyn AuditDevice>, AuditError> {
    let uri = options.get("uri").map_or("", String::as_str);
    if uri.is_empty() {
        return Err(AuditError::options("uri is required"));
    }
    let refused = |why: &str| AuditError::options(format!("failed to parse uri: {why}"));
    let uri = Url::parse(uri).map_err(|error| refused(&error.to_string()))?;
    if !matches!(uri.scheme(), "http" | "https") {
        return Err(refused("its scheme is neither http nor https"));
    }
    let headers = parse_headers(options.get("headers"))?;
    let client = Client::builder()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .build()
        .map_err(AuditError::failed)?;
    Ok(Courier::start(Poster {
        client,
        uri,
        headers,
        chain: Chain::default(),
        standing: Arc::clone(standing),
    }))
}

fn parse_headers(text: Option<&String>) -> Result<HeaderMap, AuditError> {
    let refused = |why: String| AuditError::options(format!("failed to parse headers: {why}"));
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    let given: BTreeMap<String, Vec<String>> = match text {
        None => BTreeMap::new(),
        Some(text) => serde_json::from_str(text).map_err(|error| refused(error.to_string()))?,
    };
    for (name, values) in given {
        let parsed = HeaderName::try_from(&name).map_err(|error| refused(error.to_string()))?;
        headers.remove(&parsed);
        for value in values {
            let mut value = HeaderValue::try_from(value)
                .map_err(|error| refused(format!("{name}: {error}")))?;
            // It may be a credential.
            value.set_sensitive(true);
            headers.append(&parsed, value);
        }
    }
    Ok(headers)
}

/// A carrier that posts lines.
struct Poster {
    client: Client,
    uri: Url,
    headers: HeaderMap,
    chain: Chain,
    standing: Arc<Standing>,
}

/// Why a post failed.
enum Failure {
    /// Nobody answered: the next post would fail alike.
    Away(AuditError),
    /// The answer was no; it may be for what these lines are.
    Refused(AuditError),
}

impl Poster {
    /// Posts the lines of several requests as one body.
    async fn post(&mut self, batch: &[Lines]) -> Result<(), Failure> {
        let mut chain = self.chain.clone();
        let mut body = Vec::new();
        for lines in batch {
            lines.close(&mut chain, &mut body);
        }
        let body = Bytes::from(body);
        let send = || {
            let post = self.client.post(self.uri.clone());
            post.headers(self.headers.clone()).body(body.clone()).send()
        };
        let answer = match send().await {
            Err(error) if !error.is_timeout() => send().await,
            answer => answer,
        };
        let failed = |why: String| AuditError::failed(format!("{}: {why}", place(&self.uri)));
        let status = answer
            .map_err(|error| Failure::Away(failed(cause(&error))))?
            .status();
        if !status.is_success() {
            return Err(Failure::Refused(failed(format!("it answered {status}"))));
        }
        self.chain = chain;
        self.standing.note(&self.chain);
        Ok(())
    }
}

#[async_trait]
impl Carrier for Poster {
    async fn deliver(&mut self, mut batch: &[Lines]) -> Vec<Result<(), AuditError>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        while !batch.is_empty() {
            let (body, rest) = batch.split_at(length_of_body(batch));
            let outcome = match self.post(body).await {
                Ok(()) => Ok(()),
                Err(Failure::Refused(error)) => Err(error),
                Err(Failure::Away(error)) => {
                    let all = body.len() + rest.len();
                    outcomes.extend(std::iter::repeat_n(Err(error), all));
                    break;
                }
            };
            outcomes.extend(std::iter::repeat_n(outcome, body.len()));
            batch = rest;
        }
        outcomes
    }

    /// There is nothing to let go of: connections are kept for a while only.
    fn close(&mut self) {}
}

/// Returns the lines of how many requests fit into a body; of one at least.
fn length_of_body(batch: &[Lines]) -> usize {
    let mut bytes = 0;
    let fits = |lines: &&Lines| {
        bytes += lines.size();
        bytes <= BODY
    };
    batch.iter().take_while(fits).count().max(1)
}

/// The address without what may be a credential.
fn place(uri: &Url) -> String {
    let host = uri.host_str().unwrap_or_default();
    let port = uri
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{}://{host}{port}{}", uri.scheme(), uri.path())
}

/// The innermost cause, which alone says what is wrong and quotes no address.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
