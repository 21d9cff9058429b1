//! The life of a core: uninitialized, sealed, unsealed, and back.

mod unseal;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use keyward_api::{
    proof::Address,
    sys::{AuditedHeaders, InFlight},
};
use keyward_crypto::SecretBytes;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    Clock, Document, Error, Remote, Timestamp, TokenId,
    audit::{AuditKind, Broker, Surroundings},
    barrier::Barrier,
    cors::{CorsStore, Origins},
    engine::{Class, EngineKind},
    gate::Principal,
    generate_root::RootGeneration,
    host::{Host, NoHost},
    idempotency::Idempotency,
    identity::{self, Identities, MfaKind},
    in_flight::InFlightRequests,
    keys::Keys,
    lease::{self, Leases},
    lockout::{LockoutConfig, Lockouts},
    metrics::{Format, Measured, Metrics, Telemetry, render},
    mount::TtlLimits,
    mounts::{Mounts, builtin},
    panics::caught,
    policy::{Holder, PolicyStore},
    proof::Proofs,
    quorum::Quorum,
    quota::{Quotas, Rationed},
    rekey::{self, Rekey, Target},
    rotation::RotationStore,
    seal::{Lock, Opened, SealConfig, Seals},
    storage::{Storage, StorageError},
    streams::Streams,
    sys::{self, OptionalEndpoints},
    token::{self, AuthGrant, Token, TokenStore},
    ui_headers::UiHeaders,
    view::View,
    wrapping::Jwts,
};

/// What a core is put together from; the lists are plain constants of the binary.
#[derive(Clone, Copy)]
pub struct Registry {
    /// The secrets engines and auth methods that can be mounted.
    pub engines: &'static [EngineKind],
    /// The kinds of audit device that can be enabled.
    pub audit: &'static [AuditKind],
    /// The services of others that second factors can be.
    pub mfa: &'static [MfaKind],
}

impl Registry {
    /// Nothing of anything.
    pub const EMPTY: Self = Self {
        engines: &[],
        audit: &[],
        mfa: &[],
    };
}

/// What a core is told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the storage backend, as seal-status shows it.
    pub storage_type: &'static str,
    /// The name of the cluster; generated where the operator gives none.
    pub cluster_name: Option<String>,
    /// The version that status endpoints show.
    pub version: &'static str,
}

/// The whole server without its faces.
pub struct Core {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    registry: Registry,
    settings: Settings,
    host: Arc<dyn Host>,
    pub(crate) in_flight: Arc<InFlightRequests>,
    lockouts: Arc<Lockouts>,
    is_development: bool,
    telemetry: Telemetry,
    lease_ttls: TtlLimits,
    endpoints: OptionalEndpoints,
    pub(crate) metrics: Arc<Metrics>,
    seals: Seals,
    api_addr: String,
    addresses: Arc<[Address]>,
    unsealed: ArcSwapOption<Unsealed>,
    /// The unseal shares given so far. The lock serializes init, unseal and seal; they are rare,
    /// and await storage in between.
    transition: Mutex<Option<Quorum>>,
    /// Whether the store was found to be sealed by another seal than the one that is wanted.
    is_moving: AtomicBool,
    /// From when on a seal that opens by itself may be tried, in Unix nanoseconds; the end of time
    /// once an operator sealed the server.
    retry_at: AtomicU64,
}

