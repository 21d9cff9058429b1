//! What a listener answers without a token, if its settings say so.
//!
//! Like health, it leaves no audit entry: it must answer when audit cannot.

use axum::{
    http::{Method, StatusCode, request::Parts},
    response::Response,
};
use keyward_api::{
    Endpoint as _,
    sys::{ReadRootGeneration, ReadRootGenerationOld, UpdateRootGeneration},
};
use keyward_core::{Request, RequestId};

use crate::{App, asked, body, respond};

/// Tells whether a request is about a root token that is generated without one, which a listener may
/// have closed.
pub(crate) fn generates_root(request: &Request) -> bool {
    const PATHS: [&str; 3] = [
        ReadRootGeneration::PATH,
        ReadRootGenerationOld::PATH,
        UpdateRootGeneration::PATH,
    ];
    let path = request.path.as_str().strip_prefix("sys/");
    path.is_some_and(|path| PATHS.contains(&path))
}

/// Answers, if this is something that everybody is told.
pub(crate) fn answer(app: &App, id: RequestId, parts: &Parts) -> Option<Response> {
    if parts.method != Method::GET {
        return None;
    }
    match parts.uri.path() {
        "/v1/sys/in-flight-req" if app.rules.open.in_flight => {
            Some(respond::json(StatusCode::OK, id, &app.core.in_flight()))
        }
        "/v1/sys/metrics" if app.rules.open.metrics => {
            let query = parts.uri.query().unwrap_or("");
            let format = body::form_pairs(query).find(|(name, _)| name == "format");
            let format = format.map_or_else(String::new, |(_, format)| format);
            let shown = app.core.metrics(&format, &asked::accepted(&parts.headers));
            Some(match shown {
                Ok(document) => respond::whole(StatusCode::OK, id, document),
                Err(error) => respond::failed(id, &error),
            })
        }
        _ => None,
    }
}
