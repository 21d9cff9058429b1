//! Tidying: what leads to no lease goes, what a lease lacks comes back, and no lease is lost.

use tokio::task::JoinSet;

use super::*;
use crate::{barrier::Change, view::View};

impl House {
    /// Tidies to the end.
    async fn tidy(&self) {
        self.root("sys/leases/tidy", json!({})).await.unwrap();
        self.tidy_to_the_end().await;
    }

    async fn tidy_to_the_end(&self) {
        let unsealed = self.core.unsealed().unwrap();
        let mut ticks = 0;
        while unsealed.leases.tidying.is_under_way() {
            self.core.tick().await.unwrap();
            ticks += 1;
            assert!(ticks < 1000);
        }
    }

    /// Where the leases of secrets are stored.
    fn view(&self) -> View {
        self.core.unsealed().unwrap().system.below("lease/")
    }

    async fn keys(&self) -> Vec<String> {
        self.view().keys().await.unwrap()
    }

    /// Removes the one entry of an index that stands for a lease.
    async fn tear(&self, index: &str, id: &str) {
        let random = id.rsplit_once('/').unwrap().1;
        let keys = self.keys().await;
        let mut of_lease = keys
            .iter()
            .filter(|key| key.starts_with(index) && key.ends_with(random));
        let key = of_lease.next().unwrap();
        assert!(of_lease.next().is_none());
        self.view().delete(key).await.unwrap();
    }

    fn mint_uuid(&self) -> String {
        let unsealed = self.core.unsealed().unwrap();
        let (mount, _) = unsealed.mounts.find("mint/").unwrap();
        mount.entry.uuid.clone()
    }
}

fn name(id: &str) -> SecretBytes {
    SecretBytes::from(id.as_bytes())
}

#[tokio::test]
async fn entries_that_lead_to_no_lease_go_and_all_others_stay() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let given = house.badge(&token, json!({"ttl": 600})).await;
    let endless = house.badge(&house.root, json!({"ttl": 600})).await;
    let good = house.keys().await;
    let mint = house.mint_uuid();
    let random = given.id.rsplit_once('/').unwrap().1;
    let gone = "mint/badge/front/abcdefghijklmnopqrstuvwx";
    let stranger = "00".repeat(32);
    for (key, id) in [
        // Of a lease that is gone; of another moment, mount and token than their lease.
        (
            format!("due/{mint}/7fffffffffffffff.abcdefghijklmnopqrstuvwx"),
            gone,
        ),
        (format!("due/{mint}/7fffffffffffffff.{random}"), &given.id),
        (
            format!("due/elsewhere/7fffffffffffffff.{random}"),
            &given.id,
        ),
        (format!("token/{stranger}/abcdefghijklmnopqrstuvwx"), gone),
        (format!("token/{stranger}/{random}"), &given.id),
    ] {
        house.view().put(&key, name(id)).await.unwrap();
    }
    house.tidy().await;
    assert_eq!(house.keys().await, good);
    assert!(house.world.opens(&given.badge) && house.world.opens(&endless.badge));
    assert_eq!(house.lookup(&given.id).await["ttl"], 600);
}

#[tokio::test]
async fn a_lease_that_lacks_entries_gets_them_back_and_ends_as_it_should() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let timed = house.badge(&token, json!({"ttl": 600})).await;
    let bound = house.badge(&token, json!({"ttl": 7000})).await;
    let good = house.keys().await;
    house.tear("due/", &timed.id).await;
    house.tear("token/", &bound.id).await;
    house.tear("due/", &bound.id).await;
    // One that leads elsewhere is as good as none.
    let key = good.iter().find(|key| key.starts_with("token/")).unwrap();
    house.view().put(key, name("?")).await.unwrap();
    house.tidy().await;
    assert_eq!(house.keys().await, good);

    house.after(600 * SECOND).await;
    assert!(!house.world.opens(&timed.badge) && house.world.opens(&bound.badge));
    house
        .root("auth/token/revoke", json!({"token": token}))
        .await
        .unwrap();
    house.tend().await;
    assert!(!house.world.opens(&bound.badge));
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_lease_whose_token_is_gone_ends() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let lost = house.badge(&token, json!({"ttl": 600})).await;
    let kept = house.badge(&house.root, json!({"ttl": 600})).await;
    // A fault took the token away, and nothing knows of it.
    let tokens = house.core.unsealed().unwrap().system.below("token/");
    let keys = house.keys().await;
    let random = lost.id.rsplit_once('/').unwrap().1;
    let entry = keys
        .iter()
        .find(|key| key.starts_with("token/") && key.ends_with(random));
    let digest = entry.unwrap().split('/').nth(1).unwrap();
    tokens.delete(&format!("id/{digest}")).await.unwrap();

    house.tend().await;
    assert!(house.world.opens(&lost.badge));
    house.tidy().await;
    house.tend().await;
    assert!(!house.world.opens(&lost.badge) && house.world.opens(&kept.badge));
    assert_eq!(house.lookup(&kept.id).await["ttl"], 600);
}

