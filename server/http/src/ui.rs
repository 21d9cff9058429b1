//! The headers of the user interface, whose place is `/ui`.

use axum::{
    http::{HeaderName, HeaderValue},
    response::Response,
};
use keyward_core::Core;

/// Puts the headers of `sys/config/ui/headers` on an answer.
pub(crate) fn mark(response: &mut Response, core: &Core) {
    let Some(headers) = core.ui_headers() else {
        return;
    };
    for (name, values) in &*headers {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            continue;
        };
        for value in values {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().append(name.clone(), value);
            }
        }
    }
}
