//! A mount of KV becomes one of version 2 while clients write to it.

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Installation, Store};

#[tokio::test]
async fn no_write_that_was_acknowledged_is_lost_in_an_upgrade() {
    const WRITERS: usize = 16;
    let installation = Installation::new(Store::Sled);
    let mut server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    root.post("sys/mounts/s", json!({ "type": "kv" }))
        .await
        .expect(204);
    root.post("s/metadata/old", json!({ "of": "old" }))
        .await
        .expect(204);

    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let client = installation.client(&keys.root_token);
        writers.spawn(async move {
            for number in 0.. {
                let value = json!({ "of": number });
                let answer = client.post(&format!("s/w/{writer}/{number}"), value).await;
                // Until it is closed for the upgrade, or is of version 2.
                if answer.status != 204 {
                    assert!(matches!(answer.status, 400 | 404), "{}", answer.text);
                    return (writer, number);
                }
            }
            unreachable!("writers end when they are refused")
        });
    }
    // Some writes are under way.
    while root.list("s/w").await.status != 200 {}
    root.post(
        "sys/mounts/s/tune",
        json!({ "options": { "version": "2" } }),
    )
    .await
    .expect(204);
    let written = writers.join_all().await;
    assert!(written.iter().any(|(_, number)| *number > 0), "{written:?}");

    for round in ["at once", "after a crash"] {
        let root = installation.client(&keys.root_token);
        let old = root.get("s/data/metadata/old").await.expect(200);
        assert_eq!(old.text_at("/data/data/of"), "old", "{round}");
        for (writer, count) in &written {
            for number in 0..*count {
                let path = format!("s/data/w/{writer}/{number}");
                let read = root.get(&path).await.expect(200);
                assert_eq!(read.at("/data/data/of"), &json!(number), "{round}");
                assert_eq!(read.at("/data/metadata/version"), &json!(1), "{round}");
            }
        }
        root.post(
            "s/data/w/0/0",
            json!({ "data": { "of": "after" }, "options": { "cas": 1 } }),
        )
        .await
        .expect(200);
        root.delete("s/metadata/w/0/0").await.expect(204);
        root.post("s/data/w/0/0", json!({ "data": { "of": 0 } }))
            .await
            .expect(200);
        root.get("sys/mounts/s").await.expect(200);
        server.kill();
        server = installation.start();
        installation.unseal(&keys).await;
    }
    drop(server);
}
