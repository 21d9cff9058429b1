//! Secret ids: made up by the server and by callers, used, looked up, wrapped, mistaken and ended.

use serde_json::json;

use super::Watched;

const ROLE: &str = "auth/approle/role/watched";

/// All of it.
pub(super) async fn tell(watched: &mut Watched) {
    let settings = json!({ "role_id": "watched-role", "secret_id_num_uses": 2 });
    watched.root.post(ROLE, settings).await.expect(204);
    let root = watched.root.own_token().to_owned();
    let generate = format!("{ROLE}/secret-id");
    let made = watched.root.post(&generate, json!({ "ttl": "1h" })).await;
    let generated = made.expect(200).text_at("/data/secret_id").to_owned();
    watched.scanner.learn("a secret id", &generated);
    let taken = watched.secret("a secret id that was brought");
    let unknown = watched.secret("an unknown secret id");
    let take = format!("{ROLE}/custom-secret-id");
    for body in [
        json!({ "secret_id": taken }),
        // Again, and with what cannot be.
        json!({ "secret_id": taken }),
        json!({ "secret_id": unknown, "metadata": "x" }),
        json!({ "secret_id": unknown, "num_uses": 9 }),
        json!({ "secret_id": unknown, "cidr_list": "x" }),
        json!({ "secret_id": [unknown] }),
    ] {
        let body = Some(body.to_string());
        watched.say("take", ("POST", &take), &[], body, &root).await;
    }
    for secret_id in [&generated, &taken, &unknown] {
        let shown = json!({ "secret_id": secret_id }).to_string();
        let path = format!("{ROLE}/secret-id/lookup");
        let call = ("POST", &*path);
        watched
            .say("look up", call, &[], Some(shown.clone()), &root)
            .await;
        for role_id in ["watched-role", "watched-role", "watched-role", "none"] {
            let body = json!({ "role_id": role_id, "secret_id": secret_id });
            let call = ("POST", "auth/approle/login");
            let body = Some(body.to_string());
            let told = watched.say("log in", call, &[], body, "").await;
            if let Some(token) = told["auth"]["client_token"].as_str() {
                watched.scanner.learn("a token of a role", token);
            }
        }
        let cut = format!("{{\"role_id\":\"watched-role\",\"secret_id\":\"{secret_id}");
        let call = ("POST", "auth/approle/login");
        watched.say("half a body", call, &[], Some(cut), "").await;
        let mistaken = json!({ "role_id": secret_id, "secret_id": "x" });
        watched
            .say("mistaken", call, &[], Some(mistaken.to_string()), "")
            .await;
        let path = format!("{ROLE}/secret-id/destroy");
        watched
            .say("destroy", ("POST", &path), &[], Some(shown), &root)
            .await;
        let query = format!("{path}?secret_id={secret_id}");
        watched
            .say("delete", ("DELETE", &query), &[], None, &root)
            .await;
    }
    let wrap = [("X-Vault-Wrap-TTL", "5m")];
    let call = ("POST", &*generate);
    let made = watched.say("wrapped", call, &wrap, None, &root).await;
    let token = made["wrap_info"]["token"].as_str().unwrap().to_owned();
    watched.scanner.learn("a wrapping token", &token);
    let call = ("POST", "sys/wrapping/unwrap");
    let opened = watched.say("unwrapped", call, &[], None, &token).await;
    let secret_id = opened["data"]["secret_id"].as_str().unwrap().to_owned();
    watched.scanner.learn("a secret id", &secret_id);
    let listed = watched.root.list(&generate).await;
    watched.keep("secret ids", &listed, true);
}
