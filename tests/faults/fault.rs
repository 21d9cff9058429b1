//! Faults of the disk: the kernel answers the calls of a running server with an error, for a while.
//!
//! `strace` takes hold of the process and injects the error, so that the server under test is the
//! very binary, with its real stores on a real disk.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Process;

/// What a disk may do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It has no room.
    Full,
    /// It went read-only, as Linux does to one with errors.
    ReadOnly,
    /// It takes writes, and fails when they are to be made durable.
    Unsynced,
}

const WRITES: &str = "write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate";
const SYNCS: &str = "fsync,fdatasync,sync_file_range,syncfs,msync";

/// A fault that lasts until it is ended.
pub(super) struct Fault {
    strace: Child,
}

impl Fault {
    /// Begins a fault of the disk below `files`; it is there when this returns.
    ///
    /// # Panics
    /// If `strace` is missing or may not take hold of the process.
    pub(super) fn begin(kind: Kind, server: &Process, files: &[PathBuf]) -> Self {
        let (calls, error) = match kind {
            Kind::Full => (format!("{WRITES},{SYNCS}"), "ENOSPC"),
            Kind::ReadOnly => (format!("{WRITES},{SYNCS}"), "EROFS"),
            Kind::Unsynced => (SYNCS.to_owned(), "EIO"),
        };
        let mut command = Command::new("strace");
        command
            .args(["--follow-forks", "--output=/dev/null"])
            .arg(format!("--attach={}", server.id()))
            .arg(format!("--trace={calls}"))
            .arg(format!("--inject={calls}:error={error}"));
        for file in files {
            command.arg(format!("--trace-path={}", file.display()));
        }
        let mut strace = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is missing: `cargo xtask test` installs it");
        let mut said = String::new();
        let mut lines = BufReader::new(strace.stderr.take().unwrap()).lines();
        let attached = lines.by_ref().map_while(Result::ok).any(|line| {
            said += &format!("{line}\n");
            line.contains(" attached")
        });
        assert!(attached, "strace did not take hold of the server: {said}");
        // It would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { strace }
    }

    /// Ends it; the disk is well when this returns.
    pub(super) fn end(mut self) {
        self.let_go();
    }

    fn let_go(&mut self) {
        let _already_gone = kill_process(Pid::from_child(&self.strace), Signal::INT);
        self.strace.wait().unwrap();
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        if let Ok(None) = self.strace.try_wait() {
            self.let_go();
        }
    }
}
