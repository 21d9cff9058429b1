//! A request as it leaves the network: parsed once, then only read.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use keyward_api::Operation;
use keyward_crypto::{SecretBytes, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CanonicalPath, IdempotencyKey, MfaCredentials, Proof, wrapping::WrapGrant};

/// The id under which the audit log holds a request: a random UUID (RFC 9562 section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Makes a fresh one.
    #[must_use]
    pub fn generate() -> Self {
        let bytes = keyward_crypto::random::generate_nonce::<16>();
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Returns a part of it that is evenly spread.
    pub(crate) fn low_byte(self) -> usize {
        usize::from(self.0.as_bytes()[15])
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A token as the caller sent it: a bearer secret.
#[derive(Debug, PartialEq, Eq)]
pub struct TokenId(SecretString);

impl TokenId {
    /// Takes the text of a token.
    #[must_use]
    pub fn new(text: SecretString) -> Self {
        Self(text)
    }

    /// Opens the text; say why at the call.
    #[must_use]
    pub fn expose(&self) -> &str {
        // EXPOSE: this type is the door; its callers say why.
        self.0.expose()
    }

    /// Returns the text as the secret that it is.
    pub(crate) const fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Copies it; the copy is wiped too.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}

/// What a program says of itself beside any token (RFC 7617): a client of the OIDC provider does.
#[derive(Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its name.
    pub name: String,
    /// What it proves that with.
    pub secret: SecretString,
}

/// Where the request came from.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    /// The IP address in text form; empty in process.
    pub address: String,
    /// The port; 0 in process.
    pub port: u16,
}

/// What form the token has that opens a wrapped answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WrapFormat {
    /// A JSON Web Token (RFC 7519), which tells until when and where it is opened.
    Jwt,
    /// A token like others.
    #[default]
    Token,
}

impl WrapFormat {
    /// Reads its name; as in Vault, what is no name asks for nothing.
    #[must_use]
    pub fn named(name: Option<&[u8]>) -> Self {
        match name {
            Some(b"jwt") => Self::Jwt,
            _ => Self::Token,
        }
    }
}

/// One request to a logical path.
#[derive(Debug)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// What it does. Never [`Operation::Create`]: the core decides that.
    pub operation: Operation,
    /// The canonical path, without `/v1/`.
    pub path: CanonicalPath,
    /// The JSON object of parameters (for reads: the query as an object), or empty.
    pub body: SecretBytes,
    /// The token, if one was sent.
    pub token: Option<TokenId>,
    /// The credentials, if some were sent; never audited.
    pub credentials: Option<Credentials>,
    /// The second factors that a login brings along; never audited.
    pub mfa: MfaCredentials,
    /// What it brings to prove that its sender holds the key of the token; none if it is not signed.
    pub proof: Option<Arc<Proof>>,
    /// The name under which a change is made once, however often it is asked for.
    pub idempotency_key: Option<IdempotencyKey>,
    /// How long the answer shall stay wrapped, if it shall be wrapped.
    pub wrap_ttl: Option<Duration>,
    /// What form the token has that opens the wrapped answer.
    pub wrap_format: WrapFormat,
    /// Where it came from.
    pub remote: Remote,
    /// The origin of the page that it came from, where a browser says so (RFC 6454 section 7).
    pub origin: Option<String>,
    /// The media types that the caller takes (RFC 9110 section 12.5.1), where the answer has several.
    pub accept: Option<String>,
    /// Headers that may be audited or handed to engines, in lower case.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The login that comes along in the place of a token; `token` is none then.
    pub login: Option<Box<InlineLogin>>,
}

/// A login that comes along with the one request that it is for (inline authentication, as OpenBao
/// calls it).
#[derive(Debug)]
pub struct InlineLogin {
    /// What it does: [`Operation::Update`] mostly.
    pub operation: Operation,
    /// The path of an auth method, without `/v1/`.
    pub path: CanonicalPath,
    /// The JSON object of parameters.
    pub body: SecretBytes,
}

impl Request {
    /// Returns how the answer shall be wrapped; none if it shall not.
    pub(crate) fn wrap_grant(&self) -> Option<WrapGrant> {
        self.wrap_ttl.map(|ttl| WrapGrant {
            ttl,
            format: self.wrap_format,
            path: self.path.as_str().to_owned(),
        })
    }

    /// Makes a request from within the process, with no headers; tests and internal calls use it.
    #[must_use]
    pub fn new(operation: Operation, path: CanonicalPath, body: SecretBytes) -> Self {
        Self {
            id: RequestId::generate(),
            operation,
            path,
            body,
            token: None,
            credentials: None,
            mfa: MfaCredentials::default(),
            proof: None,
            idempotency_key: None,
            wrap_ttl: None,
            wrap_format: WrapFormat::default(),
            remote: Remote::default(),
            origin: None,
            accept: None,
            headers: BTreeMap::new(),
            login: None,
        }
    }

    /// Sets the token.
    #[must_use]
    pub fn with_token(mut self, token: TokenId) -> Self {
        self.token = Some(token);
        self
    }

    /// Sets the credentials.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the second factors.
    #[must_use]
    pub fn with_mfa(mut self, mfa: MfaCredentials) -> Self {
        self.mfa = mfa;
        self
    }

    /// Sets what it brings to prove that its sender holds the key of the token.
    #[must_use]
    pub fn with_proof(mut self, proof: Arc<Proof>) -> Self {
        self.proof = Some(proof);
        self
    }
}