/// The services of an unsealed core. While it is sealed there is no such value.
pub(crate) struct Unsealed {
    pub(crate) barrier: Arc<Barrier>,
    /// What the server keeps for itself.
    pub(crate) system: View,
    pub(crate) mounts: Mounts,
    pub(crate) policies: PolicyStore,
    pub(crate) tokens: Arc<TokenStore>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) identities: Arc<Identities>,
    pub(crate) audit: Arc<Broker>,
    pub(crate) cors: CorsStore,
    pub(crate) ui_headers: UiHeaders,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) in_flight: Arc<InFlightRequests>,
    pub(crate) lockouts: Arc<Lockouts>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cluster: Cluster,
    pub(crate) keys: Keys,
    pub(crate) rekey: Rekey,
    pub(crate) recovery_rekey: Rekey,
    pub(crate) root_generation: RootGeneration,
    pub(crate) rotation: RotationStore,
    pub(crate) settings: Settings,
    pub(crate) telemetry: Telemetry,
    /// How long leases and tokens last at mounts that are not tuned.
    pub(crate) lease_ttls: TtlLimits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) quotas: Quotas,
    pub(crate) proofs: Proofs,
    pub(crate) wrapping_jwts: Jwts,
    pub(crate) idempotency: Idempotency,
    /// What is shown until a token ends.
    pub(crate) streams: Streams,
    /// Where clients reach the server; empty if nobody said.
    pub(crate) api_addr: String,
    /// Set by `sys/seal`; the seal falls when the answer is on record.
    sealing: AtomicBool,
}

/// Who this cluster is.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its id, a UUID.
    pub id: String,
}

/// What `sys/seal-status` tells.
#[derive(Clone, Debug)]
pub struct Status {
    /// How the unseal key, or else the recovery key, is split; none before initialization.
    pub seal: Option<SealConfig>,
    /// The type of the seal.
    pub seal_type: String,
    /// Whether it opens by itself, and the shares are those of a recovery key.
    pub recovery_seal: bool,
    /// Whether the store waits to be moved from one seal to another.
    pub migration: bool,
    /// Whether it is sealed; true before initialization.
    pub sealed: bool,
    /// How many shares were given so far.
    pub progress: usize,
    /// The id of the running attempt; empty without one.
    pub nonce: String,
    /// The cluster; known while unsealed.
    pub cluster: Option<Cluster>,
    /// What the core was told at start.
    pub settings: Settings,
    /// The moment of the answer.
    pub now: Timestamp,
}

/// What initialization gives, once.
#[derive(Debug)]
pub struct Secrets {
    /// The shares of the unseal key, or else of the recovery key.
    pub shares: Vec<SecretBytes>,
    /// The first root token.
    pub root_token: TokenId,
}

impl Core {
    /// Makes a core over a store; it is sealed, or waits to be initialized.
    #[must_use]
    pub fn new(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        registry: Registry,
        settings: Settings,
    ) -> Self {
        let metrics = Arc::new(Metrics::new(Arc::clone(&clock)));
        Self {
            storage: Arc::new(Measured::new(storage, Arc::clone(&metrics))),
            clock,
            registry,
            settings,
            host: Arc::new(NoHost),
            in_flight: Arc::default(),
            lockouts: Arc::default(),
            is_development: false,
            telemetry: Telemetry::default(),
            lease_ttls: TtlLimits::USUAL,
            endpoints: OptionalEndpoints::default(),
            metrics,
            seals: Seals::default(),
            api_addr: String::new(),
            addresses: Arc::default(),
            unsealed: ArcSwapOption::empty(),
            transition: Mutex::default(),
            is_moving: AtomicBool::new(false),
            retry_at: AtomicU64::new(0),
        }
    }

    /// Sets the process that it runs in, for what operators ask of that.
    #[must_use]
    pub fn with_host(mut self, host: Arc<dyn Host>) -> Self {
        self.host = host;
        self
    }

    /// Makes it one for trying things out, in which nothing is worth protecting: an audit device
    /// may write down what is secret (`log_raw`).
    #[must_use]
    pub fn for_development(mut self) -> Self {
        self.is_development = true;
        self
    }

    /// Sets how what is counted is shown.
    #[must_use]
    pub fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Sets how long leases and tokens last at mounts that are not tuned; without it,
    /// [`TtlLimits::USUAL`].
    #[must_use]
    pub fn with_lease_ttls(self, lease_ttls: TtlLimits) -> Self {
        Self { lease_ttls, ..self }
    }

