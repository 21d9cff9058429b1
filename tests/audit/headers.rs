//! Request headers in the log: those that are configured, in clear or hashed, and no token ever.

use serde_json::{Value, json};

use super::Audited;

const HEADERS: &str = "sys/config/auditing/request-headers";

impl Audited {
    /// Sends a request with `headers`, and returns which of them both of its lines show.
    async fn shown(&self, headers: &[(&str, &str)]) -> Value {
        self.root
            .send("GET", "sys/mounts", headers, None)
            .await
            .expect(200);
        let entries = self.entries();
        let [.., request, response] = &entries[..] else {
            panic!("there are two lines")
        };
        assert_eq!(request["request"], response["request"]);
        request["request"]["headers"].clone()
    }
}

#[tokio::test]
async fn headers_that_are_configured_are_on_record_as_they_are_configured() {
    let mut audited = Audited::start().await;
    let sent = [
        ("X-Clear", "one"),
        ("x-clear", "two"),
        ("X-Hashed", "h"),
        ("X-Other", "o"),
    ];
    assert_eq!(audited.shown(&sent).await, Value::Null);
    assert_eq!(
        audited.shown(&[("X-Correlation-Id", "c")]).await,
        json!({ "x-correlation-id": ["c"] })
    );

    let root = &audited.root;
    let set = async |name: &str, body| root.post(&format!("{HEADERS}/{name}"), body).await;
    set("X-Clear", json!({})).await.expect(204);
    set("X-Hashed", json!({ "hmac": true })).await.expect(204);
    set("X-Vault-Token", json!({ "hmac": false }))
        .await
        .expect(204);
    set("authorization", json!({ "hmac": false }))
        .await
        .expect(204);
    set("user-agent", json!({ "hmac": true })).await.expect(204);
    set("a%20b", json!({})).await.expect(400);
    root.delete(&format!("{HEADERS}/USER-AGENT"))
        .await
        .expect(204);
    let wanted = json!({ "x-clear": ["one", "two"], "x-hashed": [audited.hash("h").await] });
    assert_eq!(audited.shown(&sent).await, wanted);
    let listed = root.get(HEADERS).await.expect(200);
    let listed = listed.at("/data/headers").as_object().unwrap();
    let names: Vec<_> = listed.keys().map(String::as_str).collect();
    let all = [
        "authorization",
        "correlation-id",
        "x-clear",
        "x-correlation-id",
        "x-hashed",
    ];
    assert_eq!(names, [&all[..], &["x-vault-token"]].concat());

    // They are kept over a restart, and a token is on no line.
    audited.server.kill();
    audited.server = audited.installation.start();
    audited.installation.unseal(&audited.keys).await;
    assert_eq!(audited.shown(&sent).await, wanted);
    let bearer = format!("Bearer {}", audited.keys.root_token);
    assert_eq!(
        audited.shown(&[("Authorization", &bearer)]).await,
        Value::Null
    );
    assert!(!audited.log().contains(&audited.keys.root_token));
}

#[tokio::test]
async fn only_who_may_sudo_configures_them() {
    let audited = Audited::start().await;
    let policy = format!("path \"{HEADERS}/*\" {{ capabilities = [\"read\", \"update\"] }}");
    audited
        .root
        .post("sys/policies/acl/headers", json!({ "policy": policy }))
        .await
        .expect(204);
    let made = audited
        .root
        .post("auth/token/create", json!({ "policies": ["headers"] }))
        .await
        .expect(200);
    let caller = audited.root.with_token(made.text_at("/auth/client_token"));
    caller
        .post(&format!("{HEADERS}/x"), json!({}))
        .await
        .expect(403);
    caller
        .get(&format!("{HEADERS}/correlation-id"))
        .await
        .expect(403);
}
