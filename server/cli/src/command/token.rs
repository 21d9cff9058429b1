//! `keyward token`.

use clap::{Args, Subcommand};
use keyward_api::{
    Reply, Sensitive,
    auth::{
        CreateOrphanToken, CreateToken, CreateTokenByRole, LookupAccessor, LookupSelf, LookupToken,
        RenewAccessor, RenewSelf, RenewToken, RevokeAccessor, RevokeOrphan, RevokeSelf,
        RevokeToken,
    },
    coerce,
    lease::RevokePrefix,
    sys::{Capabilities, CapabilitiesSelf},
};
use serde::Serialize;

use super::{Field, logical::trimmed};
use crate::{
    answer::Answer,
    arguments::Format,
    data,
    error::{Error, Outcome},
    json::Json,
    session::Session,
};

/// Make tokens, look at them, and end them
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward token create -policy=orders -ttl=1h
  keyward token lookup
  keyward token revoke -accessor 4Yb2Pv1yYk2dyVqWZfO2aGzu")]
pub(crate) enum Token {
    Capabilities(CapabilitiesOf),
    Create(Box<Create>),
    Lookup(Lookup),
    Renew(Renew),
    Revoke(Revoke),
}

impl Token {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Capabilities(command) => command.run(session).await,
            Self::Create(command) => command.run(session).await,
            Self::Lookup(command) => command.run(session).await,
            Self::Renew(command) => command.run(session).await,
            Self::Revoke(command) => command.run(session).await,
        }
    }
}

/// Print what a token may do at a path
#[derive(Args, Debug)]
#[command(
    override_usage = "keyward token capabilities [OPTIONS] [TOKEN] <PATH>",
    after_help = "\
Examples:
  keyward token capabilities secret/data/hello
  keyward token capabilities hvs.CAESI… secret/data/hello"
)]
pub(crate) struct CapabilitiesOf {
    /// The path, with the token before it if it is not your own.
    #[arg(required = true, num_args = 1..=2, value_names = ["TOKEN", "PATH"])]
    arguments: Vec<String>,
}

impl CapabilitiesOf {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let doing = "listing capabilities";
        let reply = match &self.arguments[..] {
            [token, path] => {
                let request = Capabilities {
                    token: Some(Sensitive::new(token.clone())),
                    paths: Some(vec![path.clone()]),
                    path: None,
                };
                session.call(doing, "sys", &request).await?
            }
            paths => {
                let request = CapabilitiesSelf {
                    paths: Some(paths.to_vec()),
                    path: None,
                };
                session.call(doing, "sys", &request).await?
            }
        };
        let mut capabilities = reply.data.unwrap_or_default();
        let capabilities = capabilities.remove("capabilities").unwrap_or_default();
        match session.format {
            Format::Table => Ok(session.io.say(&capabilities.join(", "))?),
            Format::Json | Format::Yaml => session.show_value(&Json::List(
                capabilities.into_iter().map(Json::text).collect(),
            )),
        }
    }
}

/// Make a token
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward token create -policy=orders -ttl=1h
  keyward token create -policy=a -policy=b -orphan -metadata=team=billing
  keyward token create -field=token -policy=orders -use-limit=5
  keyward token create -type=batch -policy=orders -ttl=20m
  keyward write auth/token/roles/shop allowed_policies=orders token_bound_cidrs=10.0.0.0/8
  keyward token create -role=shop")]
pub(crate) struct Create {
    /// What it may do; several by repeating. Without one it may do what you may.
    #[arg(long, value_name = "NAME")]
    policy: Vec<String>,
    /// How long it lasts, such as 1h.
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    /// How long it lasts at most, whatever is renewed.
    #[arg(long, value_name = "DURATION")]
    explicit_max_ttl: Option<String>,
    /// What each renewal gives, for ever.
    #[arg(long, value_name = "DURATION")]
    period: Option<String>,
    /// Whether it can be renewed.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    renewable: Option<bool>,
    /// How often it may be used; 0 is without limit.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    use_limit: Option<i64>,
    /// Let it outlive your own token.
    #[arg(long)]
    orphan: bool,
    /// Leave out the policy `default`.
    #[arg(long)]
    no_default_policy: bool,
    /// A name for the audit log.
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// A label for the audit log; several by repeating.
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
    /// The kind of token: `service`, or `batch` for one that is not stored, which is cheap to make
    /// and cannot be renewed or revoked.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// The token role to make it under, which may decide on what is given here.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// The entity alias to make it for; with a role that allows it.
    #[arg(long, value_name = "NAME")]
    entity_alias: Option<String>,
    /// The token itself; for root alone, and best left out.
    #[arg(long, value_name = "TOKEN")]
    id: Option<String>,
    #[command(flatten)]
    field: Field,
}

impl Create {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let metadata = data::read_texts(&self.metadata)?;
        let request = CreateToken {
            id: self.id.map(Sensitive::new),
            policies: (!self.policy.is_empty()).then_some(self.policy),
            meta: (!metadata.is_empty()).then(|| metadata.into_iter().collect()),
            no_default_policy: self.no_default_policy.then_some(true),
            renewable: self.renewable,
            ttl: self.ttl,
            explicit_max_ttl: self.explicit_max_ttl,
            period: self.period,
            display_name: self.display_name,
            num_uses: self.use_limit,
            kind: self.kind,
            entity_alias: self.entity_alias,
            role_name: self.role.unwrap_or_default(),
            ..CreateToken::default()
        };
        let (doing, mount) = ("creating token", "auth/token");
        // A role decides whether its tokens are orphans, so that it comes first.
        let reply = match request {
            request if !request.role_name.is_empty() => {
                session
                    .call(doing, mount, &CreateTokenByRole(request))
                    .await?
            }
            request if self.orphan => {
                session
                    .call(doing, mount, &CreateOrphanToken(request))
                    .await?
            }
            request => session.call(doing, mount, &request).await?,
        };
        show(session, &reply, &self.field)
    }
}

