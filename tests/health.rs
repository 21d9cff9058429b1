//! The status that load balancers read, in each state that a server can be in.

use crate::support::{Client, Installation, Store};

/// All that can be asked for, with whether it is a code.
pub(crate) const ASKED: [(&str, bool); 10] = [
    ("activecode", true),
    ("drsecondarycode", true),
    ("haunhealthycode", true),
    ("performancestandbycode", true),
    ("perfstandbyok", false),
    ("removedcode", true),
    ("sealedcode", true),
    ("standbycode", true),
    ("standbyok", false),
    ("uninitcode", true),
];

/// Asks for each code and each word alone, and for all at once: `own` alone changes the status.
async fn answers(nobody: &Client, own: &str, usual: u16) {
    let health = async |query: &str| {
        let path = format!("sys/health?{query}");
        let answer = nobody.get(&path).await;
        let head = nobody.send("HEAD", &path, &[], None).await;
        assert_eq!((head.status, &*head.text), (answer.status, ""), "{query}");
        answer
    };
    health("").await.expect(usual);
    let mut all = Vec::new();
    for (name, is_code) in ASKED {
        let value = if is_code { "299" } else { "true" };
        let one = format!("{name}={value}");
        let status = if name == own { 299 } else { usual };
        health(&one).await.expect(status);
        all.push(one);
        health(&format!("{name}=nonsense")).await.expect(400);
    }
    let answer = health(&all.join("&")).await.expect(299);
    assert_eq!(answer.at("/initialized"), own != "uninitcode");
    assert_eq!(answer.at("/sealed"), own != "activecode");
    for word in ["standbyok", "perfstandbyok=false&standbyok=0"] {
        health(word).await.expect(usual);
    }
    for code in ["99", "100", "199", "1000", "-1", "0", "99999999999"] {
        health(&format!("{own}={code}")).await.expect(400);
    }
    for code in [200, 429, 472, 599, 999] {
        health(&format!("{own}={code}")).await.expect(code);
    }
    let none = health(&format!("{own}=204")).await.expect(204);
    assert_eq!(none.text, "");
}

#[tokio::test]
async fn health_tells_each_state_by_its_status_and_takes_all_that_vault_takes() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let nobody = installation.client("");
    answers(&nobody, "uninitcode", 501).await;
    let keys = installation.initialise(1, 1).await;
    answers(&nobody, "sealedcode", 503).await;
    installation.unseal(&keys).await;
    answers(&nobody, "activecode", 200).await;
    let root = installation.client(&keys.root_token);
    root.post("sys/seal", serde_json::json!({}))
        .await
        .expect(204);
    answers(&nobody, "sealedcode", 503).await;
}
