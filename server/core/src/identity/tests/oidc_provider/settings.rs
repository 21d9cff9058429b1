//! Scopes, assignments, clients and providers, and what holds them together.

use super::*;

#[tokio::test]
async fn some_things_are_there_from_the_start_and_stay() {
    let house = House::new().await;
    let provider = json!({
        "allowed_client_ids": ["*"], "scopes_supported": [],
        "issuer": "https://keyward.example:8200/v1/identity/oidc/provider/default",
    });
    let read = house.read("identity/oidc/provider/default").await;
    assert_eq!(read, provider);
    let everybody = json!({"entity_ids": ["*"], "group_ids": ["*"]});
    let read = house.read("identity/oidc/assignment/allow_all").await;
    assert_eq!(read, everybody);
    let refused = house
        .refusal("identity/oidc/assignment/allow_all", json!({}))
        .await;
    assert_eq!(
        refused,
        "modification of assignment \"allow_all\" not allowed"
    );
    let refused = house.refusal("identity/oidc/scope/openid", json!({})).await;
    assert_eq!(refused, "the \"openid\" scope name is reserved");
    for (path, text) in [
        (
            "assignment/allow_all",
            "deletion of assignment \"allow_all\" not allowed",
        ),
        (
            "provider/default",
            "deletion of OIDC provider \"default\" not allowed",
        ),
        ("key/default", "deletion of key \"default\" not allowed"),
    ] {
        assert_eq!(not_deleted(&house, path).await, text);
    }
}

