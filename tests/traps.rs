//! What clones of Vault's HTTP layer get wrong, one test each.
//!
//! The numbers are those of the list in the contract of the wire. Those of transit stand beside its
//! engine, those of wrapping, leases and audit in their own modules here.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Target};

/// A dev server with a transit engine, and its root token.
async fn furnished(target: &Target) -> Client {
    let root = Client::new(target);
    let transit = json!({"type": "transit"});
    root.post("sys/mounts/transit", transit).await.expect(204);
    root.post("transit/keys/a", json!({})).await.expect(200);
    root
}

/// Writes a policy and makes a token that has it alone.
async fn limited(root: &Client, policies: &[(&str, &str)]) -> Client {
    for (name, text) in policies {
        let body = json!({ "policy": text });
        root.post(&format!("sys/policies/acl/{name}"), body)
            .await
            .expect(204);
    }
    let names: Vec<&str> = policies.iter().map(|(name, _)| *name).collect();
    let body = json!({"policies": names, "no_default_policy": true});
    let made = root.post("auth/token/create", body).await.expect(200);
    root.with_token(made.text_at("/auth/client_token"))
}

fn has_content_type(answer: &Answer) -> bool {
    answer.headers.contains_key("content-type")
}

#[tokio::test]
async fn trap_09_what_has_nothing_to_say_answers_204_without_body_and_type() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let nothing = json!({"token": "hvs.unknown"});
    for answer in [
        root.post("secret/config", json!({"max_versions": 3})).await,
        root.post("auth/token/revoke", nothing).await,
        root.post("sys/leases/revoke", json!({"lease_id": "unknown"}))
            .await,
        root.delete("sys/mounts/nowhere").await,
        root.delete("sys/policies/acl/unknown").await,
    ] {
        let answer = answer.expect(204);
        assert!(answer.text.is_empty() && !has_content_type(&answer));
    }
    // What gives the new state of a thing answers 200.
    let config = json!({"deletion_allowed": true});
    let answer = root.post("transit/keys/a/config", config).await.expect(200);
    assert!(has_content_type(&answer));
    assert_eq!(answer.at("/data/deletion_allowed"), true);
}

#[tokio::test]
async fn trap_10_a_policy_refuses_in_a_list_of_errors_and_a_token_plainly() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let powerless = limited(
        &root,
        &[("none", "path \"x\" { capabilities = [\"read\"] }")],
    )
    .await;
    let refused = powerless.get("transit/keys/a").await.expect(403);
    let in_a_list = json!({"errors": ["1 error occurred:\n\t* permission denied\n\n"]});
    assert_eq!(refused.json, in_a_list);
    for token in ["", "hvs.unknown"] {
        let refused = root.with_token(token).get("transit/keys/a").await;
        assert_eq!(
            refused.expect(403).json,
            json!({"errors": ["permission denied"]})
        );
    }
}

#[tokio::test]
async fn trap_11_a_list_is_asked_for_by_its_verb_or_by_a_parameter() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    for (method, path) in [
        ("LIST", "transit/keys"),
        ("LIST", "transit/keys/"),
        ("GET", "transit/keys?list=true"),
        ("GET", "transit/keys/?list=true"),
        ("GET", "transit/keys?list=1"),
    ] {
        let answer = root.send(method, path, &[], None).await.expect(200);
        assert_eq!(answer.at("/data/keys"), &json!(["a"]), "{method} {path}");
    }
}

