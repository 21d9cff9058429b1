//! The rules of the house that no compiler holds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::project_root;

/// The longest a file may be.
const MOST_LINES: usize = 600;
/// Where Rust lives.
const SOURCES: &[&str] = &[
    "server",
    "client",
    "tests",
    "benches",
    "xtask",
    "wasm-client",
    "fuzz",
];
/// What a crate without side effects must not name.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::env",
    "tracing",
    "reqwest",
    "hyper",
    "axum",
];

/// A source file: its path from the root, and its text.
struct Source {
    path: PathBuf,
    text: String,
}

/// Every Rust file of the project.
fn sources() -> Vec<Source> {
    let root = project_root();
    let mut sources = Vec::new();
    for folder in SOURCES
        .iter()
        .map(|folder| root.join(folder))
        .filter(|folder| folder.exists())
    {
        collect(&root, &folder, &mut sources);
    }
    assert!(
        sources.len() > 20,
        "the sources are not where they were: {}",
        sources.len()
    );
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                collect(root, &path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            sources.push(Source {
                path: path.strip_prefix(root).unwrap().to_owned(),
                text,
            });
        }
    }
}

/// Fails with all faults at once.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Every line that a rule objects to, as `path:line: why`.
fn lines_that(objection: impl Fn(&Source, &[&str], usize) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        for index in 0..lines.len() {
            if let Some(why) = objection(&source, &lines, index) {
                faults.push(format!("{}:{}: {why}", source.path.display(), index + 1));
            }
        }
    }
    faults
}

#[test]
fn no_file_is_too_long() {
    let long = sources().into_iter().filter_map(|Source { path, text }| {
        let lines = text.lines().count();
        (lines > MOST_LINES).then(|| format!("{}: {lines} lines", path.display()))
    });
    none(&long.collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_holds() {
    let silent = sources().into_iter().filter_map(|Source { path, text }| {
        let said = text
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("//! "));
        (!said).then(|| format!("{}: does not begin with `//! `", path.display()))
    });
    none(&silent.collect::<Vec<_>>());
}

#[test]
fn every_secret_that_is_opened_says_why() {
    none(&lines_that(|source, lines, index| {
        let line = lines[index];
        let opens = line.contains(".expose()") || line.contains(".expose_mut()");
        if !opens || line.trim_start().starts_with("//") || is_test(source, lines, index) {
            return None;
        }
        // A call that is broken over lines has its reason above the statement's first line.
        let statement = lines[..index].iter().rev().find(|above| {
            let above = above.trim();
            above.starts_with("//") || above.ends_with([';', '{', '}']) || above.is_empty()
        });
        let reason = statement.is_some_and(|above| above.trim_start().starts_with("// EXPOSE: "));
        let reason = reason || reason_in_comment_block(lines, index);
        (!reason).then(|| "opens a secret without `// EXPOSE: why` above".to_owned())
    }));
}

/// Whether the comment lines right above the statement hold a reason in an earlier line.
fn reason_in_comment_block(lines: &[&str], index: usize) -> bool {
    lines[..index]
        .iter()
        .rev()
        .skip_while(|above| {
            let above = above.trim();
            !above.starts_with("//") && !above.ends_with([';', '{', '}']) && !above.is_empty()
        })
        .take_while(|above| above.trim_start().starts_with("//"))
        .any(|above| above.trim_start().starts_with("// EXPOSE: "))
}

/// Whether a line belongs to tests: they may open what they made themselves.
fn is_test(source: &Source, lines: &[&str], index: usize) -> bool {
    let path = source.path.to_string_lossy();
    path.starts_with("tests/")
        || path.starts_with("benches/")
        || path.contains("/tests/")
        || path.ends_with("tests.rs")
        || lines[..index]
            .iter()
            .any(|line| line.trim() == "#[cfg(test)]")
}

#[test]
fn nothing_is_left_for_later_and_no_test_is_switched_off() {
    // Put together here, so that this file does not object to itself.
    let later = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
    ];
    let off = concat!("#[", "ignore");
    none(&lines_that(|_, lines, index| {
        let line = lines[index];
        if let Some(word) = later.iter().find(|word| has_word(line, word)) {
            return Some(format!("says {word}"));
        }
        line.contains(off).then(|| "switches a test off".to_owned())
    }));
}

/// Whether `word` stands in `line` by itself.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|it| it == word)
}

#[test]
fn the_pure_crates_touch_nothing_outside() {
    none(&lines_that(|source, lines, index| {
        let path = source.path.to_string_lossy();
        let pure = path.starts_with("server/crypto/src") || path.starts_with("server/api/src");
        let line = lines[index];
        if !pure || line.trim_start().starts_with("//") || is_test(source, lines, index) {
            return None;
        }
        let impure = IMPURE.iter().find(|name| names(line, name))?;
        Some(format!("names {impure}"))
    }));
    for manifest in ["server/crypto/Cargo.toml", "server/api/Cargo.toml"] {
        let text = fs::read_to_string(project_root().join(manifest)).unwrap();
        let own = text.split("[dev-dependencies]").next().unwrap();
        for name in IMPURE.iter().filter(|name| !name.contains(':')) {
            let depends = own
                .lines()
                .any(|line| line.starts_with(&format!("{name}.")))
                || own
                    .lines()
                    .any(|line| line.starts_with(&format!("{name} =")));
            assert!(!depends, "{manifest} depends on {name}");
        }
    }
}

/// Whether `line` names `path` as a path of its own: `std::fs`, not `std::fsck`.
fn names(line: &str, path: &str) -> bool {
    let own = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(path).any(|(at, _)| {
        let after = line[at + path.len()..].chars().next();
        own(line[..at].chars().next_back())
            && own(after)
            && (path.contains(':') || after == Some(':'))
    })
}

#[test]
fn the_core_knows_no_http_no_file_and_no_engine() {
    none(&lines_that(|source, lines, index| {
        let line = lines[index];
        let core = source.path.starts_with("server/core/src");
        if !core || line.trim_start().starts_with("//") || is_test(source, lines, index) {
            return None;
        }
        let foreign = [
            "std::fs",
            "std::net",
            "tokio::spawn",
            "tokio::fs",
            "tokio::net",
            "http",
            "hyper",
            "axum",
            "keyward_builtin",
            "keyward_http",
        ];
        let foreign = foreign.iter().find(|name| names(line, name))?;
        Some(format!("names {foreign}"))
    }));
}
