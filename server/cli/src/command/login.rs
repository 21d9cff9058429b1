//! `keyward login` and `keyward print token`.

use clap::{Args, Subcommand};
use keyward_api::auth::{LookupSelf, TokenInfo};
use keyward_crypto::SecretString;

use super::Field;
use crate::{
    answer::Answer,
    error::{Error, Outcome},
    io::trimmed,
    json::Json,
    session::Session,
    token_helper,
};

/// Check a token and keep it for later commands
///
/// It is kept in ~/.keyward-token, which only you can read. Without a token on the command line it
/// is asked for, and not shown while you type.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward login                                   ask for the token
  echo $TOKEN | keyward login -                   read it from standard input
  keyward login -no-store -field=policies -")]
pub(crate) struct Login {
    /// The token, or - for standard input; on the command line other users can see it.
    token: Option<String>,
    /// How to log in: token.
    #[arg(long, value_name = "TYPE", default_value = "token")]
    method: String,
    /// Do not keep the token.
    #[arg(long)]
    no_store: bool,
    /// Print nothing.
    #[arg(long)]
    no_print: bool,
    /// Print the token and nothing else, and do not keep it.
    #[arg(long, conflicts_with = "field")]
    token_only: bool,
    #[command(flatten)]
    field: Field,
}

impl Login {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        if self.method != "token" {
            let text = format!(
                "Unknown auth method: {}. The only one is: token",
                self.method
            );
            return Err(Error::local(text));
        }
        let token = read_token(self.token.as_deref(), session)?;
        session.http.set_token(token.duplicate());
        let doing = "authenticating: error looking up token";
        let reply = session
            .call(doing, "auth/token", &LookupSelf::default())
            .await?;
        let info = reply
            .data
            .ok_or_else(|| Error::server("the server knows nothing of the token"))?;
        let store = !self.no_store && !self.token_only;
        if store {
            // EXPOSE: this file is where the token is kept.
            token_helper::store(&session.io.environment.home()?, token.expose())?;
        }
        if self.no_print {
            return Ok(());
        }
        if store {
            warn_of_variable(session);
        }
        let field = if self.token_only {
            Some("token")
        } else {
            self.field.name()
        };
        if field.is_none() {
            let kept = if store {
                " The token is kept for later commands, as below."
            } else {
                ""
            };
            session.success(&format!("You are now authenticated.{kept}\n"))?;
        }
        session.show(granted(&info)?, field)
    }
}

fn read_token(given: Option<&str>, session: &mut Session<'_, '_>) -> Outcome<SecretString> {
    let token = match given {
        None => session.io.ask("Token (will be hidden): ")?,
        Some("-") => trimmed(&session.io.read_all()?),
        Some(token) => SecretString::from(token.strip_prefix("token=").unwrap_or(token).trim()),
    };
    // EXPOSE: only whether it is empty is looked at.
    if token.expose().is_empty() {
        return Err(Error::local("Error authenticating: missing token"));
    }
    Ok(token)
}

/// Warns where a variable hides the token that was kept.
fn warn_of_variable(session: &mut Session<'_, '_>) {
    if let Some((name, _)) = session.io.environment.named("TOKEN") {
        let text = format!(
            "WARNING! The variable {name} is set, and comes before the token that was kept now."
        );
        session.io.complain(&text);
    }
}

/// Shows what is known of a token as if it was just granted.
fn granted(info: &TokenInfo) -> Outcome<Answer> {
    let known = Json::of(info).map_err(|error| Error::local(error.to_string()))?;
    let Json::Object(mut entries) = known else {
        return Err(Error::local("the token has no properties"));
    };
    let mut take = |name: &str| {
        let at = entries.iter().position(|(own, _)| own == name);
        at.map_or(Json::Null, |at| entries.swap_remove(at).1)
    };
    let policies = take("policies");
    let token_policies = policies.duplicate();
    let auth = Json::object([
        ("client_token", take("id")),
        ("accessor", take("accessor")),
        ("policies", policies),
        ("token_policies", token_policies),
        ("identity_policies", Json::Null),
        ("metadata", take("meta")),
        ("orphan", take("orphan")),
        ("entity_id", take("entity_id")),
        ("lease_duration", take("ttl")),
        ("renewable", take("renewable")),
        ("mfa_requirement", Json::Null),
    ]);
    Ok(Answer::granted(auth))
}

/// Print what the command line works with
#[derive(Debug, Subcommand)]
pub(crate) enum Print {
    /// Print the token that commands use
    Token,
}

impl Print {
    pub(crate) fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Token => {
                // EXPOSE: the user asked for it.
                let token = session.http.token().map(|token| token.expose().clone());
                Ok(session.io.say(&token.unwrap_or_default())?)
            }
        }
    }
}
