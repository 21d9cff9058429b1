//! What one client was told: the writes that were acknowledged, and the one that may have been on
//! its way.
//!
//! A client sends one write at a time. When the server dies, every acknowledged write must be
//! there; the one without an answer may be there or not, but nothing else may.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Client;

/// How many secrets each client writes to in turn.
const SECRETS: u64 = 4;
/// KV version 2 keeps that many versions of a secret.
const KEPT_VERSIONS: u64 = 10;

/// One client's book over all its server's lives.
pub(crate) struct Ledger {
    /// The client's number: its paths and keys are its own.
    client: usize,
    /// Counts the writes, so that each writes something else.
    sequence: u64,
    secrets: BTreeMap<String, Secret>,
    keys: BTreeMap<String, Key>,
    /// What was sent last and has no answer.
    pending: Option<Write>,
}

/// The acknowledged versions of a secret.
#[derive(Default)]
struct Secret {
    values: BTreeMap<u64, u64>,
}

/// A transit key's acknowledged version and a ciphertext of each that was used.
#[derive(Default)]
struct Key {
    version: u64,
    ciphertexts: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Write {
    /// A secret gets this value.
    Put { path: String, value: u64 },
    /// A key is created.
    Create { name: String },
    /// A key gets another version.
    Rotate { name: String },
}

impl Ledger {
    /// An empty book.
    pub(crate) fn new(client: usize) -> Self {
        Self {
            client,
            sequence: 0,
            secrets: BTreeMap::new(),
            keys: BTreeMap::new(),
            pending: None,
        }
    }

    /// Sends one more write; returns whether it was acknowledged (the server lives).
    ///
    /// # Panics
    /// If the server answers with a refusal.
    pub(crate) async fn write(&mut self, client: &Client) -> bool {
        self.sequence += 1;
        let write = self.choose();
        self.pending = Some(write.clone());
        let (path, body) = match &write {
            Write::Put { path, value } => (
                format!("kv/data/{path}"),
                json!({ "data": { "value": value } }),
            ),
            Write::Create { name } => (format!("transit/keys/{name}"), json!({})),
            Write::Rotate { name } => (format!("transit/keys/{name}/rotate"), json!({})),
        };
        let answer = client
            .try_send("POST", &path, &[], Some(body.to_string()))
            .await;
        let Ok(answer) = answer else { return false };
        let answer = answer.expect(200);
        self.pending = None;
        match write {
            Write::Put { path, value } => {
                let version = answer.at("/data/version").as_u64().unwrap();
                let earlier = self
                    .secrets
                    .entry(path)
                    .or_default()
                    .values
                    .insert(version, value);
                assert_eq!(earlier, None, "version {version} was acknowledged twice");
                true
            }
            Write::Create { name } | Write::Rotate { name } => {
                let version = answer.at("/data/latest_version").as_u64().unwrap();
                self.keys.entry(name.clone()).or_default().version = version;
                self.use_key(client, &name).await
            }
        }
    }

    fn choose(&self) -> Write {
        let Self {
            client, sequence, ..
        } = self;
        // Of ten writes eight put, one creates a key, one rotates the key made last.
        match (sequence % 10, self.keys.keys().next_back()) {
            (3, _) => Write::Create {
                name: format!("k{client}-{sequence:06}"),
            },
            (7, Some(name)) => Write::Rotate { name: name.clone() },
            _ => Write::Put {
                path: format!("c{client}/s{}", sequence % SECRETS),
                value: *sequence,
            },
        }
    }

    /// Encrypts with the version just acknowledged: its ciphertext must open for ever.
    async fn use_key(&mut self, client: &Client, name: &str) -> bool {
        let plaintext = plaintext(self.sequence);
        let body = json!({ "plaintext": plaintext }).to_string();
        let path = format!("transit/encrypt/{name}");
        let Ok(answer) = client.try_send("POST", &path, &[], Some(body)).await else {
            return false;
        };
        let ciphertext = answer.expect(200).text_at("/data/ciphertext").to_owned();
        let key = self.keys.get_mut(name).unwrap();
        assert!(
            ciphertext.starts_with(&format!("vault:v{}:", key.version)),
            "{ciphertext}"
        );
        key.ciphertexts.push((ciphertext, plaintext));
        true
    }

