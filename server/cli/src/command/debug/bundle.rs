//! Where what is collected is kept.

use std::{
    collections::BTreeMap,
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

/// A folder that becomes one archive, if it shall. Only its owner reads either.
pub(super) struct Bundle {
    folder: PathBuf,
    archive: Option<PathBuf>,
    samples: BTreeMap<&'static str, Vec<Value>>,
    failures: Vec<(&'static str, String, Value)>,
}

impl Bundle {
    /// Makes the folder at `output`, or what stands before the end of an archive's name there.
    ///
    /// # Errors
    /// If the folder or the archive is there already, or the folder cannot be made.
    pub(super) fn create(output: &str, compress: bool) -> Result<Self> {
        let end = ENDS.iter().find(|end| compress && output.ends_with(**end));
        let stem = end
            .and_then(|end| output.strip_suffix(end))
            .unwrap_or(output);
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
            samples: BTreeMap::new(),
            failures: Vec::new(),
        })
    }

    /// Opens a file of the bundle for what comes in parts.
    pub(super) fn open(&self, file: &str) -> Result<File> {
        let path = self.folder.join(file);
        create(&path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Keeps one more sample of a file.
    pub(super) fn keep(&mut self, file: &'static str, sample: Value) {
        self.samples.entry(file).or_default().push(sample);
    }

    /// Keeps why something could not be collected.
    pub(super) fn fail(&mut self, target: &'static str, error: String, now: &str) {
        let told = json!({ "target": target, "error": error, "timestamp": now });
        self.failures.push((target, error, told));
    }

    /// Returns what was not collected and why, each once.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let mut last = BTreeMap::new();
        for (target, error, _) in &self.failures {
            last.entry(*target).or_insert(error.as_str());
        }
        last.into_iter()
    }

    /// Writes all of it, with an index that begins as `index` does, and returns where it is.
    ///
    /// # Errors
    /// If it cannot be written; what could be is in the folder.
    pub(super) fn finish(self, index: Value) -> Result<PathBuf> {
        let folder = self.folder.clone();
        self.write(index)
            .with_context(|| format!("cannot write all of {}", folder.display()))
    }

    fn write(self, mut index: Value) -> Result<PathBuf> {
        for (file, samples) in self.samples {
            write_json(&self.folder.join(file), &Value::Array(samples))?;
        }
        let files = fs::read_dir(&self.folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<std::collections::BTreeSet<_>>>()?;
        index["output"] = json!({ "files": files });
        index["errors"] = self.failures.into_iter().map(|(_, _, told)| told).collect();
        write_json(&self.folder.join("index.json"), &index)?;
        let Some(archive) = self.archive else {
            return Ok(self.folder);
        };
        pack(&self.folder, &archive)?;
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

fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(create(path)?.write_all(&text)?)
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
        bundle.keep("host_info.json", json!({ "memory": 1 }));
        bundle.keep("host_info.json", json!({ "memory": 2 }));
        bundle
            .open("keyward.log")
            .unwrap()
            .write_all(b"a line\n")
            .unwrap();
        bundle.fail("config", "no".to_owned(), "now");
        bundle.fail("config", "still no".to_owned(), "later");
        assert_eq!(bundle.failures().collect::<Vec<_>>(), [("config", "no")]);
        assert_eq!(bundle.finish(json!({ "version": 1 })).unwrap(), output);
        assert_eq!(
            fs::metadata(&output).unwrap().permissions().mode() & 0o777,
            0o600
        );
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
            "errors": [
                { "target": "config", "error": "no", "timestamp": "now" },
                { "target": "config", "error": "still no", "timestamp": "later" },
            ],
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
        assert_eq!(
            fs::read_to_string(format!("{output}.tar.gz")).unwrap(),
            "mine"
        );
    }
}
