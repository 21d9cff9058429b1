//! `approle`: machines that log in with the id of a role and a secret id.

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use serde_json::{Value, json};

use super::House;

impl House {
    async fn role(&self, settings: Value) {
        let mut role = json!({ "role_id": "the-role" });
        role.as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        self.root.delete("auth/approle/role/r").await.expect(204);
        self.write("auth/approle/role/R", role).await;
    }

    /// A new secret id and its accessor.
    async fn secret_id(&self, body: Value) -> (String, String) {
        let answer = self.root.post("auth/approle/role/r/secret-id", body).await;
        let answer = answer.expect(200);
        let text = |name: &str| answer.text_at(&format!("/data/{name}")).to_owned();
        (text("secret_id"), text("secret_id_accessor"))
    }
}

fn login(secret_id: &str) -> Value {
    json!({ "role_id": "the-role", "secret_id": secret_id })
}

#[tokio::test]
async fn a_role_logs_in_and_may_what_its_policies_say_across_a_restart() {
    let house = House::with("approle").await;
    house.policy("reader", "sys/mounts").await;
    house
        .role(json!({ "token_policies": "reader", "token_ttl": "1h" }))
        .await;
    let (secret_id, accessor) = house.secret_id(json!({ "metadata": "a=b" })).await;
    let before = house.holder("approle/login", login(&secret_id)).await;
    before.get("sys/mounts").await.expect(200);

    let house = house.restart().await;
    let answer = house.log_in("approle/login", login(&secret_id)).await;
    let answer = answer.expect(200);
    assert_eq!(answer.at("/auth/lease_duration"), 3600);
    let metadata = json!({ "a": "b", "role_name": "r" });
    assert_eq!(answer.at("/auth/metadata"), &metadata);
    let after = house.root.with_token(answer.text_at("/auth/client_token"));
    after.get("sys/mounts").await.expect(200);
    let info = after.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(info.at("/data/display_name"), "approle");
    let entity = info.text_at("/data/entity_id").to_owned();
    let entity = house
        .root
        .get(&format!("identity/entity/id/{entity}"))
        .await;
    let alias = entity.expect(200);
    assert_eq!(alias.at("/data/aliases/0/name"), "the-role");
    assert_eq!(alias.at("/data/aliases/0/metadata"), &metadata);

    house
        .write("auth/approle/role/r", json!({ "token_ttl": "5m" }))
        .await;
    let renewed = after.post("auth/token/renew-self", json!({})).await;
    assert_eq!(renewed.expect(200).at("/auth/lease_duration"), 300);
    let destroy = json!({ "secret_id_accessor": accessor });
    house
        .write("auth/approle/role/r/secret-id-accessor/destroy", destroy)
        .await;
    let answer = house.log_in("approle/login", login(&secret_id)).await;
    answer.refused(400, "invalid role or secret ID");
    house.root.delete("auth/approle/role/r").await.expect(204);
    let text = "failed to renew entry: role \"r\" does not exist during renewal";
    let renewed = after.post("auth/token/renew-self", json!({})).await;
    renewed.refused(400, text);
}

