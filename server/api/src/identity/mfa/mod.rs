//! Login MFA: second factors, and which logins need one.

mod duo;
mod okta;
mod pingid;
mod service;

pub use duo::{
    CreateDuoMfaMethod, DeleteDuoMfaMethod, DuoMfaMethods, ListDuoMfaMethods, ReadDuoMfaMethod,
    UpdateDuoMfaMethod,
};
pub use okta::{
    CreateOktaMfaMethod, DeleteOktaMfaMethod, ListOktaMfaMethods, OktaMfaMethods,
    ReadOktaMfaMethod, UpdateOktaMfaMethod,
};
pub use pingid::{
    CreatePingIdMfaMethod, DeletePingIdMfaMethod, ListPingIdMfaMethods, PingIdMfaMethods,
    ReadPingIdMfaMethod, UpdatePingIdMfaMethod,
};
pub use service::{MfaMethodId, MfaMethodType, WriteMfaMethod};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::in_path;
use crate::{Sensitive, coerce, endpoint};

/// `POST identity/mfa/method/totp`: makes a method whose codes the time makes (TOTP, RFC 6238), or
/// changes the one of that name.
///
/// What is not given is as if it had been left out when the method was made. Secrets that were
/// generated before stay as they are.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreateTotpMfaMethod {
    /// The id of the method to change.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub method_id: Option<String>,
    /// A name for it, unique; none if left out.
    #[serde(deserialize_with = "coerce::text")]
    pub method_name: Option<String>,
    /// Who issues the codes, as authenticators show it. Required.
    #[serde(deserialize_with = "coerce::text")]
    pub issuer: Option<String>,
    /// For how long one code is: seconds, or a duration; 30 if left out.
    #[serde(deserialize_with = "coerce::seconds")]
    pub period: Option<i64>,
    /// Bytes of a secret: 20 if left out, at most 256.
    #[serde(deserialize_with = "coerce::int")]
    pub key_size: Option<i64>,
    /// Pixels of each side of the QR code that shows a secret: 200 if left out, at most 2048; 0 for
    /// no QR code.
    #[serde(deserialize_with = "coerce::int")]
    pub qr_size: Option<i64>,
    /// The hash of the codes: `SHA1` (if left out), `SHA256` or `SHA512`.
    #[serde(deserialize_with = "coerce::text")]
    pub algorithm: Option<String>,
    /// Digits of a code: 6 (if left out) or 8.
    #[serde(deserialize_with = "coerce::int")]
    pub digits: Option<i64>,
    /// How many periods a clock may be off: 0 or 1 (if left out).
    #[serde(deserialize_with = "coerce::int")]
    pub skew: Option<i64>,
    /// How many codes an entity may try in one period: 5 if left out, or 0.
    #[serde(deserialize_with = "coerce::int")]
    pub max_validation_attempts: Option<i64>,
}
endpoint!(CreateTotpMfaMethod {} => MfaMethodCreated: Update "mfa/method/totp");

/// `POST identity/mfa/method/totp/:method_id`: changes a TOTP method.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UpdateTotpMfaMethod(
    /// What [`CreateTotpMfaMethod`] takes.
    pub CreateTotpMfaMethod,
);
in_path!(UpdateTotpMfaMethod, method_id => (), "mfa/method/totp/{method_id}", "mfa/method/totp/{}");

/// A method that was made.
#[derive(Debug, Deserialize, Serialize)]
pub struct MfaMethodCreated {
    /// Its id.
    pub method_id: String,
}

/// `GET identity/mfa/method/:method_id`: reads a method, whatever its type.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(ReadMfaMethod { method_id } => MfaMethod: Read "mfa/method/{method_id}");

/// `GET identity/mfa/method/totp/:method_id`: reads a TOTP method.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadTotpMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(ReadTotpMfaMethod { method_id } => TotpMfaMethod: Read "mfa/method/totp/{method_id}");

/// A method: `id`, `name`, `type`, and what was said of it, but for what is secret.
#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct MfaMethod(
    /// The fields.
    pub Map<String, Value>,
);

/// A TOTP method.
#[derive(Debug, Deserialize, Serialize)]
pub struct TotpMfaMethod {
    /// The hash of the codes.
    pub algorithm: String,
    /// Digits of a code.
    pub digits: u32,
    /// Its id.
    pub id: String,
    /// Who issues the codes.
    pub issuer: String,
    /// Bytes of a secret.
    pub key_size: u32,
    /// How many codes an entity may try in one period.
    pub max_validation_attempts: u32,
    /// Its name; empty if it has none.
    pub name: String,
    /// Always `root`.
    pub namespace_id: String,
    /// Always empty.
    pub namespace_path: String,
    /// For how many seconds one code is.
    pub period: u32,
    /// Pixels of each side of the QR code; 0 for none.
    pub qr_size: u32,
    /// How many periods a clock may be off.
    pub skew: u32,
    /// `totp`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// `DELETE identity/mfa/method/totp/:method_id`: removes a TOTP method that no enforcement names, with
/// all its secrets.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteTotpMfaMethod {
    /// The id.
    #[serde(skip_serializing)]
    pub method_id: String,
}
endpoint!(DeleteTotpMfaMethod { method_id } => (): Delete "mfa/method/totp/{method_id}");

