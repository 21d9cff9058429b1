//! `keyward kv`: secrets under paths, of both versions of the engine.

mod data;
mod metadata;
mod patch;
mod place;
mod versions;

use clap::{Args, Subcommand};
use keyward_api::sys::Tune;

use super::logical;
use crate::{error::Outcome, session::Session};
use place::{Place, Version};

/// Keep secrets under paths
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward kv put secret/hello myvalue=s3cr3t
  keyward kv get secret/hello
  keyward kv get -field=myvalue -version=1 secret/hello
  keyward kv get -mount=secret hello              the same, with the mount apart")]
pub(crate) enum Kv {
    Delete(versions::Delete),
    Destroy(versions::Destroy),
    EnableVersioning(EnableVersioning),
    Get(data::Get),
    List(List),
    #[command(subcommand)]
    Metadata(metadata::Metadata),
    Patch(patch::Patch),
    Put(data::Put),
    Rollback(data::Rollback),
    Undelete(versions::Undelete),
}

impl Kv {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Delete(command) => command.run(session).await,
            Self::Destroy(command) => command.run(session).await,
            Self::EnableVersioning(command) => command.run(session).await,
            Self::Get(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Metadata(command) => command.run(session).await,
            Self::Patch(command) => command.run(session).await,
            Self::Put(command) => command.run(session).await,
            Self::Rollback(command) => command.run(session).await,
            Self::Undelete(command) => command.run(session).await,
        }
    }
}

/// Which secret a command is about.
#[derive(Args, Debug)]
struct Secret {
    /// The path of the secret, behind its mount unless -mount is given.
    path: String,
    /// Where the engine is mounted.
    #[arg(long, value_name = "PATH")]
    mount: Option<String>,
}

impl Secret {
    async fn find(&self, session: &mut Session<'_, '_>) -> Outcome<Place> {
        Place::find(session, self.mount.as_deref(), &self.path).await
    }
}

/// List the secrets below a path
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv list secret
  keyward kv list -mount=secret folder")]
pub(crate) struct List {
    /// The path of a folder, behind its mount unless -mount is given.
    #[arg(required_unless_present = "mount")]
    path: Option<String>,
    /// Where the engine is mounted.
    #[arg(long, value_name = "PATH")]
    mount: Option<String>,
}

impl List {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = self.path.unwrap_or_default();
        let place = Place::find(session, self.mount.as_deref(), &path).await?;
        logical::list(session, &place.path("metadata")).await
    }
}

/// Make an engine of version 1 one of version 2; its secrets become first versions
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv enable-versioning secret")]
pub(crate) struct EnableVersioning {
    /// Where the engine is mounted.
    path: String,
}

impl EnableVersioning {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = self.path.trim_matches('/').to_owned();
        let doing = format!("tuning secrets engine {path}/");
        let done = format!("Tuned the secrets engine at: {path}/");
        let request = Tune {
            path,
            options: Some([("version".to_owned(), "2".to_owned())].into()),
            ..Tune::default()
        };
        session.call(&doing, "sys", &request).await?;
        session.success(&done)
    }
}
