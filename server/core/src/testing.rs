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
pub const START: Timestamp = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);

/// Returns a clock that stands at [`START`].
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START))
}

/// Makes a core that is sealed, or not initialized yet, as its storage has it.
pub fn core(storage: Arc<dyn Storage>, clock: &Arc<ManualClock>, registry: Registry) -> Core {
    let settings = Settings {
        storage_type: "inmem",
        cluster_name: None,
        version: "0.0.0-test",
    };
    Core::new(storage, clock.clone(), registry, settings)
}

/// Initializes a core; returns the one share that unseals it, and its root token.
///
/// # Panics
/// It is initialized already, or its store fails.
pub async fn initialize(core: &Core) -> (SecretBytes, String) {
    let split = SealConfig {
        shares: 1,
        threshold: 1,
    };
    let secrets = core.initialize(split).await;
    let mut secrets = secrets.expect("a new store initializes");
    // EXPOSE: the test uses it.
    let root = secrets.root_token.expose().to_owned();
    (secrets.shares.remove(0), root)
}

/// Initializes and unseals a core; returns its root token.
///
/// # Panics
/// As [`initialize`].
pub async fn open(core: &Core) -> String {
    let (share, root) = initialize(core).await;
    core.unseal(share).await.expect("its share unseals");
    root
}

/// Makes a request of somebody without a token.
///
/// # Panics
/// The path is not canonical.
pub fn request(operation: Operation, path: &str, body: &Value) -> Request {
    let path = CanonicalPath::parse(path).expect("the path is canonical");
    Request::new(
        operation,
        path,
        SecretBytes::new(body.to_string().into_bytes()),
    )
}

/// Reads a token as a request carries it.
pub fn token(text: &str) -> TokenId {
    TokenId::new(SecretString::from(text))
}
