//! What a handler may touch: its engine, its storage, the clock, the caller.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use keyward_api::Operation;
use keyward_crypto::SecretString;

use super::{Class, LeaseData};
use crate::{
    Error, Request, Timestamp,
    gate::Principal,
    lease::{self, Prepared},
    lifecycle::Unsealed,
    listing::Page,
    mount::{MountEntry, TtlLimits},
    policy::Question,
    sys,
    view::View,
};

/// One admitted request on its way to a handler.
pub struct Call {
    /// The request as it came.
    pub(crate) request: Arc<Request>,
    /// What it does; [`Operation::Create`] where nothing exists yet.
    pub(crate) operation: Operation,
    /// Path captures of the route, in the order of its template.
    pub(crate) captures: Vec<(&'static str, String)>,
    /// The mount's storage; the request's audit entry is written before anything is changed.
    pub(crate) view: View,
    /// The moment of admission.
    pub(crate) now: Timestamp,
    /// Who asks; none on public routes.
    pub(crate) principal: Option<Arc<Principal>>,
    /// The mount.
    pub(crate) mount: Arc<MountEntry>,
    /// The lease of the secret that is being made, once that was written down.
    pub(crate) prepared: Arc<OnceLock<Prepared>>,
    /// The services of the unsealed core, for the core's own engines.
    pub(crate) core: Arc<Unsealed>,
    /// What part of a list to give, in the place of what the request says.
    pub(crate) page: Option<Page>,
}

impl Call {
    /// Makes the same call once more; of a list, which changes nothing.
    pub(crate) fn again(&self) -> Self {
        Self {
            request: Arc::clone(&self.request),
            operation: self.operation,
            captures: self.captures.clone(),
            view: self.view.clone(),
            now: self.now,
            principal: self.principal.clone(),
            mount: Arc::clone(&self.mount),
            prepared: Arc::clone(&self.prepared),
            core: Arc::clone(&self.core),
            page: self.page.clone(),
        }
    }
}

/// What the handler of an engine `E` may touch. Dereferences to the engine.
pub struct Context<E: ?Sized> {
    engine: Arc<E>,
    call: Call,
}

impl<E: ?Sized> Context<E> {
    pub(crate) const fn new(engine: Arc<E>, call: Call) -> Self {
        Self { engine, call }
    }

    /// Returns the engine, to keep it beyond the context.
    #[must_use]
    pub fn engine(&self) -> Arc<E> {
        Arc::clone(&self.engine)
    }

    /// Returns the mount's storage.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.call.view
    }

    /// Returns the moment of admission.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.call.now
    }

    /// Returns what the request does: [`Operation::Create`] instead of
    /// [`Operation::Update`] where the route's existence check found nothing.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.call.operation
    }

    /// Returns who asks; none on public routes.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.call.principal.as_deref()
    }

    /// Tells whether the caller's policies would let it do something else too, on another path of
    /// the same mount: for a request that does the work of two.
    ///
    /// The parameters are this request's own, so a rule there that restricts parameters permits
    /// nothing; nor does one that asks for the approval of others, who would not see this.
    #[must_use]
    pub fn permits(&self, operation: Operation, path: &str) -> bool {
        let path = format!("{}{path}", self.call.mount.path);
        let question = Question {
            capability: operation.into(),
            path: &path,
            parameters: None,
            wrap_ttl: None,
        };
        self.principal().is_some_and(|Principal { acl, .. }| {
            let spellings = self.call.core.mounts.spellings(&path, acl.has_capitals());
            let verdict = acl.check_spelled(&question, &spellings);
            verdict.allowed && verdict.demand.is_none()
        })
    }

    /// Writes down that a secret is about to be made, and what the engine must know to take it
    /// back; durable when it returns. Call it before the secret is made, once in a request.
    ///
    /// If the request fails from here on, the engine is asked to take the secret back, whether it
    /// was made or not. So it is where the process ends on the way, or the answer says of no
    /// [lease](crate::LeaseGrant::Secret), a few minutes later.
    ///
    /// # Errors
    /// The secret must not be made: nobody could be given it, or the store failed.
    pub async fn prepare_secret(&self, internal: LeaseData) -> Result<(), Error> {
        let Call {
            request,
            view,
            principal,
            mount,
            prepared,
            core,
            ..
        } = &self.call;
        view.on_record().await?;
        let lease = lease::prepare(core, mount, request, principal.as_deref(), internal).await?;
        prepared
            .set(lease)
            .map_err(|_| Error::internal("a request makes one secret at most"))
    }

    /// Makes up a password that follows a policy of `sys/policies/password`.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such policy; else the store failed.
    pub async fn generate_password(&self, policy: &str) -> Result<SecretString, Error> {
        let system = self.call.core.mounts.at(Class::Secret, "sys/");
        let system = system.ok_or_else(|| Error::internal("the system engine is not mounted"))?;
        sys::make_up_password(&system.view, policy).await
    }

    /// Returns the entry of the mount table.
    #[must_use]
    pub fn mount(&self) -> &MountEntry {
        &self.call.mount
    }

    /// Returns how long leases and tokens of the mount last.
    #[must_use]
    pub fn limits(&self) -> TtlLimits {
        self.call.mount.config.limits(self.call.core.lease_ttls)
    }

    /// Returns the request as it came; free-form endpoints read its body.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.call.request
    }

    /// Returns the services of the core; only its own engines see them.
    pub(crate) fn core(&self) -> &Arc<Unsealed> {
        &self.call.core
    }
}

impl<E: ?Sized> Deref for Context<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.engine
    }
}
