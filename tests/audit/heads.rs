//! A log that was shortened or written anew while no server had it: what the server kept of it shows.

use std::fs;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::Audited;
use crate::support::Installation;

/// How a server is stopped.
#[derive(Clone, Copy)]
enum Stop {
    InOrder,
    Killed,
}

impl Audited {
    /// Stops the server, lets `meanwhile` happen, and starts and unseals it again.
    async fn restart(self, stop: Stop, meanwhile: impl FnOnce(&Installation)) -> Self {
        let Self {
            installation,
            keys,
            root,
            mut server,
        } = self;
        match stop {
            Stop::InOrder => assert!(server.terminate().success()),
            Stop::Killed => server.kill(),
        }
        meanwhile(&installation);
        let server = installation.start();
        installation.unseal(&keys).await;
        root.get("sys/mounts").await.expect(200);
        Self {
            installation,
            keys,
            root,
            server,
        }
    }

    /// How often the server found its log shortened, and whether it says so in its own log.
    async fn alarms(&mut self) -> u64 {
        let metrics = self.root.get("sys/metrics?format=prometheus").await;
        let metrics = metrics.expect(200).text;
        let count = metrics.lines().find_map(|line| {
            let count = line.strip_prefix("vault_audit_shortened ")?;
            count.parse().ok()
        });
        let count = count.unwrap_or_else(|| panic!("it is not counted: {metrics}"));
        match count {
            0 => assert!(!self.server.excerpt().contains("known_sequence")),
            _ => self.server.wait_for("known_sequence"),
        }
        count
    }

    /// Makes some lines, and returns where the log then ends.
    async fn head(&self) -> Value {
        for _ in 0..3 {
            self.root.get("sys/mounts").await.expect(200);
        }
        let head = self.root.get("sys/audit-head/file").await.expect(200);
        head.at("/data").clone()
    }
}

fn keep_lines(installation: &Installation, count: usize) {
    let path = installation.path("audit.log");
    let text = fs::read_to_string(&path).unwrap();
    let kept: String = text.split_inclusive('\n').take(count).collect();
    assert!(
        kept.len() < text.len(),
        "there are no more than {count} lines"
    );
    fs::write(path, kept).unwrap();
}

#[tokio::test]
async fn the_end_of_a_log_is_told_and_is_a_line_of_it() {
    let audited = Audited::start().await;
    let head = audited.head().await;
    assert_eq!(head["path"], "file/");
    let entries = audited.entries();
    let told = entries
        .iter()
        .rfind(|it| it["sequence"] == head["sequence"]);
    let told = told.unwrap();
    assert_eq!(told["chain"], head["chain"]);
    assert_eq!(told["request"]["path"], "sys/audit-head/file");
    assert!(head["time"].as_str().unwrap().ends_with('Z'));

    let path = audited.installation.path("audit.log");
    let verify = |head: &Value| {
        let head = format!("-head={}", head.as_str().unwrap());
        let path = path.to_str().unwrap();
        audited.installation.run(&["audit", "verify", &head, path])
    };
    assert!(verify(&head["chain"]).status.success());
    let lines = usize::try_from(head["sequence"].as_u64().unwrap()).unwrap();
    keep_lines(&audited.installation, lines - 1);
    let without = verify(&head["chain"]);
    assert_eq!(without.status.code(), Some(2), "{without:?}");
    assert!(String::from_utf8_lossy(&without.stderr).contains("lines are missing"));

    let unknown = audited.root.get("sys/audit-head/none").await;
    unknown.refused(400, "unknown audit backend \"none/\"");
}

