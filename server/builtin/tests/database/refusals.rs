//! What is refused, in Vault's words, and what is shown.

use super::*;

impl House {
    async fn refusal(&self, operation: Operation, path: &str, body: Value) -> String {
        let called = self.call(operation, &self.root, path, body).await;
        called.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn mistakes_are_told_in_vaults_words() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    for (path, body, text) in [
        ("config/x", json!({}), "empty plugin name"),
        (
            "config/x",
            json!({"plugin_name": "oracle"}),
            "error creating database object: plugin not found in the catalog: oracle",
        ),
        (
            "config/x",
            json!({"plugin_name": "postgresql-database-plugin"}),
            "error creating database object: connection_url cannot be empty",
        ),
        (
            "config/main",
            json!({"password": "wrong"}),
            "error creating database object: error verifying connection: FATAL: password \
             authentication failed for user \"keeper\" (SQLSTATE 28P01)",
        ),
        ("roles/x", json!({}), "database name is required"),
        (
            "roles/x",
            json!({"db_name": "main", "credential_type": "xx"}),
            "invalid credential_type \"xx\"",
        ),
        (
            "roles/x",
            json!({"db_name": "main", "max_ttl": -1}),
            "error converting input for field \"max_ttl\": cannot provide negative value '-1'",
        ),
        (
            "reset/x",
            json!({}),
            "failed to find entry for connection with name: \"x\"",
        ),
        (
            "rotate-root/x",
            json!({}),
            "failed to find entry for connection with name: \"x\"",
        ),
    ] {
        let path = format!("database/{path}");
        assert_eq!(house.refusal(Operation::Update, &path, body).await, text);
    }
    let roles = [
        ("readless", json!({"db_name": "main"})),
        (
            "other",
            json!({"db_name": "main", "creation_statements": "SELECT 1"}),
        ),
        (
            "read-away",
            json!({"db_name": "away", "creation_statements": "SELECT 1"}),
        ),
        (
            "read-bad",
            json!({"db_name": "main", "creation_statements": "CREATE NONSENSE"}),
        ),
        (
            "read-half",
            json!({"db_name": "main", "creation_statements":
            ["CREATE ROLE half", "SELECT 1 / 0"]}),
        ),
    ];
    for (name, role) in roles {
        house
            .write(&format!("database/roles/{name}"), role)
            .await
            .unwrap();
    }
    for (name, text) in [
        ("none", "unknown role: none"),
        ("readless", "empty creation statements"),
        ("other", "\"other\" is not an allowed role"),
        (
            "read-away",
            "failed to find entry for connection with name: \"away\"",
        ),
        (
            "read-bad",
            "failed to execute query: ERROR: syntax error at or near \"NONSENSE\" (SQLSTATE 42601)",
        ),
        (
            "read-half",
            "failed to execute query: ERROR: division by zero (SQLSTATE 22012)",
        ),
    ] {
        let path = format!("database/creds/{name}");
        assert_eq!(
            house.refusal(Operation::Read, &path, Value::Null).await,
            text
        );
    }
    let keeper = postgres.keeper().await;
    let half = "SELECT FROM pg_roles WHERE rolname = 'half'";
    assert!(keeper.query(half, &[]).await.unwrap().is_empty());
    // Nothing was leased for what was not made.
    let list = house.call(
        Operation::List,
        &house.root,
        "sys/leases/lookup",
        Value::Null,
    );
    assert!(matches!(list.await, Err(Error::NotFound(None))));
    for path in ["config/x", "roles/x"] {
        let read = house.read(&format!("database/{path}")).await;
        assert!(matches!(read, Err(Error::NotFound(None))));
    }
}

#[tokio::test]
async fn a_connection_shows_all_but_its_secrets() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let url = postgres.url("disable");
    let shown = house.read("database/config/main").await.unwrap();
    assert_eq!(
        shown,
        json!({
            "allowed_roles": ["read*"],
            "connection_details": {"connection_url": url, "username": "keeper"},
            "password_policy": "",
            "plugin_name": "postgresql-database-plugin",
            "plugin_version": "",
            "root_credentials_rotate_statements": [],
        })
    );
    let whole = format!(
        "postgresql://keeper:{PASSWORD}@127.0.0.1:{}/postgres",
        postgres.port
    );
    let warned = house
        .write("database/config/main", json!({"connection_url": whole}))
        .await
        .unwrap();
    assert!(warned.warnings[0].starts_with("Password found in connection_url"));
    let shown = house
        .read("database/config/main")
        .await
        .unwrap()
        .to_string();
    assert!(
        shown.contains(":*****@") && !shown.contains(PASSWORD),
        "{shown}"
    );
    let role = house.read("database/roles/reader").await.unwrap();
    assert_eq!(
        role,
        json!({
            "creation_statements": [READER],
            "credential_type": "password",
            "db_name": "main",
            "default_ttl": 3600,
            "max_ttl": 7200,
            "renew_statements": [],
            "revocation_statements": [],
            "rollback_statements": [],
        })
    );
}

#[tokio::test]
async fn a_connection_need_not_be_verified_and_is_then_found_to_be_away() {
    let house = House::new().await;
    let config = json!({
        "plugin_name": "postgresql-database-plugin",
        "connection_url": "postgresql://{{username}}:{{password}}@127.0.0.1:1/x",
        "username": "u", "password": "p", "allowed_roles": "*", "verify_connection": false,
    });
    house.write("database/config/away", config).await.unwrap();
    let role = json!({"db_name": "away", "creation_statements": "SELECT 1"});
    house.write("database/roles/r", role).await.unwrap();
    let failed = house.read("database/creds/r").await.unwrap_err();
    assert!(matches!(failed, Error::Internal(_)));
    let list = house.call(
        Operation::List,
        &house.root,
        "sys/leases/lookup",
        Value::Null,
    );
    assert!(matches!(list.await, Err(Error::NotFound(None))));
}

#[tokio::test]
async fn passwords_follow_the_policy_of_the_connection() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let policy = r#"length = 30 rule "charset" { charset = "abc" }"#;
    let quotes = r#"length = 30 rule "charset" { charset = "a'" }"#;
    for (name, policy) in [("abc", policy), ("quotes", quotes)] {
        let path = format!("sys/policies/password/{name}");
        house.write(&path, json!({"policy": policy})).await.unwrap();
    }
    for (name, text) in [
        (
            "none",
            "failed to generate password: no password policy found",
        ),
        (
            "quotes",
            "the password policy \"quotes\" makes passwords with quotation marks, backslashes or \
             dollar signs, which cannot stand in statements",
        ),
    ] {
        house
            .write("database/config/main", json!({"password_policy": name}))
            .await
            .unwrap();
        let path = "database/creds/reader";
        assert_eq!(
            house.refusal(Operation::Read, path, Value::Null).await,
            text
        );
    }
    house
        .write("database/config/main", json!({"password_policy": "abc"}))
        .await
        .unwrap();
    let user = house.user("reader").await;
    assert_eq!(user.password.len(), 30);
    assert!(user.password.chars().all(|c| "abc".contains(c)));
    assert!(user.opens(&postgres).await);
}
