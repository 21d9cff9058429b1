//! Which limit counts, for whom, and for how long it is remembered.

use keyward_crypto::{Derivation, Keyring, key_type};

use super::*;
use crate::{
    ManualClock, OptionalEndpoints, TtlLimits, barrier::Barrier, identity::Identities,
    lease::Leases, metrics::Metrics, mounts::builtin, storage::Memory, token::TokenStore,
};

struct Bench {
    quotas: Quotas,
    mounts: Mounts,
    view: View,
    now: Timestamp,
}

impl Bench {
    async fn new() -> Self {
        let now = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
        let aes = key_type("aes256-gcm96").unwrap();
        let keyring = Keyring::generate(aes, Derivation::None, now.into()).unwrap();
        let barrier = Arc::new(Barrier::new(Arc::new(Memory::new()), keyring));
        let view = View::new(Arc::clone(&barrier), "sys/");
        let leases = Leases::open(view.below("lease/"));
        let tokens = Arc::new(
            TokenStore::open(view.below("token/"), leases)
                .await
                .unwrap(),
        );
        let metrics = Arc::new(Metrics::new(Arc::new(ManualClock::new(now))));
        let identities = Identities::open(view.below("identity/"), &[])
            .await
            .unwrap();
        let mounts = Mounts::open(
            barrier,
            view.clone(),
            &[],
            builtin(&tokens, &Arc::new(identities), OptionalEndpoints::default()),
            &metrics,
            TtlLimits::USUAL,
        )
        .await
        .unwrap();
        Self {
            quotas: Quotas::open(view.below("quota/")).await.unwrap(),
            mounts,
            view,
            now,
        }
    }

    async fn limit(&self, name: &str, path: &str, rate: f64) {
        let limit = RateLimit {
            name: name.to_owned(),
            path: path.to_owned(),
            rate,
            interval: 10,
            ..RateLimit::default()
        };
        self.quotas.put(limit, &self.view).await.unwrap();
    }

    /// Sends one request, and returns the name of the limit that refuses it.
    fn send(&self, path: &str, address: &str) -> Option<String> {
        let remote = Remote {
            address: address.to_owned(),
            port: 1,
        };
        let (_, limit) = self.quotas.take(path, &remote, &self.mounts, || self.now);
        limit.map(|limit| limit.stored.name.clone())
    }
}

#[tokio::test]
async fn the_most_special_limit_counts_and_only_that() {
    let bench = Bench::new().await;
    bench.limit("all", "", 1.0).await;
    bench.limit("mount", "sys/", 2.0).await;
    bench.limit("prefix", "sys/policies/*", 3.0).await;
    bench.limit("longer", "sys/policies/acl/a*", 4.0).await;
    bench.limit("path", "sys/policies/acl/ab", 5.0).await;
    for (path, name, rate) in [
        ("sys/policies/acl/ab", "path", 5),
        ("sys/policies/acl/abc", "longer", 4),
        ("sys/policies/acl/b", "prefix", 3),
        ("sys/mounts", "mount", 2),
        ("cubbyhole/x", "all", 1),
    ] {
        for _ in 0..rate {
            assert_eq!(bench.send(path, "192.0.2.1"), None, "{path}");
        }
        assert_eq!(bench.send(path, "192.0.2.1").as_deref(), Some(name));
    }
    // A list is one of the path without its slash.
    assert_eq!(
        bench.send("sys/mounts/", "192.0.2.1").as_deref(),
        Some("mount")
    );
}

#[tokio::test]
async fn a_limit_of_a_mount_counts_for_its_path_without_the_slash() {
    let bench = Bench::new().await;
    bench.limit("mount", "identity/", 1.0).await;
    assert_eq!(bench.send("identity", "192.0.2.1"), None);
    assert_eq!(
        bench.send("identity", "192.0.2.1").as_deref(),
        Some("mount")
    );
}