#[tokio::test]
async fn a_log_that_nobody_touched_goes_on_without_an_alarm() {
    let audited = Audited::start().await;
    audited.head().await;
    let audited = audited.restart(Stop::InOrder, |_| {}).await;
    // What was kept is older than these lines, and than those after a crash.
    audited.head().await;
    let audited = audited.restart(Stop::Killed, |_| {}).await;
    audited.head().await;
    let mut audited = audited.restart(Stop::Killed, |_| {}).await;
    assert_eq!(audited.alarms().await, 0);
    let verified = audited.verify(&["audit.log"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn a_log_that_was_cut_is_told_of_and_never_verifies() {
    for stop in [Stop::InOrder, Stop::Killed] {
        let audited = Audited::start().await;
        audited.head().await;
        let lines = audited.entries().len();
        let audited = audited.restart(Stop::InOrder, |_| {}).await;
        audited.head().await;
        let cut = |it: &Installation| keep_lines(it, lines - 4);
        let mut audited = audited.restart(stop, cut).await;
        assert_eq!(audited.alarms().await, 1);
        let verified = audited.verify(&["audit.log"]);
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert_eq!(verified.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("line {}: ", lines - 3)), "{said}");
        assert!(said.contains("lines that the server wrote before it are missing"));
        // It is told once.
        let mut audited = audited.restart(Stop::Killed, |_| {}).await;
        assert_eq!(audited.alarms().await, 0);
    }
}

#[tokio::test]
async fn a_log_that_was_cut_and_gone_on_with_is_told_of() {
    let audited = Audited::start().await;
    let text = audited.log();
    audited.head().await;
    // With lines of another server's log, which somebody closed as a device does.
    let other = Audited::start().await;
    for _ in 0..9 {
        other.head().await;
    }
    let other = other.log();
    assert!(other.lines().count() > text.lines().count());
    let written = |it: &Installation| fs::write(it.path("audit.log"), &other).unwrap();
    let mut audited = audited.restart(Stop::InOrder, written).await;
    assert_eq!(audited.alarms().await, 1);
    let verified = audited.verify(&["audit.log"]);
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let line = other.lines().count() + 1;
    assert!(said.contains(&format!("line {line}: ")), "{said}");
}

#[tokio::test]
async fn a_log_written_anew_under_later_numbers_is_told_of() {
    let audited = Audited::start().await;
    let known = audited.head().await["sequence"].as_u64().unwrap();
    let other = Audited::start().await;
    for _ in 0..9 {
        other.head().await;
    }
    let lines = other.log();
    let later = |line: &&str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["sequence"].as_u64().unwrap() > known + 3
    };
    let later: String = lines
        .lines()
        .filter(later)
        .map(|it| format!("{it}\n"))
        .collect();
    assert!(later.lines().count() > 2);
    let written = |it: &Installation| fs::write(it.path("audit.log"), &later).unwrap();
    let mut audited = audited.restart(Stop::InOrder, written).await;
    assert_eq!(audited.alarms().await, 1);
    assert!(!audited.verify(&["audit.log"]).status.success());
}

#[tokio::test]
async fn a_log_that_was_moved_away_under_a_server_that_is_then_killed_is_no_alarm() {
    let mut audited = Audited::start().await;
    audited.head().await;
    let [log, moved] = ["audit.log", "audit.log.1"].map(|name| audited.installation.path(name));
    fs::rename(&log, &moved).unwrap();
    audited.server.hang_up();
    audited.server.wait_for("the audit devices were reopened");
    audited.head().await;
    assert!(log.exists());
    let mut audited = audited.restart(Stop::Killed, |_| {}).await;
    assert_eq!(audited.alarms().await, 0);
    let verified = audited.verify(&["audit.log.1", "audit.log"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn a_forged_log_that_claims_to_follow_a_line_does_not_have_it() {
    let audited = Audited::start().await;
    let head = audited.head().await["chain"].clone();
    let forged = audited.installation.path("forged.log");
    let digits = head.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let mut value: Vec<u8> = (0..64).step_by(2).map(byte).collect();
    let mut text = String::new();
    for sequence in 1..4 {
        let previous = match sequence {
            1 => format!(",\"previous\":{head}"),
            _ => String::new(),
        };
        let line = format!("{{\"type\":\"request\"{previous},\"sequence\":{sequence}");
        value.extend_from_slice(line.as_bytes());
        value = digest(&SHA256, &value).as_ref().to_vec();
        let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        text.push_str(&format!("{line},\"chain\":\"{digits}\"}}\n"));
    }
    fs::write(&forged, text).unwrap();
    let verify = |more: &[&str]| {
        let words = ["audit", "verify"].iter().chain(more).copied();
        let words: Vec<_> = words.chain([forged.to_str().unwrap()]).collect();
        audited.installation.run(&words)
    };
    // Nothing is wrong with it by itself.
    let whole = verify(&[]);
    assert!(whole.status.success(), "{whole:?}");
    let without = verify(&[&format!("-head={}", head.as_str().unwrap())]);
    assert_eq!(without.status.code(), Some(2), "{without:?}");
}

#[tokio::test]
async fn a_log_that_was_moved_away_between_two_servers_is_no_alarm() {
    let audited = Audited::start().await;
    audited.head().await;
    let moved = |it: &Installation| {
        fs::rename(it.path("audit.log"), it.path("audit.log.1")).unwrap();
    };
    let mut audited = audited.restart(Stop::InOrder, moved).await;
    assert_eq!(audited.alarms().await, 0);
    let verified = audited.verify(&["audit.log.1", "audit.log"]);
    assert!(verified.status.success(), "{verified:?}");
    // The new file is shorter than what was kept of the old one.
    let mut audited = audited.restart(Stop::Killed, |_| {}).await;
    assert_eq!(audited.alarms().await, 0);
}

#[tokio::test]
async fn a_new_device_knows_nothing_of_an_old_log_at_its_path() {
    let audited = Audited::start().await;
    audited.head().await;
    audited.root.delete("sys/audit/file").await.expect(204);
    fs::remove_file(audited.installation.path("audit.log")).unwrap();
    let options = json!({ "file_path": audited.installation.path("audit.log") });
    let device = json!({ "type": "file", "options": options });
    audited
        .root
        .post("sys/audit/file", device)
        .await
        .expect(204);
    let mut audited = audited.restart(Stop::Killed, |_| {}).await;
    assert_eq!(audited.alarms().await, 0);
    assert!(audited.verify(&["audit.log"]).status.success());
}
