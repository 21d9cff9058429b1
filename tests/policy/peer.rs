//! The same random policies here and at the real peer: both must allow and refuse the same.
//!
//! The words are few, so that rules meet: nested globs, several `+`, exact paths beneath them.

use serde_json::{Value, json};

use crate::support::{Chance, Client, Target};

/// How many sets of policies are asked about, and about how many paths each.
const SETS: usize = 60;
const PATHS: usize = 14;
/// How many sets are tried with real requests, and how many requests each.
const TRIED_SETS: usize = 60;
const REQUESTS: usize = 20;

const CAPABILITIES: [&str; 9] = [
    "create", "delete", "deny", "list", "patch", "read", "scan", "sudo", "update",
];

/// A path of few words; `words` may hold wildcards.
fn path(chance: &mut Chance, words: &[&str], ends: &[&str]) -> String {
    let segments: Vec<_> = (0..1 + chance.below(4))
        .map(|_| *chance.pick(words))
        .collect();
    segments.join("/") + *chance.pick(ends)
}

fn rule_path(chance: &mut Chance) -> String {
    loop {
        let words = ["a", "b", "ab", "+", "+", "+", "a+", "+b"];
        let path = path(chance, &words, &["", "", "", "*", "*", "/", "/*"]);
        // Both refuse this one.
        if !path.contains("+*") {
            return path;
        }
    }
}

/// A path that `rule` covers, or any other.
fn asked_path(chance: &mut Chance, rules: &[String]) -> String {
    if chance.one_in(3) {
        return path(chance, &["a", "b", "ab", "aa", "a+"], &["", "", "/"]);
    }
    let rule = chance.pick(rules);
    let literal = rule.strip_suffix('*').unwrap_or(rule);
    let segments: Vec<_> = literal
        .split('/')
        .map(|segment| match segment {
            "+" => *chance.pick(&["a", "b", "ab"]),
            other => other,
        })
        .collect();
    let rest = match rule.ends_with('*') {
        true => *chance.pick(&["", "a", "b/", "b/a"]),
        false => *chance.pick(&["", "", "", "/"]),
    };
    format!("{}{rest}", segments.join("/"))
}

fn capabilities(chance: &mut Chance) -> Vec<&'static str> {
    let granted = CAPABILITIES.iter().filter(|name| match **name {
        "deny" => chance.one_in(12),
        _ => chance.one_in(3),
    });
    granted.copied().collect()
}

/// Stores the policies at both and returns for each a client with a token that has them.
async fn equip(roots: &[Client; 2], policies: &[String]) -> [Client; 2] {
    let mut clients = Vec::new();
    for root in roots {
        let mut names = Vec::new();
        for (index, text) in policies.iter().enumerate() {
            let name = format!("p{index}");
            root.post(
                &format!("sys/policies/acl/{name}"),
                json!({ "policy": text }),
            )
            .await
            .expect(204);
            names.push(name);
        }
        let body = json!({ "policies": names, "no_default_policy": true });
        let made = root.post("auth/token/create", body).await.expect(200);
        clients.push(root.with_token(made.text_at("/auth/client_token")));
    }
    clients.try_into().ok().unwrap()
}

#[tokio::test]
async fn the_peer_reads_the_same_capabilities_out_of_the_same_policies() {
    let (ours, theirs) = (Target::keyward(), Target::peer());
    let roots = [Client::new(&ours), Client::new(&theirs)];
    let mut chance = Chance::new();
    let (mut triples, mut granted) = (0, 0);
    for _ in 0..SETS {
        let mut rules = Vec::new();
        let policies: Vec<String> = (0..1 + chance.below(3))
            .map(|_| {
                let blocks = (0..2 + chance.below(6)).map(|_| {
                    let path = rule_path(&mut chance);
                    let names = capabilities(&mut chance);
                    rules.push(path.clone());
                    format!("path {path:?} {{ capabilities = {names:?} }}\n")
                });
                blocks.collect()
            })
            .collect();
        let clients = equip(&roots, &policies).await;
        let paths: Vec<_> = (0..PATHS)
            .map(|_| asked_path(&mut chance, &rules))
            .collect();
        let mut answers = Vec::new();
        for (root, client) in roots.iter().zip(&clients) {
            let body = json!({ "token": client.own_token(), "paths": paths });
            answers.push(root.post("sys/capabilities", body).await.expect(200));
        }
        for path in &paths {
            let of = |index: usize| &answers[index].at("/data")[path.as_str()];
            assert_eq!(
                of(0),
                of(1),
                "ours and theirs on {path} under\n{}{}",
                policies.join("--\n"),
                chance.how_to_repeat()
            );
            triples += CAPABILITIES.len();
            granted += of(0).as_array().map_or(0, Vec::len);
        }
    }
    println!("{triples} triples, {granted} of them granted");
    assert!(triples >= 5_000 && granted > triples / 10, "{granted}");
}

