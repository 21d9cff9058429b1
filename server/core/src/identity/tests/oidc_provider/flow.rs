//! The way of a code, and what becomes of it.

use keyward_crypto::HashAlgorithm;

use super::*;

#[tokio::test]
async fn a_code_becomes_tokens_that_say_who_it_is_and_for_whom() {
    let party = Party::new().await;
    let code = party.code(json!({"nonce": "n"})).await;
    let told = party.exchange(&code, json!({})).await;
    assert_eq!(told.outcome, Outcome::Success);
    assert_eq!(told.body["token_type"], "Bearer");
    assert_eq!(told.body["expires_in"], 86_400);
    let half = |text: &str| {
        let digest = HashAlgorithm::Sha2_512.digest(text.as_bytes());
        encoding::encode_url(&digest[..32])
    };
    let access = told.text("access_token");
    assert!(access.starts_with("hvo_access_"));
    assert_eq!(
        part(told.text("id_token"), 1),
        json!({
            "iss": "https://keyward.example:8200/v1/identity/oidc/provider/default",
            "sub": party.bob.entity, "aud": party.client["client_id"], "namespace": "root",
            "iat": 1_700_000_000, "exp": 1_700_086_400, "nonce": "n",
            "at_hash": half(access), "c_hash": half(&code),
        })
    );
    let info = party.user_info(access).await;
    assert_eq!(info.body, json!({"sub": party.bob.entity}));
    // It is no token of this server.
    for path in ["auth/token/lookup-self", "identity/oidc/provider/default"] {
        let denied = party.house.read_as(access, path).await;
        assert!(matches!(denied, Err(Error::Denied(Denial::Token))));
    }
}

