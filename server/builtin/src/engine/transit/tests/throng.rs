//! A throng of threads that does everything to the same few names, against a model.
//!
//! What may happen is only partly ordered, so the model holds what must be true in every order: of
//! each life of a key (from its creation to its deletion) no rotation is lost, its versions have no
//! gap, what decrypts is what was encrypted, and no nonce ever comes twice.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use keyward_crypto::encoding;

use super::*;

const THREADS: u64 = 64;
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// Encryptions of one request.
const BATCH: usize = 125;
/// Requests of one thread: all threads together encrypt a million times.
const ROUNDS: usize = 1_000_000 / THREADS as usize / BATCH;

/// What all threads have seen.
#[derive(Default)]
struct Model {
    /// The number of the next life of a key.
    lives: AtomicU64,
    /// By life: the versions that rotations made.
    rotations: Mutex<BTreeMap<String, BTreeSet<u64>>>,
    /// The nonces, in as many parts as threads seldom meet in.
    nonces: [Mutex<HashSet<[u8; 12]>>; 16],
    encryptions: AtomicU64,
    decryptions: AtomicU64,
}

impl Model {
    fn encrypted(&self, ciphertext: &str) {
        let payload = ciphertext.rsplit(':').next().unwrap();
        let front = encoding::decode(&payload[..16]).unwrap();
        let nonce: [u8; 12] = front.expose()[..].try_into().unwrap();
        let part = &self.nonces[usize::from(nonce[0] & 15)];
        assert!(part.lock().insert(nonce), "a nonce came twice");
        self.encryptions.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a rotation: each makes a version that no other made.
    fn rotated(&self, key: &Value) {
        let version = key["latest_version"].as_u64().unwrap();
        let mut rotations = self.rotations.lock();
        let made = rotations.entry(life(key)).or_default();
        assert!(made.insert(version), "version {version} was made twice");
    }
}

/// The life of a key, as its label tells.
fn life(key: &Value) -> String {
    text(&key["custom_metadata"]["life"])
}

/// Checks what must be true of a key whenever it is read.
fn check_versions(key: &Value) {
    let number = |field: &str| key[field].as_u64().unwrap();
    let shown: BTreeSet<u64> = key["keys"]
        .as_object()
        .unwrap()
        .keys()
        .map(|version| version.parse().unwrap())
        .collect();
    let expected = number("min_decryption_version")..=number("latest_version");
    assert_eq!(shown, expected.collect(), "versions have no gap: {key}");
    assert!(number("min_available_version") <= number("min_decryption_version"));
    let encrypts_from = number("min_encryption_version");
    assert!(encrypts_from == 0 || encrypts_from >= number("min_decryption_version"));
}

/// One thread's way through the throng.
struct Walker<'a> {
    server: &'a Server,
    model: &'a Model,
    dice: races::Dice,
}

