//! HTTP in front of the core: one `/v1` route, limits, CORS, the listener.
//!
//! **Invariant:** nothing here knows an engine; a path is turned into a request and an answer into
//! a status, and `respond` alone names status codes of answers.

mod body;
mod cors;
mod listen;
mod logical;
mod respond;
mod sealed;

use std::sync::Arc;

use axum::{Router, routing::any};
use keyward_core::Core;

pub use listen::{Listener, ListenerLimits};

/// What every request handler needs.
struct App {
    core: Arc<Core>,
    limits: Limits,
}

/// What one request may cost before it is understood.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body, in bytes; a longer one is answered 413.
    pub max_request_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request_size: 32 << 20,
        }
    }
}

/// Builds the service that answers HTTP requests for a core.
pub fn router(core: Arc<Core>, limits: Limits) -> Router {
    Router::new()
        .route("/v1/{*path}", any(logical::handle))
        .fallback(respond::nothing_here)
        .with_state(Arc::new(App { core, limits }))
}
