//! Methods that are Okta's: a push to a phone.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{super::in_path, MfaMethod, MfaMethodCreated, MfaMethods, service::mfa_method_type};
use crate::{Sensitive, coerce, endpoint};

/// The methods that are Okta's.
#[derive(Debug)]
pub struct OktaMfaMethods;
mfa_method_type!(OktaMfaMethods, "okta": CreateOktaMfaMethod, UpdateOktaMfaMethod, ReadOktaMfaMethod,
    DeleteOktaMfaMethod, ListOktaMfaMethods);

/// `POST identity/mfa/method/okta`: makes a method that asks Okta (its Users and Factors API, version
/// 1), or changes the one of that name.
///
/// A login sends a push to the phone that Okta knows for the entity and waits for the answer, at most
/// a minute.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreateOktaMfaMethod {
    /// The id of the method to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub method_id: Option<String>,
    /// A name for it, unique; none if left out.
    #[serde(deserialize_with = "coerce::text")]
    pub method_name: Option<String>,
    /// With what an entity logs in at Okta, with the values that templated policies know, such as
    /// `{{identity.entity.name}}@example.com`; the name of the entity if left out when it is made.
    #[serde(deserialize_with = "coerce::text")]
    pub username_format: Option<String>,
    /// The name of the organization at Okta: what stands before `.okta.com`. Required.
    #[serde(deserialize_with = "coerce::text")]
    pub org_name: Option<String>,
    /// An API token of the organization. Required, and never shown.
    pub api_token: Option<Sensitive>,
    /// The domain below which the organization is, perhaps with a port: `okta.com` if left out, else
    /// such as `oktapreview.com` or `okta-emea.com`. It is called by HTTPS alone.
    #[serde(deserialize_with = "coerce::text")]
    pub base_url: Option<String>,
    /// Whether the name of an entity is the primary email address of a user, in place of what the user
    /// logs in with.
    #[serde(deserialize_with = "coerce::flag")]
    pub primary_email: Option<bool>,
    /// Deprecated in favour of `base_url`, without which `false` stands for `oktapreview.com`.
    #[serde(deserialize_with = "coerce::flag")]
    pub production: Option<bool>,
}
endpoint!(CreateOktaMfaMethod {} => MfaMethodCreated: Update "mfa/method/okta");

/// `POST identity/mfa/method/okta/:method_id`: changes a method that asks Okta.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdateOktaMfaMethod(
    /// What [`CreateOktaMfaMethod`] takes.
    pub CreateOktaMfaMethod,
);
in_path!(UpdateOktaMfaMethod, method_id => (), "mfa/method/okta/{method_id}", "mfa/method/okta/{}");

/// `GET identity/mfa/method/okta/:method_id`: reads a method that asks Okta; its token is not shown.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOktaMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(ReadOktaMfaMethod { method_id } => MfaMethod: Read "mfa/method/okta/{method_id}");

/// `DELETE identity/mfa/method/okta/:method_id`: removes a method that asks Okta, and that no
/// enforcement names.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOktaMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(DeleteOktaMfaMethod { method_id } => (): Delete "mfa/method/okta/{method_id}");

/// `LIST identity/mfa/method/okta`: lists all methods that ask Okta.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOktaMfaMethods {}
endpoint!(ListOktaMfaMethods {} => MfaMethods: List "mfa/method/okta");
