//! Makes a recording: builds the recorder, runs the workload under it, reads what it wrote.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::{SEED, workload};

/// Everything that happened, in order.
pub(crate) struct Recording {
    events: Vec<Event>,
    log: Vec<u8>,
}

/// One change to a file or directory; see `recorder.c`.
pub(crate) struct Event {
    pub(crate) kind: Kind,
    /// Relative to the root, which is "".
    pub(crate) path: String,
    pub(crate) offset: u64,
    pub(crate) data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Create,
    MakeDirectory,
    Remove,
    RemoveDirectory,
    Rename,
    SetLength,
    Sync,
    Write,
}

impl Event {
    pub(crate) fn is_sync(&self) -> bool {
        self.kind == Kind::Sync
    }

    pub(crate) fn is_of_names(&self) -> bool {
        !matches!(self.kind, Kind::SetLength | Kind::Sync | Kind::Write)
    }

    /// What the workload noted here, if this is no change to the store.
    pub(crate) fn told(&self) -> Option<&str> {
        (self.path == workload::MARKS).then(|| str::from_utf8(&self.data).unwrap())
    }
}

impl Recording {
    /// Runs `test` of this very binary as the workload.
    pub(crate) fn make(test: &str, seed: u64) -> Self {
        let tools = scratch();
        let recorder = tools.path().join("recorder.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power_loss/recorder.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"])
            .arg(&recorder)
            .args([source, "-ldl", "-lpthread"])
            .status()
            .expect("a C compiler is installed as `cc`");
        assert!(built.success(), "the recorder does not build");

        let root = tools.path().join("root");
        fs::create_dir(&root).unwrap();
        let root = root.canonicalize().unwrap();
        let log = tools.path().join("log");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(workload::ROOT, &root)
            .env(SEED, seed.to_string())
            .env("RECORDER_ROOT", &root)
            .env("RECORDER_LOG", &log)
            .env("LD_PRELOAD", &recorder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the workload failed: {said}");

        let recording = Self::read(&log);
        recording.prove(&root);
        recording
    }

    /// Reads what the recorder wrote.
    pub(crate) fn read(path: &Path) -> Self {
        let log = fs::read(path).unwrap();
        let mut rest = log.as_slice();
        let mut events = Vec::new();
        while let Some((kind, after)) = rest.split_first() {
            rest = after;
            let path_length = u32::from_ne_bytes(take(&mut rest, 4).try_into().unwrap());
            let offset = u64::from_ne_bytes(take(&mut rest, 8).try_into().unwrap());
            let data_length = u64::from_ne_bytes(take(&mut rest, 8).try_into().unwrap());
            let path = take(&mut rest, path_length as usize);
            let data = take(&mut rest, usize::try_from(data_length).unwrap());
            events.push(Event {
                kind: match kind {
                    b'c' => Kind::Create,
                    b'd' => Kind::RemoveDirectory,
                    b'm' => Kind::MakeDirectory,
                    b'n' => Kind::Rename,
                    b's' => Kind::Sync,
                    b't' => Kind::SetLength,
                    b'u' => Kind::Remove,
                    b'w' => Kind::Write,
                    other => panic!("unknown kind {other}"),
                },
                path: String::from_utf8(path.to_vec()).unwrap(),
                offset,
                data: data.to_vec(),
            });
        }
        Self { events, log }
    }

    /// Keeps the recording where [`Recording::read`] finds it after the test.
    pub(crate) fn keep(&self, path: &Path) {
        fs::write(path, &self.log).unwrap();
    }

    /// A recording that misses nothing replays to the very files that the workload left.
    fn prove(&self, root: &Path) {
        let mut disk = crate::Disk::new();
        for event in self.events.iter().filter(|event| event.told().is_none()) {
            disk.apply(event);
        }
        let replayed = scratch();
        disk.draw_current(replayed.path());
        fs::remove_file(root.join(workload::MARKS)).unwrap();
        assert_same(root, replayed.path());
    }

    /// Whether some file was written several times over.
    pub(crate) fn reuses_space(&self) -> bool {
        let mut files = BTreeMap::<&str, (u64, u64)>::new();
        for event in self.events.iter().filter(|event| event.kind == Kind::Write) {
            let length = event.data.len() as u64;
            let (end, written) = files.entry(&event.path).or_default();
            *end = event.offset.saturating_add(length).max(*end);
            *written += length;
        }
        files.values().any(|(end, written)| *written > 2 * end)
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    rest.split_off(..length).expect("the log is whole")
}

fn assert_same(left: &Path, right: &Path) {
    let names = |path: &Path| {
        let mut names: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(left), names(right), "in {}", left.display());
    for name in names(left) {
        let (left, right) = (left.join(&name), right.join(&name));
        if left.is_dir() {
            assert_same(&left, &right);
        } else {
            assert!(
                fs::read(&left).unwrap() == fs::read(right).unwrap(),
                "{}",
                left.display()
            );
        }
    }
}

/// A directory for a moment; in memory where there is such a place, since nothing here needs to
/// outlive the test.
pub(crate) fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .unwrap()
}
