//! Scopes and assignments: what a provider tells, and of whom.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::super::Names;
use crate::{coerce, endpoint};

/// `POST identity/oidc/scope/:name`: makes a scope, or changes what is given of it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOidcScope {
    /// The name; `openid` is taken.
    #[serde(skip_serializing)]
    pub name: String,
    /// The claims that it adds: a JSON object with templates such as `{{identity.entity.name}}`,
    /// plain or in base64; empty for none.
    #[serde(deserialize_with = "coerce::text")]
    pub template: Option<String>,
    /// What it is for, in words.
    #[serde(deserialize_with = "coerce::text")]
    pub description: Option<String>,
}
endpoint!(WriteOidcScope { name } => (): Update "oidc/scope/{name}");

/// `GET identity/oidc/scope/:name`: tells what a scope says.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcScope {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcScope { name } => OidcScope: Read "oidc/scope/{name}");

/// What a scope says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct OidcScope {
    /// What it is for, in words.
    pub description: String,
    /// The claims that it adds.
    pub template: String,
}

/// `DELETE identity/oidc/scope/:name`: removes a scope that no provider refers to.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOidcScope {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteOidcScope { name } => (): Delete "oidc/scope/{name}");

/// `LIST identity/oidc/scope`: lists the names of all scopes.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOidcScopes {}
endpoint!(ListOidcScopes {} => Names: List "oidc/scope");

/// `POST identity/oidc/assignment/:name`: makes an assignment, or changes what is given of it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOidcAssignment {
    /// The name; `allow_all` is there from the start and stays as it is.
    #[serde(skip_serializing)]
    pub name: String,
    /// The entities that it lets in.
    #[serde(deserialize_with = "coerce::list")]
    pub entity_ids: Option<Vec<String>>,
    /// The groups whose members it lets in, those of groups below them included.
    #[serde(deserialize_with = "coerce::list")]
    pub group_ids: Option<Vec<String>>,
}
endpoint!(WriteOidcAssignment { name } => (): Update "oidc/assignment/{name}");

/// `GET identity/oidc/assignment/:name`: tells whom an assignment lets in.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcAssignment {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcAssignment { name } => OidcAssignment: Read "oidc/assignment/{name}");

/// Whom an assignment lets in.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct OidcAssignment {
    /// Entities; `*` is all.
    pub entity_ids: Vec<String>,
    /// Groups; `*` is all.
    pub group_ids: Vec<String>,
}

/// `DELETE identity/oidc/assignment/:name`: removes an assignment that no client refers to.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOidcAssignment {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteOidcAssignment { name } => (): Delete "oidc/assignment/{name}");

/// `LIST identity/oidc/assignment`: lists the names of all assignments.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOidcAssignments {}
endpoint!(ListOidcAssignments {} => Names: List "oidc/assignment");
