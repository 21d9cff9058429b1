//! `cargo xtask peer`: an OpenBao server with a file audit device, to compare with.
//!
//! It keeps everything in memory, as its dev mode does: nothing of it is slower than it must be,
//! so a comparison with it is fair to it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::program;
use crate::http::Address;
use crate::needs::Need;
use crate::project::Project;

/// Start an OpenBao dev server with a file audit device, in the foreground.
#[derive(Args)]
pub(crate) struct Peer {
    /// Where it listens.
    #[arg(long, default_value = "http://127.0.0.1:18300")]
    listen: Address,

    /// Its root token.
    #[arg(long, default_value = "root")]
    token: String,
}

/// What its dev server prints when it is ready.
const READY: &str = "server started";

impl Peer {
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        Need::Python.ensure(project)?;
        let folder = project.cache("peer");
        fs::create_dir_all(&folder).context("cannot make .cache/peer")?;
        let audit = folder.join("audit.log");
        let log = folder.join("server.log");
        let config = folder.join("peer.hcl");
        // OpenBao takes audit devices from its configuration, not through the API.
        fs::write(
            &config,
            format!(
                "audit \"file\" \"file\" {{\n  options = {{\n    file_path = {audit:?}\n  }}\n}}\n"
            ),
        )?;

        let mut server = program(project.python_environment().join("bin/bao"), &folder)
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={}", self.token))
            .arg(format!("-dev-listen-address={}", self.listen.authority()))
            .arg(format!("-config={}", config.display()))
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("bao could not start")?;
        let process = server.id();

        let output = server.stdout.take().context("bao has no output")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut said = Vec::new();
        while !said
            .last()
            .is_some_and(|line: &String| line.contains(READY))
        {
            let Some(line) = lines.next() else {
                bail!(
                    "bao stopped ({}): {}",
                    server.wait()?,
                    said.join(" ").trim()
                );
            };
            said.push(line);
        }
        println!(
            "OpenBao listens at http://{}, token {}",
            self.listen, self.token
        );
        println!("process {process}; audit entries in {}", audit.display());
        println!(
            "measure it: cargo run --release -p xtask -- bench-http --against bao=http://{},{},{process}",
            self.listen, self.token
        );
        println!("stop it: Ctrl-C");
        // It goes on printing; a full pipe would stop it.
        lines.for_each(drop);
        let status = server.wait()?;
        println!("OpenBao stopped ({status})");
        Ok(())
    }
}
