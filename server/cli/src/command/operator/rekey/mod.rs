//! `keyward operator rekey`: new unseal keys for the old ones.

use clap::Args;
use keyward_api::sys::{
    BeginRecoveryRekey, BeginRekey, CancelRecoveryRekey, CancelRekey, NewShares, ReadRecoveryRekey,
    ReadRecoveryRekeyVerification, ReadRekey, ReadRekeyVerification, RekeyProgress, RekeyStatus,
    RekeyVerification, RekeyVerificationStatus, RestartRecoveryRekeyVerification,
    RestartRekeyVerification, UpdateRecoveryRekey, UpdateRekey, VerifyRecoveryRekey, VerifyRekey,
};
use keyward_crypto::SecretString;

use super::{Step, answered, row, shown};
use crate::{
    arguments::Format,
    error::{Error, Outcome},
    output,
    session::Session,
};

/// Make new unseal keys or recovery keys, with a quorum of the present ones
///
/// One operator begins; then each holder of a present key runs the command and gives it. With
/// -verify the new keys become valid only after a quorum of them was given back, so that none can
/// be lost on the way: prefer it. Until then, and if it is cancelled, the present keys stay valid.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward operator rekey -init -verify -key-shares=5 -key-threshold=3
  keyward operator rekey                          ask for a present key
  keyward operator rekey -nonce=NONCE - < key.txt
  keyward operator rekey -verify                  ask for a new key
  keyward operator rekey -target=recovery -init   new recovery keys
  keyward operator rekey -status
  keyward operator rekey -cancel")]
pub(crate) struct Rekey {
    /// The key, or - for standard input; on the command line other users can see it.
    key: Option<String>,
    #[command(flatten)]
    step: Step,
    /// With -init: new keys must be given back before they are valid. Otherwise: the command is
    /// about giving them back.
    #[arg(long)]
    verify: bool,
    /// Which keys: barrier (the unseal keys, or the root key alone where a seal keeps the unseal
    /// key) or recovery.
    #[arg(long, value_name = "KEYS", default_value = "barrier")]
    target: Target,
    /// The nonce of the attempt, shown when it began; needed if the key is not asked for.
    #[arg(long)]
    nonce: Option<String>,
    /// Into how many keys the new one is split.
    #[arg(
        short = 'n',
        long,
        value_name = "NUMBER",
        default_value_t = 5,
        allow_negative_numbers = true
    )]
    key_shares: i64,
    /// How many of them are needed to unseal.
    #[arg(
        short = 't',
        long,
        value_name = "NUMBER",
        default_value_t = 3,
        allow_negative_numbers = true
    )]
    key_threshold: i64,
}

/// Which keys are made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    Barrier,
    #[value(alias = "hsm")]
    Recovery,
}

/// Calls one of two endpoints that answer alike.
macro_rules! by_target {
    ($target:expr, $session:expr, $doing:expr, $barrier:expr, $recovery:expr) => {
        match $target {
            Target::Barrier => $session.call($doing, "sys", &$barrier).await?,
            Target::Recovery => $session.call($doing, "sys", &$recovery).await?,
        }
    };
}

impl Rekey {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match (&self.step, self.verify) {
            (Step { init: true, .. }, _) => self.begin(session).await,
            (Step { cancel: true, .. }, verify) => cancel(session, self.target, verify).await,
            (Step { status: true, .. }, false) => {
                let status = read(session, self.target).await?;
                show_status(session, &status)
            }
            (Step { status: true, .. }, true) => {
                let status = read_verification(session, self.target).await?;
                show_verification(session, &status)
            }
            (_, false) => self.give(session).await,
            (_, true) => self.give_back(session).await,
        }
    }

    async fn begin(&self, session: &mut Session<'_, '_>) -> Outcome {
        let request = BeginRekey {
            secret_shares: Some(self.key_shares),
            secret_threshold: Some(self.key_threshold),
            require_verification: Some(self.verify),
            ..BeginRekey::default()
        };
        let begun = match self.target {
            Target::Barrier => session.call("initializing rekey", "sys", &request).await?,
            Target::Recovery => {
                let request = BeginRecoveryRekey(request);
                session.call("initializing rekey", "sys", &request).await?
            }
        };
        if !self.verify && session.format == Format::Table {
            session.io.complain(
                "WARNING! If you lose the keys after they are returned, there is no recovery.\n\
                 Consider canceling this operation and starting it again with -verify: then\n\
                 the present keys stay valid until the new ones were given back.\n",
            );
        }
        match answered(begun)? {
            RekeyProgress::Going(status) => show_status(session, &status),
            // There was no recovery key: nobody had to agree.
            RekeyProgress::Complete(made) => {
                let asked = (self.key_shares, self.key_threshold);
                show_new(session, &made, self.target, asked)
            }
        }
    }

    async fn give(self, session: &mut Session<'_, '_>) -> Outcome {
        let status = read(session, self.target).await?;
        if !status.started {
            return Err(Error::local(
                "No rekey is in progress. Start a rekey process by running \"keyward operator \
                 rekey -init\".",
            ));
        }
        let target = self.target;
        let (key, nonce) = self.share(session, &status.nonce, "Rekey operation nonce")?;
        let request = UpdateRekey {
            key: Some(key.into()),
            nonce: Some(nonce),
        };
        let given = match target {
            Target::Barrier => session.call("posting unseal key", "sys", &request).await?,
            Target::Recovery => {
                let request = UpdateRecoveryRekey(request);
                session.call("posting unseal key", "sys", &request).await?
            }
        };
        match answered(given)? {
            RekeyProgress::Going(status) => show_status(session, &status),
            RekeyProgress::Complete(made) => {
                let asked = (i64::from(status.n), i64::from(status.t));
                show_new(session, &made, target, asked)
            }
        }
    }

    async fn give_back(self, session: &mut Session<'_, '_>) -> Outcome {
        let status = read_verification(session, self.target).await?;
        let target = self.target;
        let (key, nonce) = self.share(session, &status.nonce, "Rekey verification nonce")?;
        let request = VerifyRekey {
            key: Some(key.into()),
            nonce: Some(nonce),
        };
        let given = match target {
            Target::Barrier => session.call("posting unseal key", "sys", &request).await?,
            Target::Recovery => {
                let request = VerifyRecoveryRekey(request);
                session.call("posting unseal key", "sys", &request).await?
            }
        };
        match answered(given)? {
            RekeyVerification::Going(status) => show_verification(session, &status),
            RekeyVerification::Complete(verified) => match session.format {
                Format::Table => Ok(session.io.print(
                    "Rekey verification successful. The rekey operation is complete and the new\n\
                     keys are now active.\n",
                )?),
                Format::Json | Format::Yaml => session.show_value(&shown(&verified)?),
            },
        }
    }

    /// Returns the key, and the nonce that goes with it.
    fn share(
        self,
        session: &mut Session<'_, '_>,
        running: &str,
        named: &str,
    ) -> Outcome<(SecretString, String)> {
        super::share(session, self.key.as_deref(), self.nonce, running, named)
    }
}

