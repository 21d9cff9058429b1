//! Identity tokens: keys that follow one another, roles, and what tokens say.

use keyward_crypto::encoding;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const ALGORITHMS: [&str; 7] = [
    "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA",
];

impl House {
    /// Makes a key and a role of a name each, and lets everybody read tokens.
    async fn signs(&self, name: &str, key: Value) {
        self.write(&format!("identity/oidc/key/{name}"), key).await;
        let role = json!({"key": name, "ttl": "1h", "client_id": name});
        self.write(&format!("identity/oidc/role/{name}"), role)
            .await;
        self.policy("signed", &["identity/oidc/token/+"]).await;
    }

    async fn token(&self, holder: &Holder, role: &str) -> Result<String, Error> {
        let path = format!("identity/oidc/token/{role}");
        let answer = self.read_as(&holder.token, &path).await?;
        Ok(answer["token"].as_str().unwrap().to_owned())
    }

    async fn introspect(&self, token: &str) -> Value {
        let body = json!({ "token": token });
        self.write("identity/oidc/introspect", body).await
    }

    async fn key_ids(&self) -> Vec<String> {
        let set = self
            .read_as("", "identity/oidc/.well-known/keys")
            .await
            .unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Logs in one who may read tokens.
    async fn reader(&self) -> Holder {
        let bob = self.holder("bob").await;
        let path = format!("identity/entity/id/{}", bob.entity);
        self.write(&path, json!({"name": "bob", "policies": "signed"}))
            .await;
        bob
    }
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&encoding::decode_url(part).unwrap()).unwrap()
}

fn good() -> Value {
    json!({"active": true})
}

#[tokio::test]
async fn a_token_of_every_algorithm_is_good_and_no_other_is() {
    let house = House::new().await;
    for algorithm in ALGORITHMS {
        let key = json!({"algorithm": algorithm, "allowed_client_ids": [algorithm]});
        house.signs(algorithm, key).await;
    }
    let bob = house.reader().await;
    let mut tokens = Vec::new();
    for algorithm in ALGORITHMS {
        let token = house.token(&bob, algorithm).await.unwrap();
        assert_eq!(part(&token, 0)["alg"], algorithm);
        assert_eq!(
            part(&token, 1),
            json!({
                "iss": "https://keyward.example:8200/v1/identity/oidc", "sub": bob.entity,
                "aud": algorithm, "iat": 1_700_000_000, "exp": 1_700_003_600, "namespace": "root",
            })
        );
        assert!(
            house
                .key_ids()
                .await
                .contains(&part(&token, 0)["kid"].as_str().unwrap().into())
        );
        assert_eq!(house.introspect(&token).await, good(), "{algorithm}");
        tokens.push(token);
    }
    let bad_signature = json!({"active": false, "error": "unable to validate the token signature"});
    for (token, other) in tokens.iter().zip(tokens.iter().cycle().skip(1)) {
        let cut = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
        let signature = other.rsplit_once('.').unwrap().1;
        let foreign = format!("{}.{signature}", cut(token).unwrap());
        assert_eq!(house.introspect(&foreign).await, bad_signature);
        // A header that names another algorithm, or none, does not choose how it is verified.
        let kid = part(token, 0)["kid"].clone();
        for alg in ["none", "HS256", "RS512", "ES256"] {
            if part(token, 0)["alg"] == alg {
                continue;
            }
            let header = json!({"alg": alg, "kid": kid}).to_string();
            let header = encoding::encode_url(header.as_bytes());
            let rest = token.split_once('.').unwrap().1;
            assert_eq!(
                house.introspect(&format!("{header}.{rest}")).await,
                bad_signature
            );
        }
    }
    for text in ["", "x", "a.b", "a.b.c.d"] {
        let error = "error parsing token: compact JWS format must have three parts";
        assert_eq!(
            house.introspect(text).await,
            json!({"active": false, "error": error})
        );
    }
}

