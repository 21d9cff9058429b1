//! `keyward operator rotate-keys`, and `keyward operator rekey` over the older paths: new unseal
//! keys for the present ones.

mod paths;

use clap::Args;
use keyward_api::sys::{
    BeginRekey, NewShares, RekeyBackup, RekeyProgress, RekeyStatus, RekeyVerification,
    RekeyVerificationStatus, UpdateRekey, VerifyRekey,
};
use keyward_crypto::SecretString;
use paths::{Family, Paths, Target};

use super::{Step, pgp, row, shown};
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
///
/// Vault and older OpenBao know it as `operator rekey`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward operator rotate-keys -init -verify -key-shares=5 -key-threshold=3
  keyward operator rotate-keys                    ask for a present key
  keyward operator rotate-keys -nonce=NONCE - < key.txt
  keyward operator rotate-keys -verify            ask for a new key
  keyward operator rotate-keys -target=recovery -init
                                                  new recovery keys
  keyward operator rotate-keys -init -key-shares=2 -key-threshold=2 -pgp-keys=ada.asc,ben.asc \
    -backup                                       each new key encrypted to its holder, and kept
  keyward operator rotate-keys -backup-retrieve
  keyward operator rotate-keys -status
  keyward operator rotate-keys -cancel")]
pub(crate) struct RotateKeys {
    #[command(flatten)]
    attempt: Attempt,
}

impl RotateKeys {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        self.attempt.run(session, Family::Rotate).await
    }
}

/// Make new unseal keys or recovery keys, as rotate-keys does, over Vault's paths
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
  keyward operator rekey -init -key-shares=2 -key-threshold=2 -pgp-keys=ada.asc,ben.asc -backup
                                                  each new key encrypted to its holder, and kept
  keyward operator rekey -backup-retrieve
  keyward operator rekey -status
  keyward operator rekey -cancel")]
pub(crate) struct Rekey {
    #[command(flatten)]
    attempt: Attempt,
}

impl Rekey {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        self.attempt.run(session, Family::Rekey).await
    }
}

// No doc comment: it would stand in the place of what the commands say of themselves.
#[derive(Args, Debug)]
struct Attempt {
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
    /// With -init: files with the OpenPGP public keys that the new keys are encrypted to: as many as
    /// new keys, in their order, armored or binary.
    #[arg(long, value_name = "FILES", value_delimiter = ',', requires = "init")]
    pgp_keys: Vec<String>,
    /// With -init and -pgp-keys: keep the encrypted keys at the server as well, until -backup-delete.
    #[arg(long, requires = "pgp_keys")]
    backup: bool,
    /// Print the encrypted keys that were kept.
    #[arg(long, group = "mode", conflicts_with = "key")]
    backup_retrieve: bool,
    /// Remove the encrypted keys that were kept.
    #[arg(long, group = "mode", conflicts_with = "key")]
    backup_delete: bool,
}

impl Attempt {
    async fn run(self, session: &mut Session<'_, '_>, family: Family) -> Outcome {
        let target = self.target;
        let paths = Paths { family, target };
        if self.backup_retrieve {
            let backup = paths.read_backup(session).await?;
            return show_backup(session, &backup);
        }
        if self.backup_delete {
            paths.delete_backup(session).await?;
            return session.success("Deleted the encrypted keys (if they were kept)");
        }
        match (&self.step, self.verify) {
            (Step { init: true, .. }, _) => self.begin(session, paths).await,
            (Step { cancel: true, .. }, true) => {
                paths.restart_verification(session).await?;
                let what = family.what();
                session.success(&format!("Canceled {what} verification (if it was started)"))
            }
            (Step { cancel: true, .. }, false) => {
                paths.cancel(session).await?;
                let doing = family.doing();
                session.success(&format!("Canceled {doing} (if it was started)"))
            }
            (Step { status: true, .. }, false) => {
                let status = paths.read(session).await?;
                show_status(session, &status)
            }
            (Step { status: true, .. }, true) => {
                let status = paths.read_verification(session).await?;
                show_verification(session, &status)
            }
            (_, false) => self.give(session, paths).await,
            (_, true) => self.give_back(session, paths).await,
        }
    }

    async fn begin(&self, session: &mut Session<'_, '_>, paths: Paths) -> Outcome {
        let request = BeginRekey {
            secret_shares: Some(self.key_shares),
            secret_threshold: Some(self.key_threshold),
            require_verification: Some(self.verify),
            pgp_keys: pgp::read_all(&self.pgp_keys)?,
            backup: self.backup.then_some(true),
        };
        let begun = paths.begin(session, request).await?;
        if !self.verify && session.format == Format::Table {
            session.io.complain(
                "WARNING! If you lose the keys after they are returned, there is no recovery.\n\
                 Consider canceling this operation and starting it again with -verify: then\n\
                 the present keys stay valid until the new ones were given back.\n",
            );
        }
        match begun {
            RekeyProgress::Going(status) => show_status(session, &status),
            // There was no recovery key: nobody had to agree.
            RekeyProgress::Complete(made) => {
                let asked = (self.key_shares, self.key_threshold);
                show_new(session, &made, paths, asked)
            }
        }
    }