#[tokio::test]
async fn of_limits_for_one_name_in_two_cases_the_strictest_counts() {
    // Whatever they are called.
    for (strict, lax) in [("a", "z"), ("z", "a")] {
        let bench = Bench::new().await;
        bench.limit(strict, "identity/entity/name/bob", 2.0).await;
        bench.limit(lax, "identity/entity/name/Bob", 1000.0).await;
        for path in ["identity/entity/name/bob", "identity/entity/name/BOB"] {
            let remote = format!("192.0.2.{}", path.len() + usize::from(path.ends_with('B')));
            assert_eq!(bench.send(path, &remote), None);
            assert_eq!(bench.send(path, &remote), None);
            assert_eq!(bench.send(path, &remote).as_deref(), Some(strict));
        }
        let bench = Bench::new().await;
        bench.limit(lax, "identity/entity/name/BO*", 1000.0).await;
        bench.limit(strict, "identity/entity/name/bo*", 1.0).await;
        let path = "identity/entity/name/bob";
        assert_eq!(bench.send(path, "192.0.2.1"), None);
        assert_eq!(bench.send(path, "192.0.2.1").as_deref(), Some(strict));
    }
}

#[tokio::test]
async fn each_address_has_its_own_and_a_network_of_ipv6_has_one() {
    let bench = Bench::new().await;
    bench.limit("all", "", 1.0).await;
    for (address, refused) in [
        ("192.0.2.1", false),
        ("192.0.2.1", true),
        ("192.0.2.2", false),
        ("2001:db8::1", false),
        ("2001:db8::2", true),
        ("2001:db8:0:1::1", false),
        ("", false),
        ("", true),
    ] {
        assert_eq!(
            bench.send("sys/mounts", address).is_some(),
            refused,
            "{address}"
        );
    }
}

#[tokio::test]
async fn what_is_exempt_is_never_refused() {
    let bench = Bench::new().await;
    bench.limit("all", "", 1.0).await;
    for _ in 0..3 {
        assert_eq!(bench.send("sys/health", "192.0.2.1"), None);
    }
    let change = |config: &mut QuotaConfig| {
        config.rate_limit_exempt_paths = vec!["/cubbyhole/*".to_owned()];
        config.absolute_rate_limit_exempt_paths = vec!["sys/mounts".to_owned()];
    };
    bench.quotas.configure(change, &bench.view).await.unwrap();
    for _ in 0..3 {
        assert_eq!(bench.send("cubbyhole/a/b", "192.0.2.1"), None);
        assert_eq!(bench.send("sys/mounts", "192.0.2.1"), None);
    }
    assert_eq!(bench.send("sys/health", "192.0.2.1"), None);
    assert!(bench.send("sys/health", "192.0.2.1").is_some());
}

#[tokio::test]
async fn limits_go_with_their_mount_and_outlive_a_restart() {
    let bench = Bench::new().await;
    bench.limit("a", "one/", 1.0).await;
    bench.limit("b", "one/keys/*", 1.0).await;
    bench.limit("c", "oneself/", 1.0).await;
    bench
        .quotas
        .moved("one/", "two/", &bench.view)
        .await
        .unwrap();
    let again = Quotas::open(bench.view.below("quota/")).await.unwrap();
    let paths = |quotas: &Quotas| {
        let names = quotas.names().into_iter();
        names
            .map(|name| quotas.limit(&name).unwrap().path)
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&again), ["two/", "two/keys/*", "oneself/"]);
    again.unmounted("two/", &bench.view).await.unwrap();
    let again = Quotas::open(bench.view.below("quota/")).await.unwrap();
    assert_eq!(paths(&again), ["oneself/"]);
    again.remove("c", &bench.view).await.unwrap();
    again.remove("c", &bench.view).await.unwrap();
    assert!(
        Quotas::open(bench.view.below("quota/"))
            .await
            .unwrap()
            .names()
            .is_empty()
    );
}

#[tokio::test]
async fn strangers_cannot_fill_the_memory() {
    let bench = Bench::new().await;
    bench.limit("all", "", 1.0).await;
    for number in 0..3 * CLIENTS as u32 {
        let address = std::net::Ipv4Addr::from_bits(number).to_string();
        bench.send("sys/mounts", &address);
    }
    assert!(bench.quotas.windows.len() <= CLIENTS);
}
