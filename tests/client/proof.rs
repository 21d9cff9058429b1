//! Tokens that are bound to a key, and answers that must be the server's.

use keyward_client::api::auth::CreateToken;
use keyward_client::api::proof::SigningKey;
use keyward_client::{Error, Keyward, Options};
use keyward_crypto::proof::ProofAlgorithm;

use super::{client_of_transit, create_key};
use crate::support::Target;

#[tokio::test]
async fn a_bound_token_works_with_its_key_alone() {
    let target = Target::keyward();
    let root = client_of_transit(&target).await;
    create_key(&root, "k", "aes256-gcm96").await;
    let keys = root.response_keys().await.unwrap();
    assert_eq!(keys.len(), 1);

    for algorithm in ProofAlgorithm::ALL {
        let generate = || SigningKey::generate(algorithm).unwrap();
        let (mine, other) = (generate(), generate());
        let request = CreateToken {
            client_key: Some(mine.public().clone()),
            ..CreateToken::default()
        };
        let granted = root.tokens().create(&request).await.unwrap();
        // EXPOSE: given to several clients.
        let token = granted.client_token.expose();
        let builder = || Keyward::builder(&target.address).token(token);

        let without = builder().build().unwrap();
        let refused = without.tokens().lookup_self().await.unwrap_err();
        assert_eq!(refused.status(), Some(401), "{refused}");
        let wrong = builder().proof(other).build().unwrap();
        let refused = wrong.tokens().lookup_self().await.unwrap_err();
        assert_eq!(refused.status(), Some(401), "{refused}");

        let pkcs8 = mine.to_pkcs8().unwrap();
        let client = builder().proof(mine).trust(keys.clone()).build().unwrap();
        let transit = client.transit("transit");
        let options = Options::default();
        let ciphertext = transit.encrypt("k", b"text", options).await.unwrap();
        let plaintext = transit.decrypt("k", &ciphertext, options).await.unwrap();
        assert_eq!(plaintext.expose(), b"text");
        assert!(transit.read_key("none").await.unwrap_err().is_not_found());

        let same = SigningKey::from_pkcs8(algorithm, pkcs8).unwrap();
        let stranger = vec![generate().public().clone()];
        let doubting = builder().proof(same).trust(stranger).build().unwrap();
        let refused = doubting.tokens().lookup_self().await;
        assert!(matches!(refused, Err(Error::Untrusted(_))), "{refused:?}");
    }
}
