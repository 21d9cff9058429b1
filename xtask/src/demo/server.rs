//! The demo's server: started apart from this command, so that it runs on when the story is told.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{interval, timeout};

use super::cli::Cli;
use crate::command::{output, program};
use crate::http::{Address, Api};
use crate::project::Project;

/// A running server.
pub(super) struct Server {
    address: Address,
    folder: PathBuf,
}

/// How long it may take to answer, and to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is asked meanwhile.
const EVERY: Duration = Duration::from_millis(50);

impl Server {
    pub(super) const TOKEN: &str = "root";

    /// Starts a fresh server and waits until it answers.
    ///
    /// # Errors
    /// Another program listens there, or the server stopped; the error shows what it said.
    pub(super) async fn start(project: &Project, address: &Address) -> Result<Self> {
        ensure!(
            Api::connect(address, Self::TOKEN).await.is_err(),
            "another program listens at http://{address}; \
             choose a free port, as in `cargo xtask demo --listen http://127.0.0.1:8210`"
        );
        let folder = project.cache("demo");
        fs::create_dir_all(&folder).context("cannot make .cache/demo")?;
        let server = Self {
            address: address.clone(),
            folder: folder.clone(),
        };
        // A fresh story: the audit file is to hold what it leaves, and nothing else.
        if server.audit_file().exists() {
            fs::remove_file(server.audit_file())?;
        }
        let log = folder.join("server.log");

        let mut child = program(project.built("release", "keyward"), &folder)
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={}", Self::TOKEN))
            .arg(format!("-dev-listen-address={}", address.authority()))
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            // A group of its own: Ctrl-C here is not meant for it.
            .process_group(0)
            .spawn()
            .context("keyward could not start")?;
        fs::write(process_file(project), child.id().to_string())?;
        match timeout(PATIENCE, answers(&mut child, address)).await {
            Ok(Ok(())) => Ok(server),
            outcome => {
                let said = fs::read_to_string(&log).unwrap_or_default();
                child.kill()?;
                let why = outcome.map_or_else(
                    |_| "it did not answer in time".to_owned(),
                    |stopped| stopped.map_or_else(|error| error.to_string(), |()| String::new()),
                );
                bail!("the server did not start: {why}\n{said}");
            }
        }
    }

    /// Stops the server of an earlier run; whether there was one.
    ///
    /// # Errors
    /// It does not stop.
    pub(super) async fn stop_earlier(project: &Project) -> Result<bool> {
        let file = process_file(project);
        let Ok(process) = fs::read_to_string(&file) else {
            return Ok(false);
        };
        let running = is_ours(&process, project);
        if running {
            println!("Stopping the server of an earlier run (process {process}).");
            output(Command::new("kill").arg(&process))?;
            timeout(PATIENCE, gone(&process, project))
                .await
                .with_context(|| format!("process {process} does not stop"))?;
        }
        fs::remove_file(&file)?;
        Ok(running)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn audit_file(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    /// Where the demo keeps its files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The command line, aimed at this server.
    pub(super) fn cli(&self, project: &Project) -> Cli {
        Cli::new(project.built("release", "keyward"), &self.address)
    }

    pub(super) fn say_how_to_go_on(&self) {
        println!(
            "\nThe server runs on. To go on with it:\n\
             \x20 export KEYWARD_ADDR={} KEYWARD_TOKEN={}\n\
             \x20 export PATH=$PWD/target/release:$PATH\n\
             \x20 keyward secrets list\n\
             \x20 keyward read demo/keys/records\n\
             \x20 keyward kv put secret/hello myvalue=s3cr3t\n\
             \x20 tail -f {}\n\
             To stop it: cargo xtask demo --stop",
            self.url(),
            Self::TOKEN,
            self.audit_file().display()
        );
    }
}

/// Waits until the server answers its health check; an error when it stops instead.
async fn answers(child: &mut Child, address: &Address) -> Result<()> {
    let mut tick = interval(EVERY);
    loop {
        tick.tick().await;
        if let Some(status) = child.try_wait()? {
            bail!("it stopped ({status})");
        }
        if let Ok(mut api) = Api::connect(address, Server::TOKEN).await
            && api.get("/v1/sys/health").await.is_ok()
        {
            return Ok(());
        }
    }
}

/// Waits until the process is gone; it is nobody's child here, so it must be looked for.
async fn gone(process: &str, project: &Project) {
    let mut tick = interval(EVERY);
    while is_ours(process, project) {
        tick.tick().await;
    }
}

/// Where the server's process number is kept.
fn process_file(project: &Project) -> PathBuf {
    project.cache("demo/server.pid")
}

/// Whether the process is the demo's server: a number alone may since belong to another program.
fn is_ours(process: &str, project: &Project) -> bool {
    let server = project.built("release", "keyward").display().to_string();
    output(Command::new("ps").args(["-o", "args=", "-p", process]))
        .is_ok_and(|line| line.starts_with(&server) && line.contains(" server -dev "))
}
