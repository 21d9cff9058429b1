//! Where things of the project lie.

use std::env;
use std::path::{Path, PathBuf};

/// The checked-out project.
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// The project that this command was compiled in.
    pub(crate) fn here() -> Self {
        let own_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own_folder.parent().unwrap_or(own_folder).to_owned();
        Self { root }
    }

    /// A file or folder, by its path from the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// What cargo compiled for this machine: `target/debug` or `target/release`, then `name`.
    pub(crate) fn built(&self, profile: &str, name: &str) -> PathBuf {
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.path("target"), PathBuf::from);
        target.join(profile).join(name)
    }

    /// A path in the folder for what the commands install and leave behind; not in version control,
    /// and safe to delete.
    pub(crate) fn cache(&self, relative: &str) -> PathBuf {
        self.root.join(".cache").join(relative)
    }

    /// The Python environment that holds OpenBao and the Python client.
    pub(crate) fn python_environment(&self) -> PathBuf {
        self.cache("venv")
    }
}
