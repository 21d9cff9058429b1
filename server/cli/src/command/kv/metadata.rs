//! `keyward kv metadata`.

use clap::{Args, Subcommand};
use keyward_api::coerce;

use super::{Place, Secret};
use crate::{
    arguments::Format,
    command::Field,
    data,
    error::{Error, Outcome},
    json::Json,
    output,
    session::{Raw, Session},
};

/// Read and change what is known of a secret; for version 2 of the engine
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward kv metadata get secret/hello
  keyward kv metadata put -max-versions=5 -custom-metadata=owner=me secret/hello")]
pub(crate) enum Metadata {
    /// Remove a secret for good, with all its versions
    Delete(Delete),
    Get(Get),
    Patch(Patch),
    Put(Put),
}

impl Metadata {
    pub(super) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Delete(command) => command.run(session).await,
            Self::Get(command) => command.run(session).await,
            Self::Patch(command) => command.run(session).await,
            Self::Put(command) => command.run(session).await,
        }
    }
}

async fn find(session: &mut Session<'_, '_>, secret: &Secret) -> Outcome<Place> {
    let place = secret.find(session).await?;
    place.needs_versions("Metadata")?;
    Ok(place)
}

/// Remove a secret for good, with all its versions
#[derive(Args, Debug)]
pub(crate) struct Delete {
    #[command(flatten)]
    secret: Secret,
}

impl Delete {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = find(session, &self.secret).await?.path("metadata");
        session
            .send(&format!("deleting {path}"), Raw::new("DELETE", &path))
            .await?;
        session.success(&format!("Data deleted (if it existed) at: {path}"))
    }
}

/// Print what is known of a secret and of its versions
#[derive(Args, Debug)]
pub(crate) struct Get {
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    field: Field,
}

impl Get {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = find(session, &self.secret).await?.path("metadata");
        let raw = Raw::new("GET", &path);
        let answer = session
            .find(&format!("reading {path}"), raw)
            .await?
            .at(&path)?;
        let is_whole = answer.is_wrapped() || self.field.name().is_some();
        if is_whole || session.format != Format::Table {
            return session.show(answer, self.field.name());
        }
        session.warn(&answer);
        Ok(session
            .io
            .print(&text(&path, answer.data().unwrap_or(&Json::Null)))?)
    }
}

fn text(path: &str, data: &Json) -> String {
    let banner = output::banner("Metadata Path", path.len());
    let general = data.entries().iter().filter(|(name, _)| name != "versions");
    let mut text = format!("{banner}{path}\n\n{}", output::section("Metadata", general));
    let versions = data.get("versions").map(Json::entries).unwrap_or_default();
    let mut versions: Vec<_> = versions.iter().collect();
    versions.sort_by_key(|(number, _)| number.parse::<u64>().unwrap_or(u64::MAX));
    for (number, version) in versions {
        text.push('\n');
        text.push_str(&output::section(
            &format!("Version {number}"),
            version.entries(),
        ));
    }
    text
}

/// What can be set of a secret.
#[derive(Args, Debug)]
struct SecretSettings {
    /// How many versions are kept; 0 is as the mount says.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    max_versions: Option<i64>,
    /// Whether every write must say which version it replaces.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    cas_required: Option<bool>,
    /// After how long a version is deleted by itself, such as 720h; 0 is as the mount says.
    #[arg(long, value_name = "DURATION")]
    delete_version_after: Option<String>,
    /// A label; several by repeating.
    #[arg(long, value_name = "KEY=VALUE")]
    custom_metadata: Vec<String>,
}

impl SecretSettings {
    fn entries(self) -> Outcome<Vec<(&'static str, Json)>> {
        let mut entries = Vec::new();
        if let Some(number) = self.max_versions {
            entries.push(("max_versions", Json::Number(number.to_string())));
        }
        if let Some(flag) = self.cas_required {
            entries.push(("cas_required", Json::Bool(flag)));
        }
        if let Some(text) = self.delete_version_after {
            coerce::parse_seconds(&text)
                .map_err(|error| Error::local(format!("-delete-version-after: {error}")))?;
            entries.push(("delete_version_after", Json::text(text)));
        }
        if !self.custom_metadata.is_empty() {
            let labels = data::read_texts(&self.custom_metadata)?.into_iter();
            let labels = labels.map(|(name, value)| (name, Json::text(value)));
            entries.push(("custom_metadata", Json::Object(labels.collect())));
        }
        Ok(entries)
    }
}

/// Set what is known of a secret; its labels are replaced as a whole
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv metadata put -max-versions=5 -cas-required secret/hello
  keyward kv metadata put -custom-metadata=owner=me -custom-metadata=team=shop secret/hello")]
pub(crate) struct Put {
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    settings: SecretSettings,
}

impl Put {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = find(session, &self.secret).await?.path("metadata");
        write(session, "PUT", &path, self.settings.entries()?).await
    }
}

/// Change what is known of a secret, and leave the labels that are not named
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward kv metadata patch -custom-metadata=owner=you secret/hello
  keyward kv metadata patch -remove-custom-metadata=team secret/hello")]
pub(crate) struct Patch {
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    settings: SecretSettings,
    /// A label to remove; several by repeating.
    #[arg(long, value_name = "KEY")]
    remove_custom_metadata: Vec<String>,
}

impl Patch {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let path = find(session, &self.secret).await?.path("metadata");
        let mut entries = self.settings.entries()?;
        if !self.remove_custom_metadata.is_empty() {
            let gone = self
                .remove_custom_metadata
                .into_iter()
                .map(|name| (name, Json::Null));
            match entries
                .iter_mut()
                .find(|(name, _)| *name == "custom_metadata")
            {
                Some((_, Json::Object(labels))) => labels.extend(gone),
                _ => entries.push(("custom_metadata", Json::Object(gone.collect()))),
            }
        }
        write(session, "PATCH", &path, entries).await
    }
}

async fn write(
    session: &mut Session<'_, '_>,
    method: &'static str,
    path: &str,
    entries: Vec<(&'static str, Json)>,
) -> Outcome {
    let raw = Raw::new(method, path).with(&Json::object(entries))?;
    let answer = session
        .send(&format!("writing data to {path}"), raw)
        .await?;
    match answer {
        Some(answer) => session.show(answer, None),
        None => session.success(&format!("Data written to: {path}")),
    }
}
