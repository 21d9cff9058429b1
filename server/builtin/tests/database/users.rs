//! Users: made, renewed, and gone when their lease is over, whatever comes between.

use super::*;

#[tokio::test]
async fn a_user_may_do_what_its_role_says_until_it_is_revoked() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let user = house.user("reader").await;
    assert!(user.name.starts_with("v-root-reader-"), "{}", user.name);
    assert_eq!(user.password.len(), 20);
    assert!(user.lease.starts_with("database/creds/reader/"));
    assert_eq!(
        (user.done.lease_duration, user.done.renewable),
        (3600, true)
    );
    let client = postgres.log_in(&user.name, &user.password).await.unwrap();
    client.batch_execute("SELECT * FROM goods").await.unwrap();
    client
        .batch_execute("INSERT INTO goods VALUES ('x')")
        .await
        .unwrap_err();
    let other = house.user("reader").await;
    assert!(house.revoke(&user).await.is_empty());
    assert!(!user.opens(&postgres).await && other.opens(&postgres).await);
    let roles = "SELECT FROM pg_roles WHERE rolname LIKE 'v-%'";
    let keeper = postgres.keeper().await;
    assert_eq!(keeper.query(roles, &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_user_goes_with_its_time_and_with_its_token() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let timed = house.user("reader").await;
    let token = house
        .write("auth/token/create", json!({"ttl": "3h"}))
        .await
        .unwrap();
    let token = token.auth.unwrap();
    // EXPOSE: the test uses it.
    let token = token.client_token.expose();
    let path = "database/creds/reader";
    let done = house
        .call(Operation::Read, token, path, Value::Null)
        .await
        .unwrap();
    let name = data(&done)["username"].as_str().unwrap().to_owned();
    assert!(name.starts_with("v-token-reader-"), "{name}");
    house
        .call(
            Operation::Update,
            token,
            "auth/token/revoke-self",
            json!({}),
        )
        .await
        .unwrap();
    house.after(Duration::ZERO).await;
    let keeper = postgres.keeper().await;
    let named = "SELECT FROM pg_roles WHERE rolname = $1";
    assert!(keeper.query(named, &[&name]).await.unwrap().is_empty());
    house.after(HOUR - SECOND).await;
    assert!(timed.opens(&postgres).await);
    house.after(SECOND).await;
    assert!(!timed.opens(&postgres).await);
    house.lookup(&timed).await.unwrap_err();
}

#[tokio::test]
async fn a_renewal_moves_the_end_in_the_database_as_well() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let user = house.user("reader").await;
    let keeper = postgres.keeper().await;
    let end = async || -> f64 {
        let row = keeper
            .query_one(
                "SELECT extract(epoch FROM rolvaliduntil)::float8 FROM pg_roles WHERE rolname = $1",
                &[&user.name],
            )
            .await
            .unwrap();
        row.get(0)
    };
    let first = end().await;
    house.clock.advance(HOUR / 2);
    let renew = json!({"lease_id": user.lease, "increment": "10h"});
    let renewed = house
        .write("sys/leases/renew", renew.clone())
        .await
        .unwrap();
    assert_eq!(renewed.lease_duration, 5400);
    assert_eq!(renewed.warnings.len(), 1);
    assert!((end().await - first - 3600.0).abs() < 2.0);
    // Statements of the role take the place of the usual one.
    let comment = "COMMENT ON ROLE \"{{name}}\" IS 'until {{expiration}}'";
    house
        .write(
            "database/roles/reader",
            json!({"renew_statements": [comment]}),
        )
        .await
        .unwrap();
    house
        .write("sys/leases/renew", renew.clone())
        .await
        .unwrap();
    let said = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1";
    let said: String = keeper.query_one(said, &[&user.name]).await.unwrap().get(0);
    assert!(said.starts_with("until 20"), "{said}");
    house.delete("database/roles/reader").await.unwrap();
    let refused = house.write("sys/leases/renew", renew).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "error during renew: could not find role with name \"reader\""
    );
    // The user goes in its time all the same.
    house.after(2 * HOUR).await;
    assert!(!user.opens(&postgres).await);
}