    /// Compares the book with what the restarted server holds, and takes over the write that was on
    /// its way if it arrived.
    pub(crate) async fn check(&mut self, client: &Client) {
        let pending = self.pending.take();
        self.check_secrets(client, pending.as_ref()).await;
        self.check_keys(client, pending.as_ref()).await;
    }

    async fn check_secrets(&mut self, client: &Client, pending: Option<&Write>) {
        if let Some(Write::Put { path, .. }) = pending {
            self.secrets.entry(path.clone()).or_default();
        }
        for (path, secret) in &mut self.secrets {
            let acknowledged = secret.values.keys().next_back().copied().unwrap_or(0);
            let metadata = client.get(&format!("kv/metadata/{path}")).await;
            let current = metadata
                .json
                .pointer("/data/current_version")
                .and_then(Value::as_u64);
            let current = current.unwrap_or(0);
            let on_its_way = match pending {
                Some(Write::Put { path: sent, value }) if sent == path => Some(*value),
                _ => None,
            };
            assert!(
                current >= acknowledged,
                "{path}: {acknowledged} was lost, {current} is there"
            );
            assert!(
                current - acknowledged <= u64::from(on_its_way.is_some()),
                "{path}: {current} is there, but nobody wrote it: {acknowledged} is the last"
            );
            if let Some(value) = on_its_way.filter(|_| current > acknowledged) {
                secret.values.insert(current, value);
            }
            let kept = current.saturating_sub(KEPT_VERSIONS - 1).max(1)..=current;
            for (version, value) in secret.values.range(kept) {
                let read = client
                    .get(&format!("kv/data/{path}?version={version}"))
                    .await;
                let read = read.expect(200);
                assert_eq!(
                    read.at("/data/data/value"),
                    value,
                    "{path} version {version}"
                );
            }
        }
    }

    async fn check_keys(&mut self, client: &Client, pending: Option<&Write>) {
        if let Some(Write::Create { name }) = pending {
            self.keys.entry(name.clone()).or_default();
        }
        for (name, key) in &mut self.keys {
            let touched = matches!(
                pending,
                Some(Write::Create { name: sent } | Write::Rotate { name: sent }) if sent == name
            );
            let read = client.get(&format!("transit/keys/{name}")).await;
            let latest = read
                .json
                .pointer("/data/latest_version")
                .and_then(Value::as_u64);
            let latest = latest.unwrap_or(0);
            assert!(
                latest >= key.version,
                "{name}: {} was lost, {latest} is there",
                key.version
            );
            assert!(
                latest - key.version <= u64::from(touched),
                "{name}: {latest} is there, but nobody made it: {} is the last",
                key.version
            );
            key.version = latest;
            if key.ciphertexts.is_empty() {
                continue;
            }
            let batch: Vec<_> = key
                .ciphertexts
                .iter()
                .map(|(text, _)| json!({ "ciphertext": text }))
                .collect();
            let path = format!("transit/decrypt/{name}");
            let opened = client
                .post(&path, json!({ "batch_input": batch }))
                .await
                .expect(200);
            for (index, (_, plaintext)) in key.ciphertexts.iter().enumerate() {
                let pointer = format!("/data/batch_results/{index}/plaintext");
                assert_eq!(opened.text_at(&pointer), plaintext, "{name}");
            }
        }
        self.keys.retain(|_, key| key.version > 0);
    }

    /// How many writes were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        let secrets: usize = self
            .secrets
            .values()
            .map(|secret| secret.values.len())
            .sum();
        secrets
            + self
                .keys
                .values()
                .map(|key| key.ciphertexts.len())
                .sum::<usize>()
    }
}

/// A plaintext that no other write has, in base64.
fn plaintext(sequence: u64) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(format!("plaintext {sequence}"))
}
