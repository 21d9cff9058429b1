//! Which endpoints make new keys, and how what they do is called.

use keyward_api::{
    Reply,
    sys::{
        BeginRecoveryRekey, BeginRecoveryRotation, BeginRekey, BeginRootRotation,
        CancelRecoveryRekey, CancelRecoveryRotation, CancelRekey, CancelRootRotation,
        DeleteRecoveryRekeyBackup, DeleteRecoveryRotationBackup, DeleteRekeyBackup,
        DeleteRootRotationBackup, ReadRecoveryRekey, ReadRecoveryRekeyBackup,
        ReadRecoveryRekeyVerification, ReadRecoveryRotation, ReadRecoveryRotationBackup,
        ReadRecoveryRotationVerification, ReadRekey, ReadRekeyBackup, ReadRekeyVerification,
        ReadRootRotation, ReadRootRotationBackup, ReadRootRotationVerification, RekeyBackup,
        RekeyProgress, RekeyStatus, RekeyVerification, RekeyVerificationStatus,
        RestartRecoveryRekeyVerification, RestartRecoveryRotationVerification,
        RestartRekeyVerification, RestartRootRotationVerification, UpdateRecoveryRekey,
        UpdateRecoveryRotation, UpdateRekey, UpdateRootRotation, VerifyRecoveryRekey,
        VerifyRecoveryRotation, VerifyRekey, VerifyRootRotation,
    },
};

use super::super::answered;
use crate::{error::Outcome, session::Session};

/// Which keys are made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Target {
    Barrier,
    #[value(alias = "hsm")]
    Recovery,
}

/// The paths by which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `sys/rekey` and `sys/rekey-recovery-key`, which Vault knows too.
    Rekey,
    /// `sys/rotate/root` and `sys/rotate/recovery`.
    Rotate,
}

impl Family {
    /// Returns the name of the command.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Rekey => "rekey",
            Self::Rotate => "rotate-keys",
        }
    }

    /// Returns what is going on, within a sentence.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Rekey => "rekey",
            Self::Rotate => "rotation",
        }
    }

    /// Returns what is being done.
    pub(super) const fn doing(self) -> &'static str {
        match self {
            Self::Rekey => "rekeying",
            Self::Rotate => "rotation",
        }
    }

    /// Returns what was done.
    pub(super) const fn done(self) -> &'static str {
        match self {
            Self::Rekey => "rekeyed",
            Self::Rotate => "rotated",
        }
    }

    /// Returns what is going on, where a sentence begins.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rekey => "Rekey",
            Self::Rotate => "Rotation",
        }
    }

    /// Returns what is said when enough of the new keys were given back.
    pub(super) const fn verified(self) -> &'static str {
        match self {
            Self::Rekey => {
                "Rekey verification successful. The rekey operation is complete and the new\n\
                 keys are now active.\n"
            }
            Self::Rotate => {
                "Rotation verification successful. The rotation is complete and the new keys\n\
                 are now active.\n"
            }
        }
    }
}

/// The endpoints of one kind of key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paths {
    pub(super) family: Family,
    pub(super) target: Target,
}

/// Calls the one endpoint that is meant of four, and does the same with what each answers.
macro_rules! call {
    (
        $paths:ident, $session:ident, $doing:expr, $then:expr;
        $rekey:expr, $recovery_rekey:expr, $rotation:expr, $recovery_rotation:expr $(,)?
    ) => {{
        let doing = $doing;
        match ($paths.family, $paths.target) {
            (Family::Rekey, Target::Barrier) => $then($session.call(&doing, "sys", &$rekey).await?),
            (Family::Rekey, Target::Recovery) => {
                $then($session.call(&doing, "sys", &$recovery_rekey).await?)
            }
            (Family::Rotate, Target::Barrier) => {
                $then($session.call(&doing, "sys", &$rotation).await?)
            }
            (Family::Rotate, Target::Recovery) => {
                $then($session.call(&doing, "sys", &$recovery_rotation).await?)
            }
        }
    }};
}

