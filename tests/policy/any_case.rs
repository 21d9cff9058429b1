//! Names that are the same in any case, and mounts with a slash behind them: whichever way they are
//! spelled, the rule written for them counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, Target};

/// What is denied, each a thing of its own.
const DENIED: [&str; 16] = [
    "sys/policies/acl/victim",
    "sys/policies/detailed/acl/victim",
    "sys/policy/victim",
    "auth/people/users/victim",
    "auth/people/users/victim/password",
    "auth/people/users/victim/policies",
    "auth/machines/role/victim",
    "auth/machines/role/victim/policies",
    "auth/machines/role/victim/secret-id",
    "identity/entity/name/victim",
    "identity/group/name/victim",
    "sys/config/ui/headers/x-victim",
    "sys/config/auditing/request-headers/x-victim",
    "sys/mounts/victim",
    "sys/audit-head/victim",
    "sys/auth/victim",
];

/// What tells that each is still as it was: where it is read, and a part of it.
const KEPT: [(&str, &str); 8] = [
    ("sys/policies/acl/victim", "/data/policy"),
    ("auth/people/users/victim", "/data/token_policies"),
    ("auth/machines/role/victim", "/data/token_policies"),
    ("identity/entity/name/victim", "/data/metadata"),
    ("identity/group/name/victim", "/data/metadata"),
    ("sys/config/ui/headers/x-victim", "/data/value"),
    ("sys/config/auditing/request-headers/x-victim", "/data"),
    ("sys/mounts", "/data/victim~1/uuid"),
];

/// Something of every kind that has a name, and what may be written over it.
fn bodies(path: &str, text: &str) -> Value {
    match path {
        _ if path.starts_with("sys/polic") => {
            json!({ "policy": format!("path \"{text}\" {{ capabilities = [\"read\"] }}") })
        }
        _ if path.ends_with("/password") => json!({ "password": text }),
        _ if path.starts_with("auth/") => json!({ "password": text, "token_policies": text }),
        _ if path.starts_with("identity/") => json!({ "metadata": { "is": text } }),
        _ if path.contains("/ui/") => json!({ "values": text }),
        _ if path.contains("/auditing/") => json!({ "hmac": text == "old" }),
        "sys/auth/victim" => json!({ "type": "userpass" }),
        _ => json!({ "type": "kv" }),
    }
}

