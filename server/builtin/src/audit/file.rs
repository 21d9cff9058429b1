//! The `file` audit device: lines appended to a file, to standard output, or to nothing.
//!
//! A thread of its own gathers the lines of all requests that wait, closes them with the chain and
//! writes them with one system call; a `durable` device also waits for the disk. The file is opened
//! by the first write, and again after a fault that could not be mended: a device whose disk was
//! full recovers by itself.
//!
//! **Invariant:** no half line stays in a file that lines follow. What a failed write left is cut
//! off at once, what a crash left before the next line, which tells how much it was.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    iter,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use keyward_core::audit::{
    AuditDevice, AuditError, AuditKind, Chain, Head, Lines, Options, Resumed, Sought, Standing,
    flag,
};

use crate::{
    committer::{Committer, Limits},
    lock::lock_within,
};

/// The line of the registry.
///
/// Options: `file_path` (or `path`), a path, `stdout` or `discard`; `mode`, octal, 0600 unless
/// given, 0000 to leave it as it is; `durable`, to wait for the disk before a request goes on.
pub const FILE: AuditKind = AuditKind {
    name: "file",
    options: &["durable", "file_path", "mode", "path"],
    open,
};

const LIMITS: Limits = Limits {
    batch_jobs: 1024,
    batch_bytes: 4 << 20,
    queue_bytes: 64 << 20,
};

fn open(options: &Options, standing: &Arc<Standing>) -> Result<Arc<dyn AuditDevice>, AuditError> {
    let path = options
        .get("file_path")
        .or_else(|| options.get("path"))
        .map_or("", String::as_str);
    let destination = match path.to_ascii_lowercase().as_str() {
        "" => return Err(AuditError::options("file_path is required")),
        "discard" => return Ok(Arc::new(Discard)),
        "stdout" => Destination::Stdout,
        _ => Destination::File(LogFile {
            path: PathBuf::from(path),
            mode: parse_mode(options.get("mode").map_or("0600", String::as_str))?,
            durable: flag(options, "durable", false)?,
            opened: None,
        }),
    };
    let mut writer = Writer {
        destination,
        chain: Chain::default(),
        removed: 0,
        buffer: Vec::new(),
        standing: Arc::clone(standing),
    };
    let committer = Committer::spawn("audit-file", LIMITS, move |jobs| writer.process(&jobs))
        .map_err(AuditError::failed)?;
    Ok(Arc::new(FileDevice { committer }))
}

fn parse_mode(text: &str) -> Result<u32, AuditError> {
    u32::from_str_radix(text, 8).map_err(|_| {
        AuditError::options(format!(
            "strconv.ParseUint: parsing \"{text}\": invalid syntax"
        ))
    })
}

/// Takes every line and keeps none.
struct Discard;

#[async_trait]
impl AuditDevice for Discard {
    async fn write(&self, _: Lines) -> Result<(), AuditError> {
        Ok(())
    }

    async fn reopen(&self) -> Result<(), AuditError> {
        Ok(())
    }
}

/// A log that a thread writes.
struct FileDevice {
    committer: Committer<Job, Result<(), AuditError>>,
}

enum Job {
    Reopen,
    Write(Lines),
}

#[async_trait]
impl AuditDevice for FileDevice {
    async fn write(&self, lines: Lines) -> Result<(), AuditError> {
        let size = lines.size();
        self.committer
            .submit(Job::Write(lines), size)
            .await
            .map_err(AuditError::failed)?
    }

    async fn reopen(&self) -> Result<(), AuditError> {
        self.committer
            .submit(Job::Reopen, 1)
            .await
            .map_err(AuditError::failed)?
    }
}

/// What the thread holds.
struct Writer {
    destination: Destination,
    chain: Chain,
    /// How many bytes of unfinished lines were removed and no line has told of yet.
    removed: u64,
    buffer: Vec<u8>,
    standing: Arc<Standing>,
}

