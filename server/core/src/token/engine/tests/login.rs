//! Tokens that a login gives: the mount decides on their kind.

use async_trait::async_trait;
use keyward_api::{GrantedAuth, endpoint};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    AuthGrant, Response, Token, TokenKind,
    engine::{Backing, Class, Context, Engine, EngineKind, LoginTerm, Mounted, Routes},
};

/// An auth method that lets everybody in, with a token of the kind that is asked for.
pub(super) const DOOR: EngineKind = EngineKind {
    name: "door",
    class: Class::Auth,
    aliases: &[],
    build,
    upgrade: None,
};

struct Door;

/// It says of a renewal what its logins were told to say: hours, or why not.
#[async_trait]
impl Engine for Door {
    async fn renew_login(&self, token: &Token) -> Result<Option<LoginTerm>, Error> {
        let said = token.meta().and_then(|meta| meta.get("renewal"));
        let hours = match said.map(String::as_str) {
            None | Some("gone") => return Ok(None),
            Some("refused") => return Err(Error::invalid("not today")),
            Some(hours) => hours.split(' ').map(|hours| hours.parse().unwrap()),
        };
        let hours: Vec<u64> = hours.collect();
        let hours = |at: usize| Duration::from_secs(hours[at] * AN_HOUR);
        Ok(Some(LoginTerm {
            ttl: hours(0),
            max_ttl: hours(1),
            period: hours(2),
        }))
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Login {
    batch: Option<bool>,
    name: String,
    policies: Vec<String>,
    max_ttl: u64,
    renewal: Option<String>,
}
endpoint!(Login {} => (): Update "login", access Public);

fn build(_: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Door);
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine)).on(login).build(),
        engine,
    })
}

async fn login(_: Context<Door>, request: Login) -> Result<Response<()>, Error> {
    let kind = request.batch.map(|batch| match batch {
        true => TokenKind::Batch,
        false => TokenKind::Service,
    });
    let meta = request.renewal.map(|said| ("renewal".to_owned(), said));
    Ok(Response::auth(AuthGrant {
        kind,
        display_name: request.name,
        policies: request.policies,
        max_ttl: Duration::from_secs(request.max_ttl),
        meta: Some(meta.into_iter().collect()),
        ..AuthGrant::default()
    }))
}

#[tokio::test]
async fn the_mount_decides_on_the_kind_of_token_unless_it_leaves_it_open() {
    let house = House::new().await;
    house
        .root("sys/auth/door", json!({"type": "door"}))
        .await
        .unwrap();
    let login = async |body: Value| {
        let request = testing::request(Operation::Update, "auth/door/login", &body);
        let auth = house.core.handle(request).await.unwrap().auth.unwrap();
        assert!(auth.orphan && house.is_alive(auth.client_token.expose()).await);
        auth.token_type
    };
    for (token_type, kinds) in [
        ("", ["service", "batch", "service"]),
        ("default-batch", ["batch", "batch", "service"]),
        ("batch", ["batch", "batch", "batch"]),
        ("service", ["service", "service", "service"]),
        ("default-service", ["service", "batch", "service"]),
    ] {
        let body = json!({"token_type": token_type});
        house.root("sys/auth/door/tune", body).await.unwrap();
        let got = [
            login(json!({})).await,
            login(json!({"batch": true})).await,
            login(json!({"batch": false})).await,
        ];
        assert_eq!(got, kinds, "{token_type}");
    }
    for body in [
        json!({"token_type": "foo"}),
        json!({"token_type": "default"}),
    ] {
        let text = house.refusal(&house.root, "sys/auth/door/tune", body).await;
        assert_eq!(text, "invalid value for 'token_type'");
    }
}

#[tokio::test]
async fn a_method_that_moves_takes_the_tokens_of_its_old_path_with_it() {
    let house = House::new().await;
    let enabled = house.root("sys/auth/door", json!({"type": "door"})).await;
    enabled.unwrap();
    let login = async |path: &str| {
        let path = CanonicalPath::parse(path).unwrap();
        let request = Request::new(Operation::Update, path, SecretBytes::new(Vec::new()));
        let done = house.core.handle(request).await?;
        let token = done.auth.unwrap().client_token;
        Ok::<_, Error>(token.expose().to_owned())
    };
    let old = login("auth/door/login").await.unwrap();
    let body = json!({"from": "auth/door", "to": "auth/gate"});
    house.root("sys/remount", body).await.unwrap();
    assert!(!house.is_alive(&old).await);
    assert!(house.is_alive(&house.root).await);
    assert!(login("auth/door/login").await.is_err());
    let new = login("auth/gate/login").await.unwrap();
    assert!(house.is_alive(&new).await);
}

