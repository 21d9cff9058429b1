//! Where what is collected is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// How an archive is named; the folder in it has the rest of the name.
const ENDS: [&str; 2] = [".tar.gz", ".tgz"];

/// A folder that becomes one archive, if it shall. Only its owner reads either. What is kept is in
/// the folder at once.
pub(super) struct Bundle {
    folder: PathBuf,
    archive: Option<PathBuf>,
    /// The lists of samples that were begun.
    lists: BTreeMap<&'static str, File>,
    failures: BTreeMap<&'static str, Failure>,
}

/// Why something was not collected the first time, and how often it was not.
struct Failure {
    error: String,
    time: String,
    count: u64,
}

impl Bundle {
    /// Makes the folder at `output`, or what stands before the end of an archive's name there.
    ///
    /// # Errors
    /// `output` names no file, the folder or the archive is there already, or the folder cannot be
    /// made.
    pub(super) fn create(output: &str, compress: bool) -> Result<Self> {
        let output = output.trim_end_matches('/');
        let end = ENDS.iter().find(|end| compress && output.ends_with(**end));
        let stem = end
            .and_then(|end| output.strip_suffix(end))
            .unwrap_or(output);
        let is_named = !stem.ends_with('/') && Path::new(stem).file_name().is_some();
        ensure!(is_named, "{output:?} is no name of a file");
        let end = end.copied().unwrap_or(ENDS[0]);
        let archive = compress.then(|| PathBuf::from(format!("{stem}{end}")));
        if let Some(archive) = &archive {
            let is_there = fs::symlink_metadata(archive).is_ok();
            ensure!(!is_there, "{} is there already", archive.display());
        }
        DirBuilder::new()
            .mode(0o700)
            .create(stem)
            .with_context(|| format!("cannot make the folder {stem}"))?;
        Ok(Self {
            folder: PathBuf::from(stem),
            archive,
            lists: BTreeMap::new(),
            failures: BTreeMap::new(),
        })
    }

    /// Opens a file of the bundle for what comes in parts.
    pub(super) fn open(&self, file: &str) -> Result<File> {
        let path = self.folder.join(file);
        create(&path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Keeps one more sample of a file, which becomes a list of them.
    pub(super) fn keep(&mut self, file: &'static str, sample: &Value) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(sample)?;
        let (list, before) = match self.lists.remove(file) {
            Some(list) => (list, ",\n"),
            None => (self.open(file)?, "[\n"),
        };
        text.splice(..0, before.bytes());
        let list = self.lists.entry(file).or_insert(list);
        list.write_all(&text)
            .with_context(|| format!("cannot write {}", self.folder.join(file).display()))
    }

    /// Keeps why something could not be collected.
    pub(super) fn fail(&mut self, target: &'static str, error: String, now: &str) {
        let failure = self.failures.entry(target).or_insert_with(|| Failure {
            error,
            time: now.to_owned(),
            count: 0,
        });
        failure.count += 1;
    }

    /// Returns what was not collected and why.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let failures = self.failures.iter();
        failures.map(|(target, failure)| (*target, &*failure.error))
    }

    /// Ends all of it, with an index that begins as `index` does, and returns where it is.
    ///
    /// # Errors
    /// If it cannot be written; what could be is in the folder.
    pub(super) fn finish(self, index: Value) -> Result<PathBuf> {
        let folder = self.folder.clone();
        self.end(index)
            .with_context(|| format!("not all of it could be written; see {}", folder.display()))
    }

    fn end(self, mut index: Value) -> Result<PathBuf> {
        for mut list in self.lists.into_values() {
            list.write_all(b"\n]\n")?;
        }
        let files = fs::read_dir(&self.folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<BTreeSet<_>>>()?;
        index["output"] = json!({ "files": files });
        let failures = self.failures.into_iter().map(|(target, failure)| {
            json!({
                "target": target,
                "error": failure.error,
                "timestamp": failure.time,
                "count": failure.count,
            })
        });
        index["errors"] = failures.collect();
        let mut text = serde_json::to_vec_pretty(&index)?;
        text.push(b'\n');
        create(&self.folder.join("index.json"))?.write_all(&text)?;
        let Some(archive) = self.archive else {
            return Ok(self.folder);
        };
        if let Err(error) = pack(&self.folder, &archive) {
            // Half an archive is none, and would be in the way.
            let _ = fs::remove_file(&archive);
            return Err(error);
        }
        fs::remove_dir_all(&self.folder)?;
        Ok(archive)
    }
}

/// Makes a file that nobody else reads.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Packs a folder under its own name.
fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let name = folder.file_name().context("the folder has no name")?;
    let packed = GzEncoder::new(create(archive)?, Compression::default());
    let mut packed = tar::Builder::new(packed);
    packed.append_dir_all(name, folder)?;
    packed.into_inner()?.finish()?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn text(path: &Path) -> String {
        path.display().to_string()
    }

    #[test]
    fn an_archive_holds_all_files_under_its_name_and_only_its_owner_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let output = home.path().join("seen.tgz");
        let mut bundle = Bundle::create(&text(&output), true).unwrap();
        for memory in [1, 2] {
            let sample = json!({ "memory": memory });
            bundle.keep("host_info.json", &sample).unwrap();
        }
        let mut log = bundle.open("keyward.log").unwrap();
        log.write_all(b"a line\n").unwrap();
        bundle.fail("config", "no".to_owned(), "now");
        bundle.fail("config", "still no".to_owned(), "later");
        assert_eq!(bundle.failures().collect::<Vec<_>>(), [("config", "no")]);
        assert_eq!(bundle.finish(json!({ "version": 1 })).unwrap(), output);
        let mode = fs::metadata(&output).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!home.path().join("seen").exists());

