//! Leases of users of a real database: looked up, renewed and ended.

use serde_json::Value;

use super::Shell;
use crate::database::postgres::{PASSWORD, Postgres};

const CREATION: &str = "creation_statements=CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'";

/// A user that is leased.
struct Leased {
    lease: String,
    username: String,
    password: String,
}

impl Leased {
    fn new(shell: &Shell<'_>) -> Self {
        let made = shell.json("read -format=json cli-db/creds/long");
        assert_eq!(made["lease_duration"], 3600);
        assert_eq!(made["renewable"], true);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            lease: text(&made["lease_id"]),
            username: text(&made["data"]["username"]),
            password: text(&made["data"]["password"]),
        }
    }

    async fn is_let_in(&self, postgres: &Postgres) -> bool {
        let session = postgres.log_in(&self.username, &self.password).await;
        session.is_some()
    }

    fn is_known(&self, shell: &Shell<'_>) -> bool {
        let looked = shell.run(&format!("lease lookup {}", self.lease));
        let said = String::from_utf8_lossy(&looked.stderr);
        assert!(
            looked.status.success() || said.contains("* invalid lease"),
            "{said}"
        );
        looked.status.success()
    }
}

/// Writes the role; statements hold blanks, so that they come as arguments of their own.
fn write_role(shell: &Shell<'_>, statements: &[&str]) {
    let mut command =
        shell.command("write cli-db/roles/long db_name=main default_ttl=1h max_ttl=3h");
    let output = command.args(statements).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

pub(super) async fn of_users(shell: &Shell<'_>) {
    let postgres = Postgres::start();
    shell.says("secrets enable -path=cli-db database", "Success!");
    let url = postgres.url("disable");
    shell.says(
        &format!(
            "write cli-db/config/main plugin_name=postgresql-database-plugin connection_url={url} \
             username=keeper password={PASSWORD} allowed_roles=*"
        ),
        "Success!",
    );
    write_role(shell, &[CREATION]);

    let one = Leased::new(shell);
    let id = &one.lease;
    assert!(one.is_let_in(&postgres).await);
    shell.says(&format!("lease lookup {id}"), id);
    let looked = shell.json(&format!("lease lookup -format=json {id}"));
    assert_eq!(looked["data"]["id"], id.as_str());
    assert_eq!(looked["data"]["renewable"], true);
    assert_eq!(looked["data"]["last_renewal"], Value::Null);
    let ttl = |looked: &Value| looked["data"]["ttl"].as_u64().unwrap();
    assert!((3_500..=3_600).contains(&ttl(&looked)), "{looked}");

    let renewed = shell.json(&format!("lease renew -format=json -increment=2h {id}"));
    assert_eq!(renewed["lease_id"], id.as_str());
    assert_eq!(renewed["lease_duration"], 7_200);
    assert_eq!(renewed["renewable"], true);
    let looked = shell.json(&format!("lease lookup -format=json {id}"));
    assert!((7_100..=7_200).contains(&ttl(&looked)), "{looked}");
    assert_ne!(looked["data"]["last_renewal"], Value::Null);
    // No longer than the role allows.
    let renewed = shell.json(&format!("lease renew -format=json -increment=9h {id}"));
    let granted = renewed["lease_duration"].as_u64().unwrap();
    assert!((10_000..=10_800).contains(&granted), "{renewed}");
    assert!(one.is_let_in(&postgres).await);

    let other = Leased::new(shell);
    shell.is(
        &format!("lease revoke -sync {id}"),
        &format!("Success! Revoked lease: {id}\n"),
    );
    assert!(!one.is_let_in(&postgres).await && !one.is_known(shell));
    shell.fails(&format!("lease renew {id}"), 2, "* lease not found");
    assert!(other.is_let_in(&postgres).await && other.is_known(shell));

    let more = [other, Leased::new(shell), Leased::new(shell)];
    shell.says(
        "lease revoke -sync -prefix cli-db/creds/long",
        "Success! Revoked any leases with prefix: cli-db/creds/long",
    );
    for user in &more {
        assert!(!user.is_let_in(&postgres).await && !user.is_known(shell));
    }

    // What the database refuses to end stays, unless the lease is to be forgotten.
    let stuck = Leased::new(shell);
    write_role(shell, &[CREATION, "revocation_statements=DROP NOTHING"]);
    let refused = shell.run(&format!("lease revoke -sync {}", stuck.lease));
    assert!(!refused.status.success() && stuck.is_known(shell));
    assert!(stuck.is_let_in(&postgres).await);
    shell.says(
        "lease revoke -sync -force -prefix cli-db/creds/long",
        "Success! Force revoked any leases with prefix: cli-db/creds/long",
    );
    assert!(!stuck.is_known(shell) && stuck.is_let_in(&postgres).await);
    shell.says("secrets disable cli-db", "Success!");
}
