//! Many callers at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use keyward_core::storage::{Batch, Changes, Revision, StorageError, Stored, WriterId};
use tokio::sync::Semaphore;

use super::*;

/// A store in memory that can hold up a reader or a writer of the key `a` after its work is done
/// and before it is told so.
struct Holding {
    memory: Memory,
    /// Whether the next reader is held up.
    reader: AtomicBool,
    /// Whether the next writer is held up.
    writer: AtomicBool,
    held: Semaphore,
    release: Semaphore,
}

impl Holding {
    fn new() -> Self {
        Self {
            memory: Memory::new(),
            reader: AtomicBool::new(false),
            writer: AtomicBool::new(false),
            held: Semaphore::new(0),
            release: Semaphore::new(0),
        }
    }

    async fn wait(semaphore: &Semaphore) {
        semaphore.acquire().await.unwrap().forget();
    }

    async fn hold(&self, armed: &AtomicBool, key: &str) {
        if key.ends_with("/policy/a") && armed.swap(false, Ordering::SeqCst) {
            self.held.add_permits(1);
            Self::wait(&self.release).await;
        }
    }
}

#[async_trait]
impl Storage for Holding {
    async fn get(&self, key: &str) -> Result<Option<Stored>, StorageError> {
        let stored = self.memory.get(key).await;
        self.hold(&self.reader, key).await;
        stored
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError> {
        self.memory.list(prefix, after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        let keys: Vec<_> = batch.operations().iter().map(|op| op.key.clone()).collect();
        let committed = self.memory.commit(batch).await;
        for key in keys {
            self.hold(&self.writer, &key).await;
        }
        committed
    }

    fn changes(&self) -> Changes {
        self.memory.changes()
    }

    fn writer(&self) -> WriterId {
        self.memory.writer()
    }

    async fn probe(&self) -> Result<(), StorageError> {
        self.memory.probe().await
    }
}

/// Starts a server with a cold key `a`, and a reader of it that has read and not yet answered.
async fn with_held_reader() -> (
    Arc<Server>,
    Arc<Holding>,
    tokio::task::JoinHandle<Result<Value, Error>>,
) {
    let storage = Arc::new(Holding::new());
    let server = Arc::new(Server::over(Arc::clone(&storage) as _).await);
    server.ok("keys/a", json!({})).await;
    server
        .ok("keys/a/config", json!({"deletion_allowed": true}))
        .await;
    storage.reader.store(true, Ordering::SeqCst);
    let reader = Arc::clone(&server);
    let reader = tokio::spawn(async move { reader.read_key("a").await });
    Holding::wait(&storage.held).await;
    (server, storage, reader)
}

#[tokio::test]
async fn a_reader_overtaken_by_a_rotation_does_not_bring_the_old_key_back() {
    let (server, storage, reader) = with_held_reader().await;
    server.ok("keys/a/rotate", json!({})).await;
    storage.release.add_permits(1);
    assert_eq!(reader.await.unwrap().unwrap()["latest_version"], 1);
    assert_eq!(server.read_key("a").await.unwrap()["latest_version"], 2);
}

#[tokio::test]
async fn a_reader_overtaken_by_a_deletion_does_not_bring_the_key_back() {
    let (server, storage, reader) = with_held_reader().await;
    server
        .ask(Operation::Delete, "transit/keys/a", json!({}))
        .await
        .unwrap();
    storage.release.add_permits(1);
    reader.await.unwrap().unwrap();
    assert!(matches!(
        server.read_key("a").await,
        Err(Error::NotFound(None))
    ));
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_no_old_key_behind() {
    let storage = Arc::new(Holding::new());
    let server = Arc::new(Server::over(Arc::clone(&storage) as _).await);
    server.ok("keys/a", json!({})).await;
    assert_eq!(server.read_key("a").await.unwrap()["latest_version"], 1);

    storage.writer.store(true, Ordering::SeqCst);
    let caller = Arc::clone(&server);
    let caller = tokio::spawn(async move { caller.try_post("keys/a/rotate", json!({})).await });
    Holding::wait(&storage.held).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    storage.release.add_permits(1);
    // The commit ends without its caller; the only other task of this thread needs a turn for it.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert_eq!(server.read_key("a").await.unwrap()["latest_version"], 2);
}

/// A small generator, so that a run can be repeated.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX constants; the upper bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What all tasks together have done.
#[derive(Default)]
struct Ledger {
    rotations: [AtomicU64; NAMES.len()],
    ciphertexts: Mutex<Vec<(usize, String, String)>>,
}

fn version_of(ciphertext: &str) -> u64 {
    let rest = ciphertext.strip_prefix("vault:v").unwrap();
    rest.split_once(':').unwrap().0.parse().unwrap()
}

async fn work(server: Arc<Server>, ledger: Arc<Ledger>, seed: u64) {
    let mut dice = Dice::new(seed);
    for step in 0..40 {
        let which = dice.roll(NAMES.len() as u64) as usize;
        let name = NAMES[which];
        match dice.roll(10) {
            0 => {
                server.ok(&format!("keys/{name}/rotate"), json!({})).await;
                ledger.rotations[which].fetch_add(1, Ordering::SeqCst);
            }
            1 => {
                let key = server.read_key(name).await.unwrap();
                let latest = key["latest_version"].as_u64().unwrap();
                let minimum = 1 + dice.roll(latest);
                // It may lose against a trim of another task; then it is refused, and that is right.
                let minimums =
                    json!({"min_decryption_version": minimum, "min_encryption_version": minimum});
                let configured = server
                    .try_post(&format!("keys/{name}/config"), minimums)
                    .await;
                assert!(
                    matches!(configured, Ok(_) | Err(Error::Invalid(_))),
                    "{configured:?}"
                );
            }
            2 => {
                let key = server.read_key(name).await.unwrap();
                let minimum = &key["min_decryption_version"];
                let trimmed = server
                    .try_post(
                        &format!("keys/{name}/trim"),
                        json!({"min_available_version": minimum}),
                    )
                    .await;
                assert!(
                    matches!(trimmed, Ok(_) | Err(Error::Invalid(_))),
                    "{trimmed:?}"
                );
            }
            3 => {
                let key = server.ok(&format!("keys/{name}"), json!({})).await;
                assert_eq!(key["name"], name);
            }
            _ => {
                let plaintext =
                    keyward_crypto::encoding::encode(format!("{seed}/{step}").as_bytes());
                let ciphertext = server.encrypt(name, &plaintext).await;
                check(&server, name, &ciphertext, &plaintext).await;
                ledger
                    .ciphertexts
                    .lock()
                    .push((which, ciphertext, plaintext));
            }
        }
    }
}

/// A ciphertext decrypts, or its version was forbidden by now.
async fn check(server: &Server, name: &str, ciphertext: &str, plaintext: &str) {
    let body = json!({"ciphertext": ciphertext});
    match server.try_post(&format!("decrypt/{name}"), body).await {
        Ok(answer) => assert_eq!(answer.data["plaintext"], plaintext),
        Err(error) => {
            let too_old = "ciphertext or signature version is disallowed by policy (too old)";
            assert_eq!(error.to_string(), too_old);
            let key = server.read_key(name).await.unwrap();
            let latest = key["latest_version"].as_u64().unwrap();
            assert!(
                version_of(ciphertext) < latest,
                "the latest may always be used"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_and_no_ciphertext_is_lost_among_many_tasks() {
    let server = Arc::new(Server::start().await);
    for name in NAMES {
        server.ok(&format!("keys/{name}"), json!({})).await;
    }
    let ledger = Arc::new(Ledger::default());
    let tasks: Vec<_> = (0..32)
        .map(|seed| tokio::spawn(work(Arc::clone(&server), Arc::clone(&ledger), seed)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    for (which, name) in NAMES.into_iter().enumerate() {
        let key = server.read_key(name).await.unwrap();
        let number = |field: &str| key[field].as_u64().unwrap();
        let rotations = ledger.rotations[which].load(Ordering::SeqCst);
        assert_eq!(
            number("latest_version"),
            1 + rotations,
            "no rotation is lost"
        );
        let shown: Vec<u64> = {
            let mut shown: Vec<_> = key["keys"]
                .as_object()
                .unwrap()
                .keys()
                .map(|k| k.parse().unwrap())
                .collect();
            shown.sort_unstable();
            shown
        };
        let expected: Vec<_> =
            (number("min_decryption_version")..=number("latest_version")).collect();
        assert_eq!(shown, expected, "versions are contiguous");

        // Everything that was not trimmed decrypts once the minimum allows it.
        let available = number("min_available_version").max(1);
        server
            .ok(
                &format!("keys/{name}/config"),
                json!({"min_decryption_version": available}),
            )
            .await;
        let ciphertexts = ledger.ciphertexts.lock().clone();
        for (of, ciphertext, plaintext) in ciphertexts {
            if of != which || version_of(&ciphertext) < available {
                continue;
            }
            let data = server
                .ok(
                    &format!("decrypt/{name}"),
                    json!({"ciphertext": ciphertext}),
                )
                .await;
            assert_eq!(data["plaintext"], plaintext);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settings_made_at_the_same_time_are_all_there() {
    let server = Arc::new(Server::start().await);
    for round in 0..20 {
        let name = format!("k{round}");
        server.ok(&format!("keys/{name}"), json!({})).await;
        let changes = [
            json!({"exportable": true}),
            json!({"allow_plaintext_backup": true}),
            json!({"deletion_allowed": true}),
            json!({"auto_rotate_period": "24h"}),
        ];
        let tasks = changes.map(|change| {
            let (server, path) = (Arc::clone(&server), format!("keys/{name}/config"));
            tokio::spawn(async move { server.ok(&path, change).await })
        });
        for task in tasks {
            task.await.unwrap();
        }
        let key = server.read_key(&name).await.unwrap();
        for (field, value) in [
            ("exportable", json!(true)),
            ("allow_plaintext_backup", json!(true)),
            ("deletion_allowed", json!(true)),
            ("auto_rotate_period", json!(86_400)),
        ] {
            assert_eq!(key[field], value, "{field}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_encryptions_of_a_new_key_agree_on_one() {
    let server = Arc::new(Server::start().await);
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { server.encrypt("new", HELLO).await })
        })
        .collect();
    for task in tasks {
        let ciphertext = task.await.unwrap();
        let data = server
            .ok("decrypt/new", json!({"ciphertext": ciphertext}))
            .await;
        assert_eq!(data["plaintext"], HELLO);
    }
    assert_eq!(server.read_key("new").await.unwrap()["latest_version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_was_deleted_encrypts_and_decrypts_no_more() {
    let server = Arc::new(Server::start().await);
    server
        .ok("config/keys", json!({"disable_upsert": true}))
        .await;
    for round in 0..20 {
        let name = format!("k{round}");
        server.ok(&format!("keys/{name}"), json!({})).await;
        server
            .ok(
                &format!("keys/{name}/config"),
                json!({"deletion_allowed": true}),
            )
            .await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (server, path) = (Arc::clone(&server), format!("encrypt/{name}"));
                tokio::spawn(async move {
                    for _ in 0..5 {
                        match server.try_post(&path, json!({"plaintext": HELLO})).await {
                            Ok(answer) => assert_eq!(answer.data["key_version"], 1),
                            Err(error) => assert_eq!(error.to_string(), "encryption key not found"),
                        }
                    }
                })
            })
            .collect();
        let path = format!("transit/keys/{name}");
        server
            .ask(Operation::Delete, &path, json!({}))
            .await
            .unwrap();
        let late = server
            .refused(&format!("encrypt/{name}"), json!({"plaintext": ""}))
            .await;
        assert_eq!(late, "encryption key not found");
        for task in tasks {
            task.await.unwrap();
        }
        let late = server
            .refused(&format!("encrypt/{name}"), json!({"plaintext": ""}))
            .await;
        assert_eq!(late, "encryption key not found");
    }
}
