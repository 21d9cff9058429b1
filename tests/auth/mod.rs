//! Auth methods over the network: who is let in, what the token is good for, and what stands in the
//! audit log.

mod lockout;
mod userpass;

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Installation, Keys, Process, Store};

/// A running server with an audit device, and an auth method at its usual place.
struct House {
    installation: Installation,
    keys: Keys,
    root: Client,
    server: Process,
}

impl House {
    async fn with(method: &str) -> Self {
        let installation = Installation::new(Store::Sled);
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        let path = installation.path("audit.log");
        let device = json!({ "type": "file", "options": { "file_path": path } });
        root.post("sys/audit/file", device).await.expect(204);
        root.post(&format!("sys/auth/{method}"), json!({ "type": method }))
            .await
            .expect(204);
        Self {
            installation,
            keys,
            root,
            server,
        }
    }

    async fn restart(mut self) -> Self {
        assert!(self.server.terminate().success());
        self.server = self.installation.start();
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
        let log = fs::read_to_string(self.installation.path("audit.log")).unwrap();
        let mut last = log.lines().rev().take(2);
        let mut line = || serde_json::from_str(last.next().unwrap()).unwrap();
        let (response, request) = (line(), line());
        [request, response]
    }

    /// What the audit log shows in the place of a text.
    async fn hash(&self, text: &str) -> String {
        let answer = self
            .root
            .post("sys/audit-hash/file", json!({ "input": text }));
        answer.await.expect(200).text_at("/data/hash").to_owned()
    }
}