    /// Adds endpoints that a server has only where it is told so.
    #[must_use]
    pub fn with_endpoints(self, endpoints: OptionalEndpoints) -> Self {
        Self { endpoints, ..self }
    }

    /// Sets when who fails to log in is locked out; without it, as Vault does.
    #[must_use]
    pub fn with_lockouts(mut self, config: LockoutConfig) -> Self {
        self.lockouts = Arc::new(Lockouts::new(config));
        self
    }

    /// Takes the seals that the configuration names; without any, people unseal.
    #[must_use]
    pub fn with_seals(self, seals: Seals) -> Self {
        Self { seals, ..self }
    }

    /// Says where clients reach the server (`https://vault.example.com:8200`): what identity tokens
    /// name as their issuer unless they are told another.
    #[must_use]
    pub fn reached_at(mut self, api_addr: impl Into<String>) -> Self {
        self.api_addr = api_addr.into();
        self
    }

    /// Says at which addresses clients reach the server: requests with tokens that are bound to a
    /// key are signed for one of them.
    #[must_use]
    pub fn known_as(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        let mut known = Vec::new();
        for address in addresses {
            if !known.contains(&address) {
                known.push(address);
            }
        }
        self.addresses = known.into();
        self
    }

    /// Returns the services, if it is unsealed.
    pub(crate) fn unsealed(&self) -> Option<Arc<Unsealed>> {
        self.unsealed.load_full()
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Creates a root token with a text of the operator's choice; for development servers.
    ///
    /// # Errors
    /// It is sealed, or the store failed.
    pub async fn create_root_token(&self, id: TokenId) -> Result<(), Error> {
        let unsealed = self.unsealed().ok_or(Error::Sealed)?;
        let grant = AuthGrant {
            id: Some(id),
            ..AuthGrant::root()
        };
        unsealed.tokens.adopt_root(grant, self.clock.now()).await
    }

    /// Does what is due: tokens that end, keys that rotate. Call it every second or more often.
    ///
    /// # Errors
    /// Something could not be done now; it stays due, and the first reason is told. All else is done.
    pub async fn tick(&self) -> Result<(), Error> {
        let Some(unsealed) = self.unsealed() else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut outcome = caught(unsealed.tokens.tick(now)).await;
        outcome = outcome.and(caught(unsealed.policies.tick(now)).await);
        outcome = outcome.and(caught(unsealed.idempotency.tick(now)).await);
        outcome = outcome.and(caught(unsealed.streams.tick(&unsealed, now)).await);
        outcome = outcome.and(caught(unsealed.mounts.finish_upgrades(now)).await);
        let rotation = unsealed.rotation.current();
        outcome = outcome.and(caught(unsealed.keys.tick(rotation, now)).await);
        outcome = outcome.and(caught(unsealed.audit.tick(now)).await);
        for mount in unsealed.mounts.all() {
            outcome = outcome.and(caught(mount.mounted.engine.tick(now)).await);
        }
        let rest = async {
            lease::tidy_some(&unsealed).await;
            unsealed.audit.catch_up().await;
            Ok(())
        };
        outcome.and(caught(rest).await)
    }

    /// Counts tokens and leases for the metrics, if it is time to. Call it every second or so, beside
    /// what else is due: a million are counted for seconds, and what ends must not wait for that.
    ///
    /// # Errors
    /// The store failed; they are counted again when it is time to.
    pub async fn count_usage(&self) -> Result<(), Error> {
        let (Some(unsealed), Some(period)) = (self.unsealed(), self.telemetry.usage_gauge_period)
        else {
            return Ok(());
        };
        if self.metrics.usage_is_due(self.clock.now(), period) {
            let tokens = unsealed.tokens.count().await?;
            let secrets = unsealed.leases.count().await?;
            self.metrics.count_tokens(tokens, secrets);
        }
        Ok(())
    }

    /// Revokes the leases of secrets that are due, and tries those again that could not be revoked.
    /// Call it every second or more often, beside what else is due and without waiting for the call
    /// before: an engine may keep it waiting.
    ///
    /// # Errors
    /// The store failed; what is due stays due.
    pub async fn tend_leases(&self) -> Result<(), Error> {
        match self.unsealed() {
            Some(unsealed) => lease::tend(&unsealed).await,
            None => Ok(()),
        }
    }

    /// Closes and opens the audit files again, so that they can be moved away.
    pub async fn reopen_audit(&self) {
        if let Some(unsealed) = self.unsealed() {
            unsealed.audit.reopen().await;
        }
    }

    /// Returns which pages of other origins may call; none while sealed.
    #[must_use]
    pub fn cors(&self) -> Option<Arc<Origins>> {
        self.unsealed
            .load()
            .as_ref()
            .map(|unsealed| unsealed.cors.current())
    }

    /// Returns which request headers the audit log shows: the ones to hand on with a request. None
    /// while sealed.
    #[must_use]
    pub fn audited_headers(&self) -> Option<Arc<AuditedHeaders>> {
        self.unsealed
            .load()
            .as_ref()
            .map(|unsealed| unsealed.audit.headers.current())
    }

    /// Returns the headers that answers of the user interface carry; none while sealed.
    #[must_use]
    pub fn ui_headers(&self) -> Option<Arc<BTreeMap<String, Vec<String>>>> {
        self.unsealed
            .load()
            .as_ref()
            .map(|unsealed| unsealed.ui_headers.current())
    }

    /// Lists the requests that are being worked on.
    #[must_use]
    pub fn in_flight(&self) -> InFlight {
        self.in_flight.list()
    }

    /// Counts one request to a path below `/v1/` against the rate limits, before anything else is
    /// done about it; while sealed there are none.
    #[must_use]
    pub fn ration(&self, path: &str, remote: &Remote) -> Rationed {
        let unsealed = self.unsealed.load();
        let Some(unsealed) = unsealed.as_ref() else {
            return Rationed::default();
        };
        let now = || self.clock.now();
        let (rationed, limit) = unsealed.quotas.take(path, remote, &unsealed.mounts, now);
        if let Some(limit) = limit {
            self.metrics.failures.count(&Error::Limited(String::new()));
            let violations = &self.metrics.rate_limit_violation;
            violations.with_label_values(&[&limit.stored.name]).inc();
        }
        rationed
    }

    /// Shows what is counted (`sys/metrics`), to whom a listener shows it without a token: in the form
    /// of the parameter `format`, or the one that the header `Accept` asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such form.
    pub fn metrics(&self, format: &str, accept: &str) -> Result<Document, Error> {
        let format = Format::parse(format, accept, self.telemetry)?;
        render(&self.metrics, self.unsealed().as_deref(), format)
    }

    /// Tells whether the store is there and takes writes.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn probe(&self) -> Result<(), StorageError> {
        self.storage.probe().await
    }

