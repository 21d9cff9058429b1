//! Inline authentication: a request that brings its login along, and what becomes of either.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::House;
use crate::support::{Answer, Client};

const PATH: &str = "X-Vault-Inline-Auth-Path";
const FAILED: &str = "x-vault-inline-auth-failed";
const PASSWORD: &str = "correct horse";

/// The value of a header that brings a parameter along.
fn parameter(key: &str, value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "key": key, "value": value }).to_string())
}

/// A login of userpass that comes along with requests.
pub(super) struct Inline {
    nobody: Client,
    path: String,
    password: String,
}

impl Inline {
    pub(super) fn of(house: &House, user: &str, password: &str) -> Self {
        Self {
            nobody: house.root.with_token(""),
            path: format!("auth/userpass/login/{user}"),
            password: parameter("password", &json!(password)),
        }
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let login = [
            (PATH, &*self.path),
            ("X-Vault-Inline-Auth-Parameter-pw", &self.password),
        ];
        let headers = [&login, more].concat();
        let body = body.map(|body| body.to_string());
        self.nobody.send(method, path, &headers, body).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], Some(body)).await
    }
}

/// Tells whether the login is what is answered.
pub(super) fn is_of_login(answer: &Answer) -> bool {
    answer
        .headers
        .get(FAILED)
        .is_some_and(|told| told == "true")
}

/// A server with bob, who may do all but `sys/`, and with something to read.
async fn furnished() -> House {
    let house = House::with("userpass").await;
    let policy = "path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"list\"] }\n\
                  path \"sys/*\" { capabilities = [\"deny\"] }\n\
                  path \"sys/capabilities-self\" { capabilities = [\"update\"] }\n\
                  path \"sys/monitor\" { capabilities = [\"read\"] }";
    let policy = json!({ "policy": policy });
    house.write("sys/policies/acl/much", policy).await;
    let bob = json!({ "password": PASSWORD, "token_policies": "much" });
    house.write("auth/userpass/users/bob", bob).await;
    house.write("sys/mounts/kv", json!({ "type": "kv" })).await;
    house.write("kv/a", json!({ "b": "c" })).await;
    house
}

#[tokio::test]
async fn a_request_is_done_in_the_name_of_who_logs_in_with_it() {
    let house = furnished().await;
    let bob = Inline::of(&house, "bob", PASSWORD);
    let before = house.root.list("auth/token/accessors").await.expect(200);
    let read = bob.get("kv/a").await.expect(200);
    assert_eq!(read.text_at("/data/b"), "c");
    assert!(!is_of_login(&read));

    // Both are on record, the login without its password, the other with who asked.
    let lines = house.entries();
    let [login, let_in, asked, _] = &lines[lines.len() - 4..] else {
        panic!("{lines:?}")
    };
    assert_eq!(login["request"]["path"], "auth/userpass/login/bob");
    let hashed = house.hash(PASSWORD).await;
    assert_eq!(login["request"]["data"]["password"], hashed);
    assert_eq!(let_in["auth"]["display_name"], "userpass-bob");
    assert_eq!(asked["request"]["path"], "kv/a");
    assert_eq!(asked["auth"]["display_name"], "userpass-bob");
    assert_eq!(asked["auth"]["policies"], json!(["default", "much"]));
    assert_ne!(login["request"]["id"], asked["request"]["id"]);
    assert!(!house.log().contains(PASSWORD));

    // Nothing is left of it.
    let after = house.root.list("auth/token/accessors").await.expect(200);
    assert_eq!(before.at("/data/keys"), after.at("/data/keys"));

    // Written as well, wrapped as well, and with policies that deny.
    bob.post("kv/b", json!({ "x": "y" })).await.expect(204);
    let wrapped = bob.send("GET", "kv/b", &[("X-Vault-Wrap-TTL", "60")], None);
    let wrapped = wrapped.await.expect(200);
    let opener = bob.nobody.with_token(wrapped.text_at("/wrap_info/token"));
    let opened = opener.post("sys/wrapping/unwrap", json!({})).await;
    assert_eq!(opened.expect(200).text_at("/data/x"), "y");
    let denied = bob.get("sys/mounts").await;
    assert!(!is_of_login(&denied));
    denied.refused(403, "permission denied");
    let may = bob.post("sys/capabilities-self", json!({ "path": "sys/mounts" }));
    assert_eq!(
        may.await.expect(200).at("/data/sys~1mounts"),
        &json!(["deny"])
    );
}

