//! The auth method `userpass`: people who log in with a name and a password.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::login::{with_login_tokens, with_token_parameters};
use crate::{Sensitive, coerce, endpoint};

with_token_parameters! {
    /// `POST auth/userpass/users/:username`: makes a user, or changes what is given of one.
    pub struct WriteUser {
        /// The name of the user, in any case.
        #[serde(skip_serializing)]
        pub username: String,
        /// The password, of 72 bytes at most, which no answer shows; needed for a new user.
        pub password: Option<Sensitive>,
        /// In its place, its bcrypt hash as others made it, with a cost of 16 at most. With a cost
        /// that is not 10, the time of a refused login tells that there is such a user.
        pub password_hash: Option<Sensitive>,
        /// The older name of `token_policies`.
        #[serde(deserialize_with = "coerce::list")]
        pub policies: Option<Vec<String>>,
        /// The older name of `token_ttl`.
        #[serde(deserialize_with = "coerce::seconds")]
        pub ttl: Option<i64>,
        /// The older name of `token_max_ttl`.
        #[serde(deserialize_with = "coerce::seconds")]
        pub max_ttl: Option<i64>,
        /// The older name of `token_bound_cidrs`.
        #[serde(deserialize_with = "coerce::list_with_blanks")]
        pub bound_cidrs: Option<Vec<String>>,
    }
}
endpoint!(WriteUser { username } => (): Update "users/{username}"; any_case);

/// `GET auth/userpass/users/:username`: reads one user.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadUser {
    /// The name of the user, in any case.
    #[serde(skip_serializing)]
    pub username: String,
}
endpoint!(ReadUser { username } => User: Read "users/{username}"; any_case);

with_login_tokens! {
    /// A user, without what is secret. What was given by an older name is shown by that too.
    pub struct User {
        /// As `token_policies`, if they were given by this name.
        pub policies: Option<Vec<String>>,
        /// As `token_ttl`, if it was given by this name.
        pub ttl: Option<u64>,
        /// As `token_max_ttl`, if it was given by this name.
        pub max_ttl: Option<u64>,
        /// As `token_bound_cidrs`, if they were given by this name.
        pub bound_cidrs: Option<Vec<String>>,
    }
}

/// `DELETE auth/userpass/users/:username`: removes a user, whose tokens live on and are not renewed.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteUser {
    /// The name of the user, in any case; one that is unknown is no error.
    #[serde(skip_serializing)]
    pub username: String,
}
endpoint!(DeleteUser { username } => (): Delete "users/{username}"; any_case);

/// `LIST auth/userpass/users`: lists the names of all users.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListUsers {
    /// Only names behind this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many; none or a negative number is no limit.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListUsers {} => Users: List "users");

/// The names of users.
#[derive(Debug, Deserialize, Serialize)]
pub struct Users {
    /// The names, in lower case.
    pub keys: Vec<String>,
}

/// `POST auth/userpass/users/:username/password`: gives a user another password.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SetPassword {
    /// The name of the user, in any case.
    #[serde(skip_serializing)]
    pub username: String,
    /// The password, of 72 bytes at most.
    pub password: Option<Sensitive>,
    /// In its place, its bcrypt hash; see [`WriteUser`].
    pub password_hash: Option<Sensitive>,
}
endpoint!(SetPassword { username } => (): Update "users/{username}/password"; any_case);

/// `POST auth/userpass/users/:username/policies`: gives a user other policies. Tokens that were made
/// before keep those that they have, and are not renewed.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SetPolicies {
    /// The name of the user, in any case.
    #[serde(skip_serializing)]
    pub username: String,
    /// The policies.
    #[serde(deserialize_with = "coerce::list")]
    pub token_policies: Option<Vec<String>>,
    /// The older name of `token_policies`.
    #[serde(deserialize_with = "coerce::list")]
    pub policies: Option<Vec<String>>,
}
endpoint!(SetPolicies { username } => (): Update "users/{username}/policies"; any_case);

/// `POST auth/userpass/login/:username`: gives a token for a name and its password.
///
/// The token stands in the `auth` block of the reply. Whether the user is unknown or the password
/// wrong, the refusal is the same, and takes the same time.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LogIn {
    /// The name of the user, in any case.
    #[serde(skip_serializing)]
    pub username: String,
    /// The password.
    pub password: Option<Sensitive>,
}
endpoint!(LogIn { username } => (): Update "login/{username}", access Public; any_case);
