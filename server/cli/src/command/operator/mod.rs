//! `keyward operator`: initialization, the seal, and the keys behind it.

mod generate_root;
mod members;
mod pgp;
mod rekey;
mod validate_config;

use std::fmt::Display;

use clap::{Args, Subcommand};
use keyward_api::{
    Reply, Sensitive,
    sys::{
        InitStatus, Initialize, Initialized, KeyStatus, ReadKeyStatus, Rotate, Seal, SealStatus,
        StepDown, Unseal,
    },
};
use keyward_crypto::SecretString;
use serde::Serialize;

use super::status;
use crate::{
    arguments::Format,
    error::{Error, Outcome},
    io::trimmed,
    json::Json,
    output,
    session::{Raw, Session},
};

/// Initialize, unseal and seal a server, and change its keys
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  keyward operator init -key-shares=5 -key-threshold=3
  keyward operator unseal                         three times, with three of the shares
  keyward operator rotate-keys -init -verify      new unseal keys
  keyward operator rotate                         a new key for new entries
  keyward operator seal")]
pub(crate) enum Operator {
    GenerateRoot(generate_root::GenerateRoot),
    Init(Init),
    /// Print which key seals new entries, and how many it sealed
    KeyStatus,
    /// List the servers of the cluster
    Members,
    Rekey(rekey::Rekey),
    /// Make the key that seals new entries anew; older entries stay readable
    Rotate,
    RotateKeys(rekey::RotateKeys),
    /// Seal the server: it forgets every key
    Seal,
    /// Have another server of the cluster lead; without one nothing changes
    StepDown,
    Unseal(UnsealBy),
    ValidateConfig(validate_config::ValidateConfig),
}

impl Operator {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::GenerateRoot(command) => command.run(session).await,
            Self::Init(command) => command.run(session).await,
            Self::KeyStatus => key_status(session).await,
            Self::Members => members::run(session).await,
            Self::Rekey(command) => command.run(session).await,
            Self::Rotate => {
                session
                    .call("rotating key", "sys", &Rotate::default())
                    .await?;
                session.success("Rotated key\n")?;
                key_status(session).await
            }
            Self::RotateKeys(command) => command.run(session).await,
            Self::Seal => {
                session.call("sealing", "sys", &Seal::default()).await?;
                session.success("Vault is sealed.")
            }
            Self::StepDown => {
                let request = StepDown::default();
                session.call("stepping down", "sys", &request).await?;
                let address = session.http.address().to_owned();
                session.success(&format!("Stepped down: {address}"))
            }
            Self::Unseal(command) => command.run(session).await,
            Self::ValidateConfig(command) => command.run(session),
        }
    }
}

/// What is done about an attempt that needs several people; if nothing is said, a key is given.
#[derive(Args, Debug)]
struct Step {
    /// Begin an attempt.
    #[arg(long, group = "mode", conflicts_with = "key")]
    init: bool,
    /// Give the attempt up, with the keys given so far.
    #[arg(long, group = "mode", conflicts_with = "key")]
    cancel: bool,
    /// Only print how far it is.
    #[arg(long, group = "mode", conflicts_with = "key")]
    status: bool,
}

/// Make the keys of a new server
///
/// It prints the shares of the unseal key and the first root token, once: give the shares to
/// different people, and revoke the root token when policies and other tokens are there. Where the
/// seal opens by itself, the shares are those of a recovery key, which generates root tokens.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward operator init
  keyward operator init -key-shares=1 -key-threshold=1 -format=json
  keyward operator init -recovery-shares=5 -recovery-threshold=3
  keyward operator init -key-shares=2 -key-threshold=2 -pgp-keys=ada.asc,ben.asc
                                                  each share encrypted to its holder, who reads it
                                                  with \"base64 -d | gpg -d\"
  keyward operator init -status                   0 if it was done, 2 if not")]
