//! Requests that wait until others approve them.

use futures_util::future::join_all;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A secret of its own for each token, which two managers have to let it change.
const TWO_MANAGERS: &str = r#"
path "cubbyhole/*" {
  capabilities = ["create", "read", "update"]
  control_group {
    ttl = "10m"
    factor "managers" {
      controlled_capabilities = ["create", "update"]
      identity { group_names = ["managers"] approvals = 2 }
    }
  }
}
path "sys/control-group/*" { capabilities = ["update"] }
"#;

/// What a request waits behind.
struct Waits {
    token: String,
    accessor: String,
    ttl: u64,
}

impl House {
    /// Makes a house where everybody who comes in has one policy.
    async fn controlled(policy: &str) -> Self {
        let house = Self::new().await;
        house.rule(policy).await;
        house
    }

    async fn rule(&self, policy: &str) {
        let body = json!({ "policy": policy });
        self.write("sys/policies/acl/controlled", body).await;
    }

    /// Lets somebody in who has the policy, as a member of groups.
    async fn person(&self, name: &str) -> Holder {
        let holder = self.holder(name).await;
        let path = format!("identity/entity/id/{}", holder.entity);
        self.write(&path, json!({"policies": "controlled"})).await;
        holder
    }

    async fn people<const N: usize>(&self, group: &str) -> [Holder; N] {
        let names: Vec<_> = (0..N).map(|number| format!("{group}-{number}")).collect();
        let people = join_all(names.iter().map(|name| self.person(name))).await;
        let ids: Vec<_> = people.iter().map(|person| &person.entity).collect();
        self.group(json!({"name": group, "member_entity_ids": ids}))
            .await;
        people.try_into().unwrap_or_else(|_| unreachable!())
    }

    async fn update(&self, token: &str, path: &str, body: Value) -> Result<Done, Error> {
        self.call(Operation::Update, token, path, body).await
    }

    /// Asks for a change that has to be approved.
    async fn change(&self, who: &Holder, value: &str) -> Waits {
        let body = json!({ "value": value });
        let done = self.update(&who.token, "cubbyhole/a", body).await.unwrap();
        assert!(done.data.is_none());
        let info = done.wrap_info.unwrap();
        assert_eq!(info.creation_path, "cubbyhole/a");
        Waits {
            token: info.token.expose().to_owned(),
            accessor: info.accessor,
            ttl: info.ttl,
        }
    }

    async fn approve(&self, who: &Holder, waits: &Waits) -> Result<bool, String> {
        let body = json!({"accessor": waits.accessor});
        let path = "sys/control-group/authorize";
        let done = self.update(&who.token, path, body).await;
        let data = data(done.map_err(|error| error.to_string())?);
        Ok(data["approved"].as_bool().unwrap())
    }

    async fn look(&self, who: &Holder, waits: &Waits) -> Value {
        let body = json!({"accessor": waits.accessor});
        let path = "sys/control-group/request";
        data(self.update(&who.token, path, body).await.unwrap())
    }

    async fn unwrap(&self, waits: &Waits) -> Result<Value, String> {
        let done = self.update(&waits.token, "sys/wrapping/unwrap", json!({}));
        done.await.map(data).map_err(|error| error.to_string())
    }

    async fn value(&self, who: &Holder) -> Option<String> {
        let read = self.read_as(&who.token, "cubbyhole/a").await.ok()?;
        read["value"].as_str().map(str::to_owned)
    }
}

fn one_fault(text: &str) -> Result<bool, String> {
    Err(format!("1 error occurred:\n\t* {text}\n\n"))
}

const NEEDS_MORE: &str = "request needs further approval";
const NO_SUCH: &str = "wrapping token is not valid or does not exist";

#[tokio::test]
async fn a_request_waits_until_all_that_is_demanded_is_there_and_is_done_once() {
    let mut house = House::controlled(TWO_MANAGERS).await;
    let bob = house.person("bob").await;
    let [one, two] = house.people("managers").await;

    let waits = house.change(&bob, "new").await;
    assert_eq!(waits.ttl, 600);
    assert_eq!(house.value(&bob).await, None);
    assert_eq!(house.unwrap(&waits).await, Err(NEEDS_MORE.to_owned()));
    assert_eq!(house.approve(&one, &waits).await, Ok(false));
    assert_eq!(house.unwrap(&waits).await, Err(NEEDS_MORE.to_owned()));

    house.restart().await;
    let shown = house.look(&two, &waits).await;
    let name = |holder: &Holder| {
        let path = format!("identity/entity/id/{}", holder.entity);
        let house = &house;
        async move { house.read(&path).await["name"].clone() }
    };
    let by_one = json!({"entity_id": one.entity, "entity_name": name(&one).await});
    let requester = json!({"id": bob.entity, "ID": bob.entity, "name": name(&bob).await});
    assert_eq!(
        shown,
        json!({
            "approved": false,
            "authorizations": [by_one],
            "request_data": {"value": "new"},
            "request_entity": requester,
            "request_operation": "update",
            "request_path": "cubbyhole/a",
        })
    );

    assert_eq!(house.approve(&two, &waits).await, Ok(true));
    assert_eq!(house.value(&bob).await, None);
    assert_eq!(house.unwrap(&waits).await, Ok(Value::Null));
    assert_eq!(house.value(&bob).await.as_deref(), Some("new"));
    assert_eq!(house.unwrap(&waits).await, Err(NO_SUCH.to_owned()));
}

