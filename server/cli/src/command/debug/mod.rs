//! `keyward debug`.

mod bundle;
mod target;

use std::{cell::RefCell, collections::BTreeMap, fs::File, future, io::Write as _, time::Duration};

use clap::Args;
use keyward_api::{client::CallError, coerce, sys::ReadSealStatus};
use keyward_core::{Clock as _, SystemClock};
use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep_until},
};

use self::{bundle::Bundle, target::Target};
use super::monitor;
use crate::{
    Io,
    arguments::period,
    error::{Error, Outcome},
    output,
    serve::VERSION,
    session::{Session, refused},
    transport::{Http, Parts, Unreachable},
};

/// Collect what helps to understand a server into one file
///
/// It asks the server again and again, follows its log, and packs what came. What the token may not
/// read is left out and told of. Ctrl-C ends it before its time, with what there is by then. No
/// secret of the server is in it, but names of keys and paths may be.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward debug
  keyward debug -duration=10m -interval=1m
  keyward debug -target=host -target=metrics -output=/tmp/seen.tar.gz
  keyward debug -duration=0                       one look, at once")]
pub(crate) struct Debug {
    /// How long to collect.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    duration: Duration,
    /// How often to ask for all but the metrics.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = period)]
    interval: Duration,
    /// How often to ask for the metrics.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = period)]
    metrics_interval: Duration,
    /// What to collect, if not all of it; may be given several times.
    #[arg(long = "target", value_name = "TARGET", value_enum)]
    targets: Vec<Target>,
    /// The archive to write, or the folder; keyward-debug-TIME.tar.gz here if not given.
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// Pack the folder into an archive.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    compress: bool,
    /// How the log is written: standard or json.
    #[arg(long, value_name = "FORMAT", default_value = "standard")]
    log_format: String,
}

impl Debug {
    pub(crate) async fn run(mut self, session: &mut Session<'_, '_>) -> Outcome {
        if session.http.preview.is_some() {
            return Err(Error::local("this command sends many requests"));
        }
        session.http.wrap_ttl = None;
        let seal = target::read::<ReadSealStatus>(&session.http, "").await;
        let seal = seal
            .map_err(|error| Error::call("looking at the server", &error, &session.http.last()))?;
        self.targets.sort_unstable();
        self.targets.dedup();
        if self.targets.is_empty() {
            self.targets = Target::ALL.to_vec();
        }
        let begun = now();
        let output = self
            .output
            .clone()
            .unwrap_or_else(|| default_output(&begun));
        let bundle = RefCell::new(Bundle::create(&output, self.compress)?);
        let index = json!({
            "version": 1,
            "vault_address": session.http.address(),
            "client_version": VERSION,
            "server_version": seal["version"],
            "timestamp": begun,
            "duration_seconds": self.duration.as_secs(),
            "interval_seconds": self.interval.as_secs(),
            "metrics_interval_seconds": self.metrics_interval.as_secs(),
            "compress": self.compress,
            "targets": self.targets.iter().map(|target| target.name()).collect::<Vec<_>>(),
        });
        let Session { http, io, .. } = session;
        let log = self.open_log(http, &bundle).await;
        tokio::select! {
            biased;
            () = ended() => {}
            () = keep_log(log, &bundle) => {}
            () = self.ask(http, io, &bundle) => {}
        }
        let bundle = bundle.into_inner();
        let failures: String = bundle
            .failures()
            .map(|(target, error)| format!("\n  * {target}: {error}"))
            .collect();
        if !failures.is_empty() {
            session.io.complain(&format!(
                "WARNING! Not everything could be collected:\n{failures}\n"
            ));
        }
        let written = bundle.finish(index)?;
        session.success(&format!("What was collected is in {}", written.display()))
    }

    /// Asks for each target when it is due, until the time is over; once, where there is none.
    async fn ask(&self, http: &Http, io: &mut Io<'_>, bundle: &RefCell<Bundle>) {
        let begun = Instant::now();
        let end = begun + self.duration;
        let mut due: BTreeMap<_, _> = self.targets.iter().map(|target| (*target, begun)).collect();
        while let Some(next) = due.values().min().copied() {
            if next > begun && next >= end {
                break;
            }
            sleep_until(next).await;
            let now = Instant::now();
            let ready: Vec<_> = due.iter().filter(|(_, at)| **at <= now).collect();
            let ready: Vec<_> = ready.into_iter().map(|(target, _)| *target).collect();
            for target in &ready {
                sample(*target, http, bundle).await;
                match self.every(*target) {
                    Some(period) => due.insert(*target, now + period),
                    None => due.remove(target),
                };
            }
            io.complain(&self.progress(next - begun, &ready));
        }
        if self.targets.contains(&Target::Log) {
            sleep_until(end).await;
        }
    }