pub(crate) struct Init {
    /// Into how many shares the unseal key is split; 5 if not given.
    #[arg(
        short = 'n',
        long,
        value_name = "NUMBER",
        allow_negative_numbers = true
    )]
    key_shares: Option<i64>,
    /// How many shares bring it back; 3 if not given.
    #[arg(
        short = 't',
        long,
        value_name = "NUMBER",
        allow_negative_numbers = true
    )]
    key_threshold: Option<i64>,
    /// Into how many shares the recovery key is split, if the seal opens by itself; 5 if not given,
    /// 0 for none.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    recovery_shares: Option<i64>,
    /// How many shares bring it back; 3 if not given.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    recovery_threshold: Option<i64>,
    /// Files with the OpenPGP public keys that the shares of the unseal key are encrypted to: as many
    /// as shares, in their order, armored or binary.
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    pgp_keys: Vec<String>,
    /// The same for the shares of the recovery key.
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    recovery_pgp_keys: Vec<String>,
    /// A file with the OpenPGP public key that the root token is encrypted to.
    #[arg(long, value_name = "FILE")]
    root_token_pgp_key: Option<String>,
    /// Only print whether it was done.
    #[arg(long)]
    status: bool,
}

impl Init {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        if self.status {
            return init_status(session).await;
        }
        // Which keys there will be is the server's to say.
        let preview = session.http.preview.take();
        let asked = session.bare::<SealStatus>(Raw::new("GET", "sys/seal-status"));
        let recovers = asked.await.is_ok_and(|status| status.recovery_seal);
        session.http.preview = preview;
        let (shares, threshold) = if recovers {
            (self.recovery_shares, self.recovery_threshold)
        } else {
            (self.key_shares, self.key_threshold)
        };
        let shares = shares.unwrap_or(5);
        let threshold = threshold.unwrap_or(if shares == 0 { 0 } else { 3 });
        let mut request = Initialize {
            secret_shares: self.key_shares,
            secret_threshold: self.key_threshold,
            recovery_shares: self.recovery_shares,
            recovery_threshold: self.recovery_threshold,
            pgp_keys: pgp::read_all(&self.pgp_keys)?,
            recovery_pgp_keys: pgp::read_all(&self.recovery_pgp_keys)?,
            root_token_pgp_key: self
                .root_token_pgp_key
                .as_deref()
                .map(pgp::read)
                .transpose()?,
        };
        if recovers {
            request.recovery_shares = Some(shares);
            request.recovery_threshold = Some(threshold);
        } else {
            request.secret_shares = Some(shares);
            request.secret_threshold = Some(threshold);
        }
        let initialized = put::<Initialized>(session, "initializing", "sys/init", &request).await?;
        let split = (shares, threshold);
        match session.format {
            Format::Table if recovers => {
                Ok(session.io.print(&told_of_recovery(split, &initialized))?)
            }
            Format::Table => Ok(session.io.print(&told(split, &initialized))?),
            Format::Json | Format::Yaml => {
                session.show_value(&initialized_keys(recovers, split, initialized))
            }
        }
    }
}

fn told((shares, threshold): (i64, i64), initialized: &Initialized) -> String {
    listed("Unseal Key", &initialized.keys_base64, initialized)
        + &format!(
            "Vault initialized with {shares} key shares and a key threshold of {threshold}.\n\
             Give the shares to different people now: they are shown this once and kept nowhere.\n\
             Each time the server starts or was sealed, {threshold} of them unseal it; with fewer its \
             data\nis lost.\n"
        )
}

fn told_of_recovery((shares, threshold): (i64, i64), initialized: &Initialized) -> String {
    let keys = if shares == 0 {
        "There is no recovery key. Make one before you need it, with the root token:\n\
         \"keyward operator rotate-keys -target=recovery -init\".\n"
            .to_owned()
    } else {
        format!(
            "Recovery key initialized with {shares} key shares and a key threshold of {threshold}.\n"
        )
    };
    let recovery_keys = &initialized.recovery_keys_base64;
    listed("Recovery Key", recovery_keys, initialized)
        + &format!(
            "Success! Vault is initialized\n\n{keys}\
             The server unseals by itself. Recovery keys generate a root token and move the store \
             to\nanother seal; without the seal they open nothing, and its data is lost.\n"
        )
}

