//! The names of leases of tokens.
//!
//! Every stored token that a request made has one. The record of a token is its lease as well, so
//! that the two cannot disagree and nothing is stored twice; an index finds it by its path.

use std::{fmt, str::FromStr, sync::Arc};

use super::NoLease;
use crate::{
    Error, Timestamp,
    token::{Digest, Token, TokenStore},
};

/// The name of a token's lease: the path that made it, a slash, `h` and the digest of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenLeaseId {
    path: String,
    digest: Digest,
}

impl TokenLeaseId {
    /// Names the lease of a token that a request to `path` made.
    pub(crate) fn new(path: &str, digest: Digest) -> Self {
        Self {
            path: path.trim_end_matches('/').to_owned(),
            digest,
        }
    }

    /// Finds the token whose lease this is; none if there is no such lease at `now`.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn find(
        &self,
        tokens: &TokenStore,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, Error> {
        let token = tokens.find(self.digest, now).await?;
        Ok(token.filter(|token| token.lease().as_ref() == Some(self)))
    }
}

impl fmt::Display for TokenLeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/h{}", self.path, self.digest)
    }
}

impl FromStr for TokenLeaseId {
    type Err = NoLease;

    fn from_str(text: &str) -> Result<Self, NoLease> {
        let (path, name) = text.rsplit_once('/').ok_or(NoLease)?;
        let digest = name
            .strip_prefix('h')
            .and_then(|digest| digest.parse().ok());
        Ok(Self {
            path: path.to_owned(),
            digest: digest.ok_or(NoLease)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_lease_id_reads_back(path in "[a-z/]{0,20}", digest in "[0-9a-f]{64}") {
            let text = format!("{path}/h{digest}");
            let lease = text.parse::<TokenLeaseId>();
            prop_assert_eq!(lease.map(|lease| lease.to_string()), Ok(text));
        }

        #[test]
        fn no_other_text_is_a_lease_id(text in "\\PC{0,100}|[a-z]/[gh][0-9a-fA-F]{63,65}") {
            if let Ok(lease) = text.parse::<TokenLeaseId>() {
                prop_assert_eq!(lease.to_string(), text);
            }
        }
    }
}
