//! Access policies, under their present path and under the older `sys/policy`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Endpoint, Operation, coerce, endpoint};

/// `LIST sys/policies/acl`: lists the names of all policies.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListPolicies {
    /// Only names behind this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many names; none or a negative number is no limit.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListPolicies {} => Policies: List "policies/acl");

/// The names of policies.
#[derive(Debug, Deserialize, Serialize)]
pub struct Policies {
    /// The names.
    pub keys: Vec<String>,
}

/// `GET sys/policies/acl/:name`: reads the text of a policy.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadPolicy {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadPolicy { name } => Policy: Read "policies/acl/{name*}" as "policies/acl/{name}"; any_case);

/// A policy.
#[derive(Debug, Deserialize, Serialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its text, HCL or JSON.
    pub policy: String,
}

/// `PUT sys/policies/acl/:name`: writes a policy; what is left out is not kept of an earlier version.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WritePolicy {
    /// The name; lower-cased.
    #[serde(skip_serializing)]
    pub name: String,
    /// The text: HCL, JSON, or either in base64.
    #[serde(deserialize_with = "coerce::text")]
    pub policy: Option<String>,
    /// The version that this replaces: 0 or -1 if there must be none yet; if left out, any.
    #[serde(deserialize_with = "coerce::int")]
    pub cas: Option<i64>,
    /// Whether every change must say which version it replaces, this one as well.
    #[serde(deserialize_with = "coerce::flag")]
    pub cas_required: Option<bool>,
    /// From when on the policy grants nothing and is removed: RFC 3339, or seconds since 1970.
    #[serde(deserialize_with = "coerce::text_unless_null")]
    pub expiration: Option<String>,
    /// The same as a number of seconds from now; not beside `expiration`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub ttl: Option<i64>,
}
endpoint!(WritePolicy { name } => (): Update "policies/acl/{name*}" as "policies/acl/{name}"; any_case);

/// `PATCH sys/policies/acl/:name`: changes parts of a policy; what is left out stays.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PatchPolicy(pub WritePolicy);

impl Endpoint for PatchPolicy {
    const NAME: &'static str = "PatchPolicy";
    const OPERATION: Operation = Operation::Patch;
    const PATH: &'static str = WritePolicy::PATH;
    type Reply = ();

    fn path(&self) -> String {
        self.0.path()
    }
}

/// `LIST sys/policies/detailed/acl`: lists all policies, with what is known of each.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListDetailedPolicies {
    /// Only names behind this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many names; none or a negative number is no limit.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListDetailedPolicies {} => DetailedPolicies: List "policies/detailed/acl");

/// Policies by name.
#[derive(Debug, Deserialize, Serialize)]
pub struct DetailedPolicies {
    /// What is known of each.
    pub key_info: BTreeMap<String, DetailedPolicy>,
    /// The names.
    pub keys: Vec<String>,
}

/// `GET sys/policies/detailed/acl/:name`: reads a policy, with what is known of it.
///
/// The plain path answers with name and text alone, which clients compare as a whole.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadDetailedPolicy {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadDetailedPolicy { name } => DetailedPolicy:
    Read "policies/detailed/acl/{name*}" as "policies/detailed/acl/{name}"; any_case);

/// What is known of a policy.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct DetailedPolicy {
    /// Whether every change must say which version it replaces.
    pub cas_required: bool,
    /// From when on it grants nothing, in RFC 3339; left out if it does not end.
    pub expiration: Option<String>,
    /// When it was last changed, in RFC 3339; left out where that is not known.
    pub modified: Option<String>,
    /// Its name.
    pub name: String,
    /// Its text.
    pub policy: String,
    /// Counts the changes; 0 for one that cannot be changed.
    pub version: u64,
}

/// `DELETE sys/policies/acl/:name`: removes a policy.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeletePolicy {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeletePolicy { name } => (): Delete "policies/acl/{name*}" as "policies/acl/{name}"; any_case);

/// `LIST sys/policy`: the older spelling of [`ListPolicies`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListPoliciesOld {}
endpoint!(ListPoliciesOld {} => PoliciesOld: List "policy");

/// `GET sys/policy`: the same as [`ListPoliciesOld`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListPoliciesOldByGet {}
endpoint!(ListPoliciesOldByGet {} => PoliciesOld: Read "policy");

/// The names of policies, twice.
#[derive(Debug, Deserialize, Serialize)]
pub struct PoliciesOld {
    /// The names.
    pub keys: Vec<String>,
    /// The names again.
    pub policies: Vec<String>,
}

/// `GET sys/policy/:name`: the older spelling of [`ReadPolicy`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadPolicyOld {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadPolicyOld { name } => PolicyOld: Read "policy/{name*}" as "policy/{name}"; any_case);

/// A policy, with its text under the older name.
#[derive(Debug, Deserialize, Serialize)]
pub struct PolicyOld {
    /// Its name.
    pub name: String,
    /// Its text.
    pub rules: String,
}

/// `PUT sys/policy/:name`: the older spelling of [`WritePolicy`].
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WritePolicyOld {
    /// The name; lower-cased.
    #[serde(skip_serializing)]
    pub name: String,
    /// The text.
    #[serde(deserialize_with = "coerce::text")]
    pub policy: Option<String>,
    /// The text, under its older name.
    #[serde(deserialize_with = "coerce::text")]
    pub rules: Option<String>,
    /// The version that this replaces: 0 or -1 if there must be none yet; if left out, any.
    #[serde(deserialize_with = "coerce::int")]
    pub cas: Option<i64>,
    /// Whether every change must say which version it replaces, this one as well.
    #[serde(deserialize_with = "coerce::flag")]
    pub cas_required: Option<bool>,
    /// From when on the policy grants nothing and is removed: RFC 3339, or seconds since 1970.
    #[serde(deserialize_with = "coerce::text_unless_null")]
    pub expiration: Option<String>,
    /// The same as a number of seconds from now; not beside `expiration`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub ttl: Option<i64>,
}
endpoint!(WritePolicyOld { name } => (): Update "policy/{name*}" as "policy/{name}"; any_case);

/// `DELETE sys/policy/:name`: the older spelling of [`DeletePolicy`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeletePolicyOld {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeletePolicyOld { name } => (): Delete "policy/{name*}" as "policy/{name}"; any_case);