    /// Returns after which time to ask for a target again.
    fn every(&self, target: Target) -> Option<Duration> {
        match target {
            Target::Config | Target::Log => None,
            Target::Metrics => Some(self.metrics_interval),
            Target::Host | Target::Requests | Target::ServerStatus => Some(self.interval),
        }
    }

    /// Says how far it is.
    fn progress(&self, passed: Duration, asked: &[Target]) -> String {
        let names: Vec<_> = asked.iter().map(|target| target.name()).collect();
        format!(
            "{} of {}: {}",
            output::duration(passed.as_secs()),
            output::duration(self.duration.as_secs()),
            names.join(", ")
        )
    }

    /// Begins to follow what the server logs, if that is asked for.
    async fn open_log(&self, http: &Http, bundle: &RefCell<Bundle>) -> Option<(File, Parts)> {
        if !self.targets.contains(&Target::Log) {
            return None;
        }
        let opened = async {
            let request = monitor::lines("trace", &self.log_format).request()?;
            let opened = http.open(&request).await;
            let parts = opened.map_err(|error| error.to_string())?;
            let parts = parts.map_err(|refusal| reason(&refused(refusal)))?;
            let file = bundle.borrow().open(Target::Log.file());
            let file = file.map_err(|error| format!("{error:#}"))?;
            Ok((file, parts))
        };
        opened.await.map_err(|error| log_failed(bundle, error)).ok()
    }
}

/// Keeps what the server logs; it never ends by itself.
async fn keep_log(log: Option<(File, Parts)>, bundle: &RefCell<Bundle>) {
    if let Some((mut file, parts)) = log {
        let kept = parts.hand_on(|part| Ok(file.write_all(part)?)).await;
        let error = match kept {
            Ok(()) => "the server ended it".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        log_failed(bundle, error);
    }
    future::pending().await
}

fn log_failed(bundle: &RefCell<Bundle>, error: String) {
    let mut bundle = bundle.borrow_mut();
    bundle.fail(Target::Log.name(), error, &now());
}

/// Waits until somebody ends the process: by Ctrl-C, or as a terminal that goes or a machine that
/// stops does.
async fn ended() {
    let other = |kind| async move {
        match signal(kind) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = other(SignalKind::hangup()) => {}
        () = other(SignalKind::terminate()) => {}
    }
}

/// Asks for one target and keeps what came, or why nothing did.
async fn sample(target: Target, http: &Http, bundle: &RefCell<Bundle>) {
    let now = now();
    let sample = target.sample(http, &now).await;
    let mut bundle = bundle.borrow_mut();
    let kept = match sample {
        Ok(Some(sample)) => bundle.keep(target.file(), &sample),
        Ok(None) => Ok(()),
        Err(error) => return bundle.fail(target.name(), reason(&error), &now),
    };
    if let Err(error) = kept {
        bundle.fail(target.name(), format!("{error:#}"), &now);
    }
}

/// Says in one line why an answer is missing.
fn reason(error: &CallError<Unreachable>) -> String {
    match error {
        CallError::Invalid(text) | CallError::Malformed(text) => text.clone(),
        CallError::Transport(unreachable) => unreachable.to_string(),
        CallError::Refused {
            status, failure, ..
        } => format!("{status} {}", failure.errors.join(", ")),
    }
}

fn now() -> String {
    SystemClock.now().to_string()
}

/// Names the bundle by the second in which it was begun.
fn default_output(begun: &str) -> String {
    let second = begun.get(..19).unwrap_or(begun).replace(':', "-");
    format!("keyward-debug-{second}Z")
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = u64::try_from(coerce::parse_seconds(text)?);
    let seconds = seconds.map_err(|_| "it must not be less than 0".to_owned())?;
    Ok(Duration::from_secs(seconds))
}
