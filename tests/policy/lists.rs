//! Lists that policies cut to a length, and to what the caller may read.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Target};

/// Writes a policy, and returns a client with a token of it.
async fn holder(root: &Client, name: &str, text: &str) -> Client {
    let path = format!("sys/policies/acl/{name}");
    root.post(&path, json!({ "policy": text }))
        .await
        .expect(204);
    let asked = json!({ "policies": [name], "no_default_policy": true });
    let made = root.post("auth/token/create", asked).await.expect(200);
    root.with_token(made.text_at("/auth/client_token"))
}

/// The names in an answer; none for a list that is empty.
fn keys(answer: &Answer) -> Vec<&str> {
    if answer.status == 404 {
        return Vec::new();
    }
    assert_eq!(answer.status, 200, "{}", answer.text);
    let keys = answer.at("/data/keys").as_array().unwrap();
    keys.iter().map(|key| key.as_str().unwrap()).collect()
}

/// A server that runs for as long as it is held, with secrets of these names.
async fn with_secrets(names: impl Iterator<Item = String>) -> (Target, Client) {
    let target = Target::keyward();
    let root = Client::new(&target);
    let kv = json!({ "type": "kv", "options": { "version": "2" } });
    root.post("sys/mounts/kv", kv).await.expect(204);
    for name in names {
        let secret = json!({ "data": { "n": 1 } });
        root.post(&format!("kv/data/{name}"), secret)
            .await
            .expect(200);
    }
    (target, root)
}

#[tokio::test]
async fn a_list_gives_as_many_entries_as_the_policy_lets_it() {
    let names = ["a", "b", "c", "d", "e", "sub/x"].map(|name| format!("f/{name}"));
    let (_target, root) = with_secrets(names.into_iter()).await;
    let text =
        "path \"kv/metadata/f/\" { capabilities = [\"list\", \"scan\"] pagination_limit = 3 }
        path \"sys/mounts\" { capabilities = [\"read\"] pagination_limit = 1 }";
    let held = holder(&root, "short", text).await;
    for (asked, wanted) in [
        ("", &["a", "b", "c"][..]),
        ("?limit=0", &["a", "b", "c"]),
        ("?limit=", &["a", "b", "c"]),
        ("?limit=max", &["a", "b", "c"]),
        ("?limit=2", &["a", "b"]),
        ("?after=c", &["d", "e", "sub/"]),
        ("?after=a&limit=1", &["b"]),
    ] {
        let answer = held.list(&format!("kv/metadata/f/{asked}")).await;
        assert_eq!(keys(&answer), wanted, "{asked}");
    }
    for asked in ["4", "-1", "x", "2.5", "MAX", "99999999999999999999"] {
        for (method, path) in [("LIST", "kv/metadata/f?"), ("SCAN", "kv/metadata/f?")] {
            let path = format!("{path}limit={asked}");
            let refused = held.send(method, &path, &[], None).await;
            refused.refused(403, "1 error occurred:\n\t* permission denied\n\n");
        }
        let path = format!("kv/metadata/f?list=true&limit={asked}");
        held.get(&path).await.expect(403);
    }
    let scanned = held.send("SCAN", "kv/metadata/f?after=c", &[], None).await;
    assert_eq!(keys(&scanned), ["d", "e", "sub/x"]);
    held.get("sys/mounts").await.expect(200);

    // Whom nothing limits gets all under the same word.
    let all = root.list("kv/metadata/f?limit=max").await;
    assert_eq!(keys(&all), ["a", "b", "c", "d", "e", "sub/"]);
    root.list("kv/metadata/f?limit=most").await.expect(400);

    let text = "path \"kv/metadata/f/\" { capabilities = [\"list\"] pagination_limit = 2
        required_parameters = [\"limit\"] }";
    let held = holder(&root, "asks", text).await;
    held.list("kv/metadata/f").await.expect(403);
    assert_eq!(
        keys(&held.list("kv/metadata/f?limit=max").await),
        ["a", "b"]
    );
}

#[tokio::test]
async fn a_limit_where_nothing_is_paged_is_told_to_have_no_effect() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let text = "path \"sys/policy\" { capabilities = [\"list\"] pagination_limit = 1 }";
    let held = holder(&root, "unpaged", text).await;
    let answer = held.list("sys/policy").await;
    assert!(keys(&answer).len() > 1, "{}", answer.text);
    let warning = "Endpoint ignored these unrecognized parameters: [limit]";
    assert_eq!(answer.at("/warnings"), &json!([warning]));
    held.list("sys/policy?limit=2").await.expect(403);
}