enum Destination {
    File(LogFile),
    Stdout,
}

impl Writer {
    fn process(&mut self, jobs: &[Job]) -> Vec<Result<(), AuditError>> {
        let mut outcomes = Vec::with_capacity(jobs.len());
        // Lines that stand together are written together; all of them are kept, or none.
        for group in jobs.chunk_by(|a, b| matches!((a, b), (Job::Write(_), Job::Write(_)))) {
            let outcome = match group {
                [Job::Reopen] => self.reopen(),
                writes => self.write(writes),
            };
            let outcome = outcome.map_err(|error| self.destination.describe(&error));
            outcomes.extend(iter::repeat_n(outcome, group.len()));
        }
        outcomes
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Destination::File(log) = &mut self.destination {
            log.opened = None;
        }
        self.open()
    }

    /// Opens the file, if it is not, and takes up its chain.
    fn open(&mut self) -> io::Result<()> {
        let Destination::File(log) = &mut self.destination else {
            return Ok(());
        };
        if log.opened.is_some() {
            return Ok(());
        }
        let (opened, resumed) = log.open()?;
        let known = self.standing.head();
        let torn = match resumed {
            Resumed::At { chain, torn } => {
                self.chain = chain;
                if let Some(head) = known
                    && !holds(&opened.file, opened.length - torn, &head)?
                {
                    self.standing.note_shortened(&head, self.chain.last().0);
                    self.chain.skip_to(&head);
                }
                torn
            }
            // It may have been moved away while no server ran.
            Resumed::Empty { torn } => {
                match known {
                    Some(head) => self.chain = Chain::after(&head),
                    None => self.chain.begin_file(),
                }
                self.standing.note_begun();
                torn
            }
            Resumed::Foreign | Resumed::Short => return Err(io::Error::other(FOREIGN)),
        };
        if torn > 0 {
            opened.file.set_len(opened.length - torn)?;
            self.removed += torn;
        }
        self.chain.note_torn(self.removed);
        log.opened = Some(Opened {
            length: opened.length - torn,
            ..opened
        });
        Ok(())
    }

    fn write(&mut self, jobs: &[Job]) -> io::Result<()> {
        if let Destination::File(log) = &mut self.destination {
            log.let_go_if_shortened()?;
        }
        self.open()?;
        let before = self.chain.clone();
        self.buffer.clear();
        for job in jobs {
            if let Job::Write(lines) = job {
                lines.close(&mut self.chain, &mut self.buffer);
            }
        }
        let written = match &mut self.destination {
            Destination::File(log) => log.append(&self.buffer),
            Destination::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&self.buffer).and_then(|()| stdout.flush())
            }
        };
        self.buffer.shrink_to(LIMITS.batch_bytes);
        match &written {
            Ok(()) => {
                self.removed = 0;
                self.standing.note(&self.chain);
            }
            Err(_) => self.chain = before,
        }
        written
    }
}

impl Destination {
    fn describe(&self, error: &io::Error) -> AuditError {
        match self {
            Self::File(log) => AuditError::failed(format!("{}: {error}", log.path.display())),
            Self::Stdout => AuditError::failed(format!("standard output: {error}")),
        }
    }
}

const FOREIGN: &str = "its last line was not written by an audit device, or was edited; \
                       move the file away";
/// How long to wait for the device that had the file before a seal: well below the deadline of an
/// entry.
const PATIENCE: Duration = Duration::from_secs(1);
const TAKEN: &str = "another audit device or process is writing it";

struct LogFile {
    path: PathBuf,
    mode: u32,
    durable: bool,
    opened: Option<Opened>,
}

struct Opened {
    file: File,
    /// How long it is with every line that was kept.
    length: u64,
    /// Whether it has an end that can be read and cut; a pipe or a device has none.
    is_regular: bool,
}

