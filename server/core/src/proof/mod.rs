//! Tokens that are bound to a key: what a request must prove, and answers that are signed.
//!
//! The gate checks a proof right after it has found the token, before anything is counted, decided
//! or changed. What was verified stands in the request's [`Proof`] from then on, where the face
//! that sends the answer finds the key to sign it with, whatever the answer is.

mod nonces;
mod response_key;

use std::sync::{Arc, OnceLock};

use keyward_api::proof::{
    Address, ProofError, Received, ResponseToSign, Signed, SigningKey, VerifyingKey, sign_response,
    verify_request,
};

use self::nonces::Nonces;
use crate::{Clock, Error, Request, Timestamp, view::View};

/// What a request brings to prove that its sender holds the key of its token, as it was received.
#[derive(Debug, Default)]
pub struct Claim {
    /// The method.
    pub method: String,
    /// Path and query, as they stand in the request.
    pub target: String,
    /// The host that it names. It says which address is tried first and nothing else.
    pub host: String,
    /// Whether the token stands in `X-Vault-Token`, once: there alone it is signed.
    pub signs_token: bool,
    /// The SHA-256 digest of the body as it came; none without a body.
    pub body_digest: Option<[u8; 32]>,
    /// `Content-Digest`, if there is one.
    pub content_digest: Option<String>,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

/// The proof of a request, and what came of it.
///
/// It stands beside a request whether or not its token is bound to a key, and is looked at only if
/// it is.
#[derive(Debug)]
pub struct Proof {
    claim: Claim,
    verified: OnceLock<Answering>,
}

/// What an answer to a verified request is signed with.
#[derive(Debug)]
struct Answering {
    key: Arc<SigningKey>,
    address: Address,
}

impl Proof {
    /// Takes what was received.
    #[must_use]
    pub const fn new(claim: Claim) -> Self {
        Self {
            claim,
            verified: OnceLock::new(),
        }
    }

    /// Returns what was received.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Signs the answer to this request at `now`: its status, and its body as it is sent. None if
    /// the request was not verified, because its token is bound to no key or it was refused before.
    ///
    /// # Errors
    /// [`Error::Internal`] if the answer cannot be signed; then it must not be sent.
    pub fn sign_answer(
        &self,
        status: u16,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Signed>, Error> {
        let Some(answering) = self.verified.get() else {
            return Ok(None);
        };
        let response = ResponseToSign {
            status,
            body,
            method: &self.claim.method,
            target_uri: [answering.address.as_str(), &self.claim.target],
            signature: &self.claim.signature,
        };
        let signed = sign_response(&answering.key, &response, now.unix_seconds())?;
        Ok(Some(signed))
    }
}

/// What proofs are checked against, and answers signed with.
pub(crate) struct Proofs {
    key: Arc<SigningKey>,
    addresses: Arc<[Address]>,
    nonces: Nonces,
}

impl Proofs {
    /// Opens the key that signs answers, and makes it in a new store.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn open(
        view: &View,
        addresses: Arc<[Address]>,
        clock: &dyn Clock,
    ) -> Result<Self, Error> {
        Ok(Self {
            key: Arc::new(response_key::open(view).await?),
            addresses,
            nonces: Nonces::new(clock.now().unix_seconds()),
        })
    }

    /// Returns the public half of the key that signs answers.
    pub(crate) fn response_key(&self) -> &VerifyingKey {
        self.key.public()
    }

    /// Checks that a request is signed by the key that its token is bound to, for the first time.
    ///
    /// # Errors
    /// [`Error::Unproven`], and the nonce is remembered only if it was good.
    pub(crate) fn check(
        &self,
        request: &Request,
        key: &VerifyingKey,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.verify(request, key, now).map_err(Error::Unproven)
    }

    fn verify(
        &self,
        request: &Request,
        key: &VerifyingKey,
        now: Timestamp,
    ) -> Result<(), ProofError> {
        let (Some(proof), Some(token)) = (&request.proof, &request.token) else {
            return Err(ProofError::Unsigned);
        };
        let claim = &proof.claim;
        if !claim.signs_token {
            return Err(ProofError::Token);
        }
        let received = Received {
            method: &claim.method,
            target: &claim.target,
            host: &claim.host,
            token: token.secret(),
            body_digest: claim.body_digest.as_ref(),
            content_digest: claim.content_digest.as_deref(),
            signature_input: &claim.signature_input,
            signature: &claim.signature,
        };
        let seconds = now.unix_seconds();
        let verified = verify_request(&received, key, &self.addresses, seconds)?;
        // Last, so that nobody but the holder of the key fills the memory.
        self.nonces.remember(key.thumbprint(), &verified, seconds)?;
        let answering = Answering {
            key: Arc::clone(&self.key),
            address: verified.address.clone(),
        };
        // A request goes through the gate once, so that nothing stands there yet.
        let _ = proof.verified.set(answering);
        Ok(())
    }
}