    /// Builds the services from an opened seal, creating what a new store lacks.
    async fn open(
        &self,
        opened: Opened,
        lock: Lock,
        seal_config: SealConfig,
    ) -> Result<Unsealed, Error> {
        let keys = Keys::open(Arc::clone(&self.storage), opened, lock, seal_config).await?;
        let barrier = Arc::clone(keys.barrier());
        let system = View::new(Arc::clone(&barrier), "sys/");
        let cluster = match system.get_as::<Cluster>("cluster").await? {
            Some((cluster, _)) => cluster,
            None => {
                let id = Uuid::new_v4().to_string();
                let name = self.settings.cluster_name.clone();
                let name = name.unwrap_or_else(|| format!("keyward-cluster-{}", &id[..8]));
                let cluster = Cluster { name, id };
                system.put_as("cluster", &cluster).await?;
                cluster
            }
        };
        let backups = View::new(Arc::clone(&barrier), rekey::BACKUPS);
        sys::note_version(&system, self.settings.version, self.clock.now()).await?;
        let leases = Leases::open(system.below("lease/"));
        let tokens = TokenStore::open(system.below("token/"), Arc::clone(&leases)).await?;
        let tokens = Arc::new(tokens);
        let identities = Identities::open(identity::view(&barrier), self.registry.mfa).await?;
        let identities = Arc::new(identities);
        let mounts = Mounts::open(
            Arc::clone(&barrier),
            system.clone(),
            self.registry.engines,
            builtin(&tokens, &identities, self.endpoints),
            &self.metrics,
            self.lease_ttls,
        )
        .await?;
        let surroundings = Surroundings {
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            is_development: self.is_development,
        };
        Ok(Unsealed {
            identities,
            api_addr: self.api_addr.clone(),
            policies: PolicyStore::open(system.below("policy/"), self.clock.now()).await?,
            audit: Arc::new(
                Broker::open(system.below("audit/"), self.registry.audit, surroundings).await?,
            ),
            cors: CorsStore::open(system.clone(), role_origins(&mounts).await?).await?,
            ui_headers: UiHeaders::open(system.clone()).await?,
            host: Arc::clone(&self.host),
            in_flight: Arc::clone(&self.in_flight),
            lockouts: Arc::clone(&self.lockouts),
            rotation: RotationStore::open(system.clone()).await?,
            quotas: Quotas::open(system.below("quota/")).await?,
            idempotency: Idempotency::open(system.below("idempotency/")).await?,
            proofs: Proofs::open(&system, Arc::clone(&self.addresses), &*self.clock).await?,
            wrapping_jwts: Jwts::new(system.below("wrapping/")),
            streams: Streams::default(),
            telemetry: self.telemetry,
            lease_ttls: self.lease_ttls,
            metrics: Arc::clone(&self.metrics),
            system,
            barrier,
            mounts,
            tokens,
            leases,
            clock: Arc::clone(&self.clock),
            cluster,
            keys,
            rekey: Rekey::new(Target::Barrier, backups.clone()),
            recovery_rekey: Rekey::new(Target::Recovery, backups),
            root_generation: RootGeneration::default(),
            settings: self.settings.clone(),
            sealing: AtomicBool::new(false),
        })
    }
}

