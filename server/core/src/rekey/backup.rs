//! The encrypted shares that are kept for holders whom the answer does not reach.
//!
//! What was made last is kept, whether it became valid or not: its nonce says which attempt it is
//! of. It is kept as it is answered, sealed by the barrier.

use std::collections::BTreeMap;

use keyward_api::sys::{NewShares, RekeyBackup};

use super::Rekey;
use crate::Error;

impl Rekey {
    /// Returns what is kept.
    ///
    /// # Errors
    /// [`Error::Invalid`] if nothing is; otherwise the store failed.
    pub(crate) async fn backup(&self) -> Result<RekeyBackup, Error> {
        let kept = self.backups.get_as(self.name()).await?;
        let (backup, _) = kept.ok_or_else(|| Error::invalid("no backed-up keys found"))?;
        Ok(backup)
    }

    /// Removes what is kept.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn remove_backup(&self) -> Result<(), Error> {
        self.backups.delete(self.name()).await
    }

    /// Keeps shares that were made, in the place of earlier ones.
    pub(super) async fn keep(&self, made: &NewShares) -> Result<(), Error> {
        let fingerprints = made.pgp_fingerprints.as_deref().unwrap_or_default();
        let mut backup = RekeyBackup {
            nonce: made.nonce.clone(),
            keys: BTreeMap::new(),
            keys_base64: BTreeMap::new(),
        };
        let shares = made.keys.iter().zip(&made.keys_base64);
        for (fingerprint, (hex, base64)) in fingerprints.iter().zip(shares) {
            let keys = backup.keys.entry(fingerprint.clone()).or_default();
            keys.push(hex.duplicate());
            let keys = backup.keys_base64.entry(fingerprint.clone()).or_default();
            keys.push(base64.duplicate());
        }
        self.backups.put_as(self.name(), &backup).await
    }
}
