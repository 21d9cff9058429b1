//! Where a login meets its second factor.

use std::{collections::BTreeMap, fmt, sync::Arc};

use keyward_api::{MfaConstraint, MfaMethodRef, MfaRequirement};

use super::{
    super::Identity,
    Enforcement, Known, Mfa, PendingLogin,
    credentials::MfaCredentials,
    verify::{Checked, Proving},
};
use crate::{
    AuthGrant, BoundCidr, Error, MountEntry, Remote, Request, Timestamp, lifecycle::Unsealed,
    mounts::Mount, view::View,
};

/// A login that an auth method has let in.
pub(crate) struct Login<'a> {
    pub(crate) request: &'a Request,
    pub(crate) mount: &'a MountEntry,
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) view: &'a View,
    pub(crate) now: Timestamp,
}

/// What is asked of a login.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is made, and nearly always the larger one"
)]
pub(crate) enum Demanded {
    /// Nothing more: the token may be made.
    Met {
        grant: AuthGrant,
        /// What the caller should know.
        warning: Option<&'static str>,
    },
    /// A second factor first.
    Needed(MfaRequirement),
}

/// A login that has brought its second factor.
pub struct ValidatedLogin {
    pub(crate) login: PendingLogin,
    pub(crate) mount: Arc<Mount>,
    pub(crate) identity: Arc<Identity>,
}

impl fmt::Debug for ValidatedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ValidatedLogin");
        shown.field("login", &self.login).finish_non_exhaustive()
    }
}

/// Who is asked to validate, and from where.
pub(crate) struct Validation<'a> {
    pub(crate) core: &'a Unsealed,
    pub(crate) remote: &'a Remote,
    pub(crate) view: &'a View,
    pub(crate) now: Timestamp,
}

impl Mfa {
    /// Asks a login for its second factor. Where it brings it along, that is looked at here and now.
    ///
    /// # Errors
    /// [`Error::Refused`] if what it brings is not good, or it needs a second factor and has no
    /// entity, which alone could have one.
    pub(crate) async fn demand(
        &self,
        login: Login<'_>,
        grant: AuthGrant,
    ) -> Result<Demanded, Error> {
        let Login {
            request,
            mount,
            identity,
            view,
            now,
        } = login;
        let known = self.now();
        let enforcements = known.covering(mount, identity);
        let credentials = &request.mfa;
        if enforcements.is_empty() {
            let warning = "Found MFA header but failed to find MFA Enforcement Config";
            let warning = (!credentials.is_empty()).then_some(warning);
            return Ok(Demanded::Met { grant, warning });
        }
        let identity = identity.ok_or_else(Error::permission_denied)?;
        if credentials.is_empty() {
            let path = request.path.as_str();
            let login = PendingLogin::new(grant, path, &mount.accessor, request.wrap_grant(), now);
            return Ok(Demanded::Needed(MfaRequirement {
                mfa_constraints: known.constraints(&enforcements),
                mfa_request_id: self.pending.add(login, now)?,
            }));
        }
        let proving = Proving {
            identity,
            credentials,
            remote: &request.remote,
            now,
        };
        match self.prove(&known, &enforcements, proving, view).await? {
            None => Ok(Demanded::Met {
                grant,
                warning: None,
            }),
            // As in Vault: what was wrong is told to who sends codes alone.
            Some(_) => Err(Error::permission_denied()),
        }
    }

    /// Ends a login that waits for its second factor.
    ///
    /// # Errors
    /// [`Error::Invalid`] if none waits under this name, [`Error::Refused`] if what is brought is not
    /// good. It waits on then.
    pub(crate) async fn validate(
        &self,
        name: &str,
        credentials: &MfaCredentials,
        how: Validation<'_>,
    ) -> Result<ValidatedLogin, Error> {
        let taken = self.pending.take(name, how.now);
        let (id, login) = taken.ok_or_else(|| Error::invalid("invalid request ID"))?;
        match self.finish(&login, credentials, how).await {
            Ok((mount, identity)) => Ok(ValidatedLogin {
                login,
                mount,
                identity,
            }),
            Err(error) => {
                self.pending.put_back(id, login);
                Err(error)
            }
        }
    }

    /// Looks whether a login that waits may be given its token now; returns where it came in, and who
    /// it is.
    async fn finish(
        &self,
        login: &PendingLogin,
        credentials: &MfaCredentials,
        how: Validation<'_>,
    ) -> Result<(Arc<Mount>, Arc<Identity>), Error> {
        let Validation {
            core,
            remote,
            view,
            now,
        } = how;
        let mount = core.mounts.find(&login.path).map(|(mount, _)| mount);
        let mount = mount.filter(|mount| mount.entry.accessor == login.accessor);
        let mount = mount.ok_or_else(Error::permission_denied)?;
        let identity = core.identities.store.of(&login.grant.entity_id);
        let identity = identity.filter(|identity| !identity.is_disabled());
        let identity = identity.ok_or_else(Error::permission_denied)?;
        // The login itself was let in from where its token may be used, and this is half of it.
        if !BoundCidr::admit(&login.grant.bound_cidrs, remote) {
            return Err(Error::permission_denied());
        }
        let known = self.now();
        let enforcements = known.covering(&mount.entry, Some(&identity));
        if enforcements.is_empty() {
            return Err(Error::invalid(
                "found nil or empty MFAEnforcement configuration",
            ));
        }
        let proving = Proving {
            identity: &identity,
            credentials,
            remote,
            now,
        };
        match self.prove(&known, &enforcements, proving, view).await? {
            None => Ok((mount, identity)),
            Some(text) => Err(Error::Refused(text)),
        }
    }

    /// Takes what is brought for enforcements; returns what is wrong with it, in Vault's words.
    async fn prove(
        &self,
        known: &Known,
        enforcements: &[&Enforcement],
        proving: Proving<'_>,
        request: &View,
    ) -> Result<Option<String>, Error> {
        match self.check(known, enforcements, proving).await? {
            Checked::Met(proofs) => self.use_up(proofs, proving.identity, request).await,
            Checked::Unmet(text) => Ok(Some(text)),
        }
    }
}

impl Known {
    /// Tells what would meet each enforcement.
    fn constraints(&self, enforcements: &[&Enforcement]) -> BTreeMap<String, MfaConstraint> {
        let constraint = |enforcement: &&Enforcement| {
            let methods = enforcement.methods.iter();
            let any = methods.filter_map(|id| self.methods.get(id));
            let any = any.map(|method| MfaMethodRef {
                kind: method.kind().to_owned(),
                id: method.id().to_owned(),
                uses_passcode: method.uses_passcode(),
                name: method.name().to_owned(),
            });
            let any = any.collect();
            (enforcement.name.clone(), MfaConstraint { any })
        };
        enforcements.iter().map(constraint).collect()
    }
}
