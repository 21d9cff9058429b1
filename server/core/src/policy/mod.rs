//! Access policies: what a token may do, and where.
//!
//! [`Policy::parse`] reads one policy text, [`Acl::new`] compiles all the policies of a token into
//! one immutable table, and [`Acl::check`] asks it about one request. The language is that of
//! Vault's ACL policies, in HCL or JSON:
//!
//! ```text
//! path "secret/data/team/*" {
//!   capabilities        = ["create", "update", "read"]
//!   allowed_parameters  = { "data" = [], "options" = [] }
//!   required_parameters = ["data"]
//! }
//! ```
//!
//! - A path is literal, but for segments that are `+` (any one segment) and a last `*` (any rest).
//!   `+*` is refused; a `*` elsewhere means itself.
//! - One rule counts for a request: the exact path, else the pattern with the highest priority (see
//!   [`Acl`]). Rules for the same path text in several policies are united; `deny` wins.
//! - To `LIST` (or `SCAN`) `a/`, the exact rule for `a/` counts, else that for `a`, else the pattern
//!   that matches `a/`, else the one that matches `a`.
//! - A rule whose path holds a template (`{{identity.…}}`) counts for a token whose entity has a
//!   value for it, and for no other. A value that would widen the path (empty, or with `/`, `*` or
//!   `+`) closes everything to the token: what its policies mean is then not known.
//! - A rule with an `expiration`, and every rule of a policy that has one, counts until then and not
//!   from then on, with nobody changing anything.
//! - `pagination_limit` bounds how many entries one `LIST` or `SCAN` of what pages may give, and
//!   `list_scan_response_keys_filter_path` leaves out those that the caller may not read: see
//!   [`Listing`].
//! - A rule with a `control_group` lets requests in only when others have approved them, one by one.
//! - Keys that this server does not enforce are refused, never ignored: `mfa_methods` and every
//!   unknown one.

mod acl;
mod capability;
mod control;
mod default;
mod holder;
mod key_filter;
mod listing;
mod parameters;
mod parse;
mod pattern;
mod store;

use std::{borrow::Cow, sync::Arc, time::Duration};

use base64::Engine as _;

pub use acl::{Acl, Question, Spellings, Verdict};
pub use capability::{Capabilities, Capability};
use control::Control;
pub(crate) use control::{Demand, Factor};
pub use default::{DEFAULT_POLICY, WRAPPING_POLICY};
pub(crate) use holder::{Holder, Unfit};
pub(crate) use key_filter::KeyFilter;
pub use listing::Listing;
pub(crate) use listing::{LIMIT, Limited};
use parameters::Parameters;
pub use parse::PolicyError;
pub(crate) use store::{PolicyChange, PolicyStore, Stored};

use crate::Timestamp;

/// The name of the policy that allows everything.
pub const ROOT_POLICY_NAME: &str = "root";

/// The name of the policy that every token has unless it asks not to.
pub const DEFAULT_POLICY_NAME: &str = "default";

/// The name of the policy of wrapping tokens, which no other token gets.
pub const WRAPPING_POLICY_NAME: &str = "response-wrapping";

/// A named list of rules, read and checked.
///
/// The caller gives the name in lower case, as policies are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    name: Arc<str>,
    rules: Vec<Rule>,
    is_root: bool,
    expiration: Option<Timestamp>,
}

impl Policy {
    /// Reads the text of a policy, in HCL or JSON.
    ///
    /// The result is never the root policy, whatever the name: see [`Policy::root`].
    ///
    /// # Errors
    /// The text cannot be parsed, or says something that is not enforced here.
    pub fn parse(name: &str, text: &str) -> Result<Self, PolicyError> {
        Ok(Self {
            name: name.into(),
            rules: parse::rules(text)?,
            is_root: false,
            expiration: None,
        })
    }

    /// Lets the whole policy count only until a moment; with `None`, for ever.
    #[must_use]
    pub fn until(self, expiration: Option<Timestamp>) -> Self {
        Self { expiration, ..self }
    }

    /// Makes the root policy, which has no text and allows everything.
    #[must_use]
    pub fn root() -> Self {
        Self {
            name: ROOT_POLICY_NAME.into(),
            rules: Vec::new(),
            is_root: true,
            expiration: None,
        }
    }

    /// The name, which audit entries and token look-ups show.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }
}

/// Spells a path so that two that differ in the case of their letters alone become one. Of the two
/// small sigmas the one within words stands for both: which one a capital becomes depends on what
/// follows, which a pattern does not know.
#[must_use]
pub(crate) fn fold(path: &str) -> String {
    path.to_lowercase().replace('ς', "σ")
}

/// Undoes the base64 in which a policy may be sent; a text that is not base64 stays as it is.
///
/// No policy that says anything is base64 by chance: it holds spaces, quotes or braces.
#[must_use]
pub fn decode_text(text: &str) -> Cow<'_, str> {
    let joined: String = text.split(['\r', '\n']).collect();
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(joined)
        .ok();
    match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(decoded) => decoded.into(),
        None => text.into(),
    }
}

/// One `path "…" { … }` of a policy.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    /// As written, without the leading slash.
    path: String,
    /// Whether the path holds a template.
    is_template: bool,
    capabilities: Capabilities,
    parameters: Parameters,
    wrapping: Wrapping,
    listing: Listing,
    /// Who has to approve its requests.
    control: Option<Arc<Control>>,
    /// From when on the rule does not count.
    expiration: Option<Timestamp>,
}

/// The bounds on the life of the wrapping token in which the answer must be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Wrapping {
    min: Option<Duration>,
    max: Option<Duration>,
}

impl Wrapping {
    /// Unites the bounds of two policies: of two values for the same bound the lesser counts.
    fn merge(&mut self, other: Self) {
        let lesser = |a: Option<Duration>, b: Option<Duration>| a.into_iter().chain(b).min();
        *self = Self {
            min: lesser(self.min, other.min),
            max: lesser(self.max, other.max),
        };
    }

    /// Whether an answer may go out wrapped for so long, or, with `None`, unwrapped.
    fn permits(self, ttl: Option<Duration>) -> bool {
        let (min, max) = match self {
            Self {
                min: None,
                max: None,
            } => return true,
            Self { min, max } => (min.unwrap_or(Duration::ZERO), max.unwrap_or(Duration::MAX)),
        };
        ttl.is_some_and(|ttl| min <= ttl && ttl <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_may_be_sent_in_base64() {
        assert_eq!(decode_text("cGF0aCAiYSIge30="), "path \"a\" {}");
        assert_eq!(decode_text("cGF0\r\naCAi\nYSIge30=\n"), "path \"a\" {}");
    }

    #[test]
    fn a_text_that_is_not_base64_stays_as_it_is() {
        for text in ["", "path \"a\" {}", "cGF0aCAiYSIge30", "/w==", "name"] {
            assert_eq!(decode_text(text), text);
        }
    }

    #[test]
    fn the_default_policy_can_be_parsed() {
        let policy = Policy::parse(DEFAULT_POLICY_NAME, DEFAULT_POLICY).unwrap();
        assert_eq!(policy.rules.len(), 17);
        assert!(!policy.is_root);
    }

    #[test]
    fn a_text_never_makes_a_root_policy() {
        assert!(
            !Policy::parse(ROOT_POLICY_NAME, "path \"*\" { policy = \"sudo\" }")
                .unwrap()
                .is_root
        );
        assert!(Policy::root().is_root);
    }
}
