//! How many keys stay in memory.

use super::*;

async fn size(server: &Server) -> Value {
    let answer = server.ask(Operation::Read, "transit/cache-config", json!({}));
    answer.await.unwrap().data["size"].clone()
}

#[tokio::test]
async fn the_size_of_the_cache_is_kept_and_changes_nothing_else() {
    let server = Server::start().await;
    assert_eq!(size(&server).await, 0);
    let set = server.ok("cache-config", json!({"size": 10})).await;
    assert_eq!(set, json!({"size": 10}));
    assert_eq!(size(&server).await, 10);
    let mut ciphertexts = Vec::new();
    for index in 0..50 {
        ciphertexts.push(server.encrypt(&format!("k{index}"), HELLO).await);
    }
    for (index, ciphertext) in ciphertexts.iter().enumerate() {
        let path = format!("decrypt/k{index}");
        let plain = server.ok(&path, json!({"ciphertext": ciphertext})).await;
        assert_eq!(plain["plaintext"], HELLO);
    }
    server.core.tick().await.unwrap();
    assert_eq!(size(&server).await, 10);
    server.ok("cache-config", json!({})).await;
    assert_eq!(size(&server).await, 0);
}

#[tokio::test]
async fn a_cache_too_small_is_refused() {
    let server = Server::start().await;
    for size in [-1, 1, 9] {
        assert_eq!(
            server.refused("cache-config", json!({"size": size})).await,
            "size must be 0 or a value greater or equal to 10"
        );
    }
}
