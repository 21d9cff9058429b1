//! Tokens that are bound to a key, and answers that are signed: one profile of HTTP message
//! signatures (RFC 9421), with Content-Digest (RFC 9530) and key thumbprints (RFC 7638).
//!
//! A token that is bound to a public key is good only with a request that the private half signed:
//!
//! ```text
//! X-Vault-Token:   hvs.…
//! Content-Digest:  sha-256=:…:                                    (with a body)
//! Signature-Input: pop=("@method" "@target-uri" "x-vault-token" "content-digest");
//!                  created=1767225600;expires=1767225660;nonce="…";keyid="…";
//!                  alg="ed25519";tag="keyward-pop"
//! Signature:       pop=:…:
//! ```
//! The components are these, in this order, and `content-digest` stands among them when there is a
//! body and only then. The parameters are these, each once, in any order. `nonce` is 16 bytes or
//! more in base64url, `keyid` the thumbprint of the key, and the fields are written as RFC 9651
//! section 4.1 writes them: another way to write the same is refused.
//!
//! An answer to such a request is signed with a key of the server, and bound to the request:
//!
//! ```text
//! Content-Digest:  sha-256=:…:                          (of no bytes, if there is no body)
//! Signature-Input: keyward=("@status" "content-digest" "@method";req "@target-uri";req
//!                  "signature";req;key="pop");created=1767225600;keyid="…";alg="ed25519";
//!                  tag="keyward-response"
//! Signature:       keyward=:…:
//! ```
//!
//! **Invariant:** there is no clock and no memory here: moments are passed in, and whether a nonce
//! was seen before is asked elsewhere.

mod address;
mod error;
mod field;
mod key;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use address::{Address, InvalidAddress};
pub use error::ProofError;
pub use field::{content_digest, parse_content_digest};
pub use key::{SigningKey, VerifyingKey};
pub use request::{Received, RequestToSign, Signed, Verified, sign_request, verify_request};
pub use response::{ResponseToSign, sign_response, verify_response};

/// The longest that a signature may hold: seconds from `created` to `expires`.
pub const LONGEST: u64 = 60;

/// How far the clocks of a client and a server may be apart, in seconds.
pub const SKEW: u64 = 60;

/// The header that holds the digest of a body (RFC 9530 section 2).
pub const CONTENT_DIGEST: &str = "content-digest";
/// The header that holds a signature (RFC 9421 section 4.2).
pub const SIGNATURE: &str = "signature";
/// The header that says what was signed (RFC 9421 section 4.1).
pub const SIGNATURE_INPUT: &str = "signature-input";

/// The names and tags under which the two signatures travel.
const REQUEST_LABEL: &str = "pop";
const REQUEST_TAG: &str = "keyward-pop";
const RESPONSE_LABEL: &str = "keyward";
const RESPONSE_TAG: &str = "keyward-response";
