//! Audit devices.

pub mod file;
