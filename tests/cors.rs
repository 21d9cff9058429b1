//! Browsers: which origins may call, and what they are told.

use serde_json::json;

use crate::support::{Client, Target};

const ORIGIN: (&str, &str) = ("Origin", "https://app.example");

#[tokio::test]
async fn a_browser_may_call_only_from_an_origin_that_is_allowed() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let preflight = |origin, method| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
        ];
        let client = root.with_token("");
        async move {
            client
                .send("OPTIONS", "transit/encrypt/k", &headers, None)
                .await
        }
    };
    let before = preflight("https://app.example", "POST").await;
    assert!(
        !before.headers.contains_key("access-control-allow-origin"),
        "{:?}",
        before.headers
    );

    root.post(
        "sys/config/cors",
        json!({ "allowed_origins": ["https://app.example"] }),
    )
    .await
    .expect(204);
    for method in ["GET", "POST", "PUT", "DELETE", "LIST", "PATCH", "SCAN"] {
        let allowed = preflight("https://app.example", method).await.expect(200);
        assert_eq!(
            allowed.headers["access-control-allow-origin"],
            "https://app.example"
        );
        let methods = allowed.headers["access-control-allow-methods"]
            .to_str()
            .unwrap();
        assert!(
            methods.split(',').any(|it| it.trim() == method),
            "{methods}"
        );
        let headers = allowed.headers["access-control-allow-headers"]
            .to_str()
            .unwrap();
        for name in [
            "X-Vault-Token",
            "Content-Type",
            "Accept-Signature",
            "Content-Digest",
            "Idempotency-Key",
            "Signature",
            "Signature-Input",
        ] {
            let named = headers
                .split(',')
                .any(|it| it.trim().eq_ignore_ascii_case(name));
            assert!(named, "{name} is not in {headers}");
        }
    }
    preflight("https://evil.example", "POST")
        .await
        .refused(403, "origin not allowed");

    let read = root
        .send("GET", "sys/mounts", &[ORIGIN], None)
        .await
        .expect(200);
    assert_eq!(
        read.headers["access-control-allow-origin"],
        "https://app.example"
    );
    assert!(read.headers["vary"].to_str().unwrap().contains("Origin"));
    let denied = root
        .send("GET", "nowhere", &[ORIGIN], None)
        .await
        .expect(404);
    assert_eq!(
        denied.headers["access-control-allow-origin"], "https://app.example",
        "a page may read why it was refused"
    );
    let evil = [("Origin", "https://evil.example")];
    root.send("GET", "sys/mounts", &evil, None)
        .await
        .refused(403, "origin not allowed");
    root.get("sys/mounts").await.expect(200);

    root.delete("sys/config/cors").await.expect(204);
    let after = root
        .send("GET", "sys/mounts", &[ORIGIN], None)
        .await
        .expect(200);
    assert!(!after.headers.contains_key("access-control-allow-origin"));
}

/// Method, path, headers, and the status where pages may call.
type Call = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    u16,
);

#[tokio::test]
async fn every_answer_varies_with_the_origin_while_any_may_call() {
    let target = Target::keyward();
    let root = Client::new(&target);
    const EVIL: (&str, &str) = ("Origin", "https://evil.example");
    const ASKS: (&str, &str) = ("Access-Control-Request-Method", "POST");
    let calls: [Call; 8] = [
        ("GET", "sys/mounts", &[ORIGIN], 200),
        ("GET", "sys/mounts", &[EVIL], 403),
        ("GET", "sys/mounts", &[], 200),
        ("GET", "nowhere", &[], 404),
        ("GET", "sys/health", &[], 200),
        ("OPTIONS", "sys/mounts", &[ORIGIN, ASKS], 200),
        ("OPTIONS", "sys/mounts", &[EVIL, ASKS], 403),
        ("OPTIONS", "sys/mounts", &[], 400),
    ];
    root.post(
        "sys/config/cors",
        json!({ "allowed_origins": ["https://app.example"] }),
    )
    .await
    .expect(204);
    for (method, path, headers, status) in calls {
        let answer = root.send(method, path, headers, None).await.expect(status);
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["Origin"], "{method} {path} {headers:?}");
    }

    root.delete("sys/config/cors").await.expect(204);
    for (method, path, headers, _) in calls {
        let answer = root.send(method, path, headers, None).await;
        assert!(
            !answer.headers.contains_key("vary"),
            "{method} {path} {headers:?}"
        );
    }
}

#[tokio::test]
async fn a_page_may_read_what_the_client_needs_and_a_preflight_lasts_two_hours() {
    let target = Target::keyward();
    let root = Client::new(&target);
    root.post(
        "sys/config/cors",
        json!({ "allowed_origins": ["https://app.example"] }),
    )
    .await
    .expect(204);
    let asks = ("Access-Control-Request-Method", "POST");
    let preflight = root
        .send("OPTIONS", "sys/mounts", &[ORIGIN, asks], None)
        .await
        .expect(200);
    assert_eq!(preflight.headers["access-control-max-age"], "7200");

    let read = root
        .send("GET", "sys/mounts", &[ORIGIN], None)
        .await
        .expect(200);
    let exposed = read.headers["access-control-expose-headers"]
        .to_str()
        .unwrap();
    let exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    for name in [
        "Content-Digest",
        "Idempotency-Replayed",
        "Retry-After",
        "Signature",
        "Signature-Input",
        "WWW-Authenticate",
        "X-Ratelimit-Limit",
        "X-Ratelimit-Remaining",
        "X-Ratelimit-Reset",
        "X-Request-Id",
    ] {
        assert!(exposed.contains(&name), "{name} is not in {exposed:?}");
    }
}
