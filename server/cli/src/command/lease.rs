//! `keyward lease`.

use clap::{Args, Subcommand};
use keyward_api::{
    Reply, coerce,
    lease::{LookupLease, RenewLease, RevokeForce, RevokeLease, RevokePrefix},
};
use serde::Serialize;

use super::Field;
use crate::{
    answer::Answer,
    error::{Error, Outcome},
    session::Session,
};

/// Look at leases, renew them, and end them
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward list sys/leases/lookup/auth/token/create
  keyward lease lookup auth/token/create/h0d1c…
  keyward lease revoke -prefix auth/userpass/login")]
pub(crate) enum Lease {
    Lookup(Lookup),
    Renew(Renew),
    Revoke(Revoke),
}

impl Lease {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Lookup(command) => command.run(session).await,
            Self::Renew(command) => command.run(session).await,
            Self::Revoke(command) => command.run(session).await,
        }
    }
}

/// Print what is known of a lease
#[derive(Args, Debug)]
pub(crate) struct Lookup {
    /// The lease.
    id: String,
    #[command(flatten)]
    field: Field,
}

impl Lookup {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let doing = format!("looking up lease id {}", self.id);
        let request = LookupLease {
            lease_id: Some(self.id),
        };
        let reply = session.call(&doing, "sys", &request).await?;
        session.show(answer(&reply)?, self.field.name())
    }
}

/// Give a lease its next term
#[derive(Args, Debug)]
pub(crate) struct Renew {
    /// The lease.
    id: String,
    /// How long it shall last from now on, such as 1h.
    #[arg(short, long, value_name = "DURATION")]
    increment: Option<String>,
    #[command(flatten)]
    field: Field,
}

impl Renew {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let increment = self.increment.as_deref().map(coerce::parse_seconds);
        let increment = increment
            .transpose()
            .map_err(|error| Error::local(format!("-increment: {error}")))?;
        let doing = format!("renewing {}", self.id);
        let request = RenewLease {
            lease_id: Some(self.id),
            increment,
            ..RenewLease::default()
        };
        let reply = session.call(&doing, "sys", &request).await?;
        session.show(answer(&reply)?, self.field.name())
    }
}

/// End a lease and what it stands for, or all leases below a path
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward lease revoke auth/token/create/h0d1c…
  keyward lease revoke -prefix auth/userpass/login")]
pub(crate) struct Revoke {
    /// The lease, or the path with -prefix.
    id: String,
    /// End all leases that requests to this path or below it made.
    #[arg(long)]
    prefix: bool,
    /// End them even if their engine fails to take back what it gave; with -prefix.
    #[arg(long)]
    force: bool,
    /// Wait for the end; this server always does.
    #[arg(long)]
    sync: bool,
}

impl Revoke {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let Self {
            id,
            prefix,
            force,
            sync,
        } = self;
        let sync = sync.then_some(true);
        let doing = format!("revoking lease {id}");
        let (reply, done) = match (prefix, force) {
            (false, true) => {
                return Err(Error::local(
                    "Specifying -force requires also specifying -prefix",
                ));
            }
            (false, false) => {
                let done = format!("Revoked lease: {id}");
                let request = RevokeLease {
                    lease_id: Some(id),
                    sync,
                    ..RevokeLease::default()
                };
                (session.call(&doing, "sys", &request).await?, done)
            }
            (true, false) => {
                let done = format!("Revoked any leases with prefix: {id}");
                let request = RevokePrefix { prefix: id, sync };
                (session.call(&doing, "sys", &request).await?, done)
            }
            (true, true) => {
                let done = format!("Force revoked any leases with prefix: {id}");
                let request = RevokeForce { prefix: id, sync };
                (session.call(&doing, "sys", &request).await?, done)
            }
        };
        session.warn(&answer(&reply)?);
        session.success(&done)
    }
}

fn answer<T: Serialize>(reply: &Reply<T>) -> Outcome<Answer> {
    Answer::of(reply).map_err(|error| Error::local(error.to_string()))
}
