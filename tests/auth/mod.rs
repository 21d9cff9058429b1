//! Auth methods over the network: who is let in, what the token is good for, and what stands in the
//! audit log.

mod approle;
mod control_group;
mod guarded;
mod inline;
mod lockout;
mod mfa;
mod mfa_duo;
mod mfa_okta;
mod mfa_pingid;
mod userpass;

use std::ops::Deref;

use serde_json::{Value, json};

use crate::{
    audit::Audited,
    support::{Answer, Client, Installation, Store},
};

/// A running server with an audit device, and an auth method at its usual place.
struct House(Audited);

impl Deref for House {
    type Target = Audited;

    fn deref(&self) -> &Audited {
        &self.0
    }
}

impl House {
    async fn with(method: &str) -> Self {
        Self::of(Installation::new(Store::Sled), method).await
    }

    /// The server is that of an installation.
    async fn of(installation: Installation, method: &str) -> Self {
        let house = Self(Audited::of(installation).await);
        let path = format!("sys/auth/{method}");
        house.write(&path, json!({ "type": method })).await;
        house
    }

    async fn restart(self) -> Self {
        let mut audited = self.0;
        assert!(audited.server.terminate().success());
        audited.server = audited.installation.start();
        audited.installation.unseal(&audited.keys).await;
        Self(audited)
    }

    /// Kills the server as it stands, and starts it again.
    async fn crash(mut self) -> Self {
        self.0.server.kill();
        self.0.server = self.installation.start();
        self.installation.unseal(&self.keys).await;
        self
    }

    /// Writes as root; nothing is to be told.
    async fn write(&self, path: &str, body: Value) {
        self.root.post(path, body).await.expect(204);
    }

    /// Lets a policy read a path.
    async fn policy(&self, name: &str, path: &str) {
        let policy = format!("path \"{path}\" {{ capabilities = [\"read\"] }}");
        let body = json!({ "policy": policy });
        self.write(&format!("sys/policies/acl/{name}"), body).await;
    }

    /// Asks for a token below `auth/`, without one.
    async fn log_in(&self, path: &str, body: Value) -> Answer {
        self.root
            .with_token("")
            .post(&format!("auth/{path}"), body)
            .await
    }

    /// A client with the token of a login.
    async fn holder(&self, path: &str, body: Value) -> Client {
        let answer = self.log_in(path, body).await.expect(200);
        self.root.with_token(answer.text_at("/auth/client_token"))
    }

    /// The two lines that the last call left.
    fn last_lines(&self) -> [Value; 2] {
        let mut last = self.entries().into_iter().rev();
        let (response, request) = (last.next().unwrap(), last.next().unwrap());
        [request, response]
    }
}
