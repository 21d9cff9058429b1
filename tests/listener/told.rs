//! What a listener tells and does for those without a token, as its settings bound it.

use serde_json::json;

use super::installed;

#[tokio::test]
async fn a_listener_keeps_versions_and_root_tokens_from_those_without_a_token() {
    let installation = installed(
        "tls_disable = true\nredact_version = true\nredact_cluster_name = true\n\
         redact_addresses = true\ndisable_unauthed_generate_root_endpoints = true\n\
         disable_unauthed_rekey_endpoints = true",
    );
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let nobody = installation.client("");

    for path in ["sys/health", "sys/seal-status"] {
        let told = nobody.get(path).await.expect(200);
        assert_eq!(told.at("/version"), "", "{path}");
        assert_eq!(told.at("/cluster_name"), "", "{path}");
        assert_eq!(told.at("/sealed"), false, "{path}");
    }
    for client in [&nobody, &root] {
        let none = json!({});
        for path in ["sys/generate-root", "sys/generate-root/attempt"] {
            client.get(path).await.expect(405);
            client.post(path, none.clone()).await.expect(405);
            client.delete(path).await.expect(405);
        }
        client
            .post("sys/generate-root/update", none)
            .await
            .refused(405, "unsupported operation");
    }
    nobody
        .get("sys/generate-root-token/attempt")
        .await
        .expect(403);
    let begun = root
        .post("sys/generate-root-token/attempt", json!({}))
        .await
        .expect(200);
    assert_eq!(begun.at("/data/started"), true);
}
