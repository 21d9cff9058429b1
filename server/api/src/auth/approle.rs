//! The auth method `approle`: machines that log in with the id of a role and a secret id.

mod property;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use self::property::*;
use super::login::{with_login_tokens, with_token_parameters};
use crate::{Sensitive, coerce, endpoint};

with_token_parameters! {
    /// `POST auth/approle/role/:role_name`: makes a role, or changes what is given of one.
    pub struct WriteRole {
        /// The name of the role, in any case.
        #[serde(skip_serializing)]
        pub role_name: String,
        /// The id that its logins name; made up for a new role if not given.
        #[serde(deserialize_with = "coerce::text")]
        pub role_id: Option<String>,
        /// Whether its logins need a secret id; true if never given.
        #[serde(deserialize_with = "coerce::flag")]
        pub bind_secret_id: Option<bool>,
        /// The addresses that its logins may come from, as `a.b.c.d/n`; none is all.
        #[serde(deserialize_with = "coerce::list_with_blanks")]
        pub secret_id_bound_cidrs: Option<Vec<String>>,
        /// The older name of `secret_id_bound_cidrs`.
        #[serde(deserialize_with = "coerce::list_with_blanks")]
        pub bound_cidr_list: Option<Vec<String>>,
        /// How many logins each of its secret ids is good for; 0 is without limit.
        #[serde(deserialize_with = "coerce::int")]
        pub secret_id_num_uses: Option<i64>,
        /// How long its secret ids last, no longer than the mount lets tokens; 0 is without end.
        #[serde(deserialize_with = "coerce::seconds")]
        pub secret_id_ttl: Option<i64>,
        /// Kept and shown, for clients that set it; said when the role is made.
        #[serde(deserialize_with = "coerce::flag")]
        pub local_secret_ids: Option<bool>,
        /// The older name of `token_policies`.
        #[serde(deserialize_with = "coerce::list")]
        pub policies: Option<Vec<String>>,
        /// The older name of `token_period`.
        #[serde(deserialize_with = "coerce::seconds")]
        pub period: Option<i64>,
    }
}
endpoint!(WriteRole { role_name } => (): Update "role/{role_name}"; any_case);

/// `GET auth/approle/role/:role_name`: reads one role.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRole {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
}
endpoint!(ReadRole { role_name } => Role: Read "role/{role_name}"; any_case);

with_login_tokens! {
    /// A role. What was given by an older name is shown by that too.
    pub struct Role {
        /// Whether its logins need a secret id.
        pub bind_secret_id: bool,
        /// Kept and shown, for clients that set it.
        pub local_secret_ids: bool,
        /// As `token_period`, if it was given by this name.
        pub period: Option<u64>,
        /// As `token_policies`, if they were given by this name.
        pub policies: Option<Vec<String>>,
        /// The addresses that its logins may come from; null is all.
        #[serialize_always]
        pub secret_id_bound_cidrs: Option<Vec<String>>,
        /// How many logins each of its secret ids is good for; 0 is without limit.
        pub secret_id_num_uses: u64,
        /// How long its secret ids last, in seconds; 0 is without end.
        pub secret_id_ttl: u64,
    }
}

/// `DELETE auth/approle/role/:role_name`: removes a role with its secret ids. Its tokens live on and
/// are not renewed.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRole {
    /// The name of the role, in any case; one that is unknown is no error.
    #[serde(skip_serializing)]
    pub role_name: String,
}
endpoint!(DeleteRole { role_name } => (): Delete "role/{role_name}"; any_case);

/// `LIST auth/approle/role`: lists the names of all roles.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListRoles {
    /// Only names behind this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many; none or a negative number is no limit.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListRoles {} => Keys: List "role");

/// Names, or accessors.
#[derive(Debug, Deserialize, Serialize)]
pub struct Keys {
    /// They.
    pub keys: Vec<String>,
}