#[tokio::test]
async fn a_method_that_is_disabled_takes_its_tokens_with_it() {
    let house = House::with_door("door").await;
    let auth = house.log_in("door", json!({})).await.unwrap();
    let token = auth.client_token.expose();
    assert!(house.is_alive(token).await);
    let disabled = house.call(Operation::Delete, &house.root, "sys/auth/door", Value::Null);
    disabled.await.unwrap();
    assert!(!house.is_alive(token).await);
    house
        .root("sys/auth/door", json!({"type": "door"}))
        .await
        .unwrap();
    assert!(!house.is_alive(token).await);
}

impl House {
    async fn with_door(path: &str) -> Self {
        let house = Self::new().await;
        let enabled = house
            .root(&format!("sys/auth/{path}"), json!({"type": "door"}))
            .await;
        enabled.unwrap();
        house
    }

    async fn log_in(&self, path: &str, body: Value) -> Result<GrantedAuth, Error> {
        let path = format!("auth/{path}/login");
        let request = testing::request(Operation::Update, &path, &body);
        Ok(self.core.handle(request).await?.auth.unwrap())
    }

    /// Renews a token of a login; none where nobody is there any more.
    async fn renew(&self, auth: &GrantedAuth, hours: u64) -> Result<Option<u64>, Error> {
        let body = json!({"increment": hours * AN_HOUR});
        let token = auth.client_token.expose();
        let done = self.update(token, "auth/token/renew-self", body).await?;
        Ok(done.auth.map(|auth| auth.lease_duration))
    }
}

const AN_HOUR: u64 = HOUR.as_secs();

#[tokio::test]
async fn the_name_of_a_login_begins_with_where_it_was() {
    for (path, name, shown) in [
        ("door", "ann", "door-ann"),
        ("door", "", "door"),
        ("a/b", "ann-", "a-b-ann"),
    ] {
        let house = House::with_door(path).await;
        let auth = house.log_in(path, json!({"name": name})).await.unwrap();
        let info = house.lookup_self(auth.client_token.expose()).await.unwrap();
        assert_eq!(info["display_name"], shown);
    }
}

#[tokio::test]
async fn no_login_gives_a_root_token() {
    let house = House::with_door("door").await;
    let refused = house
        .log_in("door", json!({"policies": ["a", "Root"]}))
        .await;
    let text = refused.unwrap_err().to_string();
    assert_eq!(text, "auth methods cannot create root tokens");
}

#[tokio::test]
async fn a_login_has_a_maximum_of_its_own() {
    let house = House::with_door("door").await;
    let auth = house
        .log_in("door", json!({"max_ttl": AN_HOUR}))
        .await
        .unwrap();
    assert_eq!(auth.lease_duration, AN_HOUR);
    let auth = house.log_in("door", json!({})).await.unwrap();
    assert_eq!(auth.lease_duration, 768 * AN_HOUR);
}

#[tokio::test]
async fn the_auth_method_decides_how_long_its_tokens_last_on() {
    let house = House::with_door("door").await;
    let tuned = json!({"default_lease_ttl": 9 * AN_HOUR, "max_lease_ttl": 10 * AN_HOUR});
    house.root("sys/auth/door/tune", tuned).await.unwrap();
    // Its term, its maximum and its period; what is wished, and what is granted.
    for (renewal, wished, granted) in [
        ("2 4 0", 0, 2),
        ("2 4 0", 3, 3),
        ("2 4 0", 5, 4),
        ("2 0 0", 20, 10),
        ("0 0 0", 0, 9),
        ("2 4 3", 1, 3),
        ("2 4 5", 0, 4),
    ] {
        let auth = house
            .log_in("door", json!({"renewal": renewal}))
            .await
            .unwrap();
        let renewed = house.renew(&auth, wished).await.unwrap();
        assert_eq!(renewed, Some(granted * AN_HOUR), "{renewal} {wished}");
    }
}

#[tokio::test]
async fn a_renewal_that_the_auth_method_refuses_changes_nothing() {
    let house = House::with_door("door").await;
    for renewal in ["gone", "refused"] {
        let auth = house
            .log_in("door", json!({"renewal": renewal}))
            .await
            .unwrap();
        let renewed = house.renew(&auth, 0).await;
        match renewal {
            "gone" => assert_eq!(renewed.unwrap(), None),
            _ => assert_eq!(
                renewed.unwrap_err().to_string(),
                "1 error occurred:\n\t* failed to renew entry: not today\n\n"
            ),
        }
        let info = house.lookup_self(auth.client_token.expose()).await.unwrap();
        assert_eq!(info["last_renewal"], Value::Null);
        assert_eq!(info["ttl"], 768 * AN_HOUR);
    }
}
