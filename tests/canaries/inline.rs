//! Passwords of logins that come along with a request: right, wrong, and mistaken in every way.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::Watched;

/// All of it.
pub(super) async fn tell(watched: &mut Watched) {
    let password = watched.secret("a password of a login that comes along");
    let wrong = watched.secret("a wrong password of a login that comes along");
    let policy = json!({ "policy": "path \"kv1/*\" { capabilities = [\"read\"] }" });
    watched.post("sys/policies/acl/along", policy).await;
    let along = json!({ "password": password, "token_policies": "along" });
    watched.post("auth/userpass/users/along", along).await;
    let name = "X-Vault-Inline-Auth-Parameter-pw";
    for shown in [name, "X-Vault-Inline-Auth-Parameter-*"] {
        let path = format!("sys/config/auditing/request-headers/{shown}");
        watched.post(&path, json!({ "hmac": false })).await;
    }
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    for secret in [&password, &wrong] {
        let good = encode(json!({ "key": "password", "value": secret }).to_string());
        let listed = encode(json!([secret]).to_string());
        // Names stand in the record as they are, so that none of these gets there as one.
        let more = json!({ "key": "password", "value": secret, secret.as_str(): secret });
        let (more, cut) = (encode(more.to_string()), encode(format!("{{\"{secret}")));
        for value in [&*good, &listed, &more, &cut, secret, &good[1..]] {
            for path in ["auth/userpass/login/along", "auth/none/login", "sys/mounts"] {
                let headers = [("X-Vault-Inline-Auth-Path", path), (name, value)];
                let root = watched.root.own_token().to_owned();
                for token in ["", &root] {
                    let call = ("GET", "kv1/a");
                    watched.say("along", call, &headers, None, token).await;
                }
            }
        }
        for mistaken in [
            "X-Vault-Inline-Auth-Operation",
            "X-Vault-Inline-Auth-Namespace",
        ] {
            let path = ("X-Vault-Inline-Auth-Path", "auth/userpass/login/along");
            let headers = [path, (name, &*good), (mistaken, &**secret)];
            watched
                .say("along", ("GET", "kv1/a"), &headers, None, "")
                .await;
        }
    }
}
