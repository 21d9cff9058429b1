//! What the server answered, and how it is shown.

use serde::Serialize;

use crate::{json::Json, output};

/// The names of Vault's envelope, in the order in which its command line prints them.
const ENVELOPE: [&str; 6] = [
    "request_id",
    "lease_id",
    "lease_duration",
    "renewable",
    "data",
    "warnings",
];

/// Blocks of the envelope that are left out where they are empty.
const OPTIONAL: [&str; 2] = ["auth", "wrap_info"];

/// An answer with a body.
#[derive(Debug)]
pub(crate) struct Answer(Json);

impl Answer {
    /// Reads a body. One without Vault's envelope, as a few paths below `sys/` answer, counts as
    /// the data itself.
    pub(crate) fn read(body: &[u8]) -> serde_json::Result<Self> {
        let json: Json = serde_json::from_slice(body)?;
        if ENVELOPE
            .iter()
            .chain(&OPTIONAL)
            .any(|name| json.get(name).is_some())
        {
            return Ok(Self(json));
        }
        Ok(Self(Json::object([("data", json)])))
    }

    /// Takes a typed reply.
    pub(crate) fn of(reply: &impl Serialize) -> serde_json::Result<Self> {
        Json::of(reply).map(Self)
    }

    /// Makes the answer that grants a token, from its `auth` block.
    pub(crate) fn granted(auth: Json) -> Self {
        Self(Json::object([
            ("request_id", Json::text("")),
            ("lease_id", Json::text("")),
            ("lease_duration", Json::Number("0".to_owned())),
            ("renewable", Json::Bool(false)),
            ("data", Json::Null),
            ("warnings", Json::Null),
            ("auth", auth),
        ]))
    }

    /// Returns the data, unless there is none.
    pub(crate) fn data(&self) -> Option<&Json> {
        self.block("data")
    }

    /// Tells whether it is a token that opens the answer.
    pub(crate) fn is_wrapped(&self) -> bool {
        self.block("wrap_info").is_some()
    }

    /// Returns what a login waits for instead of granting a token.
    pub(crate) fn mfa_requirement(&self) -> Option<&Json> {
        let requirement = self.block("auth")?.get("mfa_requirement")?;
        (!requirement.is_null()).then_some(requirement)
    }

    /// Tells whether it has anything to show beside errors.
    pub(crate) fn tells_something(&self) -> bool {
        let data = self.data().is_some_and(|data| data.get("errors").is_none());
        data || !self.warnings().is_empty()
    }

    /// Returns what the caller should know although the call succeeded.
    pub(crate) fn warnings(&self) -> Vec<String> {
        match self.block("warnings") {
            Some(Json::List(warnings)) => warnings.iter().map(Json::shown).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns all of it, in the order of Vault's command line.
    pub(crate) fn into_envelope(self) -> Json {
        let Self(Json::Object(mut entries)) = self else {
            return self.0;
        };
        entries.retain(|(name, value)| !(OPTIONAL.contains(&name.as_str()) && value.is_null()));
        let place = |name: &str| ENVELOPE.iter().position(|known| *known == name);
        entries.sort_by_key(|(name, _)| place(name).unwrap_or(ENVELOPE.len()));
        Json::Object(entries)
    }

    /// Returns one field as `-field` names it: of the data, or of the token that was granted.
    pub(crate) fn field(&self, name: &str) -> Option<&Json> {
        if let (Some(info), Some(inner)) = (self.block("wrap_info"), wrap_name(name)) {
            return info.get(inner);
        }
        if let (Some(auth), Some(inner)) = (self.block("auth"), inner_name(name)) {
            return auth.get(inner);
        }
        match name {
            "data" => self.data(),
            "refresh_interval" | "lease_duration" => self.0.get("lease_duration"),
            "lease_id" => self.0.get("lease_id"),
            "lease_renewable" => self.0.get("renewable"),
            name => self.data()?.get(name),
        }
    }

    /// Returns the rows of its table: the token, the lease, then the data by name.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        if let Some(info) = self.block("wrap_info") {
            rows.extend(wrap_rows(info));
        }
        if let Some(requirement) = self.mfa_requirement() {
            rows.extend(requirement_rows(requirement));
        } else if let Some(auth) = self.block("auth") {
            rows.extend(auth_rows(auth));
        }
        rows.extend(self.lease_rows());
        rows.extend(
            self.data()
                .into_iter()
                .flat_map(Json::entries)
                .map(|(name, value)| {
                    let seconds = value.as_u64().filter(|_| output::is_duration(name));
                    (
                        name.clone(),
                        seconds.map_or_else(|| value.shown(), output::duration),
                    )
                }),
        );
        rows
    }

