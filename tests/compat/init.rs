//! OpenPGP keys that `sys/init` refuses, beside the peer.

use serde_json::json;

use crate::support::{Client, Installation, Store, Target};

#[tokio::test]
async fn keys_of_holders_are_refused_as_by_the_peer() {
    let good = include_str!("../vectors/openpgp/curve25519.b64");
    // It is initialised, but looks at what is asked for first.
    let target = Target::peer();
    let peer = Client::new(&target);
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let ours = installation.client("");
    // What is asked for, and the two texts where they part.
    for (asked, apart) in [
        (json!({ "pgp_keys": [good] }), None),
        (json!({ "pgp_keys": [good, good, good] }), None),
        // The number is looked at first.
        (json!({ "pgp_keys": ["AAAA"] }), None),
        (json!({ "pgp_keys": [good, "!!"] }), None),
        (json!({ "pgp_keys": [good, "AAAAA"] }), None),
        (json!({ "recovery_pgp_keys": [good] }), None),
        // The peer's texts are those of its libraries.
        (
            json!({ "pgp_keys": [good, "AAAA"] }),
            Some([
                "error parsing given PGP key: openpgp: invalid data: tag byte does not have MSB set",
                "error parsing given PGP key: it is no OpenPGP public key",
            ]),
        ),
        (
            json!({ "pgp_keys": [good, ""] }),
            Some([
                "error parsing given PGP key: EOF",
                "error parsing given PGP key: it is no OpenPGP public key",
            ]),
        ),
    ] {
        let mut plan = json!({ "secret_shares": 2, "secret_threshold": 2 });
        let more = asked.as_object().unwrap().clone();
        plan.as_object_mut().unwrap().extend(more);
        let theirs = peer.post("sys/init", plan.clone()).await;
        let answer = ours.post("sys/init", plan).await;
        assert_eq!((theirs.status, answer.status), (400, 400), "{asked}");
        match apart {
            None => assert_eq!(answer.json, theirs.json, "{asked}"),
            Some(texts) => {
                for (answer, text) in [theirs, answer].iter().zip(texts) {
                    let text = format!("invalid seal configuration: {text}");
                    assert_eq!(answer.json, json!({ "errors": [text] }), "{asked}");
                }
            }
        }
    }
    let status = ours.get("sys/init").await.expect(200);
    assert_eq!(status.json, json!({ "initialized": false }));
}