async fn not_deleted(house: &House, path: &str) -> String {
    let path = format!("identity/oidc/{path}");
    let done = house.call(Operation::Delete, &house.root, &path, Value::Null);
    done.await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_others_refer_to_is_not_deleted_before_them() {
    let mut party = Party::new().await;
    let house = &party.house;
    party.scope("team", "{\"team\": 1}").await;
    party.provider(json!({"scopes_supported": "team"})).await;
    house
        .write("identity/oidc/assignment/crew", json!({"group_ids": "g"}))
        .await;
    party.client("two", json!({"assignments": "crew"})).await;
    for (path, text) in [
        (
            "key/ed",
            "unable to delete key \"ed\" because it is currently referenced by these clients: app, \
             two",
        ),
        (
            "scope/team",
            "unable to delete scope \"team\" because it is currently referenced by these \
             providers: default",
        ),
        (
            "assignment/crew",
            "unable to delete assignment \"crew\" because it is currently referenced by these \
             clients: two",
        ),
    ] {
        assert_eq!(not_deleted(house, path).await, text);
    }
    party.house.restart().await;
    let house = &party.house;
    party.provider(json!({"scopes_supported": ""})).await;
    for path in [
        "client/app",
        "client/two",
        "scope/team",
        "assignment/crew",
        "key/ed",
    ] {
        let path = format!("identity/oidc/{path}");
        house.delete(&path).await;
        let gone = house.read_as(&house.root, &path).await;
        assert!(matches!(gone, Err(Error::NotFound(None))), "{path}");
        // That it is not there is no error.
        house.delete(&path).await;
    }
}

#[tokio::test]
async fn a_client_keeps_its_id_its_secret_and_its_key() {
    let mut party = Party::new().await;
    let secret = party.client["client_secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("hvo_secret_") && secret.len() == 75);
    assert_eq!(party.client["client_id"].as_str().unwrap().len(), 32);
    assert_eq!(party.client["client_type"], "confidential");
    assert_eq!(party.client["id_token_ttl"], 86_400);
    assert_eq!(party.client["access_token_ttl"], 86_400);
    let changed = party
        .client(
            "app",
            json!({"id_token_ttl": "1h", "redirect_uris": ["b", "a", "b"]}),
        )
        .await;
    assert_eq!(changed["client_id"], party.client["client_id"]);
    assert_eq!(changed["client_secret"], party.client["client_secret"]);
    assert_eq!(changed["id_token_ttl"], 3600);
    assert_eq!(changed["redirect_uris"], json!(["a", "b"]));
    let public = party.client("spa", json!({"client_type": "public"})).await;
    assert_eq!(public["client_secret"], Value::Null);
    party.house.restart().await;
    let house = &party.house;
    assert_eq!(house.read("identity/oidc/client/app").await, changed);
    let listed = house
        .call(
            Operation::List,
            &house.root,
            "identity/oidc/client",
            Value::Null,
        )
        .await;
    let listed = data(listed.unwrap());
    assert_eq!(listed["keys"], json!(["app", "spa"]));
    assert_eq!(listed["key_info"]["app"]["id_token_ttl"], 3600);
    assert!(!listed.to_string().contains(&secret));
    for (body, text) in [
        (json!({"key": "default"}), "key modification is not allowed"),
        (
            json!({"client_type": "public"}),
            "client_type modification is not allowed",
        ),
        (
            json!({"assignments": "nobody"}),
            "assignment \"nobody\" does not exist",
        ),
        (
            json!({"id_token_ttl": "25h"}),
            "a client's id_token_ttl cannot be greater than the verification_ttl of the key it \
             references",
        ),
    ] {
        assert_eq!(house.refusal("identity/oidc/client/app", body).await, text);
    }
    let new = "identity/oidc/client/new";
    let refused = house.refusal(new, json!({"key": "none"})).await;
    assert_eq!(refused, "key \"none\" does not exist");
    let refused = house.refusal(new, json!({"client_type": "x"})).await;
    assert_eq!(refused, "invalid client_type \"x\"");
    let refused = house
        .refusal("identity/oidc/key/ed", json!({"verification_ttl": "30m"}))
        .await;
    assert_eq!(
        refused,
        "unable to update key \"ed\" because it is currently referenced by one or more clients with \
         an id_token_ttl greater than 1800 seconds"
    );
    assert_eq!(house.read("identity/oidc/client/app").await, changed);
}

#[tokio::test]
async fn a_scope_tells_no_claim_of_the_server_and_two_do_not_tell_the_same() {
    let party = Party::new().await;
    let house = &party.house;
    let path = "identity/oidc/scope/team";
    for name in ["iss", "nonce", "at_hash"] {
        let template = format!("{{\"{name}\": 1}}");
        let refused = house.refusal(path, json!({ "template": template })).await;
        let text = format!("top level key {name:?} not allowed.");
        assert!(refused.starts_with(&text), "{refused}");
    }
    let encoded = json!({"template": "eyJhIjoxfQ==", "description": "d"});
    house.write(path, encoded).await;
    let shown = json!({"template": "{\"a\":1}", "description": "d"});
    assert_eq!(house.read(path).await, shown);
    party.scope("other", "{\"a\": 2}").await;
    let provider = "identity/oidc/provider/p";
    let body = json!({"scopes_supported": "team,other,team", "issuer": "https://p.example"});
    let done = house
        .call(Operation::Update, &house.root, provider, body)
        .await
        .unwrap();
    assert_eq!(done.warnings.len(), 2);
    assert!(done.warnings[1].contains("conflict \"a\" in scopes \"team\", \"other\""));
    let read = house.read(provider).await;
    assert_eq!(read["scopes_supported"], json!(["other", "team"]));
    assert_eq!(
        read["issuer"],
        "https://p.example/v1/identity/oidc/provider/p"
    );
    let refused = house.refusal(provider, json!({"scopes_supported": "none"}));
    assert_eq!(refused.await, "scope \"none\" does not exist");
    let refused = house
        .refusal(provider, json!({"issuer": "p.example"}))
        .await;
    assert!(refused.starts_with("invalid issuer"));
}

#[tokio::test]
async fn everybody_reads_how_a_provider_is_reached_and_the_keys_of_its_clients() {
    let party = Party::new().await;
    let house = &party.house;
    house.write("identity/oidc/provider/none", json!({})).await;
    let public = async |path: &str| {
        let path = format!("identity/oidc/provider/{path}");
        house.read_as("", &path).await
    };
    let found = public("default/.well-known/openid-configuration")
        .await
        .unwrap();
    let issuer = "https://keyward.example:8200/v1/identity/oidc/provider/default";
    assert_eq!(found["issuer"], issuer);
    assert_eq!(found["token_endpoint"], format!("{issuer}/token"));
    assert_eq!(found["scopes_supported"], json!(["openid"]));
    let keys = async |name: &str| {
        let set = public(&format!("{name}/.well-known/keys")).await.unwrap();
        set["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys("default").await, 2, "the one that signs, and the next");
    assert_eq!(keys("none").await, 0);
    for path in ["zz/.well-known/openid-configuration", "zz/.well-known/keys"] {
        assert!(matches!(public(path).await, Err(Error::NotFound(None))));
    }
    let listed = async |body: Value| {
        let path = "identity/oidc/provider";
        let done = house.call(Operation::List, &house.root, path, body).await;
        data(done.unwrap())["keys"].clone()
    };
    assert_eq!(listed(json!({})).await, json!(["default", "none"]));
    let of_client = json!({"allowed_client_id": party.client["client_id"]});
    assert_eq!(listed(of_client).await, json!(["default"]));
}