#[tokio::test]
async fn uses_of_a_secret_id_are_exact_among_many_and_outlive_a_restart() {
    let house = House::with("approle").await;
    house.role(json!({ "secret_id_num_uses": 5 })).await;
    let (secret_id, accessor) = house.secret_id(json!({})).await;
    house.holder("approle/login", login(&secret_id)).await;
    let house = house.restart().await;
    let lookup = json!({ "secret_id_accessor": accessor });
    let path = "auth/approle/role/r/secret-id-accessor/lookup";
    let left = house.root.post(path, lookup.clone()).await.expect(200);
    assert_eq!(left.at("/data/secret_id_num_uses"), 4);
    let logins = (0..8).map(|_| house.log_in("approle/login", login(&secret_id)));
    let answers = join_all(logins).await;
    let let_in = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(let_in, 4);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        answer.refused(400, "invalid role or secret ID");
    }
    let gone = house.root.post(path, lookup).await.expect(404);
    assert!(gone.text_at("/data/error").contains(&accessor));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_that_was_acknowledged_is_counted_after_a_crash() {
    let mut house = House::with("approle").await;
    house.role(json!({ "secret_id_num_uses": 200 })).await;
    let (secret_id, accessor) = house.secret_id(json!({})).await;
    let mut counted = 0;
    for _ in 0..4 {
        let mut logins: FuturesUnordered<_> = (0..40)
            .map(|_| house.log_in("approle/login", login(&secret_id)))
            .collect();
        // The rest is on its way when the server dies.
        for _ in 0..10 {
            logins.next().await.unwrap().expect(200);
        }
        drop(logins);
        house = house.crash().await;
        let lookup = json!({ "secret_id_accessor": accessor });
        let path = "auth/approle/role/r/secret-id-accessor/lookup";
        let left = house.root.post(path, lookup).await.expect(200);
        let used = 200 - left.at("/data/secret_id_num_uses").as_u64().unwrap();
        let since = used - counted;
        assert!((10..=40).contains(&since), "10 were acknowledged: {since}");
        counted = used;
    }
}

#[tokio::test]
async fn who_guesses_secret_ids_is_locked_out_and_who_comes_from_elsewhere_is_not() {
    let house = House::with("approle").await;
    house.role(json!({})).await;
    let (secret_id, _) = house.secret_id(json!({})).await;
    let (elsewhere, _) = house.secret_id(json!({ "cidr_list": "10.0.0.0/8" })).await;
    for _ in 0..6 {
        let from = house.log_in("approle/login", login(&elsewhere)).await;
        from.expect(403);
        let without = json!({ "role_id": "the-role" });
        house.log_in("approle/login", without).await.expect(400);
    }
    house.holder("approle/login", login(&secret_id)).await;
    for _ in 0..5 {
        let answer = house.log_in("approle/login", login("a guess")).await;
        answer.refused(400, "invalid role or secret ID");
    }
    let answer = house.log_in("approle/login", login(&secret_id)).await;
    answer.refused(403, "permission denied");
    let listed = house.root.get("sys/locked-users").await.expect(200);
    let mount = "/data/by_namespace/0/mount_accessors/0";
    let names = listed.at(&format!("{mount}/alias_identifiers"));
    assert_eq!(names, &json!(["the-role"]));
    let accessor = listed.text_at(&format!("{mount}/mount_accessor"));
    let unlock = format!("sys/locked-users/{accessor}/unlock/the-role");
    house.write(&unlock, json!({})).await;
    house.holder("approle/login", login(&secret_id)).await;
    let never = json!({ "user_lockout_config": { "lockout_disable": true } });
    house.write("sys/auth/approle/tune", never).await;
    for _ in 0..6 {
        house
            .log_in("approle/login", login("a guess"))
            .await
            .expect(400);
    }
    house.holder("approle/login", login(&secret_id)).await;
}

#[tokio::test]
async fn a_secret_id_is_handed_over_wrapped() {
    let house = House::with("approle").await;
    house.role(json!({})).await;
    let call = "auth/approle/role/r/secret-id";
    let wrap = [("X-Vault-Wrap-TTL", "5m")];
    let made = house.root.send("POST", call, &wrap, None).await.expect(200);
    assert!(!made.text.contains("secret_id\""), "{}", made.text);
    let accessor = made.text_at("/wrap_info/wrapped_accessor");
    let token = house.root.with_token(made.text_at("/wrap_info/token"));
    let opened = token.post("sys/wrapping/unwrap", json!({})).await;
    let opened = opened.expect(200);
    assert_eq!(opened.text_at("/data/secret_id_accessor"), accessor);
    let secret_id = opened.text_at("/data/secret_id");
    house.holder("approle/login", login(secret_id)).await;
    token
        .post("sys/wrapping/unwrap", json!({}))
        .await
        .expect(400);
}

