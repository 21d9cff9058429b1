//! `keyward auth`.

use clap::{Args, Subcommand};
use keyward_api::sys::{
    DisableAuth, DisableMount, EnableAuth, ListAuth, MountConfigInput, UserLockoutInput,
};

use super::{
    login::Method,
    mount::{self, Class, List, Mounts, Move, Settings},
};
use crate::{
    error::{Error, Outcome},
    session::Session,
};

/// Enable and disable auth methods: the ways in which people and machines log in
#[derive(Debug, Subcommand)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  keyward auth enable userpass
  keyward auth enable -path=staff -description='people of the shop' userpass
  keyward write auth/staff/users/alice password=… token_policies=orders
  keyward login -method=userpass -path=staff username=alice
  keyward auth list"
)]
pub(crate) enum Auth {
    /// Disable an auth method; tokens that it made are revoked
    Disable {
        /// Where it is mounted, without auth/.
        path: String,
    },
    Enable(Box<Enable>),
    Help(Help),
    List(List),
    /// Move an auth method to another path; tokens that it made are revoked
    Move(Move),
    Tune(Box<Tune>),
}

impl Auth {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Disable { path } => disable(session, &path).await,
            Self::Enable(command) => command.run(session).await,
            Self::Help(command) => command.run(session).await,
            Self::List(command) => {
                let methods = methods(session).await?;
                command.show(session, Class::Auth, methods)
            }
            Self::Move(command) => command.run(session, Class::Auth).await,
            Self::Tune(command) => command.run(session).await,
        }
    }
}

async fn methods(session: &Session<'_, '_>) -> Outcome<Option<Mounts>> {
    let request = ListAuth::default();
    let reply = session.call("listing enabled authentications", "sys", &request);
    Ok(reply.await?.data)
}

/// Enable an auth method
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward auth enable userpass
  keyward auth enable -path=staff userpass
  keyward auth enable -token-type=batch -default-lease-ttl=20m userpass")]
pub(crate) struct Enable {
    /// The type of method, such as userpass.
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Where to mount it, below auth/; at its type if not given.
    #[arg(long)]
    path: Option<String>,
    /// Keep it out of replication; on one cluster it changes nothing.
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    logins: LoginSettings,
}

/// What can be set of auth methods alone.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings of logins")]
struct LoginSettings {
    /// The type of tokens that logins give; with default- it gives way to what is asked.
    #[arg(long, value_name = "default-service|default-batch|service|batch")]
    token_type: Option<String>,
    /// How many failed logins in a row lock a name; 0 leaves it to the server's configuration.
    #[arg(long, value_name = "NUMBER")]
    user_lockout_threshold: Option<u64>,
    /// For how long a name is locked.
    #[arg(long, value_name = "DURATION")]
    user_lockout_duration: Option<String>,
    /// After how long without a failed login the count begins anew.
    #[arg(long, value_name = "DURATION")]
    user_lockout_counter_reset_duration: Option<String>,
    /// Lock nobody.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    user_lockout_disable: Option<bool>,
}

impl LoginSettings {
    /// Returns what is to be set of lockouts; none if nothing is.
    fn lockout(&self) -> Option<UserLockoutInput> {
        let input = UserLockoutInput {
            lockout_threshold: self.user_lockout_threshold.map(|it| it.to_string()),
            lockout_duration: self.user_lockout_duration.clone(),
            lockout_counter_reset_duration: self.user_lockout_counter_reset_duration.clone(),
            lockout_disable: self.user_lockout_disable,
        };
        (input != UserLockoutInput::default()).then_some(input)
    }
}

impl Enable {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let Self {
            kind,
            path,
            local,
            settings,
            logins,
        } = self;
        let mut request = settings.enable(Class::Auth, &kind, path.as_deref())?;
        request.local = local.then_some(true);
        request.config = Some(MountConfigInput {
            user_lockout_config: logins.lockout(),
            token_type: logins.token_type,
            ..request.config.unwrap_or_default()
        });
        let path = request.path.clone();
        let doing = format!("enabling {kind} auth");
        session.call(&doing, "sys", &EnableAuth(request)).await?;
        session.success(&format!("Enabled {kind} auth method at: {path}/"))
    }
}

async fn disable(session: &mut Session<'_, '_>, path: &str) -> Outcome {
    let path = Class::Auth.own_path(path);
    let request = DisableAuth(DisableMount {
        path: path.to_owned(),
    });
    let doing = format!("disabling auth method at {path}/");
    session.call(&doing, "sys", &request).await?;
    let text = format!("Disabled the auth method (if it existed) at: {path}/");
    session.success(&text)
}

/// Change the settings of an auth method
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward auth tune -default-lease-ttl=1h -description='people of the shop' userpass
  keyward auth tune -listing-visibility=unauth userpass
  keyward auth tune -user-lockout-threshold=10 -user-lockout-duration=10m userpass")]
pub(crate) struct Tune {
    /// Where it is mounted, without auth/.
    path: String,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    logins: LoginSettings,
}

impl Tune {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let mut request = self.settings.tune(Class::Auth, &self.path)?;
        request.user_lockout_config = self.logins.lockout();
        request.token_type = self.logins.token_type;
        mount::tune(session, Class::Auth, &self.path, &request).await
    }
}

/// Tell how to log in with an auth method
///
/// A type is explained without asking the server; a path is looked up there.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward auth help userpass                      the type
  keyward auth help staff/                        what is mounted at auth/staff")]
pub(crate) struct Help {
    /// The type of method, or where one is mounted.
    #[arg(value_name = "TYPE|PATH")]
    subject: String,
}

impl Help {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let method = match Method::named(&self.subject) {
            Some(method) => method,
            None => mounted(session, &self.subject).await?,
        };
        Ok(session.io.say(method.help())?)
    }
}

/// Finds out which way to log in there is at a path.
async fn mounted(session: &Session<'_, '_>, path: &str) -> Outcome<Method> {
    let path = format!("{}/", Class::Auth.own_path(path));
    let mount = methods(session).await?.unwrap_or_default().remove(&path);
    let none = || {
        Error::local(format!(
            "No auth method available on the server at {path:?}"
        ))
    };
    let kind = mount.ok_or_else(none)?.kind;
    Method::named(&kind).ok_or_else(|| {
        Error::local(format!(
            "The auth method {kind:?} has no way to log in from the command line"
        ))
    })
}
