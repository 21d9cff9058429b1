//! A file that is put aside when it is large or old, as Vault's log is.
//!
//! `keyward.log` becomes `keyward-1795897278662724126.log`: the number is the moment in nanoseconds
//! since 1970.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keyward_core::{Clock, Timestamp};

/// The name of the file in a folder that is given alone.
const USUAL_NAME: &str = "keyward.log";

/// When a file is put aside, and how many of those stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    /// With how many bytes, if at all by size.
    pub(super) bytes: Option<u64>,
    /// After how long.
    pub(super) period: Duration,
    /// How many older ones stay; all without a number.
    pub(super) kept: Option<usize>,
}

impl Rotation {
    /// For how long a file is written where nothing is said: Vault's day.
    pub(super) const USUAL_PERIOD: Duration = Duration::from_secs(24 * 3600);
}

/// The file.
pub(super) struct Rotating {
    path: PathBuf,
    rotation: Rotation,
    clock: Arc<dyn Clock>,
    file: File,
    written: u64,
    opened: Timestamp,
}

impl Rotating {
    /// Opens a file to write at its end, or one in a folder; the folder must be there.
    pub(super) fn open(path: &Path, rotation: Rotation, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir();
        let path = match is_folder {
            true => path.join(USUAL_NAME),
            false => path.to_owned(),
        };
        let (file, written) = opened(&path)?;
        Ok(Self {
            opened: clock.now(),
            path,
            rotation,
            clock,
            file,
            written,
        })
    }

    /// Opens the file anew, for whoever moved it away.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        (self.file, self.written) = opened(&self.path)?;
        self.opened = self.clock.now();
        Ok(())
    }

    /// Writes a line, into the next file if this one has its size or its age. What cannot be put
    /// aside is written on.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let now = self.clock.now();
        let is_large = |bytes| self.written >= bytes && self.written > 0;
        let is_old = now >= self.opened.plus(self.rotation.period);
        let rotated = match self.rotation.bytes.is_some_and(is_large) || is_old {
            true => self.rotate(now),
            false => Ok(()),
        };
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        rotated
    }

    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        // Tried again after as long, not with every line.
        self.opened = now;
        if self.written > 0 {
            fs::rename(&self.path, self.aside(&now.unix_nanos().to_string()))?;
        }
        self.reopen()?;
        let Some(kept) = self.rotation.kept else {
            return Ok(());
        };
        let mut aside = self.all_aside()?;
        aside.sort();
        let excess = aside.len().saturating_sub(kept);
        aside[..excess].iter().try_for_each(fs::remove_file)
    }

    /// Names a file that is put aside.
    fn aside(&self, number: &str) -> PathBuf {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let extension = self.path.extension().unwrap_or(OsStr::new("log"));
        let extension = extension.to_string_lossy();
        self.path
            .with_file_name(format!("{stem}-{number}.{extension}"))
    }

    /// Finds the files that were put aside.
    fn all_aside(&self) -> io::Result<Vec<PathBuf>> {
        let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
        let mut found = Vec::new();
        for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            let number = name
                .rsplit_once('-')
                .and_then(|(_, rest)| rest.split_once('.'));
            let number = number.map_or("", |(number, _)| number);
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let path = self.aside(number);
            if is_number && path.file_name() == Some(OsStr::new(&*name)) {
                found.push(path);
            }
        }
        Ok(found)
    }
}

/// Opens a file that the owner writes and a group reads, and tells how long it is.
fn opened(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true).mode(0o640).open(path)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

#[cfg(test)]
mod tests {
    use keyward_core::ManualClock;
    use tempfile::TempDir;

    use super::*;

    fn file(folder: &TempDir, name: &str, rotation: Rotation) -> (Rotating, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_nanos(1_000)));
        let path = folder.path().join(name);
        let file = Rotating::open(&path, rotation, Arc::clone(&clock) as _).unwrap();
        (file, clock)
    }

    /// What is in the folder: names and texts, in the order of the names.
    fn all(folder: &TempDir) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        let read = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        };
        let mut all: Vec<_> = entries.map(read).collect();
        all.sort();
        all
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    const NEVER: Rotation = Rotation {
        bytes: None,
        period: Rotation::USUAL_PERIOD,
        kept: None,
    };

    #[test]
    fn a_file_is_put_aside_when_it_has_its_size_or_its_age() {
        let folder = TempDir::new().unwrap();
        let rotation = Rotation {
            bytes: Some(4),
            period: Duration::from_secs(60),
            ..NEVER
        };
        let (mut file, clock) = file(&folder, "k.log", rotation);
        file.write(b"one\n").unwrap();
        file.write(b"2\n").unwrap();
        clock.advance(Duration::from_secs(60));
        file.write(b"3\n").unwrap();
        let found = all(&folder);
        assert_eq!(
            found,
            [
                pair("k-1000.log", "one\n"),
                pair("k-60000001000.log", "2\n"),
                pair("k.log", "3\n")
            ]
        );
    }

    #[test]
    fn so_many_older_ones_stay_and_other_files_are_left_alone() {
        let folder = TempDir::new().unwrap();
        for name in ["k-other.log", "k-7.txt", "kk-7.log"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let rotation = Rotation {
            bytes: Some(1),
            kept: Some(1),
            ..NEVER
        };
        let (mut file, clock) = file(&folder, "k.log", rotation);
        for line in [b"1", b"2", b"3"] {
            file.write(line).unwrap();
            clock.advance(Duration::from_nanos(1));
        }
        let names: Vec<_> = all(&folder).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["k-1002.log", "k-7.txt", "k-other.log", "k.log", "kk-7.log"]
        );
    }

    #[test]
    fn a_folder_gets_a_file_and_a_name_without_an_extension_keeps_it() {
        let folder = TempDir::new().unwrap();
        let (mut in_folder, _) = file(&folder, "", NEVER);
        in_folder.write(b"a").unwrap();
        let rotation = Rotation {
            bytes: Some(1),
            ..NEVER
        };
        let (mut bare, _) = file(&folder, "bare", rotation);
        bare.write(b"b").unwrap();
        bare.write(b"c").unwrap();
        assert_eq!(
            all(&folder),
            [
                pair("bare", "c"),
                pair("bare-1000.log", "b"),
                pair("keyward.log", "a")
            ]
        );
        let nowhere = folder.path().join("nowhere/k.log");
        let clock = Arc::new(ManualClock::new(Timestamp::default()));
        assert!(Rotating::open(&nowhere, NEVER, clock).is_err());
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew_when_it_is_asked_for() {
        let folder = TempDir::new().unwrap();
        let (mut file, _) = file(&folder, "k.log", NEVER);
        file.write(b"1").unwrap();
        fs::rename(folder.path().join("k.log"), folder.path().join("moved")).unwrap();
        file.write(b"2").unwrap();
        file.reopen().unwrap();
        file.write(b"3").unwrap();
        assert_eq!(all(&folder), [pair("k.log", "3"), pair("moved", "12")]);
    }
}