/// Returns the keys with the names of Vault's command line.
fn initialized_keys(recovers: bool, split: (i64, i64), initialized: Initialized) -> Json {
    let texts = |shares: Vec<Sensitive>| {
        // EXPOSE: shown once to the operator who asked.
        let texts = shares
            .iter()
            .map(|share| SecretString::from(share.expose()));
        Json::List(texts.map(Json::Text).collect())
    };
    let number = |number: i64| Json::Number(number.to_string());
    // Vault says that a seal which opens by itself keeps its key in one share.
    let (unseal, recovery) = if recovers {
        ((1, 1), split)
    } else {
        (split, (0, 0))
    };
    Json::object([
        ("unseal_keys_b64", texts(initialized.keys_base64)),
        ("unseal_keys_hex", texts(initialized.keys)),
        ("unseal_shares", number(unseal.0)),
        ("unseal_threshold", number(unseal.1)),
        ("recovery_keys_b64", texts(initialized.recovery_keys_base64)),
        ("recovery_keys_hex", texts(initialized.recovery_keys)),
        ("recovery_keys_shares", number(recovery.0)),
        ("recovery_keys_threshold", number(recovery.1)),
        // EXPOSE: shown once to the operator who asked.
        ("root_token", Json::text(initialized.root_token.expose())),
    ])
}

/// Lists the shares, and the root token.
fn listed(name: &str, shares: &[Sensitive], initialized: &Initialized) -> String {
    let mut text = String::new();
    for (at, share) in shares.iter().enumerate() {
        // EXPOSE: shown once to the operator who asked.
        text.push_str(&format!("{name} {}: {}\n", at + 1, share.expose()));
    }
    // EXPOSE: shown once to the operator who asked.
    let root_token = initialized.root_token.expose();
    text + &format!("\nInitial Root Token: {root_token}\n\n")
}

async fn init_status(session: &mut Session<'_, '_>) -> Outcome {
    let asked = session
        .bare::<InitStatus>(Raw::new("GET", "sys/init"))
        .await;
    let status = asked.map_err(|error| {
        // Code 2 would say that it was not done.
        Error::local(format!(
            "Error checking init status: {}",
            session.describe(&error)
        ))
    })?;
    if session.format != Format::Table {
        session.show_value(&Json::object([(
            "Initialized",
            Json::Bool(status.initialized),
        )]))?;
    }
    let told = |session: &mut Session<'_, '_>, text: &str| match session.format {
        Format::Table => session.io.say(text),
        Format::Json | Format::Yaml => Ok(()),
    };
    if status.initialized {
        return Ok(told(session, "Vault is initialized")?);
    }
    told(session, "Vault is not initialized")?;
    Err(Error::server(""))
}

/// Give one share of the unseal key, or of the recovery key
///
/// Without a share on the command line it is asked for, and not shown while you type.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward operator unseal                         ask for the share
  keyward operator unseal - < share.txt           read it from standard input
  keyward operator unseal -reset                  begin anew
  keyward operator unseal -migrate                move the store to the seal in the configuration")]
pub(crate) struct UnsealBy {
    /// The share, or - for standard input; on the command line other users can see it.
    key: Option<String>,
    /// Forget the shares given so far.
    #[arg(long, conflicts_with = "key")]
    reset: bool,
    /// Move the store from one seal to another: once enough shares are given, it is done.
    #[arg(long, conflicts_with = "reset")]
    migrate: bool,
}

