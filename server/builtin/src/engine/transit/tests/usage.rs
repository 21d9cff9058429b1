//! Encryptions are on record before they are made.

use super::*;

/// The encryptions on record.
async fn recorded(server: &Server, name: &str) -> BTreeMap<u32, u64> {
    let view = server.view().await;
    let record = view.get_as(&format!("usage/{name}")).await.unwrap();
    record.expect("there is a record").0
}

#[tokio::test]
async fn a_crash_counts_too_many_and_never_too_few() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let mut made = 0;
    for round in 0..5 {
        // A change of the key stands for the crash: what memory had left of the budget is gone.
        let change = json!({"deletion_allowed": round % 2 == 0});
        server.ok("keys/a/config", change).await;
        let batch: Vec<_> = (0..700).map(|_| json!({"plaintext": ""})).collect();
        server.ok("encrypt/a", json!({"batch_input": batch})).await;
        made += 700;
        assert!(recorded(&server, "a").await[&1] >= made);
    }
}

#[tokio::test]
async fn a_key_made_by_its_first_encryption_has_it_on_record() {
    let server = Server::start().await;
    let batch: Vec<_> = (0..3000).map(|_| json!({"plaintext": ""})).collect();
    server
        .ok("encrypt/new", json!({"batch_input": batch}))
        .await;
    assert_eq!(recorded(&server, "new").await, BTreeMap::from([(1, 3000)]));
}

#[tokio::test]
async fn a_version_that_is_worn_out_is_replaced() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let worn = BTreeMap::from([(1_u32, 1_u64 << 32)]);
    server.view().await.put_as("usage/a", &worn).await.unwrap();
    assert!(server.encrypt("a", HELLO).await.starts_with("vault:v2:"));
    assert_eq!(server.read_key("a").await.unwrap()["latest_version"], 2);
    // Whoever insists on the old version is refused.
    assert_eq!(
        server
            .refused("encrypt/a", json!({"plaintext": "", "key_version": 1}))
            .await,
        "key version 1 has reached its limit of encryptions and must be rotated"
    );
}

#[tokio::test]
async fn deleting_a_key_deletes_its_record() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.encrypt("a", HELLO).await;
    server
        .ok("keys/a/config", json!({"deletion_allowed": true}))
        .await;
    server
        .ask(Operation::Delete, "transit/keys/a", json!({}))
        .await
        .unwrap();
    let left = server.view().await.list("", None, None).await.unwrap();
    assert_eq!(left, [""; 0]);
}
