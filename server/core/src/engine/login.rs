//! What an auth method says of a token that a login there gave, when it is to be renewed.

use std::time::Duration;

/// How long a token of a login may last on. The mount's limits hold beside it, and so does the
/// explicit maximum that the token was made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginTerm {
    /// From now on, where the caller wishes nothing; zero leaves that to the mount.
    pub ttl: Duration,
    /// From the login on, whatever is renewed; zero leaves that to the mount.
    pub max_ttl: Duration,
    /// What each renewal gives, for ever; zero if the token is not periodic.
    pub period: Duration,
}
