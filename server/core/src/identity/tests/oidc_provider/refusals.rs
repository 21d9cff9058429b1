//! What is wrong with a request, in the words of OAuth; of two faults the first in Vault's order.

use super::{told as told_of, *};

#[tokio::test]
async fn a_consent_is_refused_in_words_of_oauth() {
    let party = Party::new().await;
    let public = party.client("spa", json!({"client_type": "public"})).await;
    let nobody = party.client("no", json!({"assignments": ""})).await;
    let other = json!({"redirect_uri": "https://other.example", "max_age": 0});
    for (asked, error, text) in [
        (
            json!({"client_id": null, "redirect_uri": null}),
            "invalid_client_id",
            "client_id parameter is required",
        ),
        (
            json!({"client_id": "x", "redirect_uri": null}),
            "invalid_client_id",
            "client with client_id not found",
        ),
        (
            json!({"redirect_uri": null, "scope": null}),
            "invalid_request",
            "redirect_uri parameter is required",
        ),
        (
            other,
            "invalid_redirect_uri",
            "redirect_uri is not allowed for the client",
        ),
        (
            json!({"request": "x", "request_uri": "x"}),
            "request_not_supported",
            "request parameter is not supported",
        ),
        (
            json!({"request_uri": "x", "scope": "x"}),
            "request_uri_not_supported",
            "request_uri parameter is not supported",
        ),
        (
            json!({"scope": "OPENID profile", "response_type": null}),
            "invalid_request",
            "scope parameter must contain the \"openid\" value",
        ),
        (
            json!({ "response_type": null }),
            "invalid_request",
            "response_type parameter is required",
        ),
        (
            json!({"response_type": "token", "max_age": 0}),
            "unsupported_response_type",
            "unsupported response_type value",
        ),
        (
            json!({"client_id": nobody["client_id"], "code_challenge": "x"}),
            "access_denied",
            "identity entity not authorized by client assignment",
        ),
        (
            json!({"nonce": "n".repeat(1025), "code_challenge": "x"}),
            "invalid_request",
            "nonce is longer than 1024 bytes",
        ),
        (
            json!({"code_challenge": "x", "max_age": 0}),
            "invalid_request",
            "invalid code_challenge",
        ),
        (
            json!({"client_id": public["client_id"], "max_age": 0}),
            "invalid_request",
            "PKCE is required for public clients",
        ),
        (
            json!({ "max_age": 0 }),
            "invalid_request",
            "max_age must be greater than zero",
        ),
    ] {
        let told = party.authorize(asked.clone()).await;
        assert_eq!(told.refusal(), (Outcome::Invalid, error, text), "{asked}");
        assert_eq!(told.body["state"], "a state");
    }
    let root = party
        .authorize_as(&party.house.root, party.asked(json!({})))
        .await;
    let text = "identity entity must be associated with the request";
    assert_eq!(root.refusal(), (Outcome::Invalid, "access_denied", text));
    party.provider(json!({"allowed_client_ids": "x"})).await;
    let told = party
        .authorize(json!({"request": "x", "state": null}))
        .await;
    assert_eq!(told.refusal().1, "unauthorized_client");
    assert_eq!(told.body["state"], "");
    let path = "identity/oidc/provider/none/authorize";
    let body = party.asked(json!({}));
    let none = party
        .house
        .call(Operation::Read, &party.bob.token, path, body);
    let none = told_of(none.await);
    let unknown = (Outcome::Invalid, "invalid_request", "provider not found");
    assert_eq!(none.refusal(), unknown);
    let path = "identity/oidc/provider/default/authorize";
    for token in ["", "x"] {
        let body = party.asked(json!({}));
        let denied = party.house.call(Operation::Update, token, path, body).await;
        assert!(matches!(denied, Err(Error::Denied(Denial::Token))));
    }
}