#[tokio::test]
async fn scopes_tell_what_the_provider_has_of_what_was_asked_for() {
    let party = Party::new().await;
    party
        .scope("who", "{\"username\": {{identity.entity.name}}}")
        .await;
    party.scope("team", "{\"team\": \"red\"}").await;
    party.scope("other", "{\"other\": 1}").await;
    party
        .provider(json!({"scopes_supported": "who,team"}))
        .await;
    let told = party.tokens("openid  who other openid").await;
    let claims = part(told.text("id_token"), 1);
    assert_eq!(claims["username"], "bob");
    assert_eq!(
        (&claims["team"], &claims["other"]),
        (&Value::Null, &Value::Null)
    );
    let info = party.user_info(told.text("access_token")).await;
    let all = json!({"sub": party.bob.entity, "username": "bob"});
    assert_eq!(info.body, all);
    // What the provider has no more is told no more.
    party.provider(json!({"scopes_supported": "team"})).await;
    let info = party.user_info(told.text("access_token")).await;
    assert_eq!(info.body, json!({"sub": party.bob.entity}));
    party.scope("twice", "{\"team\": \"blue\"}").await;
    party
        .provider(json!({"scopes_supported": "team,twice"}))
        .await;
    let code = party.code(json!({"scope": "openid team twice"})).await;
    let told = party.exchange(&code, json!({})).await;
    let text = "found scopes with conflicting top-level claim: claim \"team\" in scopes \"twice\", \
                \"team\"";
    assert_eq!(told.refusal(), (Outcome::Invalid, "invalid_request", text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_used_once_however_many_come_at_a_time() {
    let party = Arc::new(Party::new().await);
    let code = party.code(json!({})).await;
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (party, code) = (Arc::clone(&party), code.clone());
            tokio::spawn(async move { party.exchange(&code, json!({})).await })
        })
        .collect();
    let mut granted = 0;
    for told in tries {
        let told = told.await.unwrap();
        match told.outcome {
            Outcome::Success => granted += 1,
            _ => assert_eq!(told.refusal().1, "invalid_grant"),
        }
    }
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn a_code_is_good_for_five_minutes_and_not_after_a_restart() {
    let mut party = Party::new().await;
    let outcome = async |party: &Party, code: &str| party.exchange(code, json!({})).await.outcome;
    let code = party.code(json!({})).await;
    party.house.advance(Duration::from_secs(299)).await;
    assert_eq!(outcome(&party, &code).await, Outcome::Success);
    let code = party.code(json!({})).await;
    party.house.clock.advance(Duration::from_secs(300));
    assert_eq!(outcome(&party, &code).await, Outcome::Invalid);
    let tokens = party.tokens("openid").await;
    let code = party.code(json!({})).await;
    party.house.restart().await;
    assert_eq!(outcome(&party, &code).await, Outcome::Invalid);
    let info = party.user_info(tokens.text("access_token")).await;
    assert_eq!(info.outcome, Outcome::Success, "an access token lives on");
}

#[tokio::test]
async fn an_access_token_ends_with_its_time_and_with_what_let_it_be_made() {
    let party = Party::new().await;
    party.client("app", json!({"access_token_ttl": "1h"})).await;
    let tokens = party.tokens("openid").await;
    assert_eq!(tokens.body["expires_in"], 3600);
    let token = tokens.text("access_token");
    let refused = async || {
        let told = party.user_info(token).await;
        let (_, error, text) = told.refusal();
        let (error, text) = (error.to_owned(), text.to_owned());
        (told.outcome, error, text, told.challenge)
    };
    let good = (Outcome::Success, String::new(), String::new(), None);
    let denied = |text: &str| {
        let word = "access_denied".to_owned();
        (Outcome::Denied, word, text.to_owned(), None)
    };
    let invalid = |text: &str| {
        let challenge = format!("Bearer error=\"invalid_token\",error_description=\"{text}\"");
        let word = "invalid_token".to_owned();
        (
            Outcome::Unauthenticated,
            word,
            text.to_owned(),
            Some(challenge),
        )
    };
    assert_eq!(refused().await, good);
    party.disable(true).await;
    assert_eq!(refused().await, invalid("permission denied"));
    party.disable(false).await;
    party.client("app", json!({"assignments": ""})).await;
    let text = "identity entity not authorized by client assignment";
    assert_eq!(refused().await, denied(text));
    party.client("app", json!({})).await;
    party.provider(json!({"allowed_client_ids": "x"})).await;
    let text = "client is not authorized to use the provider";
    assert_eq!(refused().await, denied(text));
    party.provider(json!({"allowed_client_ids": "*"})).await;
    assert_eq!(refused().await, good);
    party.house.clock.advance(Duration::from_secs(3600));
    let text = "access token is malformed or invalid";
    assert_eq!(refused().await, invalid(text));
    let tokens = party.tokens("openid").await;
    let other = party
        .house
        .write("identity/oidc/provider/p", json!({}))
        .await;
    assert_eq!(other, Value::Null);
    let told = party.user_info_at("p", tokens.text("access_token")).await;
    assert_eq!(told.refusal().2, "permission denied");
    party.house.delete("identity/oidc/client/app").await;
    let told = party.user_info(tokens.text("access_token")).await;
    let gone = (Outcome::Denied, "access_denied", "client not found");
    assert_eq!(told.refusal(), gone);
    let whole = tokens.text("access_token");
    for token in [
        "",
        &party.bob.token,
        "hvo_access_",
        &whole[..whole.len() - 1],
    ] {
        let told = party.user_info(token).await;
        assert_eq!(told.outcome, Outcome::Unauthenticated, "{token}");
        assert_eq!(told.refusal().1, "invalid_token");
    }
}

#[tokio::test]
async fn a_public_client_shows_what_its_challenge_was_made_of() {
    let mut party = Party::new().await;
    party.client = party.client("spa", json!({"client_type": "public"})).await;
    let verifier = "v".repeat(43);
    let digest = HashAlgorithm::Sha2_256.digest(verifier.as_bytes());
    let hashed = json!({
        "code_challenge": encoding::encode_url(&digest), "code_challenge_method": "S256",
    });
    for asked in [hashed, json!({ "code_challenge": verifier })] {
        let code = party.code(asked.clone()).await;
        let told = party
            .exchange(&code, json!({ "code_verifier": verifier }))
            .await;
        assert_eq!(told.outcome, Outcome::Success, "{told:?}");
        let code = party.code(asked.clone()).await;
        let told = party.exchange(&code, json!({})).await;
        let text = "expected code_verifier for token exchange";
        assert_eq!(told.refusal(), (Outcome::Invalid, "invalid_request", text));
        let code = party.code(asked).await;
        for (brought, text) in [
            ("w".repeat(43), "invalid code_verifier for token exchange"),
            (
                verifier.clone(),
                "authorization grant is invalid or expired",
            ),
        ] {
            let told = party
                .exchange(&code, json!({ "code_verifier": brought }))
                .await;
            assert_eq!(told.refusal(), (Outcome::Invalid, "invalid_grant", text));
        }
    }
}

#[tokio::test]
async fn a_client_may_show_its_secret_in_a_header_which_counts_before_the_body() {
    let party = Party::new().await;
    let text = |name: &str| party.client[name].as_str().unwrap().to_owned();
    let exchange = async |secret: String, other: Value| {
        let code = party.code(json!({})).await;
        let body = party.brought(&code, other);
        let path = "identity/oidc/provider/default/token";
        let request = testing::request(Operation::Update, path, &body);
        let credentials = Credentials {
            name: text("client_id"),
            secret: SecretString::new(secret),
        };
        let request = request.with_credentials(credentials);
        told(party.house.core.handle(request).await)
    };
    let bare = json!({"client_id": null, "client_secret": null});
    let good = exchange(text("client_secret"), bare.clone()).await;
    assert_eq!(good.outcome, Outcome::Success);
    let good = exchange(text("client_secret"), json!({"client_secret": "x"})).await;
    assert_eq!(good.outcome, Outcome::Success);
    for other in [bare, json!({})] {
        let bad = exchange("x".to_owned(), other).await;
        assert_eq!(bad.outcome, Outcome::Unauthenticated);
        assert_eq!(bad.challenge.as_deref(), Some("Basic"));
    }
}

#[tokio::test]
async fn a_client_asks_about_those_it_is_assigned_and_their_groups() {
    let party = Party::new().await;
    let house = &party.house;
    let group = house
        .group(json!({"name": "crew", "member_entity_ids": [party.bob.entity]}))
        .await;
    let above = house
        .group(json!({"name": "all", "member_group_ids": [group]}))
        .await;
    for (body, is_in) in [
        (json!({}), false),
        (json!({"entity_ids": ["x", party.bob.entity]}), true),
        (json!({"entity_ids": "x", "group_ids": [group]}), true),
        (json!({"group_ids": [above.to_uppercase()]}), true),
        (json!({"entity_ids": "x", "group_ids": "y"}), false),
    ] {
        house
            .write("identity/oidc/assignment/a", body.clone())
            .await;
        party.client("app", json!({"assignments": "a"})).await;
        let told = party.authorize(json!({})).await;
        let expected = if is_in {
            Outcome::Success
        } else {
            Outcome::Invalid
        };
        assert_eq!(told.outcome, expected, "{body}: {told:?}");
    }
}
