//! Every secrets engine, auth method, audit device, seal, storage backend and second factor that ships.
//!
//! The tables here are all there is to registration: to add one is a file and a line.

pub mod audit;
pub mod auth;
mod committer;
pub mod engine;
mod lock;
pub mod mfa;
pub mod seal;
pub mod storage;

use keyward_core::{MfaKind, audit::AuditKind, engine::EngineKind};

/// The secrets engines that can be mounted.
pub const ENGINES: &[EngineKind] = &[
    engine::database::DATABASE,
    engine::kv::KV,
    engine::transit::TRANSIT,
];

/// The auth methods that can be enabled.
pub const AUTH_METHODS: &[EngineKind] = &[auth::approle::APPROLE, auth::userpass::USERPASS];

/// All that can be mounted: secrets engines and auth methods.
pub const MOUNTABLE: &[EngineKind] = &{
    let mut all = [ENGINES[0]; ENGINES.len() + AUTH_METHODS.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = match place.checked_sub(ENGINES.len()) {
            None => ENGINES[place],
            Some(place) => AUTH_METHODS[place],
        };
        place += 1;
    }
    all
};

/// The kinds of audit device that can be enabled.
pub const AUDIT_DEVICES: &[AuditKind] = &[
    audit::file::FILE,
    audit::http::HTTP,
    audit::socket::SOCKET,
    audit::syslog::SYSLOG,
];

/// The services of others that second factors can be, beside TOTP, which the core has.
pub const MFA_SERVICES: &[MfaKind] = &[mfa::duo::DUO, mfa::okta::OKTA, mfa::pingid::PINGID];
