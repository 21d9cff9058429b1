//! Answers that travel as a token which opens them once, and what a token keeps for itself.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Target};

const NO_SUCH_TOKEN: &str = "wrapping token is not valid or does not exist";

async fn wrapped(client: &Client, method: &str, path: &str, body: Option<Value>) -> Answer {
    let body = body.map(|body| body.to_string());
    client
        .send(method, path, &[("X-Vault-Wrap-TTL", "60")], body)
        .await
}

/// Wraps something and returns the token that opens it.
async fn token(client: &Client) -> String {
    let answer = wrapped(client, "POST", "sys/wrapping/wrap", Some(json!({"a": "b"}))).await;
    answer.expect(200).text_at("/wrap_info/token").to_owned()
}

async fn unwrap(client: &Client, token: &str) -> Answer {
    client
        .post("sys/wrapping/unwrap", json!({ "token": token }))
        .await
}

#[tokio::test]
async fn trap_16_a_wrapped_answer_says_where_it_comes_from_and_nothing_else() {
    let target = Target::keyward();
    let root = Client::new(&target);
    root.post("secret/data/a", json!({"data": {"k": "v"}}))
        .await
        .expect(200);
    let plain = root.get("secret/data/a").await.expect(200);
    let answer = wrapped(&root, "GET", "secret/data/a", None).await;
    let answer = answer.expect(200);
    assert_eq!(answer.at("/request_id"), "");
    assert!(answer.at("/data").is_null() && answer.at("/auth").is_null());
    let info = answer.at("/wrap_info");
    assert_eq!(info["ttl"], 60);
    assert_eq!(info["creation_path"], "secret/data/a");
    assert!(info.get("wrapped_accessor").is_none());
    assert!(!answer.text.contains("\"k\""));

    let opened = root.with_token(info["token"].as_str().unwrap());
    let looked = opened.get("sys/wrapping/lookup").await.expect(200);
    assert_eq!(looked.at("/data/creation_ttl"), 60);
    assert_eq!(looked.at("/data/creation_time"), &info["creation_time"]);
    let opened = opened.post("sys/wrapping/unwrap", json!({})).await;
    let opened = opened.expect(200);
    assert_eq!(opened.at("/data"), plain.at("/data"));
    assert_eq!(opened.at("/mount_type"), "kv");
    assert!(!opened.text_at("/request_id").is_empty());
}

#[tokio::test]
async fn trap_16_only_successes_with_a_body_are_wrapped() {
    let target = Target::keyward();
    let root = Client::new(&target);
    wrapped(&root, "GET", "secret/data/none", None)
        .await
        .expect(404);
    let nothing = json!({"token": "hvs.none"});
    wrapped(&root, "POST", "auth/token/revoke", Some(nothing))
        .await
        .expect(204);
    root.post("sys/wrapping/wrap", json!({}))
        .await
        .refused(400, "endpoint requires response wrapping to be used");
    for (ttl, text) in [("-1", "cannot be negative"), ("soon", "invalid duration")] {
        let headers = [("X-Vault-Wrap-TTL", ttl)];
        root.send("GET", "sys/mounts", &headers, None)
            .await
            .refused(400, text);
    }
}

#[tokio::test]
async fn trap_16_a_token_that_is_wrapped_shows_its_accessor_outside() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let body = json!({"policies": ["default"]});
    let made = wrapped(&root, "POST", "auth/token/create", Some(body)).await;
    let accessor = made.text_at("/wrap_info/wrapped_accessor").to_owned();
    let opened = unwrap(&root, made.text_at("/wrap_info/token")).await;
    assert_eq!(opened.text_at("/auth/accessor"), accessor);
    let token = root.with_token(opened.text_at("/auth/client_token"));
    token.get("auth/token/lookup-self").await.expect(200);
}