#[tokio::test]
async fn machines_log_in_with_two_parameters() {
    let house = furnished().await;
    house
        .write("sys/auth/approle", json!({ "type": "approle" }))
        .await;
    let role = json!({ "token_policies": "much", "token_num_uses": 1, "token_type": "service" });
    house.write("auth/approle/role/ci", role).await;
    let id = house.root.get("auth/approle/role/ci/role-id").await;
    let id = id.expect(200).text_at("/data/role_id").to_owned();
    let made = house.root.post("auth/approle/role/ci/secret-id", json!({}));
    let secret = made.await.expect(200).text_at("/data/secret_id").to_owned();
    let headers = [
        (PATH, "auth/approle/login"),
        ("X-Vault-Inline-Auth-Operation", "update"),
        ("X-Vault-Inline-Auth-Namespace", "root"),
        (
            "X-Vault-Inline-Auth-Parameter-1",
            &*parameter("role_id", &json!(id)),
        ),
        (
            "X-Vault-Inline-Auth-Parameter-2",
            &*parameter("secret_id", &json!(secret)),
        ),
    ];
    let nobody = house.root.with_token("");
    for _ in 0..2 {
        let read = nobody.send("GET", "kv/a", &headers, None).await.expect(200);
        assert_eq!(read.text_at("/data/b"), "c");
    }
}

#[tokio::test]
async fn a_login_that_fails_is_what_is_answered_and_nothing_is_done() {
    let house = furnished().await;
    let far = json!({
        "password": PASSWORD, "token_policies": "much", "token_bound_cidrs": "192.0.2.0/24",
    });
    house.write("auth/userpass/users/far", far).await;
    let wrong = "invalid username or password";
    for (user, password, status, text) in [
        ("bob", "wrong", 400, wrong),
        ("nobody", PASSWORD, 400, wrong),
        ("far", PASSWORD, 403, "permission denied"),
    ] {
        let inline = Inline::of(&house, user, password);
        let refused = inline.post("kv/new", json!({ "x": "y" })).await;
        assert!(is_of_login(&refused), "{user}");
        refused.refused(status, text);
        let [request, _] = house.last_lines();
        let path = format!("auth/userpass/login/{user}");
        assert_eq!(request["request"]["path"], *path);
    }
    house.root.get("kv/new").await.expect(404);

    // What gives no tokens to who logs in is not asked, whatever it would answer.
    for path in [
        "kv/a",
        "sys/seal-status",
        "sys/unseal",
        "auth/token/create",
        "auth/none/login",
    ] {
        let inline = Inline {
            path: path.to_owned(),
            ..Inline::of(&house, "bob", PASSWORD)
        };
        for operation in ["read", "update"] {
            let more = [("X-Vault-Inline-Auth-Operation", operation)];
            let refused = inline.send("GET", "kv/a", &more, None).await;
            assert!(is_of_login(&refused), "{path}");
            refused.refused(403, "permission denied");
        }
    }
    let bob = Inline::of(&house, "bob", PASSWORD);
    let read = [("X-Vault-Inline-Auth-Operation", "read")];
    let refused = bob.send("GET", "kv/a", &read, None).await;
    assert!(is_of_login(&refused));
    refused.refused(403, "permission denied");

    let failed = "failed to perform inline authentication: ";
    let layered = house
        .root
        .send("GET", "kv/a", &[(PATH, &*bob.path)], None)
        .await;
    layered.refused(
        400,
        &format!("{failed}cannot layer inline authentication with token"),
    );
    let odd = [("X-Vault-Inline-Auth-Parameter-x", "!")];
    let refused = bob.send("GET", "kv/a", &odd, None).await;
    assert!(is_of_login(&refused));
    refused.refused(400, &format!("{failed}failed raw url-safe base64 decoding"));
}

