//! `keyward audit`: devices of a server, and the check of a log that needs no server.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use keyward_api::sys::{AuditDevice, DisableAuditDevice, EnableAuditDevice, ListAuditDevices};
use keyward_core::audit::verify::{Reason, Summary, verify};

use super::logical::trimmed;
use crate::{
    arguments::Format,
    data,
    error::{Error, Outcome},
    json::Json,
    output,
    session::Session,
};

/// Keep a record of every request and check it
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward audit enable file file_path=/var/log/keyward/audit.log durable=true
  keyward audit enable socket address=logs.example.com:9000
  keyward audit list -detailed
  keyward audit verify /var/log/keyward/audit.log")]
pub(crate) enum Audit {
    /// Disable a device; what it wrote stays
    Disable {
        /// Its name.
        path: String,
    },
    Enable(Enable),
    /// List the devices
    List {
        /// Show their options too.
        #[arg(long)]
        detailed: bool,
    },
    Verify(Verify),
}

impl Audit {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Disable { path } => disable(session, &path).await,
            Self::Enable(enable) => enable.run(session).await,
            Self::List { detailed } => list(session, detailed).await,
            Self::Verify(check) => check.run(session),
        }
    }
}

/// Enable a device
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward audit enable file file_path=/var/log/keyward/audit.log
  keyward audit enable -path=second file file_path=/mnt/audit.log durable=true
  keyward audit enable socket address=logs.example.com:9000 write_timeout=1s
  keyward audit enable socket address=/run/collector.sock socket_type=unix
  keyward audit enable syslog facility=LOCAL3 tag=keyward
  keyward audit enable http uri=https://logs.example.com/in headers='{\"Authorization\": [\"Bearer …\"]}'

Options of every device:
  prefix, hmac_accessor (true), elide_list_responses (false), skip_test (false)
Options of file:
  file_path (a path, stdout or discard), mode (0600), durable (false)
Options of socket:
  address, socket_type (tcp; or udp, unix, unixgram), write_timeout (2s)
Options of http:
  uri, headers (a JSON object with a list of values for each name)
Options of syslog:
  facility (AUTH), tag (vault), address (the socket of the system's daemon)")]
pub(crate) struct Enable {
    /// The type of device: file, http, socket or syslog.
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Its options, as key=value.
    options: Vec<String>,
    /// The name it gets; the type if not given.
    #[arg(long)]
    path: Option<String>,
    /// What to write about it.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Keep it out of replication; on one cluster it changes nothing.
    #[arg(long)]
    local: bool,
}

impl Enable {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let Self {
            kind,
            options,
            path,
            description,
            local,
        } = self;
        let request = EnableAuditDevice {
            path: trimmed(path.as_deref().unwrap_or(&kind)).to_owned(),
            kind: Some(kind.clone()),
            description,
            local: local.then_some(true),
            options: Some(data::read_texts(&options)?.into_iter().collect()),
        };
        session
            .call("enabling audit device", "sys", &request)
            .await?;
        session.success(&format!(
            "Enabled the {kind} audit device at: {}/",
            request.path
        ))
    }
}

async fn disable(session: &mut Session<'_, '_>, path: &str) -> Outcome {
    let request = DisableAuditDevice {
        path: trimmed(path).to_owned(),
    };
    session
        .call("disabling audit device", "sys", &request)
        .await?;
    session.success(&format!(
        "Disabled audit device (if it was enabled) at: {}/",
        request.path
    ))
}

async fn list(session: &mut Session<'_, '_>, detailed: bool) -> Outcome {
    let reply = session
        .call("listing audits", "sys", &ListAuditDevices::default())
        .await?;
    let devices = reply.data.unwrap_or_default();
    if session.format != Format::Table {
        let devices = Json::of(&devices).map_err(|error| Error::local(error.to_string()))?;
        return session.show_value(&devices);
    }
    if devices.is_empty() {
        session.io.say("No audit devices are enabled.")?;
        return Err(Error::server(""));
    }
    let rows = devices.into_iter();
    let text = if detailed {
        let names = ["Path", "Type", "Description", "Replication", "Options"];
        output::table(
            names,
            rows.map(|(path, device)| details(path, device)).collect(),
        )
    } else {
        let row = |(path, device): (String, AuditDevice)| [path, device.kind, device.description];
        output::table(["Path", "Type", "Description"], rows.map(row).collect())
    };
    Ok(session.io.print(&text)?)
}

