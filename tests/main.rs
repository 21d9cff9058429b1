//! The house from outside: one binary that starts real servers and drives them with real clients.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "all of this is test code, helpers included; a suite prints one line a check"
)]

mod audit;
mod auth;
mod bad_input;
mod browser_roles;
mod canaries;
mod client;
mod compat;
mod config;
mod cors;
mod crash;
mod database;
#[cfg(target_os = "linux")]
mod faults;
mod health;
mod idempotency;
mod identity;
mod inspect;
mod kv_upgrade;
mod lease;
mod listener;
mod oidc_provider;
mod openapi;
mod operate;
mod policy;
mod proof;
mod quotas;
mod raw;
mod remount;
mod seal;
mod support;
mod sys;
mod telemetry;
mod tidy;
mod tokens;
mod traps;
mod wrapping;
