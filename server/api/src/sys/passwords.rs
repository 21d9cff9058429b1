//! Password policies: what made-up passwords are like.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `LIST sys/policies/password`: lists the names of all password policies.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListPasswordPolicies {
    /// Only names behind this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many names; none or a negative number is no limit.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListPasswordPolicies {} => PasswordPolicies: List "policies/password");

/// The names of password policies.
#[derive(Debug, Deserialize, Serialize)]
pub struct PasswordPolicies {
    /// The names.
    pub keys: Vec<String>,
}

/// `GET sys/policies/password/:name`: reads the text of a password policy.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadPasswordPolicy {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadPasswordPolicy { name } => PasswordPolicy:
    Read "policies/password/{name*}" as "policies/password/{name}");

/// A password policy.
#[derive(Debug, Deserialize, Serialize)]
pub struct PasswordPolicy {
    /// Its text, HCL or JSON.
    pub policy: String,
}

/// `PUT sys/policies/password/:name`: writes a password policy.
///
/// ```text
/// length = 20
/// rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" }
/// rule "charset" { charset = "0123456789", min-chars = 2 }
/// ```
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WritePasswordPolicy {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
    /// The text: HCL, JSON, or either in base64.
    #[serde(deserialize_with = "coerce::text")]
    pub policy: Option<String>,
}
endpoint!(WritePasswordPolicy { name } => ():
    Update "policies/password/{name*}" as "policies/password/{name}");

/// `DELETE sys/policies/password/:name`: removes a password policy.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeletePasswordPolicy {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeletePasswordPolicy { name } => ():
    Delete "policies/password/{name*}" as "policies/password/{name}");

/// `GET sys/policies/password/:name/generate`: makes up a password that follows a policy.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct GeneratePassword {
    /// The name of the policy.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(GeneratePassword { name } => Password:
    Read "policies/password/{name+}/generate" as "policies/password/{name}/generate");

/// A password, which nobody else has.
#[derive(Debug, Deserialize, Serialize)]
pub struct Password {
    /// The password.
    pub password: Sensitive,
}