fn details(path: String, device: AuditDevice) -> [String; 5] {
    let replication = if device.local { "local" } else { "replicated" };
    let options: Vec<_> = device
        .options
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    [
        path,
        device.kind,
        device.description,
        replication.to_owned(),
        options.join(" "),
    ]
}

/// Check that a log is whole: no line edited, removed, added or moved
///
/// It needs no server. Lines that are missing at the end show only in the last chain value: compare
/// it with the server's, or give the file that follows as well. The exit code is 0 for a log that
/// is whole, 2 for one that is not, 1 if it could not be checked.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward audit verify audit.log
  keyward audit verify audit.log.2 audit.log.1 audit.log    files that follow one another")]
pub(crate) struct Verify {
    /// The files, the oldest first.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Verify {
    fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let mut whole = Vec::<(&Path, Summary)>::new();
        let mut broken = Ok(());
        for file in &self.files {
            match check(file, whole.last().map(|(_, summary)| summary)) {
                Ok(summary) => whole.push((file, summary)),
                Err(error) => {
                    broken = Err(error);
                    break;
                }
            }
        }
        if session.format == Format::Table {
            let texts: Vec<_> = whole
                .iter()
                .map(|(file, summary)| text(file, summary))
                .collect();
            session.io.print(&texts.join("\n"))?;
        } else {
            let files = whole
                .iter()
                .map(|(file, summary)| json(file, summary))
                .collect();
            session.show_value(&Json::List(files))?;
        }
        broken
    }
}

fn check(file: &Path, before: Option<&Summary>) -> Outcome<Summary> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    verify(BufReader::new(opened), before).map_err(|broken| {
        let text = format!("{}: {broken}", file.display());
        match broken.reason {
            Reason::Unreadable(_) => Error::local(text),
            _ => Error::server(text),
        }
    })
}

fn text(file: &Path, summary: &Summary) -> String {
    let row = |name: &str, value: String| (name.to_owned(), value);
    let mut rows = vec![
        row("File", file.display().to_string()),
        row("Whole", "true".to_owned()),
        row("Lines", summary.lines.to_string()),
        row("Last Sequence", summary.sequence.to_string()),
        row("Chain Before", summary.previous.to_string()),
        row("Chain After", summary.last.to_string()),
    ];
    let torn = summary.torn.iter();
    rows.extend(torn.map(|(line, length)| {
        row(
            "Cut By A Crash",
            format!("{length} bytes of an unfinished line, after line {line}"),
        )
    }));
    let missed = summary.missed.iter();
    rows.extend(missed.map(|(line, lines)| {
        row(
            "Not Taken",
            format!("{lines} lines while the device failed or was too slow, after line {line}"),
        )
    }));
    output::pairs(rows)
}

fn json(file: &Path, summary: &Summary) -> Json {
    let number = |number: u64| Json::Number(number.to_string());
    let torn = summary.torn.iter().map(|(line, length)| {
        Json::object([("after_line", number(*line)), ("bytes", number(*length))])
    });
    let missed = summary.missed.iter().map(|(line, lines)| {
        Json::object([("after_line", number(*line)), ("lines", number(*lines))])
    });
    Json::object([
        ("file", Json::text(file.display().to_string())),
        ("lines", number(summary.lines)),
        ("last_sequence", number(summary.sequence)),
        ("chain_before", Json::text(summary.previous.to_string())),
        ("chain_after", Json::text(summary.last.to_string())),
        ("torn", Json::List(torn.collect())),
        ("missed", Json::List(missed.collect())),
    ])
}
