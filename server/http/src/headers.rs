//! Headers that a listener adds to its answers.

use std::cmp::Reverse;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::respond::REQUEST_ID;

/// For how long a browser shall insist on TLS (RFC 6797): a year.
const HSTS: &str = "max-age=31536000; includeSubDomains";

/// What framing and identity rest upon.
const RESERVED: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "transfer-encoding",
    "upgrade",
    REQUEST_ID,
];

/// Headers by the status of the answer.
#[derive(Clone, Debug, Default)]
pub struct ResponseHeaders {
    /// The most general first: what follows overrides it.
    rules: Vec<(Statuses, HeaderName, HeaderValue)>,
}

/// Which answers carry a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Statuses {
    /// One status.
    One(u16),
    /// A hundred of them, such as `2xx`.
    Class(u16),
    /// All.
    All,
}

impl Statuses {
    /// Reads `default`, `2xx` or `404`.
    fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::All);
        }
        if let Some(class) = text.strip_suffix("xx") {
            let class = class.parse().ok();
            return class
                .filter(|class| (1..=5).contains(class))
                .map(Self::Class);
        }
        let status = text.parse().ok();
        status
            .filter(|status| (100..=599).contains(status))
            .map(Self::One)
    }

    fn hold(self, status: StatusCode) -> bool {
        match self {
            Self::One(one) => one == status.as_u16(),
            Self::Class(class) => class == status.as_u16() / 100,
            Self::All => true,
        }
    }
}

impl ResponseHeaders {
    /// Those of a listener with TLS: browsers shall never come without.
    #[must_use]
    pub fn over_tls() -> Self {
        let value = HeaderValue::from_static(HSTS);
        Self {
            rules: vec![(Statuses::All, header::STRICT_TRANSPORT_SECURITY, value)],
        }
    }

    /// Adds one header to the answers of some statuses: `default` (all), `2xx`, or `404`.
    ///
    /// # Errors
    /// What is wrong with the statuses, the name or the value, as the end of a sentence.
    pub fn add(&mut self, statuses: &str, name: &str, values: &[String]) -> Result<(), String> {
        let statuses = Statuses::parse(statuses)
            .ok_or_else(|| format!("{statuses:?} is no status: write default, 2xx or 404"))?;
        let parsed = name.parse::<HeaderName>();
        let parsed = parsed.map_err(|_| format!("{name:?} is no name of a header"))?;
        if parsed.as_str().starts_with("x-vault-") || RESERVED.contains(&parsed.as_str()) {
            return Err(format!("the header {name:?} belongs to the server"));
        }
        let value = HeaderValue::from_str(&values.join("; "));
        let value = value.map_err(|_| format!("the value of {name:?} cannot be sent"))?;
        self.rules.push((statuses, parsed, value));
        // Stable, so that of two equally general ones the later overrides.
        self.rules.sort_by_key(|(statuses, ..)| Reverse(*statuses));
        Ok(())
    }

    /// Adds the name of the machine to all answers (`X-Vault-Hostname`), if it can be sent.
    pub fn name_host(&mut self, host: &str) {
        if let Ok(value) = HeaderValue::from_str(host) {
            let name = HeaderName::from_static("x-vault-hostname");
            self.rules.push((Statuses::All, name, value));
        }
    }

    /// Puts them on an answer.
    pub(crate) fn mark(&self, response: &mut Response) {
        let status = response.status();
        for (statuses, name, value) in &self.rules {
            if statuses.hold(status) {
                response.headers_mut().insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn marked(headers: &ResponseHeaders, status: u16) -> Vec<String> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        headers.mark(&mut response);
        let shown = response.headers().iter();
        let mut shown: Vec<_> = shown
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        shown.sort();
        shown
    }

    #[test]
    fn the_most_special_rule_holds() {
        let mut headers = ResponseHeaders::default();
        let values = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        headers.add("404", "X-A", &values(&["one"])).unwrap();
        headers.add("4xx", "X-A", &values(&["class"])).unwrap();
        headers.add("default", "X-A", &values(&["all"])).unwrap();
        headers.add("default", "X-B", &values(&["b", "c"])).unwrap();
        assert_eq!(marked(&headers, 200), ["x-a: all", "x-b: b; c"]);
        assert_eq!(marked(&headers, 403), ["x-a: class", "x-b: b; c"]);
        assert_eq!(marked(&headers, 404), ["x-a: one", "x-b: b; c"]);
    }

    #[test]
    fn an_operator_may_change_how_long_tls_is_insisted_on() {
        let mut headers = ResponseHeaders::over_tls();
        let sent = "strict-transport-security: max-age=31536000; includeSubDomains";
        assert_eq!(marked(&headers, 503), [sent]);
        let shorter = ["max-age=60".to_owned()];
        headers
            .add("default", "Strict-Transport-Security", &shorter)
            .unwrap();
        assert_eq!(
            marked(&headers, 503),
            ["strict-transport-security: max-age=60"]
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        let mut headers = ResponseHeaders::default();
        let value = ["v".to_owned()];
        for (statuses, name, named) in [
            ("20", "X-A", "\"20\""),
            ("6xx", "X-A", "\"6xx\""),
            ("xx", "X-A", "\"xx\""),
            ("all", "X-A", "\"all\""),
            ("default", "X A", "\"X A\""),
            ("default", "X-Vault-A", "\"X-Vault-A\""),
            ("default", "Content-Length", "\"Content-Length\""),
            ("default", "X-Request-Id", "\"X-Request-Id\""),
        ] {
            let refused = headers.add(statuses, name, &value).unwrap_err();
            assert!(refused.contains(named), "{refused}");
        }
        let two_lines = ["a\nb".to_owned()];
        assert!(headers.add("default", "X-A", &two_lines).is_err());
        assert!(marked(&headers, 200).is_empty());
    }
}
