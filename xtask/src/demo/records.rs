//! The records of a file, and batches of them through the command line.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::cli::Cli;

/// The lines of a file, each with its line break, so that together they are the file again.
#[derive(Eq, PartialEq)]
pub(super) struct Records(Vec<Vec<u8>>);

/// How many records go in one command: within the bounds that servers set on the strings of a JSON
/// body by default (two a record; OpenBao takes 1,000).
const BATCH: usize = 250;

impl Records {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self(
            file.split_inclusive(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect(),
        ))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// SHA-256 of the whole file, in hexadecimal.
    pub(super) fn digest(&self) -> String {
        super::hex(&Sha256::digest(self.0.concat()))
    }

    /// Encrypts each record; the ciphertexts in the same order.
    ///
    /// # Errors
    /// The server refused.
    pub(super) fn encrypt(&self, batches: &Batches<'_>, path: &str) -> Result<Vec<String>> {
        let plaintexts: Vec<String> = self.0.iter().map(|line| BASE64.encode(line)).collect();
        batches.send(path, ("plaintext", &plaintexts), "ciphertext")
    }

    /// Decrypts what [`encrypt`](Self::encrypt) made.
    ///
    /// # Errors
    /// The server refused, or its answer is no base64.
    pub(super) fn decrypt(batches: &Batches<'_>, path: &str, sealed: &[String]) -> Result<Self> {
        let plaintexts = batches.send(path, ("ciphertext", sealed), "plaintext")?;
        let lines: Result<_, _> = plaintexts.iter().map(|line| BASE64.decode(line)).collect();
        Ok(Self(lines.context("the server's answer is no base64")?))
    }
}

/// Sends many items with few commands: each reads one batch from a file.
pub(super) struct Batches<'a> {
    pub(super) cli: &'a Cli,
    /// The file, which holds each batch in turn.
    pub(super) file: PathBuf,
}

impl Batches<'_> {
    /// Encrypts each ciphertext anew under the latest version of its key.
    ///
    /// # Errors
    /// The server refused.
    pub(super) fn rewrap(&self, path: &str, sealed: &[String]) -> Result<Vec<String>> {
        self.send(path, ("ciphertext", sealed), "ciphertext")
    }

    /// Sends `items` as the `batch_input` of several calls, each item under the name `send`, and
    /// returns what stands under `take` in each result.
    fn send(
        &self,
        path: &str,
        (send, items): (&str, &[String]),
        take: &str,
    ) -> Result<Vec<String>> {
        let file = format!("@{}", self.file.display());
        println!(
            "$ keyward write -format=json {path} @batch.json   # {} times, {BATCH} records each",
            items.len().div_ceil(BATCH)
        );
        let mut taken = Vec::with_capacity(items.len());
        for batch in items.chunks(BATCH) {
            let input: Vec<Value> = batch
                .iter()
                .map(|item| Value::Object(Map::from_iter([(send.to_owned(), json!(item))])))
                .collect();
            fs::write(&self.file, json!({"batch_input": input}).to_string())?;
            let answer = self.cli.run(&["write", "-format=json", path, &file])?;
            let answer: Value = serde_json::from_str(&answer).context("the answer is no JSON")?;
            let results = answer
                .pointer("/data/batch_results")
                .and_then(Value::as_array)
                .context("the answer has no batch_results")?;
            ensure!(
                results.len() == batch.len(),
                "{} results for {} items",
                results.len(),
                batch.len()
            );
            for result in results {
                let value = result.get(take).and_then(Value::as_str);
                taken.push(
                    value
                        .with_context(|| format!("no {take} in {result}"))?
                        .to_owned(),
                );
            }
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_file_are_the_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["", "a", "a\nb\r\n\nc", "a\n"] {
            fs::write(&path, text).unwrap();
            let records = Records::read(&path).unwrap();
            assert_eq!(records.0.concat(), text.as_bytes());
            assert_eq!(records.digest(), super::super::hex(&Sha256::digest(text)));
        }
    }

    #[test]
    fn the_shipped_records_are_many_and_small() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/records.csv");
        let records = Records::read(&path).unwrap();
        assert!(records.len() > 1_000);
        assert!(
            records
                .0
                .iter()
                .all(|line| line.ends_with(b"\n") && line.len() < 1_000)
        );
    }
}
