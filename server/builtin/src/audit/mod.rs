//! Audit devices.

mod courier;
mod datagram;
pub mod file;
#[cfg(test)]
mod receiver;
pub mod socket;
pub mod syslog;