#[tokio::test]
async fn who_logged_in_too_long_ago_must_log_in_again() {
    let party = Party::new().await;
    party.house.clock.advance(Duration::from_secs(60));
    let code = party.code(json!({"max_age": 60})).await;
    let told = party.exchange(&code, json!({})).await;
    let claims = part(told.text("id_token"), 1);
    assert_eq!(claims["auth_time"], 1_700_000_000);
    party.house.clock.advance(Duration::from_secs(1));
    let told = party.authorize(json!({"max_age": 60})).await;
    let text = "active re-authentication is required by max_age";
    assert_eq!(
        told.refusal(),
        (Outcome::Invalid, "max_age_violation", text)
    );
}

#[tokio::test]
async fn an_exchange_is_refused_in_words_of_oauth() {
    let party = Party::new().await;
    let other = party.client("other", json!({})).await;
    party
        .house
        .write(
            "identity/oidc/provider/p",
            json!({"allowed_client_ids": "x"}),
        )
        .await;
    let unauthenticated = Outcome::Unauthenticated;
    for (provider, brought, outcome, error, text) in [
        (
            "none",
            json!({"client_id": null}),
            Outcome::Invalid,
            "invalid_request",
            "provider not found",
        ),
        (
            "default",
            json!({"client_id": null, "grant_type": "x"}),
            Outcome::Invalid,
            "invalid_request",
            "client_id parameter is required",
        ),
        (
            "default",
            json!({"client_secret": "x", "grant_type": "x"}),
            unauthenticated,
            "invalid_client",
            "client failed to authenticate",
        ),
        (
            "default",
            json!({ "client_secret": null }),
            unauthenticated,
            "invalid_client",
            "client failed to authenticate",
        ),
        (
            "default",
            json!({ "client_id": "x" }),
            unauthenticated,
            "invalid_client",
            "client failed to authenticate",
        ),
        (
            "p",
            json!({ "grant_type": "x" }),
            unauthenticated,
            "invalid_client",
            "client is not authorized to use the provider",
        ),
        (
            "default",
            json!({"grant_type": "x", "code": null}),
            Outcome::Invalid,
            "unsupported_grant_type",
            "unsupported grant_type or parameter is empty value",
        ),
        (
            "default",
            json!({"code": null, "redirect_uri": null}),
            Outcome::Invalid,
            "invalid_request",
            "code parameter is required",
        ),
        (
            "default",
            json!({"code": "x", "redirect_uri": null}),
            Outcome::Invalid,
            "invalid_grant",
            "authorization grant is invalid or expired",
        ),
        (
            "default",
            json!({
                "client_id": other["client_id"], "client_secret": other["client_secret"],
                "redirect_uri": null,
            }),
            Outcome::Invalid,
            "invalid_grant",
            "authorization code was not issued to the client",
        ),
        (
            "default",
            json!({"redirect_uri": null, "code_verifier": "x"}),
            Outcome::Invalid,
            "invalid_request",
            "redirect_uri parameter is required",
        ),
        (
            "default",
            json!({"redirect_uri": "https://other.example", "code_verifier": "x"}),
            Outcome::Invalid,
            "invalid_grant",
            "redirect_uri does not match the redirect_uri used in the authorization request",
        ),
        (
            "default",
            json!({ "code_verifier": "v".repeat(43) }),
            Outcome::Invalid,
            "invalid_request",
            "unexpected code_verifier for token exchange",
        ),
    ] {
        let code = party.code(json!({})).await;
        let body = party.brought(&code, brought.clone());
        let told = party.exchange_at(provider, body).await;
        assert_eq!(told.refusal(), (outcome, error, text), "{brought}");
        let challenge = (outcome == unauthenticated).then_some("Basic");
        assert_eq!(told.challenge.as_deref(), challenge);
        assert_eq!(told.body.get("state"), None);
    }
}

