//! Methods that are services of others: what is alike whatever the service.

use async_trait::async_trait;
use keyward_api::identity::{CreateDuoMfaMethod, DuoMfaMethods};
use parking_lot::Mutex;
use serde_json::Map;

use super::*;
use crate::{Asked, MfaKind, MfaService, Unconfirmed};

/// A service in process: it lets in who brings as passcode what it calls them, backwards.
pub(in super::super) const MIRROR: MfaKind = MfaKind::of::<Mirror>();

#[derive(Deserialize, Serialize)]
struct Mirror {
    host: String,
    is_strict: bool,
}

/// The clocks of those that take their time, by their hosts.
static SLOW: Mutex<BTreeMap<String, Arc<ManualClock>>> = Mutex::new(BTreeMap::new());

#[async_trait]
impl MfaService for Mirror {
    type Api = DuoMfaMethods;

    fn configure(request: CreateDuoMfaMethod) -> Result<Self, Error> {
        let host = request.api_hostname.unwrap_or_default();
        if host == "no host" {
            return Err(Error::invalid("no host"));
        }
        Ok(Self {
            host,
            is_strict: request.use_passcode.unwrap_or_default(),
        })
    }

    fn uses_passcode(&self) -> bool {
        self.is_strict
    }

    fn shown(&self) -> Map<String, Value> {
        Map::from_iter([("use_passcode".to_owned(), self.is_strict.into())])
    }

    async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed> {
        if let Some(clock) = SLOW.lock().get(&self.host) {
            clock.advance(Duration::from_secs(50));
        }
        let wanted: String = asked.username.chars().rev().collect();
        let brought = asked.passcode.map(|passcode| passcode.expose().as_str());
        match brought == Some(&wanted) {
            true => Ok(()),
            false => Err(Unconfirmed(format!("{} is somebody else", asked.username))),
        }
    }
}

const METHOD: &str = "identity/mfa/method/duo";

impl House {
    async fn mirror(&self, body: Value) -> String {
        let made = self.write(METHOD, body).await;
        made["method_id"].as_str().unwrap().to_owned()
    }

