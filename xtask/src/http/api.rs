//! Single calls to a Vault-compatible server, for what is set up before a measurement or shown in
//! the demo.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Connection, request};

/// A server's address, given as `http://HOST:PORT`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Address(String);

impl Address {
    /// `HOST:PORT`.
    pub(crate) fn authority(&self) -> &str {
        &self.0
    }
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("https://") {
            bail!("{text}: only plain http is spoken here; give the server a listener without TLS");
        }
        let authority = text
            .strip_prefix("http://")
            .unwrap_or(text)
            .trim_end_matches('/');
        let port = authority
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() || authority.contains(['/', '@', ' ']) {
            bail!("{text:?} is no address; write http://HOST:PORT");
        }
        Ok(Self(authority.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One server and the token to use there.
pub(crate) struct Api {
    address: Address,
    token: String,
    connection: Connection,
}

/// An answer that says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The status code.
    pub(crate) status: u16,
    /// The body, as it came.
    pub(crate) text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.text.trim())
    }
}

impl std::error::Error for Refusal {}

impl Api {
    /// Connects to the server.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) async fn connect(address: &Address, token: &str) -> Result<Self> {
        let connection = Connection::open(address)
            .await
            .with_context(|| format!("no server answers at http://{address}"))?;
        Ok(Self {
            address: address.clone(),
            token: token.to_owned(),
            connection,
        })
    }

    /// Reads a path.
    ///
    /// # Errors
    /// The server refused, or the connection broke.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Value> {
        self.call("GET", path, &[]).await
    }

    /// Writes `body` to a path; the answer is `null` where the server sent none.
    ///
    /// # Errors
    /// The server refused (a [`Refusal`] is in the chain), or the connection broke.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", path, &serde_json::to_vec(body)?).await
    }

    async fn call(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Value> {
        let bytes = request(method, &self.address, path, &self.token, body);
        let called = || format!("{method} http://{}{path}", self.address);
        let answer = self
            .connection
            .exchange(&bytes)
            .await
            .with_context(called)?;
        if !(200..300).contains(&answer.status) {
            let text = String::from_utf8_lossy(answer.body).into_owned();
            return Err(Refusal {
                status: answer.status,
                text,
            })
            .with_context(called);
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body).with_context(called)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_and_port() {
        for text in [
            "http://127.0.0.1:8200",
            "127.0.0.1:8200",
            "http://127.0.0.1:8200/",
        ] {
            assert_eq!(
                text.parse::<Address>().unwrap().authority(),
                "127.0.0.1:8200"
            );
        }
        assert!("http://[::1]:8200".parse::<Address>().is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "localhost",
            "https://127.0.0.1:8200",
            "http://h:x",
            "http://h:1/v1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