#[tokio::test]
async fn an_exchange_looks_again_at_who_consented_and_at_the_key() {
    let party = Party::new().await;
    let refused = async |code: &str| {
        let told = party.exchange(code, json!({})).await;
        let (_, error, text) = told.refusal();
        format!("{error}: {text}")
    };
    let code = party.code(json!({})).await;
    party.client("app", json!({"assignments": ""})).await;
    let not_assigned = "invalid_request: identity entity not authorized by client assignment";
    assert_eq!(refused(&code).await, not_assigned);
    party.client("app", json!({})).await;
    let code = party.code(json!({})).await;
    party.disable(true).await;
    assert_eq!(refused(&code).await, not_assigned);
    party.disable(false).await;
    let code = party.code(json!({})).await;
    let key = "identity/oidc/key/ed";
    party
        .house
        .write(key, json!({"allowed_client_ids": "x"}))
        .await;
    let not_allowed = "invalid_client: client is not authorized to use the key";
    assert_eq!(refused(&code).await, not_allowed);
    party
        .house
        .write(key, json!({"allowed_client_ids": "*"}))
        .await;
    // Who is not let in uses no code up.
    let told = party.exchange(&code, json!({})).await;
    assert_eq!(told.outcome, Outcome::Success);
    let path = "identity/oidc/provider/p";
    party
        .house
        .write(path, json!({"allowed_client_ids": "*"}))
        .await;
    let code = party.code(json!({})).await;
    let told = party
        .exchange_at("p", party.brought(&code, json!({})))
        .await;
    let text = "authorization code was not issued by the provider";
    assert_eq!(told.refusal(), (Outcome::Invalid, "invalid_grant", text));
}

#[tokio::test]
async fn a_token_that_is_confined_logs_nobody_in() {
    let party = Party::new().await;
    let house = &party.house;
    let rule = "path \"auth/token/create/page\" { capabilities = [\"update\"] }
                path \"identity/oidc/token/r\" { capabilities = [\"read\"] }";
    house
        .write("sys/policies/acl/maker", json!({ "policy": rule }))
        .await;
    let path = format!("identity/entity/id/{}", party.bob.entity);
    house.write(&path, json!({"policies": "flow,maker"})).await;
    house
        .write("identity/oidc/role/r", json!({"key": "ed"}))
        .await;
    for confined in [
        json!({"allowed_keys": "transit/a"}),
        json!({"max_batch": 3}),
    ] {
        house.write("auth/token/roles/page", confined.clone()).await;
        let path = "auth/token/create/page";
        let made = house.call(Operation::Update, &party.bob.token, path, json!({}));
        let token = made.await.unwrap().auth.unwrap().client_token;
        // EXPOSE: the test uses it.
        let token = token.expose();
        let told = party.authorize_as(token, party.asked(json!({}))).await;
        let text = "a token that is confined to keys or pages logs nobody in";
        let refusal = (Outcome::Invalid, "access_denied", text);
        assert_eq!(told.refusal(), refusal, "{confined}");
        let read = house.read_as(token, "identity/oidc/token/r").await;
        assert!(
            matches!(read, Err(Error::Denied(Denial::Policy))),
            "{confined}"
        );
    }
    let own = house
        .read_as(&party.bob.token, "identity/oidc/token/r")
        .await;
    own.unwrap();
}

#[tokio::test]
async fn a_template_speaks_for_the_server_under_no_name() {
    let party = Party::new().await;
    let path = format!("identity/entity/id/{}", party.bob.entity);
    let named = json!({"metadata": {"as": "auth_time"}, "policies": "flow"});
    party.house.write(&path, named).await;
    let template = "{ {{identity.entity.metadata.as}}: 1, \"mine\": 2 }";
    party.scope("odd", template).await;
    party.provider(json!({"scopes_supported": "odd"})).await;
    let tokens = party.tokens("openid odd").await;
    let claims = part(tokens.text("id_token"), 1);
    assert_eq!(
        (&claims["auth_time"], &claims["mine"]),
        (&Value::Null, &json!(2))
    );
    let shown = party.user_info(tokens.text("access_token")).await;
    assert_eq!(shown.body["auth_time"], Value::Null);
    assert_eq!(shown.body["mine"], 2);
}
