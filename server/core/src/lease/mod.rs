//! Leases: the names under which what ends by itself can be found, without its secret.
//!
//! There are two kinds. The lease of a token is the token's own record ([`token`]). The lease of a
//! secret that an engine made is kept here ([`store`]): it is written before the secret is made
//! ([`register`]), is given further terms ([`renew`]), and ends when its engine has taken the secret
//! back ([`revoke`]).
//!
//! **Invariant:** a lease goes when its engine has taken back what it stands for, or when an
//! operator forces it, and in no other way: a revocation that fails is tried again for ever.

mod failing;
mod record;
mod register;
mod renew;
mod revoke;
mod store;
mod tidy;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use failing::failing;
pub(crate) use record::{Record, SecretLeaseId};
pub(crate) use register::{Prepared, end, prepare, register};
pub(crate) use renew::renew;
pub(crate) use revoke::{Ended, Patience, end_below, end_mount, end_one, force_below, tend};
pub(crate) use store::Leases;
pub(crate) use tidy::tidy_some;
pub(crate) use token::TokenLeaseId;

/// A text that names no lease.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoLease;
