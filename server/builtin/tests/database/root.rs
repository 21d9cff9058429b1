//! The password of the user that makes the others.

use super::*;

#[tokio::test]
async fn a_rotated_password_is_known_to_the_server_alone() {
    let postgres = Postgres::start();
    let mut house = House::over(&postgres).await;
    let before = house.user("reader").await;
    let rotated = house
        .write("database/rotate-root/main", json!({}))
        .await
        .unwrap();
    assert!(rotated.is_empty());
    assert!(postgres.log_in("keeper", PASSWORD).await.is_none());
    let user = house.user("reader").await;
    assert!(user.opens(&postgres).await);
    house.restart().await;
    house.revoke(&before).await;
    assert!(!before.opens(&postgres).await);
    house
        .write("database/rotate-root/main", json!({}))
        .await
        .unwrap();
    house.user("reader").await;
}

#[tokio::test]
async fn a_rotation_that_the_database_refuses_changes_nothing() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    house
        .write(
            "database/config/main",
            json!({"root_rotation_statements": "ALTER ROLE nobody PASSWORD '{{password}}'"}),
        )
        .await
        .unwrap();
    let refused = house.write("database/rotate-root/main", json!({})).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "failed to execute query: ERROR: role \"nobody\" does not exist (SQLSTATE 42704)"
    );
    house.user("reader").await;
    // And another can begin at once.
    house
        .write(
            "database/config/main",
            json!({"root_rotation_statements": ""}),
        )
        .await
        .unwrap();
    house
        .write("database/rotate-root/main", json!({}))
        .await
        .unwrap();
    house.user("reader").await;
}

#[tokio::test]
async fn a_rotation_whose_outcome_is_unknown_leaves_a_password_that_opens() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    // The password is changed and the connection cut before the server hears of it.
    let cut = "ALTER ROLE \"{{name}}\" PASSWORD '{{password}}'; COMMIT; \
               SELECT pg_terminate_backend(pg_backend_pid())";
    house
        .write(
            "database/config/main",
            json!({"root_rotation_statements": cut}),
        )
        .await
        .unwrap();
    let failed = house.write("database/rotate-root/main", json!({})).await;
    assert!(matches!(failed, Err(Error::Internal(_))));
    assert!(postgres.log_in("keeper", PASSWORD).await.is_none());
    let user = house.user("reader").await;
    house.revoke(&user).await;
    assert!(!user.opens(&postgres).await);

    // It is cut before the password is changed.
    let cut = "SELECT pg_terminate_backend(pg_backend_pid()), '{{password}}'";
    house
        .write(
            "database/config/main",
            json!({"root_rotation_statements": cut}),
        )
        .await
        .unwrap();
    let failed = house.write("database/rotate-root/main", json!({})).await;
    assert!(matches!(failed, Err(Error::Internal(_))));
    let user = house.user("reader").await;
    assert!(user.opens(&postgres).await);
    // Until it is known that nobody is at it any more, no other rotation begins.
    let busy = house.write("database/rotate-root/main", json!({})).await;
    assert!(matches!(busy, Err(Error::Conflict(_))));
    house
        .write(
            "database/config/main",
            json!({"root_rotation_statements": ""}),
        )
        .await
        .unwrap();
    house.clock.advance(120 * SECOND);
    house
        .write("database/rotate-root/main", json!({}))
        .await
        .unwrap();
    house.user("reader").await;
}

#[tokio::test]
async fn what_cannot_be_rotated_says_why() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    let whole = format!(
        "postgresql://keeper:{PASSWORD}@127.0.0.1:{}/postgres",
        postgres.port
    );
    for (change, text) in [
        (
            json!({"connection_url": whole}),
            "unable to rotate root credentials: connection_url does not use {{password}}",
        ),
        (
            json!({"username": ""}),
            "unable to rotate root credentials: no username in configuration",
        ),
    ] {
        house.write("database/config/main", change).await.unwrap();
        let refused = house.write("database/rotate-root/main", json!({})).await;
        assert_eq!(refused.unwrap_err().to_string(), text);
    }
    assert!(postgres.log_in("keeper", PASSWORD).await.is_some());
}

#[tokio::test]
async fn a_reset_closes_what_is_open() {
    let postgres = Postgres::start();
    let house = House::over(&postgres).await;
    house.user("reader").await;
    let keeper = postgres.keeper().await;
    let backend = "SELECT pid FROM pg_stat_activity WHERE application_name = 'keyward'";
    let first: i32 = keeper.query_one(backend, &[]).await.unwrap().get(0);
    house.user("reader").await;
    let same: i32 = keeper.query_one(backend, &[]).await.unwrap().get(0);
    assert_eq!(first, same);
    house.write("database/reset/main", json!({})).await.unwrap();
    house.user("reader").await;
    let all = keeper.query(backend, &[]).await.unwrap();
    assert!(all.iter().any(|row| row.get::<_, i32>(0) != first));
    // One that the database closed is not used.
    let close = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = 'keyward'";
    keeper.query(close, &[]).await.unwrap();
    assert!(house.user("reader").await.opens(&postgres).await);
}
