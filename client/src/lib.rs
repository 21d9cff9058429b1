//! The client for Rust.
//!
#![doc = include_str!("../README.md")]
//!
//! **Invariant:** only [`Http`] does IO and reads the clock; everything else asks its
//! [`Transport`].

mod envelope;
mod error;
mod exchange;
#[cfg(feature = "http")]
mod http;
mod keyward;
mod kv;
mod leases;
mod renewal;
mod retry;
mod tokens;
mod transit;
mod transport;

pub use envelope::{Envelope, EnvelopeLimits, EnvelopeStats, StreamOpener, StreamSealer};
pub use error::{Error, ItemError, Refusal};
pub use exchange::Effect;
#[cfg(feature = "http")]
pub use http::Http;
#[cfg(feature = "http")]
pub use keyward::NoTransport;
pub use keyward::{Builder, Keyward};
pub use keyward_api as api;
pub use keyward_crypto::envelope::Context;
pub use keyward_crypto::{SecretBytes, SecretString};
pub use kv::Kv;
pub use leases::Leases;
pub use renewal::Renewal;
pub use retry::RetryPolicy;
pub use tokens::Tokens;
pub use transit::{Options, Transit, WrappedDataKey};
pub use transport::{Request, Response, Transport, Unreachable};