#[tokio::test]
async fn trap_12_put_is_post_everywhere_and_other_verbs_have_their_places() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let value = json!({"data": {"k": "v"}}).to_string();
    for (path, body) in [
        ("transit/keys/b", "{}"),
        ("transit/encrypt/a", r#"{"plaintext": "aGVsbG8="}"#),
        ("secret/data/a", value.as_str()),
        (
            "sys/policies/acl/p",
            r#"{"policy": "path \"x\" { capabilities = [\"read\"] }"}"#,
        ),
        ("auth/token/create", r#"{"ttl": "1h"}"#),
        ("sys/capabilities-self", r#"{"paths": ["x"]}"#),
        ("sys/tools/none", "{}"),
    ] {
        let put = root.send("PUT", path, &[], Some(body.to_owned())).await;
        let post = root.send("POST", path, &[], Some(body.to_owned())).await;
        assert_eq!(put.status, post.status, "{path}");
    }
    let patch = async |kind: &str| {
        let body = Some(json!({"data": {"k": "w"}}).to_string());
        let headers = [("Content-Type", kind)];
        root.send("PATCH", "secret/data/a", &headers, body).await
    };
    patch("application/merge-patch+json").await.expect(200);
    patch("APPLICATION/Merge-Patch+JSON; charset=utf-8")
        .await
        .expect(200);
    patch("application/merge-patch+json; x=\"a;b\\\";c\"")
        .await
        .expect(200);
    patch("application/json").await.expect(415);
    for (kind, why) in [
        ("a/b c", "mime: unexpected content after media subtype"),
        ("a/", "mime: expected token after slash"),
        ("/", "mime: no media type"),
        ("a/b; c", "mime: invalid media parameter"),
    ] {
        patch(kind).await.refused(400, why);
    }
    let no_type = Some(json!({"data": {}}).to_string());
    root.send("PATCH", "secret/data/a", &[], no_type)
        .await
        .refused(400, "mime: no media type");
    root.send("HEAD", "sys/health", &[], None).await.expect(200);
    root.send("HEAD", "secret/data/a", &[], None)
        .await
        .expect(405);
    root.send("BREW", "secret/data/a", &[], None)
        .await
        .expect(405);
}

#[tokio::test]
async fn trap_15_a_token_comes_in_either_header_and_the_root_namespace_has_two_names() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let nobody = root.with_token("");
    let bearer = format!("Bearer {}", target.token);
    let lower = format!("bearer {}", target.token);
    let get = async |headers: &[(&str, &str)]| {
        nobody.send("GET", "sys/mounts", headers, None).await.status
    };
    assert_eq!(get(&[("X-Vault-Token", &target.token)]).await, 200);
    assert_eq!(get(&[("Authorization", &bearer)]).await, 200);
    assert_eq!(get(&[("Authorization", &lower)]).await, 403);
    for (namespace, status) in [("", 200), ("root", 200), ("root/", 200), ("other", 404)] {
        let headers = [
            ("X-Vault-Token", target.token.as_str()),
            ("X-Vault-Namespace", namespace),
        ];
        assert_eq!(get(&headers).await, status, "{namespace:?}");
    }
}

#[tokio::test]
async fn trap_17_sys_repeats_its_data_at_the_top_or_has_no_envelope() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    for path in [
        "sys/mounts",
        "sys/auth",
        "sys/policy",
        "sys/key-status",
        "sys/mounts/secret",
    ] {
        let answer = root.get(path).await.expect(200);
        assert_eq!(answer.at("/mount_type"), "system", "{path}");
        let data = answer.at("/data").as_object().unwrap();
        assert!(!data.is_empty(), "{path}");
        for (name, value) in data {
            assert_eq!(&answer.json[name], value, "{path}: {name}");
        }
    }
    for path in ["sys/seal-status", "sys/health", "sys/init", "sys/leader"] {
        let answer = root.get(path).await.expect(200);
        for name in ["request_id", "data", "mount_type"] {
            assert!(answer.json.get(name).is_none(), "{path}: {name}");
        }
    }
    let health = root.get("sys/health").await;
    assert_eq!(health.at("/performance_standby"), false);
    let read = root.get("transit/keys/a").await;
    assert_eq!(read.at("/mount_type"), "transit");
}

