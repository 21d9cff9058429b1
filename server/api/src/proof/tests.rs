//! The profile against the vectors of RFC 9421, and against whoever changes anything.

use keyward_crypto::{SecretString, encoding, proof::ProofAlgorithm};
use proptest::prelude::*;
use serde_json::json;

use super::{field::digest_of, *};

const NOW: u64 = 1_767_225_600;

fn request<'r>(token: &'r SecretString, body: &'r [u8]) -> RequestToSign<'r> {
    RequestToSign {
        method: "POST",
        target_uri: "https://vault.example.com/v1/transit/encrypt/orders?x=%2F",
        token,
        body,
        created: NOW,
        lifetime: 60,
        nonce: [7; 16],
    }
}

fn addresses() -> [Address; 3] {
    let address = |text| Address::parse(text).unwrap();
    [
        address("http://127.0.0.1:8200"),
        address("https://vault.example.com"),
        address("https://10.0.0.1:8200"),
    ]
}

/// What a server receives of a request that a client signed.
fn received<'r>(
    token: &'r SecretString,
    signed: &'r Signed,
    digest: Option<&'r [u8; 32]>,
) -> Received<'r> {
    Received {
        method: "POST",
        target: "/v1/transit/encrypt/orders?x=%2F",
        host: "vault.example.com",
        token,
        body_digest: digest,
        content_digest: signed.content_digest.as_deref(),
        signature_input: &signed.signature_input,
        signature: &signed.signature,
    }
}

fn token() -> SecretString {
    SecretString::new("hvs.token".to_owned())
}

/// RFC 9421 appendix B.2.6, with the key of appendix B.1.4.
#[test]
fn ed25519_verifies_and_makes_the_signature_of_the_standard() {
    let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
        \"@method\": POST\n\
        \"@path\": /foo\n\
        \"@authority\": example.com\n\
        \"content-type\": application/json\n\
        \"content-length\": 18\n\
        \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \
        \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    let wanted = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPp\
        BKRCw==";
    let pkcs8 = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";
    let pkcs8 = encoding::decode(pkcs8).unwrap();
    let key = SigningKey::from_pkcs8(ProofAlgorithm::Ed25519, pkcs8).unwrap();
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs",
    });
    assert_eq!(serde_json::to_value(key.public()).unwrap(), jwk);
    let signature = key.sign(base.as_bytes()).unwrap();
    assert_eq!(encoding::encode(&signature), wanted);
    assert!(key.public().verify(base.as_bytes(), &signature));
}

/// RFC 9421 appendix B.2.4, with the key of appendix B.1.3.
#[test]
fn ecdsa_verifies_the_signature_of_the_standard() {
    let base = "\"@status\": 200\n\
        \"content-type\": application/json\n\
        \"content-digest\": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX6\
        9wWdXymyU0rjJuahq4l5aGgfLQ==:\n\
        \"content-length\": 23\n\
        \"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" \
        \"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"";
    let signature = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLI\
        j+32oiasw==";
    let key: VerifyingKey = serde_json::from_value(json!({
        "kty": "EC", "crv": "P-256",
        "x": "qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA",
        "y": "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0",
    }))
    .unwrap();
    let signature = encoding::decode(signature).unwrap();
    assert!(key.verify(base.as_bytes(), signature.expose()));
}

#[test]
fn a_signed_request_is_verified_with_and_without_a_body() {
    let (token, addresses) = (token(), addresses());
    for algorithm in ProofAlgorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        for body in [&b""[..], b"{}"] {
            let signed = sign_request(&key, &request(&token, body)).unwrap();
            let digest = (!body.is_empty()).then(|| digest_of(body));
            let received = received(&token, &signed, digest.as_ref());
            // Whatever the client says of the host, the address is one of the server's.
            for host in [
                "vault.example.com",
                "127.0.0.1:8200",
                "evil.example.com",
                "",
            ] {
                let received = Received { host, ..received };
                let verified = verify_request(&received, key.public(), &addresses, NOW).unwrap();
                assert_eq!(verified.address, &addresses[1]);
                assert_eq!(verified.nonce, "BwcHBwcHBwcHBwcHBwcHBw");
                assert_eq!(verified.until, NOW + LONGEST + SKEW + 1);
            }
        }
    }
}

