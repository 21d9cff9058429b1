//! Token roles: what tokens made under them are like.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::CreateToken;
use crate::{Access, Endpoint, Operation, coerce, endpoint};

/// `LIST auth/token/roles`: lists the names of all token roles.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListTokenRoles {}
endpoint!(ListTokenRoles {} => TokenRoles: List "roles");

/// The names of token roles.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenRoles {
    /// The names.
    pub keys: Vec<String>,
}

/// `POST auth/token/roles/:name`: makes a token role, or changes what is given of one.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteTokenRole {
    /// The name of the role.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The policies that its tokens may have, whatever their creator has; none sets no such bound.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_policies: Option<Vec<String>>,
    /// The same as patterns, in which `*` stands for any text.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_policies_glob: Option<Vec<String>>,
    /// The policies that its tokens may not have.
    #[serde(deserialize_with = "coerce::list")]
    pub disallowed_policies: Option<Vec<String>>,
    /// The same as patterns, in which `*` stands for any text.
    #[serde(deserialize_with = "coerce::list")]
    pub disallowed_policies_glob: Option<Vec<String>>,
    /// Whether its tokens outlive their creator.
    #[serde(deserialize_with = "coerce::flag")]
    pub orphan: Option<bool>,
    /// Whether its tokens can be renewed; true if never given.
    #[serde(deserialize_with = "coerce::flag")]
    pub renewable: Option<bool>,
    /// What is added to the path that its tokens are known by.
    #[serde(deserialize_with = "coerce::text")]
    pub path_suffix: Option<String>,
    /// The older name of `token_period`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub period: Option<i64>,
    /// What each renewal gives its tokens, for ever.
    #[serde(deserialize_with = "coerce::seconds")]
    pub token_period: Option<i64>,
    /// The older name of `token_explicit_max_ttl`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub explicit_max_ttl: Option<i64>,
    /// How long its tokens last at most, whatever is renewed.
    #[serde(deserialize_with = "coerce::seconds")]
    pub token_explicit_max_ttl: Option<i64>,
    /// The older name of `token_bound_cidrs`.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub bound_cidrs: Option<Vec<String>>,
    /// The addresses that its tokens may be used from; none is all.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub token_bound_cidrs: Option<Vec<String>>,
    /// By which names tokens may be given an entity (`entity_alias`); a `*` stands for anything.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_entity_aliases: Option<Vec<String>>,
    /// `service`, `batch`, or either as a default: `default-service`, `default-batch`.
    #[serde(deserialize_with = "coerce::text")]
    pub token_type: Option<String>,
    /// How often its tokens may be used; 0 is without limit.
    #[serde(deserialize_with = "coerce::int")]
    pub token_num_uses: Option<i64>,
    /// Whether its tokens go without the policy `default`.
    #[serde(deserialize_with = "coerce::flag")]
    pub token_no_default_policy: Option<bool>,
    /// Whether its tokens must be bound to a key (`client_key`); false if never given.
    #[serde(deserialize_with = "coerce::flag")]
    pub require_pop: Option<bool>,
    /// The origins of the pages that its tokens may be used from, such as
    /// `https://app.example.com`; pages of these may call the server at all. If empty, of all
    /// pages.
    #[serde(deserialize_with = "coerce::list")]
    pub bound_origins: Option<Vec<String>>,
    /// The keys that its tokens may use, as patterns of mount and name: `transit/orders-*`. If
    /// empty, all that their policies allow.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_keys: Option<Vec<String>>,
    /// What its tokens may do with keys, as the paths name it: `encrypt`, `sign` and the like. If
    /// empty, all that their policies allow.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_operations: Option<Vec<String>>,
    /// What its tokens bind their ciphertexts to: the associated data of each is this map as
    /// canonical JSON (RFC 8785), and put in where it is not given.
    #[serde(deserialize_with = "coerce::pairs")]
    pub required_context: Option<BTreeMap<String, String>>,
    /// The most inputs of one request with its tokens; 0 is without limit.
    #[serde(deserialize_with = "coerce::int")]
    pub max_batch: Option<i64>,
}
endpoint!(WriteTokenRole { role_name } => (): Update "roles/{role_name}");

/// `GET auth/token/roles/:name`: reads one token role.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadTokenRole {
    /// The name of the role.
    #[serde(skip_serializing)]
    pub role_name: String,
}
endpoint!(ReadTokenRole { role_name } => TokenRole: Read "roles/{role_name}");

/// `DELETE auth/token/roles/:name`: removes a token role; its tokens live on.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteTokenRole {
    /// The name of the role; one that is unknown is no error.
    #[serde(skip_serializing)]
    pub role_name: String,
}
endpoint!(DeleteTokenRole { role_name } => (): Delete "roles/{role_name}");

/// A token role. Durations are whole seconds; 0 is none.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct TokenRole {
    /// The aliases that its tokens may ask for; null if never given.
    #[serialize_always]
    pub allowed_entity_aliases: Option<Vec<String>>,
    /// The keys that its tokens may use, if they are confined to some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_keys: Vec<String>,
    /// What its tokens may do with keys, if they are confined to some of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_operations: Vec<String>,
    /// The policies that its tokens may have.
    pub allowed_policies: Vec<String>,
    /// The same as patterns.
    pub allowed_policies_glob: Vec<String>,
    /// As `token_bound_cidrs`, if it was given by this name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bound_cidrs: Vec<String>,
    /// The origins of the pages that its tokens may be used from, if they are bound to some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bound_origins: Vec<String>,
    /// The policies that its tokens may not have.
    pub disallowed_policies: Vec<String>,
    /// The same as patterns.
    pub disallowed_policies_glob: Vec<String>,
    /// As `token_explicit_max_ttl`, if it was given by this name.
    pub explicit_max_ttl: u64,
    /// The most inputs of one request with its tokens, if that is limited.
    pub max_batch: Option<u64>,
    /// The name of the role.
    pub name: String,
    /// Whether its tokens outlive their creator.
    pub orphan: bool,
    /// What is added to the path that its tokens are known by.
    pub path_suffix: String,
    /// As `token_period`, if it was given by this name.
    pub period: u64,
    /// Whether its tokens can be renewed.
    pub renewable: bool,
    /// Whether its tokens must be bound to a key, if they must.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_pop: bool,
    /// What its tokens bind their ciphertexts to, if they do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub required_context: BTreeMap<String, String>,
    /// The addresses that its tokens may be used from, if they are bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_bound_cidrs: Vec<String>,
    /// How long its tokens last at most.
    pub token_explicit_max_ttl: u64,
    /// Whether its tokens go without the policy `default`.
    pub token_no_default_policy: bool,
    /// How often its tokens may be used, if that is limited.
    pub token_num_uses: Option<u64>,
    /// What each renewal gives its tokens.
    pub token_period: u64,
    /// `service`, `batch`, `default-service` or `default-batch`.
    pub token_type: String,
}

/// `POST auth/token/create/:role`: makes a token under a role.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct CreateTokenByRole(
    /// What [`CreateToken`] takes, with the name of the role.
    pub CreateToken,
);

impl Endpoint for CreateTokenByRole {
    const NAME: &'static str = "CreateTokenByRole";
    const OPERATION: Operation = Operation::Update;
    const PATH: &'static str = "create/{role_name}";
    const ACCESS: Access = Access::Token;
    type Reply = ();

    fn path(&self) -> String {
        format!("create/{}", self.0.role_name)
    }
}
