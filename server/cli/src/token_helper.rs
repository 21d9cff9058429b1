//! The file in which the command line keeps its token between calls.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use keyward_crypto::SecretString;

use crate::io::trimmed;

const FILE: &str = ".keyward-token";
const VAULT_FILE: &str = ".vault-token";

/// Writes the token for later calls; only the user may read the file.
pub(crate) fn store(home: &Path, token: &str) -> Result<()> {
    // Made anew, so that the mode is right whatever stood there.
    erase(home)?;
    let file = home.join(FILE);
    let mut open = OpenOptions::new();
    let mut handle = open
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .with_context(|| format!("cannot write the token to {}", file.display()))?;
    Ok(handle.write_all(token.as_bytes())?)
}

/// Reads the token of an earlier call, ours or else Vault's.
pub(crate) fn load(home: &Path) -> Result<Option<SecretString>> {
    for file in [FILE, VAULT_FILE].map(|name| home.join(name)) {
        if let Some(token) = read(&file)? {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

/// Removes the file of an earlier call, if there is one.
pub(crate) fn erase(home: &Path) -> Result<()> {
    let file: PathBuf = home.join(FILE);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

fn read(file: &Path) -> Result<Option<SecretString>> {
    match fs::read_to_string(file) {
        Ok(text) => {
            let token = trimmed(&SecretString::new(text));
            // EXPOSE: only whether it is empty is looked at.
            Ok((!token.expose().is_empty()).then_some(token))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn stored(home: &Path) -> Option<SecretString> {
        load(home).unwrap()
    }

    #[test]
    fn a_token_is_kept_for_the_user_alone_and_replaced_whole() {
        let home = tempfile::tempdir().unwrap();
        assert!(stored(home.path()).is_none());
        let file = home.path().join(FILE);
        fs::write(&file, "an older and longer one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        store(home.path(), "hvs.new").unwrap();
        assert_eq!(stored(home.path()), Some("hvs.new".into()));
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        erase(home.path()).unwrap();
        assert!(stored(home.path()).is_none());
    }

    #[test]
    fn vaults_file_serves_where_ours_is_missing() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(VAULT_FILE), "theirs\n").unwrap();
        assert_eq!(stored(home.path()), Some("theirs".into()));
        store(home.path(), "ours").unwrap();
        assert_eq!(stored(home.path()), Some("ours".into()));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(FILE)).unwrap();
        let error = load(home.path()).unwrap_err().to_string();
        assert!(error.contains(FILE), "{error}");
    }
}