    fn lease_rows(&self) -> Vec<(String, String)> {
        let seconds = self
            .block("lease_duration")
            .and_then(Json::as_u64)
            .unwrap_or(0);
        let id = self.block("lease_id").map(Json::shown).unwrap_or_default();
        let row = |name: &str, value| (name.to_owned(), value);
        let duration = output::duration(seconds);
        match (id.is_empty(), seconds) {
            (true, 0) => Vec::new(),
            (true, _) => vec![row("refresh_interval", duration)],
            (false, _) => vec![
                row("lease_id", id),
                row("lease_duration", duration),
                row("lease_renewable", shown(&self.0, "renewable")),
            ],
        }
    }

    fn block(&self, name: &str) -> Option<&Json> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

/// Returns how the granted token calls what its table calls otherwise.
fn inner_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "token" => "client_token",
        "token_accessor" => "accessor",
        "token_duration" => "lease_duration",
        "token_renewable" => "renewable",
        "token_policies" => "token_policies",
        "identity_policies" => "identity_policies",
        "policies" => "policies",
        _ => return None,
    })
}

/// Returns how the wrapping token calls what its table calls otherwise.
fn wrap_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "wrapping_token" => "token",
        "wrapping_accessor" => "accessor",
        "wrapping_token_ttl" => "ttl",
        "wrapping_token_creation_time" => "creation_time",
        "wrapping_token_creation_path" => "creation_path",
        "wrapped_accessor" => "wrapped_accessor",
        _ => return None,
    })
}

/// The rows of a token that opens the answer; Vault's command line prints the colons too.
fn wrap_rows(info: &Json) -> Vec<(String, String)> {
    let ttl = info.get("ttl").and_then(Json::as_u64).unwrap_or(0);
    let row = |name: &str, value: String| (format!("{name}:"), value);
    let mut rows = vec![
        row("wrapping_token", shown(info, "token")),
        row("wrapping_accessor", shown(info, "accessor")),
        row("wrapping_token_ttl", output::duration(ttl)),
        row("wrapping_token_creation_time", shown(info, "creation_time")),
        row("wrapping_token_creation_path", shown(info, "creation_path")),
    ];
    if info.get("wrapped_accessor").is_some() {
        rows.push(row("wrapped_accessor", shown(info, "wrapped_accessor")));
    }
    rows
}

