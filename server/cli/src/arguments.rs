//! What stands on the command line.
//!
//! Vault's flags are long words behind one dash (`-format=json`), with the value behind `=` or in
//! the next argument; two dashes work as well, and flags may stand before, between and after the
//! other arguments. [`clap`] knows only two dashes, so arguments are respelled on the way in and
//! everything that is shown on the way out.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, ValueEnum, error::ErrorKind};
use keyward_api::coerce;

use crate::{Environment, command::Command, transport::Preview};

/// All that a command line says.
#[derive(Debug, Parser)]
#[command(
    name = "keyward",
    version,
    about = "Keyward: encryption as a service, in Vault's words",
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Examples:
  keyward server -dev                             try it out: a server that keeps nothing
  export KEYWARD_ADDR=http://127.0.0.1:8200       (VAULT_ADDR works too)
  keyward login                                   ask for a token and keep it
  keyward kv put secret/hello myvalue=s3cr3t
  keyward kv get -field=myvalue secret/hello
  keyward secrets enable transit
  keyward write -f transit/keys/orders
  keyward write transit/encrypt/orders plaintext=aGVsbG8="
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// How results are printed.
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Output")]
    pub(crate) format: Option<Format>,
}

/// Which server is asked, and how; what is not given comes from the environment.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection (each from KEYWARD_… or VAULT_… if not given)")]
pub(crate) struct Connection {
    /// The server, such as https://127.0.0.1:8200 or unix:///run/keyward.sock. [ADDR]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    pub(crate) address: Option<String>,
    /// The namespace. [NAMESPACE]
    #[arg(
        long,
        alias = "ns",
        global = true,
        hide_short_help = true,
        value_name = "NAME"
    )]
    pub(crate) namespace: Option<String>,
    /// The only certificates to trust, in a PEM file. [CACERT]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) ca_cert: Option<String>,
    /// The only certificates to trust, in a folder of PEM files. [CAPATH]
    #[arg(long, global = true, hide_short_help = true, value_name = "FOLDER")]
    pub(crate) ca_path: Option<String>,
    /// The certificate to show to the server, in a PEM file. [CLIENT_CERT]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) client_cert: Option<String>,
    /// The key of that certificate, in a PEM file. [CLIENT_KEY]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) client_key: Option<String>,
    /// The name that the server's certificate must hold for, if not that of its address.
    /// [TLS_SERVER_NAME]
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,
    /// Trust any certificate: whoever is in between reads all. [SKIP_VERIFY]
    #[arg(long, global = true, hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tls_skip_verify: Option<bool>,
    /// Get a token that opens the answer, once and for so long, instead of the answer; such as 5m.
    /// [WRAP_TTL]
    #[arg(long, global = true, hide_short_help = true, value_name = "DURATION")]
    pub(crate) wrap_ttl: Option<String>,
    /// Print the command of curl that does the same, and send nothing. What only finds out what to
    /// send is asked all the same, such as the version of a kv mount.
    #[arg(long, global = true, hide_short_help = true, help_heading = "Output")]
    output_curl_string: bool,
    /// Print the rule of a policy that allows it, and send nothing; as -output-curl-string.
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        help_heading = "Output",
        conflicts_with = "output_curl_string"
    )]
    output_policy: bool,
}

impl Connection {
    /// Returns how requests are shown in the place of being sent, if they are.
    pub(crate) fn preview(&self) -> Option<Preview> {
        match self {
            _ if self.output_curl_string => Some(Preview::Curl),
            _ if self.output_policy => Some(Preview::Policy),
            _ => None,
        }
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON value, the whole answer.
    Json,
    /// Columns for people.
    #[default]
    Table,
    /// One YAML document, the whole answer.
    Yaml,
}

impl Format {
    /// Returns the format that the environment names.
    pub(crate) fn of(environment: &Environment) -> Result<Self> {
        let Some((name, text)) = environment.named("FORMAT") else {
            return Ok(Self::default());
        };
        let format = Self::from_str(text, true).ok();
        format.with_context(|| format!("{name} must be table, json or yaml"))
    }
}

/// Reads a duration of a second or more, in seconds or with its units.
pub(crate) fn period(text: &str) -> Result<Duration, String> {
    let seconds = u64::try_from(coerce::parse_seconds(text)?).ok();
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "it must be more than 0".to_owned())
}