    async fn refused_read(&self, path: &str) -> String {
        let refused = self.read_as(&self.root, path).await;
        refused.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn a_service_survives_a_restart_and_is_shown_beside_totp() {
    let mut house = House::new().await;
    let phone = house.method(json!({"method_name": "phone"})).await;
    let body = json!({
        "method_name": "mirror", "use_passcode": true, "username_format": "{{identity.entity.id}}",
        "secret_key": "never shown",
    });
    let id = house.mirror(body).await;
    house.restart().await;
    let wanted = json!({
        "id": id, "name": "mirror", "namespace_id": "root", "namespace_path": "", "type": "duo",
        "use_passcode": true, "username_format": "{{identity.entity.id}}",
    });
    let path = format!("{METHOD}/{id}");
    assert_eq!(house.read(&path).await, wanted);
    let all = "identity/mfa/method";
    assert_eq!(house.read(&format!("{all}/{id}")).await, wanted);
    let list = async |path: &str| {
        let listed = house.call(Operation::List, &house.root, path, Value::Null);
        listed.await.map(data)
    };
    let listed = list(METHOD).await.unwrap();
    assert_eq!(listed, json!({"keys": [id], "key_info": {&id: wanted}}));
    assert_eq!(
        list(all).await.unwrap()["key_info"]
            .as_object()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        list(&format!("{all}/totp")).await.unwrap()["keys"],
        json!([phone])
    );
    house.delete(&path).await;
    let gone = house.storage_keys("logical/identity/mfa/service/").await;
    assert!(gone.is_empty(), "{gone:?}");
    assert!(matches!(list(METHOD).await, Err(Error::NotFound(None))));
    house.delete(&path).await;
}

#[tokio::test]
async fn a_change_keeps_name_and_username_format_and_nothing_else() {
    let house = House::new().await;
    let body = json!({
        "method_name": "mirror", "use_passcode": true, "username_format": "{{identity.entity.id}}",
    });
    let id = house.mirror(body).await;
    let path = format!("{METHOD}/{id}");
    house.write(&path, json!({})).await;
    let read = house.read(&path).await;
    assert_eq!(read["name"], "mirror");
    assert_eq!(read["username_format"], "{{identity.entity.id}}");
    assert_eq!(read["use_passcode"], false);
    let by_name = house.mirror(json!({"method_name": "mirror"})).await;
    assert_eq!(by_name, id);
}

#[tokio::test]
async fn a_method_stays_of_its_type() {
    let house = House::new().await;
    let phone = house.method(json!({"method_name": "phone"})).await;
    let mirror = house.mirror(json!({"method_name": "mirror"})).await;
    let taken = "a login MFA method configuration with the method name phone already exists";
    let body = json!({"method_name": "phone"});
    assert_eq!(house.refusal(METHOD, body).await, taken);
    let body = json!({"method_name": "mirror", "issuer": "i"});
    let refused = house.refusal("identity/mfa/method/totp", body).await;
    assert_eq!(refused, taken.replace("phone", "mirror"));
    let other = |kind: &str| format!("failed to find the method ID under MFA type {kind}.");
    for (kind, id, body) in [
        ("duo", &phone, json!({})),
        ("totp", &mirror, json!({"issuer": "i"})),
    ] {
        let path = format!("identity/mfa/method/{kind}/{id}");
        assert_eq!(house.refused_read(&path).await, other(kind));
        assert_eq!(house.refusal(&path, body).await, other(kind));
        let delete = house.call(Operation::Delete, &house.root, &path, Value::Null);
        assert_eq!(delete.await.unwrap_err().to_string(), other(kind));
    }
    let entity = house.entity(json!({"name": "bob"})).await;
    let body = json!({"method_id": mirror, "entity_id": entity});
    let secret = "identity/mfa/method/totp/admin";
    assert_eq!(
        house
            .refusal(&format!("{secret}-generate"), body.clone())
            .await,
        "generate not available for MFA type \"duo\""
    );
    let refused = house.refusal(&format!("{secret}-destroy"), body).await;
    assert!(refused.contains("method ID does not match TOTP type"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let house = House::new().await;
    let id = house.mirror(json!({"use_passcode": true})).await;
    let path = format!("{METHOD}/{id}");
    for body in [
        json!({"username_format": "{{identity.entity.name"}),
        json!({"username_format": "identity.entity.name}}"}),
        json!({"username_format": "{{identity.entity.shoe_size}}"}),
        json!({"username_format": "{{identity.entity.metadata}}"}),
        json!({"username_format": "{{time.now}}"}),
        json!({"api_hostname": "no host"}),
    ] {
        house.refusal(&path, body.clone()).await;
        house.refusal(METHOD, body).await;
    }
    assert_eq!(house.read(&path).await["use_passcode"], true);
    let listed = house.call(Operation::List, &house.root, METHOD, Value::Null);
    assert_eq!(data(listed.await.unwrap())["keys"], json!([id]));
    for (path, fault) in [
        ("identity/mfa/method/sms", Error::UnsupportedOperation),
        ("identity/mfa/method/sms/x", Error::UnsupportedPath),
    ] {
        let wrong = house.call(Operation::Update, &house.root, path, json!({}));
        let wrong = wrong.await.unwrap_err();
        assert_eq!(wrong.to_string(), fault.to_string(), "{path}");
    }
    let path = format!("{METHOD}/no-id");
    assert_eq!(house.refused_read(&path).await, "not found");
    let delete = house.call(Operation::Delete, &house.root, &path, Value::Null);
    assert!(matches!(delete.await, Err(Error::UnsupportedPath)));
}

#[tokio::test]
async fn a_service_is_told_the_entity_as_the_method_says() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let path = format!("identity/entity/id/{}", bob.entity);
    house
        .write(
            &path,
            json!({"metadata": {"mail": "b@x"}, "name": "robert"}),
        )
        .await;
    let id = house.mirror(json!({})).await;
    house.enforce("door", &[&id]).await;
    let alias = format!("{{{{identity.entity.aliases.{}.name}}}}@corp", house.door);
    for (format, passcode) in [
        ("{{identity.entity.name}}", "trebor"),
        (&*alias, "proc@bob"),
        ("{{ identity.entity.metadata.mail }}", "x@b"),
        ("<{{identity.entity.name}}>", ">trebor<"),
    ] {
        let body = json!({"username_format": format});
        house.write(&format!("{METHOD}/{id}"), body).await;
        let waiting = house.begin().await;
        house
            .validate(&waiting, json!({&id: [passcode]}))
            .await
            .unwrap();
    }
    let body = json!({"username_format": "{{identity.entity.metadata.phone}}"});
    house.write(&format!("{METHOD}/{id}"), body).await;
    let waiting = house.begin().await;
    let refused = text(house.validate(&waiting, json!({&id: []})).await);
    let wanted = format!("entity {:?} has no name at MFA method \"\"", bob.entity);
    assert!(refused.contains(&wanted), "{refused}");
}

#[tokio::test]
async fn a_login_names_the_service_and_waits_for_it() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let amy = json!({"name": "amy"});
    house
        .write(&format!("identity/entity/id/{}", bob.entity), amy)
        .await;
    let push = house.mirror(json!({"method_name": "push"})).await;
    let strict = house.mirror(json!({"use_passcode": true})).await;
    house.enforce("door", &[&push, &strict]).await;
    let body = json!({"name": "bob"});
    let done = house.ask("auth/door/login", body, |_| ()).await.unwrap();
    let waiting = waits_under(&done);
    let auth = serde_json::to_value(done.auth.unwrap()).unwrap();
    assert_eq!(
        auth["mfa_requirement"]["mfa_constraints"]["door"]["any"],
        json!([
            {"type": "duo", "id": push, "name": "push"},
            {"type": "duo", "id": strict, "uses_passcode": true},
        ])
    );
    let refused = text(house.validate(&waiting, json!({&strict: []})).await);
    assert!(refused.contains("MFA credentials not supplied or incorrect"));
    for none_or_wrong in [json!({&push: []}), json!({&push: ["passcode=amy"]})] {
        let refused = text(house.validate(&waiting, none_or_wrong).await);
        assert!(refused.contains("amy is somebody else"), "{refused}");
    }
    let granted = house.validate(&waiting, json!({"push": ["passcode=yma"]}));
    assert!(house.is_alive(&token(granted.await.unwrap())).await);
    let in_one = house.log_in_with(&[&format!("{strict}:amy")]).await;
    assert_eq!(text(in_one), "permission denied");
    let in_one = house.log_in_with(&[&format!("{strict}:yma")]).await;
    assert!(in_one.unwrap().auth.unwrap().mfa_requirement.is_none());
}

#[tokio::test]
async fn a_service_is_asked_five_times_in_five_minutes_unless_it_confirms() {
    let house = House::new().await;
    house.holder("bob").await;
    let format = format!("{{{{identity.entity.aliases.{}.name}}}}y", house.door);
    let id = house.mirror(json!({"username_format": format})).await;
    house.enforce("door", &[&id]).await;
    let attempt = async |passcode: &str| {
        let waiting = house.begin().await;
        house.validate(&waiting, json!({&id: [passcode]})).await
    };
    for _ in 0..4 {
        assert!(text(attempt("x").await).contains("is somebody else"));
    }
    attempt("ybob").await.unwrap();
    for _ in 0..5 {
        assert!(text(attempt("x").await).contains("is somebody else"));
    }
    let limited = "maximum MFA validation attempts 6 exceeded the allowed attempts 5. Please try \
                   again in 300 seconds";
    let refused = text(attempt("ybob").await);
    assert!(refused.contains(limited), "{refused}");
    house.advance(Duration::from_secs(300)).await;
    attempt("ybob").await.unwrap();
}

#[tokio::test]
async fn a_token_begins_when_the_service_has_confirmed_its_login() {
    let house = House::new().await;
    house.holder("bob").await;
    let host = "takes its time";
    SLOW.lock()
        .insert(host.to_owned(), Arc::clone(&house.clock));
    let format = format!("{{{{identity.entity.aliases.{}.name}}}}", house.door);
    let body = json!({"api_hostname": host, "username_format": format});
    let id = house.mirror(body).await;
    house.enforce("door", &[&id]).await;
    let granted = house.log_in_with(&[&format!("{id}:bob")]).await;
    let in_one = token(granted.unwrap());
    let waiting = house.begin().await;
    let granted = house.validate(&waiting, json!({&id: ["passcode=bob"]}));
    let in_two = token(granted.await.unwrap());
    for (token, later) in [(in_one, 50), (in_two, 0)] {
        let own = house.read_as(&token, "auth/token/lookup-self").await;
        let own = own.unwrap();
        let left = own["creation_ttl"].as_u64().unwrap() - later;
        assert_eq!(own["ttl"], left);
    }
}