fn auth_rows(auth: &Json) -> Vec<(String, String)> {
    let seconds = auth
        .get("lease_duration")
        .and_then(Json::as_u64)
        .unwrap_or(0);
    let duration = if seconds == 0 {
        "∞".to_owned()
    } else {
        output::duration(seconds)
    };
    let meta = auth.get("metadata").into_iter().flat_map(Json::entries);
    [
        ("token", shown(auth, "client_token")),
        ("token_accessor", shown(auth, "accessor")),
        ("token_duration", duration),
        ("token_renewable", shown(auth, "renewable")),
        ("token_policies", quoted(auth.get("token_policies"))),
        ("identity_policies", quoted(auth.get("identity_policies"))),
        ("policies", quoted(auth.get("policies"))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .chain(meta.map(|(name, value)| (format!("token_meta_{name}"), value.shown())))
    .collect()
}

/// The rows of a login that waits for a second factor: there is no token yet.
fn requirement_rows(requirement: &Json) -> Vec<(String, String)> {
    let mut rows = vec![(
        "mfa_request_id".to_owned(),
        shown(requirement, "mfa_request_id"),
    )];
    let constraints = requirement.get("mfa_constraints");
    for (constraint, methods) in constraints.into_iter().flat_map(Json::entries) {
        for method in methods.get("any").into_iter().flat_map(Json::items) {
            let kind = shown(method, "type");
            for property in ["id", "uses_passcode", "name"] {
                let value = shown(method, property);
                if !value.is_empty() {
                    rows.push((
                        format!("mfa_constraint_{constraint}_{kind}_{property}"),
                        value,
                    ));
                }
            }
        }
    }
    rows
}

fn shown(object: &Json, name: &str) -> String {
    object.get(name).map(Json::shown).unwrap_or_default()
}

/// Prints a list of texts, each in quotes.
fn quoted(list: Option<&Json>) -> String {
    let Some(Json::List(items)) = list else {
        return "[]".to_owned();
    };
    let items: Vec<_> = items
        .iter()
        .map(|item| format!("{:?}", item.shown()))
        .collect();
    format!("[{}]", items.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> Answer {
        Answer::read(json.as_bytes()).unwrap()
    }

    fn names(json: Json) -> Vec<String> {
        json.entries()
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    }

    #[test]
    fn the_envelope_is_printed_in_vaults_order() {
        let given = r#"{"auth":null,"data":{},"lease_duration":0,"lease_id":"","mount_type":"kv",
            "renewable":false,"request_id":"x","warnings":null,"wrap_info":null}"#;
        let wanted = [&ENVELOPE[..], &["mount_type"]].concat();
        assert_eq!(names(answer(given).into_envelope()), wanted);
    }

    #[test]
    fn an_answer_without_an_envelope_is_data() {
        let health = answer(r#"{"sealed":false,"version":"1"}"#);
        assert_eq!(health.field("version"), Some(&Json::text("1")));
    }

    #[test]
    fn leases_and_periods_are_shown_as_durations() {
        let rows =
            answer(r#"{"lease_duration":3600,"data":{"auto_rotate_period":90,"n":90}}"#).rows();
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let wanted = [
            row("refresh_interval", "1h"),
            row("auto_rotate_period", "1m30s"),
            row("n", "90"),
        ];
        assert_eq!(rows, wanted);
    }

    #[test]
    fn a_wrapping_token_is_shown_and_has_fields() {
        let wrapped = answer(
            r#"{"wrap_info":{"token":"hvs.w","accessor":"a","ttl":90,"creation_time":"now",
                "creation_path":"secret/data/x"},"data":null,"auth":null}"#,
        );
        assert_eq!(wrapped.field("wrapping_token"), Some(&Json::text("hvs.w")));
        let rows = wrapped.rows();
        let ttl = rows.iter().find(|(name, _)| name == "wrapping_token_ttl:");
        assert_eq!(ttl.unwrap().1, "1m30s");
        assert_eq!(rows.len(), 5);
    }

    #[test]
    fn a_login_that_waits_for_a_second_factor_shows_what_it_waits_for() {
        let waiting = answer(
            r#"{"auth":{"client_token":"","mfa_requirement":{"mfa_request_id":"r","mfa_constraints":
                {"staff":{"any":[{"type":"totp","id":"m","uses_passcode":true}]}}}}}"#,
        );
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let wanted = [
            row("mfa_request_id", "r"),
            row("mfa_constraint_staff_totp_id", "m"),
            row("mfa_constraint_staff_totp_uses_passcode", "true"),
        ];
        assert_eq!(waiting.rows(), wanted);
    }

    #[test]
    fn a_granted_token_is_shown_and_has_fields() {
        let granted = answer(
            r#"{"auth":{"client_token":"hvs.x","accessor":"a","lease_duration":0,"renewable":false,
                "policies":["root"],"token_policies":["root"],"metadata":{"k":"v"}}}"#,
        );
        assert_eq!(granted.field("token"), Some(&Json::text("hvs.x")));
        assert_eq!(granted.field("token_accessor"), Some(&Json::text("a")));
        let rows = granted.rows();
        let value = |name| &rows.iter().find(|(own, _)| own == name).unwrap().1;
        assert_eq!(value("token_duration"), "∞");
        assert_eq!(value("policies"), r#"["root"]"#);
        assert_eq!(value("identity_policies"), "[]");
        assert_eq!(value("token_meta_k"), "v");
    }
}
