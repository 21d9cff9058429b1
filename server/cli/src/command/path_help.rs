//! `keyward path-help`.

use clap::Args;
use keyward_api::sys::{Help, ReadHelp};

use crate::{
    arguments::Format,
    error::{Error, Outcome},
    json::Json,
    session::Session,
};

/// Tell what can be done at a path, and with which parameters
///
/// The path of a mount tells which paths it has. Any token may ask.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward path-help transit                       the paths of the mount
  keyward path-help transit/encrypt/orders        operations and parameters
  keyward path-help sys/mounts/x -format=json     the same for programs, as OpenAPI")]
pub(crate) struct PathHelp {
    /// The path, with that of its mount.
    path: String,
}

impl PathHelp {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let request = ReadHelp { path: self.path };
        let reply = session.call("retrieving help", "sys", &request).await?;
        let none = || Error::server("the server says nothing of this path");
        let Help { help, openapi, .. } = reply.data.ok_or_else(none)?;
        if session.format == Format::Table {
            return Ok(session.io.print(&help)?);
        }
        let openapi = Json::of(&openapi).map_err(|error| Error::local(error.to_string()))?;
        session.show_value(&openapi)
    }
}