#[tokio::test]
async fn tokens_are_bound_to_where_the_secret_id_or_the_role_says() {
    let house = House::with("approle").await;
    house
        .role(json!({ "token_bound_cidrs": "127.0.0.0/8" }))
        .await;
    for (body, bound) in [
        (json!({}), "127.0.0.0/8"),
        (json!({ "token_bound_cidrs": "127.0.0.1/32" }), "127.0.0.1"),
    ] {
        let (secret_id, _) = house.secret_id(body).await;
        let holder = house.holder("approle/login", login(&secret_id)).await;
        let info = holder.get("auth/token/lookup-self").await.expect(200);
        assert_eq!(info.at("/data/bound_cidrs"), &json!([bound]));
    }
    for (name, text) in [
        ("cidr_list", "10.0.0.0"),
        ("token_bound_cidrs", "10.0.0.0/8"),
    ] {
        let path = "auth/approle/role/r/secret-id";
        let answer = house.root.post(path, json!({ name: text })).await;
        answer.expect(400);
    }
    let path = "auth/approle/role/r/token-bound-cidrs";
    house
        .write(path, json!({ "token_bound_cidrs": "10.0.0.0/8" }))
        .await;
    let (secret_id, _) = house.secret_id(json!({})).await;
    let holder = house.holder("approle/login", login(&secret_id)).await;
    holder.get("auth/token/lookup-self").await.expect(403);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_uses_nothing_up() {
    let house = House::with("approle").await;
    house
        .role(json!({ "secret_id_bound_cidrs": "10.0.0.0/8", "secret_id_num_uses": 1 }))
        .await;
    let (secret_id, _) = house.secret_id(json!({})).await;
    for (body, status, text) in [
        (json!({ "secret_id": secret_id }), 400, "missing role_id"),
        (json!({ "role_id": "the-role" }), 400, "missing secret_id"),
        (login("none"), 400, "invalid role or secret ID"),
        (
            json!({ "role_id": "none", "secret_id": secret_id }),
            400,
            "invalid role or secret ID",
        ),
        (
            login(&secret_id),
            403,
            "source address \"127.0.0.1\" unauthorized by CIDR restrictions on the role",
        ),
    ] {
        let answer = house.log_in("approle/login", body).await;
        answer.refused(status, text);
    }
    house
        .write(
            "auth/approle/role/r",
            json!({ "secret_id_bound_cidrs": "127.0.0.0/8" }),
        )
        .await;
    house.holder("approle/login", login(&secret_id)).await;
    let answer = house.log_in("approle/login", login(&secret_id)).await;
    answer.refused(400, "invalid role or secret ID");

    // A role that is made anew knows none of the old one's.
    let (secret_id, _) = house.secret_id(json!({})).await;
    house.role(json!({})).await;
    let answer = house.log_in("approle/login", login(&secret_id)).await;
    answer.refused(400, "invalid role or secret ID");
    house
        .root
        .list("auth/approle/role/r/secret-id")
        .await
        .expect(404);
    let answer = house
        .root
        .post("auth/approle/tidy/secret-id", json!({}))
        .await;
    answer.expect(202);
}

#[tokio::test]
async fn a_login_leaves_its_lines_without_the_secret_id() {
    let house = House::with("approle").await;
    house.role(json!({})).await;
    let (secret_id, _) = house.secret_id(json!({})).await;
    let hash = house.hash(&secret_id).await;
    house.log_in("approle/login", login(&secret_id)).await;
    let [request, response] = house.last_lines();
    assert_eq!(request["request"]["path"], "auth/approle/login");
    assert_eq!(request["request"]["data"]["secret_id"], hash);
    let metadata = &response["response"]["auth"]["metadata"];
    assert_eq!(metadata, &json!({ "role_name": "r" }));
    let taken = json!({ "secret_id": "a secret id of ours" });
    let path = "auth/approle/role/r/custom-secret-id";
    house.root.post(path, taken).await.expect(200);
    let [request, response] = house.last_lines();
    let hash = house.hash("a secret id of ours").await;
    assert_eq!(request["request"]["data"]["secret_id"], hash);
    assert_eq!(response["response"]["data"]["secret_id"], hash);
}
