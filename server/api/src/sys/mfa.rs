//! `sys/mfa/`: the second half of a login.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_with::skip_serializing_none;

use crate::{Sensitive, endpoint};

/// `POST sys/mfa/validate`: ends a login that was answered with `mfa_requirement`. Public; the token
/// stands in the `auth` block of the reply.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ValidateMfa {
    /// The id of the requirement; whoever has it may end the login.
    pub mfa_request_id: Option<Sensitive>,
    /// By the id or name of a method: its passcode, in a list.
    #[serde(deserialize_with = "payload")]
    pub mfa_payload: Option<BTreeMap<String, Passcodes>>,
}
endpoint!(ValidateMfa {} => (): Update "mfa/validate", access Public);

/// What is given for one method: a list of one passcode, which may be empty.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Passcodes(
    /// The passcodes; none if something else than a list came.
    pub Option<Vec<Sensitive>>,
);

impl<'de> Deserialize<'de> for Passcodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PasscodesVisitor)
    }
}

/// Reads what is given for each method. A refusal names the type of what came and never repeats it: it
/// may be a passcode.
fn payload<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, Passcodes>>, D::Error> {
    deserializer.deserialize_any(PayloadVisitor)
}

struct PayloadVisitor;

impl PayloadVisitor {
    fn refuse<T, E: de::Error>(came: &str) -> Result<T, E> {
        Err(E::custom(format_args!(
            "'' expected type 'map[string]interface {{}}', got unconvertible type '{came}'"
        )))
    }
}

impl<'de> de::Visitor<'de> for PayloadVisitor {
    type Value = Option<BTreeMap<String, Passcodes>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of lists")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Self::refuse("bool")
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Self::refuse("json.Number")
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Self::refuse("json.Number")
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Self::refuse("json.Number")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Self::refuse("string")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Self::refuse("[]interface {}")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut payload = BTreeMap::new();
        while let Some((method, passcodes)) = map.next_entry()? {
            payload.insert(method, passcodes);
        }
        Ok(Some(payload))
    }
}

struct PasscodesVisitor;

impl<'de> de::Visitor<'de> for PasscodesVisitor {
    type Value = Passcodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Passcodes, E> {
        Ok(Passcodes(Some(Vec::new())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Passcodes, E> {
        Ok(Passcodes(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Passcodes, E> {
        Ok(Passcodes(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Passcodes, E> {
        Ok(Passcodes(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Passcodes, E> {
        Ok(Passcodes(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Passcodes, E> {
        Ok(Passcodes(None))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Passcodes, A::Error> {
        let mut passcodes = Vec::new();
        while let Some(passcode) = items.next_element()? {
            passcodes.push(passcode);
        }
        Ok(Passcodes(Some(passcodes)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Passcodes, A::Error> {
        while map
            .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
            .is_some()
        {}
        Ok(Passcodes(None))
    }
}
