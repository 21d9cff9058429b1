//! `keyward kv get`, `put` and `rollback`.

use clap::Args;

use super::{Place, Secret, Version};
use crate::{
    answer::Answer,
    arguments::Format,
    command::Field,
    data,
    error::{Error, Outcome},
    json::Json,
    output,
    session::{Raw, Session},
};

/// Read a secret
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv get secret/hello
  keyward kv get -field=myvalue secret/hello
  keyward kv get -version=1 -format=json secret/hello")]
pub(crate) struct Get {
    #[command(flatten)]
    secret: Secret,
    /// Which version; the latest if not given.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    #[command(flatten)]
    field: Field,
}

impl Get {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let place = self.secret.find(session).await?;
        let path = place.path("data");
        let answer = read(session, &place, self.version).await?;
        if answer.is_wrapped() {
            return session.show(answer, self.field.name());
        }
        if place.version() == Version::One {
            return show_unversioned(session, answer, &path, self.field.name());
        }
        let data = answer.data().ok_or_else(|| Error::no_value(&path, &[]))?;
        let secret = data.get("data").unwrap_or(&Json::Null);
        if let Some(name) = self.field.name() {
            return session.show_field(field(secret, name)?);
        }
        if session.format != Format::Table {
            return session.show_value(&answer.into_envelope());
        }
        let metadata = data.get("metadata").unwrap_or(&Json::Null);
        let mut text = headed(&path, metadata) + "\n";
        if !secret.is_null() {
            text.push_str(&output::section("Data", secret.entries()));
        }
        session.warn(&answer);
        Ok(session.io.print(&text)?)
    }
}

fn show_unversioned(
    session: &mut Session<'_, '_>,
    answer: Answer,
    path: &str,
    name: Option<&str>,
) -> Outcome {
    let data = answer.data().ok_or_else(|| Error::no_value(path, &[]))?;
    if let Some(name) = name {
        return session.show_field(field(data, name)?);
    }
    if session.format != Format::Table {
        return session.show_value(&answer.into_envelope());
    }
    session.warn(&answer);
    Ok(session.io.print(&output::section("Data", data.entries()))?)
}

fn field<'a>(data: &'a Json, name: &str) -> Outcome<&'a Json> {
    data.get(name)
        .ok_or_else(|| Error::local(format!("Field {name:?} not present in map")))
}

/// Prints where a secret is and what is known of one version.
fn headed(path: &str, metadata: &Json) -> String {
    let banner = output::banner("Secret Path", path.len());
    format!(
        "{banner}{path}\n\n{}",
        output::section("Metadata", metadata.entries())
    )
}

async fn read(session: &Session<'_, '_>, place: &Place, version: Option<u64>) -> Outcome<Answer> {
    let path = place.path("data");
    let (raw, doing) = reading(place, &path, version);
    session.find(&doing, raw).await?.at(&path)
}

/// Makes the request that reads a secret at `path`, and says what it does.
fn reading<'p>(place: &Place, path: &'p str, version: Option<u64>) -> (Raw<'p>, String) {
    let mut raw = Raw::new("GET", path);
    if let (Some(version), Version::Two) = (version, place.version()) {
        raw.query = format!("version={version}");
    }
    (raw, format!("reading {path}"))
}

/// Write a secret: on version 2 of the engine, its next version
///
/// A value that begins with @ is the content of a file, and - is standard input. Standard input
/// or a file can also hold all the data as one JSON object.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv put secret/hello myvalue=s3cr3t user=me
  keyward kv put secret/certificate pem=@server.pem
  pwgen | keyward kv put secret/hello password=-
  keyward kv put -cas=2 secret/hello myvalue=s3cr3t     only if version 2 is the latest")]
pub(crate) struct Put {
    #[command(flatten)]
    secret: Secret,
    /// The data: key=value, key=@file, key=-, @file or -.
    data: Vec<String>,
    /// Write only if this is the latest version; 0 is a secret that is not there yet.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    cas: Option<i64>,
    #[command(flatten)]
    field: Field,
}

impl Put {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let secret = data::read(&self.data, session.io)?;
        let secret = secret.ok_or_else(|| Error::local("Must supply data"))?;
        let place = self.secret.find(session).await?;
        write(session, "PUT", &place, secret, self.cas, &self.field).await
    }
}

/// Make an older version the latest again, as a new version
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv rollback -version=2 secret/hello")]
pub(crate) struct Rollback {
    #[command(flatten)]
    secret: Secret,
    /// Which version.
    #[arg(long, value_name = "NUMBER")]
    version: u64,
    #[command(flatten)]
    field: Field,
}

impl Rollback {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let place = self.secret.find(session).await?;
        place.needs_versions("Rollback")?;
        let path = place.path("data");
        let metadata = place.path("metadata");
        // What is read decides on what is written, which alone may be only shown.
        let raw = Raw::new("GET", &metadata);
        let doing = format!("reading {metadata}");
        let known = session.find_ahead(&doing, raw).await?.at(&path)?;
        let latest = known
            .data()
            .and_then(|data| data.get("current_version")?.as_u64());
        let latest = latest.and_then(|latest| i64::try_from(latest).ok());
        let (raw, doing) = reading(&place, &path, Some(self.version));
        let older = session.find_ahead(&doing, raw).await?.at(&path)?;
        let secret = older
            .data()
            .and_then(|data| data.get("data"))
            .filter(|data| !data.is_null());
        let secret = secret
            .ok_or_else(|| Error::server("Cannot roll back to a version that has been deleted"))?;
        // Nobody may have written since: their version would be lost from sight.
        write(
            session,
            "PUT",
            &place,
            secret.duplicate(),
            latest,
            &self.field,
        )
        .await
    }
}

/// Writes a secret, and prints what the server says of it.
pub(super) async fn write(
    session: &mut Session<'_, '_>,
    method: &'static str,
    place: &Place,
    secret: Json,
    cas: Option<i64>,
    field: &Field,
) -> Outcome {
    let path = place.path("data");
    let body = match place.version() {
        Version::One => secret,
        Version::Two => versioned(secret, cas),
    };
    let raw = Raw::new(method, &path).with(&body)?;
    let answer = session
        .send(&format!("writing data to {path}"), raw)
        .await?;
    show_written(session, &path, answer, field)
}

/// Prints what the server says of a secret that was written.
pub(super) fn show_written(
    session: &mut Session<'_, '_>,
    path: &str,
    answer: Option<Answer>,
    field: &Field,
) -> Outcome {
    let Some(answer) = answer else {
        return session.success(&format!("Data written to: {path}"));
    };
    if answer.is_wrapped() || field.name().is_some() || session.format != Format::Table {
        return session.show(answer, field.name());
    }
    session.warn(&answer);
    let metadata = answer.data().unwrap_or(&Json::Null);
    Ok(session.io.print(&headed(path, metadata))?)
}

/// Writes a secret as version 2 of the engine takes it.
pub(super) fn versioned(secret: Json, cas: Option<i64>) -> Json {
    let cas = cas.map(|cas| ("cas", Json::Number(cas.to_string())));
    let options = cas.map(|cas| ("options", Json::object([cas])));
    Json::object([("data", secret)].into_iter().chain(options))
}