#[test]
fn each_change_to_a_request_is_found() {
    let (token, other_token) = (token(), SecretString::new("hvs.taken".to_owned()));
    let key = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let addresses = addresses();
    let signed = sign_request(&key, &request(&token, b"{}")).unwrap();
    let (digest, other_digest) = (digest_of(b"{}"), digest_of(b"{ }"));
    let good = received(&token, &signed, Some(&digest));
    let refused = |received: Received<'_>, addresses: &[Address]| {
        verify_request(&received, key.public(), addresses, NOW).unwrap_err()
    };
    let other_field = content_digest(&other_digest);
    for (received, why) in [
        (
            Received {
                method: "PUT",
                ..good
            },
            ProofError::Signature,
        ),
        (
            Received {
                method: "post",
                ..good
            },
            ProofError::Signature,
        ),
        (
            Received {
                target: "/v1/transit/encrypt/orders",
                ..good
            },
            ProofError::Signature,
        ),
        (
            Received {
                target: "/v1/transit/encrypt/orders?x=/",
                ..good
            },
            ProofError::Signature,
        ),
        (
            Received {
                token: &other_token,
                ..good
            },
            ProofError::Signature,
        ),
        (
            Received {
                body_digest: Some(&other_digest),
                ..good
            },
            ProofError::Digest,
        ),
        (
            Received {
                content_digest: None,
                ..good
            },
            ProofError::Digest,
        ),
        (
            Received {
                body_digest: None,
                ..good
            },
            ProofError::Components,
        ),
        (
            Received {
                body_digest: Some(&other_digest),
                content_digest: Some(&other_field),
                ..good
            },
            ProofError::Signature,
        ),
        (
            Received {
                signature: "",
                ..good
            },
            ProofError::Malformed,
        ),
        (
            Received {
                signature: "pop=:AAAA:",
                ..good
            },
            ProofError::Signature,
        ),
        (
            Received {
                signature_input: "",
                ..good
            },
            ProofError::Malformed,
        ),
    ] {
        assert_eq!(refused(received, &addresses), why, "{received:?}");
    }
    assert_eq!(refused(good, &addresses[2..]), ProofError::Signature);
    assert_eq!(refused(good, &[]), ProofError::Signature);
    let other = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let by_other = verify_request(&good, other.public(), &addresses, NOW);
    assert_eq!(by_other.unwrap_err(), ProofError::Key);
}

