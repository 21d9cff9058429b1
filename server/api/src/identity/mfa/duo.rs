//! Methods that are Duo's: a push to a phone, or a passcode that Duo looks at.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{super::in_path, MfaMethod, MfaMethodCreated, MfaMethods, service::mfa_method_type};
use crate::{Sensitive, coerce, endpoint};

/// The methods that are Duo's.
#[derive(Debug)]
pub struct DuoMfaMethods;
mfa_method_type!(DuoMfaMethods, "duo": CreateDuoMfaMethod, UpdateDuoMfaMethod, ReadDuoMfaMethod,
    DeleteDuoMfaMethod, ListDuoMfaMethods);

/// `POST identity/mfa/method/duo`: makes a method that asks Duo (its Auth API, version 2), or changes
/// the one of that name.
///
/// A login sends a push to the phone that Duo knows for the entity and waits for the answer, at most a
/// minute; with a passcode it has Duo look at that in its place.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreateDuoMfaMethod {
    /// The id of the method to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub method_id: Option<String>,
    /// A name for it, unique; none if left out.
    #[serde(deserialize_with = "coerce::text")]
    pub method_name: Option<String>,
    /// What Duo calls an entity, with the values that templated policies know, such as
    /// `{{identity.entity.name}}@example.com`; the name of the entity if left out when it is made.
    #[serde(deserialize_with = "coerce::text")]
    pub username_format: Option<String>,
    /// The secret key of the application at Duo. Required, and never shown.
    pub secret_key: Option<Sensitive>,
    /// The integration key of the application at Duo. Required, and never shown.
    pub integration_key: Option<Sensitive>,
    /// The API hostname of the application at Duo, perhaps with a port; it is called by HTTPS alone.
    /// Required.
    #[serde(deserialize_with = "coerce::text")]
    pub api_hostname: Option<String>,
    /// What the push shows beside: URL-encoded pairs, such as `from=login%20portal`.
    #[serde(deserialize_with = "coerce::text")]
    pub push_info: Option<String>,
    /// Whether a passcode must be given, and no push is sent.
    #[serde(deserialize_with = "coerce::flag")]
    pub use_passcode: Option<bool>,
}
endpoint!(CreateDuoMfaMethod {} => MfaMethodCreated: Update "mfa/method/duo");

/// `POST identity/mfa/method/duo/:method_id`: changes a method that asks Duo.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdateDuoMfaMethod(
    /// What [`CreateDuoMfaMethod`] takes.
    pub CreateDuoMfaMethod,
);
in_path!(UpdateDuoMfaMethod, method_id => (), "mfa/method/duo/{method_id}", "mfa/method/duo/{}");

/// `GET identity/mfa/method/duo/:method_id`: reads a method that asks Duo; neither key is shown.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadDuoMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(ReadDuoMfaMethod { method_id } => MfaMethod: Read "mfa/method/duo/{method_id}");

/// `DELETE identity/mfa/method/duo/:method_id`: removes a method that asks Duo, and that no
/// enforcement names.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteDuoMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(DeleteDuoMfaMethod { method_id } => (): Delete "mfa/method/duo/{method_id}");

/// `LIST identity/mfa/method/duo`: lists all methods that ask Duo.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListDuoMfaMethods {}
endpoint!(ListDuoMfaMethods {} => MfaMethods: List "mfa/method/duo");