#[tokio::test]
async fn nothing_is_made_that_would_hang_on_the_token() {
    let house = furnished().await;
    let bob = Inline::of(&house, "bob", PASSWORD);
    let batch = "batch tokens cannot";
    for (path, body, text) in [
        (
            "auth/token/create",
            json!({}),
            "batch tokens cannot create more tokens",
        ),
        ("auth/token/renew-self", json!({}), batch),
        ("auth/token/revoke-self", json!({}), batch),
        (
            "cubbyhole/a",
            json!({ "x": "y" }),
            "cubbyhole operations are only supported by 'service'",
        ),
    ] {
        let refused = bob.post(path, body).await;
        assert!(!is_of_login(&refused));
        assert!(
            [400, 403].contains(&refused.status),
            "{path}: {}",
            refused.text
        );
        assert!(refused.text.contains(text), "{path}: {}", refused.text);
    }
    // Who asks what it is gets no token to come again with.
    let own = bob.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(own.text_at("/data/display_name"), "userpass-bob");
    assert_eq!(own.text_at("/data/id"), "");
    // It is a batch token, whatever the method gives else.
    let user = json!({ "token_period": "1h", "token_explicit_max_ttl": "2h" });
    house.write("auth/userpass/users/bob", user).await;
    let own = bob.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(own.text_at("/data/type"), "batch");
    assert_eq!(own.text_at("/data/accessor"), "");
    assert_eq!(own.at("/data/renewable"), false);
    assert_eq!(own.at("/data/explicit_max_ttl"), 0);
    assert!(own.at("/data").get("period").is_none(), "{}", own.text);
    let lines = bob.get("sys/monitor").await;
    lines.refused(400, "needs a token, not inline authentication");
    let once = [("Idempotency-Key", "\"0123456789abcdef\"")];
    let refused = bob
        .send("POST", "kv/c", &once, Some(json!({ "x": "y" })))
        .await;
    refused.refused(400, "cannot have an idempotency key");
    house.root.get("kv/c").await.expect(404);

    // What others have to approve cannot wait for them.
    let policy = "path \"kv/a\" { capabilities = [\"read\"]\n control_group = { ttl = \"1h\"\n \
                  factor \"f\" { identity { group_names = [\"g\"]\n approvals = 1 } } } }";
    let policy = json!({ "policy": policy });
    house.write("sys/policies/acl/slow", policy).await;
    let ann = json!({ "password": PASSWORD, "token_policies": "slow" });
    house.write("auth/userpass/users/ann", ann).await;
    let refused = Inline::of(&house, "ann", PASSWORD).get("kv/a").await;
    refused.refused(400, "cannot wait for an approval");
}

#[tokio::test]
async fn lockouts_and_rate_limits_count_logins_that_come_along() {
    let house = furnished().await;
    let tune = json!({ "user_lockout_config": { "lockout_threshold": "2" } });
    house.write("sys/auth/userpass/tune", tune).await;
    let wrong = Inline::of(&house, "bob", "wrong");
    for _ in 0..2 {
        wrong.get("kv/a").await.expect(400);
    }
    let locked = Inline::of(&house, "bob", PASSWORD).get("kv/a").await;
    assert!(is_of_login(&locked));
    locked.refused(403, "permission denied");

    let ann = json!({ "password": PASSWORD, "token_policies": "much" });
    house.write("auth/userpass/users/ann", ann).await;
    let limit = json!({ "path": "auth/userpass", "rate": 1, "interval": "1h" });
    house.write("sys/quotas/rate-limit/logins", limit).await;
    let ann = Inline::of(&house, "ann", PASSWORD);
    ann.get("kv/a").await.expect(200);
    let limited = ann.get("kv/a").await;
    assert!(is_of_login(&limited));
    assert!(limited.headers.contains_key("retry-after"));
    limited.refused(
        429,
        "\"auth/userpass/login/ann\": rate limit quota exceeded",
    );
    house.root.get("kv/a").await.expect(200);
}