        let packed = flate2::read::GzDecoder::new(File::open(&output).unwrap());
        let into = home.path().join("unpacked");
        tar::Archive::new(packed).unpack(&into).unwrap();
        let read = |file: &str| fs::read_to_string(into.join("seen").join(file)).unwrap();
        assert_eq!(read("keyward.log"), "a line\n");
        let hosts: Value = serde_json::from_str(&read("host_info.json")).unwrap();
        assert_eq!(hosts, json!([{ "memory": 1 }, { "memory": 2 }]));
        let index: Value = serde_json::from_str(&read("index.json")).unwrap();
        let wanted = json!({
            "version": 1,
            "output": { "files": ["host_info.json", "keyward.log"] },
            "errors": [{ "target": "config", "error": "no", "timestamp": "now", "count": 2 }],
        });
        assert_eq!(index, wanted);
    }

    #[test]
    fn nothing_that_is_there_is_written_over() {
        let home = tempfile::tempdir().unwrap();
        let output = text(&home.path().join("seen"));
        fs::write(format!("{output}.tar.gz"), "mine").unwrap();
        assert!(Bundle::create(&output, true).is_err());
        assert!(!Path::new(&output).exists());
        let bundle = Bundle::create(&output, false).unwrap();
        assert!(Bundle::create(&output, false).is_err());
        assert_eq!(text(&bundle.finish(json!({})).unwrap()), output);
        let archive = fs::read_to_string(format!("{output}.tar.gz"));
        assert_eq!(archive.unwrap(), "mine");
    }

    #[test]
    fn an_archive_is_never_within_its_folder() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| text(&home.path().join(name));
        for nameless in ["", "/", "..", &at("x/.tgz"), &at("..")] {
            assert!(Bundle::create(nameless, true).is_err(), "{nameless}");
        }
        let bundle = Bundle::create(&at("seen/"), true).unwrap();
        let archive = home.path().join("seen.tar.gz");
        assert_eq!(bundle.finish(json!({})).unwrap(), archive);
        assert!(archive.exists());
    }
}
