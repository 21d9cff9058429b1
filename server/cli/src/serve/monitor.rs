//! What the server logs, shown to whoever asks for it while it runs.
//!
//! ```text
//! event ─ formatted once a format ─▶ a queue for each reader ─▶ its connection
//!                                     └ full: the line is counted as lost
//! ```
//!
//! **Invariant:** who logs waits for no reader, and what is kept for one is bounded. Only events of
//! the server's own modules are shown: libraries below it may log what they carry.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use keyward_core::{Error, LineSource, Lines};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::mpsc;
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    fmt::{self, MakeWriter},
    reload,
};

/// How many lines wait for a reader.
const WAITING: usize = 512;

/// What the modules of the server are called; those of libraries begin otherwise.
const OWN: &str = "keyward_";

/// All who read, and the filter that follows from them.
pub(super) struct Monitors {
    readers: Arc<Mutex<Vec<Reader>>>,
    /// One for each format: JSON, then standard; one change at a time.
    filters: Mutex<[reload::Handle<Targets, Registry>; 2]>,
}

/// What is shown to one reader, and how.
struct Reader {
    level: Level,
    format: Format,
    queue: mpsc::Sender<String>,
    lost: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Standard,
}

impl Reader {
    /// Hands a line on, behind what there is to say of those that were lost before it.
    fn show(&self, line: String) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 && self.is_full_for(tell_lost(lost, self.format)) {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        } else if self.is_full_for(line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts a line into the queue, unless that is full; a reader that is gone loses nothing.
    fn is_full_for(&self, line: String) -> bool {
        let sent = self.queue.try_send(line);
        matches!(sent, Err(mpsc::error::TrySendError::Full(_)))
    }
}

type Shown = Box<dyn Layer<Registry> + Send + Sync>;

impl Monitors {
    /// Makes the state without readers, and what is to be added to the log.
    pub(super) fn new() -> (Arc<Self>, Shown) {
        let readers = Arc::new(Mutex::new(Vec::new()));
        let writer = |format| Writers {
            format,
            readers: Arc::clone(&readers),
        };
        let (standard_filter, standard) = reload::Layer::new(Targets::new());
        let (json_filter, json) = reload::Layer::new(Targets::new());
        let lines = fmt::layer().with_ansi(false);
        let lines = lines.with_writer(writer(Format::Standard));
        let objects = fmt::layer().json().with_writer(writer(Format::Json));
        let shown = vec![
            lines.with_filter(standard_filter).boxed(),
            objects.with_filter(json_filter).boxed(),
        ];
        let monitors = Self {
            readers,
            filters: Mutex::new([json, standard]),
        };
        (Arc::new(monitors), shown.boxed())
    }

    /// Begins to show what is logged at a level or above.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such format.
    pub(super) fn begin(self: &Arc<Self>, level: &str, format: &str) -> Result<Lines, Error> {
        let format = match format {
            "json" => Format::Json,
            "standard" => Format::Standard,
            _ => return Err(Error::invalid("unknown log format")),
        };
        let level = level.parse().map_err(Error::internal)?;
        let (queue, lines) = mpsc::channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let reader = Reader {
            level,
            format,
            queue,
            lost: Arc::clone(&lost),
        };
        self.readers.lock().push(reader);
        self.tune(format);
        Ok(Lines::of(Reading {
            monitors: Arc::clone(self),
            format,
            lines,
            lost,
        }))
    }

    /// Ends all that is shown, behind what waits.
    pub(super) fn end(&self) {
        self.readers.lock().clear();
        self.tune(Format::Json);
        self.tune(Format::Standard);
    }

    /// Lets the events of the readers of a format through, and no others: what nobody reads costs
    /// nothing.
    fn tune(&self, format: Format) {
        let [json, standard] = &*self.filters.lock();
        let most = self.most(format);
        let handle = match format {
            Format::Json => json,
            Format::Standard => standard,
        };
        // It fails where another log was set up first; then there is nothing to let through.
        let _ = handle.reload(Targets::new().with_target(OWN, most));
    }

    /// Returns up to which level lines of a format are read.
    fn most(&self, format: Format) -> LevelFilter {
        let readers = self.readers.lock();
        let levels = readers.iter().filter(|reader| reader.format == format);
        let levels = levels.map(|reader| LevelFilter::from_level(reader.level));
        levels.max().unwrap_or(LevelFilter::OFF)
    }
}

/// Makes the writers of one format.
struct Writers {
    format: Format,
    readers: Arc<Mutex<Vec<Reader>>>,
}

/// Hands one line on to those who read events of its level.
struct Writer<'a> {
    level: Level,
    of: &'a Writers,
}

impl<'a> MakeWriter<'a> for Writers {
    type Writer = Writer<'a>;

