//! Envelopes: data sealed here with a data key, which travels beside it wrapped by a named key of
//! the server.
//!
//! [`Header`] describes the container KWE1. Its body is a [record](seal_record), which is sealed
//! whole, or a stream, which [`Sealer`] and [`Opener`] work on one segment at a time, whoever reads
//! and writes; [`Layout`] says where a range of it lies. A [`DataKey`] serves one suite alone.
//!
//! ```text
//! associated data = the header up to the wrapped key ‖ RFC 8785 of the context, if there is one
//! ```
//! So the wrapped key can be rewrapped with a newer version of the named key while the body stays as
//! it is, byte for byte. Another data key put in its place is caught by the commitment, which also
//! gives what AES-GCM lacks: no ciphertext opens under two keys.
//!
//! **Invariant:** nothing reads, writes or waits here, and randomness is handed in.

mod context;
mod data_key;
mod header;
mod layout;
mod record;
mod stream;

use std::collections::BTreeMap;

pub use context::canonical;
pub use data_key::DataKey;
pub use header::{Header, Parsed, Suite};
pub use layout::{HEAD_LEN, Layout, SEGMENT_LEN, Segment};
pub use record::{from_text, open_record, seal_record, to_text};
pub use stream::{Opener, Sealer};

use crate::Error;

/// Names and values that must be the same when opening as when sealing. They are not stored.
pub type Context = BTreeMap<String, String>;

/// What a body is bound to. No context is no bytes, which an empty one (`{}`) is not.
fn associated_data(header: &Header, context: Option<&Context>) -> Vec<u8> {
    let mut bytes = header.bound();
    if let Some(context) = context {
        bytes.extend_from_slice(canonical(context).as_bytes());
    }
    bytes
}

fn malformed(why: &str) -> Error {
    Error::invalid(format!("this is no KWE1 container: {why}"))
}

#[cfg(test)]
mod tests;
