//! How long leases and tokens last where the configuration says so, against what mounts are tuned to.

use super::*;
use crate::TtlLimits;

const HOUR: u64 = 3600;

/// A house whose configuration says two hours, and ten at most.
async fn house() -> House {
    let told = TtlLimits {
        default: Duration::from_secs(2 * HOUR),
        max: Duration::from_secs(10 * HOUR),
    };
    House::told(|core| core.with_lease_ttls(told)).await
}

impl House {
    async fn data(&self, path: &str) -> Value {
        let done = self.call(Operation::Read, path, Value::Null).await.unwrap();
        serde_json::from_slice(done.data.unwrap().expose()).unwrap()
    }

    /// What is effective at a mount, in hours.
    async fn effective(&self, path: &str) -> (u64, u64) {
        let tuned = self.data(&format!("{path}/tune")).await;
        let hours = |name: &str| tuned[name].as_u64().unwrap() / HOUR;
        (hours("default_lease_ttl"), hours("max_lease_ttl"))
    }

    async fn refused(&self, path: &str, body: Value) -> String {
        let refused = self.call(Operation::Update, path, body).await.unwrap_err();
        refused.to_string()
    }

    /// How long a token lasts that is made, in hours, and what is said about it.
    async fn lasts(&self, body: Value) -> (u64, Vec<String>) {
        let made = self.write("auth/token/create", body).await;
        (made.auth.unwrap().lease_duration / HOUR, made.warnings)
    }
}

#[tokio::test]
async fn a_mount_that_is_not_tuned_has_the_times_of_the_system() {
    let house = house().await;
    house.write("sys/mounts/m", json!({ "type": "memo" })).await;
    for mount in ["mounts/m", "mounts/sys", "mounts/cubbyhole", "auth/token"] {
        let effective = house.effective(&format!("sys/{mount}")).await;
        assert_eq!(effective, (2, 10), "{mount}");
    }
    let listed = house.data("sys/mounts").await;
    assert_eq!(listed["m/"]["config"]["default_lease_ttl"], 0);
    assert_eq!(listed["m/"]["config"]["max_lease_ttl"], 0);
}

#[tokio::test]
async fn what_a_mount_is_tuned_to_comes_before_the_system_also_where_it_is_longer() {
    let house = house().await;
    for (path, default, max, effective) in [
        ("long", "0", "20h", (2, 20)),
        ("both", "5h", "20h", (5, 20)),
        ("short", "0", "1h", (2, 1)),
    ] {
        let config = json!({ "default_lease_ttl": default, "max_lease_ttl": max });
        let mount = json!({ "type": "memo", "config": config });
        house.write(&format!("sys/mounts/{path}"), mount).await;
        assert_eq!(
            house.effective(&format!("sys/mounts/{path}")).await,
            effective,
            "{path}"
        );
    }
    let back = json!({ "default_lease_ttl": "system", "max_lease_ttl": "system" });
    house.write("sys/mounts/both/tune", back).await;
    assert_eq!(house.effective("sys/mounts/both").await, (2, 10));
}

#[tokio::test]
async fn a_default_that_no_maximum_allows_is_refused() {
    let house = house().await;
    let config = json!({ "default_lease_ttl": "20h" });
    let mount = json!({ "type": "memo", "config": config });
    let refused = house.refused("sys/mounts/m", mount).await;
    assert_eq!(
        refused,
        "given default lease TTL greater than system max lease TTL of 36000"
    );
    house.write("sys/mounts/m", json!({ "type": "memo" })).await;
    let both = json!({ "default_lease_ttl": "2h", "max_lease_ttl": "1h" });
    let refused = house.refused("sys/mounts/m/tune", both).await;
    assert_eq!(
        refused,
        "backend max lease TTL of 3600 would be less than backend default lease TTL of 7200"
    );
}

#[tokio::test]
async fn tokens_last_as_long_as_the_system_says_and_no_longer() {
    let house = house().await;
    assert_eq!(
        house.lasts(json!({ "policies": "default" })).await,
        (2, vec![])
    );
    let (hours, warnings) = house.lasts(json!({ "ttl": "20h" })).await;
    assert_eq!(hours, 10);
    assert!(warnings[0].contains("max_ttl of \"10h\""), "{warnings:?}");
    // Its mount may let them last longer.
    house
        .write("sys/auth/token/tune", json!({ "max_lease_ttl": "20h" }))
        .await;
    assert_eq!(house.lasts(json!({ "ttl": "20h" })).await, (20, vec![]));
}
