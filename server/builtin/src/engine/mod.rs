//! The secrets engines that ship, one folder each.
//!
//! **Invariant:** no engine imports another.

pub mod database;
pub mod kv;
pub mod transit;
