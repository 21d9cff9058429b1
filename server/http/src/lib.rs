//! HTTP in front of the core: one `/v1` route, limits, CORS, the listener.
//!
//! **Invariant:** nothing here knows an engine; a path is turned into a request and an answer into
//! a status, and `respond` alone names status codes of answers.

mod asked;
mod begun;
mod body;
mod completed;
mod cors;
mod forwarded;
mod head;
mod headers;
mod inline;
mod json_limits;
mod listen;
mod logical;
mod open;
mod proof;
mod respond;
mod sealed;
mod tls;
mod ui;
mod unread;

use std::{sync::Arc, time::Duration};

use axum::Router;
use keyward_core::Core;
use tracing::Level;

pub use forwarded::{Doubt, ForwardedFor};
pub use headers::ResponseHeaders;
pub use json_limits::JsonLimits;
pub use listen::{Listener, ListenerLimits, UnixSocket};
pub use tls::{CipherSuites, ClientCertificates, Tls, TlsError, TlsSettings, TlsVersion};

/// What every request handler needs.
struct App {
    core: Arc<Core>,
    rules: Rules,
}

/// How a listener treats requests.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What one request may cost.
    pub limits: Limits,
    /// Which proxies are believed; none are if this is not given.
    pub forwarded: Option<ForwardedFor>,
    /// What is added to every answer.
    pub headers: ResponseHeaders,
    /// What is told to those who bring no token.
    pub open: OpenAccess,
    /// What they are not told of the server.
    pub redaction: Redaction,
    /// Whether root tokens are generated for those alone who bring a token
    /// (`sys/generate-root-token`).
    pub root_generation_is_closed: bool,
    /// At which level requests are logged that were answered; they are not if this is not given.
    pub log_requests: Option<Level>,
}

/// What health and the state of the seal leave empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Redaction {
    /// The name of the cluster.
    pub cluster_name: bool,
    /// The version of the server.
    pub version: bool,
}

/// What a listener tells without a token, and without an audit entry: for monitors that cannot
/// bring one, in a network where nobody else reaches the listener.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAccess {
    /// `GET sys/in-flight-req`.
    pub in_flight: bool,
    /// `GET sys/metrics`, also while the server is sealed.
    pub metrics: bool,
}

/// What one request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many headers a request may have; one with more is answered 431.
    pub headers: usize,
    /// How many bytes its target and headers may have; one with more is answered 431.
    pub header_bytes: usize,
    /// The longest body, in bytes; a longer one is answered 413.
    pub max_request_size: usize,
    /// The longest token, in bytes; a longer one is answered 431.
    pub max_token_size: usize,
    /// How long a body may take to arrive; a slower one is answered 408.
    pub read_timeout: Duration,
    /// How long the server may work on an answer; then it is 500.
    pub max_request_duration: Duration,
    /// How much structure a body may have; one with more is answered 400.
    pub json: JsonLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: 128,
            header_bytes: 32 << 10,
            max_request_size: 32 << 20,
            max_token_size: 8 << 10,
            read_timeout: Duration::from_secs(30),
            max_request_duration: Duration::from_secs(90),
            json: JsonLimits::default(),
        }
    }
}

/// Builds the service that answers HTTP requests for a core.
pub fn router(core: Arc<Core>, rules: Rules) -> Router {
    Router::new()
        .fallback(logical::handle)
        .with_state(Arc::new(App { core, rules }))
}
