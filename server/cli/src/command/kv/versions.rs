//! `keyward kv delete`, `undelete` and `destroy`.

use clap::Args;

use super::{Secret, Version};
use crate::{
    error::{Error, Outcome},
    json::Json,
    session::{Raw, Session},
};

/// Delete the latest version of a secret, or the versions given; `undelete` brings them back
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv delete secret/hello
  keyward kv delete -versions=1,2 secret/hello
  keyward kv metadata delete secret/hello         for good, with all versions")]
pub(crate) struct Delete {
    #[command(flatten)]
    secret: Secret,
    /// Which versions.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    versions: Vec<u64>,
}

impl Delete {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let place = self.secret.find(session).await?;
        let path = place.path("data");
        let doing = format!("deleting {path}");
        if place.version() == Version::Two && !self.versions.is_empty() {
            let versions = place.path("delete");
            let raw = Raw::new("PUT", &versions).with(&numbers(&self.versions))?;
            session.send(&doing, raw).await?;
        } else {
            session.send(&doing, Raw::new("DELETE", &path)).await?;
        }
        session.success(&format!("Data deleted (if it existed) at: {path}"))
    }
}

/// Bring deleted versions of a secret back
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv undelete -versions=1,2 secret/hello")]
pub(crate) struct Undelete {
    #[command(flatten)]
    secret: Secret,
    /// Which versions.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    versions: Vec<u64>,
}

impl Undelete {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        change(
            session,
            &self.secret,
            &self.versions,
            "undelete",
            "Undelete",
        )
        .await
    }
}

/// Remove the data of versions of a secret for good
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv destroy -versions=1,2 secret/hello")]
pub(crate) struct Destroy {
    #[command(flatten)]
    secret: Secret,
    /// Which versions.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    versions: Vec<u64>,
}

impl Destroy {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        change(session, &self.secret, &self.versions, "destroy", "Destroy").await
    }
}

async fn change(
    session: &mut Session<'_, '_>,
    secret: &Secret,
    versions: &[u64],
    kind: &str,
    name: &str,
) -> Outcome {
    if versions.is_empty() {
        return Err(Error::local(format!(
            "No versions provided, use the \"-versions\" flag to specify the version to {kind}."
        )));
    }
    let place = secret.find(session).await?;
    place.needs_versions(name)?;
    let path = place.path(kind);
    let raw = Raw::new("PUT", &path).with(&numbers(versions))?;
    match session
        .send(&format!("writing data to {path}"), raw)
        .await?
    {
        Some(answer) => session.show(answer, None),
        None => session.success(&format!("Data written to: {path}")),
    }
}

fn numbers(versions: &[u64]) -> Json {
    let numbers = versions
        .iter()
        .map(|version| Json::Number(version.to_string()));
    Json::object([("versions", Json::List(numbers.collect()))])
}
