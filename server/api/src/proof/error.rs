//! Why a proof is refused.

use std::fmt;

/// The check that a request, or an answer, did not pass.
///
/// `Display` is one sentence that quotes nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// `alg` is not the algorithm of the key.
    Algorithm,
    /// Other components are covered than the profile says, or in another order.
    Components,
    /// The body is not the one that the digest is of.
    Digest,
    /// `expires` has passed.
    Expired,
    /// So many signed requests are remembered that there is no room for one more.
    Full,
    /// `created` is yet to come.
    Future,
    /// `keyid` is not the thumbprint of the key.
    Key,
    /// A field cannot be read, or is written in another way than its one form.
    Malformed,
    /// `created` lies before the moment from which on nonces are remembered.
    Older,
    /// The nonce was used before.
    Replayed,
    /// There is more than one signature.
    Several,
    /// The signature is not one of this message by the key.
    Signature,
    /// `tag` is another.
    Tag,
    /// The token does not stand, alone, in the header that is signed.
    Token,
    /// There is no signature.
    Unsigned,
    /// More time than is allowed lies between `created` and `expires`, or they are the wrong way
    /// round.
    Window,
}

impl ProofError {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 16] = [
        Self::Algorithm,
        Self::Components,
        Self::Digest,
        Self::Expired,
        Self::Full,
        Self::Future,
        Self::Key,
        Self::Malformed,
        Self::Older,
        Self::Replayed,
        Self::Several,
        Self::Signature,
        Self::Tag,
        Self::Token,
        Self::Unsigned,
        Self::Window,
    ];

    /// The sentence, as answers and the audit log show it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Algorithm => "proof rejected: the algorithm is not that of the key",
            Self::Components => {
                "proof rejected: the signature does not cover exactly the method, the target URI, \
                 the token and the digest of the body, if there is one, in this order"
            }
            Self::Digest => "proof rejected: the body is not the one that Content-Digest is of",
            Self::Expired => "proof rejected: the signature has expired",
            Self::Full => {
                "proof rejected: too many signed requests are remembered; try again later, with \
                 signatures that expire sooner"
            }
            Self::Future => "proof rejected: the signature was made in the future",
            Self::Key => "proof rejected: the signature names another key",
            Self::Malformed => "proof rejected: the fields of the signature cannot be read",
            Self::Older => {
                "proof rejected: the signature was made before the server was unsealed; sign again"
            }
            Self::Replayed => "proof rejected: the nonce was used before",
            Self::Several => "proof rejected: there is more than one signature",
            Self::Signature => {
                "proof rejected: the signature is not one of this request at an address of this \
                 server"
            }
            Self::Tag => "proof rejected: the signature has another tag",
            Self::Token => {
                "proof rejected: a token that is bound to a key is sent in X-Vault-Token, once"
            }
            Self::Unsigned => {
                "proof rejected: this token is bound to a key, and the request is not signed"
            }
            Self::Window => "proof rejected: the signature does not expire within 60 seconds",
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for ProofError {}
