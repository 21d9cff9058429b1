//! Tokens that a login gives: the mount decides on their kind.

use keyward_api::endpoint;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    AuthGrant, Response, TokenKind,
    engine::{Backing, Class, Context, Engine, EngineKind, Mounted, Routes},
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

impl Engine for Door {}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Login {
    batch: Option<bool>,
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
    Ok(Response::auth(AuthGrant {
        kind,
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
        let path = CanonicalPath::parse("auth/door/login").unwrap();
        let body = SecretBytes::new(serde_json::to_vec(&body).unwrap());
        let request = Request::new(Operation::Update, path, body);
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
