//! Who gets the shares of a key: whoever asks, or people whose keys they are encrypted to.

use keyward_api::Sensitive;
use keyward_crypto::{SecretBytes, encoding};

use super::{PgpKey, off_thread};
use crate::{Error, Timestamp};

/// The keys of those who get shares, one for each share; or none, where shares are shown as they
/// are.
#[derive(Debug, Default)]
pub struct Holders(Vec<PgpKey>);

/// Shares as an answer shows them.
#[derive(Debug, Default)]
pub struct ShownShares {
    /// In hexadecimal.
    pub hex: Vec<Sensitive>,
    /// The same in base64.
    pub base64: Vec<Sensitive>,
}

impl Holders {
    /// Reads the keys of the holders of `shares` shares, off the threads that serve requests; no keys
    /// are no holders.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are not as many keys as shares, or one of them is bad.
    pub async fn read(keys: Vec<String>, shares: u8, now: Timestamp) -> Result<Self, Error> {
        if !keys.is_empty() && keys.len() != usize::from(shares) {
            return Err(Error::invalid(
                "count mismatch between number of provided PGP keys and number of shares",
            ));
        }
        off_thread(move || {
            let keys = keys.iter().map(|key| PgpKey::parse(key, now));
            keys.collect::<Result<_, _>>().map(Self)
        })
        .await
    }

    /// Tells whether there are none: shares are shown as they are.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the fingerprints of their keys; none without keys.
    #[must_use]
    pub fn fingerprints(&self) -> Option<Vec<String>> {
        let fingerprints = self.0.iter().map(|key| key.fingerprint().to_owned());
        (!self.is_empty()).then(|| fingerprints.collect())
    }

    /// Returns the shares as they are to be shown. Of a share that has a holder, what is encrypted
    /// is its hexadecimal text, as in Vault.
    ///
    /// # Errors
    /// [`Error::Internal`] if there are other shares than was said.
    pub fn show(&self, shares: &[SecretBytes]) -> Result<ShownShares, Error> {
        if self.is_empty() {
            // EXPOSE: shown once to the operator who asked.
            let hex = |share: &SecretBytes| Sensitive::new(encoding::encode_hex(share.expose()));
            let base64 = |share: &SecretBytes| encoding::encode_secret(share).into();
            return Ok(ShownShares {
                hex: shares.iter().map(hex).collect(),
                base64: shares.iter().map(base64).collect(),
            });
        }
        if self.0.len() != shares.len() {
            return Err(Error::internal("not every share has a holder"));
        }
        let mut shown = ShownShares::default();
        for (key, share) in self.0.iter().zip(shares) {
            // EXPOSE: encrypted to its holder.
            let text = SecretBytes::new(encoding::encode_hex(share.expose()).into_bytes());
            let message = key.encrypt(&text)?;
            shown
                .hex
                .push(Sensitive::new(encoding::encode_hex(&message)));
            shown
                .base64
                .push(Sensitive::new(encoding::encode(&message)));
        }
        Ok(shown)
    }
}