/// Reads which origins the token roles are bound to.
async fn role_origins(mounts: &Mounts) -> Result<BTreeMap<String, Vec<String>>, Error> {
    match mounts.at(Class::Auth, "token/") {
        Some(mount) => token::role_origins(&mount.view).await,
        None => Ok(BTreeMap::new()),
    }
}

impl Unsealed {
    /// Resolves a token to who it stands for; none if it is unknown, expired or used up, or its
    /// entity is gone or disabled.
    pub(crate) async fn principal(
        &self,
        id: &TokenId,
        now: Timestamp,
    ) -> Result<Option<Arc<Principal>>, Error> {
        let Some(token) = self.tokens.lookup(id, now).await? else {
            return Ok(None);
        };
        Ok(self.holder(token, now).map(Arc::new))
    }

    /// Adds to a token what its entity brings, as it is now; none if the entity is gone or disabled.
    pub(crate) fn holder(&self, token: Arc<Token>, now: Timestamp) -> Option<Principal> {
        let identity = match token.entity_id() {
            "" => None,
            id => {
                let identity = self.identities.store.of(id);
                Some(identity.filter(|identity| !identity.is_disabled())?)
            }
        };
        let holder = identity.as_deref().map(|identity| identity as &dyn Holder);
        let acl = self.policies.acl(token.policies(), holder, now);
        Some(Principal::new(token, acl, identity))
    }

    /// Asks for the seal to fall once the answer is on record.
    pub(crate) fn seal_when_answered(&self) {
        self.sealing.store(true, Ordering::Release);
    }

    pub(crate) fn shall_seal(&self) -> bool {
        self.sealing.load(Ordering::Acquire)
    }
}
