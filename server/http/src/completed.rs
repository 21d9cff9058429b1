//! The line that the log gets of a request that was answered, where it is asked for
//! (`log_requests_level`).
//!
//! **Invariant:** what may be secret is not there: neither body, nor query, nor header.

use axum::http::{Method, StatusCode, request::Parts};
use keyward_core::{Remote, RequestId, Timestamp};
use tracing::Level;

use crate::App;

/// A request that is to be told of once it is answered.
pub(crate) struct Completed {
    level: Level,
    id: RequestId,
    method: Method,
    path: String,
    client: String,
    begun: Timestamp,
}

impl Completed {
    /// Notes a request if requests are logged; `remote` is where it came from, if that is known.
    pub(crate) fn begin(
        app: &App,
        id: RequestId,
        parts: &Parts,
        remote: Option<&Remote>,
    ) -> Option<Self> {
        let level = app.rules.log_requests?;
        Some(Self {
            level,
            id,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            client: remote.map_or_else(String::new, |it| format!("{}:{}", it.address, it.port)),
            begun: app.core.clock().now(),
        })
    }

    /// Tells of it.
    pub(crate) fn tell(self, app: &App, status: StatusCode) {
        let nanos = app.core.clock().now().unix_nanos();
        let micros = nanos.saturating_sub(self.begun.unix_nanos()) / 1000;
        // A level is part of what is compiled in, and so there is a line of code for each.
        macro_rules! tell {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    request_id = %self.id,
                    client_address = self.client,
                    request_method = %self.method,
                    request_path = self.path,
                    status_code = status.as_u16(),
                    duration_us = micros,
                    "completed_request"
                )
            };
        }
        match self.level {
            Level::TRACE => tell!(Level::TRACE),
            Level::DEBUG => tell!(Level::DEBUG),
            Level::INFO => tell!(Level::INFO),
            Level::WARN => tell!(Level::WARN),
            Level::ERROR => tell!(Level::ERROR),
        }
    }
}
