//! Keys that follow one another.

use std::{sync::Arc, time::Duration};

use super::{
    NamedKey, Oidc,
    key::{Half, Pair},
};
use crate::{Error, Timestamp};

impl Oidc {
    /// Rotates the keys whose time has come, and forgets those whose tokens are over, and codes that
    /// nobody came for.
    ///
    /// # Errors
    /// The store below failed; what is due is tried again at the next tick.
    pub(crate) async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        self.codes.tick(now);
        let due: Vec<String> = {
            let known = self.now();
            let due = known.keys.iter().filter(|(_, key)| key.is_due(now));
            due.map(|(name, _)| name.clone()).collect()
        };
        for name in due {
            let _changing = self.changing.lock().await;
            let known = (*self.now()).clone();
            // Gone or rotated since.
            let key = known.keys.get(&name).filter(|key| key.is_due(now)).cloned();
            let Some(key) = key else { continue };
            let new = match key.rotates <= now {
                true => key.rotated(None, now).await?,
                false => (*key).clone().pruned(now),
            };
            self.replace(known, &name, &key, new, None).await?;
        }
        Ok(())
    }
}

impl NamedKey {
    fn is_due(&self, now: Timestamp) -> bool {
        self.is_made() && (self.rotates <= now || self.retired.iter().any(|(_, end)| *end <= now))
    }

    /// Returns the key as it is once the next one signs. What the old one signed can be verified for
    /// `verification_ttl`, or as long as the key says.
    pub(super) async fn rotated(
        &self,
        verification_ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let Some(Pair { current, next }) = &self.pair else {
            return self.clone().renewed(now).await;
        };
        let mut key = self.clone();
        key.retire(current, verification_ttl, now)?;
        key.pair = Some(Pair {
            current: Arc::clone(next),
            next: Half::generate(self.settings.algorithm, now).await?,
        });
        Ok(key.begun_at(now))
    }

    /// Returns the key with another pair of keys of its algorithm.
    pub(super) async fn renewed(mut self, now: Timestamp) -> Result<Self, Error> {
        if let Some(pair) = self.pair.take() {
            self.retire(&pair.current, None, now)?;
        }
        self.pair = Some(Pair {
            current: Half::generate(self.settings.algorithm, now).await?,
            next: Half::generate(self.settings.algorithm, now).await?,
        });
        Ok(self.begun_at(now))
    }

    fn retire(
        &mut self,
        half: &Half,
        verification_ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let own = Duration::from_secs(self.settings.verification_ttl);
        let until = now.plus(verification_ttl.unwrap_or(own));
        self.retired.push((half.without_private()?, until));
        Ok(())
    }

    fn begun_at(mut self, now: Timestamp) -> Self {
        self.rotates = now.plus(Duration::from_secs(self.settings.rotation_period));
        self.pruned(now)
    }

    /// Returns the key without those whose tokens are over.
    fn pruned(mut self, now: Timestamp) -> Self {
        self.retired.retain(|(_, until)| now < *until);
        self
    }
}
