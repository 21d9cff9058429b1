//! `keyward version-history`.

use clap::Args;
use keyward_api::sys::{ListVersions, Versions};

use crate::{
    answer::Answer,
    arguments::Format,
    error::{Error, Outcome},
    output,
    session::Session,
};

/// Print which versions of the server worked on its data, and since when
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward version-history
  keyward version-history -format=json")]
pub(crate) struct VersionHistory {}

impl VersionHistory {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let request = ListVersions::default();
        let reply = session
            .call("listing version history", "sys", &request)
            .await?;
        if session.format != Format::Table {
            let answer = Answer::of(&reply).map_err(|error| Error::local(error.to_string()))?;
            return session.show(answer, None);
        }
        let Versions { keys, mut key_info } = reply.data.unwrap_or_default();
        let rows = keys.into_iter().map(|version| {
            let known = key_info.remove(&version);
            let installed = known.map(|known| known.timestamp_installed);
            [version, installed.unwrap_or_default()]
        });
        let names = ["Version", "Installation Time"];
        Ok(session.io.print(&output::table(names, rows.collect()))?)
    }
}
