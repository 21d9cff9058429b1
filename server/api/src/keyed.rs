//! What a request does with named keys, told apart from what its path and its policies say.
//!
//! A token may be good for some keys, some operations and some data alone. Who checks that need not
//! know the engine: each request that uses a key says here which, how, and on what.

use crate::Base64;

/// The operations with keys that a token can be confined to, by the first word of their paths in
/// Vault's API; `read` is that of the key itself.
pub const OPERATIONS: [&str; 14] = [
    "cmac",
    "datakey",
    "datakeys",
    "decode",
    "decrypt",
    "derivedkeys",
    "encode",
    "encrypt",
    "hmac",
    "read",
    "rewrap",
    "sign",
    "translate",
    "verify",
];

/// What one request does with named keys.
pub struct KeyUse<'r> {
    /// What it does, one of [`OPERATIONS`].
    pub operation: &'static str,
    /// The names of the keys, relative to the mount.
    pub keys: Vec<&'r str>,
    /// How many inputs it has: the items of a batch, or the keys that it asks for.
    pub inputs: u64,
    /// Where its inputs hold what their ciphertexts are bound to; none where nothing is bound.
    pub associated_data: Vec<&'r mut Option<Base64>>,
}

/// A request that works with named keys on what the caller sends. Managing keys is not that.
pub trait Keyed {
    /// Tells what it does.
    fn key_use(&mut self) -> KeyUse<'_>;
}