#[tokio::test]
async fn entries_that_the_caller_may_not_read_are_left_out() {
    let names = ["a", "b", "c", "d", "sub/x", "sub/y", "shut/z"].map(|name| format!("f/{name}"));
    let (_target, root) = with_secrets(names.into_iter()).await;
    let filter = |template: &str| {
        format!(
            "list_scan_response_keys_filter_path = {}",
            Value::from(template)
        )
    };
    let text = format!(
        "path \"kv/metadata/*\" {{ capabilities = [\"list\", \"scan\"] {} }}
        path \"kv/detailed-metadata/*\" {{ capabilities = [\"list\", \"scan\"] {} }}
        path \"kv/data/f/a\" {{ capabilities = [\"create\", \"update\", \"list\"] }}
        path \"kv/data/f/b\" {{ capabilities = [\"read\"] }}
        path \"kv/data/f/c\" {{ capabilities = [\"read\"] required_parameters = [\"version\"] }}
        path \"kv/data/f/d\" {{ capabilities = [\"read\"] min_wrapping_ttl = 1 }}
        path \"kv/data/f/sub/*\" {{ capabilities = [\"read\", \"list\"] }}
        path \"kv/data/f/sub/y\" {{ capabilities = [\"deny\"] }}",
        filter("{{ .path | replace \"kv/metadata/\" \"kv/data/\" }}{{ .key }}"),
        filter("{{ .path | replace \"kv/detailed-metadata/\" \"kv/data/\" }}{{ .key }}"),
    );
    let held = holder(&root, "sees", &text).await;
    assert_eq!(keys(&held.list("kv/metadata/f").await), ["b", "sub/"]);
    assert_eq!(keys(&held.list("kv/metadata/f/sub").await), ["x"]);
    let scanned = held.send("SCAN", "kv/metadata/f", &[], None).await;
    assert_eq!(keys(&scanned), ["b", "sub/x"]);
    // What is left of nothing is answered as nothing is.
    for path in ["kv/metadata/f/shut", "kv/metadata/none"] {
        let answer = held.list(path).await.expect(404);
        assert_eq!(answer.text.trim_end(), "{\"errors\":[]}", "{path}");
    }
    let detailed = held.list("kv/detailed-metadata/f").await;
    assert_eq!(keys(&detailed), ["b", "sub/"]);
    let infos = detailed.at("/data/key_info").as_object().unwrap();
    assert!(
        infos["b"]["current_version"] == 1 && infos.len() <= 2,
        "{infos:?}"
    );
    assert!(
        !infos
            .keys()
            .any(|name| ["a", "c", "d"].contains(&name.as_str()))
    );
    // Wrapped, it is what was filtered that is laid aside.
    let headers = [("x-vault-wrap-ttl", "1m")];
    let wrapped = held.send("LIST", "kv/metadata/f", &headers, None).await;
    let opener = root.with_token(wrapped.expect(200).text_at("/wrap_info/token"));
    let opened = opener.post("sys/wrapping/unwrap", json!({})).await;
    assert_eq!(keys(&opened), ["b", "sub/"]);
    // The root policy is above filters.
    assert_eq!(keys(&root.list("kv/metadata/f").await).len(), 6);
}

#[tokio::test]
async fn a_page_is_filled_with_what_the_caller_may_read() {
    let names = (0..300).map(|number| format!("{number:03}"));
    let (_target, root) = with_secrets(names).await;
    let list = "path \"kv/metadata/\" { capabilities = [\"list\", \"scan\"] pagination_limit = 3
        list_scan_response_keys_filter_path = \"{{ .path }}{{ .key }}\" }";
    let readable = ["007", "008", "131", "256", "299"];
    let rules =
        readable.map(|name| format!("path \"kv/metadata/{name}\" {{ capabilities = [\"read\"] }}"));
    let held = holder(&root, "few", &format!("{list}\n{}", rules.join("\n"))).await;
    for method in ["LIST", "SCAN"] {
        for (asked, wanted) in [
            ("", &["007", "008", "131"][..]),
            ("?limit=2", &["007", "008"]),
            ("?limit=1&after=008", &["131"]),
            ("?after=131", &["256", "299"]),
            ("?after=299", &[]),
        ] {
            let path = format!("kv/metadata/{asked}");
            let answer = held.send(method, &path, &[], None).await;
            assert_eq!(keys(&answer), wanted, "{method} {asked}");
        }
    }
}

#[tokio::test]
async fn where_sudo_is_needed_an_entry_asks_for_it_too_and_no_other_field_may_stand_there() {
    let (_target, root) = with_secrets(["a".to_owned()].into_iter()).await;
    let text = |capabilities: &str| {
        format!(
            "path \"kv/metadata/\" {{ capabilities = [\"list\"]
            list_scan_response_keys_filter_path = \"sys/{{{{ .key | replace `a` `audit` }}}}\" }}
            path \"sys/audit\" {{ capabilities = [{capabilities}] }}"
        )
    };
    let held = holder(&root, "plain", &text("\"read\"")).await;
    held.list("kv/metadata").await.expect(404);
    let held = holder(&root, "sudo", &text("\"read\", \"sudo\"")).await;
    assert_eq!(keys(&held.list("kv/metadata").await), ["a"]);

    let text = "path \"sys/policy\" { capabilities = [\"list\"]
        list_scan_response_keys_filter_path = \"{{ .path }}{{ .key }}\" }";
    let held = holder(&root, "other", text).await;
    let complaint =
        "a policy has the keys of this list filtered, and the answer is not one of keys alone";
    held.list("sys/policy").await.refused(400, complaint);
}
