//! `keyward plugin`: the catalog of what can be mounted. All of it is part of the server.

use clap::{Args, Subcommand};
use keyward_api::sys::{ListedPlugin, ReadPlugin, ReadPlugins};

use super::Field;
use crate::{
    answer::Answer,
    arguments::Format,
    error::{Error, Outcome},
    json::Json,
    output,
    session::Session,
};

/// Print what can be mounted
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward plugin list
  keyward plugin info secret transit")]
pub(crate) enum Plugin {
    Info(Info),
    List(List),
}

impl Plugin {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Info(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
        }
    }
}

/// Returns the type that a word names.
fn known(kind: &str) -> Outcome<String> {
    let kind = kind.trim().to_lowercase();
    if matches!(&*kind, "auth" | "database" | "secret") {
        return Ok(kind);
    }
    Err(Error::server(format!(
        "{kind:?} is not a supported plugin type"
    )))
}

/// List the auth methods and secrets engines that the server has
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward plugin list
  keyward plugin list auth
  keyward plugin list -detailed")]
pub(crate) struct List {
    /// Only those of this type: auth, database or secret.
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
    /// Show whether they are still supported too.
    #[arg(long)]
    detailed: bool,
}

impl List {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let kind = self.kind.as_deref().map(known).transpose()?;
        let request = ReadPlugins::default();
        let doing = "listing available plugins";
        let reply = session.call(doing, "sys", &request).await?;
        let catalog = reply.data.unwrap_or_default();
        let mut plugins = catalog.detailed;
        plugins.retain(|plugin| kind.as_ref().is_none_or(|kind| plugin.kind == *kind));
        if session.format != Format::Table {
            return session.show_value(&shown(self.detailed, kind.as_deref(), &plugins)?);
        }
        let rows = plugins.into_iter();
        let text = match (self.detailed, kind) {
            (true, _) => {
                let names = ["Name", "Type", "Version", "Deprecation Status"];
                let row = |it: ListedPlugin| [it.name, it.kind, it.version, it.deprecation_status];
                output::table(names, rows.map(row).collect())
            }
            (false, None) => {
                let row = |it: ListedPlugin| [it.name, it.kind, it.version];
                output::table(["Name", "Type", "Version"], rows.map(row).collect())
            }
            (false, Some(_)) => {
                let row = |it: ListedPlugin| [it.name, it.version];
                output::table(["Name", "Version"], rows.map(row).collect())
            }
        };
        Ok(session.io.print(&text)?)
    }
}

/// Returns a list as it is shown to programs: the names by their type, and what is known of each.
fn shown(detailed: bool, kind: Option<&str>, plugins: &[ListedPlugin]) -> Outcome<Json> {
    let details = Json::of(&plugins).map_err(|error| Error::local(error.to_string()))?;
    let details = ("details", details);
    if detailed {
        return Ok(Json::object([details]));
    }
    let kinds = ["auth", "database", "secret"].into_iter();
    let kinds = kinds.filter(|own| kind.is_none_or(|kind| kind == *own));
    let names = kinds.filter_map(|kind| {
        let of_kind = plugins.iter().filter(|plugin| plugin.kind == kind);
        let names: Vec<_> = of_kind.map(|plugin| Json::text(&plugin.name)).collect();
        (!names.is_empty()).then_some((kind, Json::List(names)))
    });
    Ok(Json::object(names.chain([details])))
}

/// Print what is known of one
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward plugin info secret transit
  keyward plugin info -field=version auth userpass")]
pub(crate) struct Info {
    /// Its type: auth, database or secret.
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Its name.
    name: String,
    #[command(flatten)]
    field: Field,
}

impl Info {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let request = ReadPlugin {
            kind: known(&self.kind)?,
            name: self.name.trim().to_owned(),
        };
        let doing = format!("reading plugin named {}", request.name);
        let reply = session.call(&doing, "sys", &request).await?;
        let answer = Answer::of(&reply).map_err(|error| Error::local(error.to_string()))?;
        let none = || Error::server(format!("No plugin named: {}", request.name));
        match (self.field.name(), session.format) {
            (None, Format::Json | Format::Yaml) => {
                session.show_value(answer.data().ok_or_else(none)?)
            }
            (field, _) => session.show(answer, field),
        }
    }
}
