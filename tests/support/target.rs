//! What a suite runs against: our server, or the real peer it must agree with.

use std::env;

use super::{peer::Peer, server::Server};

/// A running server, its address and its root token.
pub(crate) struct Target {
    /// `http://127.0.0.1:PORT`.
    pub(crate) address: String,
    /// The root token.
    pub(crate) token: String,
    _running: Running,
}

enum Running {
    Peer { _peer: Peer },
    Server { _server: Server },
}

impl Target {
    /// Our dev server.
    pub(crate) fn keyward() -> Self {
        if peer_is_asked_for() {
            return Self::peer();
        }
        let server = Server::dev();
        Self {
            address: server.address(),
            token: server.root_token().to_owned(),
            _running: Running::Server { _server: server },
        }
    }

    /// A dev server of the real peer.
    pub(crate) fn peer() -> Self {
        let peer = Peer::start();
        Self {
            address: peer.address(),
            token: peer.root_token().to_owned(),
            _running: Running::Peer { _peer: peer },
        }
    }
}

/// Whether `KEYWARD_TEST_TARGET=peer` asks to run the tests against the peer in the place of our
/// server: the way to see whether a failing check is itself at fault.
pub(crate) fn peer_is_asked_for() -> bool {
    env::var_os("KEYWARD_TEST_TARGET").is_some_and(|target| target == "peer")
}