#[tokio::test]
async fn a_secret_that_is_being_made_is_not_tidied_away() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let asking = house.update(
        &token,
        "mint/badge/front",
        json!({"ttl": 600, "ends": "waits"}),
    );
    let tidying = async {
        assert_eq!(house.world.good(), 1, "it is being made");
        house.tidy().await;
        house.tend().await;
        house.world.gate.notify_one();
    };
    let (done, ()) = tokio::join!(asking, tidying);
    let done = done.unwrap();
    let badge = data(&done)["badge"].as_str().unwrap().to_owned();
    house.tend().await;
    assert!(house.world.opens(&badge));
    assert_eq!(house.lookup(&done.lease_id).await["ttl"], 600);
}

#[tokio::test]
async fn a_walk_over_many_pages_keeps_what_lives() {
    let house = House::new().await;
    for ttl in 0..600 {
        house.badge(&house.root, json!({"ttl": 600 + ttl})).await;
    }
    for _ in 0..300 {
        let token = house.token(&house.root, json!({"ttl": "3h"})).await;
        house.badge(&token, json!({"ttl": 600})).await;
    }
    let good = house.keys().await;
    house.tidy().await;
    assert_eq!(house.keys().await, good);
    assert_eq!(house.world.good(), 900);
}

#[tokio::test]
async fn what_cannot_be_tidied_is_left_and_holds_nothing_up() {
    let house = House::new().await;
    let given = house.badge(&house.root, json!({"ttl": 600})).await;
    let good = house.keys().await;
    house.tear("due/", &given.id).await;
    let key = format!(
        "due/{}/7fffffffffffffff.abcdefghijklmnopqrstuvwx",
        house.mint_uuid()
    );
    let gone = "mint/badge/front/abcdefghijklmnopqrstuvwx";
    house.view().put(&key, name(gone)).await.unwrap();
    let torn = house.keys().await;
    house.medium.refuse("sys/lease/");
    house.tidy().await;
    assert_eq!(house.keys().await, torn);
    house.medium.mend();
    house.tidy().await;
    assert_eq!(house.keys().await, good);

    // What is no record, and one whose mount is gone, are for an operator to judge.
    let alien = "id/mint/badge/front/abcdefghijklmnopqrstuvwy";
    house.view().put(alien, name("?")).await.unwrap();
    let (view, id) = (house.view(), format!("id/{}", given.id));
    let (mut record, _) = view.get_as::<Value>(&id).await.unwrap().unwrap();
    record["mount"] = json!("elsewhere");
    let homeless = format!("id/elsewhere/{}", given.id.rsplit_once('/').unwrap().1);
    let change = Change::put_as(homeless.clone(), &record).unwrap();
    house.view().commit(vec![change]).await.unwrap();
    house.tidy().await;
    let keys = house.keys().await;
    assert!(keys.contains(&homeless) && keys.contains(&alien.to_owned()));
    assert!(house.world.opens(&given.badge));
}

#[tokio::test]
async fn a_walk_that_is_under_way_is_not_begun_again() {
    let house = House::new().await;
    let started = house.root("sys/leases/tidy", json!({})).await.unwrap();
    let again = house.root("sys/leases/tidy", json!({})).await.unwrap();
    assert!(started.warnings[0].contains("successfully started"));
    assert_eq!(again.warnings, ["Tidy operation already in progress."]);
    house.tidy_to_the_end().await;
}

/// Makes leases, renews them and ends some in every way; says which of its secrets stay.
async fn live(house: Arc<House>, worker: u64) -> Vec<Given> {
    let mut kept = Vec::new();
    let mut token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let mut of_token = Vec::new();
    for step in 0..60 {
        let given = house.badge(&token, json!({"ttl": 600 + step})).await;
        match (step + worker) % 5 {
            0 => drop(house.revoke(&given.id).await),
            1 => {
                house.renew(&given.id, 900).await.unwrap();
                of_token.push(given);
            }
            _ => of_token.push(given),
        }
        if step % 20 == 19 {
            if step == 39 {
                let body = json!({"token": token});
                house.root("auth/token/revoke", body).await.unwrap();
                of_token.clear();
            }
            kept.append(&mut of_token);
            token = house.token(&house.root, json!({"ttl": "3h"})).await;
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tidying_beside_leases_that_come_and_go_loses_none() {
    const WORKERS: u64 = 6;
    let house = Arc::new(House::new().await);
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        workers.spawn(live(Arc::clone(&house), worker));
    }
    let mut kept = Vec::new();
    while !workers.is_empty() {
        house.tidy().await;
        while let Some(done) = workers.try_join_next() {
            kept.extend(done.unwrap());
        }
    }
    house.tend().await;
    assert_eq!(house.world.good(), kept.len());
    for given in &kept {
        assert!(house.world.opens(&given.badge));
        assert_ne!(house.lookup(&given.id).await["ttl"], 0);
    }
    // Each has its record and two entries, and nothing else is there.
    let keys = house.keys().await;
    assert_eq!(keys.len(), 3 * kept.len());
    house.tidy().await;
    assert_eq!(house.keys().await, keys);
    house.after(2 * HOUR).await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}
