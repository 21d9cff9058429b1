//! The files of a configuration: those that are named, and those in folders that are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

/// A text of a configuration, and the file that it stands in.
#[derive(Debug)]
pub(crate) struct Source {
    file: Option<PathBuf>,
    pub(super) text: String,
}

impl Source {
    /// Takes a text that stands in no file.
    pub(crate) fn unnamed(text: &str) -> Self {
        Self {
            file: None,
            text: text.to_owned(),
        }
    }

    /// Reads files, and all `*.hcl` and `*.json` of folders in the order of their names; a folder
    /// without them is refused.
    pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<Self>> {
        let mut sources = Vec::new();
        for path in paths {
            let found = Self::found_in(path)?;
            if found.is_empty() {
                let path = path.display();
                bail!(
                    "cannot read the configuration {path}: the folder holds no *.hcl and no *.json"
                );
            }
            sources.extend(found);
        }
        Ok(sources)
    }

    /// Reads the same; a folder may hold nothing yet, as in an image that waits for what its user
    /// adds.
    pub(crate) fn read_any(paths: &[PathBuf]) -> Result<Vec<Self>> {
        let found = paths.iter().map(|path| Self::found_in(path));
        Ok(found
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Reads a file, or those of a folder.
    fn found_in(path: &Path) -> Result<Vec<Self>> {
        let cannot = || format!("cannot read the configuration {}", path.display());
        if !fs::metadata(path).with_context(cannot)?.is_dir() {
            return Ok(vec![Self::read(path.to_owned())?]);
        }
        let files = files_of(path).with_context(cannot)?;
        files.into_iter().map(Self::read).collect()
    }

    fn read(file: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(&file);
        let text =
            text.with_context(|| format!("cannot read the configuration {}", file.display()))?;
        Ok(Self {
            file: Some(file),
            text,
        })
    }

    /// Says of a refusal in which file the line is that it names.
    pub(super) fn naming<T>(&self, read: Result<T>) -> Result<T> {
        match &self.file {
            None => read,
            Some(file) => read.with_context(|| format!("in the configuration {}", file.display())),
        }
    }

    /// Says where a line is.
    pub(super) fn place(&self, line: u32) -> String {
        match &self.file {
            None => format!("at line {line}"),
            Some(file) => format!("at line {line} of {}", file.display()),
        }
    }
}

/// Lists what a folder holds of a configuration; what editors leave behind is no part of it.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_named = name.ends_with(".hcl") || name.ends_with(".json");
        if is_named && !name.starts_with(".#") && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_folder_the_files_with_the_right_names_are_read_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "b.json",
            "a.hcl",
            "c.hcl~",
            ".#a.hcl",
            "notes.txt",
            "10.hcl",
        ];
        for name in names {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::create_dir(folder.path().join("folder.hcl")).unwrap();
        let single = folder.path().join("notes.txt");
        let sources = Source::read_all(&[single, folder.path().to_owned()]).unwrap();
        let texts: Vec<_> = sources.iter().map(|source| source.text.as_str()).collect();
        assert_eq!(texts, ["notes.txt", "10.hcl", "a.hcl", "b.json"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| {
            let refused = Source::read_all(&[path.to_owned()]).unwrap_err();
            format!("{refused:#}")
        };
        let path = folder.path().display();
        assert_eq!(
            refused(folder.path()),
            format!(
                "cannot read the configuration {path}: the folder holds no *.hcl and no *.json"
            )
        );
        let any = Source::read_any(&[folder.path().to_owned()]).unwrap();
        assert!(any.is_empty(), "{any:?}");
        let none = refused(&folder.path().join("none.hcl"));
        let start = format!("cannot read the configuration {path}/none.hcl: ");
        assert!(none.starts_with(&start), "{none}");
    }
}