/// Why there is no command to run.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Help was asked for.
    Help(String),
    /// The arguments make no sense.
    Usage(String),
}

/// Reads the arguments behind the program's name.
pub(crate) fn parse(arguments: &[String]) -> std::result::Result<Arguments, Stop> {
    let arguments = std::iter::once("keyward".to_owned()).chain(respell(arguments));
    Arguments::try_parse_from(arguments).map_err(|error| {
        let text = single_dashed(&error.render().to_string());
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Help(text),
            _ => Stop::Usage(text),
        }
    })
}

/// Gives the long flags of Vault's spelling their second dash. Behind `--` nothing is a flag.
fn respell(arguments: &[String]) -> impl Iterator<Item = String> {
    let flags = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .count();
    arguments.iter().enumerate().map(move |(at, argument)| {
        if at < flags && is_long_flag(argument) {
            format!("-{argument}")
        } else {
            argument.clone()
        }
    })
}

/// Tells whether an argument is one dash and a word of more than one letter.
fn is_long_flag(argument: &str) -> bool {
    argument.strip_prefix('-').is_some_and(|flag| {
        let name = flag.split_once('=').map_or(flag, |(name, _)| name);
        name.len() > 1 && name.starts_with(|first: char| first.is_ascii_alphabetic())
    })
}

/// Takes the second dash of every flag away again, in what is shown.
fn single_dashed(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("--") {
        let (before, dashes) = rest.split_at(at);
        let begins = before.chars().last().or(shown.chars().last());
        let names = dashes[2..].starts_with(|next: char| next.is_ascii_alphabetic());
        shown.push_str(before);
        let is_flag =
            names && begins.is_none_or(|begins| !begins.is_alphanumeric() && begins != '-');
        shown.push_str(if is_flag { "-" } else { "--" });
        rest = &dashes[2..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use proptest::prelude::*;

    use super::*;

    fn respelled(arguments: &[&str]) -> Vec<String> {
        let owned: Vec<_> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        respell(&owned).collect()
    }

    #[test]
    fn every_command_is_declared_without_contradiction() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn long_flags_get_a_second_dash_and_nothing_else_changes() {
        let given = [
            "-format=json",
            "--field",
            "-x",
            "-f",
            "-",
            "k=-v",
            "-12",
            "-dev",
        ];
        let wanted = [
            "--format=json",
            "--field",
            "-x",
            "-f",
            "-",
            "k=-v",
            "-12",
            "--dev",
        ];
        assert_eq!(respelled(&given), wanted);
    }

    #[test]
    fn behind_two_dashes_nothing_is_a_flag() {
        assert_eq!(respelled(&["-dev", "--", "-dev"]), ["--dev", "--", "-dev"]);
    }

    #[test]
    fn help_shows_flags_with_one_dash() {
        let shown = single_dashed("Usage: keyward [--format <F>] '--x' a--b ---- -- --y");
        assert_eq!(shown, "Usage: keyward [-format <F>] '-x' a--b ---- -- -y");
        let Err(Stop::Help(help)) = parse(&["server".into(), "-help".into()]) else {
            panic!("help was asked for");
        };
        assert!(help.contains(" -dev-root-token-id"), "{help}");
        assert!(!help.contains("--"), "{help}");
    }

    #[test]
    fn an_unknown_flag_is_named_as_it_was_written() {
        let Err(Stop::Usage(text)) = parse(&["status".into(), "-nope".into()]) else {
            panic!("it is unknown");
        };
        assert!(text.contains("'-nope'"), "{text}");
    }

    proptest! {
        #[test]
        fn respelling_twice_is_respelling_once(given in proptest::collection::vec(".{0,12}", 0..6)) {
            let once: Vec<_> = respell(&given).collect();
            let twice: Vec<_> = respell(&once).collect();
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn any_arguments_are_parsed_or_refused(given in proptest::collection::vec("[-a-z=]{0,9}", 0..5)) {
            // A server would really be one: everything else only parses.
            let _ = parse(&given);
        }
    }
}
