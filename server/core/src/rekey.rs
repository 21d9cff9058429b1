//! Rekeying: holders of the present shares make new ones.
//!
//! ```text
//! idle ─ begin ─▶ gathering ─ enough shares ─▶ idle, the new shares are valid
//!                     │
//!                     └ enough shares, to be verified ─▶ verifying
//!                                  │  ▲ wrong ones, or begun anew: another nonce
//!                                  └──┘
//!                       verifying ─ enough new shares ─▶ idle, the new shares are valid
//! ```
//!
//! Where a seal keeps the unseal key, people have shares of a recovery key: a quorum of them makes
//! new recovery shares, or has the root key made anew, which gives nobody new shares.
//!
//! Cancelling and sealing lead back to idle from anywhere, with the old shares valid. Where the
//! store cannot say whether it took the new ones, they go to be verified even if that was not asked
//! for: the caller then holds both and loses nothing.
//!
//! **Invariant:** there is one attempt at a time, and it holds fewer shares than a threshold;
//! nothing of it is stored before the one commit that makes the new shares valid, but shares that
//! are encrypted to their holders, if that was asked for.

use std::sync::Arc;

use keyward_api::sys::{
    NewShares, RekeyProgress, RekeyStatus, RekeyVerification, RekeyVerificationStatus,
    RekeyVerified,
};
use keyward_crypto::SecretBytes;
use tokio::sync::Mutex;

use crate::{
    Error, Holders, ShownShares, View,
    keys::Keys,
    quorum::{Given, Quorum},
    seal::{self, SealConfig},
};

mod backup;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use words::Words;

/// Where shares are kept that are encrypted to their holders.
pub(crate) const BACKUPS: &str = "sys/rekey-backup/";

/// Which key is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// What opens the barrier: the unseal key, or the root key alone where a seal keeps the other.
    Barrier,
    /// The recovery key.
    Recovery,
}

/// The state of rekeying.
pub(crate) struct Rekey {
    target: Target,
    /// Held over the whole of a step, so that steps come one after the other.
    attempt: Mutex<Option<Attempt>>,
    /// Where encrypted shares are kept.
    backups: View,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How the new key is to be split.
    pub(crate) split: SealConfig,
    /// Whether the new shares become valid only after their holders have given them back.
    pub(crate) verification_required: bool,
    /// Whose the new shares will be.
    pub(crate) holders: Arc<Holders>,
    /// Whether the encrypted shares are kept as well.
    pub(crate) backup: bool,
}

struct Attempt {
    plan: Plan,
    given: Quorum,
    unverified: Option<Unverified>,
}

/// New shares that were handed out and are not valid yet.
struct Unverified {
    key: SecretBytes,
    given: Quorum,
}

impl Rekey {
    /// Makes the state before the first attempt; encrypted shares are kept in a folder.
    pub(crate) fn new(target: Target, backups: View) -> Self {
        Self {
            target,
            attempt: Mutex::default(),
            backups,
        }
    }

    /// Tells how far it is.
    pub(crate) async fn status(&self, keys: &Keys) -> RekeyStatus {
        status(self.attempt.lock().await.as_ref(), keys)
    }

    /// Begins an attempt. The first recovery key needs nobody's shares: it is made at once.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is one, or there is no such key to make.
    pub(crate) async fn begin(
        &self,
        mut plan: Plan,
        keys: &Keys,
        words: Words,
    ) -> Result<RekeyProgress, Error> {
        match (self.target, keys.lock().is_auto()) {
            (Target::Recovery, false) => {
                return Err(words.no_recovery());
            }
            (Target::Barrier, true) if keys.seal_config() == SealConfig::NONE => {
                return Err(Error::invalid(
                    "there are no recovery keys that could agree; make some with \
                     sys/rotate/recovery/init",
                ));
            }
            (Target::Barrier, true) if !plan.holders.is_empty() => {
                return Err(Error::invalid(
                    "PGP key encryption not supported when using stored keys",
                ));
            }
            // Nobody gets shares.
            (Target::Barrier, true) => {
                plan = Plan {
                    split: SealConfig::NONE,
                    verification_required: false,
                    holders: Arc::default(),
                    backup: false,
                };
            }
            (Target::Barrier, false) | (Target::Recovery, true) => {}
        }
        let mut attempt = self.attempt.lock().await;
        if attempt.is_some() {
            return Err(words.in_progress());
        }
        let begun = attempt.insert(Attempt {
            plan,
            given: Quorum::begin(),
            unverified: None,
        });
        if keys.seal_config() == SealConfig::NONE {
            let agreed = self.agreed(&mut attempt, keys).await;
            // Nobody could go on with it.
            if agreed.is_err() {
                *attempt = None;
            }
            return agreed;
        }
        Ok(RekeyProgress::Going(status(Some(begun), keys)))
    }