#[tokio::test]
async fn what_a_factor_is_not_for_is_done_at_once() {
    let house = House::controlled(TWO_MANAGERS).await;
    let bob = house.person("bob").await;
    let read = house.read_as(&bob.token, "cubbyhole/a").await;
    assert!(matches!(read, Err(Error::NotFound(_))), "{read:?}");
    let by_root = house
        .update(&house.root, "cubbyhole/a", json!({"a": 1}))
        .await;
    assert!(by_root.unwrap().wrap_info.is_none());
}

#[tokio::test]
async fn only_members_count_each_once_and_never_who_asks() {
    let house = House::controlled(TWO_MANAGERS).await;
    let [boss, other] = house.people("managers").await;
    let stranger = house.person("stranger").await;
    let waits = house.change(&boss, "new").await;

    let own = house.approve(&boss, &waits).await;
    assert_eq!(own, one_fault("token owner cannot be approver"));
    assert_eq!(house.approve(&stranger, &waits).await, Ok(false));
    assert_eq!(house.approve(&other, &waits).await, Ok(false));
    let twice = house.approve(&other, &waits).await;
    assert_eq!(twice, one_fault("approver has already authorized"));
    let root = json!({"accessor": waits.accessor});
    let root = house.refusal("sys/control-group/authorize", root).await;
    assert_eq!(Err(root), one_fault("empty entity ID"));

    let shown = house.look(&other, &waits).await;
    let approved = shown["authorizations"].as_array().unwrap();
    assert_eq!(approved.len(), 1, "{shown}");
    assert_eq!(house.unwrap(&waits).await, Err(NEEDS_MORE.to_owned()));
}

#[tokio::test]
async fn who_asks_may_approve_where_the_policy_says_so() {
    for (place, policy) in [
        (
            "the group",
            TWO_MANAGERS.replace("ttl =", "self_auth_allowed = true\nttl ="),
        ),
        (
            "the factor",
            TWO_MANAGERS.replace("approvals = 2", "approvals = 2 self_authorization = true"),
        ),
    ] {
        let house = House::controlled(&policy).await;
        let [boss, other] = house.people("managers").await;
        let waits = house.change(&boss, "new").await;
        assert_eq!(house.approve(&boss, &waits).await, Ok(false), "{place}");
        assert_eq!(house.approve(&other, &waits).await, Ok(true), "{place}");
    }
}

#[tokio::test]
async fn factors_of_all_rules_add_up_and_one_person_counts_for_several() {
    let house = House::controlled(TWO_MANAGERS).await;
    let more = r#"path "cubbyhole/*" {
        control_group {
          ttl = 60
          factor "any" { identity { group_names = ["security", "managers"] approvals = 3 } }
        }
    }"#;
    house.rule(&format!("{TWO_MANAGERS}{more}")).await;
    let bob = house.person("bob").await;
    let [one, two] = house.people("managers").await;
    let [guard] = house.people("security").await;
    let waits = house.change(&bob, "new").await;
    assert_eq!(waits.ttl, 60);
    assert_eq!(house.approve(&one, &waits).await, Ok(false));
    assert_eq!(house.approve(&two, &waits).await, Ok(false));
    assert_eq!(house.approve(&guard, &waits).await, Ok(true));
    // The second is for all that the rule grants.
    let read = house.call(Operation::Read, &bob.token, "cubbyhole/a", Value::Null);
    assert!(read.await.unwrap().wrap_info.is_some());
}

#[tokio::test]
async fn a_request_and_an_approval_count_only_for_a_time() {
    let policy = TWO_MANAGERS.replace("approvals = 2", "approvals = 2 ttl = \"1m\"");
    let house = House::controlled(&policy).await;
    let bob = house.person("bob").await;
    let [one, two] = house.people("managers").await;
    let waits = house.change(&bob, "new").await;
    assert_eq!(house.approve(&one, &waits).await, Ok(false));
    house.advance(59 * SECOND).await;
    assert_eq!(house.approve(&two, &waits).await, Ok(true));
    house.advance(SECOND).await;
    assert_eq!(house.look(&one, &waits).await["approved"], false);
    assert_eq!(house.unwrap(&waits).await, Err(NEEDS_MORE.to_owned()));
    house.advance(540 * SECOND).await;
    assert_eq!(house.unwrap(&waits).await, Err(NO_SUCH.to_owned()));
    let late = house.approve(&one, &waits).await;
    assert_eq!(late, one_fault("invalid accessor"));
}

