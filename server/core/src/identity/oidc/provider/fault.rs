//! Why a flow does not go on, in the words of OAuth 2.0.

use crate::Error;

/// The words for programs (RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1, OpenID Connect
/// Core 1.0 section 3.1.2.6), and those that Vault adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity) enum OAuthError {
    AccessDenied,
    InvalidClient,
    InvalidClientId,
    InvalidGrant,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidToken,
    MaxAgeViolation,
    RequestNotSupported,
    RequestUriNotSupported,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
}

impl OAuthError {
    /// Returns the word.
    pub(in crate::identity) const fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientId => "invalid_client_id",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::MaxAgeViolation => "max_age_violation",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
        }
    }
}

/// What the client is told.
#[derive(Debug)]
pub(in crate::identity) struct Fault {
    pub(in crate::identity) error: OAuthError,
    /// A sentence for people; the texts are Vault's.
    pub(in crate::identity) description: String,
    /// What is wrong with the server, for the log; then the client is told nothing.
    pub(in crate::identity) internal: Option<Error>,
}

impl Fault {
    pub(super) fn new(error: OAuthError, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
            internal: None,
        }
    }

    pub(super) fn invalid(description: impl Into<String>) -> Self {
        Self::new(OAuthError::InvalidRequest, description)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self {
            error: OAuthError::InvalidRequest,
            description: String::new(),
            internal: Some(error),
        }
    }
}
