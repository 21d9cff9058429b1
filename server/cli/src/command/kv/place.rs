//! Where a secret is: its mount, the version of the engine there, and its path within.

use keyward_api::sys::UiMount;

use crate::{
    command::logical::trimmed,
    error::{Error, Outcome},
    session::Session,
};

/// The version of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// One value under each path.
    One,
    /// Versions and metadata.
    Two,
}

/// Where a secret is.
#[derive(Debug)]
pub(super) struct Place {
    mount: String,
    name: String,
    version: Version,
}

impl Place {
    /// Asks the server which mount a path belongs to, and of which version it is.
    pub(super) async fn find(
        session: &mut Session<'_, '_>,
        mount: Option<&str>,
        path: &str,
    ) -> Outcome<Self> {
        let path = trimmed(path);
        let whole = match mount {
            Some(mount) => format!("{}/{path}", trimmed(mount)),
            None => path.to_owned(),
        };
        let whole = trimmed(&whole);
        let request = UiMount {
            path: whole.to_owned(),
        };
        let found = session.call_ahead("sys", &request).await;
        let found = found.map_err(|error| Error::plain_call(&error, &session.http.last()))?;
        let found = found
            .data
            .ok_or_else(|| Error::server(format!("No mount covers {whole}")))?;
        let options = found.mount.options.unwrap_or_default();
        let version = match options.get("version").map(String::as_str) {
            Some("2") => Version::Two,
            _ => Version::One,
        };
        let mount = trimmed(&found.path).to_owned();
        let name = trimmed(whole.strip_prefix(&mount).unwrap_or(path)).to_owned();
        Ok(Self {
            mount,
            name,
            version,
        })
    }

    /// Returns the version of the engine.
    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Returns the path for one kind of call, such as `data` or `metadata`; version 1 has but one.
    pub(super) fn path(&self, kind: &str) -> String {
        let Self {
            mount,
            name,
            version,
        } = self;
        let path = match version {
            Version::One => format!("{mount}/{name}"),
            Version::Two => format!("{mount}/{kind}/{name}"),
        };
        trimmed(&path).to_owned()
    }

    /// Refuses version 1, for what it does not have.
    pub(super) fn needs_versions(&self, what: &str) -> Outcome {
        match self.version {
            Version::One => Err(Error::local(format!(
                "{what} not supported on KV Version 1"
            ))),
            Version::Two => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, version: Version) -> Place {
        Place {
            mount: "team/secret".to_owned(),
            name: name.to_owned(),
            version,
        }
    }

    #[test]
    fn only_version_2_has_kinds_of_paths() {
        assert_eq!(place("a/b", Version::One).path("data"), "team/secret/a/b");
        assert_eq!(
            place("a/b", Version::Two).path("data"),
            "team/secret/data/a/b"
        );
        assert_eq!(
            place("", Version::Two).path("metadata"),
            "team/secret/metadata"
        );
    }
}
