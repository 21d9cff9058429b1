//! Why a call failed, as the errors that JavaScript catches.

use keyward_api::client::CallError;
use wasm_bindgen::prelude::*;

use crate::transport::FetchError;

#[wasm_bindgen(raw_module = "../failure.mjs")]
extern "C" {
    /// Makes the error of the class that stands for `code`.
    fn failure(
        code: &str,
        message: &str,
        status: Option<u16>,
        request_id: Option<&str>,
        cause: &JsValue,
    ) -> JsValue;
}

/// What went wrong, by what the caller can do about it; `errors.mjs` has a class for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    InvalidCiphertext,
    InvalidRequest,
    Network,
    NotFound,
    OriginDenied,
    PermissionDenied,
    RateLimited,
    Sealed,
    Server,
    Timeout,
    Unavailable,
    UnexpectedAnswer,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidCiphertext => "invalid_ciphertext",
            Self::InvalidRequest => "invalid_request",
            Self::Network => "network",
            Self::NotFound => "not_found",
            Self::OriginDenied => "origin_denied",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::Sealed => "sealed",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::UnexpectedAnswer => "unexpected_answer",
        }
    }

    /// Reads a refusal: the status says most, and where one status stands for several faults, the
    /// text says which, in the words that Vault's clients compare.
    fn of_refusal(status: u16, text: &str) -> Self {
        match status {
            400 if text.contains("key not found") => Self::NotFound,
            400 if text.contains("invalid ciphertext")
                || text.contains("message authentication failed") =>
            {
                Self::InvalidCiphertext
            }
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            429 => Self::RateLimited,
            400..500 => Self::InvalidRequest,
            503 if text.contains("sealed") => Self::Sealed,
            502..=504 => Self::Unavailable,
            _ => Self::Server,
        }
    }
}

/// A failure on its way to JavaScript.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    status: Option<u16>,
    request_id: Option<String>,
    cause: JsValue,
}

impl Failure {
    fn new(code: Code, message: String) -> Self {
        Self {
            code,
            message,
            status: None,
            request_id: None,
            cause: JsValue::UNDEFINED,
        }
    }

    /// An argument that cannot be sent.
    pub(crate) fn invalid(message: &str) -> Self {
        Self::new(Code::InvalidRequest, message.to_owned())
    }

    /// An answer that has not the shape which was asked for.
    pub(crate) fn unexpected() -> Self {
        let message = "the server answered something else than was asked for";
        Self::new(Code::UnexpectedAnswer, message.to_owned())
    }

    /// The fault of one item of a batch.
    pub(crate) fn refused_item(text: &str, request_id: &str) -> Self {
        let mut failure = Self::new(Code::of_refusal(400, text), text.to_owned());
        failure.request_id = (!request_id.is_empty()).then(|| request_id.to_owned());
        failure
    }

    /// Says which item of the batch is meant.
    pub(crate) fn of_item(mut self, index: usize) -> Self {
        self.message = format!("items[{index}]: {}", self.message);
        self
    }
}

impl From<CallError<FetchError>> for Failure {
    fn from(error: CallError<FetchError>) -> Self {
        match error {
            CallError::Invalid(text) => Self::new(Code::InvalidRequest, text),
            CallError::Malformed(_) => Self::new(Code::UnexpectedAnswer, error.to_string()),
            CallError::Refused {
                status,
                request_id,
                failure,
            } => {
                let texts: Vec<&str> = failure.errors.iter().map(|text| plain(text)).collect();
                let message = match texts.join("; ") {
                    text if text.is_empty() => format!("the server answered with status {status}"),
                    text => text,
                };
                Self {
                    code: Code::of_refusal(status, &message),
                    message,
                    status: Some(status),
                    request_id,
                    cause: JsValue::UNDEFINED,
                }
            }
            CallError::Transport(error) => {
                let message = error.to_string();
                let (code, cause) = match error {
                    FetchError::Failed { cause, .. } => (Code::Network, cause),
                    FetchError::OriginDenied { cause, .. } => (Code::OriginDenied, cause),
                    FetchError::Redirected(_) => (Code::Network, JsValue::UNDEFINED),
                    FetchError::TimedOut { cause, .. } => (Code::Timeout, cause),
                };
                Self {
                    cause,
                    ..Self::new(code, message)
                }
            }
        }
    }
}

/// Takes the text out of the list in which Vault wraps the errors of its core.
fn plain(text: &str) -> &str {
    text.strip_prefix("1 error occurred:\n\t* ")
        .unwrap_or(text)
        .trim_end()
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        self::failure(
            failure.code.name(),
            &failure.message,
            failure.status,
            failure.request_id.as_deref(),
            &failure.cause,
        )
    }
}