#[test]
fn what_is_signed_is_the_profile_and_nothing_else() {
    let token = token();
    let key = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let addresses = addresses();
    let signed = sign_request(&key, &request(&token, b"{}")).unwrap();
    let digest = digest_of(b"{}");
    let input = signed.signature_input.clone();
    let instead = |from: &str, to: &str| {
        let changed = input.replacen(from, to, 1);
        assert_ne!(changed, input, "{from}");
        let received = Received {
            signature_input: &changed,
            ..received(&token, &signed, Some(&digest))
        };
        verify_request(&received, key.public(), &addresses, NOW).unwrap_err()
    };
    for (from, to, why) in [
        // Left out, added, in another order, twice.
        (" \"x-vault-token\"", "", ProofError::Components),
        (" \"content-digest\"", "", ProofError::Components),
        ("\"@method\" ", "", ProofError::Components),
        (
            " \"content-digest\"",
            " \"content-digest\" \"date\"",
            ProofError::Components,
        ),
        (
            "\"@method\" \"@target-uri\"",
            "\"@target-uri\" \"@method\"",
            ProofError::Components,
        ),
        (
            "\"@method\"",
            "\"@method\" \"@method\"",
            ProofError::Components,
        ),
        ("\"@target-uri\"", "\"@path\"", ProofError::Components),
        ("\"@method\"", "\"@method\";req", ProofError::Components),
        ("\"@method\" ", "\"@method\"  ", ProofError::Components),
        ("(", "( ", ProofError::Components),
        ("keyward-pop", "keyward-response", ProofError::Tag),
        (
            "alg=\"ed25519\"",
            "alg=\"ecdsa-p256-sha256\"",
            ProofError::Algorithm,
        ),
        (
            "alg=\"ed25519\"",
            "alg=\"hmac-sha256\"",
            ProofError::Algorithm,
        ),
        (";alg=\"ed25519\"", "", ProofError::Malformed),
        (";tag=\"keyward-pop\"", "", ProofError::Malformed),
        (";created=1767225600", "", ProofError::Malformed),
        (";expires=1767225660", "", ProofError::Malformed),
        ("nonce=\"Bw", "nonce=\"Cw", ProofError::Signature),
        ("nonce=\"BwcHBw", "nonce=\"", ProofError::Malformed),
        ("keyid=\"", "keyid=\"x", ProofError::Key),
        (
            "created=1767225600",
            "created=1767225599",
            ProofError::Window,
        ),
        (
            "created=1767225600",
            "created=1767225601",
            ProofError::Signature,
        ),
        (
            "expires=1767225660",
            "expires=1767225599",
            ProofError::Window,
        ),
        ("pop=", "pop2=", ProofError::Malformed),
        ("pop=", "sig=:AA==:, pop=", ProofError::Several),
        (
            "tag=\"keyward-pop\"",
            "tag=\"keyward-pop\", pop=()",
            ProofError::Several,
        ),
    ] {
        assert_eq!(instead(from, to), why, "{from} -> {to}");
    }
}

#[test]
fn a_signature_holds_for_its_window_and_the_skew_of_clocks() {
    let token = token();
    let key = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let addresses = addresses();
    let signed = sign_request(&key, &request(&token, b"")).unwrap();
    let at = |now| {
        let received = received(&token, &signed, None);
        verify_request(&received, key.public(), &addresses, now).map(drop)
    };
    assert_eq!(at(NOW - SKEW), Ok(()));
    assert_eq!(at(NOW - SKEW - 1), Err(ProofError::Future));
    assert_eq!(at(NOW + LONGEST + SKEW), Ok(()));
    assert_eq!(at(NOW + LONGEST + SKEW + 1), Err(ProofError::Expired));
    let long = RequestToSign {
        lifetime: LONGEST + 1,
        ..request(&token, b"")
    };
    let signed = sign_request(&key, &long).unwrap();
    let received = received(&token, &signed, None);
    let long = verify_request(&received, key.public(), &addresses, NOW);
    assert_eq!(long.unwrap_err(), ProofError::Window);
}

/// The parameters stand in the order of the client, as other libraries write them.
#[test]
fn parameters_may_come_in_another_order() {
    let token = token();
    let key = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let target = "https://vault.example.com/v1/sys/mounts";
    let signed = format!(
        "(\"@method\" \"@target-uri\" \"x-vault-token\");created={NOW};keyid=\"{}\";\
         alg=\"ed25519\";expires={};tag=\"keyward-pop\";nonce=\"0123456789abcdef012345\"",
        key.public().thumbprint(),
        NOW + 60
    );
    let base = format!(
        "\"@method\": GET\n\"@target-uri\": {target}\n\"x-vault-token\": hvs.token\n\
         \"@signature-params\": {signed}"
    );
    let signature = key.sign(base.as_bytes()).unwrap();
    let received = Received {
        method: "GET",
        target: "/v1/sys/mounts",
        host: "",
        token: &token,
        body_digest: None,
        content_digest: None,
        signature_input: &format!("pop={signed}"),
        signature: &format!("pop=:{}:", encoding::encode(&signature)),
    };
    let addresses = addresses();
    let verified = verify_request(&received, key.public(), &addresses, NOW).unwrap();
    assert_eq!(verified.nonce, "0123456789abcdef012345");
}

