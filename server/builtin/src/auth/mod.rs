//! The auth methods that ship, one folder each.
//!
//! **Invariant:** no auth method imports another.

pub mod approle;
pub mod userpass;
