//! `keyward kv patch`.

use clap::Args;
use keyward_api::client::CallError;

use super::{
    Secret, Version,
    data::{show_written, versioned, write},
};
use crate::{
    command::Field,
    data,
    error::{Error, Outcome},
    json::Json,
    session::{Raw, Session},
};

/// Change some values of a secret, and leave the others; for version 2 of the engine
///
/// The server does it at once, if the policies grant `patch`. If they do not, the secret is read,
/// changed here, and written if nobody wrote it since: that takes `read` and `update`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv patch secret/hello user=you
  keyward kv patch -remove-data=user secret/hello
  keyward kv patch -method=rw secret/hello user=you
  echo '{\"user\":null}' | keyward kv patch secret/hello -     remove a value")]
pub(crate) struct Patch {
    #[command(flatten)]
    secret: Secret,
    /// The data: key=value, key=@file, key=-, @file or -.
    data: Vec<String>,
    /// Write only if this is the latest version.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    cas: Option<i64>,
    /// Only one way: `patch` by the server, `rw` by reading and writing.
    #[arg(long, value_name = "patch|rw")]
    method: Option<String>,
    /// A value to remove; several by repeating.
    #[arg(long, value_name = "KEY")]
    remove_data: Vec<String>,
    #[command(flatten)]
    field: Field,
}

impl Patch {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let (by_server, by_writing) = match self.method.as_deref() {
            None => (true, true),
            Some("patch") => (true, false),
            Some("rw") => (false, true),
            Some(other) => {
                return Err(Error::server(format!(
                    "Unsupported method provided to -method flag: {other}"
                )));
            }
        };
        let patch = self.patch(session)?;
        let place = self.secret.find(session).await?;
        if place.version() == Version::One {
            return Err(Error::server(
                "KV engine mount must be version 2 for patch support",
            ));
        }
        let path = place.path("data");
        if by_server {
            let body = versioned(patch.duplicate(), self.cas);
            let raw = Raw::new("PATCH", &path).with(&body)?;
            match session.try_send(raw).await {
                Ok(answer) => return show_written(session, &path, answer, &self.field),
                Err((CallError::Refused { status: 403, .. }, _)) if by_writing => {}
                Err((error, _)) => {
                    let doing = format!("writing data to {path}");
                    return Err(Error::call(&doing, &error, &session.http.last()));
                }
            }
        }
        let (secret, version) = read(session, &path).await?;
        let secret = merged(secret, patch);
        // What is written was made of this version, whichever was named.
        let is_named = |version| self.cas.is_none_or(|cas| cas == version);
        if !version.is_none_or(is_named) {
            return Err(Error::server(format!(
                "Error writing data to {path}: check-and-set parameter did not match the current \
                 version"
            )));
        }
        let cas = version.or(self.cas);
        write(session, "PUT", &place, secret, cas, &self.field).await?;
        if by_server {
            session.io.complain(&format!(
                "Data was written to {path} but we recommend that you add the \"patch\" capability \
                 to your ACL policy in order to use HTTP PATCH in the future."
            ));
        }
        Ok(())
    }

    /// Returns what is to be changed; what is to be removed is null.
    fn patch(&self, session: &mut Session<'_, '_>) -> Outcome<Json> {
        let given = data::read(&self.data, session.io)?;
        let removed = self.remove_data.iter();
        let removed = Json::object(removed.map(|key| (&**key, Json::Null)));
        match given {
            None if self.remove_data.is_empty() => Err(Error::local("Must supply data")),
            None => Ok(removed),
            Some(Json::Object(mut entries)) => {
                entries.retain(|(key, _)| !self.remove_data.contains(key));
                if let Json::Object(removed) = removed {
                    entries.extend(removed);
                }
                Ok(Json::Object(entries))
            }
            Some(other) => Ok(other),
        }
    }
}

/// Reads the latest version of a secret, and its number.
async fn read(session: &mut Session<'_, '_>, path: &str) -> Outcome<(Json, Option<i64>)> {
    let doing = format!("doing pre-read at {path}");
    let found = session.find_ahead(&doing, Raw::new("GET", path)).await?;
    let answer = found.at(path)?;
    let data = answer.data().unwrap_or(&Json::Null);
    let none = || {
        Error::server(format!(
            "No data found at {path}; patch only works on existing data"
        ))
    };
    let secret = data.get("data").filter(|secret| !secret.is_null());
    let secret = secret.ok_or_else(none)?.duplicate();
    let version = data.get("metadata").and_then(|it| it.get("version"));
    let version = version.and_then(Json::as_u64);
    Ok((secret, version.and_then(|version| version.try_into().ok())))
}

/// Changes a value as a JSON merge patch says (RFC 7396), as the server does it.
fn merged(value: Json, patch: Json) -> Json {
    let Json::Object(changes) = patch else {
        return patch;
    };
    let mut entries = match value {
        Json::Object(entries) => entries,
        _ => Vec::new(),
    };
    for (key, change) in changes {
        let at = entries.iter().position(|(own, _)| *own == key);
        let old = at.map(|at| entries.remove(at).1);
        if !change.is_null() {
            let new = merged(old.unwrap_or(Json::Null), change);
            entries.insert(at.unwrap_or(entries.len()), (key, new));
        }
    }
    Json::Object(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_patch_is_merged_as_rfc_7396_says() {
        for (value, patch, wanted) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"e":null}"#, r#"{"f":1}"#, r#"{"e":null,"f":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"b":{"c":null}}}"#, r#"{"a":{"b":{}}}"#),
        ] {
            assert_eq!(
                merged(parsed(value), parsed(patch)),
                parsed(wanted),
                "{patch}"
            );
        }
    }
}
