//! A server with a configuration of its own, unsealed.

use super::{Client, Installation, Keys, Process, Store};

/// A server, and who may do all on it.
pub(crate) struct Opened {
    pub(crate) installation: Installation,
    pub(crate) keys: Keys,
    pub(crate) root: Client,
    _server: Process,
}

impl Opened {
    /// Starts one with more in its configuration; initializes and unseals it.
    pub(crate) async fn with(config: &str) -> Self {
        let installation = Installation::new(Store::Sled);
        installation.configure(config);
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        installation.wait_until_active().await;
        Self {
            root: installation.client(&keys.root_token),
            installation,
            keys,
            _server: server,
        }
    }
}
