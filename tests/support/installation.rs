//! A server that is installed: a config file, a data directory that outlives restarts, shares.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    http::Client,
    peer::{bao, isolated},
    process::{Process, free_address},
    server::KEYWARD,
    target::peer_is_asked_for,
};

/// Which store keeps the data.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Store {
    Redb,
    Sled,
}

/// The files of one server and where it listens.
pub(crate) struct Installation {
    home: TempDir,
    address: SocketAddr,
    /// What its processes find in their environment beside what all of them do.
    variables: Vec<(&'static str, PathBuf)>,
}

/// What `init` handed out.
pub(crate) struct Keys {
    pub(crate) shares: Vec<String>,
    pub(crate) shares_base64: Vec<String>,
    pub(crate) root_token: String,
    threshold: usize,
}

impl Installation {
    /// Writes the config file of a server with nothing in its store; starts nothing.
    ///
    /// `KEYWARD_TEST_TARGET=peer` makes it an installation of the peer, on the peer's own store.
    pub(crate) fn new(store: Store) -> Self {
        let installation = Self {
            home: TempDir::new().unwrap(),
            address: free_address(),
            variables: Vec::new(),
        };
        let data = installation.path("data");
        let stanza = match store {
            _ if peer_is_asked_for() => {
                fs::create_dir(&data).unwrap();
                let cluster = free_address();
                format!(
                    "cluster_addr = \"http://{cluster}\"\nstorage \"raft\" {{\n  path = {data:?}\n  \
                     node_id = \"one\"\n}}"
                )
            }
            Store::Redb => format!("storage \"redb\" {{\n  path = {data:?}\n}}"),
            Store::Sled => format!("storage \"sled\" {{\n  path = {data:?}\n}}"),
        };
        let address = installation.address;
        let config = format!(
            "{stanza}\n\nlistener \"tcp\" {{\n  address     = \"{address}\"\n  tls_disable = true\n}}\n\n\
             disable_mlock = true\napi_addr      = \"http://{address}\"\n"
        );
        fs::write(installation.config(), config).unwrap();
        installation
    }

    /// A path inside the server's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The config file.
    pub(crate) fn config(&self) -> PathBuf {
        self.path("server.hcl")
    }

    /// Adds to the config file, for servers that are started from now on.
    pub(crate) fn configure(&self, more: &str) {
        let mut config = fs::read_to_string(self.config()).unwrap();
        config.push_str(more);
        config.push('\n');
        fs::write(self.config(), config).unwrap();
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn socket_address(&self) -> SocketAddr {
        self.address
    }

    /// A client with `token`, or without one if empty.
    pub(crate) fn client(&self, token: &str) -> Client {
        Client::at(&self.address(), token)
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn start(&self) -> Process {
        let mut process = self.launch(&self.config());
        process
            .wait_until_it_answers(self.address)
            .unwrap_or_else(|why| panic!("{why}"));
        process
    }

    /// Starts a server with a config file of the caller's and waits for nothing.
    pub(crate) fn launch(&self, config: &Path) -> Process {
        self.launch_with(&[&format!("-config={}", config.display())])
    }

    /// Starts a server with other flags and waits for nothing.
    pub(crate) fn launch_with(&self, flags: &[&str]) -> Process {
        let mut command = self.command();
        command.arg("server").args(flags);
        Process::spawn(command)
    }

    /// Runs the program with other arguments to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Starts a command of a user who has a token, which goes on.
    pub(crate) fn follow(&self, token: &str, arguments: &[&str]) -> Process {
        Process::spawn(self.command_of(token, arguments))
    }

    /// Runs a command of a user who has a token, and returns the JSON that it prints.
    pub(crate) fn ask(&self, token: &str, arguments: &[&str]) -> Value {
        let output = self.command_of(token, arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn command_of(&self, token: &str, arguments: &[&str]) -> Command {
        let mut command = self.command();
        command
            .args(arguments)
            .env("VAULT_ADDR", self.address())
            .env("VAULT_TOKEN", token);
        command
    }

    fn command(&self) -> Command {
        let program = if peer_is_asked_for() {
            bao()
        } else {
            PathBuf::from(KEYWARD)
        };
        let mut command = isolated(&program, self.home.path());
        command.envs(self.variables.iter().map(|(name, path)| (name, path)));
        command
    }

    /// Has its processes find a path in their environment.
    pub(crate) fn tell(&mut self, name: &'static str, path: PathBuf) {
        self.variables.push((name, path));
    }

    /// Initialises the running server.
    pub(crate) async fn initialise(&self, shares: usize, threshold: usize) -> Keys {
        let body = json!({ "secret_shares": shares, "secret_threshold": threshold });
        let made = self.client("").post("sys/init", body).await.expect(200);
        let texts = |pointer| {
            let texts = made.at(pointer).as_array().unwrap();
            texts
                .iter()
                .map(|text| text.as_str().unwrap().to_owned())
                .collect()
        };
        Keys {
            shares: texts("/keys"),
            shares_base64: texts("/keys_base64"),
            root_token: made.text_at("/root_token").to_owned(),
            threshold,
        }
    }

    /// Unseals the running server and waits until it serves.
    pub(crate) async fn unseal(&self, keys: &Keys) {
        let client = self.client("");
        for share in &keys.shares[..keys.threshold] {
            client
                .post("sys/unseal", json!({ "key": share }))
                .await
                .expect(200);
        }
        self.wait_until_active().await;
    }

    /// Waits until the unsealed server serves: the peer's takes a moment to elect itself.
    pub(crate) async fn wait_until_active(&self) {
        let client = self.client("");
        let deadline = Instant::now() + Duration::from_secs(30);
        while client.get("sys/health").await.status != 200 {
            assert!(Instant::now() < deadline, "unsealed, but not active");
        }
    }
}
