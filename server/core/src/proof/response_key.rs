//! The key that signs answers: Ed25519, made once, behind the barrier.
//!
//! It is one key for as long as the store lives, and the same for every server over it, so that a
//! client can hold on to it.

use keyward_api::proof::SigningKey;
use keyward_crypto::proof::ProofAlgorithm;

use crate::{Error, barrier::Change, storage::Expect, view::View};

/// The entry: PKCS#8 DER (RFC 5958).
const KEY: &str = "response-key";

/// Reads the key, or makes it.
pub(super) async fn open(view: &View) -> Result<SigningKey, Error> {
    if let Some(entry) = view.get(KEY).await? {
        return Ok(SigningKey::from_pkcs8(
            ProofAlgorithm::Ed25519,
            entry.value,
        )?);
    }
    let key = SigningKey::generate(ProofAlgorithm::Ed25519)?;
    let change = Change::put(KEY, key.to_pkcs8()?).expecting(Expect::Absent);
    match view.commit(vec![change]).await {
        Ok(_) => Ok(key),
        // Another server over the same store was first.
        Err(Error::Conflict(_)) => {
            let entry = view.get(KEY).await?;
            let entry = entry.ok_or_else(|| Error::internal("the response key is gone"))?;
            Ok(SigningKey::from_pkcs8(
                ProofAlgorithm::Ed25519,
                entry.value,
            )?)
        }
        Err(error) => Err(error),
    }
}