/// `LIST identity/mfa/method`: lists all methods.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListMfaMethods {}
endpoint!(ListMfaMethods {} => MfaMethods: List "mfa/method");

/// `LIST identity/mfa/method/totp`: lists all TOTP methods.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListTotpMfaMethods {}
endpoint!(ListTotpMfaMethods {} => MfaMethods: List "mfa/method/totp");

/// Methods.
#[derive(Debug, Deserialize, Serialize)]
pub struct MfaMethods {
    /// Each, by its id.
    pub key_info: BTreeMap<String, MfaMethod>,
    /// Their ids.
    pub keys: Vec<String>,
}

/// `POST identity/mfa/method/totp/generate`: makes the secret of the caller's own entity and shows it,
/// once.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct GenerateTotpSecret {
    /// The id of the method. Required.
    #[serde(deserialize_with = "coerce::text")]
    pub method_id: Option<String>,
}
endpoint!(GenerateTotpSecret {} => TotpSecretShown: Update "mfa/method/totp/generate"; optional);

/// `POST identity/mfa/method/totp/admin-generate`: makes the secret of an entity and shows it, once.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct AdminGenerateTotpSecret {
    /// The id of the method. Required.
    #[serde(deserialize_with = "coerce::text")]
    pub method_id: Option<String>,
    /// The id of the entity. Required.
    #[serde(deserialize_with = "coerce::text")]
    pub entity_id: Option<String>,
}
endpoint!(AdminGenerateTotpSecret {} => TotpSecretShown: Update "mfa/method/totp/admin-generate"; optional);

/// A secret that was made. An entity that has one already is answered with a warning in its place.
#[derive(Debug, Deserialize, Serialize)]
pub struct TotpSecretShown {
    /// The QR code of the URL: a PNG in base64; empty where none is made.
    pub barcode: Sensitive,
    /// What authenticators take: `otpauth://totp/…`.
    pub url: Sensitive,
}

/// `POST identity/mfa/method/totp/admin-destroy`: removes the secret of an entity, which can then be
/// given another.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DestroyTotpSecret {
    /// The id of the method. Required.
    #[serde(deserialize_with = "coerce::text")]
    pub method_id: Option<String>,
    /// The id of the entity. Required.
    #[serde(deserialize_with = "coerce::text")]
    pub entity_id: Option<String>,
}
endpoint!(DestroyTotpSecret {} => (): Update "mfa/method/totp/admin-destroy");

/// `POST identity/mfa/login-enforcement/:name`: says which logins need a second factor.
///
/// A login needs it if it is at one of the auth methods, or of one of the entities or groups; one of
/// the four lists must be given. A list that is not given stays as it is.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteLoginEnforcement {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
    /// The ids of the methods, one of which is enough. Required.
    #[serde(deserialize_with = "coerce::texts")]
    pub mfa_method_ids: Option<Vec<String>>,
    /// The accessors of auth methods.
    #[serde(deserialize_with = "coerce::texts")]
    pub auth_method_accessors: Option<Vec<String>>,
    /// Types of auth methods.
    #[serde(deserialize_with = "coerce::texts")]
    pub auth_method_types: Option<Vec<String>>,
    /// The ids of groups, whose members may be members by other groups.
    #[serde(deserialize_with = "coerce::texts")]
    pub identity_group_ids: Option<Vec<String>>,
    /// The ids of entities.
    #[serde(deserialize_with = "coerce::texts")]
    pub identity_entity_ids: Option<Vec<String>>,
}
endpoint!(WriteLoginEnforcement { name } => (): Update "mfa/login-enforcement/{name}");

/// `GET identity/mfa/login-enforcement/:name`: tells which logins need a second factor.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadLoginEnforcement {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadLoginEnforcement { name } => LoginEnforcement: Read "mfa/login-enforcement/{name}");

/// Which logins need a second factor.
#[derive(Debug, Deserialize, Serialize)]
pub struct LoginEnforcement {
    /// The accessors of auth methods.
    pub auth_method_accessors: Vec<String>,
    /// Types of auth methods.
    pub auth_method_types: Vec<String>,
    /// Its id.
    pub id: String,
    /// The ids of entities.
    pub identity_entity_ids: Vec<String>,
    /// The ids of groups.
    pub identity_group_ids: Vec<String>,
    /// The ids of the methods, one of which is enough.
    pub mfa_method_ids: Vec<String>,
    /// Its name.
    pub name: String,
    /// Always `root`.
    pub namespace_id: String,
    /// Always empty.
    pub namespace_path: String,
}

/// `DELETE identity/mfa/login-enforcement/:name`: removes a login enforcement.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteLoginEnforcement {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteLoginEnforcement { name } => (): Delete "mfa/login-enforcement/{name}");

/// `LIST identity/mfa/login-enforcement`: lists all enforcements.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListLoginEnforcements {}
endpoint!(ListLoginEnforcements {} => LoginEnforcements: List "mfa/login-enforcement");

/// Enforcements.
#[derive(Debug, Deserialize, Serialize)]
pub struct LoginEnforcements {
    /// Each, by its name.
    pub key_info: BTreeMap<String, LoginEnforcement>,
    /// Their names.
    pub keys: Vec<String>,
}
