//! `keyward audit`: devices of a server, and the check of a log that needs no server.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use keyward_api::sys::{
    AuditDevice, AuditHead, DisableAuditDevice, EnableAuditDevice, ListAuditDevices, ReadAuditHead,
};
use keyward_core::audit::verify::{ChainValue, Reason, Summary, verify_each};

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
  keyward audit head file
  keyward audit verify /var/log/keyward/audit.log")]
pub(crate) enum Audit {
    /// Disable a device; what it wrote stays
    Disable {
        /// Its name.
        path: String,
    },
    Enable(Enable),
    Head(Head),
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
            Self::Head(head) => head.run(session).await,
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

/// Tell where the logs of devices end
///
/// The chain value of a line, kept where nobody who can write the log can change it, shows later
/// whether lines up to that one were removed or written anew: see `keyward audit verify -head`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward audit head
  keyward audit head -format=json file")]
pub(crate) struct Head {
    /// The name of a device; all of them if not given.
    path: Option<String>,
}

impl Head {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        if let Some(path) = self.path {
            let head = read_head(session, &path).await?;
            if session.format != Format::Table {
                let head = Json::of(&head).map_err(|error| Error::local(error.to_string()))?;
                return session.show_value(&head);
            }
            let rows = [
                ("Path", head.path),
                ("Sequence", head.sequence.to_string()),
                ("Chain", head.chain),
                ("Time", head.time),
            ];
            let rows = rows.map(|(name, value)| (name.to_owned(), value));
            return Ok(session.io.print(&output::pairs(rows.into()))?);
        }
        let request = ListAuditDevices::default();
        let listed = session.call("listing audits", "sys", &request).await?;
        let devices = listed.data.unwrap_or_default();
        let mut heads = Vec::new();
        for path in devices.keys() {
            heads.push(read_head(session, path).await?);
        }
        if session.format != Format::Table {
            let heads = Json::of(&heads).map_err(|error| Error::local(error.to_string()))?;
            return session.show_value(&heads);
        }
        if heads.is_empty() {
            session.io.say("No audit devices are enabled.")?;
            return Err(Error::server(""));
        }
        let rows = heads.into_iter();
        let rows = rows.map(|it| [it.path, it.sequence.to_string(), it.chain, it.time]);
        let names = ["Path", "Sequence", "Chain", "Time"];
        Ok(session.io.print(&output::table(names, rows.collect()))?)
    }
}

async fn read_head(session: &Session<'_, '_>, path: &str) -> Outcome<AuditHead> {
    let request = ReadAuditHead {
        path: trimmed(path).to_owned(),
    };
    let reply = session.call("reading the end of the log", "sys", &request);
    let head = reply.await?.data;
    head.ok_or_else(|| Error::server("the server did not tell where the log ends"))
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
/// It needs no server. Lines that are missing at the end show where the file that follows is given
/// as well, or the chain value of a line that was there: `keyward audit head` tells that of the last
/// one. A server that finds its log shortened says so, and goes on after a gap that shows here. The
/// exit code is 0 for a log that is whole, 2 for one that is not, 1 if it could not be checked.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward audit verify audit.log
  keyward audit verify audit.log.2 audit.log.1 audit.log    files that follow one another
  keyward audit verify -head=5feceb66ffc86f38…e9 audit.log")]
pub(crate) struct Verify {
    /// The files, the oldest first.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The chain value of a line that must be there: give the file that has it, too.
    #[arg(long, value_name = "CHAIN")]
    head: Option<ChainValue>,
}

impl Verify {
    fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let mut whole = Vec::<(&Path, Summary)>::new();
        let mut broken = Ok(());
        let mut is_there = false;
        let mut look = |value| is_there |= self.head == Some(value);
        for file in &self.files {
            match check(file, whole.last().map(|(_, summary)| summary), &mut look) {
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
        match self.head {
            Some(head) if broken.is_ok() && !is_there => Err(Error::server(format!(
                "no line has the chain value {head}: lines are missing, or are others"
            ))),
            _ => broken,
        }
    }
}

fn check(file: &Path, before: Option<&Summary>, look: impl FnMut(ChainValue)) -> Outcome<Summary> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    verify_each(BufReader::new(opened), before, look).map_err(|broken| {
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
