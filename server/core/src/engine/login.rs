//! What an auth method says of a login: as whom, and of its token when it is to be renewed.

use std::time::Duration;

/// As whom a request would log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginClaim {
    /// The name, in the one spelling that the method keeps of it.
    pub alias: String,
    /// Whether the request gives what might be right. One without a password guesses at nothing: it
    /// does not count as a failure, so that nobody is locked out by who forgets a field.
    pub guesses: bool,
}

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