    fn make_writer(&'a self) -> Writer<'a> {
        Writer {
            level: Level::ERROR,
            of: self,
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Writer<'a> {
        Writer {
            level: *event.level(),
            of: self,
        }
    }
}

impl io::Write for Writer<'_> {
    /// Takes a whole line, as it is formatted.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        for reader in &*self.of.readers.lock() {
            if reader.format == self.of.format && self.level <= reader.level {
                reader.show(String::from_utf8_lossy(line).into_owned());
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The side of a reader; it ends with this.
struct Reading {
    monitors: Arc<Monitors>,
    format: Format,
    lines: mpsc::Receiver<String>,
    lost: Arc<AtomicU64>,
}

impl LineSource for Reading {
    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        let line = self.lines.poll_recv(cx);
        if let Poll::Ready(Some(_)) = line {
            return line;
        }
        // All that waited was read, and nothing came since what was lost.
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => line,
            lost => Poll::Ready(Some(tell_lost(lost, self.format))),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let lost = &self.lost;
        let mut readers = self.monitors.readers.lock();
        readers.retain(|reader| !Arc::ptr_eq(&reader.lost, lost));
        drop(readers);
        self.monitors.tune(self.format);
    }
}

/// Says in the place of lost lines how many they were.
fn tell_lost(lost: u64, format: Format) -> String {
    let text = "lines were lost: they came faster than they were read";
    match format {
        Format::Json => {
            let fields = json!({ "message": text, "lost": lost });
            let line = json!({ "level": "WARN", "fields": fields, "target": module_path!() });
            format!("{line}\n")
        }
        Format::Standard => format!(" WARN {}: {lost} {text}\n", module_path!()),
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What can be read without waiting.
    fn now(lines: &mut Lines) -> Vec<String> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut read = Vec::new();
        while let Poll::Ready(Some(line)) = lines.poll_line(&mut cx) {
            read.push(line);
        }
        read
    }

    fn with_log<T>(test: impl FnOnce(&Arc<Monitors>) -> T) -> T {
        let (monitors, shown) = Monitors::new();
        let log = tracing_subscriber::registry().with(vec![shown]);
        tracing::subscriber::with_default(log, || test(&monitors))
    }

    #[test]
    fn a_reader_sees_lines_of_its_level_and_of_the_server_alone() {
        with_log(|monitors| {
            tracing::error!("before");
            let mut warnings = monitors.begin("warn", "standard").unwrap();
            let mut all = monitors.begin("trace", "json").unwrap();
            tracing::warn!(n = 1, "odd");
            tracing::trace!("fine");
            tracing::error!(target: "hyper", "theirs");
            let read = now(&mut warnings);
            assert_eq!(read.len(), 1, "{read:?}");
            assert!(read[0].contains(" WARN ") && read[0].ends_with("odd n=1\n"));
            let read = now(&mut all);
            assert_eq!(read.len(), 2, "{read:?}");
            let odd: serde_json::Value = serde_json::from_str(&read[0]).unwrap();
            assert_eq!(odd["fields"], json!({ "message": "odd", "n": 1 }));
        });
    }

    #[test]
    fn a_slow_reader_loses_lines_and_is_told_how_many() {
        for format in ["standard", "json"] {
            with_log(|monitors| {
                let mut lines = monitors.begin("info", format).unwrap();
                for number in 0..WAITING + 7 {
                    tracing::info!(number, "one of many");
                }
                let read = now(&mut lines);
                assert_eq!(read.len(), WAITING + 1);
                let last = &read[WAITING];
                assert!(last.contains("lost") && last.contains('7'), "{last}");
                tracing::info!("after");
                assert!(now(&mut lines)[0].contains("after"));
            });
        }
    }

    #[test]
    fn a_reader_that_never_catches_up_is_told_too() {
        with_log(|monitors| {
            let mut lines = monitors.begin("info", "standard").unwrap();
            let mut cx = Context::from_waker(std::task::Waker::noop());
            for number in 0..WAITING + 3 {
                tracing::info!(number, "one of many");
            }
            // Two are read, the third line comes behind the word of the three that were lost.
            for _ in 0..2 {
                assert!(lines.poll_line(&mut cx).is_ready());
            }
            tracing::info!("after");
            let read = now(&mut lines);
            let [.., told, last] = &*read else {
                panic!("{read:?}")
            };
            assert!(told.contains(": 3 lines were lost"), "{told}");
            assert!(last.contains("after"), "{last}");
        });
    }

    #[test]
    fn who_is_gone_is_not_logged_for_and_the_end_ends_all() {
        with_log(|monitors| {
            let read = monitors.begin("trace", "standard").unwrap();
            drop(read);
            assert!(monitors.readers.lock().is_empty());
            assert_eq!(monitors.most(Format::Standard), LevelFilter::OFF);
            let mut lines = monitors.begin("info", "standard").unwrap();
            tracing::info!("last words");
            monitors.end();
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let last = lines.poll_line(&mut cx);
            assert!(matches!(last, Poll::Ready(Some(line)) if line.contains("last words")));
            assert!(matches!(lines.poll_line(&mut cx), Poll::Ready(None)));
            assert!(monitors.begin("info", "xml").is_err());
        });
    }
}
