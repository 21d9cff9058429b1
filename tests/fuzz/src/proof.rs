//! Signed requests.

use std::sync::LazyLock;

use keyward_api::proof::{
    Address, Received, VerifyingKey, content_digest, parse_content_digest, verify_request,
};
use keyward_crypto::SecretString;

use crate::text::text;

/// The key of RFC 9421 appendix B.1.4.
static KEY: LazyLock<VerifyingKey> = LazyLock::new(|| {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    serde_json::from_str(jwk).unwrap()
});

static ADDRESSES: LazyLock<[Address; 1]> =
    LazyLock::new(|| [Address::parse("https://vault.example.com").unwrap()]);

/// The three fields of a signed request, and a key: nobody has signed these requests, so that none
/// is let in but what stands in a seed.
pub(crate) fn proof(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (signature_input, signature, digest) = (line(), line(), line());
    if let Ok(read) = parse_content_digest(digest) {
        assert_eq!(content_digest(&read), digest);
    }
    if let Ok(key) = serde_json::from_str::<VerifyingKey>(line()) {
        let printed = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<VerifyingKey>(&printed).unwrap(), key);
    }
    let _is_read = Address::parse(digest);
    let token = SecretString::new("hvs.token".to_owned());
    for body_digest in [None, Some(&[7; 32])] {
        let received = Received {
            method: "POST",
            target: "/v1/transit/encrypt/orders",
            host: "vault.example.com",
            token: &token,
            body_digest,
            content_digest: (!digest.is_empty()).then_some(digest),
            signature_input,
            signature,
        };
        if let Ok(verified) = verify_request(&received, &KEY, &*ADDRESSES, 1_767_225_600) {
            assert!(signature_input.contains(verified.nonce));
            assert!(verified.until >= verified.created);
        }
    }
}
