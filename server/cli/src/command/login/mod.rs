//! `keyward login`.

mod method;
mod mfa;

use clap::Args;
use keyward_api::auth::{LookupSelf, TokenInfo};
use keyward_crypto::SecretString;

pub(super) use self::method::Method;
use self::method::{Parameters, Request};
use super::{Field, unwrap};
use crate::{
    answer::Answer,
    data,
    error::{Error, Outcome},
    json::Json,
    session::{Raw, Session},
    token_helper,
};

/// Log in, and keep the token for later commands
///
/// It is kept in ~/.keyward-token, which only you can read. Without -method a token is checked and
/// kept. What is missing and secret is asked for, and not shown while you type.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward login                                   ask for the token
  echo $TOKEN | keyward login -                   read it from standard input
  keyward login -no-store -field=policies -
  keyward login -method=userpass username=alice   ask for the password
  keyward login -method=userpass -path=staff username=alice password=@file
  keyward login -method=approle role_id=$ROLE_ID secret_id=- < secret.txt
  TOKEN=$(keyward login -method=approle -token-only role_id=$ROLE_ID secret_id=-)
  keyward auth help userpass                      what a method takes")]
pub(crate) struct Login {
    /// What the method takes, as KEY=VALUE; KEY=- reads standard input. Other users can see what
    /// stands on the command line. A token may stand alone, as may - for standard input.
    #[arg(value_name = "TOKEN | KEY=VALUE")]
    arguments: Vec<String>,
    /// How to log in: approle (where the server has it), token or userpass.
    #[arg(long, value_name = "TYPE", default_value = "token")]
    method: String,
    /// Where the method is mounted, below auth/; at its type if not given.
    #[arg(long)]
    path: Option<String>,
    /// Do not keep the token.
    #[arg(long, conflicts_with = "no_print")]
    no_store: bool,
    /// Print nothing.
    #[arg(long)]
    no_print: bool,
    /// Print the token and nothing else, and do not keep it.
    #[arg(long, conflicts_with_all = ["field", "no_print"])]
    token_only: bool,
    /// Ask for nothing at the terminal.
    #[arg(long)]
    non_interactive: bool,
    #[command(flatten)]
    field: Field,
}

impl Login {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let method = Method::named(&self.method)
            .ok_or_else(|| Error::local(Method::unknown(&self.method)))?;
        let parameters = self.parameters(method, session)?;
        let user = session.io.environment.user().map(str::to_owned);
        let request = method.request(parameters, user.as_deref(), |name, prompt| {
            if self.non_interactive {
                return Err(method::missing(name));
            }
            Ok(session.io.ask_exactly(prompt)?)
        })?;
        let answer = match request {
            Request::Token { token, lookup } => known(session, token, lookup).await?,
            Request::Write { path, body } => {
                // Whose token was kept does not matter, and one that is bound to a key or a page
                // would only be in the way.
                session.http.set_token(None);
                let raw = Raw::new("PUT", &path).with(&body)?;
                let answer = session.send("authenticating", raw).await?;
                answer.ok_or_else(|| Error::server("Error authenticating: the answer is empty"))?
            }
        };
        let mut answer = self.opened(session, answer).await?;
        if let Some(requirement) = answer.mfa_requirement() {
            let can_ask = session.io.input_is_terminal && !self.non_interactive;
            let validated = match can_ask {
                true => mfa::validate(session, requirement).await?,
                false => None,
            };
            match validated {
                Some(validated) => answer = self.opened(session, validated).await?,
                None => return self.show_requirement(session, answer),
            }
        }
        self.finish(session, answer)
    }

    /// Reads what stands behind the flags; a token may stand without its name.
    fn parameters(&self, method: Method, session: &mut Session<'_, '_>) -> Outcome<Parameters> {
        let mut arguments = self.arguments.clone();
        match arguments.first_mut() {
            Some(first) if method == Method::Token && !first.contains('=') => {
                first.insert_str(0, "token=");
            }
            _ => {}
        }
        let mut parameters = Parameters::of(data::read(&arguments, session.io)?);
        if let Some(path) = &self.path {
            parameters.set("mount", Json::text(path));
        }
        Ok(parameters)
    }

    /// Tells whether the token is kept.
    fn stores(&self) -> bool {
        !self.no_store && !self.token_only
    }

    /// Opens a wrapped answer where its token is to be kept.
    async fn opened(&self, session: &mut Session<'_, '_>, answer: Answer) -> Outcome<Answer> {
        let Some(Json::Text(token)) = answer.field("wrapping_token") else {
            return Ok(answer);
        };
        if !self.stores() {
            return Ok(answer);
        }
        session.http.set_token(Some(token.duplicate()));
        let inside = unwrap::open(session, "unwrapping the token", None).await?;
        inside.ok_or_else(|| Error::server("Error unwrapping the token: there is none inside"))
    }

    /// Keeps and prints the token that was granted.
    fn finish(&self, session: &mut Session<'_, '_>, answer: Answer) -> Outcome {
        let name = if answer.is_wrapped() {
            "wrapping_token"
        } else {
            "token"
        };
        let Some(Json::Text(token)) = answer.field(name) else {
            return Err(Error::server(
                "Error authenticating: the answer has no token",
            ));
        };
        if self.stores() {
            // EXPOSE: this file is where the token is kept.
            token_helper::store(&session.io.environment.home()?, token.expose())?;
        }
        if self.no_print {
            return Ok(());
        }
        if self.stores() {
            warn_of_variable(session);
        }
        let field = if self.token_only {
            Some(name)
        } else {
            self.field.name()
        };
        if field.is_none() && !answer.is_wrapped() {
            let kept = if self.stores() {
                " The token is kept for later commands, as below."
            } else {
                ""
            };
            session.success(&format!("You are now authenticated.{kept}\n"))?;
        }
        session.show(answer, field)
    }

    /// Says that the login waits for a second factor, and how to go on.
    fn show_requirement(&self, session: &mut Session<'_, '_>, answer: Answer) -> Outcome {
        if self.token_only || self.no_print || self.field.name().is_some() {
            // A program that waits for the token must not take this for one, nor one that sees the
            // exit code alone.
            return Err(Error::server(mfa::HOW_TO_GO_ON));
        }
        session.io.complain(&format!("{}\n", mfa::HOW_TO_GO_ON));
        session.show(answer, None)
    }
}

/// Looks a token up, and answers as if it was just granted.
async fn known(
    session: &mut Session<'_, '_>,
    token: SecretString,
    lookup: bool,
) -> Outcome<Answer> {
    if !lookup {
        return Ok(Answer::granted(Json::object([
            ("client_token", Json::Text(token)),
            ("renewable", Json::Bool(false)),
        ])));
    }
    session.http.set_token(Some(token));
    // What is wrapped would be what is known of the token, and not the token.
    session.http.wrap_ttl = None;
    let doing = "authenticating: error looking up token";
    let reply = session
        .call(doing, "auth/token", &LookupSelf::default())
        .await?;
    let info = reply
        .data
        .ok_or_else(|| Error::server("the server knows nothing of the token"))?;
    granted(&info)
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