/// One block over a mount of secrets, with limits of all kinds.
fn limited_block(chance: &mut Chance) -> String {
    let words = ["a", "b", "+", "+"];
    let mut path = path(chance, &words, &["", "", "*", "/*"]);
    if path.contains("+*") {
        path.truncate(path.len() - 1);
    }
    let names = capabilities(chance);
    let mut block = format!("path \"m/{path}\" {{ capabilities = {names:?} ");
    for kind in ["allowed", "denied"] {
        if chance.one_in(4) {
            let name = chance.pick(&["p", "Q", "*"]);
            let values: Vec<_> = (0..chance.below(3))
                .map(|_| *chance.pick(&["x", "y", "x*", "*y", "*z*", "*"]))
                .collect();
            block += &format!("{kind}_parameters = {{ {name:?} = {values:?} }} ");
        }
    }
    if chance.one_in(8) {
        block += "required_parameters = [\"p\"] ";
    }
    match chance.below(8) {
        0 => block += "min_wrapping_ttl = \"60s\" ",
        1 => block += "max_wrapping_ttl = \"90s\" ",
        2 => block += "min_wrapping_ttl = 60 max_wrapping_ttl = 90 ",
        _ => {}
    }
    block + "}\n"
}

#[tokio::test]
async fn the_peer_lets_the_same_requests_through() {
    let (ours, theirs) = (Target::keyward(), Target::peer());
    let roots = [Client::new(&ours), Client::new(&theirs)];
    for root in &roots {
        root.post("sys/mounts/m", json!({ "type": "kv" }))
            .await
            .expect(204);
        for path in ["m/a", "m/a/b", "m/b/b/a"] {
            root.post(path, json!({ "p": "x" })).await.expect(204);
        }
    }
    let mut chance = Chance::new();
    let (mut let_through, mut refused) = (0, 0);
    for _ in 0..TRIED_SETS {
        let policies: Vec<String> = (0..1 + chance.below(3))
            .map(|_| {
                (0..2 + chance.below(3))
                    .map(|_| limited_block(&mut chance))
                    .collect()
            })
            .collect();
        let clients = equip(&roots, &policies).await;
        for _ in 0..REQUESTS {
            let method = *chance.pick(&["GET", "LIST", "POST", "POST", "POST", "DELETE"]);
            let path = format!("m/{}", path(&mut chance, &["a", "b"], &[""]));
            let mut parameters = serde_json::Map::new();
            for name in ["p", "P", "q", "r"] {
                if chance.one_in(4) {
                    let value = *chance.pick(&["x", "y", "xy", "yzx", "*", ""]);
                    parameters.insert(name.to_owned(), value.into());
                }
            }
            let body = (method == "POST").then(|| Value::Object(parameters).to_string());
            let ttl = *chance.pick(&["", "", "30", "75s", "2m"]);
            let wrap = [("X-Vault-Wrap-TTL", ttl)];
            let headers = if ttl.is_empty() { &[][..] } else { &wrap[..] };
            let mut statuses = Vec::new();
            for client in &clients {
                let answer = client.send(method, &path, headers, body.clone()).await;
                statuses.push(answer.status);
            }
            assert_eq!(
                statuses[0],
                statuses[1],
                "ours and theirs for {method} {path} {body:?} wrapped for {ttl:?} under\n{}{}",
                policies.join("--\n"),
                chance.how_to_repeat()
            );
            match statuses[0] {
                403 => refused += 1,
                _ => let_through += 1,
            }
        }
    }
    println!("{let_through} requests let through, {refused} refused");
    assert!(
        let_through > 100 && refused > 100,
        "{let_through} {refused}"
    );
}
