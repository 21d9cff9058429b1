//! Answers the operations that no mount has, see [`Face`]: init, unseal, status, health.

use axum::{
    http::{Method, StatusCode, request::Parts},
    response::Response,
};
use keyward_api::{
    Endpoint as _, Operation, Sensitive,
    sys::{
        Health, InitStatus, Initialize, Initialized, Leader, ReadHealth, Seal, SealStatus,
        StepDown, Unseal,
    },
};
use keyward_core::{
    Cluster, Core, Error, Face, Holders, PgpKey, Request, RequestId, SealConfig, Settings,
    ShownShares, Status, engine::Fields, parse_share,
};
use keyward_crypto::{SecretBytes, encoding};
use serde::de::DeserializeOwned;

use crate::{App, Redaction, body, respond};

/// Returns what answers at a path whatever state the server is in; none if that is for the core.
pub(crate) fn face(parts: &Parts) -> Option<Result<(Face, Operation), StatusCode>> {
    let path = parts.uri.path().strip_prefix("/v1/sys/")?;
    let mut faces = Face::at(path).peekable();
    let (first, _) = faces.peek().copied()?;
    let operation = match parts.method {
        Method::GET => Some(Operation::Read),
        // Load balancers look at the status alone.
        Method::HEAD if first == Face::Health => Some(Operation::Read),
        Method::POST | Method::PUT => Some(Operation::Update),
        _ => None,
    };
    let found = faces.find(|(_, is)| Some(*is) == operation);
    Some(match found {
        Some(found) => Ok(found),
        None => Err(StatusCode::METHOD_NOT_ALLOWED),
    })
}

/// Answers.
pub(crate) async fn answer(
    face: Face,
    app: &App,
    id: RequestId,
    query: &str,
    body: &SecretBytes,
) -> Result<Response, Error> {
    let (core, redaction) = (&app.core, app.rules.redaction);
    match face {
        Face::Health => health(core, id, query, redaction).await,
        Face::Init => init(core, id, body).await,
        Face::InitStatus => init_status(core, id).await,
        Face::Leader => Ok(leader(id)),
        Face::SealStatus => seal_status(core, id, redaction).await,
        Face::Unseal => unseal(core, id, body, redaction).await,
    }
}

impl Redaction {
    fn version(self, settings: &Settings) -> String {
        match self.version {
            true => String::new(),
            false => settings.version.to_owned(),
        }
    }

    fn cluster_name(self, cluster: &Cluster) -> String {
        match self.cluster_name {
            true => String::new(),
            false => cluster.name.clone(),
        }
    }
}

/// Tells whether a request asks for what a server that is sealed has done already, whoever asks: to
/// forget every key, or to lead no more.
pub(crate) fn is_done(request: &Request) -> bool {
    let path = request.path.as_str().strip_prefix("sys/");
    request.operation == Operation::Update
        && path.is_some_and(|path| [Seal::PATH, StepDown::PATH].contains(&path))
}

async fn init_status(core: &Core, id: RequestId) -> Result<Response, Error> {
    let initialized = core.status().await?.seal.is_some();
    Ok(respond::json(
        StatusCode::OK,
        id,
        &InitStatus { initialized },
    ))
}

async fn init(core: &Core, id: RequestId, body: &SecretBytes) -> Result<Response, Error> {
    let status = core.status().await?;
    if status.seal.is_some() {
        return Err(Error::invalid("Vault is already initialized"));
    }
    let request: Initialize = parse(body)?;
    let split = split(&request, &status)?;
    // Before anything is made: a bad key must not leave a server whose keys nobody got.
    let holders = holders(&request, &status, split).await?;
    let root_token_key = match request.root_token_pgp_key.filter(|key| !key.is_empty()) {
        Some(key) => Some(PgpKey::read(key, status.now).await?),
        None => None,
    };
    let secrets = core.initialize(split).await?;
    let shown = holders.show(&secrets.shares)?;
    let (keys, recovery) = if status.recovery_seal {
        (ShownShares::default(), shown)
    } else {
        (shown, ShownShares::default())
    };
    // EXPOSE: shown once to the operator who asked, or encrypted.
    let root_token = secrets.root_token.expose().to_owned();
    let root_token = match root_token_key {
        None => root_token,
        Some(key) => encoding::encode(&key.encrypt(&SecretBytes::new(root_token.into_bytes()))?),
    };
    let initialized = Initialized {
        keys: keys.hex,
        keys_base64: keys.base64,
        recovery_keys: recovery.hex,
        recovery_keys_base64: recovery.base64,
        root_token: Sensitive::new(root_token),
    };
    let json = serde_json::to_vec(&initialized).map_err(Error::internal)?;
    Ok(respond::secret_json(
        StatusCode::OK,
        id,
        SecretBytes::new(json),
    ))
}