#[tokio::test]
async fn what_was_approved_must_be_what_is_demanded_and_allowed_when_it_is_done() {
    let house = House::controlled(TWO_MANAGERS).await;
    let [one, two] = house.people("managers").await;
    let denied = "permission denied".to_owned();
    let stricter = TWO_MANAGERS.replace("approvals = 2", "approvals = 3");
    let looser = TWO_MANAGERS.replace("\"create\", \"update\"]\n      id", "\"patch\"]\n      id");
    assert_ne!(looser, TWO_MANAGERS);
    let nothing = "path \"cubbyhole/*\" { capabilities = [\"deny\"] }".to_owned();
    for (number, (policy, outcome)) in [
        (TWO_MANAGERS.to_owned(), Ok(Value::Null)),
        (stricter, Err(NEEDS_MORE.to_owned())),
        (looser, Ok(Value::Null)),
        (nothing, Err(denied.clone())),
    ]
    .into_iter()
    .enumerate()
    {
        house.rule(TWO_MANAGERS).await;
        let person = house.person(&format!("person {number}")).await;
        let waits = house.change(&person, "new").await;
        house.approve(&one, &waits).await.unwrap();
        assert_eq!(house.approve(&two, &waits).await, Ok(true));
        house.rule(&policy).await;
        assert_eq!(house.unwrap(&waits).await, outcome, "{policy}");
        assert_eq!(house.unwrap(&waits).await, Err(NO_SUCH.to_owned()));
    }

    house.rule(TWO_MANAGERS).await;
    let gone = house.person("gone").await;
    let waits = house.change(&gone, "new").await;
    house.approve(&one, &waits).await.unwrap();
    house.approve(&two, &waits).await.unwrap();
    let revoke = json!({"token": gone.token});
    house.write("auth/token/revoke", revoke).await;
    assert_eq!(house.unwrap(&waits).await, Err(denied));
}

#[tokio::test]
async fn approvals_at_the_same_moment_all_count_and_one_of_many_does_the_request() {
    let policy = TWO_MANAGERS.replace("approvals = 2", "approvals = 8");
    let house = House::controlled(&policy).await;
    let bob = house.person("bob").await;
    let managers: [Holder; 8] = house.people("managers").await;
    let waits = house.change(&bob, "new").await;
    let said = managers.iter().map(|person| house.approve(person, &waits));
    let said = join_all(said).await;
    assert!(said.iter().all(Result::is_ok), "{said:?}");
    assert_eq!(house.look(&bob, &waits).await["approved"], true);

    let done = join_all((0..8).map(|_| house.unwrap(&waits))).await;
    let done = done.into_iter().filter(Result::is_ok);
    assert_eq!(done.count(), 1);
}

#[tokio::test]
async fn a_use_of_a_token_is_counted_when_it_asks_and_not_again() {
    let house = House::controlled(TWO_MANAGERS).await;
    house.person("bob").await;
    let [one, two] = house.people("managers").await;
    let body = json!({"name": "bob", "uses": 2});
    let bob = house.log_in("door", body).await.unwrap();
    let waits = house.change(&bob, "new").await;
    house.approve(&one, &waits).await.unwrap();
    house.approve(&two, &waits).await.unwrap();
    assert_eq!(house.unwrap(&waits).await, Ok(Value::Null));
    assert_eq!(house.value(&bob).await.as_deref(), Some("new"));
    assert!(!house.is_alive(&bob.token).await);
}

#[tokio::test]
async fn what_waits_is_opened_in_no_other_way() {
    let house = House::controlled(TWO_MANAGERS).await;
    let bob = house.person("bob").await;
    let waits = house.change(&bob, "new").await;
    let moved = house.refusal("sys/wrapping/rewrap", json!({"token": waits.token}));
    assert_eq!(moved.await, NO_SUCH);
    for entry in ["response", "control-group"] {
        let waits = house.change(&bob, "new").await;
        let path = format!("cubbyhole/{entry}");
        let read = house.read_as(&waits.token, &path).await;
        assert!(
            matches!(
                read,
                Err(Error::NotFound(_) | Error::Denied(Denial::Policy))
            ),
            "{entry}: {read:?}"
        );
    }
    let found = house.refusal("sys/wrapping/lookup", json!({"token": "hvs.none"}));
    assert_eq!(found.await, NO_SUCH);
    let lookup = json!({"token": waits.token});
    let info = house
        .update(&bob.token, "sys/wrapping/lookup", lookup)
        .await;
    assert_eq!(data(info.unwrap())["creation_path"], "cubbyhole/a");
    assert_eq!(house.unwrap(&waits).await, Err(NEEDS_MORE.to_owned()));
}

#[tokio::test]
async fn accessors_of_nothing_that_waits_are_refused() {
    let house = House::controlled(TWO_MANAGERS).await;
    let bob = house.person("bob").await;
    let info = house.read_as(&bob.token, "auth/token/lookup-self").await;
    let info = info.unwrap();
    for (body, text) in [
        (json!({}), "missing accessor"),
        (json!({"accessor": ""}), "missing accessor"),
        (json!({"accessor": "nope"}), "invalid accessor"),
        (
            json!({"accessor": info["accessor"]}),
            "invalid wrapping token",
        ),
    ] {
        for path in ["authorize", "request"] {
            let path = format!("sys/control-group/{path}");
            let refused = house.refusal(&path, body.clone()).await;
            assert_eq!(Err(refused), one_fault(text), "{path} {body}");
        }
    }
}
