//! Random bytes and hashes.

use super::*;

#[tokio::test]
async fn random_bytes_are_as_many_as_asked_for_and_never_the_same() {
    let server = Server::start().await;
    for (path, body, length) in [
        ("random", json!({}), 44),
        ("random", json!({"bytes": 3}), 4),
        ("random/3", json!({"bytes": 9}), 4),
        ("random/platform/3", json!({}), 4),
        ("random/all", json!({"bytes": 3}), 4),
        (
            "random",
            json!({"bytes": 131_072, "format": "hex"}),
            262_144,
        ),
    ] {
        let data = server.ok(path, body).await;
        assert_eq!(text(&data["random_bytes"]).len(), length, "{path}");
    }
    let hex = server.ok("random/16", json!({"format": "hex"})).await;
    assert!(
        text(&hex["random_bytes"])
            .bytes()
            .all(|c| c.is_ascii_hexdigit())
    );
    let first = server.ok("random", json!({})).await;
    assert_ne!(server.ok("random", json!({})).await, first);
    let sealed = server.post("random/seal", json!({})).await;
    assert_eq!(
        sealed.warnings,
        ["no seal/entropy augmentation available, using platform entropy source"]
    );
}

#[tokio::test]
async fn random_bytes_that_cannot_be_are_refused() {
    let server = Server::start().await;
    for (path, body, refusal) in [
        ("random/0", json!({}), "'bytes' cannot be less than 1"),
        (
            "random",
            json!({"bytes": -1}),
            "'bytes' cannot be less than 1",
        ),
        (
            "random/131073",
            json!({}),
            "'bytes' should be less than 131072",
        ),
        (
            "random",
            json!({"format": "x"}),
            "unsupported encoding format \"x\"; must be \"hex\" or \"base64\"",
        ),
        (
            "random/foo/3",
            json!({}),
            "unsupported entropy source \"foo\"; must be \"platform\" or \"seal\", or \"all\"",
        ),
        (
            "random/foo",
            json!({}),
            "error parsing url-set byte count: strconv.Atoi: parsing \"foo\": invalid syntax",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal);
    }
}

#[tokio::test]
async fn hashes_are_those_of_the_standards() {
    let server = Server::start().await;
    for (path, body, sum) in [
        (
            "hash",
            json!({"input": HELLO}),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ),
        (
            "hash",
            json!({"input": ""}),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            "hash/sha3-224",
            json!({"input": HELLO, "format": "base64"}),
            "uH+IxycC//F0jli4fpFBpCwNvtwpp4yw1KXNgQ==",
        ),
    ] {
        assert_eq!(server.ok(path, body).await["sum"], sum, "{path}");
    }
    for (path, body, refusal) in [
        ("hash", json!({}), "input missing"),
        (
            "hash",
            json!({"input": "!"}),
            "unable to decode input as base64: illegal base64 data at input byte 0",
        ),
        (
            "hash/md5",
            json!({"input": HELLO}),
            "unsupported algorithm md5",
        ),
        (
            "hash/sha1",
            json!({"input": HELLO}),
            "unsupported algorithm sha1",
        ),
        (
            "hash/md5",
            json!({"input": HELLO, "format": "x"}),
            "unsupported encoding format x; must be \"hex\" or \"base64\"",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal);
    }
}
