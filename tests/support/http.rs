//! HTTP as a client of the server would speak it, with nothing of our own typed client in it.

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use super::target::Target;

/// A client of one server with one token.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: String,
    token: String,
}

/// An answer: status, headers, and the body as text and as JSON (`Null` if there is none).
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Client {
    /// A client of `target` that carries the target's root token.
    pub(crate) fn new(target: &Target) -> Self {
        Self::at(&target.address, &target.token)
    }

    /// A client of the server at `address` (`http://…`) that carries `token`, or none if empty.
    pub(crate) fn at(address: &str, token: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self::with(http, address, token)
    }

    /// A client over connections of the caller's making.
    pub(crate) fn with(http: reqwest::Client, address: &str, token: &str) -> Self {
        Self {
            http,
            address: address.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The same connection pool with another token; the empty one sends no header.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// The token it carries.
    pub(crate) fn own_token(&self) -> &str {
        &self.token
    }

    /// Reads `path` (what follows `/v1/`).
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    /// Lists `path`.
    pub(crate) async fn list(&self, path: &str) -> Answer {
        self.send("LIST", path, &[], None).await
    }

    /// Deletes `path`.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).await
    }

    /// Writes `body` to `path`.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], Some(body.to_string())).await
    }

    /// Sends any request.
    ///
    /// # Panics
    /// If no answer comes.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        self.try_send(method, path, headers, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: no answer: {error}"))
    }

    /// Sends any request to a server that may be gone.
    ///
    /// # Errors
    /// The transport's, if no whole answer comes.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}/v1/{path}", self.address));
        if !self.token.is_empty() {
            request = request.header("X-Vault-Token", &self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let text = answer.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            headers,
            text,
            json,
        })
    }
}

impl Answer {
    /// The value at a JSON pointer.
    ///
    /// # Panics
    /// If there is none: the whole answer is shown.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.json
            .pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer} in {} {}", self.status, self.text))
    }

    /// The text at a JSON pointer.
    pub(crate) fn text_at(&self, pointer: &str) -> &str {
        self.at(pointer)
            .as_str()
            .unwrap_or_else(|| panic!("{pointer} is no text in {} {}", self.status, self.text))
    }

    /// Insists on a status and hands the answer on.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Insists on a refusal: the status, and a text that one of the errors holds.
    pub(crate) fn refused(self, status: u16, text: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        let errors = self.json["errors"]
            .as_array()
            .expect("a refusal has errors");
        let found = errors
            .iter()
            .any(|error| error.as_str().is_some_and(|e| e.contains(text)));
        assert!(found, "no error says {text:?}: {}", self.text);
        self
    }
}
