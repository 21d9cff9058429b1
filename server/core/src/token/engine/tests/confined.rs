//! Tokens that are confined by the role they were made under: to pages, and to some use of keys.

use super::*;

const PAGE: &str = "https://app.example.com";

impl House {
    /// Makes a token under a role that says this.
    async fn confined(&self, role: Value, body: Value) -> String {
        let mut role = role;
        role["allowed_policies"] = json!("maker");
        self.root("auth/token/roles/pages", role).await.unwrap();
        let made = self.root("auth/token/create/pages", body).await.unwrap();
        made.auth.unwrap().client_token.expose().to_owned()
    }

    async fn on_page(&self, origin: Option<&str>, token: &str, path: &str) -> Result<Done, Error> {
        let path = CanonicalPath::parse(path).unwrap();
        let mut request = Request::new(Operation::Read, path, SecretBytes::new(Vec::new()));
        request.origin = origin.map(str::to_owned);
        let token = TokenId::new(SecretString::new(token.to_owned()));
        self.core.handle(request.with_token(token)).await
    }
}

fn is_denied(answer: &Result<Done, Error>) -> bool {
    matches!(answer, Err(Error::Denied(Denial::Origin)))
}

#[tokio::test]
async fn a_token_of_a_page_serves_pages_of_its_origin_alone() {
    let house = House::new().await;
    let key =
        keyward_api::proof::SigningKey::generate(keyward_crypto::proof::ProofAlgorithm::Ed25519);
    let key = key.unwrap();
    for kind in ["service", "batch"] {
        let role =
            json!({ "bound_origins": ["HTTPS://App.example.com:443/", "http://127.0.0.1:5173"] });
        let token = house.confined(role, json!({ "type": kind })).await;
        let own = "auth/token/lookup-self";
        for (origin, serves) in [
            (Some(PAGE), true),
            (Some("http://127.0.0.1:5173"), true),
            (Some("http://app.example.com"), false),
            (Some("https://app.example.com.evil.example"), false),
            (Some("null"), false),
            (None, false),
        ] {
            let answer = house.on_page(origin, &token, own).await;
            assert_eq!(answer.is_ok(), serves, "{origin:?}");
            assert_eq!(is_denied(&answer), !serves, "{origin:?}");
        }
        // A public path tells more to whom it knows.
        let answer = house.on_page(None, &token, "sys/internal/ui/mounts").await;
        assert!(is_denied(&answer));
        let info = data(house.on_page(Some(PAGE), &token, own).await.unwrap());
        let origins = json!(["http://127.0.0.1:5173", PAGE]);
        assert_eq!(info["caveats"], json!([{ "bound_origins": origins }]));

        let bound = json!({ "type": kind, "client_key": key.public() });
        let token = house.confined(json!({}), bound).await;
        assert!(is_denied(&house.on_page(None, &token, own).await));
        let unsigned = house.on_page(Some(PAGE), &token, own).await;
        assert!(matches!(unsigned, Err(Error::Unproven(_))));
    }
}

#[tokio::test]
async fn from_another_page_no_use_of_it_is_counted() {
    let house = House::new().await;
    let role = json!({ "bound_origins": PAGE });
    let token = house.confined(role, json!({ "num_uses": 1 })).await;
    let own = "auth/token/lookup-self";
    for origin in [None, Some("https://evil.example")] {
        assert!(is_denied(&house.on_page(origin, &token, own).await));
    }
    house.on_page(Some(PAGE), &token, own).await.unwrap();
    let after = house.on_page(Some(PAGE), &token, own).await;
    assert!(matches!(after, Err(Error::Denied(Denial::Token))));
}

#[tokio::test]
async fn a_child_is_confined_as_its_parent_is_and_by_its_own_role_too() {
    let house = House::new().await;
    let role = json!({ "allowed_keys": ["transit/a-*"], "max_batch": 10 });
    let parent = house.confined(role.clone(), json!({})).await;
    let role = |settings: Value| house.root("auth/token/roles/inner", settings);
    role(json!({ "allowed_policies": "maker", "orphan": true, "allowed_operations": "encrypt" }))
        .await
        .unwrap();
    for (path, own) in [
        ("auth/token/create", json!([])),
        ("auth/token/create-orphan", json!([])),
        (
            "auth/token/create/inner",
            json!([{ "allowed_operations": ["encrypt"] }]),
        ),
    ] {
        let body = json!({ "policies": "maker" });
        let made = house.update(&parent, path, body).await.unwrap();
        let child = made.auth.unwrap().client_token.expose().to_owned();
        let info = house.lookup_self(&child).await.unwrap();
        let mut caveats = vec![json!({ "allowed_keys": ["transit/a-*"], "max_batch": 10 })];
        caveats.extend(own.as_array().unwrap().iter().cloned());
        assert_eq!(info["caveats"], json!(caveats), "{path}");
    }
}

#[tokio::test]
async fn a_role_says_what_it_confines_to_and_nothing_that_means_nothing() {
    let house = House::new().await;
    let role = "auth/token/roles/pages";
    let settings = json!({
        "bound_origins": "https://b.example,https://a.example",
        "allowed_keys": "transit/a,transit/b-*",
        "allowed_operations": ["encrypt", "decrypt", "encrypt"],
        "required_context": { "tenant": "a" },
        "max_batch": "100",
    });
    house.root(role, settings).await.unwrap();
    let read = async || {
        data(
            house
                .call(Operation::Read, &house.root, role, json!({}))
                .await
                .unwrap(),
        )
    };
    let shown = read().await;
    assert_eq!(
        shown["bound_origins"],
        json!(["https://a.example", "https://b.example"])
    );
    assert_eq!(shown["allowed_keys"], json!(["transit/a", "transit/b-*"]));
    assert_eq!(shown["allowed_operations"], json!(["decrypt", "encrypt"]));
    assert_eq!(shown["required_context"], json!({ "tenant": "a" }));
    assert_eq!(shown["max_batch"], 100);
    for (field, value, text) in [
        (
            "bound_origins",
            json!(["*"]),
            "\"*\" is not an origin like https://app.example.com",
        ),
        (
            "bound_origins",
            json!(["https://a.example/page"]),
            "\"https://a.example/page\" is not an origin like https://app.example.com",
        ),
        (
            "allowed_keys",
            json!(["a"]),
            "\"a\" is not a mount and a key like transit/orders-*",
        ),
        ("max_batch", json!(-1), "'max_batch' is negative"),
    ] {
        let refusal = house
            .refusal(&house.root, role, json!({ field: value }))
            .await;
        assert_eq!(refusal, format!("error parsing role fields: {text}"));
    }
    let body = json!({ "allowed_operations": ["encyrpt"] });
    let refusal = house.refusal(&house.root, role, body).await;
    assert!(
        refusal.contains("\"encyrpt\" is no operation with a key; there are cmac, "),
        "{refusal}"
    );
    assert_eq!(read().await, shown);
    let nothing = json!({
        "bound_origins": [], "allowed_keys": "", "allowed_operations": [], "required_context": {},
        "max_batch": 0,
    });
    house.root(role, nothing).await.unwrap();
    let shown = read().await;
    for field in [
        "bound_origins",
        "allowed_keys",
        "allowed_operations",
        "required_context",
        "max_batch",
    ] {
        assert!(shown.get(field).is_none(), "{field}");
    }
}