#[tokio::test]
async fn a_token_is_good_for_its_audience_its_time_and_its_entity() {
    let house = House::new().await;
    house
        .signs(
            "r",
            json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
        )
        .await;
    let bob = house.reader().await;
    let token = house.token(&bob, "r").await.unwrap();
    let for_audience = async |audience: &str| {
        let body = json!({"token": token, "client_id": audience});
        house.write("identity/oidc/introspect", body).await["active"].clone()
    };
    assert_eq!(for_audience("r").await, true);
    assert_eq!(for_audience("other").await, false);
    let path = format!("identity/entity/id/{}", bob.entity);
    house.write(&path, json!({"disabled": true})).await;
    let disabled = json!({"active": false, "error": "entity is disabled"});
    assert_eq!(house.introspect(&token).await, disabled);
    house.write(&path, json!({"disabled": false})).await;
    house
        .write(
            "identity/oidc/config",
            json!({"issuer": "https://other.example"}),
        )
        .await;
    assert_eq!(house.introspect(&token).await["active"], false);
    house
        .write("identity/oidc/config", json!({"issuer": ""}))
        .await;
    assert_eq!(house.introspect(&token).await, good());
    house.clock.advance(HOUR);
    assert_eq!(house.introspect(&token).await["active"], false);
    let token = house.token(&bob, "r").await.unwrap();
    assert_eq!(house.introspect(&token).await, good());
    house.delete(&path).await;
    let gone = json!({"active": false, "error": "entity was not found"});
    assert_eq!(house.introspect(&token).await, gone);
}

#[tokio::test]
async fn keys_follow_one_another_and_the_next_one_is_known_before_it_signs() {
    let mut house = House::new().await;
    let key = json!({
        "algorithm": "ES256", "rotation_period": "2h", "verification_ttl": "1h",
        "allowed_client_ids": "*",
    });
    house.signs("r", key).await;
    let bob = house.reader().await;
    let mut known = house.key_ids().await;
    assert_eq!(known.len(), 2);
    let mut last = house.token(&bob, "r").await.unwrap();
    for _ in 0..3 {
        let kid = part(&last, 0)["kid"].as_str().unwrap().to_owned();
        house.advance(HOUR * 2).await;
        let token = house.token(&bob, "r").await.unwrap();
        let new = part(&token, 0)["kid"].as_str().unwrap().to_owned();
        assert_ne!(new, kid);
        assert!(known.contains(&new), "a cache of the key set knows the key");
        let ids = house.key_ids().await;
        assert_eq!(ids.len(), 3, "the one that signs, the next, the last");
        assert!(ids.contains(&kid) && known.iter().filter(|id| ids.contains(id)).count() == 2);
        house.restart().await;
        assert_eq!(house.key_ids().await, ids);
        assert_eq!(house.introspect(&token).await, good());
        house.advance(HOUR).await;
        assert_eq!(
            house.key_ids().await.len(),
            2,
            "the last one's tokens are over"
        );
        house.advance(HOUR).await;
        known = house.key_ids().await;
        last = house.token(&bob, "r").await.unwrap();
    }
    // By hand, with a shorter time: at once, and what was signed before is over sooner.
    house
        .write(
            "identity/oidc/key/r/rotate",
            json!({"verification_ttl": "1m"}),
        )
        .await;
    assert_eq!(house.introspect(&last).await, good());
    house.advance(Duration::from_secs(60)).await;
    assert_eq!(house.introspect(&last).await["active"], false);
}

#[tokio::test]
async fn another_algorithm_signs_at_once_and_old_tokens_stay_good() {
    let house = House::new().await;
    house
        .signs(
            "r",
            json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
        )
        .await;
    let bob = house.reader().await;
    let old = house.token(&bob, "r").await.unwrap();
    house
        .write("identity/oidc/key/r", json!({"algorithm": "ES384"}))
        .await;
    let new = house.token(&bob, "r").await.unwrap();
    assert_eq!(part(&new, 0)["alg"], "ES384");
    assert_eq!(house.introspect(&old).await, good());
    assert_eq!(house.introspect(&new).await, good());
}

