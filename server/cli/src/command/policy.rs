//! `keyward policy`.

use std::fs;

use anyhow::Context as _;
use clap::Subcommand;
use keyward_api::{
    client::CallError,
    sys::{DeletePolicy, ListPolicies, ReadPolicy, WritePolicy},
};
use keyward_core::{hcl, policy::Policy as Rules};

use crate::{
    arguments::Format,
    error::{Error, Outcome},
    json::Json,
    session::Session,
};

/// Say what tokens may do
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward policy write orders orders.hcl
  keyward token create -policy=orders")]
pub(crate) enum Policy {
    /// Delete a policy
    Delete {
        /// Its name.
        name: String,
    },
    /// Lay the text of a policy in a file out anew
    ///
    /// The file is written over, unless it holds no policy; comments stay. No server is asked.
    #[command(after_help = "\
Examples:
  keyward policy fmt orders.hcl")]
    Fmt {
        /// The file.
        file: String,
    },
    /// List the names of all policies
    List,
    /// Print the text of a policy
    Read {
        /// Its name.
        name: String,
    },
    /// Write a policy from a file
    #[command(after_help = "\
Examples:
  keyward policy write orders orders.hcl
  echo 'path \"transit/encrypt/orders\" { capabilities = [\"update\"] }' | \\
    keyward policy write orders -")]
    Write {
        /// Its name.
        name: String,
        /// The file, or - for standard input.
        file: String,
    },
}

impl Policy {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Delete { name } => delete(session, canonical(&name)).await,
            Self::Fmt { file } => format(session, &file),
            Self::List => list(session).await,
            Self::Read { name } => read(session, canonical(&name)).await,
            Self::Write { name, file } => write(session, canonical(&name), &file).await,
        }
    }
}

/// Names of policies have no capitals.
fn canonical(name: &str) -> String {
    name.trim().to_lowercase()
}

async fn delete(session: &mut Session<'_, '_>, name: String) -> Outcome {
    let request = DeletePolicy { name };
    session
        .call(&format!("deleting {}", request.name), "sys", &request)
        .await?;
    session.success(&format!("Deleted policy: {}", request.name))
}

fn format(session: &mut Session<'_, '_>, file: &str) -> Outcome {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read the policy {file}"))?;
    let policy = Rules::parse("", &text).map_err(|error| Error::local(error.to_string()))?;
    let formatted = hcl::formatted(&text);
    let formatted =
        formatted.map_err(|error| Error::local(format!("failed to parse policy: {error}")))?;
    // Nobody looks closely at what a formatter does.
    if Rules::parse("", &formatted).ok() != Some(policy) {
        return Err(Error::local(format!(
            "the policy {file} cannot be laid out without changing what it says"
        )));
    }
    if formatted != text {
        fs::write(file, formatted).with_context(|| format!("cannot write the policy {file}"))?;
    }
    session.success(&format!("Formatted policy: {file}"))
}

async fn list(session: &mut Session<'_, '_>) -> Outcome {
    let reply = session
        .call("listing policies", "sys", &ListPolicies::default())
        .await?;
    let names = reply.data.map(|policies| policies.keys).unwrap_or_default();
    match session.format {
        Format::Table => Ok(session.io.say(&names.join("\n"))?),
        Format::Json | Format::Yaml => {
            session.show_value(&Json::List(names.into_iter().map(Json::text).collect()))
        }
    }
}

async fn read(session: &mut Session<'_, '_>, name: String) -> Outcome {
    let request = ReadPolicy { name };
    let policy = match session.try_call("sys", &request).await {
        Ok(reply) => reply.data,
        Err(CallError::Refused { status: 404, .. }) => None,
        Err(error) => {
            let text = session.describe(&error);
            return Err(Error::server(format!(
                "Error reading policy named {}: {text}",
                request.name
            )));
        }
    };
    let none = || Error::server(format!("No policy named: {}", request.name));
    let text = policy.ok_or_else(none)?.policy;
    match session.format {
        Format::Table => Ok(session.io.say(text.trim())?),
        Format::Json | Format::Yaml => {
            session.show_value(&Json::object([("policy", Json::text(text))]))
        }
    }
}

async fn write(session: &mut Session<'_, '_>, name: String, file: &str) -> Outcome {
    let text = match file {
        // EXPOSE: a policy is no secret.
        "-" => session.io.read_all()?.expose().clone(),
        file => {
            fs::read_to_string(file).with_context(|| format!("cannot read the policy {file}"))?
        }
    };
    let request = WritePolicy {
        name,
        policy: Some(text),
        ..WritePolicy::default()
    };
    session.call("uploading policy", "sys", &request).await?;
    session.success(&format!("Uploaded policy: {}", request.name))
}
