//! Signatures of answers, which are bound to the request that they answer.

use keyward_crypto::Error;

use super::{
    ProofError, REQUEST_LABEL, RESPONSE_LABEL, RESPONSE_TAG, Signed, SigningKey, VerifyingKey,
    content_digest, field,
    field::{Parameters, digest_of},
    parse_content_digest,
};

/// What is covered (RFC 9421 section 2.4: `req` is of the request).
const COVERED: &str = concat!(
    r#"("@status" "content-digest" "@method";req "@target-uri";req "#,
    r#""signature";req;key="pop")"#
);

/// An answer, and the request that it answers.
#[derive(Clone, Copy, Debug)]
pub struct ResponseToSign<'r> {
    /// The status of the answer.
    pub status: u16,
    /// Its body, as it is sent; empty for none.
    pub body: &'r [u8],
    /// The method of the request.
    pub method: &'r str,
    /// Its whole URL, in two parts: an address of the server, and path and query.
    pub target_uri: [&'r str; 2],
    /// Its `Signature` field.
    pub signature: &'r str,
}

/// Signs an answer at `created`, in seconds since 1970.
///
/// # Errors
/// [`Error::Internal`] when the library fails.
pub fn sign_response(
    key: &SigningKey,
    response: &ResponseToSign<'_>,
    created: u64,
) -> Result<Signed, Error> {
    let parameters = Parameters {
        created: Some(created),
        keyid: Some(key.public().thumbprint()),
        alg: Some(key.public().algorithm().name()),
        tag: Some(RESPONSE_TAG),
        ..Parameters::default()
    };
    let content_digest = content_digest(&digest_of(response.body));
    let signed = format!("{COVERED}{}", parameters.print());
    let base = base(response, &content_digest, &signed)
        .map_err(|_| Error::Internal("an answer to an unsigned request is not signed".into()))?;
    let signature = key.sign(base.as_bytes())?;
    Ok(Signed {
        content_digest: Some(content_digest),
        signature_input: format!("{RESPONSE_LABEL}={signed}"),
        signature: field::dictionary(RESPONSE_LABEL, &signature),
    })
}

/// Verifies that an answer was signed by `key` for this request; returns when, in seconds since
/// 1970.
///
/// # Errors
/// The first check that it does not pass.
pub fn verify_response(
    key: &VerifyingKey,
    response: &ResponseToSign<'_>,
    fields: &Signed,
) -> Result<u64, ProofError> {
    let signed = field::member(RESPONSE_LABEL, &fields.signature_input)?;
    let end = signed.find(')').ok_or(ProofError::Malformed)? + 1;
    let (components, parameters) = signed.split_at(end);
    let Parameters {
        created: Some(created),
        expires: None,
        nonce: None,
        keyid: Some(keyid),
        alg: Some(alg),
        tag: Some(tag),
    } = Parameters::parse(parameters)?
    else {
        return Err(ProofError::Malformed);
    };
    if tag != RESPONSE_TAG {
        return Err(ProofError::Tag);
    }
    if keyid != key.thumbprint() {
        return Err(ProofError::Key);
    }
    if alg != key.algorithm().name() {
        return Err(ProofError::Algorithm);
    }
    if components != COVERED {
        return Err(ProofError::Components);
    }
    let digest = fields.content_digest.as_deref();
    let digest = digest.ok_or(ProofError::Digest)?;
    if parse_content_digest(digest)? != digest_of(response.body) {
        return Err(ProofError::Digest);
    }
    let base = base(response, digest, signed)?;
    let signature = field::bytes_of(RESPONSE_LABEL, &fields.signature)?;
    if key.verify(base.as_bytes(), &signature) {
        Ok(created)
    } else {
        Err(ProofError::Signature)
    }
}

/// Writes the signature base (RFC 9421 section 2.5).
fn base(response: &ResponseToSign<'_>, digest: &str, signed: &str) -> Result<String, ProofError> {
    let ResponseToSign {
        status,
        method,
        target_uri: [address, target],
        signature,
        ..
    } = response;
    let signature = field::member(REQUEST_LABEL, signature)?;
    Ok(format!(
        "\"@status\": {status}\n\
         \"content-digest\": {digest}\n\
         \"@method\";req: {method}\n\
         \"@target-uri\";req: {address}{target}\n\
         \"signature\";req;key=\"pop\": {signature}\n\
         \"@signature-params\": {signed}"
    ))
}
