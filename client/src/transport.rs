//! What carries requests, and what else of the world a client needs.

use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use keyward_crypto::{SecretBytes, SecretString};

/// Carries HTTP exchanges, waits, and tells the time.
///
/// The client does no IO of its own, so that it runs wherever there is something that fetches: over
/// sockets ([`Http`](crate::Http)), in an edge runtime, in a test.
pub trait Transport {
    /// Sends the request, once, and returns the whole answer, whatever its status. Redirects must
    /// not be followed: the token would go where it is not meant to.
    fn send(&self, request: &Request) -> impl Future<Output = Result<Response, Unreachable>>;

    /// Waits between two attempts.
    fn pause(&self, time: Duration) -> impl Future<Output = ()>;

    /// Tells the time.
    fn now(&self) -> SystemTime;
}

/// An HTTP request.
#[derive(Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// The whole URL.
    pub url: String,
    /// Header names in lower case, with values that may be secret.
    pub headers: Vec<(&'static str, SecretString)>,
    /// The body.
    pub body: Option<SecretBytes>,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case, and their values. Those that the client reads are
    /// [`READ_HEADERS`](Self::READ_HEADERS); more do no harm.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: SecretBytes,
}

impl Response {
    /// The headers that the client reads.
    pub const READ_HEADERS: [&'static str; 5] = [
        "content-digest",
        "retry-after",
        "signature",
        "signature-input",
        "x-request-id",
    ];

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(found, _)| found == name);
        header.map(|(_, value)| value.as_str())
    }
}

/// Why no answer came.
#[derive(Debug)]
pub struct Unreachable(Box<dyn std::error::Error + Send + Sync>);

impl Unreachable {
    /// Takes the cause.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