/// `GET auth/approle/role/:role_name/role-id`: reads the id that logins of a role name.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRoleId {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
}
endpoint!(ReadRoleId { role_name } => RoleId: Read "role/{role_name}/role-id"; any_case);

/// The id of a role.
#[derive(Debug, Deserialize, Serialize)]
pub struct RoleId {
    /// The id.
    pub role_id: String,
}

/// `POST auth/approle/role/:role_name/role-id`: gives a role another id.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SetRoleId {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The id.
    #[serde(deserialize_with = "coerce::text")]
    pub role_id: Option<String>,
}
endpoint!(SetRoleId { role_name } => (): Update "role/{role_name}/role-id"; any_case);

/// `POST auth/approle/role/:role_name/secret-id`: makes a secret id up.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct GenerateSecretId {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// What is attached to its tokens: the text of a JSON object of texts, or `name=value` pairs
    /// with commas between; either may be in base64. Of 4096 bytes at most.
    #[serde(deserialize_with = "coerce::text")]
    pub metadata: Option<String>,
    /// The addresses that it may be used from, within those of the role.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub cidr_list: Option<Vec<String>>,
    /// The addresses that its tokens may be used from, within those of the role.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub token_bound_cidrs: Option<Vec<String>>,
    /// How many logins it is good for, no more than the role says; 0 is without limit.
    #[serde(deserialize_with = "coerce::int")]
    pub num_uses: Option<i64>,
    /// How long it lasts, no longer than the role says; 0 is without end.
    #[serde(deserialize_with = "coerce::seconds")]
    pub ttl: Option<i64>,
}
endpoint!(GenerateSecretId { role_name } => SecretId: Update "role/{role_name}/secret-id"; any_case);

/// `POST auth/approle/role/:role_name/custom-secret-id`: takes a secret id that the caller made up.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TakeSecretId {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The secret id, of 4096 bytes at most.
    pub secret_id: Option<Sensitive>,
    /// What is attached to its tokens: the text of a JSON object of texts, or `name=value` pairs
    /// with commas between; either may be in base64. Of 4096 bytes at most.
    #[serde(deserialize_with = "coerce::text")]
    pub metadata: Option<String>,
    /// The addresses that it may be used from, within those of the role.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub cidr_list: Option<Vec<String>>,
    /// The addresses that its tokens may be used from, within those of the role.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub token_bound_cidrs: Option<Vec<String>>,
    /// How many logins it is good for, no more than the role says; 0 is without limit.
    #[serde(deserialize_with = "coerce::int")]
    pub num_uses: Option<i64>,
    /// How long it lasts, no longer than the role says; 0 is without end.
    #[serde(deserialize_with = "coerce::seconds")]
    pub ttl: Option<i64>,
}
endpoint!(TakeSecretId { role_name } => SecretId: Update "role/{role_name}/custom-secret-id"; any_case);

/// A secret id, which is shown now and never again.
#[derive(Debug, Deserialize, Serialize)]
pub struct SecretId {
    /// The secret id.
    pub secret_id: Sensitive,
    /// The handle by which it can be looked up and destroyed, but not used.
    pub secret_id_accessor: String,
    /// How many logins it is good for; 0 is without limit.
    pub secret_id_num_uses: u64,
    /// How long it lasts, in seconds; 0 is without end.
    pub secret_id_ttl: u64,
}

/// `LIST auth/approle/role/:role_name/secret-id`: lists the accessors of a role's secret ids.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListSecretIds {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// Only accessors behind this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many; none or a negative number is no limit.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListSecretIds { role_name } => Keys: List "role/{role_name}/secret-id"; any_case);

/// `POST auth/approle/role/:role_name/secret-id/lookup`: tells what is known of a secret id.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupSecretId {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The secret id; for one that is unknown the answer is empty.
    pub secret_id: Option<Sensitive>,
}
endpoint!(LookupSecretId { role_name } => SecretIdInfo:
    Update "role/{role_name}/secret-id/lookup"; optional, any_case);

