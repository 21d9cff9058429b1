//! `keyward status`.

use clap::Args;
use keyward_api::sys::{Leader, SealStatus};

use crate::{
    arguments::Format,
    error::{Error, Outcome},
    json::Json,
    output,
    session::{Raw, Session},
};

/// Print whether the server is sealed
///
/// The exit code is 0 if it is unsealed, 2 if it is sealed, 1 if it does not answer.
#[derive(Args, Debug)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let request = Raw::new("GET", "sys/seal-status");
        let status = match session.bare::<Json>(request).await {
            Ok(status) => status,
            Err(error) => {
                let text = session.describe(&error);
                return Err(Error::local(format!("Error checking seal status: {text}")));
            }
        };
        if show(session, status).await? {
            Err(Error::server(""))
        } else {
            Ok(())
        }
    }
}

/// Prints what a server says of its seal, and tells whether it is sealed.
pub(super) async fn show(session: &mut Session<'_, '_>, mut status: Json) -> Outcome<bool> {
    let bytes = status.to_bytes();
    // EXPOSE: a status holds no secret.
    let typed = bytes.and_then(|bytes| serde_json::from_slice::<SealStatus>(bytes.expose()));
    let typed =
        typed.map_err(|error| Error::server(format!("the status cannot be read: {error}")))?;
    // One that does not tell is none of many.
    let leader = session.bare::<Leader>(Raw::new("GET", "sys/leader")).await;
    let is_one_of_many = leader.is_ok_and(|leader| leader.ha_enabled);
    match session.format {
        Format::Table => session
            .io
            .print(&output::pairs(rows(&typed, is_one_of_many)))?,
        Format::Json | Format::Yaml => {
            if let Json::Object(entries) = &mut status {
                entries.push(("ha_enabled".to_owned(), Json::Bool(is_one_of_many)));
            }
            session.show_value(&status)?;
        }
    }
    Ok(typed.sealed)
}

fn rows(status: &SealStatus, is_one_of_many: bool) -> Vec<(String, String)> {
    let SealStatus {
        t,
        n,
        progress,
        nonce,
        ..
    } = status;
    let mut rows = vec![("Seal Type", status.kind.clone())];
    if status.recovery_seal {
        rows.push(("Recovery Seal Type", status.recovery_seal_type.clone()));
    }
    rows.push(("Initialized", status.initialized.to_string()));
    rows.push(("Sealed", status.sealed.to_string()));
    let shares = if status.recovery_seal {
        "Total Recovery Shares"
    } else {
        "Total Shares"
    };
    rows.push((shares, n.to_string()));
    rows.push(("Threshold", t.to_string()));
    if status.sealed {
        rows.push(("Unseal Progress", format!("{progress}/{t}")));
        rows.push(("Unseal Nonce", nonce.clone()));
    }
    if status.migration {
        rows.push(("Seal Migration in Progress", status.migration.to_string()));
    }
    rows.push(("Version", status.version.clone()));
    if !status.build_date.is_empty() {
        rows.push(("Build Date", status.build_date.clone()));
    }
    rows.push(("Storage Type", status.storage_type.clone()));
    if let (Some(name), Some(id)) = (&status.cluster_name, &status.cluster_id) {
        rows.push(("Cluster Name", name.clone()));
        rows.push(("Cluster ID", id.clone()));
    }
    rows.push(("HA Enabled", is_one_of_many.to_string()));
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    rows.into_iter().map(owned).collect()
}
