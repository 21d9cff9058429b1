//! Control groups: requests that wait until others approve them (OpenBao API, "Control Group").

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{SensitiveJson, coerce, endpoint};

/// `POST sys/control-group/authorize`: approves a request that waits. The caller's entity has to be
/// in a group that a policy names for it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct AuthorizeRequest {
    /// The accessor of the wrapping token that the request waits behind.
    #[serde(deserialize_with = "coerce::text")]
    pub accessor: Option<String>,
}
endpoint!(AuthorizeRequest {} => RequestApproval: Update "control-group/authorize");

/// How far the approval of a request has come.
#[derive(Debug, Deserialize, Serialize)]
pub struct RequestApproval {
    /// Whether everything that the policies demand is there: unwrapping the token does the request.
    pub approved: bool,
}

/// `POST sys/control-group/request`: shows a request that waits, with all that is in it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadWaitingRequest {
    /// The accessor of the wrapping token that the request waits behind.
    #[serde(deserialize_with = "coerce::text")]
    pub accessor: Option<String>,
}
endpoint!(ReadWaitingRequest {} => WaitingRequest: Update "control-group/request");

/// A request that waits, and who has approved it.
#[derive(Debug, Deserialize, Serialize)]
pub struct WaitingRequest {
    /// Whether everything that the policies demand is there.
    pub approved: bool,
    /// Who has approved it, in the order in which they did.
    pub authorizations: Vec<Authorization>,
    /// The parameters of the request; null for none.
    pub request_data: Option<SensitiveJson>,
    /// Who made it; empty for a token without an entity.
    pub request_entity: Requester,
    /// What it does, in the word of policies.
    pub request_operation: String,
    /// Where, from the mount on.
    pub request_path: String,
}

/// Who approved a request.
#[derive(Debug, Deserialize, Serialize)]
pub struct Authorization {
    /// The id of the entity.
    pub entity_id: String,
    /// Its name now; empty if it is gone.
    pub entity_name: String,
}

/// The entity that made a request.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Requester {
    /// The id, as the documents of both peers spell it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The id once more, as OpenBao spells it.
    #[serde(rename = "ID", skip_serializing_if = "String::is_empty")]
    pub upper_id: String,
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}