/// What is known of a secret id.
#[derive(Debug, Deserialize, Serialize)]
pub struct SecretIdInfo {
    /// The addresses that it may be used from; none is all of its role.
    pub cidr_list: Vec<String>,
    /// When it was made (RFC 3339).
    pub creation_time: String,
    /// When it ends (RFC 3339); the first moment of the year 1 if never.
    pub expiration_time: String,
    /// When it was used last (RFC 3339), or made.
    pub last_updated_time: String,
    /// What is attached to its tokens.
    pub metadata: BTreeMap<String, String>,
    /// The handle by which it can be looked up and destroyed, but not used.
    pub secret_id_accessor: String,
    /// How many logins it is still good for; 0 is without limit.
    pub secret_id_num_uses: u64,
    /// How long it lasts, in seconds; 0 is without end.
    pub secret_id_ttl: u64,
    /// The addresses that its tokens may be used from; none is all of its role.
    pub token_bound_cidrs: Vec<String>,
}

/// `POST auth/approle/role/:role_name/secret-id/destroy`: ends a secret id.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DestroySecretId {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The secret id; one that is unknown is no error.
    pub secret_id: Option<Sensitive>,
}
endpoint!(DestroySecretId { role_name } => (): Update "role/{role_name}/secret-id/destroy"; any_case);

/// `DELETE auth/approle/role/:role_name/secret-id/destroy`: ends a secret id that is named in the query.
/// A query may stand in the logs of proxies: rather `POST` it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteSecretId {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The secret id; one that is unknown is no error.
    pub secret_id: Option<Sensitive>,
}
endpoint!(DeleteSecretId { role_name } => (): Delete "role/{role_name}/secret-id/destroy"; any_case);

/// `POST auth/approle/role/:role_name/secret-id-accessor/lookup`: tells what is known of a
/// secret id, without it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupSecretIdAccessor {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The accessor.
    #[serde(deserialize_with = "coerce::text")]
    pub secret_id_accessor: Option<String>,
}
endpoint!(LookupSecretIdAccessor { role_name } => LookedUp:
    Update "role/{role_name}/secret-id-accessor/lookup"; any_case);

/// What is known of a secret id by its accessor.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum LookedUp {
    /// This.
    Known(Box<SecretIdInfo>),
    /// Nothing, with the status 404.
    Unknown {
        /// Vault's sentence.
        error: String,
    },
}

/// `POST auth/approle/role/:role_name/secret-id-accessor/destroy`: ends a secret id, without it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DestroySecretIdAccessor {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The accessor.
    #[serde(deserialize_with = "coerce::text")]
    pub secret_id_accessor: Option<String>,
}
endpoint!(DestroySecretIdAccessor { role_name } => ():
    Update "role/{role_name}/secret-id-accessor/destroy"; any_case);

/// `DELETE auth/approle/role/:role_name/secret-id-accessor/destroy`: ends a secret id whose accessor
/// is named in the query.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteSecretIdAccessor {
    /// The name of the role, in any case.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The accessor.
    #[serde(deserialize_with = "coerce::text")]
    pub secret_id_accessor: Option<String>,
}
endpoint!(DeleteSecretIdAccessor { role_name } => ():
    Delete "role/{role_name}/secret-id-accessor/destroy"; any_case);

/// `POST auth/approle/tidy/secret-id`: begins to remove what is left of secret ids that are good for
/// nothing; it goes on after the answer.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TidySecretIds {}
endpoint!(TidySecretIds {} => (): Update "tidy/secret-id");

/// `POST auth/approle/login`: gives a token for the id of a role and a secret id.
///
/// The token stands in the `auth` block of the reply.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LogIn {
    /// The id of the role.
    pub role_id: Option<Sensitive>,
    /// The secret id; needed unless the role says otherwise.
    pub secret_id: Option<Sensitive>,
}
endpoint!(LogIn {} => (): Update "login", access Public);