impl Walker<'_> {
    async fn walk(mut self) {
        for _ in 0..ROUNDS {
            let name = NAMES[self.dice.roll(NAMES.len() as u64) as usize];
            self.change(name).await;
            let (plaintexts, ciphertexts) = self.encrypt(name).await;
            self.decrypt(name, &plaintexts, &ciphertexts).await;
        }
    }

    /// Does something to the key itself.
    async fn change(&mut self, name: &str) {
        let Self { server, model, .. } = self;
        let key = match server.read_key(name).await {
            Ok(key) => key,
            Err(Error::NotFound(None)) => return self.create(name).await,
            Err(other) => panic!("{other}"),
        };
        check_versions(&key);
        let minimum = 1 + self.dice.roll(key["latest_version"].as_u64().unwrap());
        let outcome = match self.dice.roll(8) {
            0 | 1 => {
                let path = format!("keys/{name}/rotate");
                let rotated = server.try_post(&path, json!({})).await;
                if let Ok(answer) = &rotated {
                    model.rotated(&answer.data);
                }
                rotated
            }
            2 | 3 => {
                let body =
                    json!({"min_decryption_version": minimum, "min_encryption_version": minimum});
                server.try_post(&format!("keys/{name}/config"), body).await
            }
            4 => {
                let body = json!({"min_available_version": key["min_decryption_version"]});
                server.try_post(&format!("keys/{name}/trim"), body).await
            }
            // Now and then, or no key would live long enough to be seen.
            5 if self.dice.roll(16) == 0 => {
                let path = format!("transit/keys/{name}");
                server.ask(Operation::Delete, &path, json!({})).await
            }
            _ => return self.create(name).await,
        };
        // Another thread may have been first; then it is refused, and that is right.
        assert!(
            matches!(outcome, Ok(_) | Err(Error::Invalid(_))),
            "{outcome:?}"
        );
    }

    /// Creates a key, unless there is one.
    async fn create(&self, name: &str) {
        let life = self.model.lives.fetch_add(1, Ordering::Relaxed).to_string();
        let body = json!({"custom_metadata": {"life": life}, "deletion_allowed": true});
        let key = match self.server.try_post(&format!("keys/{name}"), body).await {
            Ok(answer) => answer.data,
            // It was there, and gone before it could be read.
            Err(Error::Conflict(_)) => return,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(key["name"], name);
        check_versions(&key);
        let config = json!({"deletion_allowed": true});
        let path = format!("keys/{name}/config");
        let outcome = self.server.try_post(&path, config).await;
        assert!(
            matches!(outcome, Ok(_) | Err(Error::Invalid(_))),
            "{outcome:?}"
        );
    }

    /// Encrypts a batch, with the key of this name that there is or that comes.
    async fn encrypt(&mut self, name: &str) -> (Vec<String>, Vec<String>) {
        let plaintexts: Vec<String> = (0..BATCH)
            .map(|_| encoding::encode(&self.dice.roll(u64::MAX).to_be_bytes()))
            .collect();
        let items: Vec<Value> = plaintexts
            .iter()
            .map(|plaintext| json!({"plaintext": plaintext}))
            .collect();
        let body = json!({ "batch_input": items });
        let path = format!("encrypt/{name}");
        loop {
            let answer = match self.server.try_post(&path, body.clone()).await {
                Ok(answer) => answer,
                Err(error) => {
                    assert_eq!(error.to_string(), "encryption key not found");
                    self.create(name).await;
                    continue;
                }
            };
            assert_eq!(answer.outcome, Outcome::Success, "{:?}", answer.data);
            let results = answer.data["batch_results"].as_array().unwrap();
            assert_eq!(results.len(), BATCH);
            let ciphertexts: Vec<String> = results
                .iter()
                .map(|item| text(&item["ciphertext"]))
                .collect();
            for ciphertext in &ciphertexts {
                self.model.encrypted(ciphertext);
            }
            return (plaintexts, ciphertexts);
        }
    }

    /// Decrypts some of a batch: it opens to what it was, or the key has moved on.
    async fn decrypt(&mut self, name: &str, plaintexts: &[String], ciphertexts: &[String]) {
        const MOVED_ON: [&str; 4] = [
            "ciphertext or signature version is disallowed by policy (too old)",
            // The key was deleted, and another has its name now.
            "cipher: message authentication failed",
            "encryption key not found",
            "invalid ciphertext: version is too new",
        ];
        for _ in 0..4 {
            let which = self.dice.roll(BATCH as u64) as usize;
            let body = json!({"ciphertext": ciphertexts[which]});
            match self.server.try_post(&format!("decrypt/{name}"), body).await {
                Ok(answer) => {
                    assert_eq!(answer.data["plaintext"], plaintexts[which].as_str());
                    self.model.decryptions.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => assert!(MOVED_ON.contains(&&*error.to_string()), "{error}"),
            }
        }
    }
}

#[test]
fn a_million_encryptions_among_64_threads_lose_nothing_and_repeat_no_nonce() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let upsert = json!({"disable_upsert": true});
    runtime.block_on(server.ok("config/keys", upsert));
    let model = Model::default();
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let walker = Walker {
                server: &server,
                model: &model,
                dice: races::Dice::new(seed),
            };
            let handle = runtime.handle();
            scope.spawn(move || handle.block_on(walker.walk()));
        }
    });
    let encryptions = model.encryptions.load(Ordering::Relaxed);
    assert_eq!(encryptions, 1_000_000);
    // Most were not overtaken by a change of the key.
    assert!(model.decryptions.load(Ordering::Relaxed) > THREADS * ROUNDS as u64);
    let rotations = model.rotations.lock();
    for (life, versions) in &*rotations {
        let expected: BTreeSet<u64> = (2..2 + versions.len() as u64).collect();
        assert_eq!(*versions, expected, "no rotation of life {life} is lost");
    }
    for name in NAMES {
        let Ok(key) = runtime.block_on(server.read_key(name)) else {
            continue;
        };
        check_versions(&key);
        let rotated = rotations.get(&life(&key)).map_or(0, BTreeSet::len) as u64;
        assert_eq!(key["latest_version"], 1 + rotated);
    }
}
