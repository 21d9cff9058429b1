//! The wire contract: what travels between a client and the server, and a client without IO.
//!
//! One request struct and one response struct stand for each operation of Vault's HTTP API. The
//! server reads requests through them and the client writes requests through them, so a path, a
//! field name or a default is said once.
//!
//! **Invariant:** nothing here does IO, reads a clock or knows a policy; it builds for wasm32.

pub mod auth;
pub mod client;
pub mod coerce;
pub mod database;
mod docs;
mod endpoint;
pub mod identity;
pub mod keyed;
pub mod kv;
pub mod lease;
pub mod proof;
mod reply;
pub mod schema;
mod sensitive;
pub mod sys;
pub mod transit;

pub use client::Client;
pub use endpoint::{Access, Endpoint, Operation};
pub use keyed::{KeyUse, Keyed};
pub use reply::{
    Failure, GrantedAuth, MfaConstraint, MfaMethodRef, MfaRequirement, Reply, WrapInfo,
};
pub use sensitive::{Base64, Sensitive, SensitiveJson};

/// The id of the one namespace there is, the root, whose path is empty.
pub const ROOT_NAMESPACE_ID: &str = "root";