    async fn give(self, session: &mut Session<'_, '_>, paths: Paths) -> Outcome {
        let status = paths.read(session).await?;
        if !status.started {
            let (what, command) = (paths.family.what(), paths.family.command());
            return Err(Error::local(format!(
                "No {what} is in progress. Start a {what} process by running \"keyward operator \
                 {command} -init\"."
            )));
        }
        let (key, nonce) = self.share(session, &status.nonce, paths, "operation")?;
        let request = UpdateRekey {
            key: Some(key.into()),
            nonce: Some(nonce),
        };
        match paths.update(session, request).await? {
            RekeyProgress::Going(status) => show_status(session, &status),
            RekeyProgress::Complete(made) => {
                let asked = (i64::from(status.n), i64::from(status.t));
                show_new(session, &made, paths, asked)
            }
        }
    }

    async fn give_back(self, session: &mut Session<'_, '_>, paths: Paths) -> Outcome {
        let status = paths.read_verification(session).await?;
        let (key, nonce) = self.share(session, &status.nonce, paths, "verification")?;
        let request = VerifyRekey {
            key: Some(key.into()),
            nonce: Some(nonce),
        };
        match paths.verify(session, request).await? {
            RekeyVerification::Going(status) => show_verification(session, &status),
            RekeyVerification::Complete(verified) => match session.format {
                Format::Table => Ok(session.io.print(paths.family.verified())?),
                Format::Json | Format::Yaml => session.show_value(&shown(&verified)?),
            },
        }
    }

    /// Returns the key, and the nonce that goes with it.
    fn share(
        self,
        session: &mut Session<'_, '_>,
        running: &str,
        paths: Paths,
        of: &str,
    ) -> Outcome<(SecretString, String)> {
        let named = format!("{} {of} nonce", paths.family.name());
        super::share(session, self.key.as_deref(), self.nonce, running, &named)
    }
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
    if let Some(fingerprints) = &status.pgp_fingerprints {
        rows.push(row("PGP Fingerprints", fingerprints.join(", ")));
        rows.push(row("Backup", status.backup));
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
    Paths { family, target }: Paths,
    (n, t): (i64, i64),
) -> Outcome {
    if session.format != Format::Table {
        return session.show_value(&shown(made)?);
    }
    if made.keys.is_empty() {
        return session.success("The root key is new; the seal goes on unsealing the server");
    }
    let (name, flag) = match target {
        Target::Barrier => ("unseal", ""),
        Target::Recovery => ("recovery", " -target=recovery"),
    };
    let mut text = "\n".to_owned();
    let fingerprints = made.pgp_fingerprints.as_deref().unwrap_or_default();
    for (at, share) in made.keys_base64.iter().enumerate() {
        let of = match fingerprints.get(at) {
            Some(fingerprint) => format!(" fingerprint: {fingerprint}; value"),
            None => String::new(),
        };
        // EXPOSE: shown once to the operator who asked.
        text.push_str(&format!("Key {}{of}: {}\n", at + 1, share.expose()));
    }
    text.push_str(&format!("\nOperation nonce: {}\n\n", made.nonce));
    if made.verification_required {
        text.push_str(&format!(
            "Vault has created a new {name} key, split into {n} key shares and a key threshold\n\
             of {t}. These will not be active until after verification is complete: give the\n\
             shares to their holders now, and let {t} of them run\n\
             \"keyward operator {command}{flag} -verify\".\n\
             Keep the present keys until then; if you cancel the {what} or seal the server\n\
             before, they remain valid and the new ones are discarded.\n\nVerification nonce: {nonce}\n",
            command = family.command(),
            what = family.what(),
            nonce = made.verification_nonce
        ));
    } else {
        text.push_str(&format!(
            "Vault {name} keys {done} to {n} key shares and a key threshold of {t}. Give\n\
             the shares to different people now: they are shown this once and kept nowhere.\n\
             The old keys are no longer valid.\n",
            done = family.done()
        ));
    }
    if made.backup {
        text.push_str(&format!(
            "The encrypted keys are kept at the server: \"keyward operator {command}{flag} \
             -backup-retrieve\"\nprints them, and -backup-delete removes them.\n",
            command = family.command()
        ));
    }
    Ok(session.io.print(&text)?)
}

/// Shows the encrypted keys that were kept.
fn show_backup(session: &mut Session<'_, '_>, backup: &RekeyBackup) -> Outcome {
    if session.format != Format::Table {
        return session.show_value(&shown(backup)?);
    }
    let mut rows = vec![row("Nonce", &backup.nonce)];
    for (fingerprint, keys) in &backup.keys_base64 {
        // EXPOSE: encrypted, and shown to the operator who asked.
        rows.extend(keys.iter().map(|key| row(fingerprint, key.expose())));
    }
    Ok(session.io.print(&output::pairs(rows))?)
}
