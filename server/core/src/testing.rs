//! What tests of the whole path of a request share: a core in memory, its time, and who asks it.

use std::sync::Arc;

use keyward_api::Operation;
use keyward_crypto::{SecretBytes, SecretString};
use serde_json::Value;

use crate::{
    CanonicalPath, Core, ManualClock, Registry, Request, SealConfig, Settings, Timestamp, TokenId,
    storage::Storage,
};

/// When tests begin.
pub(crate) const START: Timestamp = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);

/// Returns a clock that stands at [`START`].
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START))
}

/// Makes a core that is sealed, or not initialized yet, as its storage has it.
pub(crate) fn core(
    storage: &Arc<impl Storage>,
    clock: &Arc<ManualClock>,
    registry: Registry,
) -> Core {
    let settings = Settings {
        storage_type: "inmem",
        cluster_name: None,
        version: "0.0.0-test",
    };
    Core::new(storage.clone(), clock.clone(), registry, settings)
}

/// Initializes a core; returns the one share that unseals it, and its root token.
pub(crate) async fn initialize(core: &Core) -> (SecretBytes, String) {
    let split = SealConfig {
        shares: 1,
        threshold: 1,
    };
    let mut secrets = core.initialize(split).await.unwrap();
    // EXPOSE: the test uses it.
    let root = secrets.root_token.expose().to_owned();
    (secrets.shares.remove(0), root)
}

/// Initializes and unseals a core; returns its root token.
pub(crate) async fn open(core: &Core) -> String {
    let (share, root) = initialize(core).await;
    core.unseal(share).await.unwrap();
    root
}

/// Makes a request of somebody without a token.
pub(crate) fn request(operation: Operation, path: &str, body: &Value) -> Request {
    let body = SecretBytes::new(serde_json::to_vec(body).unwrap());
    Request::new(operation, CanonicalPath::parse(path).unwrap(), body)
}

/// Reads a token as a request carries it.
pub(crate) fn token(text: &str) -> TokenId {
    TokenId::new(SecretString::from(text))
}
