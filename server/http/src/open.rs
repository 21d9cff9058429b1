//! What a listener answers without a token, if its settings say so.
//!
//! Like health, it leaves no audit entry: it must answer when audit cannot.

use axum::{
    http::{Method, StatusCode, request::Parts},
    response::Response,
};
use keyward_core::RequestId;

use crate::{App, respond};

/// Answers, if this is something that everybody is told.
pub(crate) fn answer(app: &App, id: RequestId, parts: &Parts) -> Option<Response> {
    if parts.method != Method::GET {
        return None;
    }
    match parts.uri.path() {
        "/v1/sys/in-flight-req" if app.rules.open.in_flight => {
            Some(respond::json(StatusCode::OK, id, &app.core.in_flight()))
        }
        _ => None,
    }
}
