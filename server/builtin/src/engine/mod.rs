//! The secrets engines that ship, one folder each.
//!
//! **Invariant:** no engine imports another.

pub mod kv;
pub mod transit;
