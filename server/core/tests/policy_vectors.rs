//! Frozen questions and the answers of a real server, and real-life policies in both forms.

#![expect(
    clippy::unwrap_used,
    reason = "a vector file that cannot be read is a failed test"
)]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use keyward_core::{
    Timestamp,
    policy::{Acl, Capability, Policy, Question},
};
use serde::{Deserialize, de::DeserializeOwned};

fn vectors() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

fn read_json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(vectors().join(name)).unwrap()).unwrap()
}

/// A file of [`Set`]s; it says itself where its answers come from.
#[derive(Deserialize)]
struct Frozen<A> {
    sets: Vec<Set<A>>,
}

/// The texts of all policies of a token, and what a server answered to it.
#[derive(Deserialize)]
struct Set<A> {
    policies: Vec<String>,
    answers: A,
}

impl<A> Set<A> {
    fn acl(&self) -> Acl {
        let policy = |text: &String| Arc::new(Policy::parse("p", text).unwrap());
        Acl::new(
            &self.policies.iter().map(policy).collect::<Vec<_>>(),
            Timestamp::default(),
        )
    }
}

#[test]
fn capabilities_are_those_that_another_server_lists() {
    let frozen: Frozen<BTreeMap<String, Vec<String>>> = read_json("peer_capabilities.json");
    let mut asked = 0;
    for set in &frozen.sets {
        let acl = set.acl();
        for (path, expected) in &set.answers {
            let capabilities = acl.capabilities(path);
            let names: Vec<_> = capabilities.iter().map(ToString::to_string).collect();
            assert_eq!(names, *expected, "{path} under {:#?}", set.policies);
            asked += 1;
        }
    }
    assert!(asked >= 200, "only {asked} questions");
}

/// One request and whether it was let through.
#[derive(Debug, Deserialize)]
struct Answer {
    capability: String,
    path: String,
    parameters: serde_json::Map<String, serde_json::Value>,
    wrap_ttl: Option<u64>,
    allowed: bool,
}

#[test]
fn requests_pass_where_another_server_lets_them_pass() {
    let frozen: Frozen<Vec<Answer>> = read_json("peer_requests.json");
    let mut asked = 0;
    for set in &frozen.sets {
        let acl = set.acl();
        for answer in &set.answers {
            let verdict = acl.check(&Question {
                capability: Capability::granted_by_name(&answer.capability).unwrap(),
                path: &answer.path,
                parameters: Some(&answer.parameters),
                wrap_ttl: answer.wrap_ttl.map(Duration::from_secs),
            });
            assert_eq!(
                verdict.allowed, answer.allowed,
                "{answer:?} under {:#?}",
                set.policies
            );
            asked += 1;
        }
    }
    assert!(asked >= 200, "only {asked} questions");
}

#[test]
fn a_policy_means_the_same_in_hcl_and_in_json() {
    let mut compared = 0;
    for file in fs::read_dir(vectors().join("policies")).unwrap() {
        let hcl = file.unwrap().path();
        if hcl.extension().is_some_and(|extension| extension == "hcl") {
            let parse = |path: &Path| Policy::parse("p", &fs::read_to_string(path).unwrap());
            let policy = parse(&hcl).unwrap();
            assert_eq!(
                policy,
                parse(&hcl.with_extension("json")).unwrap(),
                "{}",
                hcl.display()
            );
            assert_ne!(policy, Policy::parse("p", "").unwrap(), "{}", hcl.display());
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} policies");
}
