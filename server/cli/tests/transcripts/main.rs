//! Transcripts: what is typed, and what a user then reads, against a real server.
//!
//! Each file below `transcripts/` is played against a server of its own. A line `$ keyward …` is
//! run; what it prints follows, errors behind `! `, and its exit code if that is not 0. What differs
//! from run to run stands as `<time>`, `<id>` and the like. `NAME=$(keyward …)` keeps an output for
//! later lines and for the environment of commands, its last line alone with ` | tail -n 1` behind
//! the command, and `<<< '…'` is piped in; `<tty '…'` is typed at a real terminal as soon as it is
//! asked for, and what then stands there follows. `keyward server -config=… &` starts a server,
//! behind which `kill %1` stops it, and `until keyward status` asks until it is unsealed.
//! `UPDATE_TRANSCRIPTS=1` writes the files anew: read the difference before you keep it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on must say where"
)]

mod server;
mod shown;
mod terminal;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use keyward_cli::{Environment, Io};
use server::Server;

/// What the commands of one transcript share.
struct Shell {
    variables: BTreeMap<String, String>,
    home: tempfile::TempDir,
    server: Option<Server>,
}

/// What one command came to.
struct Ran {
    output: String,
    errors: String,
    code: u8,
}

impl Shell {
    fn new(server: Option<Server>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().display().to_string();
        let variables = [
            ("HOME".to_owned(), folder.clone()),
            ("DIR".to_owned(), folder),
            ("KEYWARD_MAX_RETRIES".to_owned(), "0".to_owned()),
        ];
        let mut shell = Self {
            variables: variables.into(),
            home,
            server: None,
        };
        if let Some(server) = server {
            shell.talk_to(server);
        }
        shell
    }

    /// Has the commands that follow talk to a server.
    fn talk_to(&mut self, server: Server) {
        let address = ("VAULT_ADDR".to_owned(), server.url().to_owned());
        self.variables.extend([address]);
        self.server = Some(server);
    }

    /// Runs one line and returns what the transcript shall hold behind it.
    fn play(&mut self, line: &str) -> String {
        if let Some((file, text)) = line
            .strip_prefix("cat > $DIR/")
            .and_then(|line| line.split_once(" <<< "))
        {
            let text = self.words(text).concat();
            fs::write(self.home.path().join(file), text.replace("\\n", "\n")).unwrap();
            return String::new();
        }
        if line == "kill %1" {
            self.server = None;
            return String::new();
        }
        if let Some(command) = line.strip_suffix(" &") {
            let words = self.words(command);
            let flags = words
                .strip_prefix(&["keyward", "server"].map(str::to_owned))
                .unwrap_or_else(|| panic!("only a server is left running here: {line}"));
            self.talk_to(Server::start(flags));
            return String::new();
        }
        if let Some((name, value)) = assignment(line) {
            let value = match value
                .strip_prefix("$(")
                .and_then(|value| value.strip_suffix(')'))
            {
                Some(command) => match command.strip_suffix(" | tail -n 1") {
                    Some(command) => {
                        let output = self.run(command).output;
                        output.lines().last().unwrap_or_default().to_owned()
                    }
                    None => self.run(command).output,
                },
                None => self.words(value).concat(),
            };
            self.variables.insert(name.to_owned(), value);
            return String::new();
        }
        let Ran {
            output,
            errors,
            code,
        } = self.run(line);
        let mut text = output;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str("<no line feed>\n");
        }
        for error in errors.lines() {
            writeln!(text, "! {error}").unwrap();
        }
        if code != 0 {
            writeln!(text, "[{code}]").unwrap();
        }
        let folder = self.home.path().display().to_string();
        let text = text.replace(&folder, "$DIR");
        shown::shown(&match &self.server {
            Some(server) => text.replace(server.url(), "<server>"),
            None => text,
        })
    }

    fn run(&self, line: &str) -> Ran {
        let Some(line) = line.strip_prefix("until ") else {
            return self.run_once(line);
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let ran = self.run_once(line);
            if ran.code == 0 || Instant::now() > deadline {
                return ran;
            }
        }
    }

    fn run_once(&self, line: &str) -> Ran {
        if let Some((command, typed)) = line.split_once(" <tty ") {
            let typed = self.words(typed).concat();
            let (output, code) = terminal::run(&self.arguments(command), &typed, &self.variables);
            return Ran {
                output,
                errors: String::new(),
                code,
            };
        }
        let (command, input) = line.split_once(" <<< ").unwrap_or((line, "''"));
        let arguments = self.arguments(command);
        let input = self.words(input).concat() + "\n";
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let code = keyward_cli::run(
            &arguments,
            &mut Io {
                input: Box::new(input.as_bytes()),
                output: Box::new(&mut output),
                errors: Box::new(&mut errors),
                environment: self.variables.clone().into_iter().collect::<Environment>(),
                input_is_terminal: false,
                output_is_terminal: false,
            },
        );
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            output: text(output),
            errors: text(errors),
            code,
        }
    }

    /// Returns the words behind `keyward`.
    fn arguments(&self, command: &str) -> Vec<String> {
        let mut words = self.words(command);
        assert!(
            words.first().is_some_and(|word| word == "keyward"),
            "only keyward is run here: {command}"
        );
        words.remove(0);
        words
    }

    /// Splits a line as a shell does: blanks part words, single quotes keep them, `$NAME` is what
    /// was kept under that name.
    fn words(&self, line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for (at, part) in line.split('\'').enumerate() {
            if at % 2 == 1 {
                words.last_mut().unwrap().push_str(part);
                continue;
            }
            for (at, piece) in part.split(' ').enumerate() {
                if at > 0 {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push_str(&self.filled(piece));
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// Puts in what was kept: `$NAME`, or `$NAME.field.0` of a JSON value.
    fn filled(&self, piece: &str) -> String {
        let Some((before, rest)) = piece.split_once('$') else {
            return piece.to_owned();
        };
        let end = rest
            .find(|c: char| !c.is_ascii_uppercase())
            .unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let value = self
            .variables
            .get(name)
            .unwrap_or_else(|| panic!("nothing is kept as {name}"));
        let Some(rest) = rest.strip_prefix('.') else {
            return format!("{before}{value}{}", self.filled(rest));
        };
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        let part = value
            .pointer(&format!("/{}", rest.replace('.', "/")))
            .unwrap();
        format!("{before}{}", part.as_str().unwrap())
    }
}

/// Reads `NAME=…`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    (is_name && !name.is_empty()).then_some((name, value))
}

/// Plays a file and compares.
fn play(name: &str, server: Option<Server>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let file = folder.join(name);
    let wanted = fs::read_to_string(&file).unwrap();
    let mut shell = Shell::new(server);
    let mut told = String::new();
    for line in wanted.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            writeln!(told, "{line}").unwrap();
            told.push_str(&shell.play(command));
        } else if line.starts_with("# ") {
            let gap = if told.is_empty() { "" } else { "\n" };
            writeln!(told, "{gap}{line}").unwrap();
        }
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        fs::write(&file, &told).unwrap();
        return;
    }
    let first = told
        .lines()
        .zip(wanted.lines())
        .position(|(told, wanted)| told != wanted);
    let first = first.unwrap_or_else(|| told.lines().count().min(wanted.lines().count()));
    assert!(
        told == wanted,
        "{name} differs from line {} on; now it is:\n{told}",
        first + 1
    );
}