/// Tells whether the name is that of a mount, or of what is enabled like one: its case counts.
fn is_at_mount(path: &str) -> bool {
    ["sys/audit-head/", "sys/auth/", "sys/mounts/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

/// Every path that leads to the same thing: a mount with a slash behind it, of other names each
/// letter in the other case, all of them, and encoded.
fn spellings(path: &str) -> BTreeSet<String> {
    if is_at_mount(path) {
        return BTreeSet::from([path.to_owned(), format!("{path}/")]);
    }
    let at = path.find("victim").unwrap();
    let (before, rest) = path.split_at(at);
    let (name, after) = rest.split_at("victim".len());
    let mut names = BTreeSet::from(["victim", "Victim", "VICTIM", "vIcTiM"].map(str::to_owned));
    for index in 0..name.len() {
        let upper = name[index..=index].to_uppercase();
        let byte = upper.as_bytes()[0];
        for letter in [upper, format!("%{byte:02x}")] {
            names.insert([&name[..index], &letter, &name[index + 1..]].concat());
        }
    }
    let paths = names.iter().map(|name| format!("{before}{name}{after}"));
    paths.collect()
}

/// A client that may do all but what is denied, by rules with names as `named` spells them; what is
/// denied is there.
async fn furnished(target: &Target, named: &str) -> (Client, Client) {
    let root = Client::new(target);
    for (path, kind) in [("people", "userpass"), ("machines", "approle")] {
        root.post(&format!("sys/auth/{path}"), json!({ "type": kind }))
            .await
            .expect(204);
    }
    let device = json!({ "type": "file", "options": { "file_path": "discard" } });
    root.post("sys/audit/victim", device).await.expect(204);
    let writable = |path: &&str| {
        !path.contains("detailed") && !path.ends_with("policies") && !path.contains("audit-head")
    };
    for path in DENIED.into_iter().filter(writable) {
        let status = root.post(path, bodies(path, "old")).await.status;
        assert!(matches!(status, 200 | 204), "{path}: {status}");
    }
    let all = r#"["create", "read", "update", "patch", "delete", "list", "scan", "sudo"]"#;
    let mut policy = format!("path \"*\" {{ capabilities = {all} }}\n");
    for path in DENIED {
        let path = match is_at_mount(path) {
            true => path.to_owned(),
            false => path.replace("victim", named),
        };
        policy.push_str(&format!(
            "path \"{path}\" {{ capabilities = [\"deny\"] }}\n"
        ));
    }
    (root.with_policy("all-but-some", &policy).await, root)
}

impl Client {
    /// Makes a client whose token has one policy.
    async fn with_policy(&self, name: &str, policy: &str) -> Self {
        let path = format!("sys/policies/acl/{name}");
        self.post(&path, json!({ "policy": policy }))
            .await
            .expect(204);
        let body = json!({ "policies": [name], "no_default_policy": true });
        let made = self.post("auth/token/create", body).await.expect(200);
        self.with_token(made.text_at("/auth/client_token"))
    }
}

#[tokio::test]
async fn no_case_and_no_slash_escapes_a_denial() {
    for named in ["victim", "Victim", "vICTIM"] {
        nothing_escapes_a_denial_of(named).await;
    }
}

async fn nothing_escapes_a_denial_of(named: &str) {
    let target = Target::keyward();
    let (limited, root) = furnished(&target, named).await;
    limited
        .get("sys/policies/acl/all-but-some")
        .await
        .expect(200);
    let mut before = Vec::new();
    for (path, part) in KEPT {
        before.push(root.get(path).await.expect(200).at(part).clone());
    }
    let merge = [("Content-Type", "application/merge-patch+json")];
    for denied in DENIED {
        let body = bodies(denied, "new").to_string();
        for path in spellings(denied) {
            for method in ["GET", "POST", "PATCH", "DELETE", "LIST"] {
                let answer = limited
                    .send(method, &path, &merge, Some(body.clone()))
                    .await;
                let status = answer.status;
                // Where there is no such operation, nothing is reached.
                let lists = method == "LIST" && !denied.ends_with("secret-id");
                let denied = matches!(status, 400 | 403 | 405) || lists && status == 404;
                assert!(denied, "{method} {path}: {status} {named}");
            }
            let listed = limited
                .post("sys/capabilities-self", json!({ "paths": [path] }))
                .await
                .expect(200);
            if !path.contains('%') {
                assert_eq!(listed.at("/data/capabilities"), &json!(["deny"]), "{path}");
            }
        }
    }
    for ((path, part), before) in KEPT.into_iter().zip(before) {
        assert_eq!(root.get(path).await.expect(200).at(part), &before, "{path}");
    }
}

#[tokio::test]
async fn a_rule_counts_for_a_name_in_the_case_that_it_is_written_in() {
    let target = Target::keyward();
    let (_, root) = furnished(&target, "victim").await;
    let policy = r#"
        path "sys/policies/acl/victim" { capabilities = ["read"] }
        path "identity/entity/name/Victim" { capabilities = ["read"] }
        path "identity/group/name/*" { capabilities = ["read", "update"] }
        path "identity/group/name/victim" { capabilities = ["read"] }
    "#;
    let reader = root.with_policy("reader", policy).await;
    for (path, status) in [
        ("sys/policies/acl/victim", 200),
        ("sys/policies/acl/VICTIM", 200),
        ("identity/entity/name/Victim", 200),
        ("identity/entity/name/victim", 403),
        ("identity/entity/name/VICTIM", 403),
        ("identity/group/name/VICTIM", 200),
    ] {
        assert_eq!(reader.get(path).await.status, status, "{path}");
    }
    let body = json!({ "metadata": {} });
    reader
        .post("identity/group/name/VICTIM", body.clone())
        .await
        .expect(403);
    reader
        .post("identity/group/name/another", body)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_rate_limit_counts_for_a_name_in_any_case() {
    let target = Target::keyward();
    let root = Client::new(&target);
    root.post("sys/auth/people", json!({ "type": "userpass" }))
        .await
        .expect(204);
    for (limit, path, names) in [
        ("one", "auth/people/login/bob", ["BOB", "Bob"]),
        ("some", "auth/people/login/x*", ["XENIA", "Xaver"]),
        ("other", "auth/people/login/EVE", ["eve", "Eve"]),
    ] {
        let body = json!({ "rate": 1, "interval": "1h", "path": path });
        root.post(&format!("sys/quotas/rate-limit/{limit}"), body)
            .await
            .expect(204);
        let [first, second] = names.map(|name| format!("auth/people/login/{name}"));
        let password = json!({ "password": "wrong" });
        root.post(&first, password.clone()).await.expect(400);
        root.post(&second, password).await.expect(429);
    }
}

#[tokio::test]
async fn a_policy_is_not_named_with_spaces_around() {
    let target = Target::keyward();
    let root = Client::new(&target);
    for path in ["%20root", "x%20", "%20%20default"] {
        let path = format!("sys/policies/acl/{path}");
        root.post(&path, bodies(&path, "a"))
            .await
            .refused(400, "policy names cannot begin or end with a space");
    }
}
