//! `keyward secrets`.

use clap::{Args, Subcommand};
use keyward_api::sys::{DisableMount, ListMounts};

use super::mount::{self, Class, List, Move, Settings};
use crate::{error::Outcome, session::Session};

/// Enable and disable secrets engines
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward secrets enable transit
  keyward secrets enable -path=team -version=2 kv
  keyward secrets move team crew
  keyward secrets list")]
pub(crate) enum Secrets {
    /// Disable a secrets engine and remove all that it holds
    Disable {
        /// Where it is mounted.
        path: String,
    },
    Enable(Box<Enable>),
    List(List),
    /// Move a secrets engine to another path, with all that it holds
    Move(Move),
    Tune(Box<Tune>),
}

impl Secrets {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Disable { path } => disable(session, &path).await,
            Self::Enable(command) => command.run(session).await,
            Self::List(command) => {
                let request = ListMounts::default();
                let reply = session.call("listing secrets engines", "sys", &request);
                command.show(session, Class::Secret, reply.await?.data)
            }
            Self::Move(command) => command.run(session, Class::Secret).await,
            Self::Tune(command) => command.run(session).await,
        }
    }
}

/// Enable a secrets engine
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward secrets enable transit
  keyward secrets enable -path=team/keys transit
  keyward secrets enable -version=2 kv")]
pub(crate) struct Enable {
    /// The type of engine, such as transit or kv.
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Where to mount it; at its type if not given.
    #[arg(long)]
    path: Option<String>,
    /// Keep it out of replication; on one cluster it changes nothing.
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Enable {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = self.path.as_deref();
        let mut request = self.settings.enable(Class::Secret, &self.kind, path)?;
        request.local = self.local.then_some(true);
        session.call("enabling", "sys", &request).await?;
        session.success(&format!(
            "Enabled the {} secrets engine at: {}/",
            self.kind, request.path
        ))
    }
}

async fn disable(session: &mut Session<'_, '_>, path: &str) -> Outcome {
    let request = DisableMount {
        path: Class::Secret.own_path(path).to_owned(),
    };
    let doing = format!("disabling secrets engine at {}/", request.path);
    session.call(&doing, "sys", &request).await?;
    let text = format!(
        "Disabled the secrets engine (if it existed) at: {}/",
        request.path
    );
    session.success(&text)
}

/// Change the settings of a secrets engine
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward secrets tune -default-lease-ttl=1h -description='keys of the shop' transit")]
pub(crate) struct Tune {
    /// Where it is mounted.
    path: String,
    #[command(flatten)]
    settings: Settings,
}

impl Tune {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let request = self.settings.tune(Class::Secret, &self.path)?;
        mount::tune(session, Class::Secret, &self.path, &request).await
    }
}
