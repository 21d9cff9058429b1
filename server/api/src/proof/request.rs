//! Signatures of requests.

use keyward_crypto::{Error, Secret, SecretBytes, encoding};

use super::{
    Address, LONGEST, ProofError, REQUEST_LABEL, REQUEST_TAG, SKEW, SigningKey, VerifyingKey,
    content_digest, field,
    field::{Parameters, digest_of},
    parse_content_digest,
};

/// What is covered without a body.
const WITHOUT_BODY: &str = r#"("@method" "@target-uri" "x-vault-token")"#;
/// What is covered with one.
const WITH_BODY: &str = r#"("@method" "@target-uri" "x-vault-token" "content-digest")"#;

/// The length of a nonce in base64url: 16 bytes at least, 96 at most.
const NONCE: std::ops::RangeInclusive<usize> = 22..=128;

/// A request that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct RequestToSign<'r> {
    /// The method, as it will be sent.
    pub method: &'r str,
    /// The whole URL, as it will be sent, without a fragment.
    pub target_uri: &'r str,
    /// What `X-Vault-Token` will hold.
    pub token: &'r Secret<String>,
    /// The body; empty for none.
    pub body: &'r [u8],
    /// The moment of the signature, in seconds since 1970.
    pub created: u64,
    /// How many seconds it shall hold, [`LONGEST`] at most: the fewer, the less a server has to
    /// remember.
    pub lifetime: u64,
    /// A value that no other request of the key has: `random::generate_nonce()`.
    pub nonce: [u8; 16],
}

/// The header fields of a message that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `Content-Digest`; none for a request without a body.
    pub content_digest: Option<String>,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

/// Signs a request.
///
/// # Errors
/// [`Error::Internal`] when the library fails.
pub fn sign_request(key: &SigningKey, request: &RequestToSign<'_>) -> Result<Signed, Error> {
    let nonce = encoding::encode_url(&request.nonce);
    let parameters = Parameters {
        created: Some(request.created),
        expires: Some(request.created.saturating_add(request.lifetime)),
        nonce: Some(&nonce),
        keyid: Some(key.public().thumbprint()),
        alg: Some(key.public().algorithm().name()),
        tag: Some(REQUEST_TAG),
    };
    let content_digest =
        (!request.body.is_empty()).then(|| content_digest(&digest_of(request.body)));
    let components = covered(content_digest.is_some());
    let signed = format!("{components}{}", parameters.print());
    // EXPOSE: signed, in a buffer that is wiped.
    let token = request.token.expose();
    let base = base(
        request.method,
        [request.target_uri, ""],
        token,
        content_digest.as_deref(),
        &signed,
    );
    // EXPOSE: the base holds the token, and is signed.
    let signature = key.sign(base.expose())?;
    Ok(Signed {
        content_digest,
        signature_input: format!("{REQUEST_LABEL}={signed}"),
        signature: field::dictionary(REQUEST_LABEL, &signature),
    })
}

/// A request as it was received. Header fields are without blanks around them.
#[derive(Clone, Copy, Debug)]
pub struct Received<'r> {
    /// The method.
    pub method: &'r str,
    /// Path and query, as they stand in the request.
    pub target: &'r str,
    /// The `Host` header or `:authority`. It says which address is tried first and nothing else.
    pub host: &'r str,
    /// `X-Vault-Token`; what the signature is of must be what the token was found by.
    pub token: &'r Secret<String>,
    /// The digest of the body; none without a body.
    pub body_digest: Option<&'r [u8; 32]>,
    /// `Content-Digest`.
    pub content_digest: Option<&'r str>,
    /// `Signature-Input`.
    pub signature_input: &'r str,
    /// `Signature`.
    pub signature: &'r str,
}

/// What is known of a request whose proof is good, but for its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'r> {
    /// The address that it was sent to.
    pub address: &'r Address,
    /// Its nonce, which must be new.
    pub nonce: &'r str,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Until when the nonce must be remembered, in seconds since 1970.
    pub until: u64,
}

