//! A server as a child process: started, awaited, read, killed.

use std::{
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::raw;

/// How long a server may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How many lines of its output are shown in a failure's message.
const SHOWN_LINES: usize = 20;

/// A running server. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `command`; its two outputs are read from here on.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let (sender, lines) = mpsc::channel();
        let log = Arc::new(Mutex::new(Vec::new()));
        read_lines(child.stdout.take().unwrap(), sender.clone(), log.clone());
        read_lines(child.stderr.take().unwrap(), sender, log.clone());
        Self { child, lines, log }
    }

    /// Waits until the health endpoint at `address` gives any answer.
    ///
    /// Each line the process prints is a reason to try again; a quiet process is tried a few times
    /// a second.
    ///
    /// # Errors
    /// The process' last words, if it ends or the deadline passes first.
    pub(crate) fn wait_until_it_answers(&mut self, address: SocketAddr) -> Result<(), String> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if raw::exchange(address, "GET", "/v1/sys/health", &[], b"").is_ok() {
                return Ok(());
            }
            match self.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().unwrap();
                    return Err(format!("the server ended ({status}):\n{}", self.excerpt()));
                }
            }
        }
        Err(format!(
            "the server did not answer in {START_DEADLINE:?}:\n{}",
            self.excerpt()
        ))
    }

    /// Waits until the process prints a line with `text` in it.
    ///
    /// # Panics
    /// If it ends or the deadline passes first.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(text) => return,
                Ok(_) => {}
                Err(_) => panic!("no line says {text:?}:\n{}", self.excerpt()),
            }
        }
    }

    /// Does something again and again until the process prints a line with `text` in it.
    ///
    /// # Panics
    /// If it ends or the deadline passes first.
    pub(crate) fn wait_for_while(&mut self, text: &str, mut act: impl FnMut()) {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            act();
            match self.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) if line.contains(text) => return,
                Ok(_) | Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                _ => panic!("no line says {text:?}:\n{}", self.excerpt()),
            }
        }
    }

    /// Waits until the process ends by itself, and returns how, with all that it ever said.
    pub(crate) fn wait_until_it_ends(mut self) -> (ExitStatus, String) {
        // Both outputs close when the process is gone; then the channel has no sender left.
        let deadline = Instant::now() + START_DEADLINE;
        while self.lines.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Disconnected)
        {
            assert!(
                Instant::now() < deadline,
                "the process does not end:\n{}",
                self.excerpt()
            );
        }
        let status = self.child.wait().unwrap();
        let said = self.log.lock().unwrap().join("\n");
        (status, said)
    }

    /// The number by which the system knows it.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process as `kill -9` does, and returns once it is gone.
    pub(crate) fn kill(&mut self) {
        let _already_gone = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Asks the process to end (SIGTERM) and returns how it did.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.ask_to_end();
        self.child.wait().unwrap()
    }

    /// Asks the process to end (SIGTERM).
    pub(crate) fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks the process to read its files anew (SIGHUP).
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Interrupts the process as Ctrl-C does (SIGINT).
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The last lines of both outputs.
    pub(crate) fn excerpt(&self) -> String {
        let log = self.log.lock().unwrap();
        log[log.len().saturating_sub(SHOWN_LINES)..]
            .iter()
            .map(|line| format!("  | {line}\n"))
            .collect()
    }

    /// Asks the process to end and returns all that it ever said.
    pub(crate) fn end_and_tell(self) -> String {
        self.ask_to_end();
        self.wait_until_it_ends().1
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            println!("the server's last lines:\n{}", self.excerpt());
        }
    }
}

fn read_lines(
    output: impl Read + Send + 'static,
    sender: mpsc::Sender<String>,
    log: Arc<Mutex<Vec<String>>>,
) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            log.lock().unwrap().push(line.clone());
            // Nobody listens any more once the server has answered: the log is enough then.
            let _nobody_waits = sender.send(line);
        }
    });
}

/// An address of this machine at which nothing listens right now.
pub(crate) fn free_address() -> SocketAddr {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    probe.local_addr().unwrap()
}
