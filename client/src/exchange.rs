//! One call on its way: token, namespace, idempotency, proof, attempts.

use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use keyward_api::Sensitive;
use keyward_api::client::{HttpRequest, HttpResponse};
use keyward_api::proof::{
    LONGEST, RequestToSign, ResponseToSign, Signed, SigningKey, VerifyingKey, sign_request,
    verify_response,
};
use keyward_crypto::{SecretBytes, SecretString, random};

use crate::retry::{is_passing, retry_after};
use crate::{Error, Request, Response, RetryPolicy, Transport};

/// What a call does to the server, which says when it may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes something: it carries an `Idempotency-Key`, so that a server that has done it
    /// already repeats its answer.
    Changes,
    /// It computes or reads, and may be sent as often as one likes.
    Computes,
}

/// One server and how it is talked to.
pub(crate) struct Link<T> {
    pub(crate) transport: T,
    /// The address, without a slash at its end.
    pub(crate) address: String,
    pub(crate) namespace: Option<String>,
    pub(crate) token: RwLock<Option<SecretString>>,
    pub(crate) proof: Option<SigningKey>,
    /// The keys that answers to signed requests must be signed with; empty if nobody looks.
    pub(crate) trusted: Vec<VerifyingKey>,
    pub(crate) retry: RetryPolicy,
}

/// One call.
pub(crate) struct Exchange<'a, T> {
    pub(crate) link: &'a Link<T>,
    pub(crate) effect: Effect,
    /// What the last answer said of when to come back.
    pub(crate) retry_after: &'a Mutex<Option<Duration>>,
}

impl<T: Transport> keyward_api::client::Transport for Exchange<'_, T> {
    type Error = Error;

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let mut headers = request.headers;
        if let Some(namespace) = &self.link.namespace {
            headers.push(("x-vault-namespace", namespace.clone().into()));
        }
        if self.effect == Effect::Changes {
            let key = random::generate_text(32);
            // EXPOSE: a name for the request, in its header.
            headers.push(("idempotency-key", format!("\"{}\"", key.expose()).into()));
        }
        let mut request = Request {
            method: request.method,
            url: format!("{}{}", self.link.address, request.target),
            headers,
            body: request.body,
        };
        let unsigned = request.headers.len();
        let mut attempt = 1;
        loop {
            // Each attempt is signed anew: a server takes a nonce once.
            request.headers.truncate(unsigned);
            let signature = self.authorize(&mut request)?;
            let answer = self.link.transport.send(&request).await;
            let asked = answer
                .as_ref()
                .ok()
                .and_then(|answer| retry_after(answer.header("retry-after")));
            *self
                .retry_after
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = asked;
            let passing = match &answer {
                Ok(answer) => is_passing(answer.status),
                Err(_) => true,
            };
            let wait = self.link.retry.wait(attempt, asked, number());
            if let (true, Some(wait)) = (passing, wait) {
                self.link.transport.pause(wait).await;
                attempt += 1;
                continue;
            }
            let answer = answer.map_err(Error::Unreachable)?;
            if let Some(signature) = &signature {
                self.check(&request, signature, &answer)?;
            }
            return Ok(HttpResponse {
                status: answer.status,
                request_id: answer.header("x-request-id").map(str::to_owned),
                body: answer.body,
            });
        }
    }
}

impl<T: Transport> Exchange<'_, T> {
    /// Adds the token and, if there is a key to prove, the proof; returns its signature.
    fn authorize(&self, request: &mut Request) -> Result<Option<String>, Error> {
        let token = self.link.token.read();
        let token = token.unwrap_or_else(PoisonError::into_inner);
        let Some(token) = &*token else {
            return Ok(None);
        };
        let mut signature = None;
        if let Some(key) = &self.link.proof {
            let empty = SecretBytes::new(Vec::new());
            let body = request.body.as_ref().unwrap_or(&empty);
            let signed = sign_request(
                key,
                &RequestToSign {
                    method: request.method,
                    target_uri: &request.url,
                    token,
                    // EXPOSE: hashed into the proof.
                    body: body.expose(),
                    created: seconds(self.link.transport.now()),
                    lifetime: LONGEST,
                    nonce: random::generate_nonce(),
                },
            );
            let signed = signed.map_err(|error| Error::Invalid(error.to_string()))?;
            if let Some(digest) = signed.content_digest {
                request.headers.push(("content-digest", digest.into()));
            }
            let input = signed.signature_input.into();
            request.headers.push(("signature-input", input));
            let field = signed.signature.clone().into();
            request.headers.push(("signature", field));
            signature = Some(signed.signature);
        }
        request.headers.push(("x-vault-token", token.duplicate()));
        Ok(signature)
    }

    /// Refuses an answer that no trusted key has signed for this request.
    fn check(&self, request: &Request, signature: &str, answer: &Response) -> Result<(), Error> {
        let Some((first, others)) = self.link.trusted.split_first() else {
            return Ok(());
        };
        let field = |name| answer.header(name).map(str::to_owned);
        let (Some(signature_input), Some(signed)) = (field("signature-input"), field("signature"))
        else {
            return Err(Error::Untrusted("it is not signed".to_owned()));
        };
        let fields = Signed {
            content_digest: field("content-digest"),
            signature_input,
            signature: signed,
        };
        let response = ResponseToSign {
            status: answer.status,
            // EXPOSE: hashed, to compare with what was signed.
            body: answer.body.expose(),
            method: request.method,
            target_uri: [&request.url, ""],
            signature,
        };
        let mut verdict = verify_response(first, &response, &fields);
        for key in others {
            verdict = verdict.or_else(|_| verify_response(key, &response, &fields));
        }
        verdict
            .map(drop)
            .map_err(|error| Error::Untrusted(error.to_string()))
    }
}

impl<T> Link<T> {
    pub(crate) fn set_token(&self, token: Option<Sensitive>) {
        // EXPOSE: copied into the secret that travels in its header.
        let token = token.map(|token| SecretString::from(token.expose()));
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// Evenly distributed.
pub(crate) fn number() -> u32 {
    u32::from_le_bytes(random::generate_nonce())
}

fn seconds(now: SystemTime) -> u64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
