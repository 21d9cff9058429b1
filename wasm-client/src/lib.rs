//! The Keyward client for browsers, Node and edge runtimes, compiled to WebAssembly.
//!
//! The npm package `@keyward/client` in `bindings/js` is built from it: what is public here is what
//! JavaScript sees, and `index.d.ts` there says so in its types.
//!
//! **Invariant:** this crate converts and holds no logic: requests and replies are those of
//! `keyward-api`, the bytes travel through `fetch`. Loading the module runs nothing. No export can
//! panic: a trap would leave a promise that never settles.

mod error;
mod input;
mod keyward;
mod primitives;
mod transit;
mod transport;

pub use keyward::Keyward;
pub use primitives::{abi, ed25519_verify, hpke_seal, ml_dsa_verify, xaes_open, xaes_seal};
pub use transit::Transit;