/// Verifies the proof of a request at `now`, in seconds since 1970, against the key that its token
/// is bound to. Whether the nonce is new is left to the caller.
///
/// # Errors
/// The first check that it does not pass.
pub fn verify_request<'r>(
    received: &Received<'r>,
    key: &VerifyingKey,
    addresses: &'r [Address],
    now: u64,
) -> Result<Verified<'r>, ProofError> {
    let signed = field::member(REQUEST_LABEL, received.signature_input)?;
    let end = signed.find(')').ok_or(ProofError::Malformed)? + 1;
    let (components, parameters) = signed.split_at(end);
    let Parameters {
        created: Some(created),
        expires: Some(expires),
        nonce: Some(nonce),
        keyid: Some(keyid),
        alg: Some(alg),
        tag: Some(tag),
    } = Parameters::parse(parameters)?
    else {
        return Err(ProofError::Malformed);
    };
    if tag != REQUEST_TAG {
        return Err(ProofError::Tag);
    }
    if keyid != key.thumbprint() {
        return Err(ProofError::Key);
    }
    // Each key has one algorithm; the caller chooses none.
    if alg != key.algorithm().name() {
        return Err(ProofError::Algorithm);
    }
    if components != covered(received.body_digest.is_some()) {
        return Err(ProofError::Components);
    }
    if !NONCE.contains(&nonce.len()) {
        return Err(ProofError::Malformed);
    }
    check_window(created, expires, now)?;
    let digest = match received.body_digest {
        None => None,
        Some(of_body) => {
            let field = received.content_digest.ok_or(ProofError::Digest)?;
            if parse_content_digest(field)? != *of_body {
                return Err(ProofError::Digest);
            }
            Some(field)
        }
    };
    let signature = field::bytes_of(REQUEST_LABEL, received.signature)?;
    let likely_first = |wanted| {
        let all = addresses.iter();
        all.filter(move |address| address.is_at(received.host) == wanted)
    };
    let sent_to = likely_first(true)
        .chain(likely_first(false))
        .find(|address| {
            let target = [address.as_str(), received.target];
            // EXPOSE: verified, in a buffer that is wiped.
            let token = received.token.expose();
            let base = base(received.method, target, token, digest, signed);
            // EXPOSE: the base holds the token, and is verified.
            key.verify(base.expose(), &signature)
        });
    Ok(Verified {
        address: sent_to.ok_or(ProofError::Signature)?,
        nonce,
        created,
        until: expires + SKEW + 1,
    })
}

/// Checks that a signature holds now, and not for longer than it may.
fn check_window(created: u64, expires: u64, now: u64) -> Result<(), ProofError> {
    let length = expires.checked_sub(created).ok_or(ProofError::Window)?;
    if length > LONGEST {
        return Err(ProofError::Window);
    }
    if created > now + SKEW {
        return Err(ProofError::Future);
    }
    if expires + SKEW < now {
        return Err(ProofError::Expired);
    }
    Ok(())
}

const fn covered(has_body: bool) -> &'static str {
    if has_body { WITH_BODY } else { WITHOUT_BODY }
}

/// Writes the signature base (RFC 9421 section 2.5), reserved whole: it holds the token.
fn base(
    method: &str,
    target: [&str; 2],
    token: &str,
    digest: Option<&str>,
    signed: &str,
) -> SecretBytes {
    let [address, rest] = target;
    let mut parts = vec![
        "\"@method\": ",
        method,
        "\n\"@target-uri\": ",
        address,
        rest,
    ];
    parts.extend(["\n\"x-vault-token\": ", token]);
    if let Some(digest) = digest {
        parts.extend(["\n\"content-digest\": ", digest]);
    }
    parts.extend(["\n\"@signature-params\": ", signed]);
    SecretBytes::new(parts.concat().into_bytes())
}
