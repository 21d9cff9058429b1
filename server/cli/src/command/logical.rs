//! `keyward read`, `write`, `patch`, `list`, `scan` and `delete`: any path of the API.

use clap::Args;
use keyward_api::client::percent_encode;

use super::Field;
use crate::{
    arguments::Format,
    data,
    error::{Error, Outcome},
    output,
    session::{Found, Raw, Session, query},
};

/// Read a path
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward read transit/keys/orders
  keyward read -field=latest_version transit/keys/orders
  keyward read -format=json sys/mounts")]
pub(crate) struct Read {
    /// The path, such as transit/keys/orders.
    path: String,
    /// Parameters, as key=value.
    data: Vec<String>,
    #[command(flatten)]
    field: Field,
}

impl Read {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = trimmed(&self.path);
        let parameters = data::read(&self.data, session.io)?;
        let raw = Raw {
            query: query(parameters.as_ref()),
            ..Raw::new("GET", path)
        };
        let answer = session.find(&format!("reading {path}"), raw).await?;
        session.show(answer.at(path)?, self.field.name())
    }
}

/// Write data to a path
///
/// A value that begins with @ is the content of a file, and - is standard input. Standard input
/// or a file can also hold all the data as one JSON object.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward write -f transit/keys/orders
  keyward write transit/encrypt/orders plaintext=aGVsbG8=
  keyward write -field=ciphertext transit/encrypt/orders plaintext=@message.base64
  echo '{\"batch_input\":[{\"plaintext\":\"aGVsbG8=\"}]}' | keyward write transit/encrypt/orders -")]
pub(crate) struct Write {
    /// The path, such as transit/keys/orders.
    path: String,
    /// The data: key=value, key=@file, key=-, @file or -.
    data: Vec<String>,
    /// Write although there is no data.
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    field: Field,
}

impl Write {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let Self {
            path,
            data,
            force,
            field,
        } = self;
        send_data(session, "PUT", &path, &data, force, field).await
    }
}

/// Change some fields of what a path holds
///
/// The data is merged into what is there (RFC 7396); it is given as for `write`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward patch secret/metadata/hello max_versions=5")]
pub(crate) struct Patch {
    /// The path, such as secret/metadata/hello.
    path: String,
    /// The data: key=value, key=@file, key=-, @file or -.
    data: Vec<String>,
    /// Send it although there is no data.
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    field: Field,
}

impl Patch {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let Self {
            path,
            data,
            force,
            field,
        } = self;
        send_data(session, "PATCH", &path, &data, force, field).await
    }
}

async fn send_data(
    session: &mut Session<'_, '_>,
    method: &'static str,
    path: &str,
    arguments: &[String],
    force: bool,
    field: Field,
) -> Outcome {
    let path = trimmed(path);
    let data = data::read(arguments, session.io)?;
    if data.is_none() && !force {
        return Err(Error::local("Must supply data or use -force"));
    }
    let raw = match &data {
        Some(data) => Raw::new(method, path).with(data)?,
        None => Raw::new(method, path),
    };
    match session.try_send(raw).await {
        Ok(Some(answer)) => session.show(answer, field.name()),
        Ok(None) => session.success(&format!("Data written to: {path}")),
        Err((error, answer)) => {
            let text = session.describe(&error);
            // A batch with a bad item has results all the same.
            if let Some(answer) = answer {
                session.show(answer, None)?;
            }
            Err(Error::server(format!(
                "Error writing data to {path}: {text}"
            )))
        }
    }
}

/// List what lies below a path
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward list transit/keys
  keyward list -format=json secret/metadata")]
pub(crate) struct List {
    /// The path, such as transit/keys.
    path: String,
}

impl List {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        list(session, trimmed(&self.path)).await
    }
}

/// List all that lies below a path, however deep
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward scan secret/metadata
  keyward scan -after=team/last -limit=100 secret/metadata
  keyward scan -format=json cubbyhole")]
pub(crate) struct Scan {
    /// The path, such as secret/metadata.
    path: String,
    /// Only names after this one.
    #[arg(long, value_name = "NAME")]
    after: Option<String>,
    /// At most so many names.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,
}

impl Scan {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = trimmed(&self.path);
        let mut query = "scan=true".to_owned();
        if let Some(after) = &self.after {
            query += &format!("&after={}", percent_encode(after));
        }
        if let Some(limit) = self.limit {
            query += &format!("&limit={limit}");
        }
        let raw = Raw {
            query,
            ..Raw::new("GET", path)
        };
        names(session, path, "scanning", raw).await
    }
}

/// Prints the names below a path.
pub(super) async fn list(session: &mut Session<'_, '_>, path: &str) -> Outcome {
    let raw = Raw {
        query: "list=true".to_owned(),
        ..Raw::new("GET", path)
    };
    names(session, path, "listing", raw).await
}

/// Prints the names that a request is answered with.
async fn names(session: &mut Session<'_, '_>, path: &str, doing: &str, raw: Raw<'_>) -> Outcome {
    let answer = match session.find(&format!("{doing} {path}"), raw).await? {
        // Readers of JSON get JSON, and see by the exit code that there is nothing.
        Found::Nothing(_) if session.format != Format::Table => {
            session.io.say("{}")?;
            return Err(Error::server(""));
        }
        found => found.at(path)?,
    };
    if answer.is_wrapped() {
        return session.show(answer, None);
    }
    match (
        session.format,
        answer.data().and_then(|data| data.get("keys")),
    ) {
        (Format::Table, Some(keys)) => {
            let rows = keys.items().iter().map(|key| [key.shown()]);
            Ok(session.io.print(&output::table(["Keys"], rows.collect()))?)
        }
        (Format::Json | Format::Yaml, Some(keys)) => session.show_value(keys),
        (_, None) => {
            session.warn(&answer);
            Err(Error::no_value(path, &[]))
        }
    }
}

/// Delete what a path holds
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward delete transit/keys/orders")]
pub(crate) struct Delete {
    /// The path, such as transit/keys/orders.
    path: String,
    /// Parameters, as key=value.
    data: Vec<String>,
}

impl Delete {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = trimmed(&self.path);
        let parameters = data::read(&self.data, session.io)?;
        let raw = Raw {
            query: query(parameters.as_ref()),
            ..Raw::new("DELETE", path)
        };
        match session.send(&format!("deleting {path}"), raw).await? {
            Some(answer) => session.show(answer, None),
            None => session.success(&format!("Data deleted (if it existed) at: {path}")),
        }
    }
}

/// Drops the blanks and slashes around a path.
pub(super) fn trimmed(path: &str) -> &str {
    path.trim().trim_matches('/')
}