    /// Forgets the attempt, and new shares that were not verified.
    pub(crate) async fn cancel(&self) {
        *self.attempt.lock().await = None;
    }

    /// Takes one of the present shares; with the last one needed, makes the new ones.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the share does not belong here, or the shares together are wrong;
    /// then the count begins anew. Otherwise the store failed, and the present shares stay valid.
    pub(crate) async fn update(
        &self,
        share: SecretBytes,
        nonce: &str,
        keys: &Keys,
        words: Words,
    ) -> Result<RekeyProgress, Error> {
        let present = keys.seal_config();
        present.check_share(&share)?;
        let mut held = self.attempt.lock().await;
        let attempt = held
            .as_mut()
            .ok_or_else(|| words.not_in_progress(self.name()))?;
        if let Some(unverified) = &attempt.unverified {
            return Err(words.finished(unverified.given.nonce()));
        }
        if nonce != attempt.given.nonce() {
            return Err(words.of_another(attempt.given.nonce()));
        }
        let shares = match attempt.given.give(share, present.threshold) {
            Given::Again => return Err(words.given_again()),
            Given::More => return Ok(RekeyProgress::Going(status(Some(attempt), keys))),
            Given::Enough(shares) => shares,
        };
        if !keys.opens(&shares).await? {
            return Err(Error::invalid(
                "failed to read root key: invalid key: failed to decrypt keys from storage: \
                 cipher: message authentication failed",
            ));
        }
        self.agreed(&mut held, keys).await
    }

    /// Makes the new key, once a quorum agrees.
    async fn agreed(
        &self,
        held: &mut Option<Attempt>,
        keys: &Keys,
    ) -> Result<RekeyProgress, Error> {
        let gone = || Error::internal("the attempt is gone");
        let attempt = held.as_mut().ok_or_else(gone)?;
        let split = attempt.plan.split;
        if split == SealConfig::NONE {
            let made = made(attempt, ShownShares::default());
            keys.rotate_root().await?;
            *held = None;
            return Ok(RekeyProgress::Complete(made));
        }
        let key = seal::generate_key();
        let shares = attempt.plan.holders.show(&seal::split(&key, split)?)?;
        let mut made = made(attempt, shares);
        // Before they become valid: the answer may be lost.
        if attempt.plan.backup {
            self.keep(&made).await?;
        }
        if !attempt.plan.verification_required {
            match keys.rekey(split, &key).await {
                Ok(()) => {
                    *held = None;
                    return Ok(RekeyProgress::Complete(made));
                }
                Err(Error::Internal(error)) => {
                    tracing::error!(%error, "it is not known whether the new shares are valid");
                }
                Err(error) => return Err(error),
            }
        }
        let given = Quorum::begin();
        made.verification_required = true;
        given.nonce().clone_into(&mut made.verification_nonce);
        attempt.plan.verification_required = true;
        attempt.unverified = Some(Unverified { key, given });
        Ok(RekeyProgress::Complete(made))
    }