impl LogFile {
    /// Opens or creates the file, locks it, and reads how its chain goes on.
    fn open(&self) -> io::Result<(Opened, Resumed)> {
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        let created_with = if self.mode == 0 { 0o600 } else { self.mode };
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .append(true)
            .create(true)
            .mode(created_with)
            .open(&self.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            let opened = Opened {
                file,
                length: 0,
                is_regular: false,
            };
            return Ok((opened, Resumed::Empty { torn: 0 }));
        }
        match lock_within(&file, PATIENCE) {
            Ok(true) => {}
            Ok(false) => return Err(io::Error::other(TAKEN)),
            // Some network file systems have no locks.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
        if self.mode != 0 && metadata.permissions().mode() & 0o7777 != self.mode {
            file.set_permissions(Permissions::from_mode(self.mode))?;
        }
        if self.durable {
            // A new name is on disk once its folder is.
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        let length = metadata.len();
        let resumed = read_end(&file, length)?;
        Ok((
            Opened {
                file,
                length,
                is_regular: true,
            },
            resumed,
        ))
    }

    /// Lets the file be opened anew if somebody took lines off it, as who rotates it by emptying it
    /// (`copytruncate`).
    fn let_go_if_shortened(&mut self) -> io::Result<()> {
        if let Some(opened) = &self.opened
            && opened.is_regular
            && opened.file.metadata()?.len() < opened.length
        {
            self.opened = None;
        }
        Ok(())
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        let Some(opened) = &mut self.opened else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let mut written = opened.file.write_all(text);
        if written.is_ok() && self.durable && opened.is_regular {
            written = opened.file.sync_data();
        }
        if written.is_ok() {
            opened.length += text.len() as u64;
        } else if opened.is_regular && opened.cut().is_err() {
            // The next write opens it again, and reads what there is.
            self.opened = None;
        }
        written
    }
}

impl Opened {
    /// Removes what a failed write left. After a failed flush this also drops lines that the page
    /// cache holds and the disk may not: kept there, they would be a hole after a power loss.
    fn cut(&self) -> io::Result<()> {
        if self.file.metadata()?.len() < self.length {
            return Err(io::Error::other("it was truncated"));
        }
        self.file.set_len(self.length)
    }
}

/// Reads as much of the end of a file as its chain needs to go on.
fn read_end(file: &File, length: u64) -> io::Result<Resumed> {
    let mut window = 64 << 10;
    loop {
        let start = length.saturating_sub(window);
        let mut tail = vec![0; usize::try_from(length - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut tail, start)?;
        match Chain::resume(&tail, start == 0) {
            Resumed::Short => window *= 4,
            resumed => return Ok(resumed),
        }
    }
}

/// Tells whether a file whose lines end at `end` has the line of `head`, or begins with the one after
/// it. Lines are read from the last one backwards: nearly always that is the one.
fn holds(file: &File, end: u64, head: &Head) -> io::Result<bool> {
    const PART: u64 = 256 << 10;
    let mut start = end;
    // What was read of the file and not looked at; it ends with a line feed.
    let mut lines = Vec::new();
    loop {
        let before = match lines.split_last() {
            Some((_, rest)) => rest.iter().rposition(|&byte| byte == b'\n'),
            None => None,
        };
        let first = match before {
            Some(before) => before + 1,
            // What was kept is not older than the file: it is kept again where one begins.
            None if start == 0 && lines.is_empty() => return Ok(end == 0),
            None if start == 0 => 0,
            None => {
                let from = start.saturating_sub(PART);
                let mut part = vec![0; usize::try_from(start - from).map_err(io::Error::other)?];
                file.read_exact_at(&mut part, from)?;
                part.append(&mut lines);
                (start, lines) = (from, part);
                continue;
            }
        };
        let line = &lines[first..lines.len() - 1];
        match head.seek(line) {
            Sought::Before => lines.truncate(first),
            sought => return Ok(sought == Sought::Here),
        }
    }
}

#[cfg(test)]
mod tests;
