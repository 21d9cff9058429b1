//! The yardstick: a bare axum handler that parses the encrypt request and answers the same JSON.
//!
//! What it reaches is what axum, JSON and the sockets of this machine allow; how much of it a
//! server keeps says what its own work costs.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, serve};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};

use super::target::Target;
use crate::http::Address;

/// A running echo server; it stops when dropped.
pub(super) struct Echo {
    address: Address,
    /// As many workers as there are cores, like the servers it is compared with.
    _runtime: Runtime,
}

#[derive(Deserialize, Serialize)]
struct Encrypt {
    plaintext: String,
}

impl Echo {
    pub(super) const LABEL: &str = "bare echo";

    /// Starts it on a free port of this machine.
    ///
    /// # Errors
    /// No port can be had.
    pub(super) fn start() -> Result<Self> {
        let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .context("the echo server finds no free port")?;
        let address = listener.local_addr()?.to_string().parse()?;
        let router = Router::new().route("/{*path}", post(echo));
        runtime.spawn(async move { serve(listener, router).await });
        Ok(Self {
            address,
            _runtime: runtime,
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn target(&self) -> Target {
        Target {
            label: Self::LABEL.to_owned(),
            address: self.address.clone(),
            token: "none".to_owned(),
            process: None,
        }
    }
}

async fn echo(body: Bytes) -> Response {
    let Ok(encrypt) = serde_json::from_slice::<Encrypt>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match serde_json::to_vec(&encrypt) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
