//! A PostgreSQL server of a test's own, as a child process.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// The password of the superuser `keeper`.
pub(crate) const PASSWORD: &str = "first-password";

/// Whom it runs as where the tests are run by root, whom it refuses: nobody, on Debian and
/// elsewhere.
const NOBODY: u32 = 65534;

/// A server with a superuser `keeper` and a database `postgres`. Dropping it stops it.
pub(crate) struct Postgres {
    folder: TempDir,
    pub(crate) port: u16,
    options: Vec<String>,
    running: Option<Child>,
}

impl Postgres {
    /// Makes one and starts it.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// As [`start`](Self::start), with files beside its data and settings.
    pub(crate) fn start_with(files: &[(&str, &str)], options: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        own(&data);
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        let made = program("initdb")
            .arg("--pgdata")
            .arg(&data)
            .arg("--pwfile")
            .arg(&password)
            .args(["--username=keeper", "--auth=scram-sha-256", "--no-sync"])
            .args(["--encoding=UTF8", "--no-locale"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        for (name, text) in files {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            own(&path);
        }
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut postgres = Self {
            folder,
            port: free.local_addr().unwrap().port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            running: None,
        };
        drop(free);
        postgres.start_again();
        postgres
    }

    /// Starts it on the data that it has, and waits until it answers.
    pub(crate) fn start_again(&mut self) {
        let mut command = program("postgres");
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "fsync=off"]);
        for option in &self.options {
            command.args(["-c", option]);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let ready = lines.any(|line| line.contains("ready to accept connections"));
        assert!(ready, "PostgreSQL does not start");
        // What nobody reads would stop it in the end.
        std::thread::spawn(move || lines.for_each(drop));
        self.running = Some(child);
    }

    /// Stops it at once, and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            // A fast shutdown: connections are ended.
            kill_process(Pid::from_child(&child), Signal::INT).unwrap();
            child.wait().unwrap();
        }
    }

    /// Where it is, for the configuration of a connection.
    pub(crate) fn url(&self, sslmode: &str) -> String {
        let port = self.port;
        format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres?sslmode={sslmode}"
        )
    }

    /// Logs in; none if the database refuses that.
    pub(crate) async fn log_in(&self, user: &str, password: &str) -> Option<Client> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).dbname("postgres");
        config.user(user).password(password);
        let (client, connection) = config.connect(NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

fn own(path: &Path) {
    if getuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Finds a program of the newest PostgreSQL that is installed.
fn program(name: &str) -> Command {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map_while(Result::ok)
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort_unstable();
    folders.reverse();
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let found = folders.into_iter().map(|folder| folder.join(name));
    let found = found.into_iter().find(|path| path.is_file());
    let found = found.unwrap_or_else(|| {
        panic!("PostgreSQL is missing: install it, or have `cargo xtask test` do so")
    });
    let mut command = Command::new(found);
    command
        .current_dir("/")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command.stdout(Stdio::null());
    if getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
