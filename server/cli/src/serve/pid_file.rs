//! The file that holds the number of the process, for those who send it signals.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context as _, Result};

/// A file with the number of this process, which goes with this.
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file anew.
    pub(super) fn write(path: &Path) -> Result<Self> {
        fs::write(path, process::id().to_string())
            .with_context(|| format!("cannot write the pid_file {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(file = %self.0.display(), %error, "the pid_file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_number_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        fs::write(&path, "a longer text of another process").unwrap();
        let file = PidFile::write(&path).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            process::id().to_string()
        );
        drop(file);
        assert!(!path.exists());
        let nowhere = folder.path().join("nowhere/pid");
        let refused = PidFile::write(&nowhere).map(drop).unwrap_err().to_string();
        assert_eq!(
            refused,
            format!("cannot write the pid_file {}", nowhere.display())
        );
    }
}