    fn name(&self) -> &'static str {
        match self.target {
            Target::Barrier => "barrier",
            Target::Recovery => "recovery",
        }
    }

    /// Tells how far the verification is.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no new shares wait for it.
    pub(crate) async fn verification(
        &self,
        words: Words,
    ) -> Result<RekeyVerificationStatus, Error> {
        let mut held = self.attempt.lock().await;
        let (plan, unverified) = unverified(held.as_mut()).ok_or_else(|| words.not_configured())?;
        Ok(verification_status(&plan, unverified))
    }

    /// Forgets the new shares given back so far.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no new shares wait for it.
    pub(crate) async fn restart_verification(
        &self,
        words: Words,
    ) -> Result<RekeyVerificationStatus, Error> {
        let mut held = self.attempt.lock().await;
        let (plan, unverified) = unverified(held.as_mut()).ok_or_else(|| words.not_configured())?;
        unverified.given = Quorum::begin();
        Ok(verification_status(&plan, unverified))
    }

    /// Takes one of the new shares back; with the last one needed, they become valid.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub(crate) async fn verify(
        &self,
        share: SecretBytes,
        nonce: &str,
        keys: &Keys,
        words: Words,
    ) -> Result<RekeyVerification, Error> {
        let mut held = self.attempt.lock().await;
        let waiting = unverified(held.as_mut());
        let (plan, unverified) = waiting.ok_or_else(|| words.nothing_to_verify())?;
        plan.split.check_share(&share)?;
        if nonce != unverified.given.nonce() {
            return Err(Error::Invalid(format!(
                "incorrect nonce supplied; nonce for this verify operation is {:?}",
                unverified.given.nonce()
            )));
        }
        let shares = match unverified.given.give(share, plan.split.threshold) {
            Given::Again => {
                return Err(Error::invalid(
                    "given key has already been provided during this verify operation",
                ));
            }
            Given::More => {
                let status = verification_status(&plan, unverified);
                return Ok(RekeyVerification::Going(status));
            }
            Given::Enough(shares) => shares,
        };
        if seal::combine(plan.split, &shares).as_ref() != Some(&unverified.key) {
            unverified.given = Quorum::begin();
            return Err(words.not_verified());
        }
        keys.rekey(plan.split, &unverified.key).await?;
        let nonce = unverified.given.nonce().to_owned();
        *held = None;
        Ok(RekeyVerification::Complete(RekeyVerified {
            nonce,
            complete: true,
        }))
    }
}

/// Returns the answer that shows new shares.
fn made(attempt: &Attempt, shares: ShownShares) -> NewShares {
    NewShares {
        nonce: attempt.given.nonce().to_owned(),
        complete: true,
        keys: shares.hex,
        keys_base64: shares.base64,
        pgp_fingerprints: attempt.plan.holders.fingerprints(),
        backup: attempt.plan.backup,
        verification_required: attempt.plan.verification_required,
        verification_nonce: String::new(),
    }
}

/// Returns the new shares that wait to be verified.
fn unverified(attempt: Option<&mut Attempt>) -> Option<(Plan, &mut Unverified)> {
    attempt.and_then(|attempt| Some((attempt.plan.clone(), attempt.unverified.as_mut()?)))
}

fn status(attempt: Option<&Attempt>, keys: &Keys) -> RekeyStatus {
    let required = keys.seal_config().threshold;
    let Some(attempt) = attempt else {
        return RekeyStatus {
            required,
            ..RekeyStatus::default()
        };
    };
    let plan = &attempt.plan;
    let verification = attempt.unverified.as_ref();
    RekeyStatus {
        nonce: attempt.given.nonce().to_owned(),
        started: true,
        t: plan.split.threshold,
        n: plan.split.shares,
        progress: attempt.given.progress(),
        required,
        pgp_fingerprints: plan.holders.fingerprints(),
        backup: plan.backup,
        verification_required: plan.verification_required,
        verification_nonce: verification
            .map_or("", |unverified| unverified.given.nonce())
            .to_owned(),
    }
}

fn verification_status(plan: &Plan, unverified: &Unverified) -> RekeyVerificationStatus {
    RekeyVerificationStatus {
        nonce: unverified.given.nonce().to_owned(),
        started: true,
        t: plan.split.threshold,
        n: plan.split.shares,
        progress: unverified.given.progress(),
    }
}