/// Returns how the key of which people get shares is to be split: the unseal key, or the recovery
/// key where the seal opens by itself. The texts are Vault's.
fn split(request: &Initialize, status: &Status) -> Result<SealConfig, Error> {
    let secret = (request.secret_shares, request.secret_threshold);
    let recovery = (request.recovery_shares, request.recovery_threshold);
    let is_given = |keys: &Option<Vec<String>>| keys.as_ref().is_some_and(|keys| !keys.is_empty());
    let (wanted, name, other, other_keys, names) = if status.recovery_seal {
        let names = ["secret_shares", "secret_threshold", "pgp_keys"];
        (recovery, "recovery", secret, &request.pgp_keys, names)
    } else {
        let names = ["recovery_shares", "recovery_threshold", "recovery_pgp_keys"];
        (secret, "seal", recovery, &request.recovery_pgp_keys, names)
    };
    let given = |number: Option<i64>| number.unwrap_or_default();
    let others = [
        given(other.0) != 0,
        given(other.1) != 0,
        is_given(other_keys),
    ];
    let others = names
        .into_iter()
        .zip(others)
        .filter(|(_, is_given)| *is_given);
    let others: Vec<_> = others.map(|(name, _)| name).collect();
    if !others.is_empty() {
        return Err(Error::Invalid(format!(
            "parameters {} not applicable to seal type {}",
            others.join(","),
            status.seal_type
        )));
    }
    match (given(wanted.0), given(wanted.1)) {
        (0, 0) if status.recovery_seal => Ok(SealConfig::NONE),
        (shares, threshold) => SealConfig::parse(shares, threshold)
            .map_err(|error| Error::Invalid(format!("invalid {name} configuration: {error}"))),
    }
}

/// Returns whose the shares will be.
async fn holders(
    request: &Initialize,
    status: &Status,
    split: SealConfig,
) -> Result<Holders, Error> {
    let (wanted, of) = if status.recovery_seal {
        (&request.recovery_pgp_keys, "recovery")
    } else {
        (&request.pgp_keys, "seal")
    };
    let keys = wanted.clone().unwrap_or_default();
    Holders::read(keys, split.shares, status.now)
        .await
        .map_err(|error| Error::Invalid(format!("invalid {of} configuration: {error}")))
}

async fn unseal(
    core: &Core,
    id: RequestId,
    body: &SecretBytes,
    redaction: Redaction,
) -> Result<Response, Error> {
    let request: Unseal = parse(body)?;
    if request.reset == Some(true) {
        core.reset_unseal().await;
        return seal_status(core, id, redaction).await;
    }
    // EXPOSE: decoded into the share.
    let key = request
        .key
        .as_ref()
        .map(Sensitive::expose)
        .filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| {
        Error::invalid("'key' must be specified in request body as JSON, or 'reset' set to true")
    })?;
    let share = parse_share(key)?;
    if request.migrate == Some(true) {
        core.migrate_seal(share).await?;
    } else {
        core.unseal(share).await?;
    }
    seal_status(core, id, redaction).await
}

async fn seal_status(core: &Core, id: RequestId, redaction: Redaction) -> Result<Response, Error> {
    let status = core.status().await?;
    let (n, t) = status
        .seal
        .map_or((0, 0), |seal| (seal.shares, seal.threshold));
    let cluster = status.cluster;
    Ok(respond::json(
        StatusCode::OK,
        id,
        &SealStatus {
            kind: status.seal_type,
            initialized: status.seal.is_some(),
            sealed: status.sealed,
            t,
            n,
            progress: status.progress,
            nonce: status.nonce,
            version: redaction.version(&status.settings),
            build_date: String::new(),
            migration: status.migration,
            cluster_name: cluster.as_ref().map(|it| redaction.cluster_name(it)),
            cluster_id: cluster.map(|cluster| cluster.id),
            recovery_seal: status.recovery_seal,
            // The only way in which a recovery key is kept.
            recovery_seal_type: if status.recovery_seal { "shamir" } else { "" }.to_owned(),
            storage_type: status.settings.storage_type.to_owned(),
        },
    ))
}

/// Answers while sealed as well: a client that gets a 503 takes it for a server among many.
fn leader(id: RequestId) -> Response {
    let leader = Leader {
        ha_enabled: false,
        is_self: false,
        leader_address: String::new(),
        leader_cluster_address: String::new(),
        performance_standby: false,
    };
    respond::json(StatusCode::OK, id, &leader)
}

/// Answers with a status that load balancers read, which the query may change.
async fn health(
    core: &Core,
    id: RequestId,
    query: &str,
    redaction: Redaction,
) -> Result<Response, Error> {
    let asked: ReadHealth = parse(&body::pairs_to_json(query, |_| true))?;
    let Status {
        seal,
        sealed,
        cluster,
        settings,
        now,
        ..
    } = core.status().await?;
    let (wanted, usual) = match (seal, sealed) {
        (None, _) => (asked.uninitcode, StatusCode::NOT_IMPLEMENTED),
        (Some(_), true) => (asked.sealedcode, StatusCode::SERVICE_UNAVAILABLE),
        (Some(_), false) => (asked.activecode, StatusCode::OK),
    };
    let status = match wanted {
        None => usual,
        // One below 200 ends no request (RFC 9110 section 15.2).
        Some(code) => u16::try_from(code)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .filter(|status| !status.is_informational())
            .ok_or_else(|| Error::Invalid(format!("{code} is no status of an answer")))?,
    };
    let replication = if sealed { "unknown" } else { "disabled" };
    let health = Health {
        initialized: seal.is_some(),
        sealed,
        standby: sealed,
        performance_standby: false,
        replication_performance_mode: replication.to_owned(),
        replication_dr_mode: replication.to_owned(),
        server_time_utc: now.unix_seconds(),
        version: redaction.version(&settings),
        enterprise: false,
        echo_duration_ms: 0,
        clock_skew_ms: 0,
        cluster_name: cluster.as_ref().map(|it| redaction.cluster_name(it)),
        cluster_id: cluster.map(|cluster| cluster.id),
    };
    Ok(respond::json(status, id, &health))
}

fn parse<T: DeserializeOwned>(body: &SecretBytes) -> Result<T, Error> {
    // EXPOSE: parsed into a type that keeps its secrets wrapped.
    let fields = Fields::parse(body.expose())?;
    Ok(fields.extract::<T>(&[], false)?.value)
}