#[tokio::test]
async fn a_private_key_goes_when_the_next_one_takes_its_place() {
    use crate::storage::Storage as _;
    let house = House::new().await;
    house
        .signs(
            "r",
            json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
        )
        .await;
    let privates = async || {
        let folder = "logical/identity/oidc/private/";
        house.storage.list(folder, None, None).await.unwrap()
    };
    let before = privates().await;
    assert_eq!(before.len(), 2);
    house.write("identity/oidc/key/r/rotate", json!({})).await;
    let after = privates().await;
    assert_eq!(after.len(), 2);
    assert_eq!(after.iter().filter(|id| before.contains(id)).count(), 1);
    let other = json!({"algorithm": "ES256"});
    house.write("identity/oidc/key/r", other).await;
    let others = privates().await;
    assert_eq!(others.len(), 2);
    assert!(others.iter().all(|id| !after.contains(id)));
    house.delete("identity/oidc/role/r").await;
    house.delete("identity/oidc/key/r").await;
    assert!(privates().await.is_empty());
}

#[tokio::test]
async fn a_template_tells_of_the_entity_and_cannot_be_broken_out_of() {
    let house = House::new().await;
    house
        .signs(
            "r",
            json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
        )
        .await;
    let bob = house.reader().await;
    let door = &house.door;
    let template = format!(
        r#"{{"id": {{{{identity.entity.id}}}}, "name": {{{{identity.entity.name}}}},
        "meta": {{{{identity.entity.metadata}}}}, "none": {{{{identity.entity.metadata.none}}}},
        "groups": {{{{identity.entity.groups.names}}}}, "ids": {{{{identity.entity.groups.ids}}}},
        "alias": {{{{identity.entity.aliases.{door}.name}}}}, "custom":
        {{{{identity.entity.aliases.{door}.custom_metadata}}}},
        "later": {{{{time.now.plus.1h}}}}, "before": {{{{time.now.minus.30s}}}} }}"#
    );
    let sent = encoding::encode(template.as_bytes());
    house
        .write("identity/oidc/role/r", json!({ "template": sent }))
        .await;
    assert_eq!(
        house.read("identity/oidc/role/r").await["template"],
        template
    );
    let name = r#"", "sub": "root", "x": "{{identity.entity.id}}"#;
    let path = format!("identity/entity/id/{}", bob.entity);
    house
        .write(&path, json!({"name": name, "metadata": {"k\"}": "v\\"}}))
        .await;
    let group = json!({"name": "g\"}}", "member_entity_ids": [bob.entity]});
    let group = house.group(group).await;
    let claims = part(&house.token(&bob, "r").await.unwrap(), 1);
    assert_eq!(
        claims,
        json!({
            "id": bob.entity, "name": name, "meta": {"k\"}": "v\\"}, "none": "",
            "groups": ["g\"}}"], "ids": [group], "alias": "bob", "custom": {},
            "later": 1_700_003_600, "before": 1_699_999_970,
            "iss": "https://keyward.example:8200/v1/identity/oidc", "sub": bob.entity, "aud": "r",
            "iat": 1_700_000_000, "exp": 1_700_003_600, "namespace": "root",
        })
    );
    let refused = async |template: &str| {
        let body = json!({ "template": template });
        house.refusal("identity/oidc/role/r", body).await
    };
    for (template, text) in [
        (
            r#"{"a": {{identity.entity.id"#,
            "error parsing template: unbalanced templating characters",
        ),
        (
            r#"{"a": {{identity.bogus}} }"#,
            "error parsing template: no value could be found for one of the template directives",
        ),
        (
            r#"{"a": {{identity.groups.names.g.id}} }"#,
            "error parsing template: string contains groups template directives but no groups were \
             provided",
        ),
        (
            r#"{"a": {{time.now.plus.zz}} }"#,
            "error parsing template: invalid duration: time: invalid duration \"zz\"",
        ),
        (
            r#"{"sub": 1}"#,
            "top level key \"sub\" not allowed. Restricted keys: iat, aud, exp, iss, sub, \
             namespace, nonce, auth_time, at_hash, c_hash",
        ),
    ] {
        assert_eq!(refused(template).await, text, "{template}");
    }
    for template in [
        "[1]",
        "5",
        r#"{"a": "{{identity.entity.id}}"}"#,
        r#"{"a": 1"#,
    ] {
        assert!(
            refused(template)
                .await
                .starts_with("error parsing template JSON: ")
        );
    }
}

