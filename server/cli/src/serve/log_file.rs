//! The file that is logged into, by a thread of its own: a disk that is slow keeps no request
//! waiting.

use std::{
    io::{self, Write},
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, Result};
use keyward_core::SystemClock;
use tracing_subscriber::fmt::MakeWriter;

use super::rotating::{Rotating, Rotation};
use crate::config::LogConfig;

/// How many lines wait for the disk before further ones are left out.
const WAITING: usize = 8192;

/// Where lines are put that are to be written.
#[derive(Clone)]
pub(super) struct LogFile {
    messages: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    reopen: Arc<AtomicBool>,
}

enum Message {
    End,
    Line(Vec<u8>),
    Reopen,
}

/// The thread that writes. Dropped, it has written all lines that were put there before.
pub(super) struct Writing {
    messages: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl LogFile {
    /// Opens the file of a configuration, if it has one.
    pub(super) fn open(config: &LogConfig) -> Result<Option<(Self, Writing)>> {
        let Some(path) = &config.file else {
            return Ok(None);
        };
        let rotation = Rotation {
            bytes: config.rotate_bytes.filter(|bytes| *bytes > 0),
            period: config.rotate_duration.unwrap_or(Rotation::USUAL_PERIOD),
            kept: match config.rotate_max_files.unwrap_or_default() {
                0 => None,
                files => Some(usize::try_from(files).unwrap_or_default()),
            },
        };
        let cannot = || format!("cannot open the log_file {}", path.display());
        let file = Rotating::open(path, rotation, Arc::new(SystemClock)).with_context(cannot)?;
        Self::begin(file).with_context(cannot).map(Some)
    }

    fn begin(file: Rotating) -> io::Result<(Self, Writing)> {
        let (messages, waiting) = sync_channel(WAITING);
        let it = Self {
            messages: messages.clone(),
            lost: Arc::default(),
            reopen: Arc::default(),
        };
        let (lost, reopen) = (Arc::clone(&it.lost), Arc::clone(&it.reopen));
        let thread = thread::Builder::new().name("log-file".to_owned());
        let thread = thread.spawn(move || write(file, &waiting, &lost, &reopen))?;
        let writing = Writing {
            messages,
            thread: Some(thread),
        };
        Ok((it, writing))
    }

    /// Has the file opened anew, for whoever moved it away: behind the lines that wait, or before
    /// them if there is no room for one more.
    pub(super) fn reopen(&self) {
        if self.messages.try_send(Message::Reopen).is_err() {
            self.reopen.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // An error means that the thread is gone already.
        let _ = self.messages.send(Message::End);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// One line on its way to the file.
pub(super) struct Line<'f>(&'f LogFile);

impl<'f> MakeWriter<'f> for LogFile {
    type Writer = Line<'f>;

    fn make_writer(&'f self) -> Line<'f> {
        Line(self)
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self
            .0
            .messages
            .try_send(Message::Line(line.to_vec()))
            .is_err()
        {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what comes until the end.
fn write(mut file: Rotating, messages: &Receiver<Message>, lost: &AtomicU64, reopen: &AtomicBool) {
    let mut has_failed = false;
    for message in messages {
        let mut outcome = Ok(());
        if reopen.swap(false, Ordering::Relaxed) || matches!(message, Message::Reopen) {
            outcome = file.reopen();
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let told = format!("{lost} lines are left out here: the disk was too slow for them\n");
            outcome = outcome.and(file.write(told.as_bytes()));
        }
        match message {
            Message::End => return,
            Message::Line(line) => outcome = outcome.and(file.write(&line)),
            Message::Reopen => {}
        }
        let is_first = !mem::replace(&mut has_failed, outcome.is_err());
        if let (Err(error), true) = (outcome, is_first) {
            // Not logged: it would come here again.
            let _ = writeln!(io::stderr(), "the log_file cannot be written: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_in_the_file_when_the_thread_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let config = LogConfig {
            file: Some(folder.path().join("k.log")),
            ..LogConfig::default()
        };
        let (file, writing) = LogFile::open(&config).unwrap().unwrap();
        for number in 0..100 {
            writeln!(file.make_writer(), "{number}").unwrap();
        }
        drop(writing);
        let text = fs::read_to_string(folder.path().join("k.log")).unwrap();
        assert!(
            text.starts_with("0\n1\n") && text.ends_with("98\n99\n"),
            "{text}"
        );
        // Nobody writes any more, and nobody waits.
        writeln!(file.make_writer(), "late").unwrap();
        file.reopen();
    }

    #[test]
    fn what_the_disk_is_too_slow_for_is_counted_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.log");
        let rotation = Rotation {
            bytes: None,
            period: Rotation::USUAL_PERIOD,
            kept: None,
        };
        let rotating = Rotating::open(&path, rotation, Arc::new(SystemClock)).unwrap();
        let (messages, waiting) = sync_channel(1);
        let file = LogFile {
            messages,
            lost: Arc::default(),
            reopen: Arc::default(),
        };
        for line in ["first\n", "second\n", "third\n"] {
            file.make_writer().write_all(line.as_bytes()).unwrap();
        }
        let (lost, reopen) = (Arc::clone(&file.lost), Arc::clone(&file.reopen));
        drop(file);
        write(rotating, &waiting, &lost, &reopen);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "2 lines are left out here: the disk was too slow for them\nfirst\n"
        );
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let no_folder = tempfile::NamedTempFile::new().unwrap();
        let path = no_folder.path().join("k.log");
        let config = LogConfig {
            file: Some(path.clone()),
            ..LogConfig::default()
        };
        let refused = LogFile::open(&config).map(drop).unwrap_err().to_string();
        let wanted = format!("cannot open the log_file {}", path.display());
        assert_eq!(refused, wanted);
        assert!(LogFile::open(&LogConfig::default()).unwrap().is_none());
    }
}