#[test]
fn a_signed_answer_is_bound_to_its_request() {
    let server = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let response = ResponseToSign {
        status: 200,
        body: b"{\"data\":{}}",
        method: "GET",
        target_uri: ["https://vault.example.com", "/v1/sys/mounts?a"],
        signature: "pop=:AAAA:",
    };
    let fields = sign_response(&server, &response, NOW).unwrap();
    let verify = |response: &ResponseToSign<'_>, fields: &Signed| {
        verify_response(server.public(), response, fields)
    };
    assert_eq!(verify(&response, &fields), Ok(NOW));
    let in_one_part = ResponseToSign {
        target_uri: ["https://vault.example.com/v1/sys/mounts?a", ""],
        ..response
    };
    assert_eq!(verify(&in_one_part, &fields), Ok(NOW));
    let other = ["https://vault.example.com", "/v1/sys/mounts"];
    for (changed, why) in [
        (
            ResponseToSign {
                status: 201,
                ..response
            },
            ProofError::Signature,
        ),
        (
            ResponseToSign {
                body: b"",
                ..response
            },
            ProofError::Digest,
        ),
        (
            ResponseToSign {
                method: "PUT",
                ..response
            },
            ProofError::Signature,
        ),
        (
            ResponseToSign {
                target_uri: other,
                ..response
            },
            ProofError::Signature,
        ),
        (
            ResponseToSign {
                signature: "pop=:BBBB:",
                ..response
            },
            ProofError::Signature,
        ),
        (
            ResponseToSign {
                signature: "",
                ..response
            },
            ProofError::Malformed,
        ),
    ] {
        assert_eq!(verify(&changed, &fields), Err(why), "{changed:?}");
    }
    let without_digest = Signed {
        content_digest: None,
        ..fields.clone()
    };
    assert_eq!(verify(&response, &without_digest), Err(ProofError::Digest));
    let other = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let by_other = verify_response(other.public(), &response, &fields);
    assert_eq!(by_other, Err(ProofError::Key));
    let unsigned = ResponseToSign {
        signature: "",
        ..response
    };
    assert!(sign_response(&server, &unsigned, NOW).is_err());
}

proptest! {
    #[test]
    fn whatever_is_signed_is_verified(
        path in "/v1/[a-z0-9/%?=&._-]{0,60}", token in "[!-~]{1,40}",
        body in prop::collection::vec(any::<u8>(), 0..60), nonce: [u8; 16],
        lifetime in 0..=LONGEST, method in "GET|LIST|POST|PUT|DELETE|PATCH",
    ) {
        let token = SecretString::new(token);
        let key = SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
        let target_uri = format!("https://10.0.0.1:8200{path}");
        let signed = sign_request(&key, &RequestToSign {
            method: &method, target_uri: &target_uri, token: &token, body: &body, created: NOW,
            lifetime, nonce,
        }).unwrap();
        let digest = (!body.is_empty()).then(|| digest_of(&body));
        let received = Received {
            method: &method,
            target: &path,
            ..received(&token, &signed, digest.as_ref())
        };
        let addresses = addresses();
        prop_assert!(verify_request(&received, key.public(), &addresses, NOW).is_ok());
    }

    #[test]
    fn no_fields_make_it_panic(
        input in "(pop=\\(\"@method\" \"@target-uri\" \"x-vault-token\"\\))?([;=\"(), :]|created|nonce|[0-9a-z]){0,30}",
        signature in "(pop=:)?[A-Za-z0-9+/=:]{0,100}", digest in "\\PC{0,60}", now: u32,
    ) {
        let token = token();
        let key = SigningKey::from_pkcs8(
            ProofAlgorithm::Ed25519,
            encoding::decode("MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF")
                .unwrap(),
        ).unwrap();
        let received = Received {
            method: "GET", target: "/v1/x", host: &digest, token: &token,
            body_digest: Some(&[7; 32]), content_digest: Some(&digest),
            signature_input: &input, signature: &signature,
        };
        let addresses = addresses();
        prop_assert!(verify_request(&received, key.public(), &addresses, now.into()).is_err());
    }
}