impl UnsealBy {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let (doing, request) = if self.reset {
            (
                "resetting unseal process",
                Unseal {
                    reset: Some(true),
                    ..Unseal::default()
                },
            )
        } else {
            let key = match self.key.as_deref() {
                None => asked(session)?,
                Some("-") => trimmed(&session.io.read_all()?),
                Some(key) => SecretString::from(key.trim()),
            };
            (
                "unsealing",
                Unseal {
                    key: Some(key.into()),
                    migrate: self.migrate.then_some(true),
                    ..Unseal::default()
                },
            )
        };
        let status = put::<Json>(session, doing, "sys/unseal", &request).await?;
        // Sealed still is no failure: the share was taken.
        status::show(session, status).await.map(drop)
    }
}

/// Asks for a key, as it is not on the command line. Nothing is none, and is not sent.
fn asked(session: &mut Session<'_, '_>) -> Outcome<SecretString> {
    let key = session.io.ask("Unseal Key (will be hidden): ")?;
    // EXPOSE: only whether there is one.
    if !key.expose().is_empty() {
        return Ok(key);
    }
    let reason = match session.io.input_is_terminal {
        true => "no key was typed",
        false => "standard input is no terminal, and holds no key",
    };
    Err(Error::local(format!(
        "An error occurred attempting to ask for an unseal key. The raw error message\n\
         is shown below, but usually this is because you attempted to pipe a value\n\
         into the unseal command or you are executing outside of a terminal (tty). You\n\
         should run the unseal command from a terminal for maximum security. If this\n\
         is not an option, the unseal key can be provided as the first argument to the\n\
         unseal command. The raw error was: {reason}"
    )))
}

/// Returns a key and the nonce of the attempt that it is for. One that is typed is for the attempt
/// that runs; else somebody began an attempt and said which.
fn share(
    session: &mut Session<'_, '_>,
    key: Option<&str>,
    nonce: Option<String>,
    running: &str,
    named: &str,
) -> Outcome<(SecretString, String)> {
    let Some(key) = key else {
        let nonce = nonce.unwrap_or_else(|| running.to_owned());
        session.io.complain(&format!("{named}: {nonce}"));
        return Ok((asked(session)?, nonce));
    };
    let missing = || Error::local("Missing nonce value: specify it via the -nonce flag");
    let nonce = nonce.ok_or_else(missing)?;
    let key = match key {
        "-" => trimmed(&session.io.read_all()?),
        key => SecretString::from(key.trim()),
    };
    Ok((key, nonce))
}

/// Returns what an answer holds that always holds something.
fn answered<T>(reply: Reply<T>) -> Outcome<T> {
    let none = || Error::server("the server's answer is empty");
    reply.data.ok_or_else(none)
}

fn row(name: &str, value: impl Display) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// Returns an answer as it is shown to programs.
fn shown(value: &impl Serialize) -> Outcome<Json> {
    Json::of(value).map_err(|error| Error::local(error.to_string()))
}

/// Writes to one of the paths that answer without Vault's envelope.
async fn put<T: serde::de::DeserializeOwned>(
    session: &Session<'_, '_>,
    doing: &str,
    path: &str,
    request: &impl Serialize,
) -> Outcome<T> {
    let body = Json::of(request).map_err(|error| Error::local(error.to_string()))?;
    let asked = session.bare::<T>(Raw::new("PUT", path).with(&body)?).await;
    asked.map_err(|error| Error::call(doing, &error, &session.http.last()))
}

async fn key_status(session: &mut Session<'_, '_>) -> Outcome {
    let reply = session
        .call("reading key status", "sys", &ReadKeyStatus::default())
        .await?;
    let none = || Error::server("the server says nothing of its key");
    let KeyStatus {
        term,
        install_time,
        encryptions,
    } = reply.data.ok_or_else(none)?;
    if session.format == Format::Table {
        let row = |name: &str, value: String| [name.to_owned(), value];
        let rows = [
            row("Key Term", term.to_string()),
            row("Install Time", install_time),
            row("Encryption Count", encryptions.to_string()),
        ];
        return Ok(session.io.print(&output::columns(&rows))?);
    }
    session.show_value(&Json::object([
        ("term", Json::Number(term.to_string())),
        ("install_time", Json::text(install_time)),
        ("encryptions", Json::Number(encryptions.to_string())),
    ]))
}