impl Paths {
    pub(super) async fn read(self, session: &Session<'_, '_>) -> Outcome<RekeyStatus> {
        call!(
            self, session, format!("reading {} status", self.family.what()), alike;
            ReadRekey::default(),
            ReadRecoveryRekey::default(),
            ReadRootRotation::default(),
            ReadRecoveryRotation::default(),
        )
    }

    pub(super) async fn begin(
        self,
        session: &Session<'_, '_>,
        request: BeginRekey,
    ) -> Outcome<RekeyProgress> {
        call!(
            self, session, format!("initializing {}", self.family.what()), alike;
            request,
            BeginRecoveryRekey(request),
            BeginRootRotation(request),
            BeginRecoveryRotation(request),
        )
    }

    pub(super) async fn update(
        self,
        session: &Session<'_, '_>,
        request: UpdateRekey,
    ) -> Outcome<RekeyProgress> {
        let key = match self.target {
            Target::Barrier => "unseal",
            Target::Recovery => "recovery",
        };
        call!(
            self, session, format!("posting {key} key"), alike;
            request,
            UpdateRecoveryRekey(request),
            UpdateRootRotation(request),
            UpdateRecoveryRotation(request),
        )
    }

    pub(super) async fn cancel(self, session: &Session<'_, '_>) -> Outcome {
        call!(
            self, session, format!("canceling {}", self.family.what()), unread;
            CancelRekey::default(),
            CancelRecoveryRekey::default(),
            CancelRootRotation::default(),
            CancelRecoveryRotation::default(),
        )
    }

    pub(super) async fn read_verification(
        self,
        session: &Session<'_, '_>,
    ) -> Outcome<RekeyVerificationStatus> {
        call!(
            self, session, format!("reading {} verification status", self.family.what()), alike;
            ReadRekeyVerification::default(),
            ReadRecoveryRekeyVerification::default(),
            ReadRootRotationVerification::default(),
            ReadRecoveryRotationVerification::default(),
        )
    }

    pub(super) async fn verify(
        self,
        session: &Session<'_, '_>,
        request: VerifyRekey,
    ) -> Outcome<RekeyVerification> {
        call!(
            self, session, "posting new key", alike;
            request,
            VerifyRecoveryRekey(request),
            VerifyRootRotation(request),
            VerifyRecoveryRotation(request),
        )
    }

    pub(super) async fn read_backup(self, session: &Session<'_, '_>) -> Outcome<RekeyBackup> {
        call!(
            self, session, "retrieving the encrypted keys", alike;
            ReadRekeyBackup::default(),
            ReadRecoveryRekeyBackup::default(),
            ReadRootRotationBackup::default(),
            ReadRecoveryRotationBackup::default(),
        )
    }

    pub(super) async fn delete_backup(self, session: &Session<'_, '_>) -> Outcome {
        call!(
            self, session, "deleting the encrypted keys", unread;
            DeleteRekeyBackup::default(),
            DeleteRecoveryRekeyBackup::default(),
            DeleteRootRotationBackup::default(),
            DeleteRecoveryRotationBackup::default(),
        )
    }

    pub(super) async fn restart_verification(self, session: &Session<'_, '_>) -> Outcome {
        call!(
            self, session, format!("canceling {} verification", self.family.what()), unread;
            RestartRekeyVerification::default(),
            RestartRecoveryRekeyVerification::default(),
            RestartRootRotationVerification::default(),
            RestartRecoveryRotationVerification::default(),
        )
    }
}

/// Returns what the four answer in the one form that is shown.
fn alike<T, U: From<T>>(reply: Reply<T>) -> Outcome<U> {
    answered(reply).map(U::from)
}

/// What is answered matters to nobody.
fn unread<T>(_: Reply<T>) -> Outcome {
    Ok(())
}
