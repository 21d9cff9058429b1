//! Secrets that are made to be recognised go in by every way there is, and must come out by none
//! but the answer that was asked for: in no log, audit line, refusal, list or document.

mod approle;
mod command_line;
mod fields;
mod inline;
mod log_in;
mod scanner;
mod second_factor;
mod story;

use std::{fs, path::Path};

use serde_json::json;

use self::scanner::Scanner;
use crate::support::{Answer, Authority, Chance, Client, Installation, Keys, Process, Store};

/// A server that logs all it can and audits to two files, and all that came out of it.
struct Watched {
    installation: Installation,
    /// Whom the server trusts to vouch for services.
    authority: Authority,
    server: Process,
    keys: Keys,
    root: Client,
    scanner: Scanner,
    chance: Chance,
    /// What must hold no secret, and where it came from.
    outputs: Vec<(String, String)>,
}

impl Watched {
    async fn start() -> Self {
        let mut installation = Installation::new(Store::Sled);
        let authority = Authority::new();
        let authorities = installation.path("authorities.pem");
        fs::write(&authorities, &authority.pem).unwrap();
        installation.tell("SSL_CERT_FILE", authorities);
        installation.configure("introspection_endpoint = true\nraw_storage_endpoint = true");
        let config = format!("-config={}", installation.config().display());
        let mut server = installation.launch_with(&[&config, "-log-level=trace"]);
        server
            .wait_until_it_answers(installation.socket_address())
            .unwrap();
        let keys = installation.initialise(3, 2).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        let mut watched = Self {
            installation,
            authority,
            server,
            root,
            scanner: Scanner::default(),
            chance: Chance::new(),
            outputs: Vec::new(),
            keys,
        };
        let root_token = watched.keys.root_token.clone();
        watched.scanner.learn("the root token", &root_token);
        for (hex, base64) in watched.keys.shares.iter().zip(&watched.keys.shares_base64) {
            watched.scanner.learn("a share", hex);
            watched.scanner.learn("a share in base64", base64);
        }
        for (name, durable) in [("one", "false"), ("two", "true")] {
            let path = watched.installation.path(&format!("{name}.log"));
            let options = json!({ "file_path": path, "durable": durable });
            let device = json!({ "type": "file", "options": options });
            let path = format!("sys/audit/{name}");
            watched.root.post(&path, device).await.expect(204);
        }
        watched
    }

    fn secret(&mut self, name: &str) -> String {
        self.scanner.secret(name, &mut self.chance)
    }

    /// Keeps of an answer what must hold no secret: all of a refusal, of a list, of a document; of
    /// an answer that may hold one, its headers and warnings.
    fn keep(&mut self, what: &str, answer: &Answer, whole: bool) {
        let body = match whole || answer.status >= 400 {
            true => answer.text.clone(),
            false => answer.json["warnings"].to_string(),
        };
        let shown = format!("{:?}\n{body}", answer.headers);
        self.outputs.push((what.to_owned(), shown));
    }

    /// Ends the server and looks through all that it left.
    fn secrets_that_came_out(self) -> Vec<String> {
        let Self {
            installation,
            server,
            scanner,
            mut outputs,
            ..
        } = self;
        let log = server.end_and_tell();
        // It would tell the place alone: `server/cli/src/serve/panics.rs`, which tests that.
        assert!(!log.contains("a panic"), "the server panicked: {log:.9000}");
        outputs.push(("the log".to_owned(), log));
        let mut found = Vec::new();
        for (place, text) in &outputs {
            let secrets = scanner.scan(text.as_bytes());
            found.extend(
                secrets
                    .iter()
                    .map(|secret| format!("{secret} in {place}: {text:.300}")),
            );
        }
        for name in ["one.log", "two.log"] {
            let log = fs::read_to_string(installation.path(name)).unwrap();
            assert!(log.lines().count() > 100, "{name}");
            for line in log.lines() {
                let secrets = scanner.scan(line.as_bytes());
                found.extend(
                    secrets
                        .iter()
                        .map(|secret| format!("{secret} in {name}: {line}")),
                );
            }
        }
        look_through(&installation.path("data"), &scanner, &mut found);
        found
    }
}

/// Looks for secrets in the files of the store.
fn look_through(folder: &Path, scanner: &Scanner, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look_through(&path, scanner, found);
            continue;
        }
        let secrets = scanner.scan(&fs::read(&path).unwrap());
        found.extend(
            secrets
                .iter()
                .map(|secret| format!("{secret} in {}", path.display())),
        );
    }
}

#[tokio::test]
async fn no_secret_comes_out_but_by_the_answer_that_was_asked_for() {
    let mut watched = Watched::start().await;
    story::tell(&mut watched).await;
    let secrets = watched.scanner.secrets();
    assert!(secrets >= 40, "{secrets}");
    println!("{secrets} secrets");
    let found = watched.secrets_that_came_out();
    assert!(
        found.is_empty(),
        "{} found:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[tokio::test]
async fn a_secret_that_is_let_out_is_found() {
    let mut watched = Watched::start().await;
    let secret = watched.secret("a header shown in clear");
    let shown = json!({ "hmac": false });
    watched
        .root
        .post("sys/config/auditing/request-headers/x-shown", shown)
        .await
        .expect(204);
    for _ in 0..60 {
        let answer = watched
            .root
            .send("GET", "sys/mounts", &[("X-Shown", &secret)], None)
            .await;
        watched.keep("an answer", &answer, false);
    }
    watched.outputs.push((
        "an error".to_owned(),
        format!("bad value {:?}", &secret[..14]),
    ));
    let found = watched.secrets_that_came_out();
    for place in ["one.log", "two.log", "an error"] {
        assert!(
            found.iter().any(|found| found.contains(place)),
            "{place}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_secret_in_a_wrong_field_is_on_no_record_and_in_no_log() {
    let mut watched = Watched::start().await;
    let walked = fields::walk(&mut watched).await;
    let secrets = watched.scanner.secrets();
    println!("{} fields, {} requests", walked.fields, walked.requests);
    assert!(secrets > walked.fields && walked.fields > 300, "{secrets}");
    let echoed: Vec<_> = walked.echoed.iter().collect();
    assert_eq!(echoed, fields::ECHOED);
    let found = watched.secrets_that_came_out();
    assert!(
        found.is_empty(),
        "{} found:\n{}",
        found.len(),
        found.join("\n")
    );
}