#[tokio::test]
async fn what_makes_no_key_or_role_is_refused() {
    let house = House::new().await;
    for (path, body, text) in [
        (
            "key/k",
            json!({"algorithm": "FOO"}),
            "unknown signing algorithm \"FOO\"",
        ),
        (
            "key/k",
            json!({"rotation_period": "30s"}),
            "rotation_period must be at least one minute",
        ),
        (
            "key/k",
            json!({"rotation_period": "2m", "verification_ttl": "21m"}),
            "verification_ttl cannot be longer than 10x rotation_period",
        ),
        ("key/k/rotate", json!({}), "no named key found at \"k\""),
        ("role/r", json!({}), "the key parameter is required"),
        ("role/r", json!({"key": "k"}), "cannot find key \"k\""),
        (
            "role/r",
            json!({"key": "default", "ttl": "25h"}),
            "a role's token ttl cannot be longer than the verification_ttl of the key it references",
        ),
    ] {
        let path = format!("identity/oidc/{path}");
        assert_eq!(house.refusal(&path, body).await, text);
    }
    for issuer in [
        "ftp://x",
        "https://x/y",
        "https://x?y",
        "https://",
        "x",
        "https://a@b",
    ] {
        let body = json!({"issuer": issuer});
        let text = house.refusal("identity/oidc/config", body).await;
        assert!(text.starts_with("invalid issuer, which must"), "{issuer}");
    }
    let done = house.call(
        Operation::Delete,
        &house.root,
        "identity/oidc/key/default",
        Value::Null,
    );
    let text = done.await.unwrap_err().to_string();
    assert_eq!(text, "deletion of key \"default\" not allowed");
}

#[tokio::test]
async fn a_role_signs_with_its_key_only_where_the_key_allows_it() {
    let house = House::new().await;
    house
        .signs(
            "r",
            json!({"algorithm": "EdDSA", "allowed_client_ids": "x,r"}),
        )
        .await;
    let bob = house.reader().await;
    assert!(house.token(&bob, "r").await.is_ok());
    house
        .write("identity/oidc/key/r", json!({"allowed_client_ids": "x"}))
        .await;
    let text = house.token(&bob, "r").await.unwrap_err().to_string();
    assert_eq!(
        text,
        "the key \"r\" does not list the client ID of the role \"r\" as an allowed client ID"
    );
    let text = house.token(&bob, "none").await.unwrap_err().to_string();
    assert_eq!(text, "role \"none\" not found");
    house
        .write("identity/oidc/key/r", json!({"allowed_client_ids": "*"}))
        .await;
    let rooted = house.read_as(&house.root, "identity/oidc/token/r").await;
    assert_eq!(
        rooted.unwrap_err().to_string(),
        "no entity associated with the request's token"
    );
    let done = house.call(
        Operation::Delete,
        &house.root,
        "identity/oidc/key/r",
        Value::Null,
    );
    let text = done.await.unwrap_err().to_string();
    let used = "unable to delete key \"r\" because it is currently referenced by these roles: r";
    assert_eq!(text, used);
    let text = house
        .refusal("identity/oidc/key/r", json!({"verification_ttl": "30m"}))
        .await;
    assert!(
        text.starts_with("unable to update key \"r\" because it is currently"),
        "{text}"
    );
}

#[tokio::test]
async fn the_default_key_is_there_and_shown_once_a_role_refers_to_it() {
    let mut house = House::new().await;
    let default = house.read("identity/oidc/key/default").await;
    assert_eq!(default["allowed_client_ids"], json!(["*"]));
    assert!(house.key_ids().await.is_empty());
    house
        .write("identity/oidc/role/r", json!({"key": "default"}))
        .await;
    let ids = house.key_ids().await;
    assert_eq!(ids.len(), 2);
    house.restart().await;
    assert_eq!(house.key_ids().await, ids);
    let role = house.read("identity/oidc/role/r").await;
    assert_eq!(role["client_id"].as_str().unwrap().len(), 26);
    let discovery = "identity/oidc/.well-known/openid-configuration";
    let discovery = house.read_as("", discovery).await.unwrap();
    let issuer = "https://keyward.example:8200/v1/identity/oidc";
    assert_eq!(discovery["issuer"], issuer);
    assert_eq!(discovery["jwks_uri"], format!("{issuer}/.well-known/keys"));
}
