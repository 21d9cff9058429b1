//! The second factor of a login: it is asked for and given, or the caller is told how to give it.

use std::collections::BTreeMap;

use keyward_api::{
    Sensitive,
    sys::{Passcodes, ValidateMfa},
};
use keyward_crypto::SecretString;

use crate::{
    answer::Answer,
    error::{Error, Outcome},
    json::Json,
    session::Session,
};

/// Tells who cannot be asked how the login goes on.
pub(super) const HOW_TO_GO_ON: &str = "\
The login waits for a second factor. It goes on with the id of the request, and a passcode for the \
id of one method of each constraint:
  echo '{\"mfa_request_id\": \"…\", \"mfa_payload\": {\"METHOD ID\": [\"PASSCODE\"]}}' |
    keyward write sys/mfa/validate -";

/// A method that one constraint of a login asks for.
#[derive(Debug, PartialEq, Eq)]
struct Factor {
    id: String,
    kind: String,
    name: String,
    uses_passcode: bool,
}

impl Factor {
    fn of(method: &Json) -> Option<Self> {
        let text = |name: &str| method.get(name).map(Json::shown).unwrap_or_default();
        let id = text("id");
        (!id.is_empty()).then(|| Self {
            id,
            kind: text("type"),
            name: text("name"),
            uses_passcode: method.get("uses_passcode") == Some(&Json::Bool(true)),
        })
    }

    /// Says what to type.
    fn prompt(&self) -> String {
        let named = if self.name.is_empty() {
            &self.id
        } else {
            &self.name
        };
        format!("Passcode of {named:?} ({}, will be hidden): ", self.kind)
    }
}

/// Asks for the second factor and gives it to the server; none if there is a choice that the
/// command line does not make. The caller has somebody to ask.
pub(super) async fn validate(
    session: &mut Session<'_, '_>,
    requirement: &Json,
) -> Outcome<Option<Answer>> {
    let Some(factors) = factors(requirement) else {
        return Ok(None);
    };
    let mut payload = BTreeMap::new();
    for factor in factors {
        let passcode = if factor.uses_passcode {
            session.io.ask(&factor.prompt())?
        } else {
            let text = format!("Confirm the login with {} on your device.", factor.kind);
            session.io.complain(&text);
            SecretString::from("")
        };
        let passcodes = Passcodes(Some(vec![Sensitive::from(passcode)]));
        payload.insert(factor.id, passcodes);
    }
    let id = match requirement.get("mfa_request_id") {
        Some(Json::Text(id)) => Some(Sensitive::from(id.duplicate())),
        _ => None,
    };
    let request = ValidateMfa {
        mfa_request_id: id,
        mfa_payload: Some(payload),
    };
    let doing = "validating the second factor";
    let answer = session.send_to(doing, "sys", &request).await?;
    let none = || Error::server("Error validating the second factor: the answer is empty");
    answer.ok_or_else(none).map(Some)
}

/// Returns the method of each constraint, each method once; none where a constraint leaves a choice.
fn factors(requirement: &Json) -> Option<Vec<Factor>> {
    let mut factors = Vec::new();
    for (_, constraint) in requirement.get("mfa_constraints")?.entries() {
        let [only] = constraint.get("any")?.items() else {
            return None;
        };
        let factor = Factor::of(only)?;
        if !factors.contains(&factor) {
            factors.push(factor);
        }
    }
    (!factors.is_empty()).then_some(factors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(constraints: &str) -> Json {
        let text = format!(r#"{{"mfa_request_id":"r","mfa_constraints":{constraints}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    const TOTP: &str = r#"{"type":"totp","id":"a","uses_passcode":true,"name":"phone"}"#;
    const PUSH: &str = r#"{"type":"duo","id":"b","uses_passcode":false}"#;

    #[test]
    fn each_constraint_with_one_method_is_served_by_it_once() {
        let given =
            format!(r#"{{"x":{{"any":[{TOTP}]}},"y":{{"any":[{PUSH}]}},"z":{{"any":[{TOTP}]}}}}"#);
        let factors = factors(&requirement(&given)).unwrap();
        let ids: Vec<_> = factors.iter().map(|factor| &*factor.id).collect();
        assert_eq!(ids, ["a", "b"]);
        assert!(factors[0].uses_passcode && !factors[1].uses_passcode);
        assert_eq!(
            factors[0].prompt(),
            "Passcode of \"phone\" (totp, will be hidden): "
        );
        assert!(factors[1].prompt().contains("\"b\""));
    }

    #[test]
    fn a_choice_between_methods_is_left_to_the_caller() {
        let choice = format!(r#"{{"x":{{"any":[{TOTP},{PUSH}]}}}}"#);
        for given in [
            &choice,
            "{}",
            r#"{"x":{}}"#,
            r#"{"x":{"any":[{}]}}"#,
            "null",
        ] {
            assert_eq!(factors(&requirement(given)), None, "{given}");
        }
    }
}
