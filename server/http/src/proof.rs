//! Signed requests on their way in, and signed answers on their way out.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use http_body_util::BodyExt as _;
use keyward_api::proof::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT};
use keyward_core::{Claim, Core, Error, Proof, RequestId};
use keyward_crypto::{HashAlgorithm, SecretBytes};

use crate::respond;

/// Takes what a request brings as proof, but for its body; none if it is not signed.
pub(crate) fn of(parts: &Parts) -> Option<Claim> {
    let headers = &parts.headers;
    let signature_input = field(headers, SIGNATURE_INPUT)?;
    let target = parts.uri.path_and_query();
    // HTTP/2 has it in the URI (RFC 9113 section 8.3.1).
    let host = match parts.uri.authority() {
        Some(authority) => authority.as_str().to_owned(),
        None => field(headers, header::HOST.as_str()).unwrap_or_default(),
    };
    Some(Claim {
        method: parts.method.as_str().to_owned(),
        target: target.map_or_else(String::new, |target| target.as_str().to_owned()),
        host,
        signs_token: stands_alone(headers, "x-vault-token"),
        content_digest: field(headers, CONTENT_DIGEST),
        signature_input,
        signature: field(headers, SIGNATURE).unwrap_or_default(),
        body_digest: None,
    })
}

/// Adds the digest of a body as it came; an empty one is none.
pub(crate) fn digest(claim: &mut Option<Claim>, body: &SecretBytes) {
    let Some(claim) = claim else { return };
    // EXPOSE: hashed, for a signature that is of the hash.
    let body = body.expose();
    if !body.is_empty() {
        let digest = HashAlgorithm::Sha2_256.digest(body);
        claim.body_digest = <[u8; 32]>::try_from(digest).ok();
    }
}

/// Signs an answer, if its request was verified; what cannot be signed is not sent.
pub(crate) async fn sign(
    core: &Core,
    id: RequestId,
    proof: Option<Arc<Proof>>,
    response: Response,
) -> Response {
    let Some(proof) = proof else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    // All of it is in memory already.
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return respond::failed(id, &Error::internal(error)),
    };
    let now = core.clock().now();
    match proof.sign_answer(parts.status.as_u16(), &body, now) {
        Ok(None) => {}
        Ok(Some(signed)) => {
            let fields = [
                (CONTENT_DIGEST, signed.content_digest.unwrap_or_default()),
                (SIGNATURE_INPUT, signed.signature_input),
                (SIGNATURE, signed.signature),
            ];
            for (name, value) in fields {
                match HeaderValue::try_from(value) {
                    Ok(value) => {
                        let name = HeaderName::from_static(name);
                        parts.headers.insert(name, value);
                    }
                    Err(error) => return respond::failed(id, &Error::internal(error)),
                }
            }
        }
        Err(error) => return respond::failed(id, &error),
    }
    Response::from_parts(parts, Body::from(body))
}

/// Tells whether a header is there, once, and holds something.
fn stands_alone(headers: &HeaderMap, name: &str) -> bool {
    let mut lines = headers.get_all(name).iter();
    lines.next().is_some_and(|line| !line.is_empty()) && lines.next().is_none()
}

/// Takes a header field as one line, which is how several lines of it are read (RFC 9110
/// section 5.3).
fn field(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut lines = headers.get_all(name).iter();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
    let first = text(lines.next()?);
    Some(lines.fold(first, |joined, line| format!("{joined}, {}", text(line))))
}