#[tokio::test]
async fn trap_23_the_most_specific_path_decides_and_policies_unite() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    root.post("sys/mounts/kv", json!({"type": "kv"}))
        .await
        .expect(204);
    let token = limited(
        &root,
        &[
            // Names are kept in lower case.
            (
                "Wide",
                r#"path "kv/*" { capabilities = ["read", "update"] }
                   path "kv/+/x" { capabilities = ["list"] }
                   path "kv/team/*" { capabilities = ["deny"] }
                   path "kv/exact" { capabilities = ["delete"] }
                   path "kv/{{identity.entity.id}}/x" { capabilities = ["sudo"] }
                   path "kv/folder/" { capabilities = ["list"] }
                   path "kv/strict" {
                     capabilities = ["update"]
                     allowed_parameters = { "Colour" = ["blue"] }
                   }"#,
            ),
            ("narrow", r#"path "kv/exact" { capabilities = ["read"] }"#),
        ],
    )
    .await;
    let own = root
        .post("auth/token/lookup", json!({"token": token.own_token()}))
        .await;
    assert_eq!(own.at("/data/policies"), &json!(["narrow", "wide"]));
    let can = async |path: &str| {
        let body = json!({"token": token.own_token(), "path": path});
        root.post("sys/capabilities", body)
            .await
            .at("/capabilities")
            .clone()
    };
    assert_eq!(can("kv/a").await, json!(["read", "update"]));
    // An exact path wins, and rules for the same path are united.
    assert_eq!(can("kv/exact").await, json!(["delete", "read"]));
    // The later the first wildcard the better; deny wins.
    assert_eq!(can("kv/team/x").await, json!(["deny"]));
    // `+` comes before a `*` at the same place, and a template without a value matches nothing.
    assert_eq!(can("kv/b/x").await, json!(["list"]));
    assert_eq!(can("other").await, json!(["deny"]));
    // A list of a folder is matched with and without its slash.
    root.post("kv/folder/a", json!({"k": "v"}))
        .await
        .expect(204);
    token.list("kv/folder").await.expect(200);
    // Names of parameters have no case, their values have.
    for (body, status) in [
        (json!({"colour": "blue"}), 204),
        (json!({"COLOUR": "blue"}), 204),
        (json!({"colour": "Blue"}), 403),
        (json!({"colour": "blue", "size": 1}), 403),
    ] {
        root.post("kv/strict", json!({"k": "v"})).await.expect(204);
        let answer = token.post("kv/strict", body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
    }
}

#[tokio::test]
async fn trap_24_leases_are_named_by_their_path_and_capped_with_a_warning() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let made = root
        .post(
            "auth/token/create",
            json!({"ttl": "100000h", "policies": ["default"]}),
        )
        .await
        .expect(200);
    let warning = "TTL of \"100000h\" exceeded the effective max_ttl of \"768h\"; TTL value is \
                   capped accordingly";
    let warnings: Vec<Value> = made.at("/warnings").as_array().unwrap().clone();
    assert!(warnings.contains(&json!(warning)), "{warnings:?}");
    assert_eq!(made.at("/auth/lease_duration"), 768 * 3600);
    root.post("sys/mounts/kv", json!({"type": "kv"}))
        .await
        .expect(204);
    root.post("kv/a", json!({"k": "v"})).await.expect(204);
    let read = root.get("kv/a").await.expect(200);
    assert_eq!(read.at("/lease_duration"), 2_764_800);
    assert_eq!(read.at("/lease_id"), "");
    for (path, text) in [("lookup", "invalid lease"), ("renew", "lease not found")] {
        root.put_lease(path).await.refused(400, text);
    }
    root.put_lease("revoke").await.expect(204);
}

impl Client {
    /// Asks something about a lease that nobody has.
    async fn put_lease(&self, what: &str) -> Answer {
        let body = json!({"lease_id": "auth/token/create/hunknown"});
        self.post(&format!("sys/leases/{what}"), body).await
    }
}
