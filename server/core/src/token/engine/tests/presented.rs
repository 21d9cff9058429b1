//! Whatever text is presented as a token.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_denied_and_nothing_else(
        texts in prop::collection::vec(
            "\\PC{0,60}|(hvb|hvs|s|b)\\.[A-Za-z0-9_-]{0,120}|hvb\\.\\PC{0,20}", 1..20,
        ),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..7u8), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let house = House::new().await;
            let service = house.make(&house.root, json!({"policies": "maker"})).await.token;
            let body = json!({"policies": "maker", "type": "batch"});
            let batch = house.make(&house.root, body).await.token;
            let flipped = flips.iter().flat_map(|(at, bit)| {
                [&service, &batch].map(|token| {
                    let mut bytes = token.clone().into_bytes();
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                    String::from_utf8(bytes).unwrap()
                })
            });
            for text in texts.into_iter().chain(flipped) {
                let denied = house.lookup_self(&text).await;
                assert!(matches!(denied, Err(Error::Denied(Denial::Token))), "{text:?}");
                let bad = house.refusal(&house.root, "auth/token/lookup", json!({"token": text}));
                if !text.is_empty() {
                    assert_eq!(bad.await, "bad token");
                }
                let body = json!({"token": text});
                house.root("auth/token/revoke", body).await.map(drop).unwrap_or_default();
            }
            assert!(house.is_alive(&service).await && house.is_alive(&batch).await);
        });
    }
}
