//! One entry is denied, all beside it are allowed: no spelling of its path may reach it.

use keyward_core::{CanonicalPath, PathError};
use serde_json::json;

use super::corpus::{Meaning, SIZE, meaning, spellings};
use crate::support::{Chance, Client, Conversation, Target};

/// Two entries that are denied, in a mount of each kind.
const DENIED: [&str; 2] = ["kv2/data/team/denied", "kv1/team/denied"];
/// What the denied entries hold; in no answer may it stand.
const SECRET: &str = "what nobody shall see";

const POLICY: &str = r#"
    path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "scan", "sudo"] }
    path "kv2/data/team/denied" { capabilities = ["deny"] }
    path "kv2/metadata/team/denied" { capabilities = ["deny"] }
    path "kv1/team/denied" { capabilities = ["deny"] }
    path "sys/*" { capabilities = ["deny"] }
    path "auth/*" { capabilities = ["deny"] }
"#;

#[test]
fn every_spelling_is_refused_or_stands_for_itself() {
    let mut chance = Chance::new();
    let (mut refused, mut same) = (0, 0);
    let all = spellings(DENIED[0], &mut chance);
    assert!(all.len() >= SIZE);
    for spelling in &all {
        // What the request line ends at is not of the path, and what is no UTF-8 is no text.
        let end = spelling.iter().position(|byte| matches!(byte, b'?' | b'#'));
        let path = &spelling[..end.unwrap_or(spelling.len())];
        let parsed = std::str::from_utf8(path)
            .map_err(|_| PathError::ForbiddenCharacter)
            .and_then(CanonicalPath::parse_encoded);
        let shown = spelling.escape_ascii();
        match (meaning(spelling), parsed) {
            (Meaning::Refused, Err(_)) => refused += 1,
            (Meaning::Path(path), Ok(parsed)) => {
                assert_eq!(parsed.as_str(), path, "{shown}");
                same += usize::from(path == DENIED[0]);
            }
            (_, parsed) => panic!("{shown}: {parsed:?}; {}", chance.how_to_repeat()),
        }
    }
    println!(
        "{} spellings, {refused} refused, {same} the same path",
        all.len()
    );
    // Some sixty are the same, by chance.
    assert!(refused > SIZE / 4 && same > 20, "{refused} {same}");
}

/// A server with the denied entries, and a client whose token is allowed all but them.
async fn furnished(target: &Target) -> (Client, Client) {
    let root = Client::new(target);
    for (path, version) in [("kv1", "1"), ("kv2", "2")] {
        let body = json!({ "type": "kv", "options": { "version": version } });
        root.post(&format!("sys/mounts/{path}"), body)
            .await
            .expect(204);
    }
    let held = json!({ "held": SECRET });
    root.post(DENIED[0], json!({ "data": held }))
        .await
        .expect(200);
    root.post(DENIED[1], held).await.expect(204);
    for (name, path) in [("kv1", "kv1/team/beside"), ("kv2", "kv2/data/team/beside")] {
        let status = root
            .post(path, json!({ "data": { "a": name } }))
            .await
            .status;
        assert!(status < 300, "{path}: {status}");
    }
    root.post("sys/policies/acl/all-but-two", json!({ "policy": POLICY }))
        .await
        .expect(204);
    let body = json!({ "policies": ["all-but-two"], "no_default_policy": true });
    let made = root.post("auth/token/create", body).await.expect(200);
    let limited = root.with_token(made.text_at("/auth/client_token"));
    (root, limited)
}

#[tokio::test]
async fn no_spelling_reaches_a_denied_entry() {
    let target = Target::keyward();
    let (root, limited) = furnished(&target).await;
    limited.get("kv2/data/team/beside").await.expect(200);
    limited.get("kv1/team/beside").await.expect(200);
    let address = target
        .address
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let token = format!("X-Vault-Token: {}", limited.own_token());
    let merge = "Content-Type: application/merge-patch+json";
    let mut conversation = Conversation::new(address, &[&token, merge]);
    let body = json!({ "data": { "held": "overwritten" }, "held": "overwritten" }).to_string();
    let mut chance = Chance::new();
    for denied in DENIED {
        let mut tally = std::collections::BTreeMap::<(&str, u16), usize>::new();
        let all = spellings(denied, &mut chance);
        for method in ["GET", "LIST", "POST", "PATCH", "DELETE"] {
            let body = match method {
                "POST" | "PATCH" => body.as_bytes(),
                _ => b"",
            };
            for spelling in &all {
                let shown = spelling.escape_ascii();
                let line = [b"/v1/", &spelling[..]].concat();
                let answer = conversation
                    .ask(method, &line, body)
                    .unwrap_or_else(|error| panic!("{method} {shown}: {error}"));
                *tally.entry((method, answer.status)).or_default() += 1;
                assert!(!answer.body.contains(SECRET), "{method} {shown}");
                let status = answer.status;
                match meaning(spelling) {
                    Meaning::Refused => assert_eq!(status, 400, "{method} {shown}"),
                    Meaning::Path(path) if path == denied => {
                        // The space and the control characters end the request line for HTTP.
                        assert!(matches!(status, 400 | 403), "{method} {shown}: {status}");
                    }
                    Meaning::Path(_) => assert!(status < 500, "{method} {shown}: {status}"),
                }
            }
        }
        println!("{denied}: {} spellings, {tally:?}", all.len());
        for (method, status) in [("GET", 400), ("GET", 403), ("GET", 404), ("DELETE", 403)] {
            assert!(tally[&(method, status)] > 20, "{tally:?}");
        }
    }
    let held = root.get(DENIED[0]).await.expect(200);
    assert_eq!(held.at("/data/data/held"), SECRET);
    let metadata = root.get("kv2/metadata/team/denied").await.expect(200);
    assert_eq!(metadata.at("/data/current_version"), 1);
    let held = root.get(DENIED[1]).await.expect(200);
    assert_eq!(held.at("/data/held"), SECRET);
}

#[tokio::test]
async fn the_rules_for_all_below_a_mount_count_for_its_path_without_the_slash() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let policy = "path \"*\" { capabilities = [\"read\", \"delete\"] }\n\
                  path \"secret/*\" { capabilities = [\"deny\"] }";
    root.post("sys/policies/acl/all-but-one", json!({ "policy": policy }))
        .await
        .expect(204);
    let body = json!({ "policies": ["all-but-one"] });
    let made = root.post("auth/token/create", body).await.expect(200);
    let limited = root.with_token(made.text_at("/auth/client_token"));
    for path in ["secret", "secret/", "secret/data/a"] {
        limited.get(path).await.expect(403);
        limited.delete(path).await.expect(403);
    }
    limited.get("identity").await.expect(404);
}