async fn read(session: &Session<'_, '_>, target: Target) -> Outcome<RekeyStatus> {
    answered(by_target!(
        target,
        session,
        "reading rekey status",
        ReadRekey::default(),
        ReadRecoveryRekey::default()
    ))
}

async fn read_verification(
    session: &Session<'_, '_>,
    target: Target,
) -> Outcome<RekeyVerificationStatus> {
    answered(by_target!(
        target,
        session,
        "reading rekey verification status",
        ReadRekeyVerification::default(),
        ReadRecoveryRekeyVerification::default()
    ))
}

async fn cancel(session: &mut Session<'_, '_>, target: Target, verify: bool) -> Outcome {
    if verify {
        by_target!(
            target,
            session,
            "canceling rekey verification",
            RestartRekeyVerification::default(),
            RestartRecoveryRekeyVerification::default()
        );
        return session.success("Canceled rekey verification (if it was started)");
    }
    by_target!(
        target,
        session,
        "canceling rekey",
        CancelRekey::default(),
        CancelRecoveryRekey::default()
    );
    session.success("Canceled rekeying (if it was started)")
}

fn show_status(session: &mut Session<'_, '_>, status: &RekeyStatus) -> Outcome {
    if session.format != Format::Table {
        return session.show_value(&shown(status)?);
    }
    let mut rows = vec![row("Nonce", &status.nonce), row("Started", status.started)];
    if status.started {
        rows.extend([
            row(
                "Progress",
                format!("{}/{}", status.progress, status.required),
            ),
            row("New Shares", status.n),
            row("New Threshold", status.t),
            row("Verification Required", status.verification_required),
        ]);
    }
    if !status.verification_nonce.is_empty() {
        rows.push(row("Verification Nonce", &status.verification_nonce));
    }
    Ok(session.io.print(&output::pairs(rows))?)
}

fn show_verification(session: &mut Session<'_, '_>, status: &RekeyVerificationStatus) -> Outcome {
    if session.format != Format::Table {
        return session.show_value(&shown(status)?);
    }
    let progress = format!("{}/{}", status.progress, status.t);
    let rows = vec![
        row("Started", status.started),
        row("New Shares", status.n),
        row("New Threshold", status.t),
        row("Verification Nonce", &status.nonce),
        row("Verification Progress", progress),
    ];
    Ok(session.io.print(&output::pairs(rows))?)
}

/// Shows the new keys, once.
fn show_new(
    session: &mut Session<'_, '_>,
    made: &NewShares,
    target: Target,
    (n, t): (i64, i64),
) -> Outcome {
    if session.format != Format::Table {
        return session.show_value(&shown(made)?);
    }
    if made.keys.is_empty() {
        return session.success("The root key is new; the seal goes on unsealing the server");
    }
    let name = match target {
        Target::Barrier => "unseal",
        Target::Recovery => "recovery",
    };
    let mut text = "\n".to_owned();
    for (at, share) in made.keys_base64.iter().enumerate() {
        // EXPOSE: shown once to the operator who asked.
        text.push_str(&format!("Key {}: {}\n", at + 1, share.expose()));
    }
    text.push_str(&format!("\nOperation nonce: {}\n\n", made.nonce));
    if made.verification_required {
        text.push_str(&format!(
            "Vault has created a new {name} key, split into {n} key shares and a key threshold\n\
             of {t}. These will not be active until after verification is complete: give the\n\
             shares to their holders now, and let {t} of them run\n\
             \"keyward operator rekey -verify\". Keep the present keys until then; if you cancel\n\
             the rekey or seal the server before, they remain valid and the new ones are\n\
             discarded.\n\nVerification nonce: {}\n",
            made.verification_nonce
        ));
    } else {
        text.push_str(&format!(
            "Vault {name} keys rekeyed to {n} key shares and a key threshold of {t}. Give\n\
             the shares to different people now: they are shown this once and kept nowhere.\n\
             The old keys are no longer valid.\n"
        ));
    }
    Ok(session.io.print(&text)?)
}
