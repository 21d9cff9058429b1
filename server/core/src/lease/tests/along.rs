//! A login that comes along with a request gets no secret that would have to be taken back.

use super::*;
use crate::{AuthGrant, CanonicalPath, InlineLogin};

/// An auth method that lets everybody in.
pub(super) const DOOR: EngineKind = EngineKind {
    name: "door",
    class: Class::Auth,
    aliases: &[],
    build: |_| {
        let engine = Arc::new(Door);
        let routes = Routes::of(Arc::clone(&engine)).on(log_in).build();
        Ok(Mounted { routes, engine })
    },
    upgrade: None,
};

struct Door;

impl Engine for Door {}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct LogIn {
    policies: Vec<String>,
    num_uses: u64,
}
endpoint!(LogIn {} => (): Update "login", access Public);

async fn log_in(_: Context<Door>, request: LogIn) -> Result<Response<()>, Error> {
    Ok(Response::auth(AuthGrant {
        policies: request.policies,
        num_uses: request.num_uses,
        ..AuthGrant::default()
    }))
}

#[tokio::test]
async fn a_login_that_comes_along_gets_no_secret() {
    let house = House::new().await;
    let door = house.update(&house.root, "sys/auth/door", json!({"type": "door"}));
    door.await.unwrap();
    let policy = json!({"policy": "path \"*\" { capabilities = [\"update\", \"read\"] }"});
    let policy = house.update(&house.root, "sys/policies/acl/all", policy);
    policy.await.unwrap();
    let ask = |path: &str, num_uses: u64| {
        let body = json!({"policies": ["all"], "num_uses": num_uses}).to_string();
        let mut request = testing::request(Operation::Update, path, &json!({}));
        request.login = Some(Box::new(InlineLogin {
            operation: Operation::Update,
            path: CanonicalPath::parse("auth/door/login").unwrap(),
            body: SecretBytes::new(body.into_bytes()),
        }));
        house.core.handle(request)
    };
    let leftovers = house.leftovers().await;
    for num_uses in [0, 1, 2] {
        let refused = ask("mint/badge/front", num_uses).await.unwrap_err();
        let text = "requests with inline authentication cannot generate leases";
        assert_eq!(refused.to_string(), text);
        assert!(matches!(refused, Error::Invalid(_)));
    }
    assert_eq!((house.world.good(), house.world.attempts()), (0, 0));
    assert_eq!(house.leftovers().await, leftovers);
}
