//! Audit devices.

mod courier;
mod datagram;
pub mod file;
pub mod http;
#[cfg(test)]
mod receiver;
pub mod socket;
pub mod syslog;
