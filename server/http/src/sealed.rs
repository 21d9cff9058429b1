//! What answers before there is anything behind the barrier: init, unseal, status, health.
//!
//! These paths need no token and leave no audit entry, as in Vault: there is nobody to audit
//! while the server is sealed, and health must answer when audit cannot.

use axum::{
    http::{Method, StatusCode, request::Parts},
    response::Response,
};
use keyward_api::{
    Sensitive,
    sys::{InitStatus, Initialize, Initialized, Leader, SealStatus, Unseal},
};
use keyward_core::{Core, Error, RequestId, SealConfig, Status, engine::Fields, parse_share};
use keyward_crypto::{SecretBytes, encoding};
use serde::{Serialize, de::DeserializeOwned};

use crate::{body, respond};

/// One of the paths that answer always.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Face {
    Health,
    Init,
    Leader,
    SealStatus,
    Unseal,
}

impl Face {
    /// Returns which of them a path is.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/sys/health" => Some(Self::Health),
            "/v1/sys/init" => Some(Self::Init),
            "/v1/sys/leader" => Some(Self::Leader),
            "/v1/sys/seal-status" => Some(Self::SealStatus),
            "/v1/sys/unseal" => Some(Self::Unseal),
            _ => None,
        }
    }

    /// Answers.
    pub(crate) async fn answer(
        self,
        core: &Core,
        id: RequestId,
        parts: &Parts,
        body: &SecretBytes,
    ) -> Response {
        let writes = matches!(parts.method, Method::POST | Method::PUT);
        let answered = match (self, &parts.method) {
            (Self::Health, &Method::GET | &Method::HEAD) => {
                health(core, id, parts.uri.query().unwrap_or("")).await
            }
            (Self::Init, &Method::GET) => init_status(core, id).await,
            (Self::Init, _) if writes => init(core, id, body).await,
            (Self::Leader, &Method::GET) => leader(core, id).await,
            (Self::SealStatus, &Method::GET) => seal_status(core, id).await,
            (Self::Unseal, _) if writes => unseal(core, id, body).await,
            _ => Ok(respond::errors(StatusCode::METHOD_NOT_ALLOWED, id, None)),
        };
        answered.unwrap_or_else(|error| respond::failed(id, &error))
    }
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
    let secrets = core.initialize(split(&request, &status)?).await?;
    // EXPOSE: shown once to the operator who asked.
    let hex = |share: &SecretBytes| Sensitive::new(encoding::encode_hex(share.expose()));
    let base64 = |share: &SecretBytes| encoding::encode_secret(share).into();
    let (keys, recovery) = if status.recovery_seal {
        (&[][..], &secrets.shares[..])
    } else {
        (&secrets.shares[..], &[][..])
    };
    let initialized = Initialized {
        keys: keys.iter().map(hex).collect(),
        keys_base64: keys.iter().map(base64).collect(),
        recovery_keys: recovery.iter().map(hex).collect(),
        recovery_keys_base64: recovery.iter().map(base64).collect(),
        // EXPOSE: shown once to the operator who asked.
        root_token: Sensitive::new(secrets.root_token.expose().to_owned()),
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
    let (wanted, other, name, others) = if status.recovery_seal {
        (recovery, secret, "recovery", "secret")
    } else {
        (secret, recovery, "seal", "recovery")
    };
    let given = |number: Option<i64>| number.unwrap_or_default();
    if given(other.0) != 0 || given(other.1) != 0 {
        return Err(Error::Invalid(format!(
            "parameters {others}_shares,{others}_threshold not applicable to seal type {}",
            status.seal_type
        )));
    }
    match (given(wanted.0), given(wanted.1)) {
        (0, 0) if status.recovery_seal => Ok(SealConfig::NONE),
        (shares, threshold) => SealConfig::parse(shares, threshold)
            .map_err(|error| Error::Invalid(format!("invalid {name} configuration: {error}"))),
    }
}

async fn unseal(core: &Core, id: RequestId, body: &SecretBytes) -> Result<Response, Error> {
    let request: Unseal = parse(body)?;
    if request.reset == Some(true) {
        core.reset_unseal().await;
        return seal_status(core, id).await;
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
    seal_status(core, id).await
}

async fn seal_status(core: &Core, id: RequestId) -> Result<Response, Error> {
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
            version: status.settings.version.to_owned(),
            build_date: String::new(),
            migration: status.migration,
            cluster_name: cluster.as_ref().map(|cluster| cluster.name.clone()),
            cluster_id: cluster.map(|cluster| cluster.id),
            recovery_seal: status.recovery_seal,
            // The only way in which a recovery key is kept.
            recovery_seal_type: if status.recovery_seal { "shamir" } else { "" }.to_owned(),
            storage_type: status.settings.storage_type.to_owned(),
        },
    ))
}

async fn leader(core: &Core, id: RequestId) -> Result<Response, Error> {
    if core.status().await?.sealed {
        return Err(Error::Sealed);
    }
    let leader = Leader {
        ha_enabled: false,
        is_self: false,
        leader_address: String::new(),
        leader_cluster_address: String::new(),
        performance_standby: false,
    };
    Ok(respond::json(StatusCode::OK, id, &leader))
}

/// What `GET sys/health` answers.
#[derive(Serialize)]
struct Health {
    initialized: bool,
    sealed: bool,
    standby: bool,
    performance_standby: bool,
    replication_performance_mode: &'static str,
    replication_dr_mode: &'static str,
    server_time_utc: u64,
    version: &'static str,
    enterprise: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<String>,
}

/// Answers with a status that load balancers read, which the query may change.
async fn health(core: &Core, id: RequestId, query: &str) -> Result<Response, Error> {
    let Status {
        seal,
        sealed,
        cluster,
        settings,
        now,
        ..
    } = core.status().await?;
    let (wanted, usual) = match (seal, sealed) {
        (None, _) => ("uninitcode", StatusCode::NOT_IMPLEMENTED),
        (Some(_), true) => ("sealedcode", StatusCode::SERVICE_UNAVAILABLE),
        (Some(_), false) => ("activecode", StatusCode::OK),
    };
    let asked = body::form_pairs(query).find(|(name, _)| name == wanted);
    let status = match asked {
        None => usual,
        Some((_, code)) => code
            .parse()
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok())
            .ok_or_else(|| Error::Invalid(format!("Bad value for {wanted} parameter: {code:?}")))?,
    };
    let health = Health {
        initialized: seal.is_some(),
        sealed,
        standby: sealed,
        performance_standby: false,
        replication_performance_mode: if sealed { "unknown" } else { "disabled" },
        replication_dr_mode: if sealed { "unknown" } else { "disabled" },
        server_time_utc: now.unix_seconds(),
        version: settings.version,
        enterprise: false,
        cluster_name: cluster.as_ref().map(|cluster| cluster.name.clone()),
        cluster_id: cluster.map(|cluster| cluster.id),
    };
    Ok(respond::json(status, id, &health))
}

fn parse<T: DeserializeOwned>(body: &SecretBytes) -> Result<T, Error> {
    // EXPOSE: parsed into a type that keeps its secrets wrapped.
    let fields = Fields::parse(body.expose())?;
    Ok(fields.extract::<T>(&[], false)?.value)
}