#[tokio::test]
async fn a_user_is_removed_once_a_database_that_was_away_is_back() {
    let mut postgres = Postgres::start();
    let mut house = House::over(&postgres).await;
    let user = house.user("reader").await;
    let later = house.user("reader").await;
    postgres.stop();
    let accepted = house.revoke(&user).await;
    assert_eq!(accepted.outcome, Outcome::Accepted);
    house.after(HOUR).await;
    house.restart().await;
    house.after(HOUR).await;
    for user in [&user, &later] {
        let failures = house.lookup(user).await.unwrap()["revocation"]["failures"].clone();
        assert!(failures.as_u64().unwrap() > 1, "{failures}");
    }
    // No user is made meanwhile, and none is left to be removed.
    house.read("database/creds/reader").await.unwrap_err();
    let list = house
        .call(
            Operation::List,
            &house.root,
            "sys/leases/lookup/database/creds/reader",
            Value::Null,
        )
        .await
        .unwrap();
    assert_eq!(data(&list)["keys"].as_array().unwrap().len(), 2);
    postgres.start_again();
    assert!(user.opens(&postgres).await || later.opens(&postgres).await);
    house.after(HOUR).await;
    for user in [&user, &later] {
        assert!(!user.opens(&postgres).await);
        house.lookup(user).await.unwrap_err();
    }
}

#[tokio::test]
async fn privileges_of_every_kind_go_with_the_user_and_what_it_owns_stays() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let keeper = postgres.keeper().await;
    keeper
        .batch_execute(
            "CREATE SCHEMA \"odd name\"; CREATE TABLE \"odd name\".\"T\" (a int, b int); \
             CREATE SEQUENCE steps; CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql AS \
             'SELECT 2 * x'; CREATE VIEW seen AS SELECT * FROM goods;",
        )
        .await
        .unwrap();
    let statements = json!([
        "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'",
        "GRANT USAGE, CREATE ON SCHEMA \"odd name\" TO \"{{name}}\"; \
         GRANT SELECT (a) ON \"odd name\".\"T\" TO \"{{name}}\"",
        "GRANT USAGE ON SEQUENCE steps TO \"{{name}}\"; GRANT SELECT ON seen TO \"{{name}}\"",
        "GRANT EXECUTE ON FUNCTION twice(int) TO \"{{name}}\"; \
         GRANT CONNECT, TEMPORARY ON DATABASE postgres TO \"{{name}}\"",
        "DO $$ BEGIN EXECUTE 'GRANT SELECT ON goods TO \"{{name}}\"'; END; $$",
    ]);
    let role = json!({"db_name": "main", "creation_statements": statements});
    house
        .write("database/roles/reader-of-all", role)
        .await
        .unwrap();
    let user = house.user("reader-of-all").await;
    house.revoke(&user).await;
    assert!(!user.opens(&postgres).await);

    let owner = house.user("reader-of-all").await;
    let client = postgres.log_in(&owner.name, &owner.password).await.unwrap();
    client
        .batch_execute("CREATE TABLE \"odd name\".kept (a int)")
        .await
        .unwrap();
    let accepted = house.revoke(&owner).await;
    assert_eq!(accepted.outcome, Outcome::Accepted);
    keeper
        .batch_execute("SELECT * FROM \"odd name\".kept")
        .await
        .unwrap();
    keeper
        .batch_execute("DROP TABLE \"odd name\".kept")
        .await
        .unwrap();
    house.after(HOUR).await;
    assert!(!owner.opens(&postgres).await);
}

#[tokio::test]
async fn statements_of_the_role_remove_its_users() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let statements = "ALTER ROLE \"{{name}}\" NOLOGIN; COMMENT ON ROLE \"{{name}}\" IS 'left'";
    let role = json!({"revocation_statements": statements});
    house.write("database/roles/reader", role).await.unwrap();
    let user = house.user("reader").await;
    // They are kept with the lease, should the role be gone.
    house.delete("database/roles/reader").await.unwrap();
    house.revoke(&user).await;
    assert!(!user.opens(&postgres).await);
    let keeper = postgres.keeper().await;
    let left = "SELECT FROM pg_roles WHERE rolname = $1 AND NOT rolcanlogin";
    assert_eq!(keeper.query(left, &[&user.name]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn many_users_are_made_and_removed_at_once_over_few_connections() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    house
        .write("database/config/main", json!({"max_open_connections": 2}))
        .await
        .unwrap();
    let users = futures_util::future::join_all((0..24).map(|_| house.user("reader"))).await;
    let keeper = postgres.keeper().await;
    let open = "SELECT FROM pg_stat_activity WHERE application_name = 'keyward'";
    assert_eq!(keeper.query(open, &[]).await.unwrap().len(), 2);
    house.after(HOUR).await;
    let roles = "SELECT FROM pg_roles WHERE rolname LIKE 'v-%'";
    assert!(keeper.query(roles, &[]).await.unwrap().is_empty());
    for user in &users {
        house.lookup(user).await.unwrap_err();
    }
}
