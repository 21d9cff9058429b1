//! What the server answers: Vault's envelope around the data, or a list of errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_with::skip_serializing_none;

use crate::Sensitive;

/// The JSON answer of every logical path.
#[derive(Debug, Deserialize, Serialize)]
pub struct Reply<T> {
    /// The id under which the audit log holds the request; empty in a wrapped reply.
    #[serde(default)]
    pub request_id: String,
    /// The lease that keeps the secret alive; empty where there is none.
    #[serde(default)]
    pub lease_id: String,
    /// Whether the lease can be renewed.
    #[serde(default)]
    pub renewable: bool,
    /// Seconds that the lease lasts.
    #[serde(default)]
    pub lease_duration: u64,
    /// The answer itself.
    pub data: Option<T>,
    /// The token that opens the answer, where it was wrapped; then there is nothing else.
    #[serde(default)]
    pub wrap_info: Option<WrapInfo>,
    /// What the caller should know although the call succeeded.
    #[serde(default)]
    pub warnings: Option<Vec<String>>,
    /// The token that a login or token creation granted.
    #[serde(default)]
    pub auth: Option<GrantedAuth>,
    /// The type of the mount that answered, such as `transit`.
    #[serde(default)]
    pub mount_type: String,
}

impl<T> Reply<T> {
    /// Makes a reply of what came without an envelope.
    pub(crate) const fn of_document(document: T) -> Self {
        Self {
            request_id: String::new(),
            lease_id: String::new(),
            renewable: false,
            lease_duration: 0,
            data: Some(document),
            wrap_info: None,
            warnings: None,
            auth: None,
            mount_type: String::new(),
        }
    }
}

impl<'a> Reply<&'a RawValue> {
    /// Reads the data, which was left as it came: one reader of the envelope serves all types of
    /// data, which keeps a client for browsers small.
    ///
    /// # Errors
    /// The data is not that of the operation.
    pub fn read<T: Deserialize<'a>>(self) -> Result<Reply<T>, serde_json::Error> {
        let data = self.data.map(|data| data.get().as_bytes());
        Ok(Reply {
            request_id: self.request_id,
            lease_id: self.lease_id,
            renewable: self.renewable,
            lease_duration: self.lease_duration,
            data: data.map(serde_json::from_slice).transpose()?,
            wrap_info: self.wrap_info,
            warnings: self.warnings,
            auth: self.auth,
            mount_type: self.mount_type,
        })
    }
}

/// The `auth` block of a reply: a token and what it may do.
#[derive(Debug, Deserialize, Serialize)]
pub struct GrantedAuth {
    /// The token; empty where a second factor is asked for first.
    pub client_token: Sensitive,
    /// The handle by which the token can be looked up and revoked, but not used.
    pub accessor: String,
    /// All policies: the token's own and its identity's; null where there is no token yet.
    pub policies: Option<Vec<String>>,
    /// The policies of the token itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_policies: Vec<String>,
    /// The policies of its identity: those of the entity and of its groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_policies: Vec<String>,
    /// What the creator attached.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Seconds until the token expires; 0 is never.
    pub lease_duration: u64,
    /// Whether the token can be renewed.
    pub renewable: bool,
    /// The identity entity; empty where there is none.
    pub entity_id: String,
    /// `service` or `batch`; `default` where there is no token yet.
    pub token_type: String,
    /// Whether the token outlives its creator.
    pub orphan: bool,
    /// The second factor that the login needs; then there is nothing else.
    pub mfa_requirement: Option<MfaRequirement>,
    /// How often the token may be used; 0 is without limit.
    pub num_uses: u64,
}

impl GrantedAuth {
    /// Makes the block that asks for a second factor in the place of giving a token.
    #[must_use]
    pub fn requiring(requirement: MfaRequirement) -> Self {
        Self {
            client_token: Sensitive::new(String::new()),
            accessor: String::new(),
            policies: None,
            token_policies: Vec::new(),
            identity_policies: Vec::new(),
            metadata: None,
            lease_duration: 0,
            renewable: false,
            entity_id: String::new(),
            token_type: "default".to_owned(),
            orphan: false,
            mfa_requirement: Some(requirement),
            num_uses: 0,
        }
    }
}

/// What a login needs before it gives a token: see [`ValidateMfa`](crate::sys::ValidateMfa).
#[derive(Debug, Deserialize, Serialize)]
pub struct MfaRequirement {
    /// The name under which the login waits.
    pub mfa_request_id: Sensitive,
    /// What must be met, all of it, by the name of the enforcement.
    pub mfa_constraints: BTreeMap<String, MfaConstraint>,
}

/// What meets one enforcement.
#[derive(Debug, Deserialize, Serialize)]
pub struct MfaConstraint {
    /// The methods, one of which is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<MfaMethodRef>,
}

/// A method that a login can be validated with.
#[derive(Debug, Deserialize, Serialize)]
pub struct MfaMethodRef {
    /// `totp`, or the service that is asked: `duo`, `okta`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Whether it takes a passcode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uses_passcode: bool,
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// The `wrap_info` block of a reply: a token that opens the answer, once.
#[derive(Debug, Deserialize, Serialize)]
pub struct WrapInfo {
    /// The wrapping token.
    pub token: Sensitive,
    /// The handle by which the token can be looked up and revoked, but not used.
    pub accessor: String,
    /// For how many seconds the answer can be opened.
    pub ttl: u64,
    /// When it was wrapped, RFC 3339.
    pub creation_time: String,
    /// The path that answered.
    pub creation_path: String,
    /// The accessor of the token or the secret id inside, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wrapped_accessor: String,
}

/// The JSON answer of a call that failed.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// One sentence each; empty where nothing was found.
    #[serde(default)]
    pub errors: Vec<String>,
    /// What the caller has to choose between, where there is a choice.
    pub data: Option<serde_json::Value>,
}