/// Names each transcript as a test, with the server that it needs.
macro_rules! transcripts {
    ($($test:ident: $file:literal on $server:ident;)*) => {
        $(
            #[test]
            fn $test() {
                play($file, transcripts!(@$server));
            }
        )*
    };
    (@nothing) => { None };
    (@$server:ident) => { Some(Server::$server()) };
}

transcripts! {
    a_server_is_initialized_unsealed_and_sealed: "operator.txt" on sealed;
    a_server_opens_by_itself_with_a_static_key: "seal_static.txt" on nothing;
    a_store_is_moved_from_people_to_a_seal_and_back: "seal_migrate.txt" on nothing;
    an_operator_changes_the_keys_of_a_server: "operator_keys.txt" on sealed;
    an_operator_rotates_the_keys_of_a_server: "operator_rotate_keys.txt" on sealed;
    audit_devices_are_enabled_and_their_logs_checked: "audit.txt" on dev;
    auth_methods_are_listed_tuned_and_explained: "auth.txt" on dev;
    leases_are_looked_up_and_revoked: "lease.txt" on dev;
    a_server_is_collected_into_one_file: "debug.txt" on dev;
    mistakes_on_the_command_line_are_explained: "mistakes.txt" on dev;
    paths_are_read_written_listed_and_deleted: "logical.txt" on dev;
    the_versions_of_a_server_are_listed: "version_history.txt" on dev;
    the_servers_of_a_cluster_are_listed: "members.txt" on dev;
    what_can_be_mounted_is_listed: "plugin.txt" on dev;
    requests_are_shown_and_not_sent: "preview.txt" on dev;
    policies_are_written_and_hold: "policy.txt" on dev;
    secrets_engines_are_enabled_tuned_and_disabled: "secrets.txt" on dev;
    secrets_are_changed_in_parts: "kv_patch.txt" on dev;
    secrets_have_versions_and_metadata: "kv_v2.txt" on dev;
    secrets_without_versions_are_kept: "kv_v1.txt" on dev;
    the_log_is_shown_to_those_who_may: "monitor.txt" on dev;
    tokens_are_created_looked_up_renewed_and_revoked: "token.txt" on dev;
    tokens_are_kept_by_login: "login.txt" on dev;
}