/// Which token a command is about.
#[derive(Args, Debug)]
struct Which {
    /// The token; other users can see it here, so prefer -accessor.
    #[arg(conflicts_with = "accessor")]
    token: Option<String>,
    /// The accessor of the token.
    #[arg(long)]
    accessor: Option<String>,
}

/// Print what is known of a token
///
/// Without a token or an accessor it is your own.
#[derive(Args, Debug)]
pub(crate) struct Lookup {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    field: Field,
}

impl Lookup {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let (doing, mount) = ("looking up token", "auth/token");
        let reply = match self.which {
            Which {
                accessor: Some(accessor),
                ..
            } => {
                let request = LookupAccessor {
                    accessor: Some(accessor),
                };
                session.call(doing, mount, &request).await?
            }
            Which {
                token: Some(token), ..
            } => {
                let request = LookupToken {
                    token: Some(Sensitive::new(token)),
                };
                session.call(doing, mount, &request).await?
            }
            _ => session.call(doing, mount, &LookupSelf::default()).await?,
        };
        show(session, &reply, &self.field)
    }
}

/// Give a token its next term
///
/// Without a token or an accessor it is your own.
#[derive(Args, Debug)]
pub(crate) struct Renew {
    #[command(flatten)]
    which: Which,
    /// How long it shall last from now on, such as 1h.
    #[arg(short, long, value_name = "DURATION")]
    increment: Option<String>,
    #[command(flatten)]
    field: Field,
}

impl Renew {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let (doing, mount) = ("renewing token", "auth/token");
        let increment = self
            .increment
            .as_deref()
            .map(coerce::parse_seconds)
            .transpose();
        let increment = increment.map_err(|error| Error::local(format!("-increment: {error}")))?;
        let reply = match self.which {
            Which {
                accessor: Some(accessor),
                ..
            } => {
                let request = RenewAccessor {
                    accessor: Some(accessor),
                    increment,
                };
                session.call(doing, mount, &request).await?
            }
            Which {
                token: Some(token), ..
            } => {
                let request = RenewToken {
                    token: Some(Sensitive::new(token)),
                    increment,
                };
                session.call(doing, mount, &request).await?
            }
            _ => {
                session
                    .call(
                        doing,
                        mount,
                        &RenewSelf {
                            increment,
                            token: None,
                        },
                    )
                    .await?
            }
        };
        show(session, &reply, &self.field)
    }
}

/// End a token, and every token that it made
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward token revoke -accessor 4Yb2Pv1yYk2dyVqWZfO2aGzu
  keyward token revoke -self
  keyward token revoke -mode=orphan hvs.CAESI…    what it made lives on
  keyward token revoke -mode=path auth/userpass/login/ada")]
pub(crate) struct Revoke {
    #[command(flatten)]
    which: Which,
    /// End your own token.
    #[arg(long = "self", conflicts_with_all = ["accessor", "token"])]
    own: bool,
    /// `orphan` lets the tokens that it made live on; with `path`, every token ends that requests to
    /// this path or below it made, and every other lease there.
    #[arg(long, value_parser = ["orphan", "path"])]
    mode: Option<String>,
}

impl Revoke {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let (doing, mount) = ("revoking token", "auth/token");
        let token = |token| Some(Sensitive::new(token));
        match (&self.mode, &self.which.accessor) {
            (Some(_), _) if self.own => return Err(Error::local("Cannot use -self with -mode!")),
            (Some(mode), Some(_)) => {
                let text = format!("Cannot use -accessor with -mode={mode}!");
                return Err(Error::local(text));
            }
            _ => {}
        }
        let reply = match self.which {
            _ if self.own => session.call(doing, mount, &RevokeSelf::default()).await?,
            Which {
                accessor: Some(accessor),
                ..
            } => {
                let request = RevokeAccessor {
                    accessor: Some(accessor),
                };
                session.call(doing, mount, &request).await?
            }
            Which {
                token: Some(path), ..
            } if self.mode.as_deref() == Some("path") => {
                let request = RevokePrefix {
                    prefix: trimmed(&path).to_owned(),
                    sync: None,
                };
                session.call(doing, "sys", &request).await?
            }
            Which {
                token: Some(id), ..
            } if self.mode.is_some() => {
                session
                    .call(doing, mount, &RevokeOrphan { token: token(id) })
                    .await?
            }
            Which {
                token: Some(id), ..
            } => {
                session
                    .call(doing, mount, &RevokeToken { token: token(id) })
                    .await?
            }
            _ => {
                return Err(Error::local(
                    "Not enough arguments (expected 1 or -self, got 0)",
                ));
            }
        };
        session.warn(&answer(&reply)?);
        session.success("Revoked token (if it existed)")
    }
}

fn show<T: Serialize>(session: &mut Session<'_, '_>, reply: &Reply<T>, field: &Field) -> Outcome {
    session.show(answer(reply)?, field.name())
}

fn answer<T: Serialize>(reply: &Reply<T>) -> Outcome<Answer> {
    Answer::of(reply).map_err(|error| Error::local(error.to_string()))
}
