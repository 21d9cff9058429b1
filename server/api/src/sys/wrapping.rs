//! Response wrapping: answers that are handed over as a token which opens them once.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, SensitiveJson, endpoint};

/// `POST sys/wrapping/wrap`: answers what it was sent, wrapped as every answer can be; refused
/// without the header `X-Vault-Wrap-TTL`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Wrap {}
endpoint!(Wrap {} => SensitiveJson: Update "wrapping/wrap"; free_form);

/// Defines a request about a wrapping token.
macro_rules! about_token {
    ($name:ident, $doc:literal => $reply:ty : $operation:ident $path:literal
        $(, access $access:ident)?) => {
        #[doc = $doc]
        #[skip_serializing_none]
        #[derive(Debug, Default, Deserialize, Serialize)]
        #[serde(default)]
        pub struct $name {
            /// The wrapping token; the caller's own token if left out.
            pub token: Option<Sensitive>,
        }
        endpoint!($name {} => $reply: $operation $path $(, access $access)?);
    };
}

about_token!(LookupWrapping, "`POST sys/wrapping/lookup`: tells where a wrapped answer comes from, \
    without opening it. Needs nothing but the wrapping token."
    => WrappingInfo: Update "wrapping/lookup", access Public);
about_token!(ReadWrapping, "`GET sys/wrapping/lookup`: tells where a wrapped answer comes from; the \
    wrapping token is the caller's own, or in the query."
    => WrappingInfo: Read "wrapping/lookup", access Public);
about_token!(Unwrap, "`POST sys/wrapping/unwrap`: opens a wrapped answer, once. The caller is whoever \
    has the wrapping token as its own, or a token that may call this."
    => SensitiveJson: Update "wrapping/unwrap", access Public);
about_token!(Rewrap, "`POST sys/wrapping/rewrap`: moves a wrapped answer under a new wrapping token \
    that lasts as long as the old one did; the old one is gone."
    => (): Update "wrapping/rewrap");

/// What `sys/wrapping/lookup` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct WrappingInfo {
    /// The path that gave the answer.
    pub creation_path: String,
    /// When it was wrapped, RFC 3339.
    pub creation_time: String,
    /// For how many seconds from then it can be opened.
    pub creation_ttl: u64,
}
