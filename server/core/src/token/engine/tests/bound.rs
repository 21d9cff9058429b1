//! Tokens that are bound to addresses.

use super::*;

impl House {
    async fn bound(&self, cidrs: &str, body: Value) -> String {
        let role = json!({"allowed_policies": "maker", "token_bound_cidrs": cidrs});
        self.root("auth/token/roles/bound", role).await.unwrap();
        let made = self.root("auth/token/create/bound", body).await.unwrap();
        made.auth.unwrap().client_token.expose().to_owned()
    }

    async fn serves(&self, address: &str, token: &str) -> bool {
        match self.from(address, token, "auth/token/lookup-self").await {
            Ok(_) => true,
            Err(Error::Denied(Denial::Token)) => false,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_bound_token_serves_from_its_addresses_alone() {
    let house = House::new().await;
    for kind in ["service", "batch"] {
        let body = json!({"type": kind});
        let token = house
            .bound("10.0.0.0/8, 192.168.1.7, 2001:db8::/32", body)
            .await;
        for (address, serves) in [
            ("10.255.0.1", true),
            ("::ffff:10.255.0.1", true),
            ("192.168.1.7", true),
            ("2001:db8:1::1", true),
            ("11.0.0.1", false),
            ("192.168.1.8", false),
            ("2001:db9::1", false),
            ("::ffff:11.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(house.serves(address, &token).await, serves, "{address}");
        }
        let info = house
            .root("auth/token/lookup", json!({"token": token}))
            .await;
        let info = data(info.unwrap());
        assert_eq!(
            info["bound_cidrs"],
            json!(["10.0.0.0/8", "192.168.1.7", "2001:db8::/32"])
        );
        assert_eq!(info["role"], "bound");
    }
}

#[tokio::test]
async fn from_elsewhere_no_use_of_it_is_counted() {
    let house = House::new().await;
    let token = house.bound("10.0.0.0/8", json!({"num_uses": 2})).await;
    for _ in 0..5 {
        assert!(!house.serves("11.0.0.1", &token).await);
    }
    assert!(house.serves("10.0.0.1", &token).await);
    assert!(house.serves("10.0.0.1", &token).await);
    assert!(!house.serves("10.0.0.1", &token).await);
}

#[tokio::test]
async fn a_child_is_bound_as_its_parent_is_and_an_endless_root_token_never() {
    let house = House::new().await;
    let parent = house.bound("10.0.0.0/8", json!({})).await;
    let path = CanonicalPath::parse("auth/token/create").unwrap();
    let mut request = Request::new(Operation::Update, path, SecretBytes::new(Vec::new()));
    request.remote.address = "10.0.0.1".to_owned();
    let request = request.with_token(TokenId::new(SecretString::new(parent)));
    let child = house.core.handle(request).await.unwrap().auth.unwrap();
    let child = child.client_token.expose();
    assert!(house.serves("10.0.0.2", child).await);
    assert!(!house.serves("11.0.0.2", child).await);

    let role = json!({"allowed_policies": "root", "token_bound_cidrs": "10.0.0.0/8"});
    house.root("auth/token/roles/root", role).await.unwrap();
    for (body, serves) in [(json!({}), true), (json!({"ttl": "1h"}), false)] {
        let made = house.root("auth/token/create/root", body).await.unwrap();
        let token = made.auth.unwrap();
        assert_eq!(
            house.serves("11.0.0.1", token.client_token.expose()).await,
            serves
        );
    }
}
