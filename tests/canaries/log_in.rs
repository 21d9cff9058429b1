//! The secrets of logging in elsewhere: a client's, codes, verifiers, and the tokens for them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Watched, story::FORM};

const PROVIDER: &str = "identity/oidc/provider/default";

/// All of it.
pub(super) async fn tell(watched: &mut Watched) {
    let holder = furnish(watched).await;
    let client = watched.root.get("identity/oidc/client/app").await;
    let id = client.text_at("/data/client_id").to_owned();
    let secret = client.text_at("/data/client_secret").to_owned();
    watched.scanner.learn("a client's secret", &secret);
    let wrong = watched.secret("a secret that is none of a client");
    for attempt in [
        "right",
        "wrong place",
        "wrong secret",
        "wrong verifier",
        "again",
    ] {
        let (first, second) = (watched.secret("a verifier"), watched.secret("a verifier"));
        let verifier = format!("{first}{second}");
        let code = consent(watched, &id, &verifier, &holder, attempt).await;
        let mut fields = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https://app/cb&client_id={id}"
        );
        let shown = if attempt == "wrong secret" {
            &wrong
        } else {
            &secret
        };
        let header = STANDARD.encode(format!("{id}:{shown}"));
        let header = format!("Basic {header}");
        let mut headers = vec![FORM];
        match attempt {
            "again" => fields.push_str(&format!("&client_secret={shown}")),
            _ => headers.push(("Authorization", &header)),
        }
        match attempt {
            "wrong verifier" => fields.push_str(&format!("&code_verifier={first}")),
            _ => fields.push_str(&format!("&code_verifier={verifier}")),
        }
        if attempt == "wrong place" {
            fields = fields.replace("app/cb", "other/cb");
        }
        let call = ("POST", &*format!("{PROVIDER}/token"));
        let told = watched
            .say(attempt, call, &headers, Some(fields.clone()), "")
            .await;
        let is_good = matches!(attempt, "right" | "again");
        assert_eq!(
            told["access_token"].is_string(),
            is_good,
            "{attempt}: {told}"
        );
        learn(watched, &told);
        // The code is used up, and a form that is cut off holds it all the same.
        watched
            .say("a used code", call, &headers, Some(fields.clone()), "")
            .await;
        let cut = format!("{{\"code\":\"{code}\",\"client_secret\":\"{shown}");
        watched.say("half a body", call, &[], Some(cut), "").await;
        if let Some(access) = told["access_token"].as_str() {
            claims(watched, access).await;
        }
    }
    let listed = watched.root.list("identity/oidc/client").await;
    watched.keep("clients", &listed, true);
}

/// Makes a client for everybody; returns the token of somebody.
async fn furnish(watched: &mut Watched) -> String {
    let policy = "path \"identity/oidc/provider/*\" { capabilities = [\"read\", \"update\"] }";
    for (path, body) in [
        ("sys/policies/acl/flow", json!({ "policy": policy })),
        (
            "auth/token/roles/flow",
            json!({ "allowed_entity_aliases": "*" }),
        ),
        (
            "identity/oidc/key/flow",
            json!({ "algorithm": "EdDSA", "allowed_client_ids": "*" }),
        ),
        (
            "identity/oidc/client/app",
            json!({ "key": "flow", "redirect_uris": "https://app/cb", "assignments": "allow_all" }),
        ),
    ] {
        watched.root.post(path, body).await.expect(204);
    }
    let body = json!({ "entity_alias": "ann", "policies": ["flow"] });
    let made = watched.root.post("auth/token/create/flow", body).await;
    let token = made.text_at("/auth/client_token").to_owned();
    watched.scanner.learn("a token of somebody", &token);
    token
}

/// Gets a code, by a query or a body.
async fn consent(
    watched: &mut Watched,
    client_id: &str,
    verifier: &str,
    holder: &str,
    attempt: &str,
) -> String {
    let path = format!("{PROVIDER}/authorize");
    let query = format!(
        "{path}?client_id={client_id}&redirect_uri=https://app/cb&response_type=code&scope=openid\
         &code_challenge={verifier}"
    );
    let body = json!({
        "client_id": client_id, "redirect_uri": "https://app/cb", "response_type": "code",
        "scope": "openid", "code_challenge": verifier,
    });
    let told = match attempt {
        "right" => watched.say("consent", ("GET", &query), &[], None, holder),
        _ => watched.say(
            "consent",
            ("POST", &path),
            &[],
            Some(body.to_string()),
            holder,
        ),
    };
    // One that is refused holds the challenge too.
    let refused = format!("{query}&max_age=0");
    let told = told.await;
    watched
        .say("refused consent", ("GET", &refused), &[], None, holder)
        .await;
    let code = told["code"].as_str().unwrap().to_owned();
    watched.scanner.learn("a code", &code);
    code
}

fn learn(watched: &mut Watched, told: &Value) {
    for name in ["access_token", "id_token"] {
        if let Some(token) = told[name].as_str() {
            watched.scanner.learn(name, token);
        }
    }
}

/// Uses an access token, right and wrong.
async fn claims(watched: &mut Watched, access: &str) {
    let header = format!("Bearer {access}");
    let headers = [("Authorization", &*header)];
    for (call, path) in [
        ("GET", format!("{PROVIDER}/userinfo")),
        ("POST", format!("{PROVIDER}/userinfo")),
        ("GET", "identity/oidc/provider/none/userinfo".to_owned()),
        ("GET", "auth/token/lookup-self".to_owned()),
    ] {
        watched
            .say("claims", (call, &path), &headers, None, "")
            .await;
    }
    let bad = format!("Bearer {}", &access[..access.len() - 1]);
    let call = ("GET", &*format!("{PROVIDER}/userinfo"));
    let headers = [("Authorization", &*bad)];
    watched.say("cut claims", call, &headers, None, "").await;
}
