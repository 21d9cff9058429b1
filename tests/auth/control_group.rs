//! Requests that others have to approve, from the people at their command lines to the audit log.

use serde_json::{Value, json};

use super::House;
use crate::support::Client;

const POLICY: &str = r#"
path "secret/data/payroll" {
  capabilities = ["create", "read", "update"]
  control_group {
    ttl = "1h"
    factor "managers" {
      controlled_capabilities = ["read"]
      identity { group_names = ["managers"] approvals = 1 }
    }
  }
}
path "sys/control-group/*" { capabilities = ["update"] }
"#;

/// A house with a secret, where bob has to ask a manager, who is ann, to read it.
struct Payroll {
    house: House,
    bob: Client,
    ann: Client,
}

impl Payroll {
    async fn new() -> Self {
        let house = House::with("userpass").await;
        let kv = json!({ "type": "kv", "options": { "version": "2" } });
        house.write("sys/mounts/secret", kv).await;
        let policy = json!({ "policy": POLICY });
        house.write("sys/policies/acl/payroll", policy).await;
        let login = json!({ "password": "pass" });
        for name in ["ann", "bob"] {
            let user = json!({ "password": "pass", "token_policies": "payroll" });
            house
                .write(&format!("auth/userpass/users/{name}"), user)
                .await;
        }
        let bob = house.holder("userpass/login/bob", login.clone()).await;
        let ann = house.log_in("userpass/login/ann", login).await.expect(200);
        let members = [ann.at("/auth/entity_id")];
        let group = json!({ "name": "managers", "member_entity_ids": members });
        house.root.post("identity/group", group).await.expect(200);
        let ann = house.root.with_token(ann.text_at("/auth/client_token"));
        let secret = json!({ "data": { "salary": "twelve" } });
        bob.post("secret/data/payroll", secret).await.expect(200);
        Self { house, bob, ann }
    }

    /// Runs a command line as somebody, and returns what it printed.
    fn run(&self, who: &Client, arguments: &[&str]) -> Value {
        self.house.installation.ask(who.own_token(), arguments)
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer}: {value}"))
}

#[tokio::test]
async fn somebody_asks_another_approves_and_the_command_line_opens_it() {
    let payroll = Payroll::new().await;
    let path = ["read", "-format=json", "secret/data/payroll"];
    let asked = payroll.run(&payroll.bob, &path);
    let token = text(&asked, "/wrap_info/token");
    let accessor = text(&asked, "/wrap_info/accessor");
    assert_eq!(asked["data"], Value::Null);
    let early = payroll
        .bob
        .post("sys/wrapping/unwrap", json!({ "token": token }));
    early.await.refused(400, "request needs further approval");

    let accessor = format!("accessor={accessor}");
    let look = [
        "write",
        "-format=json",
        "sys/control-group/request",
        &accessor,
    ];
    let shown = payroll.run(&payroll.ann, &look);
    assert_eq!(shown["data"]["request_path"], "secret/data/payroll");
    assert_eq!(shown["data"]["request_operation"], "read");
    let approve = [
        "write",
        "-format=json",
        "sys/control-group/authorize",
        &accessor,
    ];
    let approved = payroll.run(&payroll.ann, &approve);
    assert_eq!(approved["data"]["approved"], true);

    let opened = payroll.run(&payroll.bob, &["unwrap", "-format=json", token]);
    assert_eq!(opened["data"]["data"], json!({ "salary": "twelve" }));
    let again = payroll
        .bob
        .post("sys/wrapping/unwrap", json!({ "token": token }));
    again.await.refused(400, "wrapping token is not valid");
}

#[tokio::test]
async fn a_request_and_its_approval_outlive_a_crash_and_each_leaves_its_lines() {
    let Payroll { house, bob, ann } = Payroll::new().await;
    let asked = bob.get("secret/data/payroll").await.expect(200);
    let token = asked.text_at("/wrap_info/token").to_owned();
    let [_, answer] = house.last_lines();
    assert_eq!(text(&answer, "/request/path"), "secret/data/payroll");
    let hash = house.hash(&token).await;
    assert_eq!(text(&answer, "/response/wrap_info/token"), hash);

    let approve = json!({ "accessor": asked.at("/wrap_info/accessor") });
    let approved = ann.post("sys/control-group/authorize", approve).await;
    assert_eq!(approved.expect(200).at("/data/approved"), true);
    let house = house.crash().await;

    let before = house.entries().len();
    let unwrapped = bob.post("sys/wrapping/unwrap", json!({ "token": token }));
    let unwrapped = unwrapped.await.expect(200);
    assert_eq!(unwrapped.text_at("/data/data/salary"), "twelve");
    let lines = house.entries().split_off(before);
    let told: Vec<_> = lines
        .iter()
        .map(|line| (text(line, "/type"), text(line, "/request/path")))
        .collect();
    assert_eq!(
        told,
        [
            ("request", "sys/wrapping/unwrap"),
            ("request", "secret/data/payroll"),
            ("response", "secret/data/payroll"),
            ("response", "sys/wrapping/unwrap"),
        ]
    );
    // The request goes in the name of who asked, under an id of its own.
    assert_eq!(lines[0]["auth"]["entity_id"], lines[1]["auth"]["entity_id"]);
    assert_ne!(lines[0]["request"]["id"], lines[1]["request"]["id"]);
    assert_eq!(text(&lines[1], "/auth/display_name"), "userpass-bob");
}