#[tokio::test]
async fn trap_16_an_answer_opens_once_even_under_a_race() {
    let target = Target::keyward();
    let root = Client::new(&target);
    for by_header in [false, true] {
        let token = token(&root).await;
        let own = root.with_token(&token);
        let attempts = (0..24).map(|_| async {
            if by_header {
                own.post("sys/wrapping/unwrap", json!({})).await
            } else {
                unwrap(&root, &token).await
            }
        });
        let answers = join_all(attempts).await;
        let (opened, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(opened.len(), 1);
        for answer in refused {
            answer.refused(400, NO_SUCH_TOKEN);
        }
    }
}

#[tokio::test]
async fn a_wrapping_token_may_do_nothing_else_and_needs_somebody_who_may_unwrap() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let token = token(&root).await;
    let paths = [
        "cubbyhole/response",
        "sys/wrapping/lookup",
        "sys/wrapping/unwrap",
        "secret/data/a",
    ];
    let asked = json!({"token": token, "paths": paths});
    let can = root.post("sys/capabilities", asked).await.expect(200);
    for (path, capabilities) in paths.iter().zip([
        json!(["create", "read"]),
        json!(["deny"]),
        json!(["update"]),
        json!(["deny"]),
    ]) {
        assert_eq!(can.json["data"][path], capabilities, "{path}");
    }
    // Whoever finds it in a body, without a token of its own, has nothing.
    unwrap(&root.with_token(""), &token)
        .await
        .refused(403, "permission denied");
    let body = json!({"policies": ["none"], "no_default_policy": true});
    let made = root.post("auth/token/create", body).await;
    let powerless = root.with_token(made.text_at("/auth/client_token"));
    unwrap(&powerless, &token)
        .await
        .refused(403, "permission denied");
    assert_eq!(unwrap(&root, &token).await.at("/data/a"), "b");
}

#[tokio::test]
async fn rewrapping_moves_an_answer_and_ends_the_old_token() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let old = token(&root).await;
    let moved = root
        .post("sys/wrapping/rewrap", json!({ "token": old }))
        .await
        .expect(200);
    assert_eq!(moved.at("/wrap_info/creation_path"), "sys/wrapping/wrap");
    assert_eq!(moved.at("/wrap_info/ttl"), 60);
    unwrap(&root, &old).await.refused(400, NO_SUCH_TOKEN);
    let opened = unwrap(&root, moved.text_at("/wrap_info/token")).await;
    assert_eq!(opened.at("/data/a"), "b");
}

/// A batch with a bad item answers 400 with results; the caller of the wrapped one learns it when
/// it opens the answer.
#[tokio::test]
async fn a_body_of_blanks_is_wrapped_as_none() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let header = [("X-Vault-Wrap-TTL", "60")];
    let blanks = Some(" \r\n\t".to_owned());
    let answer = root.send("POST", "sys/wrapping/wrap", &header, blanks);
    let answer = answer.await.expect(200);
    let opened = unwrap(&root, answer.text_at("/wrap_info/token")).await;
    assert_eq!(opened.expect(200).at("/data"), &json!({}));
}

#[tokio::test]
async fn an_answer_keeps_its_status_inside() {
    let target = Target::keyward();
    let root = Client::new(&target);
    root.post("sys/mounts/transit", json!({"type": "transit"}))
        .await
        .expect(204);
    let body = json!({"batch_input": [{"plaintext": "aGVsbG8="}, {"plaintext": "!"}]});
    let answer = wrapped(&root, "POST", "transit/encrypt/a", Some(body)).await;
    let opened = unwrap(&root, answer.expect(200).text_at("/wrap_info/token")).await;
    let opened = opened.expect(400);
    assert_eq!(
        opened.at("/data/batch_results").as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn an_answer_without_an_envelope_is_wrapped_as_it_is() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let path = "identity/oidc/.well-known/openid-configuration";
    let plain = root.get(path).await.expect(200);
    let answer = wrapped(&root, "GET", path, None).await.expect(200);
    let token = answer.text_at("/wrap_info/token");
    assert!(!answer.text.contains("jwks_uri"));
    let again = root.post("sys/wrapping/rewrap", json!({ "token": token }));
    let again = again.await.expect(200);
    let opened = unwrap(&root, again.text_at("/wrap_info/token")).await;
    assert_eq!(opened.expect(200).text, plain.text);
    // Who has no token has nothing kept for longer than a token would last.
    let nobody = root.with_token("");
    let ages = [("X-Vault-Wrap-TTL", "2540000h")];
    let wrapped_for = nobody.send("GET", path, &ages, None).await.expect(200);
    assert_eq!(wrapped_for.at("/wrap_info/ttl"), 2_764_800);
    // What goes on and on has no end that could be laid aside.
    let monitor = wrapped(&root, "GET", "sys/monitor", None).await;
    monitor.refused(400, "an answer that goes on and on cannot be wrapped");
}

#[tokio::test]
async fn what_a_token_keeps_is_its_own_and_goes_with_it() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let make = async || {
        let made = root.post("auth/token/create", json!({"policies": ["default"]}));
        root.with_token(made.await.text_at("/auth/client_token"))
    };
    let (first, second) = (make().await, make().await);
    let value = json!({"number": 1, "none": null});
    first.post("cubbyhole/a/b", value.clone()).await.expect(204);
    assert_eq!(first.get("cubbyhole/a/b").await.at("/data"), &value);
    assert_eq!(
        first.list("cubbyhole").await.at("/data/keys"),
        &json!(["a/"])
    );
    second.get("cubbyhole/a/b").await.expect(404);
    root.get("cubbyhole/a/b").await.expect(404);
    second
        .post("cubbyhole/a/b", json!({}))
        .await
        .refused(400, "missing data fields");
    first.delete("cubbyhole/a/b").await.expect(204);
    first.list("cubbyhole").await.expect(404);
}

