//! Methods that are PingID's: a push to a phone.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{super::in_path, MfaMethod, MfaMethodCreated, MfaMethods, service::mfa_method_type};
use crate::{Sensitive, coerce, endpoint};

/// The methods that are PingID's.
#[derive(Debug)]
pub struct PingIdMfaMethods;
mfa_method_type!(PingIdMfaMethods, "pingid": CreatePingIdMfaMethod, UpdatePingIdMfaMethod,
    ReadPingIdMfaMethod, DeletePingIdMfaMethod, ListPingIdMfaMethods);

/// `POST identity/mfa/method/pingid`: makes a method that asks PingID (its API, version 4), or changes
/// the one of that name.
///
/// A login sends a push to the phone that PingID knows for the entity and waits for the answer, at
/// most a minute.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreatePingIdMfaMethod {
    /// The id of the method to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub method_id: Option<String>,
    /// A name for it, unique; none if left out.
    #[serde(deserialize_with = "coerce::text")]
    pub method_name: Option<String>,
    /// What PingID calls an entity, with the values that templated policies know, such as
    /// `{{identity.entity.name}}@example.com`; the name of the entity if left out when it is made.
    #[serde(deserialize_with = "coerce::text")]
    pub username_format: Option<String>,
    /// The settings file of the organization (`pingid.properties`, at most 16 KiB), in base64.
    /// Required; its key and its token are never shown.
    pub settings_file_base64: Option<Sensitive>,
}
endpoint!(CreatePingIdMfaMethod {} => MfaMethodCreated: Update "mfa/method/pingid");

/// `POST identity/mfa/method/pingid/:method_id`: changes a method that asks PingID.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdatePingIdMfaMethod(
    /// What [`CreatePingIdMfaMethod`] takes.
    pub CreatePingIdMfaMethod,
);
in_path!(UpdatePingIdMfaMethod, method_id => (), "mfa/method/pingid/{method_id}",
    "mfa/method/pingid/{}");

/// `GET identity/mfa/method/pingid/:method_id`: reads a method that asks PingID; neither its key nor
/// its token is shown.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadPingIdMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(ReadPingIdMfaMethod { method_id } => MfaMethod: Read "mfa/method/pingid/{method_id}");

/// `DELETE identity/mfa/method/pingid/:method_id`: removes a method that asks PingID, and that no
/// enforcement names.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeletePingIdMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(DeletePingIdMfaMethod { method_id } => (): Delete "mfa/method/pingid/{method_id}");

/// `LIST identity/mfa/method/pingid`: lists all methods that ask PingID.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListPingIdMfaMethods {}
endpoint!(ListPingIdMfaMethods {} => MfaMethods: List "mfa/method/pingid");
