//! Every secrets engine, auth method, audit device, seal and storage backend that ships.
//!
//! The tables here are all there is to registration: to add one is a file and a line.

pub mod audit;
mod committer;
pub mod engine;
mod lock;
pub mod seal;
pub mod storage;

use keyward_core::{audit::AuditKind, engine::EngineKind};

/// The secrets engines that can be mounted.
pub const ENGINES: &[EngineKind] = &[
    engine::database::DATABASE,
    engine::kv::KV,
    engine::transit::TRANSIT,
];

/// The kinds of audit device that can be enabled.
pub const AUDIT_DEVICES: &[AuditKind] = &[
    audit::file::FILE,
    audit::http::HTTP,
    audit::socket::SOCKET,
    audit::syslog::SYSLOG,
];