/// The way that older clients unwrap.
#[tokio::test]
async fn a_wrapping_token_reads_its_answer_from_its_cubbyhole_once() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let own = root.with_token(&token(&root).await);
    let answer = own.get("cubbyhole/response").await.expect(200);
    let inside: Value = serde_json::from_str(answer.text_at("/data/response")).unwrap();
    assert_eq!(inside["data"]["a"], "b");
    assert!(answer.text_at("/warnings/0").contains("deprecated"));
    own.get("cubbyhole/response")
        .await
        .refused(403, "permission denied");
}

#[tokio::test]
async fn a_wrapping_token_can_be_a_jwt() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let jwt = async |method: &str, path: &str, body: Value| {
        let headers = [("X-Vault-Wrap-TTL", "60"), ("X-Vault-Wrap-Format", "jwt")];
        let body = Some(body.to_string()).filter(|_| method == "POST");
        let answer = root.send(method, path, &headers, body).await.expect(200);
        let token = answer.text_at("/wrap_info/token").to_owned();
        assert_eq!(token.matches('.').count(), 2, "{token}");
        token
    };
    let wrap = async || jwt("POST", "sys/wrapping/wrap", json!({ "a": "b" })).await;
    let nobody = root.with_token("");

    // In the body, and as the caller's own.
    let token = wrap().await;
    let body = json!({ "token": token });
    let looked = nobody.post("sys/wrapping/lookup", body).await.expect(200);
    assert_eq!(looked.text_at("/data/creation_path"), "sys/wrapping/wrap");
    let opened = unwrap(&root, &token).await.expect(200);
    assert_eq!(opened.at("/data"), &json!({ "a": "b" }));
    unwrap(&root, &token).await.refused(400, NO_SUCH_TOKEN);
    let own = root.with_token(&wrap().await);
    own.get("sys/wrapping/lookup").await.expect(200);
    own.get("auth/token/lookup-self").await.expect(403);
    let opened = own.post("sys/wrapping/unwrap", json!({})).await.expect(200);
    assert_eq!(opened.at("/data"), &json!({ "a": "b" }));
    let again = own.post("sys/wrapping/unwrap", json!({})).await;
    again.refused(400, NO_SUCH_TOKEN);

    // From one form to the other, and back.
    let body = json!({ "token": wrap().await });
    let plain = root.post("sys/wrapping/rewrap", body.clone()).await;
    let plain = plain.expect(200).text_at("/wrap_info/token").to_owned();
    assert!(plain.matches('.').count() < 2, "{plain}");
    let gone = root.post("sys/wrapping/rewrap", body).await;
    gone.refused(400, NO_SUCH_TOKEN);
    let token = jwt("POST", "sys/wrapping/rewrap", json!({ "token": plain })).await;
    let opened = unwrap(&root, &token).await.expect(200);
    assert_eq!(opened.at("/data"), &json!({ "a": "b" }));

    let token = jwt("GET", "sys/mounts", Value::Null).await;
    let (signed, _) = token.rsplit_once('.').unwrap();
    let refusal = "wrapping token signature could not be validated";
    for forged in [format!("{signed}.AAAA"), format!("{signed}.")] {
        unwrap(&root, &forged).await.refused(403, refusal);
        let own = root.with_token(&forged);
        let own = own.post("sys/wrapping/unwrap", json!({})).await;
        own.refused(403, refusal);
    }
    unwrap(&root, &token).await.expect(200);
}

#[tokio::test]
async fn a_format_that_is_none_asks_for_none() {
    let target = Target::keyward();
    let root = Client::new(&target);
    for format in ["", "JWT", "foo", "token"] {
        let headers = [("X-Vault-Wrap-TTL", "60"), ("X-Vault-Wrap-Format", format)];
        let answer = root.send("GET", "sys/mounts", &headers, None).await;
        let answer = answer.expect(200);
        let token = answer.text_at("/wrap_info/token");
        assert!(token.matches('.').count() < 2, "{format}: {token}");
    }
    let headers = [("X-Vault-Wrap-Format", "jwt")];
    let bare = root.send("GET", "sys/mounts", &headers, None).await;
    assert!(bare.expect(200).at("/wrap_info").is_null());
}
